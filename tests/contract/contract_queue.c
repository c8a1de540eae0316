#include "contract_queue.h"

#include <fakes/fake_lease.h>
#include <mq/clock.h>
#include <mq/str.h>
#include <support/cmocka_all.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_CLAIM 8
#define MINUTE_US (60 * MQ_US_PER_S)

static const struct mq_queue_driver *driver;
static contract_database_fn make_database;
static contract_remove_fn remove_database;

struct fixture {
	char *database;
	struct mq_lease *lease;
	struct mq_queue *queue;
	struct mq_err err;
	int64_t worker;
	struct mq_job *jobs[MAX_CLAIM]; /* of the last claim() */
	size_t n;
};

/* ---------------------------------------------------------------- the clock */

static int64_t wall_us;

static int64_t test_wall(void)
{
	return wall_us;
}

static int64_t real_mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * MQ_US_PER_S + t.tv_nsec / 1000;
}

static const struct mq_clock test_clock = { test_wall, real_mono };

/* ---------------------------------------------------------------- fixture and shorthands */

static int64_t add_worker(struct fixture *f)
{
	const struct mq_worker worker = { .pid = 1,
					  .host = "here",
					  .boot_id = "b",
					  .version = "1",
					  .kinds = "[]",
					  .started_at_us = wall_us };
	int64_t id;

	assert_int_equal(mq_queue_worker_add(f->queue, &worker, &id, &f->err), MQ_OK);
	return id;
}

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	assert_true(mq_time_parse("2025-11-03 12:00:00.000001", &wall_us));
	mq_clock_use(&test_clock);
	f->database = make_database();
	f->lease = fake_lease_new();
	const struct mq_queue_options options = { .database = f->database, .lease = f->lease };
	if (mq_queue_open(driver, &options, &f->queue, &f->err) != MQ_OK)
		fail_msg("open: %s", f->err.text);
	f->worker = add_worker(f);
	*state = f;
	return 0;
}

static void drop_claimed(struct fixture *f)
{
	while (f->n)
		mq_job_free(f->jobs[--f->n]);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	drop_claimed(f);
	mq_queue_close(f->queue);
	mq_lease_close(f->lease);
	remove_database(f->database);
	free(f->database);
	free(f);
	mq_clock_use(NULL);
	return 0;
}

static int64_t put_job(struct fixture *f, const struct mq_job_new *job)
{
	int64_t id = 0;
	enum mq_rc rc = mq_queue_enqueue(f->queue, job, &id, &f->err);

	if (rc != MQ_OK)
		fail_msg("enqueue: %s", f->err.text);
	return id;
}

static int64_t put(struct fixture *f, const char *kind)
{
	return put_job(f, &(struct mq_job_new){ .kind = kind });
}

static bool serves_glob(void *ctx, const char *kind)
{
	return mq_glob_list_match(ctx, kind);
}

/* Claims into f->jobs, for f->worker. */
static size_t claim(struct fixture *f, const char *globs, size_t max)
{
	const struct mq_claim c = { .worker_id = f->worker,
				    .serves = serves_glob,
				    .ctx = (void *)(uintptr_t)globs,
				    .max = max };

	drop_claimed(f);
	assert_int_equal(mq_queue_turn(f->queue, NULL, 0, &c, f->jobs, &f->n, &f->err), MQ_OK);
	return f->n;
}

static struct mq_job *claim_one(struct fixture *f)
{
	assert_int_equal(claim(f, "*", 1), 1);
	f->n = 0;
	return f->jobs[0];
}

static enum mq_rc settle(struct fixture *f, const struct mq_job *job, enum mq_outcome outcome,
			 enum mq_status to, const char *error)
{
	struct mq_settle done = { .job = job, .outcome = outcome, .to = to, .error = error };

	assert_int_equal(mq_queue_turn(f->queue, &done, 1, NULL, NULL, NULL, &f->err), MQ_OK);
	return done.rc;
}

static struct mq_job *get(struct fixture *f, int64_t id)
{
	struct mq_job *job = NULL;

	assert_int_equal(mq_queue_get(f->queue, id, &job, &f->err), MQ_OK);
	return job;
}

static void assert_status(struct fixture *f, int64_t id, enum mq_status status)
{
	MQ_AUTO(mq_job) struct mq_job *job = get(f, id);

	assert_string_equal(mq_status_name(job->status), mq_status_name(status));
}

/* A job that has failed for good. */
static int64_t put_failed(struct fixture *f, const struct mq_job_new *job)
{
	int64_t id = put_job(f, job);
	MQ_AUTO(mq_job) struct mq_job *claimed = claim_one(f);

	assert_int_equal(claimed->id, id);
	assert_int_equal(settle(f, claimed, MQ_OUTCOME_FAILED, MQ_JOB_FAILED, "broken"), MQ_OK);
	return id;
}

struct seen {
	int64_t ids[32];
	size_t n, stop_after;
	struct mq_attempt last;
	char error[200];
};

static bool see_job(void *ctx, const struct mq_job *job)
{
	struct seen *seen = ctx;

	seen->ids[seen->n++] = job->id;
	return seen->n != seen->stop_after;
}

static bool see_attempt(void *ctx, const struct mq_attempt *attempt)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->last = *attempt;
	seen->last.error = NULL;
	strncpy(seen->error, attempt->error ? attempt->error : "", sizeof seen->error - 1);
	return true;
}

static struct seen attempts_of(struct fixture *f, int64_t id)
{
	struct seen seen = { 0 };

	assert_int_equal(mq_queue_attempts(f->queue, id, see_attempt, &seen, &f->err), MQ_OK);
	return seen;
}

