#include "cmd.h"

#include "keeper.h"
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <mq/handler.h>
#include <mq/log.h>
#include <mq/supervisor.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE "run"

/* Drain (4 s) and grace together stay below the 5 s that some service units leave. */
#define GRACE_MS 900
/* At the start a locked database is waited for as long as the application itself would; a running
 * pool must not stand still for a new configuration. */
#define START_BUSY_MS  30000
#define RELOAD_BUSY_MS 2000

struct pool_ctx {
	const struct mq_cmd *cmd;
	const struct mq_config *config;
	struct mq_config *reloaded; /* owned, when config is not the command's own */
	bool drain;
};

/* ---------------------------------------------------------------- children */

static int keeper_main(void *ctx, const struct mq_child *child)
{
	const struct pool_ctx *pool = ctx;
	const struct mq_keeper_options options = {
		.driver = &mq_queue_driver_sqlite,
		.database = pool->config->database,
		.key_file = pool->config->key_file,
		.workers = pool->config->workers,
		.serves = mq_runner_serves,
		.ctx = (void *)(uintptr_t)pool->config,
		.drain_when_empty = pool->drain,
	};

	return mq_keeper_main(&options, child);
}

static int worker_main(void *ctx, const struct mq_child *child)
{
	const struct pool_ctx *pool = ctx;
	const struct mq_runner_options options = {
		.driver = &mq_queue_driver_sqlite,
		.config = pool->config,
		.report_dirs = mq_cmd_report_dirs(pool->config),
		.version = MQ_VERSION,
	};

	return mq_runner_main(&options, child);
}

/* ---------------------------------------------------------------- preflight */

/* 0 when files can be made in it, else why not. access(2) alone takes a file for a folder that is
 * not searched. */
static int folder_trouble(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return ENOTDIR;
	return access(path, W_OK | X_OK) == 0 ? 0 : errno;
}

static void check_folders(const struct mq_config *config)
{
	const char *const folders[] = { config->exports_dir, config->temp_dir, config->cache_dir,
					config->backups_dir };

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		int trouble = folder_trouble(folders[i]);

		if (trouble)
			mq_log(MQ_LOG_WARNING, MODULE,
			       "'%s' cannot be written (%s): jobs that need it will fail%s",
			       folders[i], strerror(trouble),
			       trouble == ENOENT ? "; mq-worker init makes the folders" : "");
	}
}

static enum mq_rc try_database(const struct mq_config *config, int64_t busy_ms, struct mq_err *err)
{
	const struct mq_queue_options options = {
		.database = config->database,
		.key_file = config->key_file,
		.busy_ms = busy_ms,
	};
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;

	return mq_queue_open(&mq_queue_driver_sqlite, &options, &queue, err);
}

/* The child's whole answer goes through the pipe: SQLite must not be used in the process that forks
 * the pool. */
static _Noreturn void preflight_child(const struct mq_config *config, int64_t busy_ms,
				      int answer_fd)
{
	struct mq_err err = { .rc = MQ_OK };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (try_database(config, busy_ms, &err) == MQ_OK) {
		check_folders(config);
		err = (struct mq_err){ .rc = MQ_OK };
	}
	_exit(write(answer_fd, &err, sizeof err) == (ssize_t)sizeof err ? EXIT_SUCCESS
									: EXIT_FAILURE);
}

/* Opens the database once and brings its schema up to date, in a process of its own. */
static enum mq_rc preflight(const struct mq_config *config, int64_t busy_ms, struct mq_err *err)
{
	struct mq_err answer;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return mq_err_sys(err, errno, "make a pipe");
	fflush(NULL);
	pid_t pid = fork();

	if (pid == 0)
		preflight_child(config, busy_ms, fds[1]);
	close(fds[1]);
	MQ_AUTO_FD
	int answer_fd = fds[0];

	if (pid < 0)
		return mq_err_sys(err, errno, "start a process that tries the database");
	ssize_t n = read(answer_fd, &answer, sizeof answer);
	int status = 0;

	waitpid(pid, &status, 0);
	if (n != (ssize_t)sizeof answer)
		return mq_err_set(err, MQ_E_BUG, 0,
				  "the process that tried the database ended by %s %d",
				  WIFSIGNALED(status) ? "signal" : "status",
				  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (answer.rc != MQ_OK)
		*err = answer;
	return answer.rc;
}

/* ---------------------------------------------------------------- reload */

static enum mq_rc reload(void *ctx, int *ret_workers, int64_t *ret_drain_ms, struct mq_err *err)
{
	struct pool_ctx *pool = ctx;
	MQ_AUTO(mq_config) struct mq_config *fresh = NULL;

	/* Tried as at the start: a database that cannot be used must not reach the children, they
	 * would end the pool. */
	if (mq_config_load(pool->cmd->sources, &fresh, err) != MQ_OK ||
	    preflight(fresh, RELOAD_BUSY_MS, err) != MQ_OK)
		return err->rc;
	mq_log_set_level(fresh->log_level);
	*ret_workers = (int)fresh->workers;
	*ret_drain_ms = fresh->drain_ms;
	mq_config_free(pool->reloaded);
	pool->reloaded = MQ_STEAL(fresh);
	pool->config = pool->reloaded;
	return MQ_OK;
}

static const struct mq_supervisor_ops ops = {
	.keeper_main = keeper_main,
	.worker_main = worker_main,
	.reload = reload,
};

/* ---------------------------------------------------------------- the command */

/* With a database key in memory, neither a core file nor a debugger of the same user may show it.
 */
static void harden(const struct mq_config *config)
{
	static const struct rlimit none = { 0, 0 };

	umask(027);
	if (!config->key_file)
		return;
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

static int run(struct mq_cmd *cmd)
{
	struct pool_ctx pool = {
		.cmd = cmd,
		.config = cmd->config,
		.drain = mq_cmd_value(cmd, "--drain") != NULL,
	};
	const struct mq_supervisor_options options = {
		.ops = &ops,
		.ctx = &pool,
		.workers = (int)cmd->config->workers,
		.drain_ms = cmd->config->drain_ms,
		.grace_ms = GRACE_MS,
		.drain_when_empty = pool.drain,
	};
	struct mq_err err = { 0 };

	if (cmd->argc > 0)
		return mq_cmd_usage(cmd, "run takes no argument '%s'", cmd->argv[0]);
	harden(cmd->config);
	if (preflight(cmd->config, START_BUSY_MS, &err) != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	int status = mq_supervisor_run(&options);

	mq_config_free(pool.reloaded);
	return status;
}

static const struct mq_cmd_option options[] = {
	{ "--workers", "N", "so many worker processes (default: one a processor)", "pool.workers" },
	{ "--only", "GLOB", "run these kinds alone, such as 'media.*'", "pool.only" },
	{ "--except", "GLOB", "leave these kinds to other pools", "pool.except" },
	{ "--drain", NULL, "end when nothing is left to do", NULL },
	{ 0 },
};

const struct mq_command mq_cmd_run = {
	.name = "run",
	.args = "",
	.summary = "Run jobs: a supervisor, a keeper and worker processes",
	.examples = "mq-worker run\n"
		    "mq-worker run --workers 8\n"
		    "mq-worker run --only 'media.*' --workers 2\n"
		    "mq-worker run --drain\n",
	.details = "Signals to the process that was started:\n"
		   "  TERM, INT   finish running jobs, then end; again: interrupt them, they go "
		   "back unharmed\n"
		   "  HUP         read the configuration again and replace the workers one after "
		   "another\n"
		   "  TTIN, TTOU  one worker more, one worker less\n",
	.options = options,
	.run = run,
};
