#include <status.h>

#include <mq/str.h>
#include <string.h>
#include <support/cmocka_all.h>

static void every_status_has_a_name_that_is_read_back(void **state)
{
	(void)state;
	for (int i = 0; i < MQ_JOB_STATUS_COUNT; i++) {
		enum mq_status back = MQ_JOB_STATUS_COUNT;
		assert_true(mq_status_parse(mq_status_name((enum mq_status)i), &back));
		assert_int_equal(back, i);
	}
	for (int i = 0; i < MQ_OUTCOME_COUNT; i++) {
		enum mq_outcome back = MQ_OUTCOME_COUNT;
		assert_true(mq_outcome_parse(mq_outcome_name((enum mq_outcome)i), &back));
		assert_int_equal(back, i);
	}
}

static void other_names_are_no_status(void **state)
{
	static const char *const names[] = { NULL, "", "Queued", "pending", "queued ", "runnin" };
	enum mq_status status;
	enum mq_outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_false(mq_status_parse(names[i], &status));
		assert_false(mq_outcome_parse(names[i], &outcome));
	}
	assert_string_equal(mq_status_name(MQ_JOB_STATUS_COUNT), "unknown");
	assert_string_equal(mq_outcome_name(MQ_OUTCOME_COUNT), "unknown");
}

static void statuses_change_only_along_the_table(void **state)
{
	/* rows: from, columns: to; queued, running, succeeded, failed, cancelled */
	static const char *const allowed[MQ_JOB_STATUS_COUNT] = { ".x..x", "x.xxx", ".....",
								  "x....", "....." };

	(void)state;
	for (int from = 0; from < MQ_JOB_STATUS_COUNT; from++)
		for (int to = 0; to < MQ_JOB_STATUS_COUNT; to++)
			assert_int_equal(
				mq_status_may_become((enum mq_status)from, (enum mq_status)to),
				allowed[from][to] == 'x');
	assert_false(mq_status_may_become(MQ_JOB_STATUS_COUNT, MQ_JOB_QUEUED));
	assert_false(mq_status_may_become(MQ_JOB_QUEUED, MQ_JOB_STATUS_COUNT));
}

static void an_outcome_leads_only_where_it_can(void **state)
{
	static const char *const allowed[MQ_OUTCOME_COUNT] = {
		[MQ_OUTCOME_SUCCEEDED] = "..x..",   [MQ_OUTCOME_FAILED] = "x..x.",
		[MQ_OUTCOME_TIMEOUT] = "x..x.",	    [MQ_OUTCOME_CRASHED] = "x..x.",
		[MQ_OUTCOME_INTERRUPTED] = "x....", [MQ_OUTCOME_CANCELLED] = "....x",
	};

	(void)state;
	for (int outcome = 0; outcome < MQ_OUTCOME_COUNT; outcome++)
		for (int to = 0; to < MQ_JOB_STATUS_COUNT; to++)
			assert_int_equal(
				mq_status_settle_fits((enum mq_outcome)outcome, (enum mq_status)to),
				allowed[outcome][to] == 'x');
}

static void a_cancelled_job_does_not_go_back(void **state)
{
	(void)state;
	assert_int_equal(mq_status_settled(MQ_JOB_QUEUED, true), MQ_JOB_CANCELLED);
	assert_int_equal(mq_status_settled(MQ_JOB_QUEUED, false), MQ_JOB_QUEUED);
	assert_int_equal(mq_status_settled(MQ_JOB_SUCCEEDED, true), MQ_JOB_SUCCEEDED);
	assert_int_equal(mq_status_settled(MQ_JOB_FAILED, true), MQ_JOB_FAILED);
}

static void a_death_leads_where_the_table_says(void **state)
{
	static const struct {
		enum mq_outcome outcome;
		bool cancel;
		int64_t crashes;
		enum mq_status to;
	} cases[] = {
		{ MQ_OUTCOME_CRASHED, false, 1, MQ_JOB_QUEUED },
		{ MQ_OUTCOME_CRASHED, false, 2, MQ_JOB_QUEUED },
		{ MQ_OUTCOME_CRASHED, false, 3, MQ_JOB_FAILED },
		{ MQ_OUTCOME_CRASHED, false, 9, MQ_JOB_FAILED },
		{ MQ_OUTCOME_CRASHED, true, 3, MQ_JOB_CANCELLED },
		{ MQ_OUTCOME_TIMEOUT, false, 2, MQ_JOB_QUEUED },
		{ MQ_OUTCOME_TIMEOUT, false, 3, MQ_JOB_FAILED },
		{ MQ_OUTCOME_INTERRUPTED, false, 9, MQ_JOB_QUEUED },
		{ MQ_OUTCOME_INTERRUPTED, true, 1, MQ_JOB_CANCELLED },
		{ MQ_OUTCOME_CANCELLED, false, 1, MQ_JOB_CANCELLED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(
			mq_status_rescued(cases[i].outcome, cases[i].cancel, cases[i].crashes),
			cases[i].to);
}

static void a_death_is_told_with_its_reason(void **state)
{
	static const struct {
		struct mq_death death;
		enum mq_status to;
		const char *text;
	} cases[] = {
		{ { .worker_id = 7, .outcome = MQ_OUTCOME_CRASHED, .signal = 9, .exit_status = -1 },
		  MQ_JOB_QUEUED,
		  "crashed: worker 7 was ended by signal 9 (KILL)" },
		{ { .worker_id = 7, .outcome = MQ_OUTCOME_CRASHED, .exit_status = 0 },
		  MQ_JOB_QUEUED,
		  "crashed: worker 7 exited with status 0 in the middle of the job" },
		{ { .worker_id = 7, .outcome = MQ_OUTCOME_CRASHED, .exit_status = -1 },
		  MQ_JOB_QUEUED,
		  "crashed: worker 7 died in the middle of the job" },
		{ { .worker_id = 1, .outcome = MQ_OUTCOME_TIMEOUT, .signal = 999 },
		  MQ_JOB_FAILED,
		  "timeout: worker 1 was ended by signal 999 (unknown); given up after 3 such "
		  "attempts within 24 h" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		MQ_AUTO_FREE char *text = mq_status_death_text(&cases[i].death, cases[i].to);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_a_name_that_is_read_back),
		cmocka_unit_test(other_names_are_no_status),
		cmocka_unit_test(statuses_change_only_along_the_table),
		cmocka_unit_test(an_outcome_leads_only_where_it_can),
		cmocka_unit_test(a_cancelled_job_does_not_go_back),
		cmocka_unit_test(a_death_leads_where_the_table_says),
		cmocka_unit_test(a_death_is_told_with_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