/* ---------------------------------------------------------------- life of a job */

static void a_new_job_has_its_values(void **state)
{
	struct fixture *f = *state;
	const struct mq_job_new new_job = { .kind = "export.report",
					    .payload = "{\"report\":\"x\"}",
					    .priority = 7,
					    .run_at_us = wall_us + MINUTE_US,
					    .max_attempts = 4,
					    .unique_key = "k",
					    .requested_by = "admin 3" };
	int64_t id = put_job(f, &new_job);
	MQ_AUTO(mq_job) struct mq_job *job = get(f, id);

	assert_string_equal(job->kind, "export.report");
	assert_string_equal(job->payload, "{\"report\":\"x\"}");
	assert_int_equal(job->priority, 7);
	assert_int_equal(job->run_at_us, wall_us + MINUTE_US);
	assert_int_equal(job->max_attempts, 4);
	assert_string_equal(job->unique_key, "k");
	assert_string_equal(job->requested_by, "admin 3");
	assert_int_equal(job->status, MQ_JOB_QUEUED);
	assert_int_equal(job->attempt, 0);
	assert_int_equal(job->token, 0);
	assert_int_equal(job->progress, -1);
	assert_int_equal(job->created_at_us, wall_us);
	assert_int_equal(job->started_at_us, 0);
	assert_null(job->result);
}

static void a_job_lives_from_queued_to_succeeded(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.b");
	MQ_AUTO(mq_job) struct mq_job *job = claim_one(f);

	assert_int_equal(job->id, id);
	assert_int_equal(job->status, MQ_JOB_RUNNING);
	assert_int_equal(job->attempt, 1);
	assert_int_equal(job->token, 1);
	assert_int_equal(job->worker_id, f->worker);
	assert_int_equal(job->started_at_us, wall_us);
	assert_status(f, id, MQ_JOB_RUNNING);
	wall_us += MINUTE_US;
	struct mq_settle done = { .job = job,
				  .outcome = MQ_OUTCOME_SUCCEEDED,
				  .to = MQ_JOB_SUCCEEDED,
				  .result = "{\"rows\":3}",
				  .cpu_s = 1.5,
				  .peak_kb = 2000 };
	assert_int_equal(mq_queue_turn(f->queue, &done, 1, NULL, NULL, NULL, &f->err), MQ_OK);
	assert_int_equal(done.rc, MQ_OK);
	MQ_AUTO(mq_job) struct mq_job *after = get(f, id);
	assert_int_equal(after->status, MQ_JOB_SUCCEEDED);
	assert_string_equal(after->result, "{\"rows\":3}");
	assert_int_equal(after->finished_at_us, wall_us);
	assert_int_equal(after->worker_id, 0);
	struct seen seen = attempts_of(f, id);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.last.outcome, MQ_OUTCOME_SUCCEEDED);
	assert_int_equal(seen.last.worker_id, f->worker);
	assert_int_equal(seen.last.started_at_us, wall_us - MINUTE_US);
	assert_int_equal(seen.last.finished_at_us, wall_us);
	assert_int_equal(seen.last.exit_status, -1);
	assert_int_equal(seen.last.peak_kb, 2000);
	assert_int_equal(claim(f, "*", 1), 0);
}

static void a_failed_attempt_comes_back_when_it_is_due(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.b"), failed = -1;
	MQ_AUTO(mq_job) struct mq_job *first = claim_one(f);
	struct mq_settle done = { .job = first,
				  .outcome = MQ_OUTCOME_FAILED,
				  .to = MQ_JOB_QUEUED,
				  .run_at_us = wall_us + MINUTE_US,
				  .error = "no disk" };

	assert_int_equal(mq_queue_turn(f->queue, &done, 1, NULL, NULL, NULL, &f->err), MQ_OK);
	assert_int_equal(claim(f, "*", 1), 0);
	wall_us += MINUTE_US - 1;
	assert_int_equal(claim(f, "*", 1), 0);
	wall_us += 1;
	MQ_AUTO(mq_job) struct mq_job *second = claim_one(f);
	assert_int_equal(second->id, id);
	assert_int_equal(second->attempt, 2);
	assert_int_equal(second->token, 2);
	assert_string_equal(second->error, "no disk");
	assert_int_equal(mq_queue_failures(f->queue, second, &failed, &f->err), MQ_OK);
	assert_int_equal(failed, 1);
}

static void an_interrupted_attempt_does_not_count(void **state)
{
	struct fixture *f = *state;
	int64_t failed = -1;

	put(f, "a.b");
	MQ_AUTO(mq_job) struct mq_job *first = claim_one(f);
	assert_int_equal(settle(f, first, MQ_OUTCOME_INTERRUPTED, MQ_JOB_QUEUED, "stopped"), MQ_OK);
	MQ_AUTO(mq_job) struct mq_job *second = claim_one(f);
	assert_int_equal(mq_queue_failures(f->queue, second, &failed, &f->err), MQ_OK);
	assert_int_equal(failed, 0);
	assert_int_equal(mq_queue_crashes(f->queue, second, &failed, &f->err), MQ_OK);
	assert_int_equal(failed, 0);
}

static void a_settle_against_the_tables_is_a_bug(void **state)
{
	struct fixture *f = *state;

	put(f, "a.b");
	MQ_AUTO(mq_job) struct mq_job *job = claim_one(f);
	struct mq_settle done = { .job = job,
				  .outcome = MQ_OUTCOME_FAILED,
				  .to = MQ_JOB_SUCCEEDED };
	assert_int_equal(mq_queue_turn(f->queue, &done, 1, NULL, NULL, NULL, &f->err), MQ_E_BUG);
	assert_status(f, job->id, MQ_JOB_RUNNING);
}

