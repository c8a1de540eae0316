/* What only the SQLite driver has to show: other connections, other processes, effects, opening. */
#include "scratch.h"

#include <fakes/fake_lease.h>
#include <mq/clock.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <support/cmocka_all.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char *database;
	struct mq_queue *queue;
	struct sqlite3 *app;
	struct mq_err err;
	int64_t worker;
};

static int64_t add_worker(struct mq_queue *queue)
{
	const struct mq_worker worker = { .pid = getpid(),
					  .host = "h",
					  .boot_id = "b",
					  .version = "1",
					  .kinds = "[]",
					  .started_at_us = 1 };
	struct mq_err err = { 0 };
	int64_t id = 0;

	if (mq_queue_worker_add(queue, &worker, &id, &err) != MQ_OK)
		fail_msg("%s", err.text);
	return id;
}

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	f->database = scratch_make();
	f->queue = scratch_queue(f->database, 0);
	f->worker = add_worker(f->queue);
	f->app = scratch_connect(f->database);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sqlite3_close(f->app);
	mq_queue_close(f->queue);
	scratch_remove(f->database);
	free(f->database);
	free(f);
	return 0;
}

static struct mq_job *claim(struct mq_queue *queue, int64_t worker)
{
	const struct mq_claim c = { .worker_id = worker, .max = 1 };
	struct mq_job *job = NULL;
	struct mq_err err = { 0 };
	size_t n = 0;

	if (mq_queue_turn(queue, NULL, 0, &c, &job, &n, &err) != MQ_OK)
		fail_msg("%s", err.text);
	return job;
}

static struct mq_job *insert_and_claim(struct fixture *f)
{
	scratch_exec(f->app, "INSERT INTO jobs (kind) VALUES ('a.b')");
	struct mq_job *job = claim(f->queue, f->worker);
	assert_non_null(job);
	return job;
}

static struct mq_settle success(const struct mq_job *job, mq_effects_fn effects, void *ctx)
{
	return (struct mq_settle){ .job = job,
				   .outcome = MQ_OUTCOME_SUCCEEDED,
				   .to = MQ_JOB_SUCCEEDED,
				   .effects = effects,
				   .effects_ctx = ctx };
}

static int64_t count(struct fixture *f, const char *status)
{
	MQ_AUTO_FREE char *sql = mq_strf("SELECT count(*) FROM jobs WHERE status = '%s'", status);

	return scratch_int(f->app, sql);
}

/* ---------------------------------------------------------------- effects */

static enum mq_rc book(void *ctx, struct sqlite3 *db, struct mq_err *err)
{
	(void)ctx;
	(void)err;
	scratch_exec(db, "INSERT INTO bookings VALUES (1, 'effect')");
	return MQ_OK;
}

static enum mq_rc book_and_fail(void *ctx, struct sqlite3 *db, struct mq_err *err)
{
	book(ctx, db, err);
	return mq_err_set(err, MQ_E_INVALID, 0, "no such table: x");
}

static enum mq_rc end_the_transaction(void *ctx, struct sqlite3 *db, struct mq_err *err)
{
	book(ctx, db, err);
	scratch_exec(db, "ROLLBACK");
	return MQ_OK;
}

static int64_t bookings(struct fixture *f)
{
	return scratch_int(f->app, "SELECT count(*) FROM bookings");
}

static void effects_are_there_exactly_when_the_job_has_succeeded(void **state)
{
	struct fixture *f = *state;
	struct mq_err why = { 0 };
	MQ_AUTO(mq_job) struct mq_job *first = insert_and_claim(f);
	MQ_AUTO(mq_job) struct mq_job *second = insert_and_claim(f);
	struct mq_settle done[] = { success(first, book_and_fail, NULL),
				    success(second, book, NULL) };

	done[0].why = &why;
	assert_int_equal(mq_queue_turn(f->queue, done, 2, NULL, NULL, NULL, &f->err), MQ_OK);
	assert_int_equal(done[0].rc, MQ_E_INVALID);
	assert_string_equal(why.text, "no such table: x");
	assert_int_equal(done[1].rc, MQ_OK);
	assert_int_equal(bookings(f), 1);
	assert_int_equal(count(f, "running"), 1);
	assert_int_equal(count(f, "succeeded"), 1);
	assert_int_equal(scratch_int(f->app, "SELECT count(*) FROM mq_attempts"), 1);
}

