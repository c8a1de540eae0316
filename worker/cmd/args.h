/* From argv to a command and its options. Nothing is loaded or run here. */
#ifndef MQ_CMD_ARGS_H
#define MQ_CMD_ARGS_H

#include "cmd.h"

struct mq_args {
	const struct mq_command *command; /* NULL: none was named */
	bool help, version, json;
	const char *config_file;
	const char **assigns; /* "section.key=value", ends with NULL */
	char **operands;      /* ends with NULL */
	int n_operands;
	const char **values; /* one an option of the command; NULL without a command */
	char **owned;	     /* texts that were put together here */
};

/* Options that every command takes; ends with an all-zero row. */
extern const struct mq_cmd_option mq_args_global[];

/*
 * Options may stand anywhere, `--` ends them, `--name value` and `--name=value` are the same,
 * `--retry` names the command retry. The strings of argv are borrowed. MQ_E_INVALID: a wrong
 * command or option, with the nearest right one. *ret is to be freed in any case and tells what was
 * understood.
 */
enum mq_rc mq_args_parse(const struct mq_command *const *commands, int argc, char **argv,
			 struct mq_args *ret, struct mq_err *err);
void mq_args_free(struct mq_args *args);

static inline void mq_args_cleanup(struct mq_args *args)
{
	mq_args_free(args);
}

#endif