/* ---------------------------------------------------------------- tokens */

static void a_worker_whose_job_was_taken_back_changes_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.b");
	bool cancel;
	int jobs = 0;
	MQ_AUTO(mq_job) struct mq_job *old = claim_one(f);

	fake_lease_drop(f->lease, f->worker);
	assert_int_equal(mq_queue_rescue_all(f->queue, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 1);
	f->worker = add_worker(f);
	MQ_AUTO(mq_job) struct mq_job *new_one = claim_one(f);
	assert_int_equal(new_one->id, id);
	assert_int_equal(mq_queue_check(f->queue, old, &cancel, &f->err), MQ_E_STALE);
	assert_int_equal(mq_queue_progress(f->queue, old, 50, "half", &f->err), MQ_E_STALE);
	assert_int_equal(settle(f, old, MQ_OUTCOME_FAILED, MQ_JOB_FAILED, "old"), MQ_E_STALE);
	MQ_AUTO(mq_job) struct mq_job *now = get(f, id);
	assert_int_equal(now->status, MQ_JOB_RUNNING);
	assert_int_equal(now->token, new_one->token);
	assert_int_equal(now->progress, -1);
	assert_int_equal(settle(f, new_one, MQ_OUTCOME_SUCCEEDED, MQ_JOB_SUCCEEDED, NULL), MQ_OK);
	assert_int_equal(settle(f, new_one, MQ_OUTCOME_SUCCEEDED, MQ_JOB_SUCCEEDED, NULL),
			 MQ_E_STALE);
	assert_int_equal(attempts_of(f, id).n, 2);
}

static void a_stale_settle_does_not_stop_the_others(void **state)
{
	struct fixture *f = *state;
	struct mq_job *out[MAX_CLAIM];
	struct mq_err why = { 0 };
	size_t n = 0;
	int64_t first = put(f, "a.a"), second = put(f, "a.b"), third = put(f, "a.c");

	assert_int_equal(claim(f, "a.a, a.b", 2), 2);
	f->jobs[0]->token--;
	struct mq_settle done[] = {
		{ .job = f->jobs[0],
		  .outcome = MQ_OUTCOME_SUCCEEDED,
		  .to = MQ_JOB_SUCCEEDED,
		  .why = &why },
		{ .job = f->jobs[1], .outcome = MQ_OUTCOME_SUCCEEDED, .to = MQ_JOB_SUCCEEDED },
	};
	const struct mq_claim c = { .worker_id = f->worker, .max = 5 };
	assert_int_equal(mq_queue_turn(f->queue, done, 2, &c, out, &n, &f->err), MQ_OK);
	assert_int_equal(done[0].rc, MQ_E_STALE);
	assert_int_equal(why.rc, MQ_E_STALE);
	assert_int_equal(done[1].rc, MQ_OK);
	assert_int_equal(n, 1);
	assert_int_equal(out[0]->id, third);
	mq_job_free(out[0]);
	assert_status(f, first, MQ_JOB_RUNNING);
	assert_status(f, second, MQ_JOB_SUCCEEDED);
}

/* ---------------------------------------------------------------- claims */

static void the_larger_priority_goes_first_then_the_smaller_id(void **state)
{
	struct fixture *f = *state;
	int64_t low = put_job(f, &(struct mq_job_new){ .kind = "a.z", .priority = -5 });
	int64_t first = put(f, "b.b"), second = put(f, "a.a");
	int64_t high = put_job(f, &(struct mq_job_new){ .kind = "c.c", .priority = 9 });
	const int64_t order[] = { high, first, second, low };

	assert_int_equal(claim(f, "*", MAX_CLAIM), 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(f->jobs[i]->id, order[i]);
}

static void a_kind_that_nobody_serves_blocks_nobody(void **state)
{
	struct fixture *f = *state;
	int64_t unknown = put_job(f, &(struct mq_job_new){ .kind = "b.unknown", .priority = 99 });
	int64_t after = put(f, "c.c"), before = put(f, "a.a");

	assert_int_equal(claim(f, "a.*, c.*", MAX_CLAIM), 2);
	assert_int_equal(f->jobs[0]->id, after);
	assert_int_equal(f->jobs[1]->id, before);
	assert_status(f, unknown, MQ_JOB_QUEUED);
}

static void a_claim_takes_no_more_than_asked_for(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 5; i++)
		put(f, "a.a");
	assert_int_equal(claim(f, "*", 0), 0);
	assert_int_equal(claim(f, "*", 2), 2);
	assert_int_equal(claim(f, "*", MAX_CLAIM), 3);
	assert_int_equal(claim(f, "*", MAX_CLAIM), 0);
}

static void one_turn_settles_and_claims(void **state)
{
	struct fixture *f = *state;
	struct mq_job *out[1];
	size_t n = 0;

	put(f, "a.a");
	int64_t next = put(f, "a.a");
	MQ_AUTO(mq_job) struct mq_job *job = claim_one(f);
	struct mq_settle done = { .job = job,
				  .outcome = MQ_OUTCOME_SUCCEEDED,
				  .to = MQ_JOB_SUCCEEDED };
	const struct mq_claim c = { .worker_id = f->worker, .max = 1 };
	assert_int_equal(mq_queue_turn(f->queue, &done, 1, &c, out, &n, &f->err), MQ_OK);
	assert_int_equal(n, 1);
	assert_int_equal(out[0]->id, next);
	mq_job_free(out[0]);
}