static void effects_of_a_stale_settle_do_not_happen(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_job) struct mq_job *job = insert_and_claim(f);

	job->token = 0;
	struct mq_settle done = success(job, book, NULL);
	assert_int_equal(mq_queue_turn(f->queue, &done, 1, NULL, NULL, NULL, &f->err), MQ_OK);
	assert_int_equal(done.rc, MQ_E_STALE);
	assert_int_equal(bookings(f), 0);
}

static void effects_that_end_the_transaction_undo_everything(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_job) struct mq_job *first = insert_and_claim(f);
	MQ_AUTO(mq_job) struct mq_job *second = insert_and_claim(f);
	struct mq_settle done[] = { success(first, book, NULL),
				    success(second, end_the_transaction, NULL) };

	assert_int_equal(mq_queue_turn(f->queue, done, 2, NULL, NULL, NULL, &f->err), MQ_E_BUG);
	assert_int_equal(bookings(f), 0);
	assert_int_equal(count(f, "running"), 2);
	/* and the queue goes on */
	mq_job_free(insert_and_claim(f));
}

static void a_result_that_is_no_json_is_refused_alone(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_job) struct mq_job *first = insert_and_claim(f);
	MQ_AUTO(mq_job) struct mq_job *second = insert_and_claim(f);
	struct mq_settle done[] = { success(first, NULL, NULL), success(second, NULL, NULL) };

	done[0].result = "{broken";
	assert_int_equal(mq_queue_turn(f->queue, done, 2, NULL, NULL, NULL, &f->err), MQ_OK);
	assert_int_equal(done[0].rc, MQ_E_INVALID);
	assert_int_equal(done[1].rc, MQ_OK);
	assert_int_equal(count(f, "running"), 1);
}

/* ---------------------------------------------------------------- other connections */

static void a_commit_elsewhere_is_noticed_once(void **state)
{
	struct fixture *f = *state;
	bool changed = true;

	assert_int_equal(mq_queue_changed(f->queue, &changed, &f->err), MQ_OK);
	assert_false(changed);
	scratch_exec(f->app, "BEGIN; INSERT INTO jobs (kind) VALUES ('a.b')");
	assert_int_equal(mq_queue_changed(f->queue, &changed, &f->err), MQ_OK);
	assert_false(changed);
	scratch_exec(f->app, "COMMIT");
	assert_int_equal(mq_queue_changed(f->queue, &changed, &f->err), MQ_OK);
	assert_true(changed);
	assert_int_equal(mq_queue_changed(f->queue, &changed, &f->err), MQ_OK);
	assert_false(changed);
}

static void an_idle_turn_neither_writes_nor_locks(void **state)
{
	struct fixture *f = *state;
	struct mq_outlook outlook;
	const struct mq_claim c = { .worker_id = f->worker, .max = 1 };

	scratch_exec(f->app, "BEGIN IMMEDIATE"); /* a turn that locked would be MQ_E_BUSY */
	assert_null(claim(f->queue, f->worker));
	assert_int_equal(mq_queue_turn(f->queue, NULL, 0, NULL, NULL, NULL, &f->err), MQ_OK);
	assert_int_equal(mq_queue_outlook(f->queue, &c, &outlook, &f->err), MQ_OK);
	scratch_exec(f->app, "COMMIT");
	int64_t before = scratch_int(f->app, "PRAGMA data_version");
	assert_null(claim(f->queue, f->worker));
	assert_int_equal(scratch_int(f->app, "PRAGMA data_version"), before);
}

static void a_flag_set_by_a_client_cancels_instead_of_starting(void **state)
{
	struct fixture *f = *state;

	scratch_exec(f->app, "INSERT INTO jobs (kind, priority) VALUES ('a.b', 5), ('a.b', 1);"
			     "UPDATE jobs SET cancel_requested = 1 WHERE priority = 5");
	MQ_AUTO(mq_job) struct mq_job *job = claim(f->queue, f->worker);
	assert_int_equal(job->priority, 1);
	assert_int_equal(count(f, "cancelled"), 1);
	assert_int_equal(scratch_int(f->app, "SELECT count(*) FROM jobs WHERE status = 'cancelled' "
					     "AND finished_at IS NOT NULL AND attempt = 0"),
			 1);
}

