/*
 * Commands: one file each, one const table at its end. main.c finds the command, reads the options that its table
 * declares, loads the configuration and calls `run`.
 *
 * Results go to standard output, messages to standard error. With --json every result is one JSON object a line.
 */
#ifndef MQ_CMD_H
#define MQ_CMD_H

#include <mq/config.h>
#include <mq/err.h>
#include <mq/queue.h>
#include <stdio.h>

/* Exit statuses that are no mq_rc (those are in err.h's table and in mq-worker(1)). */
#define MQ_EXIT_USAGE 2

struct mq_cmd;

struct mq_cmd_option {
	const char *name;    /* "--priority" */
	const char *arg;     /* "N"; NULL: a switch */
	const char *help;
	const char *setting; /* the option means this setting ("pool.workers"); NULL: the command reads it itself */
};

struct mq_command {
	const char *name;
	const char *args;    /* "KIND [JSON]" */
	const char *summary; /* one line */
	const char *examples; /* shown first by --help; complete lines, each ends with \n */
	const char *details;  /* shown last; may be NULL */
	const struct mq_cmd_option *options; /* ends with an all-zero row; may be NULL */
	bool no_config;	      /* runs without loading the configuration */
	int (*run)(struct mq_cmd *cmd); /* returns the exit status */
};

struct mq_cmd {
	const struct mq_command *command;
	const struct mq_config *config;
	const struct mq_config_sources *sources; /* what `config` was loaded from, to load it again */
	bool json;
	bool color;	/* standard output is a terminal, NO_COLOR is not set */
	int argc;	/* positional arguments */
	char **argv;
	const char **values; /* one an option of the table; NULL: not given; "" for a switch that was */
};

/* The value of an option of this command's table, NULL when it was not given. */
const char *mq_cmd_value(const struct mq_cmd *cmd, const char *option);

/* Opens the queue that the configuration names. */
enum mq_rc mq_cmd_queue(const struct mq_cmd *cmd, bool read_only, struct mq_queue **ret, struct mq_err *err);

/* "mq-worker: <text>" on standard error (a JSON object with --json); returns the exit status that belongs to err->rc. */
int mq_cmd_fail(const struct mq_cmd *cmd, const struct mq_err *err);
/* As mq_cmd_fail() for a wrong argument: adds the usage line; MQ_EXIT_USAGE. */
int mq_cmd_usage(const struct mq_cmd *cmd, const char *fmt, ...) MQ_PRINTF(2, 3);

#endif
