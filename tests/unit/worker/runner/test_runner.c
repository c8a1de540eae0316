/* A worker as a process of its own on a real database, with handlers of this test; the test plays
 * the supervisor. */
#include "support/cmocka_all.h"

#include "runner.h"

#include <unit/queue/scratch.h>

#include <fcntl.h>
#include <mq/clock.h>
#include <mq/handler.h>
#include <mq/log.h>
#include <mq/str.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#define PATIENCE_MS 20000

/* ---------------------------------------------------------------- handlers */

static enum mq_rc done(struct mq_run *run, const void *params, struct mq_err *err)
{
	(void)params;
	(void)err;
	mq_run_result(run, json_pack("{s:I}", "attempt", (json_int_t)mq_run_attempt(run)));
	return MQ_OK;
}

static enum mq_rc until_stopped(struct mq_run *run, const void *params, struct mq_err *err)
{
	(void)params;
	while (mq_run_beat(run, 0, 0, NULL, err) == MQ_OK)
		poll(NULL, 0, 1);
	return err->rc;
}

static enum mq_rc wrong_code(struct mq_run *run, const void *params, struct mq_err *err)
{
	(void)run;
	(void)params;
	(void)err;
	return MQ_E_CORRUPT;
}

static const struct mq_handler handler_done = { .kind = "ours.done",
						.max_attempts = 1,
						.run = done };
static const struct mq_handler handler_until = {
	.kind = "ours.until", .max_attempts = 1, .timeout_s = 77, .run = until_stopped
};
static const struct mq_handler handler_wrong = { .kind = "ours.wrong",
						 .max_attempts = 1,
						 .run = wrong_code };
static const struct mq_handler handler_except = { .kind = "not.this",
						  .max_attempts = 1,
						  .run = done };

/* In the place of the program's own list (worker/jobs/registry.c). */
static const struct mq_handler *const handlers[] = { &handler_done, &handler_until, &handler_wrong,
						     &handler_except, NULL };

const struct mq_handler *const *mq_handlers(void)
{
	return handlers;
}

const struct mq_handler *mq_handler_find(const char *kind)
{
	for (size_t i = 0; handlers[i]; i++)
		if (strcmp(handlers[i]->kind, kind) == 0)
			return handlers[i];
	return NULL;
}

/* ---------------------------------------------------------------- the rig */

struct fixture {
	char *database;
	struct mq_config config;
	int channel_fd, doorbell_fd;
	pid_t worker;
	int64_t worker_id;
	struct mq_queue *queue; /* opened after the fork */
	struct mq_err err;
};

static struct mq_msg receive(struct fixture *f)
{
	struct pollfd in = { .fd = f->channel_fd, .events = POLLIN };
	struct mq_msg msg = { 0 };

	assert_int_equal(poll(&in, 1, PATIENCE_MS), 1);
	assert_int_equal(mq_channel_recv(f->channel_fd, &msg), 1);
	return msg;
}

static void expect(struct fixture *f, enum mq_msg_type type, int64_t a, int64_t b)
{
	struct mq_msg msg = receive(f);

	assert_int_equal(msg.type, type);
	assert_int_equal(msg.a, a);
	assert_int_equal(msg.b, b);
}

static void order(struct fixture *f, enum mq_msg_type type, int64_t a, int64_t b)
{
	const struct mq_msg msg = { .type = (int32_t)type, .a = a, .b = b };

	assert_int_equal(mq_channel_send(f->channel_fd, &msg, &f->err), MQ_OK);
}

static void fork_worker(struct fixture *f)
{
	const struct mq_runner_options options = { .driver = &mq_queue_driver_sqlite,
						   .config = &f->config,
						   .version = "1.2.3" };
	int pair[2];

	assert_int_equal(mq_channel_pair(pair, &f->err), MQ_OK);
	f->channel_fd = pair[0];
	f->doorbell_fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	f->worker = fork();
	if (f->worker == 0) {
		const struct mq_child child = { .slot = 1,
						.channel_fd = pair[1],
						.doorbell_fd = f->doorbell_fd };

		close(pair[0]);
		/* What it says is not the subject here. */
		mq_log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
		exit(mq_runner_main(&options, &child));
	}
	close(pair[1]);
}

static void start(struct fixture *f)
{
	fork_worker(f);
	struct mq_msg ready = receive(f);

	assert_int_equal(ready.type, MQ_MSG_READY);
	assert_true(ready.a > 0);
	f->worker_id = ready.a;
	f->queue = scratch_queue(f->database, PATIENCE_MS);
}