static void jobs_of_an_uncommitted_transaction_do_not_exist(void **state)
{
	struct fixture *f = *state;
	struct mq_job *job = NULL;

	scratch_exec(f->app, "BEGIN; INSERT INTO jobs (kind) VALUES ('a.b')");
	assert_null(claim(f->queue, f->worker));
	scratch_exec(f->app, "ROLLBACK");
	assert_null(claim(f->queue, f->worker));
	assert_int_equal(mq_queue_get(f->queue, 1, &job, &f->err), MQ_E_NOTFOUND);
}

static void a_thousand_due_rows_are_promoted_in_slices(void **state)
{
	struct fixture *f = *state;
	struct mq_outlook outlook;
	const struct mq_claim many = { .worker_id = f->worker, .max = 10000 };

	scratch_exec(
		f->app,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
		"INSERT INTO jobs (kind, run_at) SELECT 'a.b', '2020-01-01 00:00:00' FROM n");
	assert_int_equal(mq_queue_outlook(f->queue, &many, &outlook, &f->err), MQ_OK);
	assert_int_equal(outlook.ready, 1200);
	static const int64_t left[] = { 700, 200, 0 };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(mq_queue_turn(f->queue, NULL, 0, NULL, NULL, NULL, &f->err),
				 MQ_OK);
		assert_int_equal(scratch_int(f->app, "SELECT count(*) FROM jobs WHERE run_at IS "
						     "NOT NULL"),
				 left[i]);
	}
}

static bool count_calls(void *ctx, const struct mq_job *job)
{
	assert_int_equal(job->status, MQ_JOB_FAILED);
	++*(int *)ctx;
	return true;
}

static void a_retry_of_thousands_goes_in_slices(void **state)
{
	struct fixture *f = *state;
	const struct mq_job_filter all = { 0 };
	int64_t requeued = 0, skipped = 0;
	int calls = 0;

	scratch_exec(
		f->app,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)"
		"INSERT INTO jobs (kind, status, attempt) SELECT 'a.b', 'failed', 3 FROM n");
	assert_int_equal(mq_queue_retry(f->queue, &all, true, count_calls, &calls, &requeued,
					&skipped, &f->err),
			 MQ_OK);
	assert_int_equal(calls, 1201);
	assert_int_equal(count(f, "failed"), 1201);
	assert_int_equal(mq_queue_retry(f->queue, &all, false, count_calls, &calls, &requeued,
					&skipped, &f->err),
			 MQ_OK);
	assert_int_equal(calls, 2402);
	assert_int_equal(requeued, 1201);
	assert_int_equal(skipped, 0);
	assert_int_equal(count(f, "queued"), 1201);
}

