#include "support/cmocka_all.h"

#include <mq/str.h>

static void durations_take_units(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} table[] = { { "0", 0 },
		      { "4", 4000 },
		      { "250ms", 250 },
		      { "90s", 90000 },
		      { "60min", 3600000 },
		      { "1m", 60000 },
		      { "1h30min", 5400000 },
		      { "2 h 5 s", 7205000 },
		      { "30d", 2592000000 },
		      { "1w", 604800000 } };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t ms = -1;

		assert_true(mq_duration_parse(table[i].text, &ms));
		assert_int_equal(ms, table[i].ms);
	}
}

static void wrong_durations_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",	"s",	 "-1s", "1.5h", "1 fortnight",		"5s 1h",
		"1h1h", "1h 30", " 1s", "1H",	"99999999999999999999", "9223372036854775807w"
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int64_t ms;

		if (mq_duration_parse(bad[i], &ms))
			fail_msg("'%s' was taken as %lld", bad[i], (long long)ms);
	}
}

static void sizes_take_both_kinds_of_units(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t bytes;
	} table[] = { { "512", 512 },	       { "512B", 512 },	      { "1KiB", 1024 },
		      { "1kB", 1000 },	       { "64MiB", 67108864 }, { "1G", 1073741824 },
		      { "2TB", 2000000000000 } };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t bytes = -1;

		assert_true(mq_size_parse(table[i].text, &bytes));
		assert_int_equal(bytes, table[i].bytes);
	}
	int64_t bytes;

	assert_false(mq_size_parse("1 KB?", &bytes));
	assert_false(mq_size_parse("9999999999TiB", &bytes));
	assert_false(mq_size_parse("-1", &bytes));
}

static void numbers_and_switches(void **state)
{
	(void)state;
	int64_t n;
	bool b;

	assert_true(mq_int_parse("-12", &n));
	assert_int_equal(n, -12);
	assert_true(mq_int_parse("9223372036854775807", &n));
	assert_false(mq_int_parse("9223372036854775808", &n));
	assert_false(mq_int_parse("", &n));
	assert_false(mq_int_parse(" 1", &n));
	assert_false(mq_int_parse("+1", &n));
	assert_false(mq_int_parse("1x", &n));
	assert_false(mq_int_parse("0x10", &n));
	assert_true(mq_bool_parse("Yes", &b));
	assert_true(b);
	assert_true(mq_bool_parse("off", &b));
	assert_false(b);
	assert_false(mq_bool_parse("maybe", &b));
	assert_false(mq_bool_parse("", &b));
}

static void amounts_are_shown_in_a_fitting_unit(void **state)
{
	(void)state;
	char text[MQ_DURATION_TEXT_SIZE];

	mq_duration_format(-5, text);
	assert_string_equal(text, "0 s");
	mq_duration_format(250, text);
	assert_string_equal(text, "250 ms");
	mq_duration_format(1599, text);
	assert_string_equal(text, "1.5 s");
	mq_duration_format(200000, text);
	assert_string_equal(text, "3 min 20 s");
	mq_duration_format(2 * 86400000 + 4 * 3600000, text);
	assert_string_equal(text, "2 d 4 h");
	mq_duration_format(INT64_MAX, text);
	assert_non_null(text);
	mq_size_format(512, text);
	assert_string_equal(text, "512 B");
	mq_size_format(1363149, text);
	assert_string_equal(text, "1.3 MiB");
	mq_size_format(INT64_MAX, text);
	assert_string_equal(text, "8388608.0 TiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_take_units),
		cmocka_unit_test(wrong_durations_are_refused),
		cmocka_unit_test(sizes_take_both_kinds_of_units),
		cmocka_unit_test(numbers_and_switches),
		cmocka_unit_test(amounts_are_shown_in_a_fitting_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
