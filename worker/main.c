/*
 * argv to command: reads the options, loads the configuration, runs, and makes sure that the output
 * arrived.
 */
#include "cmd/args.h"
#include <errno.h>
#include <fcntl.h>
#include <mq/str.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* In the order of --help: what is used most stands first. */
static const struct mq_command *const commands[] = {
	&mq_cmd_run,	&mq_cmd_enqueue, &mq_cmd_list,	&mq_cmd_show,	 &mq_cmd_retry,
	&mq_cmd_cancel, &mq_cmd_status,	 &mq_cmd_kinds, &mq_cmd_reports, &mq_cmd_init,
	&mq_cmd_config, &mq_cmd_doctor,	 NULL,
};

static void cipher_version(char *text, size_t size)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	snprintf(text, size, "none");
	if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "PRAGMA cipher_version", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		snprintf(text, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static int print_version(bool json)
{
	char cipher[64];
	cipher_version(cipher, sizeof cipher);
	if (json)
		mq_cmd_json(json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "version", MQ_VERSION,
				      "schema", mq_queue_schema_version(), "sqlite",
				      sqlite3_libversion(), "sqlcipher", cipher, "jansson",
				      jansson_version_str(), "openssl",
				      OpenSSL_version(OPENSSL_VERSION_STRING)));
	else
		printf("mq-worker %s\nschema %d, SQLite %s, SQLCipher %s, jansson %s, OpenSSL %s\n",
		       MQ_VERSION, mq_queue_schema_version(), sqlite3_libversion(), cipher,
		       jansson_version_str(), OpenSSL_version(OPENSSL_VERSION_STRING));
	return 0;
}

/*
 * Whoever started us with a standard descriptor closed would find the next file that is opened in
 * its place, and our output in that file. Opened the wrong way round, the descriptor still fails as
 * a closed one does.
 */
static void hold_standard_descriptors(void)
{
	static const int flags[] = { O_WRONLY, O_RDONLY, O_RDONLY };
	for (int fd = 0; fd < (int)(sizeof flags / sizeof flags[0]); fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", flags[fd]);
}

static void look_at_terminal(struct mq_cmd *cmd)
{
	struct winsize size;
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	cmd->terminal = isatty(STDOUT_FILENO) == 1;
	cmd->color =
		cmd->terminal && !(no_color && no_color[0]) && !(term && strcmp(term, "dumb") == 0);
	if (cmd->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		cmd->width = size.ws_col;
}

static int run_configured(struct mq_cmd *cmd, const struct mq_config_sources *sources)
{
	MQ_AUTO(mq_config) struct mq_config *config = NULL;
	struct mq_err err = { 0 };
	cmd->sources = sources;
	if (!cmd->command->no_config) {
		if (mq_config_load(sources, &config, &err) != MQ_OK)
			return mq_cmd_fail(cmd, &err);
		cmd->config = config;
		mq_log_set_level(config->log_level);
	}
	return cmd->command->run(cmd);
}

static int dispatch(const struct mq_args *args, struct mq_cmd *cmd)
{
	extern char **environ;
	if (args->version)
		return print_version(args->json);
	if (!cmd->command) {
		mq_cmd_help_all(commands);
		return 0;
	}
	if (args->help) {
		mq_cmd_help(cmd->command);
		return 0;
	}
	const struct mq_config_sources sources = { .file = args->config_file,
						   .assigns = args->assigns,
						   .environ_ = environ };
	return run_configured(cmd, &sources);
}

/* Whoever read our output has enough of it: no failure of ours. */
static bool reader_is_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* A result that did not arrive is a failure, whatever the command thought. */
static int close_output(const struct mq_cmd *cmd, int status)
{
	errno = 0;
	bool failed = ferror(stdout) != 0;
	failed |= fflush(stdout) != 0;
	if (!failed || reader_is_gone())
		return status;
	struct mq_err err;
	mq_err_sys(&err, errno ? errno : EIO, "standard output cannot be written");
	int own = mq_cmd_fail(cmd, &err);
	return status ? status : own;
}

int main(int argc, char **argv)
{
	__attribute__((cleanup(mq_args_cleanup))) struct mq_args args;
	struct mq_err err = { 0 };
	hold_standard_descriptors();
	/* A reader that goes away is an error of write(2), which can be told from others. */
	signal(SIGPIPE, SIG_IGN);
	enum mq_rc rc = mq_args_parse(commands, argc, argv, &args, &err);
	struct mq_cmd cmd = { .command = args.command,
			      .json = args.json,
			      .argc = args.n_operands,
			      .argv = args.operands,
			      .values = args.values };
	look_at_terminal(&cmd);
	int status = rc == MQ_OK ? dispatch(&args, &cmd) : mq_cmd_usage(&cmd, "%s", err.text);
	return close_output(&cmd, status);
}