static void running_jobs_of_a_worker_without_a_row_are_rescued(void **state)
{
	struct fixture *f = *state;
	int jobs = 0;

	scratch_exec(f->app, "INSERT INTO jobs (kind, status, worker_id, token, attempt)"
			     " VALUES ('a.b', 'running', 4711, 1, 1)");
	assert_int_equal(mq_queue_rescue_all(f->queue, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 1);
	assert_int_equal(count(f, "queued"), 1);
	assert_int_equal(mq_queue_rescue_all(f->queue, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 0);
}

/* ---------------------------------------------------------------- locks */

static void a_short_patience_ends_with_busy(void **state)
{
	struct fixture *f = *state;
	int64_t id = -1;
	const struct mq_job_new job = { .kind = "a.b" };

	scratch_exec(f->app, "BEGIN IMMEDIATE");
	assert_int_equal(mq_queue_enqueue(f->queue, &job, &id, &f->err), MQ_E_BUSY);
	assert_non_null(strstr(f->err.text, f->database));
	scratch_exec(f->app, "COMMIT");
	assert_int_equal(mq_queue_enqueue(f->queue, &job, &id, &f->err), MQ_OK);
}

struct waiter {
	struct fixture *f;
	int asked;
	int release_at; /* the application commits when asked so often; 0: never */
	int give_up_at; /* 0: never */
};

static bool keep_waiting(void *ctx)
{
	struct waiter *w = ctx;

	if (++w->asked == w->release_at)
		scratch_exec(w->f->app, "COMMIT");
	return w->asked != w->give_up_at;
}

static struct mq_queue *patient_queue(struct fixture *f, struct waiter *w, struct mq_lease *lease)
{
	const struct mq_queue_options options = { .database = f->database,
						  .lease = lease,
						  .busy_ms = -1,
						  .keep_waiting = keep_waiting,
						  .ctx = w };
	struct mq_queue *queue = NULL;

	if (mq_queue_open(&mq_queue_driver_sqlite, &options, &queue, &f->err) != MQ_OK)
		fail_msg("%s", f->err.text);
	return queue;
}

static void a_settle_waits_until_the_writer_has_finished(void **state)
{
	struct fixture *f = *state;
	struct waiter w = { .f = f, .release_at = 3 };
	struct mq_queue *queue = patient_queue(f, &w, NULL);
	MQ_AUTO(mq_job) struct mq_job *job = insert_and_claim(f);
	struct mq_settle done = success(job, book, NULL);

	scratch_exec(f->app, "BEGIN IMMEDIATE; INSERT INTO bookings VALUES (7, 'application')");
	assert_int_equal(mq_queue_turn(queue, &done, 1, NULL, NULL, NULL, &f->err), MQ_OK);
	assert_int_equal(done.rc, MQ_OK);
	assert_int_equal(w.asked, 3);
	assert_int_equal(bookings(f), 2);
	mq_queue_close(queue);
}

static void a_wait_without_end_ends_when_asked_to(void **state)
{
	struct fixture *f = *state;
	struct waiter w = { .f = f, .give_up_at = 2 };
	struct mq_queue *queue = patient_queue(f, &w, NULL);
	int64_t id;

	scratch_exec(f->app, "BEGIN IMMEDIATE");
	assert_int_equal(
		mq_queue_enqueue(queue, &(struct mq_job_new){ .kind = "a.b" }, &id, &f->err),
		MQ_E_BUSY);
	scratch_exec(f->app, "ROLLBACK");
	mq_queue_close(queue);
}

static void the_gate_is_waited_for_like_the_lock(void **state)
{
	struct fixture *f = *state;
	struct waiter w = { .f = f, .give_up_at = 1 };
	struct mq_lease *lease = fake_lease_new();
	struct mq_queue *queue = patient_queue(f, &w, lease);
	int64_t id;

	fake_lease_take(lease, MQ_LEASE_GATE);
	assert_int_equal(
		mq_queue_enqueue(queue, &(struct mq_job_new){ .kind = "a.b" }, &id, &f->err),
		MQ_E_BUSY);
	fake_lease_drop(lease, MQ_LEASE_GATE);
	assert_int_equal(
		mq_queue_enqueue(queue, &(struct mq_job_new){ .kind = "a.b" }, &id, &f->err),
		MQ_OK);
	mq_queue_close(queue);
	mq_lease_close(lease);
}

/* ---------------------------------------------------------------- other processes */

static enum mq_rc tell_and_stop(void *ctx, struct sqlite3 *db, struct mq_err *err)
{
	book(NULL, db, err);
	if (write(*(int *)ctx, "x", 1) == 1)
		pause();
	_exit(1);
}

/* Claims the job, and stops in the middle of the transaction that settles it. */
static pid_t start_victim(struct fixture *f)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct mq_queue *queue = scratch_queue(f->database, 10000);
		int64_t worker = add_worker(queue);
		struct mq_job *job = claim(queue, worker);
		struct mq_settle done = success(job, tell_and_stop, &ready[1]);
		mq_queue_turn(queue, &done, 1, NULL, NULL, NULL, NULL);
		_exit(2);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

/* A connection must not live across fork(): the parent opens its own afterwards. */
static void close_all(struct fixture *f)
{
	sqlite3_close(f->app);
	mq_queue_close(f->queue);
	f->app = NULL;
	f->queue = NULL;
}

static void reopen(struct fixture *f)
{
	f->queue = scratch_queue(f->database, 10000);
	f->app = scratch_connect(f->database);
}

static void a_worker_killed_in_the_middle_of_a_turn_leaves_the_job_whole(void **state)
{
	struct fixture *f = *state;
	int jobs = -1, status;

	scratch_exec(f->app, "INSERT INTO jobs (kind) VALUES ('a.b')");
	close_all(f);
	pid_t pid = start_victim(f);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	reopen(f);
	assert_int_equal(count(f, "running"), 1);
	assert_int_equal(bookings(f), 0);
	assert_int_equal(mq_queue_rescue_all(f->queue, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 1);
	f->worker = add_worker(f->queue);
	MQ_AUTO(mq_job) struct mq_job *job = claim(f->queue, f->worker);
	assert_int_equal(job->attempt, 2);
	struct mq_settle done = success(job, book, NULL);
	assert_int_equal(mq_queue_turn(f->queue, &done, 1, NULL, NULL, NULL, &f->err), MQ_OK);
	assert_int_equal(done.rc, MQ_OK);
	assert_int_equal(bookings(f), 1);
	assert_int_equal(scratch_int(f->app, "SELECT count(*) FROM mq_workers"), 1);
	assert_int_equal(scratch_int(f->app, "SELECT count(*) FROM pragma_integrity_check WHERE "
					     "integrity_check = 'ok'"),
			 1);
}

/* Works until nothing is left: settles one job and claims the next in one turn. */
static int drain(const char *database)
{
	struct mq_queue *queue = scratch_queue(database, -1);
	const struct mq_claim c = { .worker_id = add_worker(queue), .max = 1 };
	struct mq_job *job = claim(queue, c.worker_id);

	while (job) {
		struct mq_settle done = success(job, book, NULL);
		struct mq_job *next = NULL;
		size_t n = 0;
		if (mq_queue_turn(queue, &done, 1, &c, &next, &n, NULL) != MQ_OK ||
		    done.rc != MQ_OK)
			return 1;
		mq_job_free(job);
		job = next;
	}
	if (mq_queue_worker_remove(queue, c.worker_id, NULL) != MQ_OK)
		return 2;
	mq_queue_close(queue);
	return 0;
}

static void many_processes_share_the_jobs_and_do_each_once(void **state)
{
	enum { PROCESSES = 4, JOBS = 400 };
	struct fixture *f = *state;
	pid_t pids[PROCESSES];

	scratch_exec(f->app,
		     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
		     "INSERT INTO jobs (kind) SELECT 'a.b' FROM n");
	close_all(f);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(drain(f->database));
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	reopen(f);
	assert_int_equal(count(f, "succeeded"), JOBS);
	assert_int_equal(bookings(f), JOBS);
	assert_int_equal(scratch_int(f->app, "SELECT max(attempt) FROM jobs"), 1);
	assert_int_equal(scratch_int(f->app, "SELECT count(*) FROM mq_attempts"), JOBS);
}

static void the_lease_says_who_is_alive_in_other_processes(void **state)
{
	struct fixture *f = *state;
	int jobs = -1;

	scratch_exec(f->app, "INSERT INTO jobs (kind) VALUES ('a.b')");
	close_all(f);
	pid_t pid = start_victim(f);
	kill(pid, SIGSTOP);
	reopen(f);
	/* Its transaction is open: a rescue that tried would wait. But it lives, so nobody tries.
	 */
	const struct mq_death death = { .worker_id = 2,
					.outcome = MQ_OUTCOME_CRASHED,
					.exit_status = -1 };
	assert_int_equal(scratch_int(f->app, "SELECT max(id) FROM mq_workers"), death.worker_id);
	assert_int_equal(mq_queue_rescue(f->queue, &death, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 0);
	assert_int_equal(count(f, "running"), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(mq_queue_rescue_all(f->queue, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 1);
}

/* ---------------------------------------------------------------- opening */

static enum mq_rc open_reading(struct fixture *f, const char *database, struct mq_queue **ret)
{
	const struct mq_queue_options options = { .database = database, .read_only = true };

	return mq_queue_open(&mq_queue_driver_sqlite, &options, ret, &f->err);
}

static bool any_job(void *ctx, const struct mq_job *job)
{
	++*(int *)ctx;
	return job != NULL;
}

static void reading_works_while_somebody_writes(void **state)
{
	struct fixture *f = *state;
	struct mq_queue *queue = NULL;
	int64_t id;
	int jobs = 0;

	scratch_exec(f->app, "INSERT INTO jobs (kind) VALUES ('a.b'); BEGIN IMMEDIATE");
	assert_int_equal(open_reading(f, f->database, &queue), MQ_OK);
	assert_int_equal(
		mq_queue_list(queue, &(struct mq_job_filter){ 0 }, any_job, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 1);
	assert_int_equal(
		mq_queue_enqueue(queue, &(struct mq_job_new){ .kind = "a.b" }, &id, &f->err),
		MQ_E_BUG);
	assert_int_equal(mq_queue_cancel(queue, 1, NULL, &f->err), MQ_E_BUG);
	mq_queue_close(queue);
	scratch_exec(f->app, "COMMIT");
}

static void reading_a_database_without_a_queue_says_how_to_get_one(void **state)
{
	struct fixture *f = *state;
	struct mq_queue *queue = NULL;
	MQ_AUTO_FREE char *fresh = scratch_make();

	assert_int_equal(open_reading(f, fresh, &queue), MQ_E_NOTFOUND);
	assert_non_null(strstr(f->err.text, "mq-worker init"));
	struct sqlite3 *db = scratch_connect(fresh);
	assert_int_equal(scratch_int(db, "SELECT count(*) FROM sqlite_schema"), 1);
	sqlite3_close(db);
	scratch_remove(fresh);
}

static void a_newer_schema_is_refused_by_both(void **state)
{
	struct fixture *f = *state;
	struct mq_queue *queue = NULL;
	const struct mq_queue_options options = { .database = f->database };

	scratch_exec(f->app, "INSERT INTO mq_schema VALUES (999, 'later', '', 'mq-worker 9')");
	assert_int_equal(mq_queue_open(&mq_queue_driver_sqlite, &options, &queue, &f->err),
			 MQ_E_UNSUPPORTED);
	assert_non_null(strstr(f->err.text, "999"));
	assert_int_equal(open_reading(f, f->database, &queue), MQ_E_UNSUPPORTED);
	assert_null(queue);
}

static void a_relative_path_is_refused(void **state)
{
	struct fixture *f = *state;
	struct mq_queue *queue = NULL;
	const struct mq_queue_options options = { .database = "app.db" };

	assert_int_equal(mq_queue_open(&mq_queue_driver_sqlite, &options, &queue, &f->err),
			 MQ_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(effects_are_there_exactly_when_the_job_has_succeeded),
		TEST(effects_of_a_stale_settle_do_not_happen),
		TEST(effects_that_end_the_transaction_undo_everything),
		TEST(a_result_that_is_no_json_is_refused_alone),
		TEST(a_commit_elsewhere_is_noticed_once),
		TEST(an_idle_turn_neither_writes_nor_locks),
		TEST(a_flag_set_by_a_client_cancels_instead_of_starting),
		TEST(jobs_of_an_uncommitted_transaction_do_not_exist),
		TEST(a_thousand_due_rows_are_promoted_in_slices),
		TEST(a_retry_of_thousands_goes_in_slices),
		TEST(running_jobs_of_a_worker_without_a_row_are_rescued),
		TEST(a_short_patience_ends_with_busy),
		TEST(a_settle_waits_until_the_writer_has_finished),
		TEST(a_wait_without_end_ends_when_asked_to),
		TEST(the_gate_is_waited_for_like_the_lock),
		TEST(a_worker_killed_in_the_middle_of_a_turn_leaves_the_job_whole),
		TEST(many_processes_share_the_jobs_and_do_each_once),
		TEST(the_lease_says_who_is_alive_in_other_processes),
		TEST(reading_works_while_somebody_writes),
		TEST(reading_a_database_without_a_queue_says_how_to_get_one),
		TEST(a_newer_schema_is_refused_by_both),
		TEST(a_relative_path_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
