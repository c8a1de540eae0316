#include "support/cmocka_all.h"

#include <mq/clock.h>
#include <string.h>

#define NOON INT64_C(1762171200000000) /* 2025-11-03 12:00:00 UTC */

static void stored_forms_are_read_and_written(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t us;
		const char *back;
	} table[] = {
		{ "2025-11-03 12:00:00", NOON, "2025-11-03 12:00:00.000000" },
		{ "2025-11-03 12:00:00.000001", NOON + 1, "2025-11-03 12:00:00.000001" },
		{ "1970-01-01 00:00:00", 0, "1970-01-01 00:00:00.000000" },
		{ "1969-12-31 23:59:59.999999", -1, "1969-12-31 23:59:59.999999" },
		{ "2024-02-29 23:59:59.999999", INT64_C(1709251199999999),
		  "2024-02-29 23:59:59.999999" },
		{ "9999-12-31 23:59:59", INT64_C(253402300799000000),
		  "9999-12-31 23:59:59.000000" },
		{ "0000-01-01 00:00:00", INT64_C(-62167219200000000),
		  "0000-01-01 00:00:00.000000" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t us = 12345;
		char back[MQ_TIME_TEXT_SIZE];

		assert_true(mq_time_parse(table[i].text, &us));
		assert_int_equal(us, table[i].us);
		mq_time_format(us, back);
		assert_string_equal(back, table[i].back);
	}
}

static void other_forms_are_no_stored_time(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"now",
		"2025-11-03",
		"2025-11-03T12:00:00",
		"2025-11-03 12:00:00Z",
		"2025-11-03 12:00:00.123",
		"2025-11-03 12:00:00.1234567",
		"2025-02-29 00:00:00",
		"2025-13-01 00:00:00",
		"2025-00-01 00:00:00",
		"2025-11-03 24:00:00",
		"2025-11-03 12:00:60",
		"2025-11-03 12:00",
		"2025-11-03 12:00:0",
		"+025-11-03 12:00:00",
		" 2025-11-03 12:00:00",
		"2025-11-03 12:00:00 ",
		"2025-11-03 12:00:00.",
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int64_t us;

		if (mq_time_parse(bad[i], &us))
			fail_msg("'%s' was taken", bad[i]);
	}
}

static void times_beyond_four_digits_of_year_are_clamped(void **state)
{
	(void)state;
	char out[MQ_TIME_TEXT_SIZE];

	mq_time_format(INT64_MAX, out);
	assert_string_equal(out, "9999-12-31 23:59:59.999999");
	mq_time_format(INT64_MIN, out);
	assert_string_equal(out, "0000-01-01 00:00:00.000000");
}

static void stamps_and_rfc3339(void **state)
{
	(void)state;
	char stamp[MQ_TIME_STAMP_SIZE], rfc[MQ_TIME_RFC3339_SIZE];

	mq_time_stamp(NOON + 5, stamp);
	assert_string_equal(stamp, "20251103_120000");
	mq_time_rfc3339(NOON + 123456, rfc);
	assert_string_equal(rfc, "2025-11-03T12:00:00.123Z");
}

static void people_may_write_dates_and_distances(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int sign;
		int64_t us;
	} table[] = {
		{ "now", 1, NOON },
		{ "2025-11-03", 1, NOON - INT64_C(43200000000) },
		{ "2025-11-03 12:00", -1, NOON },
		{ "2025-11-03T12:00:00Z", -1, NOON },
		{ "2025-11-03T12:00:00.5Z", -1, NOON + 500000 },
		{ "2h", -1, NOON - INT64_C(7200000000) },
		{ "2h", 1, NOON + INT64_C(7200000000) },
		{ "1d12h", 1, NOON + INT64_C(129600000000) },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t us;

		assert_true(mq_time_parse_input(table[i].text, NOON, table[i].sign, &us));
		assert_int_equal(us, table[i].us);
	}
}

static void a_bare_number_is_no_time(void **state)
{
	(void)state;
	static const char *const bad[] = { "2025",
					   "60",
					   "",
					   "yesterday",
					   "2h ago",
					   "-2h",
					   "2025-11-03 12",
					   "99999999999999999999d",
					   "9223372036854775807ms" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int64_t us;

		if (mq_time_parse_input(bad[i], NOON, 1, &us))
			fail_msg("'%s' was taken", bad[i]);
	}
}

static int64_t moved(void)
{
	return 77;
}

static void tests_can_move_the_clock(void **state)
{
	(void)state;
	static const struct mq_clock clock = { .wall_us = moved, .mono_us = moved };

	mq_clock_use(&clock);
	assert_int_equal(mq_clock_wall_us(), 77);
	assert_int_equal(mq_clock_mono_us(), 77);
	mq_clock_use(NULL);
	assert_true(mq_clock_wall_us() > NOON);
	int64_t before = mq_clock_mono_us();

	assert_true(mq_clock_mono_us() >= before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stored_forms_are_read_and_written),
		cmocka_unit_test(other_forms_are_no_stored_time),
		cmocka_unit_test(times_beyond_four_digits_of_year_are_clamped),
		cmocka_unit_test(stamps_and_rfc3339),
		cmocka_unit_test(people_may_write_dates_and_distances),
		cmocka_unit_test(a_bare_number_is_no_time),
		cmocka_unit_test(tests_can_move_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
