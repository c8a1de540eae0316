#include "support/cmocka_all.h"

#include "slots.h"

#include <mq/supervisor.h>

#define EXITED(status)	 ((status) << 8)
#define SIGNALLED(signo) (signo)

static const struct {
	const char *what;
	struct mq_slot_life life;
	int failures_before;
	struct mq_slot_verdict want;
} cases[] = {
	{ "told to end and did",
	  { .asked = true, .ready = true, .wait_status = EXITED(0) },
	  3,
	  { 0 } },
	{ "told to end, failed on the way",
	  { .asked = true, .ready = true, .had_job = true, .wait_status = EXITED(1) },
	  0,
	  { .died = true } },
	{ "killed in the middle of a job: at once",
	  { .ready = true, .had_job = true, .lived_ms = 2, .wait_status = SIGNALLED(9) },
	  5,
	  { .died = true } },
	{ "idle for long, then killed: at once",
	  { .ready = true, .lived_ms = MQ_SLOT_PROVEN_MS, .wait_status = SIGNALLED(9) },
	  0,
	  { .died = true } },
	{ "ready and dead before it did anything: throttled",
	  { .ready = true, .lived_ms = 5, .wait_status = EXITED(1) },
	  0,
	  { .died = true, .failures = 1, .delay_ms = 100 } },
	{ "dead before READY",
	  { .wait_status = SIGNALLED(11) },
	  1,
	  { .died = true, .failures = 2, .delay_ms = 200 } },
	{ "ended by itself with 0 though nobody asked",
	  { .wait_status = EXITED(0) },
	  0,
	  { .died = true, .failures = 1, .delay_ms = 100 } },
	{ "the delay has a limit",
	  { .wait_status = EXITED(1) },
	  1000000,
	  { .died = true, .failures = 1000001, .delay_ms = MQ_SLOT_DELAY_MAX_MS } },
	{ "the pool cannot run",
	  { .wait_status = EXITED(MQ_CHILD_EXIT_FATAL) },
	  0,
	  { .fatal = true, .died = true, .failures = 1, .delay_ms = 100 } },
};

static void each_end_leads_to_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mq_slot_verdict got =
			mq_slots_judge(&cases[i].life, cases[i].failures_before);

		print_message("%s\n", cases[i].what);
		assert_int_equal(got.fatal, cases[i].want.fatal);
		assert_int_equal(got.died, cases[i].want.died);
		assert_int_equal(got.failures, cases[i].want.failures);
		assert_int_equal(got.delay_ms, cases[i].want.delay_ms);
	}
}

static void deaths_before_ready_wait_twice_as_long_each_time(void **state)
{
	const struct mq_slot_life life = { .wait_status = EXITED(1) };
	int64_t total_ms = 0;
	int failures = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct mq_slot_verdict verdict = mq_slots_judge(&life, failures);

		assert_true(verdict.delay_ms >= MQ_SLOT_DELAY_MIN_MS);
		assert_true(verdict.delay_ms <= MQ_SLOT_DELAY_MAX_MS);
		failures = verdict.failures;
		total_ms += verdict.delay_ms;
	}
	/* 100 + 200 + ... + 25600, then 30 s each: no storm of forks, and no slot that is given up.
	 */
	assert_int_equal(total_ms, 51100 + 11 * MQ_SLOT_DELAY_MAX_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_leads_to_its_verdict),
		cmocka_unit_test(deaths_before_ready_wait_twice_as_long_each_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