static void a_job_settled_as_queued_can_be_claimed_in_the_same_turn(void **state)
{
	struct fixture *f = *state;
	struct mq_job *out[1];
	size_t n = 0;

	put(f, "a.a");
	MQ_AUTO(mq_job) struct mq_job *job = claim_one(f);
	struct mq_settle done = {
		.job = job, .outcome = MQ_OUTCOME_FAILED, .to = MQ_JOB_QUEUED, .error = "again"
	};
	const struct mq_claim c = { .worker_id = f->worker, .max = 1 };
	assert_int_equal(mq_queue_turn(f->queue, &done, 1, &c, out, &n, &f->err), MQ_OK);
	assert_int_equal(n, 1);
	assert_int_equal(out[0]->token, job->token + 1);
	mq_job_free(out[0]);
}

/* ---------------------------------------------------------------- uniqueness, bad input */

static void a_unique_key_is_taken_until_its_job_has_ended(void **state)
{
	struct fixture *f = *state;
	const struct mq_job_new job = { .kind = "a.a", .unique_key = "nightly" };
	int64_t id;

	put_job(f, &job);
	assert_int_equal(mq_queue_enqueue(f->queue, &job, &id, &f->err), MQ_E_EXISTS);
	assert_non_null(strstr(f->err.text, "nightly"));
	MQ_AUTO(mq_job) struct mq_job *claimed = claim_one(f);
	assert_int_equal(mq_queue_enqueue(f->queue, &job, &id, &f->err), MQ_E_EXISTS);
	assert_int_equal(settle(f, claimed, MQ_OUTCOME_SUCCEEDED, MQ_JOB_SUCCEEDED, NULL), MQ_OK);
	put_job(f, &job);
}

static void a_wrong_job_is_refused_with_words(void **state)
{
	struct fixture *f = *state;
	static const struct {
		struct mq_job_new job;
		const char *text;
	} cases[] = {
		{ { .kind = NULL }, "kind" },
		{ { .kind = "" }, "kind must be" },
		{ { .kind = "Export" }, "kind must be" },
		{ { .kind = "a.a", .priority = 1001 }, "priority must be" },
		{ { .kind = "a.a", .payload = "[]" }, "payload must be" },
		{ { .kind = "a.a", .payload = "" }, "payload must be" },
		{ { .kind = "a.a", .max_attempts = 101 }, "max_attempts must be" },
		{ { .kind = "a.a", .max_attempts = -1 }, "max_attempts must be" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t id = -7;
		assert_int_equal(mq_queue_enqueue(f->queue, &cases[i].job, &id, &f->err),
				 MQ_E_INVALID);
		assert_non_null(strstr(f->err.text, cases[i].text));
		assert_int_equal(id, -7);
	}
	assert_int_equal(claim(f, "*", 1), 0);
}

/* ---------------------------------------------------------------- progress and cancelling */

static void progress_shows_until_the_job_goes_back(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.a");
	MQ_AUTO(mq_job) struct mq_job *job = claim_one(f);

	assert_int_equal(mq_queue_progress(f->queue, job, 40, "4 of 10", &f->err), MQ_OK);
	MQ_AUTO(mq_job) struct mq_job *during = get(f, id);
	assert_int_equal(during->progress, 40);
	assert_string_equal(during->progress_note, "4 of 10");
	assert_int_equal(mq_queue_progress(f->queue, job, 400, NULL, &f->err), MQ_OK);
	MQ_AUTO(mq_job) struct mq_job *clamped = get(f, id);
	assert_int_equal(clamped->progress, 100);
	assert_int_equal(settle(f, job, MQ_OUTCOME_FAILED, MQ_JOB_QUEUED, "x"), MQ_OK);
	MQ_AUTO(mq_job) struct mq_job *after = get(f, id);
	assert_int_equal(after->progress, -1);
	assert_null(after->progress_note);
}

static void a_queued_job_is_cancelled_at_once(void **state)
{
	struct fixture *f = *state;
	enum mq_status before = MQ_JOB_FAILED;
	int64_t id = put(f, "a.a");

	assert_int_equal(mq_queue_cancel(f->queue, id, &before, &f->err), MQ_OK);
	assert_int_equal(before, MQ_JOB_QUEUED);
	MQ_AUTO(mq_job) struct mq_job *job = get(f, id);
	assert_int_equal(job->status, MQ_JOB_CANCELLED);
	assert_int_equal(job->finished_at_us, wall_us);
	assert_int_equal(claim(f, "*", 1), 0);
}

static void a_running_job_is_asked_to_stop(void **state)
{
	struct fixture *f = *state;
	enum mq_status before = MQ_JOB_FAILED;
	bool cancel = true;
	int64_t id = put(f, "a.a");
	MQ_AUTO(mq_job) struct mq_job *job = claim_one(f);

	assert_int_equal(mq_queue_check(f->queue, job, &cancel, &f->err), MQ_OK);
	assert_false(cancel);
	assert_int_equal(mq_queue_cancel(f->queue, id, &before, &f->err), MQ_OK);
	assert_int_equal(before, MQ_JOB_RUNNING);
	assert_status(f, id, MQ_JOB_RUNNING);
	assert_int_equal(mq_queue_check(f->queue, job, &cancel, &f->err), MQ_OK);
	assert_true(cancel);
	assert_int_equal(settle(f, job, MQ_OUTCOME_CANCELLED, MQ_JOB_CANCELLED, "asked for"),
			 MQ_OK);
	assert_status(f, id, MQ_JOB_CANCELLED);
}

static void a_job_that_fails_while_its_end_is_asked_for_does_not_come_back(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.a");
	MQ_AUTO(mq_job) struct mq_job *job = claim_one(f);

	assert_int_equal(mq_queue_cancel(f->queue, id, NULL, &f->err), MQ_OK);
	assert_int_equal(settle(f, job, MQ_OUTCOME_FAILED, MQ_JOB_QUEUED, "x"), MQ_OK);
	assert_status(f, id, MQ_JOB_CANCELLED);
}

static void a_job_that_succeeds_although_its_end_was_asked_for_has_succeeded(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.a");
	MQ_AUTO(mq_job) struct mq_job *job = claim_one(f);

	assert_int_equal(mq_queue_cancel(f->queue, id, NULL, &f->err), MQ_OK);
	assert_int_equal(settle(f, job, MQ_OUTCOME_SUCCEEDED, MQ_JOB_SUCCEEDED, NULL), MQ_OK);
	assert_status(f, id, MQ_JOB_SUCCEEDED);
}

static void what_has_ended_cannot_be_cancelled(void **state)
{
	struct fixture *f = *state;
	int64_t id = put_failed(f, &(struct mq_job_new){ .kind = "a.a" });

	assert_int_equal(mq_queue_cancel(f->queue, id, NULL, &f->err), MQ_E_INVALID);
	assert_non_null(strstr(f->err.text, "failed"));
	assert_int_equal(mq_queue_cancel(f->queue, 999, NULL, &f->err), MQ_E_NOTFOUND);
}

/* ---------------------------------------------------------------- workers and rescue */

static bool count_alive(void *ctx, const struct mq_worker *worker)
{
	struct seen *seen = ctx;

	seen->n += worker->alive;
	seen->ids[0] = worker->job_id;
	assert_string_equal(worker->host, "here");
	return true;
}

static void a_worker_comes_and_goes_with_its_byte(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };

	assert_true(fake_lease_holds(f->lease, f->worker));
	int64_t id = put(f, "a.a");
	MQ_AUTO(mq_job) struct mq_job *job = claim_one(f);
	assert_int_equal(mq_queue_workers(f->queue, count_alive, &seen, &f->err), MQ_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.ids[0], id);
	assert_int_equal(mq_queue_worker_remove(f->queue, f->worker, &f->err), MQ_E_BUG);
	assert_true(fake_lease_holds(f->lease, f->worker));
	assert_int_equal(settle(f, job, MQ_OUTCOME_SUCCEEDED, MQ_JOB_SUCCEEDED, NULL), MQ_OK);
	assert_int_equal(mq_queue_worker_remove(f->queue, f->worker, &f->err), MQ_OK);
	assert_false(fake_lease_holds(f->lease, f->worker));
	int64_t other = add_worker(f);
	assert_true(other > f->worker); /* never reused */
}

