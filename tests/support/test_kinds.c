/* Job kinds for tests: each does one thing that a pool must survive. Only mq-worker-test has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <mq/clock.h>
#include <mq/handler.h>
#include <mq/str.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- test.noop */

static enum mq_rc noop(struct mq_run *run, const void *params, struct mq_err *err)
{
	(void)run;
	(void)params;
	(void)err;
	return MQ_OK;
}

extern const struct mq_handler mq_handler_test_noop;
const struct mq_handler mq_handler_test_noop = {
	.kind = "test.noop",
	.summary = "Do nothing",
	.max_attempts = 3,
	.run = noop,
};

/* ---------------------------------------------------------------- test.fail */

struct fail_params {
	const char *rc;
	int64_t times;
	bool silent;
};

static const struct mq_field fail_fields[] = {
	{ .name = "rc",
	  .type = MQ_FIELD_STR,
	  .offset = offsetof(struct fail_params, rc),
	  .required = true,
	  .help = "name of the error code" },
	{ .name = "times",
	  .type = MQ_FIELD_INT,
	  .offset = offsetof(struct fail_params, times),
	  .help = "fail in so many attempts; 0: in all" },
	{ .name = "silent",
	  .type = MQ_FIELD_BOOL,
	  .offset = offsetof(struct fail_params, silent),
	  .help = "give no reason" },
	{ 0 },
};

static enum mq_rc fail(struct mq_run *run, const void *params, struct mq_err *err)
{
	const struct fail_params *p = params;

	if (p->times && mq_run_attempt(run) > p->times)
		return MQ_OK;
	for (int rc = 1; rc < MQ_RC_COUNT; rc++) {
		if (strcmp(mq_rc_info((enum mq_rc)rc)->name, p->rc) != 0)
			continue;
		return p->silent ? (enum mq_rc)rc
				 : mq_err_set(err, (enum mq_rc)rc, 0, "told to fail with '%s'",
					      p->rc);
	}
	return mq_err_set(err, MQ_E_INVALID, 0, "no error code is named '%s'", p->rc);
}

extern const struct mq_handler mq_handler_test_fail;
const struct mq_handler mq_handler_test_fail = {
	.kind = "test.fail",
	.summary = "Fail in a given way",
	.max_attempts = 4,
	.params_size = sizeof(struct fail_params),
	.fields = fail_fields,
	.run = fail,
};

/* ---------------------------------------------------------------- test.effect */

struct effect_params {
	const char *sql;
};

static const struct mq_field effect_fields[] = {
	{ .name = "sql",
	  .type = MQ_FIELD_STR,
	  .offset = offsetof(struct effect_params, sql),
	  .help = "another statement" },
	{ 0 },
};

static enum mq_rc add_effect(struct mq_run *run, struct mq_err *err)
{
	return mq_run_effect(run, "INSERT INTO test_effects (job_id, attempt) VALUES (?1, ?2)",
			     json_pack("[I, I]", (json_int_t)mq_run_job_id(run),
				       (json_int_t)mq_run_attempt(run)),
			     err);
}

static enum mq_rc effect(struct mq_run *run, const void *params, struct mq_err *err)
{
	const struct effect_params *p = params;

	mq_run_result(run, json_pack("{s:I}", "attempt", (json_int_t)mq_run_attempt(run)));
	if (add_effect(run, err) != MQ_OK)
		return err->rc;
	return p->sql ? mq_run_effect(run, p->sql, NULL, err) : MQ_OK;
}

extern const struct mq_handler mq_handler_test_effect;
const struct mq_handler mq_handler_test_effect = {
	.kind = "test.effect",
	.summary = "Insert one row into test_effects when it succeeds",
	.max_attempts = 3,
	.params_size = sizeof(struct effect_params),
	.fields = effect_fields,
	.run = effect,
};

/* ---------------------------------------------------------------- test.block */

struct block_params {
	const char *fifo, *release;
};

static const struct mq_field block_fields[] = {
	{ .name = "fifo",
	  .type = MQ_FIELD_STR,
	  .offset = offsetof(struct block_params, fifo),
	  .required = true,
	  .help = "gets a line 'JOB ATTEMPT PID TOOL' when the job runs" },
	{ .name = "release",
	  .type = MQ_FIELD_STR,
	  .offset = offsetof(struct block_params, release),
	  .help = "a FIFO from which one byte ends the job" },
	{ 0 },
};

static enum mq_rc announce(struct mq_run *run, const char *fifo, pid_t tool, struct mq_err *err)
{
	MQ_AUTO_FD int fd = open(fifo, O_WRONLY | O_CLOEXEC);
	MQ_AUTO_FREE char *line = mq_strf("%lld %lld %d %d\n", (long long)mq_run_job_id(run),
					  (long long)mq_run_attempt(run), (int)getpid(), (int)tool);

	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		return mq_err_sys(err, errno, "write to '%s'", fifo);
	return MQ_OK;
}