static int status_of_worker(const struct fixture *f)
{
	int status = 0;

	assert_int_equal(waitpid(f->worker, &status, 0), f->worker);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	f->database = scratch_make();
	f->config.database = f->database;
	f->config.temp_dir = "/nonexistent";
	f->config.except = "not.*";
	f->channel_fd = f->doorbell_fd = -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	mq_queue_close(f->queue);
	close(f->channel_fd);
	close(f->doorbell_fd);
	scratch_remove(f->database);
	free(f->database);
	free(f);
	return 0;
}

static int64_t enqueue(struct fixture *f, const char *kind)
{
	uint64_t ring = 1;
	int64_t id = 0;

	assert_int_equal(
		mq_queue_enqueue(f->queue, &(struct mq_job_new){ .kind = kind }, &id, &f->err),
		MQ_OK);
	assert_int_equal(write(f->doorbell_fd, &ring, sizeof ring), sizeof ring);
	return id;
}

static void assert_job(struct fixture *f, int64_t id, enum mq_status status, const char *error_part)
{
	MQ_AUTO(mq_job) struct mq_job *job = NULL;

	assert_int_equal(mq_queue_get(f->queue, id, &job, &f->err), MQ_OK);
	assert_int_equal(job->status, status);
	if (error_part)
		assert_non_null(strstr(job->error, error_part));
}

static int count_workers(struct fixture *f)
{
	sqlite3 *db = scratch_connect(f->database);
	int n = (int)scratch_int(db, "SELECT count(*) FROM mq_workers");

	sqlite3_close(db);
	return n;
}

/* ---------------------------------------------------------------- tests */

static bool see_worker(void *ctx, const struct mq_worker *worker)
{
	struct fixture *f = ctx;

	assert_int_equal(worker->id, f->worker_id);
	assert_int_equal(worker->pid, f->worker);
	assert_true(worker->alive);
	assert_string_equal(worker->version, "1.2.3");
	assert_string_equal(worker->kinds, "[\"ours.done\",\"ours.until\",\"ours.wrong\"]");
	assert_true(strlen(worker->host) > 0);
	assert_int_equal(strlen(worker->boot_id), 36);
	return true;
}

static void a_worker_registers_and_leaves_no_trace(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(mq_queue_workers(f->queue, see_worker, f, &f->err), MQ_OK);
	assert_int_equal(count_workers(f), 1);
	order(f, MQ_MSG_DRAIN, 0, 0);
	assert_int_equal(status_of_worker(f), 0);
	assert_int_equal(count_workers(f), 0);
}

static void a_job_is_announced_run_and_settled(void **state)
{
	struct fixture *f = *state;

	start(f);
	int64_t id = enqueue(f, "ours.done");

	expect(f, MQ_MSG_STARTED, id, 0);
	expect(f, MQ_MSG_FINISHED, id, 0);
	MQ_AUTO(mq_job) struct mq_job *job = NULL;

	assert_int_equal(mq_queue_get(f->queue, id, &job, &f->err), MQ_OK);
	assert_int_equal(job->status, MQ_JOB_SUCCEEDED);
	assert_string_equal(job->result, "{\"attempt\":1}");
	order(f, MQ_MSG_DRAIN, 0, 0);
	assert_int_equal(status_of_worker(f), 0);
}

static void kinds_that_the_pool_leaves_out_stay(void **state)
{
	struct fixture *f = *state;

	start(f);
	int64_t left = enqueue(f, "not.this"), unknown = enqueue(f, "no.such"),
		taken = enqueue(f, "ours.done");

	expect(f, MQ_MSG_STARTED, taken, 0);
	expect(f, MQ_MSG_FINISHED, taken, 0);
	order(f, MQ_MSG_DRAIN, 0, 0);
	assert_int_equal(status_of_worker(f), 0);
	assert_job(f, left, MQ_JOB_QUEUED, NULL);
	assert_job(f, unknown, MQ_JOB_QUEUED, NULL);
}

static void a_stopped_job_is_settled_for_its_reason(void **state)
{
	static const struct {
		enum mq_stop_reason reason;
		enum mq_status want;
	} stops[] = {
		{ MQ_STOP_CANCEL, MQ_JOB_CANCELLED },
		{ MQ_STOP_TIMEOUT, MQ_JOB_QUEUED },
	};
	struct fixture *f = *state;

	start(f);
	for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
		int64_t id = enqueue(f, "ours.until");

		expect(f, MQ_MSG_STARTED, id, 77000);
		order(f, MQ_MSG_STOP_JOB, id, stops[i].reason);
		expect(f, MQ_MSG_FINISHED, id, 0);
		assert_job(f, id, stops[i].want, NULL);
	}
	order(f, MQ_MSG_DRAIN, 0, 0);
	assert_int_equal(status_of_worker(f), 0);
}