static void the_gate_is_free_after_every_call(void **state)
{
	struct fixture *f = *state;
	bool cancel;
	struct mq_job ghost = { .id = 77, .token = 1, .status = MQ_JOB_RUNNING };
	int64_t id = put(f, "a.a");

	mq_queue_cancel(f->queue, 999, NULL, NULL);
	mq_queue_progress(f->queue, &ghost, 1, NULL, NULL);
	mq_queue_check(f->queue, &ghost, &cancel, NULL);
	mq_queue_enqueue(f->queue, &(struct mq_job_new){ .kind = "" }, &id, NULL);
	claim(f, "*", 1);
	assert_false(fake_lease_holds(f->lease, MQ_LEASE_GATE));
}

static void nobody_is_rescued_while_the_byte_is_held(void **state)
{
	struct fixture *f = *state;
	int jobs = -1;
	int64_t id = put(f, "a.a");
	mq_job_free(claim_one(f));
	const struct mq_death death = { .worker_id = f->worker,
					.outcome = MQ_OUTCOME_CRASHED,
					.signal = 9,
					.exit_status = -1 };

	assert_int_equal(mq_queue_rescue(f->queue, &death, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 0);
	assert_int_equal(mq_queue_rescue_all(f->queue, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 0);
	assert_status(f, id, MQ_JOB_RUNNING);
}

/* The fixture's worker dies with the job it just claimed; a new one takes its place. */
static int die(struct fixture *f, struct mq_death death)
{
	int jobs = -1;

	mq_job_free(claim_one(f));
	fake_lease_drop(f->lease, f->worker);
	death.worker_id = f->worker;
	assert_int_equal(mq_queue_rescue(f->queue, &death, &jobs, &f->err), MQ_OK);
	f->worker = add_worker(f);
	return jobs;
}

static const struct mq_death killed = { .outcome = MQ_OUTCOME_CRASHED,
					.signal = 9,
					.exit_status = -1 };
static const struct mq_death exited = { .outcome = MQ_OUTCOME_CRASHED, .exit_status = 3 };
static const struct mq_death timed_out = { .outcome = MQ_OUTCOME_TIMEOUT,
					   .signal = 9,
					   .exit_status = -1 };
static const struct mq_death interrupted = { .outcome = MQ_OUTCOME_INTERRUPTED,
					     .signal = 9,
					     .exit_status = -1 };

static void a_crash_puts_the_job_back_and_names_the_signal(void **state)
{
	struct fixture *f = *state;
	struct seen workers = { 0 };
	int64_t id = put(f, "a.a");

	assert_int_equal(die(f, killed), 1);
	struct seen seen = attempts_of(f, id);
	assert_int_equal(seen.last.outcome, MQ_OUTCOME_CRASHED);
	assert_int_equal(seen.last.signal, 9);
	assert_int_equal(seen.last.exit_status, -1);
	assert_non_null(strstr(seen.error, "KILL"));
	MQ_AUTO(mq_job) struct mq_job *job = get(f, id);
	assert_int_equal(job->status, MQ_JOB_QUEUED);
	assert_int_equal(job->run_at_us, 0);
	assert_non_null(strstr(job->error, "crashed: "));
	assert_int_equal(mq_queue_workers(f->queue, count_alive, &workers, &f->err), MQ_OK);
	assert_int_equal(workers.n, 1);
}

static void the_third_crash_sends_a_job_to_quarantine(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.a");

	die(f, killed);
	die(f, timed_out);
	assert_status(f, id, MQ_JOB_QUEUED);
	die(f, exited);
	MQ_AUTO(mq_job) struct mq_job *job = get(f, id);
	assert_int_equal(job->status, MQ_JOB_FAILED);
	assert_non_null(strstr(job->error, "crashed: "));
	assert_non_null(strstr(job->error, "status 3"));
	assert_int_equal(job->finished_at_us, wall_us);
	assert_int_equal(attempts_of(f, id).last.exit_status, 3);
}

static void old_crashes_do_not_count_towards_quarantine(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.a");

	die(f, killed);
	die(f, killed);
	wall_us += (MQ_QUARANTINE_WINDOW_S + 1) * MQ_US_PER_S;
	die(f, killed);
	assert_status(f, id, MQ_JOB_QUEUED);
	die(f, killed);
	assert_status(f, id, MQ_JOB_QUEUED);
	die(f, killed);
	assert_status(f, id, MQ_JOB_FAILED);
}

static void interruptions_never_count(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.a");

	for (int i = 0; i < 5; i++)
		die(f, interrupted);
	assert_status(f, id, MQ_JOB_QUEUED);
	assert_int_equal(attempts_of(f, id).last.outcome, MQ_OUTCOME_INTERRUPTED);
}

static void a_dead_worker_whose_job_was_to_stop_leaves_it_cancelled(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.a");
	mq_job_free(claim_one(f));
	int jobs = 0;

	assert_int_equal(mq_queue_cancel(f->queue, id, NULL, &f->err), MQ_OK);
	fake_lease_drop(f->lease, f->worker);
	assert_int_equal(mq_queue_rescue_all(f->queue, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 1);
	assert_status(f, id, MQ_JOB_CANCELLED);
}

static void a_death_by_cancellation_cancels(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.a");

	die(f, (struct mq_death){ .outcome = MQ_OUTCOME_CANCELLED, .signal = 15 });
	assert_status(f, id, MQ_JOB_CANCELLED);
}

static void a_death_cannot_be_a_success(void **state)
{
	struct fixture *f = *state;
	const struct mq_death death = { .worker_id = f->worker, .outcome = MQ_OUTCOME_SUCCEEDED };
	int jobs = 0;

	assert_int_equal(mq_queue_rescue(f->queue, &death, &jobs, &f->err), MQ_E_BUG);
}

/* ---------------------------------------------------------------- retry */

static void retry_puts_a_failed_job_back_and_starts_counting_anew(void **state)
{
	struct fixture *f = *state;
	int64_t id = put_failed(f, &(struct mq_job_new){ .kind = "a.a" });
	int64_t requeued = -1, skipped = -1, failed = -1;
	const struct mq_job_filter all = { 0 };

	assert_int_equal(
		mq_queue_retry(f->queue, &all, false, NULL, NULL, &requeued, &skipped, &f->err),
		MQ_OK);
	assert_int_equal(requeued, 1);
	assert_int_equal(skipped, 0);
	MQ_AUTO(mq_job) struct mq_job *job = get(f, id);
	assert_int_equal(job->status, MQ_JOB_QUEUED);
	assert_int_equal(job->base_attempt, 1);
	assert_null(job->error);
	assert_int_equal(job->finished_at_us, 0);
	MQ_AUTO(mq_job) struct mq_job *again = claim_one(f);
	assert_int_equal(again->attempt, 2);
	assert_int_equal(mq_queue_failures(f->queue, again, &failed, &f->err), MQ_OK);
	assert_int_equal(failed, 0);
	assert_int_equal(attempts_of(f, id).n, 1);
}

static void retry_of_a_quarantined_job_starts_counting_anew(void **state)
{
	struct fixture *f = *state;
	int64_t id = put(f, "a.a"), requeued, skipped;
	const struct mq_job_filter all = { 0 };

	for (int i = 0; i < MQ_QUARANTINE_CRASHES; i++)
		die(f, killed);
	assert_status(f, id, MQ_JOB_FAILED);
	assert_int_equal(
		mq_queue_retry(f->queue, &all, false, NULL, NULL, &requeued, &skipped, &f->err),
		MQ_OK);
	die(f, killed);
	assert_status(f, id, MQ_JOB_QUEUED);
}

static void retry_takes_what_the_filter_takes(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	int64_t requeued, skipped;
	int64_t old = put_failed(f, &(struct mq_job_new){ .kind = "media.image" });

	wall_us += MINUTE_US;
	int64_t other = put_failed(f, &(struct mq_job_new){ .kind = "export.report" });
	int64_t young = put_failed(f, &(struct mq_job_new){ .kind = "media.video" });
	const struct mq_job_filter filter = { .kinds = "media.*", .since_us = wall_us };
	assert_int_equal(mq_queue_retry(f->queue, &filter, true, see_job, &seen, &requeued,
					&skipped, &f->err),
			 MQ_OK);
	assert_int_equal(requeued, 1);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.ids[0], young);
	assert_status(f, young, MQ_JOB_FAILED); /* that was a dry run */
	assert_int_equal(
		mq_queue_retry(f->queue, &filter, false, NULL, NULL, &requeued, &skipped, &f->err),
		MQ_OK);
	assert_status(f, young, MQ_JOB_QUEUED);
	assert_status(f, other, MQ_JOB_FAILED);
	assert_status(f, old, MQ_JOB_FAILED);
	const struct mq_job_filter one = { .limit = 1 };
	assert_int_equal(
		mq_queue_retry(f->queue, &one, false, NULL, NULL, &requeued, &skipped, &f->err),
		MQ_OK);
	assert_int_equal(requeued, 1);
	assert_status(f, old, MQ_JOB_QUEUED); /* oldest first */
}

static void retry_by_id_says_what_cannot_be_retried(void **state)
{
	struct fixture *f = *state;
	int64_t requeued = -1, skipped = -1;
	int64_t failed = put_failed(f, &(struct mq_job_new){ .kind = "a.a" });
	int64_t queued = put(f, "a.a");
	const int64_t unknown[] = { failed, 4711 }, wrong[] = { failed, queued },
		      right[] = { failed, failed };
	struct mq_job_filter filter = { .ids = unknown, .n_ids = 2 };

	assert_int_equal(
		mq_queue_retry(f->queue, &filter, false, NULL, NULL, &requeued, &skipped, &f->err),
		MQ_E_NOTFOUND);
	assert_non_null(strstr(f->err.text, "4711"));
	filter.ids = wrong;
	assert_int_equal(
		mq_queue_retry(f->queue, &filter, false, NULL, NULL, &requeued, &skipped, &f->err),
		MQ_E_INVALID);
	assert_status(f, failed, MQ_JOB_FAILED);
	assert_int_equal(requeued, -1);
	filter.ids = right;
	assert_int_equal(
		mq_queue_retry(f->queue, &filter, false, NULL, NULL, &requeued, &skipped, &f->err),
		MQ_OK);
	assert_int_equal(requeued, 1);
}

static void retry_skips_a_job_whose_key_is_on_its_way(void **state)
{
	struct fixture *f = *state;
	const struct mq_job_new nightly = { .kind = "a.a", .unique_key = "nightly" };
	int64_t requeued, skipped;
	int64_t first = put_failed(f, &nightly), second = put_failed(f, &nightly);
	const struct mq_job_filter all = { 0 };

	for (int dry = 1; dry >= 0; dry--) { /* a dry run promises what the real one does */
		assert_int_equal(mq_queue_retry(f->queue, &all, dry, NULL, NULL, &requeued,
						&skipped, &f->err),
				 MQ_OK);
		assert_int_equal(requeued, 1);
		assert_int_equal(skipped, 1);
	}
	assert_status(f, first, MQ_JOB_QUEUED);
	assert_status(f, second, MQ_JOB_FAILED);
}

/* ---------------------------------------------------------------- lists, statistics, outlook */

static void a_list_is_newest_first_and_filtered(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	int64_t old = put(f, "a.a");

	wall_us += MINUTE_US;
	int64_t b = put(f, "b.b"), c = put(f, "a.c");
	assert_int_equal(
		mq_queue_list(f->queue, &(struct mq_job_filter){ 0 }, see_job, &seen, &f->err),
		MQ_OK);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.ids[0], c);
	assert_int_equal(seen.ids[1], b);
	assert_int_equal(seen.ids[2], old);

	const int64_t ids[] = { old, c, old, 4711 };
	const struct {
		struct mq_job_filter filter;
		size_t n;
		int64_t first;
	} cases[] = {
		{ { .kinds = "a.*" }, 2, c },
		{ { .since_us = wall_us }, 2, c },
		{ { .limit = 1 }, 1, c },
		{ { .ids = ids, .n_ids = 4 }, 2, c },
		{ { .ids = ids, .n_ids = 4, .kinds = "a.a" }, 1, old },
		{ { .status_mask = 1u << MQ_JOB_FAILED }, 0, 0 },
		{ { .status_mask = 1u << MQ_JOB_QUEUED, .kinds = "b.?" }, 1, b },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		seen = (struct seen){ 0 };
		assert_int_equal(mq_queue_list(f->queue, &cases[i].filter, see_job, &seen, &f->err),
				 MQ_OK);
		assert_int_equal(seen.n, cases[i].n);
		assert_int_equal(seen.ids[0], cases[i].first);
	}
	seen = (struct seen){ .stop_after = 2 };
	assert_int_equal(
		mq_queue_list(f->queue, &(struct mq_job_filter){ 0 }, see_job, &seen, &f->err),
		MQ_OK);
	assert_int_equal(seen.n, 2);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct mq_job *job = NULL;

	assert_int_equal(mq_queue_get(f->queue, 4711, &job, &f->err), MQ_E_NOTFOUND);
	assert_null(job);
	assert_non_null(strstr(f->err.text, "4711"));
	assert_int_equal(attempts_of(f, 4711).n, 0);
}

struct stats {
	struct mq_kind_stats at[4];
	size_t n;
};

static bool keep_stats(void *ctx, const struct mq_kind_stats *stats)
{
	struct stats *all = ctx;

	all->at[all->n++] = *stats;
	assert_string_equal(stats->kind, all->n == 1 ? "a.a" : "b.b");
	return true;
}

static void statistics_count_by_kind_and_status(void **state)
{
	struct fixture *f = *state;
	struct stats all = { 0 };
	int64_t first_us = wall_us;

	put_failed(f, &(struct mq_job_new){ .kind = "b.b" });
	put(f, "a.a");
	wall_us += MINUTE_US;
	put(f, "a.a");
	put_job(f, &(struct mq_job_new){ .kind = "a.a", .run_at_us = wall_us + 1 });
	put_job(f, &(struct mq_job_new){ .kind = "b.b", .run_at_us = wall_us + 1 });
	assert_int_equal(mq_queue_stats(f->queue, keep_stats, &all, &f->err), MQ_OK);
	assert_int_equal(all.n, 2);
	assert_int_equal(all.at[0].count[MQ_JOB_QUEUED], 3);
	assert_int_equal(all.at[0].scheduled, 1);
	assert_int_equal(all.at[0].oldest_ready_us, first_us);
	assert_int_equal(all.at[1].count[MQ_JOB_FAILED], 1);
	assert_int_equal(all.at[1].count[MQ_JOB_QUEUED], 1);
	assert_int_equal(all.at[1].oldest_ready_us, 0);
}

static void the_outlook_counts_what_could_run(void **state)
{
	struct fixture *f = *state;
	struct mq_outlook o;
	char globs[] = "a.*";
	const struct mq_claim c = { .serves = serves_glob, .ctx = globs, .max = 3 };

	assert_int_equal(mq_queue_outlook(f->queue, &c, &o, &f->err), MQ_OK);
	assert_int_equal(o.ready + o.next_due_us + o.running + o.waiting, 0);

	put(f, "a.again");
	MQ_AUTO(mq_job) struct mq_job *again = claim_one(f);
	struct mq_settle done = { .job = again,
				  .outcome = MQ_OUTCOME_FAILED,
				  .to = MQ_JOB_QUEUED,
				  .run_at_us = wall_us + 2 * MINUTE_US,
				  .error = "x" };
	assert_int_equal(mq_queue_turn(f->queue, &done, 1, NULL, NULL, NULL, &f->err), MQ_OK);
	put(f, "b.running");
	mq_job_free(claim_one(f));
	put(f, "b.unserved");
	put(f, "a.ready");
	put_job(f, &(struct mq_job_new){ .kind = "a.due", .run_at_us = wall_us });
	put_job(f, &(struct mq_job_new){ .kind = "b.later", .run_at_us = wall_us + MINUTE_US });
	assert_int_equal(mq_queue_outlook(f->queue, &c, &o, &f->err), MQ_OK);
	assert_int_equal(o.ready, 2);
	assert_int_equal(o.running, 1);
	assert_int_equal(o.waiting, 1);
	assert_int_equal(o.next_due_us, wall_us + MINUTE_US);
	for (int i = 0; i < 5; i++)
		put(f, "a.more");
	assert_int_equal(mq_queue_outlook(f->queue, &c, &o, &f->err), MQ_OK);
	assert_int_equal(o.ready, 3);
}

/* ---------------------------------------------------------------- running the suite */

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int contract_queue_run(const struct mq_queue_driver *used, contract_database_fn make,
		       contract_remove_fn remove)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_job_has_its_values),
		TEST(a_job_lives_from_queued_to_succeeded),
		TEST(a_failed_attempt_comes_back_when_it_is_due),
		TEST(an_interrupted_attempt_does_not_count),
		TEST(a_settle_against_the_tables_is_a_bug),
		TEST(a_worker_whose_job_was_taken_back_changes_nothing),
		TEST(a_stale_settle_does_not_stop_the_others),
		TEST(the_larger_priority_goes_first_then_the_smaller_id),
		TEST(a_kind_that_nobody_serves_blocks_nobody),
		TEST(a_claim_takes_no_more_than_asked_for),
		TEST(one_turn_settles_and_claims),
		TEST(a_job_settled_as_queued_can_be_claimed_in_the_same_turn),
		TEST(a_unique_key_is_taken_until_its_job_has_ended),
		TEST(a_wrong_job_is_refused_with_words),
		TEST(progress_shows_until_the_job_goes_back),
		TEST(a_queued_job_is_cancelled_at_once),
		TEST(a_running_job_is_asked_to_stop),
		TEST(a_job_that_fails_while_its_end_is_asked_for_does_not_come_back),
		TEST(a_job_that_succeeds_although_its_end_was_asked_for_has_succeeded),
		TEST(what_has_ended_cannot_be_cancelled),
		TEST(a_worker_comes_and_goes_with_its_byte),
		TEST(the_gate_is_free_after_every_call),
		TEST(nobody_is_rescued_while_the_byte_is_held),
		TEST(a_crash_puts_the_job_back_and_names_the_signal),
		TEST(the_third_crash_sends_a_job_to_quarantine),
		TEST(old_crashes_do_not_count_towards_quarantine),
		TEST(interruptions_never_count),
		TEST(a_dead_worker_whose_job_was_to_stop_leaves_it_cancelled),
		TEST(a_death_by_cancellation_cancels),
		TEST(a_death_cannot_be_a_success),
		TEST(retry_puts_a_failed_job_back_and_starts_counting_anew),
		TEST(retry_of_a_quarantined_job_starts_counting_anew),
		TEST(retry_takes_what_the_filter_takes),
		TEST(retry_by_id_says_what_cannot_be_retried),
		TEST(retry_skips_a_job_whose_key_is_on_its_way),
		TEST(a_list_is_newest_first_and_filtered),
		TEST(what_is_not_there_is_not_found),
		TEST(statistics_count_by_kind_and_status),
		TEST(the_outlook_counts_what_could_run),
	};

	driver = used;
	make_database = make;
	remove_database = remove;
	return cmocka_run_group_tests_name(used == &mq_queue_driver_memory ? "queue: memory"
									   : "queue: sqlite",
					   tests, NULL, NULL);
}
