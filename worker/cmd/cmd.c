#include "cmd.h"
#include "table.h"
#include <limits.h>
#include <mq/clock.h>
#include <mq/str.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As long as the application itself waits for a lock. */
#define BUSY_MS 30000

const char *mq_cmd_value(const struct mq_cmd *cmd, const char *option)
{
	const struct mq_cmd_option *options = cmd->command->options;
	for (size_t i = 0; options && options[i].name; i++)
		if (strcmp(options[i].name, option) == 0)
			return cmd->values[i];
	return NULL;
}

enum mq_rc mq_cmd_queue(const struct mq_cmd *cmd, bool read_only, struct mq_queue **ret,
			struct mq_err *err)
{
	const struct mq_queue_options options = { .database = cmd->config->database,
						  .key_file = cmd->config->key_file,
						  .busy_ms = BUSY_MS,
						  .read_only = read_only };
	return mq_queue_open(&mq_queue_driver_sqlite, &options, ret, err);
}

/*
 * Beside the program, so that an installed tree may be moved; else where it was meant to be
 * installed.
 */
static const char *own_report_dir(void)
{
	static char dir[PATH_MAX];
	char program[PATH_MAX];
	struct stat st;
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	program[len > 0 ? len : 0] = '\0';
	MQ_AUTO_FREE char *beside = mq_strf("%s/../../share/mq-worker/reports", program);
	MQ_AUTO_FREE char *path = mq_path_absolute(beside, "/");
	bool found = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	snprintf(dir, sizeof dir, "%s", found ? path : MQ_REPORTS_DIR);
	return dir;
}

const char *const *mq_cmd_report_dirs(const struct mq_config *config)
{
	static const char *dirs[3];
	dirs[0] = own_report_dir();
	dirs[1] = config->reports_dir;
	return dirs;
}

void mq_cmd_json(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	putchar('\n');
	json_decref(object);
}

static void message(const struct mq_cmd *cmd, const char *code, const char *text, int exit_status)
{
	if (!cmd->json) {
		MQ_AUTO_FREE char *printable = mq_strdup(text);
		mq_control_blank(printable);
		fprintf(stderr, "mq-worker: %s\n", printable);
		return;
	}
	struct mq_str line = { 0 };
	mq_str_puts(&line, "{\"error\":");
	mq_str_json(&line, code);
	mq_str_puts(&line, ",\"message\":");
	mq_str_json(&line, text);
	mq_str_printf(&line, ",\"exit_status\":%d}\n", exit_status);
	fputs(line.data, stderr);
	mq_str_free(&line);
}

int mq_cmd_fail(const struct mq_cmd *cmd, const struct mq_err *err)
{
	const struct mq_rc_info *info = mq_rc_info(err->rc);
	message(cmd, info->name, err->text, info->exit_status);
	return info->exit_status;
}

int mq_cmd_usage(const struct mq_cmd *cmd, const char *fmt, ...)
{
	char text[1000];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	message(cmd, "usage", text, MQ_EXIT_USAGE);
	if (cmd->json)
		return MQ_EXIT_USAGE;
	if (!cmd->command) {
		fputs("Try: mq-worker --help\n", stderr);
		return MQ_EXIT_USAGE;
	}
	mq_cmd_help_usage(stderr, cmd->command);
	fprintf(stderr, "More: mq-worker %s --help\n", cmd->command->name);
	return MQ_EXIT_USAGE;
}

struct mq_table *mq_cmd_table(const struct mq_cmd *cmd, const struct mq_table_column *columns,
			      const char *tag)
{
	const struct mq_table_style style = {
		.aligned = cmd->terminal, .color = cmd->color, .width = cmd->width, .tag = tag
	};
	return mq_table_new(stdout, columns, &style);
}

bool mq_cmd_ids(const struct mq_cmd *cmd, int64_t **ret_ids)
{
	MQ_AUTO_FREE int64_t *ids = mq_alloc((size_t)cmd->argc + 1, sizeof *ids);
	for (int i = 0; i < cmd->argc; i++)
		if (!mq_int_parse(cmd->argv[i], &ids[i]) || ids[i] <= 0) {
			mq_cmd_usage(cmd, "'%s' is no job id: write a number such as 42",
				     cmd->argv[i]);
			return false;
		}
	*ret_ids = MQ_STEAL(ids);
	return true;
}

bool mq_cmd_time(const struct mq_cmd *cmd, const char *option, int sign, int64_t *ret_us)
{
	const char *text = mq_cmd_value(cmd, option);
	*ret_us = 0;
	if (!text || mq_time_parse_input(text, mq_clock_wall_us(), sign, ret_us))
		return true;
	mq_cmd_usage(cmd,
		     "%s '%s' is no time: write 30min, 2h, 7d, now, 2025-11-03 or "
		     "'2025-11-03 12:00' (UTC)",
		     option, text);
	return false;
}

bool mq_cmd_int(const struct mq_cmd *cmd, const char *option, int64_t standard, int64_t min,
		int64_t max, int64_t *ret)
{
	const char *text = mq_cmd_value(cmd, option);
	*ret = standard;
	if (!text || (mq_int_parse(text, ret) && *ret >= min && *ret <= max))
		return true;
	mq_cmd_usage(cmd, "%s '%s' must be a whole number from %lld to %lld", option, text,
		     (long long)min, (long long)max);
	return false;
}
