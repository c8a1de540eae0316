#include "support/cmocka_all.h"

#include "end.h"

#define NOW_US INT64_C(1762171200000000)

static const struct {
	const char *what;
	struct mq_end_facts facts;
	struct mq_end want; /* run_at_us: 0 at once, 1 later */
} cases[] = {
	{ "done", { .rc = MQ_OK }, { true, MQ_OUTCOME_SUCCEEDED, MQ_JOB_SUCCEEDED, 0 } },
	{ "done after many failures",
	  { .rc = MQ_OK, .failed = 9, .max_attempts = 3 },
	  { true, MQ_OUTCOME_SUCCEEDED, MQ_JOB_SUCCEEDED, 0 } },
	{ "cancelled",
	  { .rc = MQ_E_CANCELLED },
	  { true, MQ_OUTCOME_CANCELLED, MQ_JOB_CANCELLED, 0 } },
	{ "the pool stops: at once and uncounted, however often it failed",
	  { .rc = MQ_E_INTERRUPTED, .failed = 99, .max_attempts = 1 },
	  { true, MQ_OUTCOME_INTERRUPTED, MQ_JOB_QUEUED, 0 } },
	{ "taken away: nothing is written", { .rc = MQ_E_STALE }, { .settle = false } },
	{ "may pass: again later",
	  { .rc = MQ_E_IO, .max_attempts = 3 },
	  { true, MQ_OUTCOME_FAILED, MQ_JOB_QUEUED, 1 } },
	{ "may pass, last but one attempt",
	  { .rc = MQ_E_NOSPACE, .failed = 1, .max_attempts = 3 },
	  { true, MQ_OUTCOME_FAILED, MQ_JOB_QUEUED, 1 } },
	{ "may pass, last attempt",
	  { .rc = MQ_E_NOSPACE, .failed = 2, .max_attempts = 3 },
	  { true, MQ_OUTCOME_FAILED, MQ_JOB_FAILED, 0 } },
	{ "the maximum was lowered meanwhile",
	  { .rc = MQ_E_IO, .failed = 8, .max_attempts = 3 },
	  { true, MQ_OUTCOME_FAILED, MQ_JOB_FAILED, 0 } },
	{ "no attempt but one",
	  { .rc = MQ_E_IO, .max_attempts = 1 },
	  { true, MQ_OUTCOME_FAILED, MQ_JOB_FAILED, 0 } },
	{ "a kind without a maximum",
	  { .rc = MQ_E_IO },
	  { true, MQ_OUTCOME_FAILED, MQ_JOB_FAILED, 0 } },
	{ "can never succeed: at once",
	  { .rc = MQ_E_INVALID, .max_attempts = 10 },
	  { true, MQ_OUTCOME_FAILED, MQ_JOB_FAILED, 0 } },
	{ "too slow: later",
	  { .rc = MQ_E_TIMEOUT, .max_attempts = 1 },
	  { true, MQ_OUTCOME_TIMEOUT, MQ_JOB_QUEUED, 1 } },
	{ "too slow or crashed twice before: no more",
	  { .rc = MQ_E_TIMEOUT, .crashed = MQ_QUARANTINE_CRASHES - 1, .max_attempts = 100 },
	  { true, MQ_OUTCOME_TIMEOUT, MQ_JOB_FAILED, 0 } },
	{ "crashes do not count as failures",
	  { .rc = MQ_E_IO, .crashed = 2, .failed = 0, .max_attempts = 2 },
	  { true, MQ_OUTCOME_FAILED, MQ_JOB_QUEUED, 1 } },
};

static void each_end_leads_where_its_code_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mq_end_facts facts = cases[i].facts;

		facts.now_us = NOW_US;
		facts.backoff_min_ms = 10000;
		facts.backoff_max_ms = 3600000;
		facts.random = 10000;
		struct mq_end got = mq_end_decide(&facts);

		print_message("%s\n", cases[i].what);
		assert_int_equal(got.settle, cases[i].want.settle);
		if (!got.settle)
			continue;
		assert_int_equal(got.outcome, cases[i].want.outcome);
		assert_int_equal(got.to, cases[i].want.to);
		if (cases[i].want.run_at_us)
			assert_int_equal(got.run_at_us, NOW_US + 10000 * INT64_C(1000));
		else
			assert_int_equal(got.run_at_us, 0);
	}
}

static void every_code_leads_somewhere_and_only_passing_ones_come_back(void **state)
{
	(void)state;
	for (int rc = 1; rc < MQ_RC_COUNT; rc++) {
		const struct mq_end_facts facts = { .rc = (enum mq_rc)rc,
						    .max_attempts = 5,
						    .now_us = NOW_US };
		struct mq_end got = mq_end_decide(&facts);

		if (got.settle && got.outcome == MQ_OUTCOME_FAILED)
			assert_int_equal(got.to == MQ_JOB_QUEUED,
					 mq_rc_info((enum mq_rc)rc)->retry);
		assert_int_not_equal(got.settle && got.to == MQ_JOB_SUCCEEDED, true);
	}
}

static void failures_wait_longer_each_time_and_are_spread(void **state)
{
	int64_t ceiling_ms = 1000;

	(void)state;
	for (int failed = 0; failed < 8; failed++) {
		struct mq_end_facts facts = {
			.rc = MQ_E_IO,
			.failed = failed,
			.max_attempts = 100,
			.backoff_min_ms = 1000,
			.backoff_max_ms = 60000,
			.now_us = NOW_US,
		};

		assert_int_equal(mq_end_decide(&facts).run_at_us, NOW_US);
		facts.random = (uint64_t)ceiling_ms;
		assert_int_equal(mq_end_decide(&facts).run_at_us, NOW_US + ceiling_ms * 1000);
		ceiling_ms = ceiling_ms * 2 < 60000 ? ceiling_ms * 2 : 60000;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_leads_where_its_code_says),
		cmocka_unit_test(every_code_leads_somewhere_and_only_passing_ones_come_back),
		cmocka_unit_test(failures_wait_longer_each_time_and_are_spread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
