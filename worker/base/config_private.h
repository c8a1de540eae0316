/* Between config.c (settings and their values) and config_ini.c (the file's lines). */
#ifndef MQ_CONFIG_PRIVATE_H
#define MQ_CONFIG_PRIVATE_H

#include <mq/config.h>

#define MQ_CONFIG_KIND_PREFIX "kind."

struct mq_config_private;

/* Where a value was found: the start of error texts and what `mq-worker config` prints. */
struct mq_config_place {
	const char *name; /* "/etc/x.conf", "environment DATA_DIR", "option" */
	int line;	  /* of the file; 0 elsewhere */
};

/* MQ_E_INVALID unless there is such a section; names the nearest one. */
enum mq_rc mq_config_section_check(const char *section, const struct mq_config_place *place,
				   struct mq_err *err);
/*
 * Checks and keeps one value, over what was there. Two of one file's lines for one setting are an
 * error.
 */
enum mq_rc mq_config_assign(struct mq_config_private *priv, const char *section, const char *key,
			    const char *text, const struct mq_config_place *place,
			    struct mq_err *err);
/* The value goes on in an indented line: `more` is put behind it. */
enum mq_rc mq_config_continue(struct mq_config_private *priv, const char *section, const char *key,
			      const char *more, const struct mq_config_place *place,
			      struct mq_err *err);
/* Reads a file line by line into mq_config_assign(). MQ_E_NOTFOUND when there is no such file. */
enum mq_rc mq_config_ini_read(struct mq_config_private *priv, const char *file, struct mq_err *err);

#endif
