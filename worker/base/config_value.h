/* One setting: what it is, and the value that was found for it. */
#ifndef MQ_CONFIG_VALUE_H
#define MQ_CONFIG_VALUE_H

#include "config_private.h"

#define MQ_CONFIG_ENV_NAMES 2

enum mq_config_type {
	MQ_CONFIG_INT,	    /* int64_t */
	MQ_CONFIG_DURATION, /* int64_t, milliseconds */
	MQ_CONFIG_BACKOFF, /* BASE or BASE..MAX: two int64_t, milliseconds; the second is -1 without
			      MAX */
	MQ_CONFIG_BOOL,	   /* bool */
	MQ_CONFIG_LEVEL,   /* enum mq_log_level */
	MQ_CONFIG_GLOBS,   /* const char *, borrowed; so the two below */
	MQ_CONFIG_URL,
	MQ_CONFIG_PATH, /* made absolute by config.c */
	MQ_CONFIG_TYPE_COUNT
};

struct mq_config_setting {
	const char *section; /* NULL: of every [kind.GLOB] */
	const char *key;
	const char *env[MQ_CONFIG_ENV_NAMES]; /* the first one that is set counts */
	const char *standard;		      /* NULL: not set */
	size_t offset;			      /* in struct mq_config or struct mq_config_kind */
	enum mq_config_type type;
	int64_t min, max; /* INT; DURATION and BACKOFF in milliseconds */
	const char *help;
};

struct mq_config_value {
	char *text; /* NULL: not set */
	char *origin;
	char *path; /* PATH: absolute */
	int line;   /* of the file it came from last; 0: elsewhere */
};

/*
 * Whether the text is a value of the setting; then it is written to *dest, which has the setting's
 * type.
 */
bool mq_config_value_parse(const struct mq_config_setting *setting, const char *text, void *dest);
/*
 * Checks the text and keeps it, over what was there. `name` is section.key. MQ_E_INVALID says what
 * would be right; two lines of one file for one setting are wrong, too.
 */
enum mq_rc mq_config_value_set(struct mq_config_value *value,
			       const struct mq_config_setting *setting, const char *name,
			       const char *text, const struct mq_config_place *place,
			       struct mq_err *err);
void mq_config_value_free(struct mq_config_value *value);

bool mq_config_is_glob_list(const char *text);
/* "FILE:LINE" or the name of the place. Freed by the caller. */
char *mq_config_place_text(const struct mq_config_place *place);

#endif