static void a_drain_lets_the_job_end_and_claims_no_other(void **state)
{
	struct fixture *f = *state;

	start(f);
	int64_t id = enqueue(f, "ours.until"), next = enqueue(f, "ours.done");

	expect(f, MQ_MSG_STARTED, id, 77000);
	order(f, MQ_MSG_DRAIN, 0, 0);
	order(f, MQ_MSG_STOP_JOB, id, MQ_STOP_DRAIN);
	assert_int_equal(status_of_worker(f), 0);
	assert_job(f, id, MQ_JOB_QUEUED, NULL);
	assert_job(f, next, MQ_JOB_QUEUED, NULL);
	assert_int_equal(count_workers(f), 0);
}

static void an_error_without_a_sentence_gets_one(void **state)
{
	struct fixture *f = *state;

	start(f);
	int64_t id = enqueue(f, "ours.wrong");

	expect(f, MQ_MSG_STARTED, id, 0);
	expect(f, MQ_MSG_FINISHED, id, 0);
	assert_job(f, id, MQ_JOB_FAILED, "gave no reason");
	order(f, MQ_MSG_DRAIN, 0, 0);
	assert_int_equal(status_of_worker(f), 0);
}

static void without_its_supervisor_a_worker_ends(void **state)
{
	struct fixture *f = *state;

	start(f);
	int64_t id = enqueue(f, "ours.until");

	expect(f, MQ_MSG_STARTED, id, 77000);
	close(f->channel_fd);
	f->channel_fd = -1;
	status_of_worker(f);
}

static void a_lock_of_the_application_is_waited_for(void **state)
{
	struct fixture *f = *state;

	start(f);
	sqlite3 *db = scratch_connect(f->database);
	int64_t id = enqueue(f, "ours.until");

	expect(f, MQ_MSG_STARTED, id, 77000);
	scratch_exec(db, "BEGIN IMMEDIATE");
	order(f, MQ_MSG_STOP_JOB, id, MQ_STOP_CANCEL);
	/* Longer than the worker's own look at the channel: it has to be waiting by then. */
	struct pollfd quiet = { .fd = f->channel_fd, .events = POLLIN };

	assert_int_equal(poll(&quiet, 1, 300), 0);
	scratch_exec(db, "COMMIT");
	sqlite3_close(db);
	expect(f, MQ_MSG_FINISHED, id, 0);
	assert_job(f, id, MQ_JOB_CANCELLED, NULL);
	order(f, MQ_MSG_DRAIN, 0, 0);
	assert_int_equal(status_of_worker(f), 0);
}

static void a_drain_that_runs_out_beside_a_lock_ends_the_worker_with_an_error(void **state)
{
	struct fixture *f = *state;

	start(f);
	sqlite3 *db = scratch_connect(f->database);
	int64_t id = enqueue(f, "ours.until");

	expect(f, MQ_MSG_STARTED, id, 77000);
	scratch_exec(db, "BEGIN IMMEDIATE");
	order(f, MQ_MSG_DRAIN, 0, 0);
	order(f, MQ_MSG_STOP_JOB, id, MQ_STOP_DRAIN);
	/* The job cannot be put back: the keeper has to be told, which an exit status of 0 would
	 * prevent. */
	assert_int_not_equal(status_of_worker(f), 0);
	scratch_exec(db, "COMMIT");
	sqlite3_close(db);
	assert_job(f, id, MQ_JOB_RUNNING, NULL);
}

static void a_file_that_is_no_database_is_fatal(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO_FD int fd = open(f->database, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, "no database at all, only a text of some length", 46), 46);
	fork_worker(f);
	assert_int_equal(status_of_worker(f), MQ_CHILD_EXIT_FATAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_worker_registers_and_leaves_no_trace),
		TEST(a_job_is_announced_run_and_settled),
		TEST(kinds_that_the_pool_leaves_out_stay),
		TEST(a_stopped_job_is_settled_for_its_reason),
		TEST(a_drain_lets_the_job_end_and_claims_no_other),
		TEST(an_error_without_a_sentence_gets_one),
		TEST(without_its_supervisor_a_worker_ends),
		TEST(a_lock_of_the_application_is_waited_for),
		TEST(a_drain_that_runs_out_beside_a_lock_ends_the_worker_with_an_error),
		TEST(a_file_that_is_no_database_is_fatal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
