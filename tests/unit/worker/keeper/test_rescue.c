#include "support/cmocka_all.h"

#include "rescue.h"

#include <fakes/fake_lease.h>
#include <mq/str.h>

static const struct {
	struct mq_msg died;
	struct mq_death want;
} deaths[] = {
	{ { .a = 7, .b = 9 }, { 7, MQ_OUTCOME_CRASHED, 9, -1 } },
	{ { .a = 7, .b = 11 | 0x80 }, { 7, MQ_OUTCOME_CRASHED, 11, -1 } },
	{ { .a = 7, .b = 3 << 8 }, { 7, MQ_OUTCOME_CRASHED, 0, 3 } },
	{ { .a = 7, .b = 9, .c = MQ_STOP_DRAIN }, { 7, MQ_OUTCOME_INTERRUPTED, 9, -1 } },
	{ { .a = 7, .b = 9, .c = MQ_STOP_TIMEOUT }, { 7, MQ_OUTCOME_TIMEOUT, 9, -1 } },
	{ { .a = 7, .b = 9, .c = MQ_STOP_CANCEL }, { 7, MQ_OUTCOME_CANCELLED, 9, -1 } },
	{ { .a = 7, .b = 9, .c = 99 }, { 7, MQ_OUTCOME_CRASHED, 9, -1 } },
	{ { .a = 7, .b = 9, .c = -1 }, { 7, MQ_OUTCOME_CRASHED, 9, -1 } },
};

static void a_death_keeps_its_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof deaths / sizeof deaths[0]; i++) {
		struct mq_death got = mq_rescue_death(&deaths[i].died);

		assert_int_equal(got.worker_id, deaths[i].want.worker_id);
		assert_int_equal(got.outcome, deaths[i].want.outcome);
		assert_int_equal(got.signal, deaths[i].want.signal);
		assert_int_equal(got.exit_status, deaths[i].want.exit_status);
	}
}

/* ---------------------------------------------------------------- with a queue */

struct fixture {
	struct mq_lease *lease;
	struct mq_queue *queue;
	int64_t worker;
	int64_t job;
	struct mq_err err;
};

static bool any(void *ctx, const char *kind)
{
	(void)ctx;
	(void)kind;
	return true;
}

/* One worker that runs one job. */
static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);
	struct mq_job *job = NULL;
	size_t n = 0;

	f->lease = fake_lease_new();
	const struct mq_queue_options options = { .database = "/nowhere", .lease = f->lease };
	const struct mq_worker worker = { .pid = 1,
					  .host = "h",
					  .boot_id = "b",
					  .version = "1",
					  .kinds = "[]",
					  .started_at_us = 1 };

	assert_int_equal(mq_queue_open(&mq_queue_driver_memory, &options, &f->queue, &f->err),
			 MQ_OK);
	assert_int_equal(mq_queue_worker_add(f->queue, &worker, &f->worker, &f->err), MQ_OK);
	assert_int_equal(
		mq_queue_enqueue(f->queue, &(struct mq_job_new){ .kind = "k" }, &f->job, &f->err),
		MQ_OK);
	const struct mq_claim claim = { .worker_id = f->worker, .serves = any, .max = 1 };

	assert_int_equal(mq_queue_turn(f->queue, NULL, 0, &claim, &job, &n, &f->err), MQ_OK);
	assert_int_equal(n, 1);
	mq_job_free(job);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	mq_queue_close(f->queue);
	mq_lease_close(f->lease);
	free(f);
	return 0;
}

static enum mq_status status_of(struct fixture *f)
{
	MQ_AUTO(mq_job) struct mq_job *job = NULL;

	assert_int_equal(mq_queue_get(f->queue, f->job, &job, &f->err), MQ_OK);
	return job->status;
}

static void count_done(void *ctx, const struct mq_death *death, int jobs)
{
	int *total = ctx;

	assert_int_equal(death->outcome, MQ_OUTCOME_CRASHED);
	*total += 1 + 10 * jobs;
}

static void a_death_that_is_told_while_the_lock_is_still_held_is_tried_again(void **state)
{
	struct fixture *f = *state;
	const struct mq_msg died = { .type = MQ_MSG_DIED, .a = f->worker, .b = 9 };
	struct mq_rescue_deaths list = { 0 };
	int done = 0;
	int64_t now_us = 1000;

	mq_rescue_note(&list, &died, now_us);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(list.n, 1);
		assert_true(list.next_us <= now_us);
		assert_int_equal(mq_rescue_try(f->queue, &list, now_us, count_done, &done, &f->err),
				 MQ_OK);
		assert_true(list.next_us > now_us);
		now_us = list.next_us;
	}
	assert_int_equal(done, 0);
	assert_int_equal(status_of(f), MQ_JOB_RUNNING);
	fake_lease_drop(f->lease, f->worker);
	assert_int_equal(mq_rescue_try(f->queue, &list, now_us, count_done, &done, &f->err), MQ_OK);
	assert_int_equal(done, 11);
	assert_int_equal(list.n, 0);
	assert_int_equal(status_of(f), MQ_JOB_QUEUED);
	mq_rescue_drop(&list);
}

static void a_death_that_somebody_else_has_dealt_with_is_over(void **state)
{
	struct fixture *f = *state;
	const struct mq_msg died = { .type = MQ_MSG_DIED, .a = f->worker, .b = 9 };
	struct mq_rescue_deaths list = { 0 };
	int done = 0, jobs = 0;

	fake_lease_drop(f->lease, f->worker);
	assert_int_equal(mq_queue_rescue_all(f->queue, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 1);
	mq_rescue_note(&list, &died, 0);
	assert_int_equal(mq_rescue_try(f->queue, &list, 0, count_done, &done, &f->err), MQ_OK);
	assert_int_equal(done, 1);
	mq_rescue_drop(&list);
}

static void an_unknown_death_is_rescued_at_the_second_look(void **state)
{
	struct fixture *f = *state;
	struct mq_rescue_suspects suspects = { 0 };
	int jobs = -1;

	/* Alive: never, however often it is looked at. */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mq_rescue_look(f->queue, &suspects, &jobs, &f->err), MQ_OK);
		assert_int_equal(jobs, 0);
	}
	fake_lease_drop(f->lease, f->worker);
	assert_int_equal(mq_rescue_look(f->queue, &suspects, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 0);
	assert_int_equal(status_of(f), MQ_JOB_RUNNING);
	assert_int_equal(mq_rescue_look(f->queue, &suspects, &jobs, &f->err), MQ_OK);
	assert_int_equal(jobs, 1);
	assert_int_equal(status_of(f), MQ_JOB_QUEUED);
	mq_rescue_forget(&suspects);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_keeps_its_reason),
		cmocka_unit_test_setup_teardown(
			a_death_that_is_told_while_the_lock_is_still_held_is_tried_again, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_death_that_somebody_else_has_dealt_with_is_over,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_unknown_death_is_rescued_at_the_second_look,
						set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
