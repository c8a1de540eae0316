#include <mq/queue.h>
#include <support/cmocka_all.h>

#define HOUR_MS INT64_C(3600000)

/* The largest delay that any random number gives. */
static int64_t largest(int64_t min_ms, int64_t max_ms, int64_t failures)
{
	int64_t ceiling = 0;

	for (uint64_t i = 0; i < 64; i++) {
		int64_t ms = mq_backoff_ms(min_ms, max_ms, failures, UINT64_MAX >> i);
		ceiling = ms > ceiling ? ms : ceiling;
	}
	return ceiling;
}

static void the_bound_doubles_up_to_the_maximum(void **state)
{
	(void)state;
	/* A random number that equals the bound gives the bound. */
	assert_int_equal(mq_backoff_ms(10000, HOUR_MS, 1, 10000), 10000);
	assert_int_equal(mq_backoff_ms(10000, HOUR_MS, 1, 10001), 0);
	assert_int_equal(mq_backoff_ms(10000, HOUR_MS, 2, 20000), 20000);
	assert_int_equal(mq_backoff_ms(10000, HOUR_MS, 5, 160000), 160000);
	assert_int_equal(mq_backoff_ms(10000, HOUR_MS, 30, (uint64_t)HOUR_MS), HOUR_MS);
	assert_int_equal(mq_backoff_ms(10000, HOUR_MS, 30, (uint64_t)HOUR_MS + 1), 0);
}

static void the_delay_is_anywhere_from_nothing_to_the_bound(void **state)
{
	(void)state;
	for (uint64_t i = 0; i <= 100; i++)
		assert_int_equal(mq_backoff_ms(100, 100, 1, i), (int64_t)i);
}

static void no_input_overflows_or_goes_below_zero(void **state)
{
	static const int64_t values[] = { INT64_MIN, -1, 0, 1, 10000, INT64_MAX / 2, INT64_MAX };
	const size_t n = sizeof values / sizeof values[0];

	(void)state;
	for (size_t a = 0; a < n; a++) {
		for (size_t b = 0; b < n; b++) {
			for (size_t c = 0; c < n; c++) {
				int64_t ms = largest(values[a], values[b], values[c]);
				assert_true(ms >= 0);
				assert_true(ms <= (values[b] > 0 ? values[b] : 0));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bound_doubles_up_to_the_maximum),
		cmocka_unit_test(the_delay_is_anywhere_from_nothing_to_the_bound),
		cmocka_unit_test(no_input_overflows_or_goes_below_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