static enum mq_rc block(struct mq_run *run, const void *params, struct mq_err *err)
{
	const struct block_params *p = params;
	MQ_AUTO_FD int release =
		p->release ? open(p->release, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
	struct pollfd end = { .fd = release, .events = POLLIN };
	char byte;

	if (announce(run, p->fifo, 0, err) != MQ_OK)
		return err->rc;
	while (mq_run_beat(run, 0, 0, NULL, err) == MQ_OK)
		if (poll(&end, 1, 5) == 1 && read(release, &byte, 1) == 1)
			return add_effect(run, err);
	return err->rc;
}

extern const struct mq_handler mq_handler_test_block;
const struct mq_handler mq_handler_test_block = {
	.kind = "test.block",
	.summary = "Run until released or told to stop",
	.max_attempts = 3,
	.params_size = sizeof(struct block_params),
	.fields = block_fields,
	.run = block,
};

/* ---------------------------------------------------------------- test.deaf */

static enum mq_rc deaf(struct mq_run *run, const void *params, struct mq_err *err)
{
	const struct block_params *p = params;
	pid_t tool = fork();

	if (tool == 0)
		for (;;)
			pause();
	if (announce(run, p->fifo, tool, err) != MQ_OK)
		return err->rc;
	for (;;)
		pause();
}

extern const struct mq_handler mq_handler_test_deaf;
const struct mq_handler mq_handler_test_deaf = {
	.kind = "test.deaf",
	.summary = "Run for ever with a process of its own, and listen to nobody",
	.max_attempts = 3,
	.params_size = sizeof(struct block_params),
	.fields = block_fields,
	.run = deaf,
};

/* ---------------------------------------------------------------- test.crash */

struct crash_params {
	int64_t signal, times, status;
};

static const struct mq_field crash_fields[] = {
	{ .name = "signal",
	  .type = MQ_FIELD_INT,
	  .offset = offsetof(struct crash_params, signal),
	  .help = "0: exit with `status` instead",
	  .max = 64 },
	{ .name = "times",
	  .type = MQ_FIELD_INT,
	  .offset = offsetof(struct crash_params, times),
	  .help = "crash in so many attempts; 0: in all" },
	{ .name = "status",
	  .type = MQ_FIELD_INT,
	  .offset = offsetof(struct crash_params, status),
	  .help = "exit status",
	  .max = 77 },
	{ 0 },
};

static enum mq_rc crash(struct mq_run *run, const void *params, struct mq_err *err)
{
	const struct crash_params *p = params;

	(void)err;
	if (p->times && mq_run_attempt(run) > p->times)
		return MQ_OK;
	if (p->signal == 0)
		_exit((int)p->status);
	/* A sanitizer's handler would turn the signal into an exit status. */
	signal((int)p->signal, SIG_DFL);
	raise((int)p->signal);
	return MQ_OK;
}

extern const struct mq_handler mq_handler_test_crash;
const struct mq_handler mq_handler_test_crash = {
	.kind = "test.crash",
	.summary = "End the worker in the middle of the job",
	.max_attempts = 10,
	.params_size = sizeof(struct crash_params),
	.fields = crash_fields,
	.run = crash,
};

/* ---------------------------------------------------------------- test.leak */

static enum mq_rc leak(struct mq_run *run, const void *params, struct mq_err *err)
{
	const struct crash_params *p = params;
	const char *dir = NULL;

	if (p->times && mq_run_attempt(run) > p->times)
		return MQ_OK;
	if (mq_run_workdir(run, &dir, err) != MQ_OK)
		return err->rc;
	MQ_AUTO_FREE char *path = mq_strf("%s/left-behind", dir);
	FILE *file = fopen(path, "w");

	if (!file)
		return mq_err_sys(err, errno, "make '%s'", path);
	fclose(file);
	return crash(run, params, err);
}

extern const struct mq_handler mq_handler_test_leak;
const struct mq_handler mq_handler_test_leak = {
	.kind = "test.leak",
	.summary = "End the worker with a file in its work directory",
	.max_attempts = 3,
	.params_size = sizeof(struct crash_params),
	.fields = crash_fields,
	.run = leak,
};

/* ---------------------------------------------------------------- test.spin */

struct spin_params {
	int64_t ms;
};

static const struct mq_field spin_fields[] = {
	{ .name = "ms",
	  .type = MQ_FIELD_INT,
	  .offset = offsetof(struct spin_params, ms),
	  .required = true,
	  .help = "for so long" },
	{ 0 },
};

static enum mq_rc spin(struct mq_run *run, const void *params, struct mq_err *err)
{
	const struct spin_params *p = params;
	int64_t began_us = mq_clock_mono_us(), left_us = p->ms * 1000, done_us = 0;

	while (done_us < left_us) {
		if (mq_run_beat(run, done_us, left_us, "spinning", err) != MQ_OK)
			return err->rc;
		done_us = mq_clock_mono_us() - began_us;
	}
	return MQ_OK;
}

extern const struct mq_handler mq_handler_test_spin;
const struct mq_handler mq_handler_test_spin = {
	.kind = "test.spin",
	.summary = "Use a processor and report progress",
	.max_attempts = 3,
	.params_size = sizeof(struct spin_params),
	.fields = spin_fields,
	.run = spin,
};
