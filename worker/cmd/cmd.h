/*
 * Commands: one file each, one const table at its end. main.c finds the command, reads the options
 * that its table declares, loads the configuration and calls `run`.
 *
 * Results go to standard output, messages to standard error. With --json every result is one JSON
 * object a line.
 */
#ifndef MQ_CMD_H
#define MQ_CMD_H

#include <jansson.h>
#include <mq/config.h>
#include <mq/err.h>
#include <mq/queue.h>
#include <stdio.h>

struct mq_table;
struct mq_table_column;

/* Exit statuses that are no mq_rc (those are in err.h's table and in mq-worker(1)). */
#define MQ_EXIT_USAGE 2

struct mq_cmd;

struct mq_cmd_option {
	const char *name; /* "--priority" */
	const char *arg;  /* "N"; NULL: a switch */
	const char *help;
	const char *setting; /* the option means this setting ("pool.workers"); NULL: the command
				reads it itself */
};

struct mq_command {
	const char *name;
	const char *args;     /* "KIND [JSON]" */
	const char *summary;  /* one line */
	const char *examples; /* shown first by --help; complete lines, each ends with \n */
	const char *details;  /* shown last; may be NULL */
	const struct mq_cmd_option *options; /* ends with an all-zero row; may be NULL */
	bool no_config;			     /* runs without loading the configuration */
	int (*run)(struct mq_cmd *cmd);	     /* returns the exit status */
};

struct mq_cmd {
	const struct mq_command *command;
	const struct mq_config *config;
	const struct mq_config_sources
		*sources; /* what `config` was loaded from, to load it again */
	bool json;
	bool terminal; /* standard output is one */
	bool color;    /* it is a terminal, and NO_COLOR is not set */
	int width;     /* of the terminal; 0: unknown */
	int argc;      /* positional arguments */
	char **argv;
	const char *
		*values; /* one an option of the table; NULL: not given; "" for a switch that was */
};

/* One a file of this folder: cmd_run.c exports mq_cmd_run. main.c lists them. */
extern const struct mq_command mq_cmd_cancel, mq_cmd_config, mq_cmd_doctor, mq_cmd_enqueue,
	mq_cmd_init, mq_cmd_kinds, mq_cmd_list, mq_cmd_reports, mq_cmd_retry, mq_cmd_run,
	mq_cmd_show, mq_cmd_status;

/* The value of an option of this command's table, NULL when it was not given. */
const char *mq_cmd_value(const struct mq_cmd *cmd, const char *option);

/* Opens the queue that the configuration names. */
enum mq_rc mq_cmd_queue(const struct mq_cmd *cmd, bool read_only, struct mq_queue **ret,
			struct mq_err *err);

/*
 * "mq-worker: <text>" on standard error (a JSON object with --json); returns the exit status that
 * belongs to err->rc.
 */
int mq_cmd_fail(const struct mq_cmd *cmd, const struct mq_err *err);
/* As mq_cmd_fail() for a wrong argument: adds the usage line; MQ_EXIT_USAGE. */
int mq_cmd_usage(const struct mq_cmd *cmd, const char *fmt, ...) MQ_PRINTF(2, 3);

/*
 * Where report files are: those that came with the program, then [data] reports_dir. Ends with
 * NULL. The array is overwritten by the next call, its second entry belongs to `config`.
 */
const char *const *mq_cmd_report_dirs(const struct mq_config *config);

/*
 * A table (table.h) on standard output in the form that fits it. `tag` names the rows where a
 * command prints several.
 */
struct mq_table *mq_cmd_table(const struct mq_cmd *cmd, const struct mq_table_column *columns,
			      const char *tag);
/* One line of --json; takes over the reference. */
void mq_cmd_json(json_t *object);

/* The operands as job ids; false after mq_cmd_usage(). *ret_ids is freed by the caller. */
bool mq_cmd_ids(const struct mq_cmd *cmd, int64_t **ret_ids);
/*
 * Value of a time option (sign as in mq_time_parse_input), 0 when it was not given; false after
 * mq_cmd_usage().
 */
bool mq_cmd_time(const struct mq_cmd *cmd, const char *option, int sign, int64_t *ret_us);
/* Value of a whole number, `standard` when it was not given; false after mq_cmd_usage(). */
bool mq_cmd_int(const struct mq_cmd *cmd, const char *option, int64_t standard, int64_t min,
		int64_t max, int64_t *ret);

/* Help texts on standard output. */
void mq_cmd_help(const struct mq_command *command);
void mq_cmd_help_all(const struct mq_command *const *commands);
/* The usage line without its end, "usage: mq-worker show ID [OPTION..]". */
void mq_cmd_help_usage(FILE *out, const struct mq_command *command);

#endif
