#include "support/cmocka_all.h"

#include "report_functions.h"

#include <mq/str.h>
#include <string.h>

static sqlite3 *db;

static int setup(void **state)
{
	(void)state;
	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		return -1;
	return mq_report_functions_add(db, NULL) == MQ_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return sqlite3_close(db) == SQLITE_OK ? 0 : -1;
}

/* The value of an expression as text, "NULL", or "error". */
static void assert_value(const char *expression, const char *expected)
{
	MQ_AUTO_FREE char *sql = mq_strf("SELECT %s", expression);
	sqlite3_stmt *stmt = NULL;
	const char *text = "error";

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(stmt, 0);
		text = text ? text : "NULL";
	}
	if (strcmp(text, expected) != 0)
		fail_msg("%s is %s, not %s", expression, text, expected);
	sqlite3_finalize(stmt);
}

static void cents_are_what_the_application_reads(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "cents(30)", "3000" },
		{ "cents(30.0)", "3000" },
		{ "cents(99.5)", "9950" },
		{ "cents(0.1 + 0.2)", "30" },
		{ "cents(99999999.99)", "9999999999" },
		{ "cents(2.675)", "267" }, /* 2.67499999... */
		{ "cents(1.005)", "100" }, /* 1.00499999... */
		{ "cents(0.125)", "12" },  /* a tie goes to the even digit */
		{ "cents(0.375)", "38" },
		{ "cents(30.299999999999997)", "3030" },
		{ "cents(-0.05)", "-5" },
		{ "cents(-25.5)", "-2550" },
		{ "cents(-0.001)", "0" },
		{ "cents(0)", "0" },
		{ "cents(NULL)", "NULL" },
		{ "cents('30')", "error" },
		{ "cents(x'33')", "error" },
		{ "cents(9223372036854775807)", "error" },
		{ "cents(1e300)", "error" },
		{ "cents(9e999)", "error" },
		{ "cents(-9e999)", "error" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_value(cases[i][0], cases[i][1]);
}

static void quotients_are_rounded_half_away_from_zero(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "quotient(7, 2)", "4" },
		{ "quotient(-7, 2)", "-4" },
		{ "quotient(7, -2)", "-4" },
		{ "quotient(-7, -2)", "4" },
		{ "quotient(10, 3)", "3" },
		{ "quotient(11, 3)", "4" },
		{ "quotient(0, 5)", "0" },
		{ "quotient(3 * 15, 100)", "0" },
		{ "quotient(10 * 15, 100)", "2" },
		{ "quotient(9223372036854775807, 9223372036854775807)", "1" },
		{ "quotient(9223372036854775807, 2)", "4611686018427387904" },
		{ "quotient(-9223372036854775807 - 1, 1)", "-9223372036854775808" },
		{ "quotient(1, 0)", "NULL" },
		{ "quotient(NULL, 1)", "NULL" },
		{ "quotient(1, NULL)", "NULL" },
		{ "quotient(1.5, 1)", "error" },
		{ "quotient('1', 1)", "error" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_value(cases[i][0], cases[i][1]);
}

static void every_stored_form_of_a_time_becomes_the_same_text(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "utc('2025-11-02 11:30:00')", "2025-11-02 11:30:00.000000" },
		{ "utc('2025-11-02 11:30:00.000001')", "2025-11-02 11:30:00.000001" },
		{ "utc('2025-11-02T11:30:00.5')", "2025-11-02 11:30:00.500000" },
		{ "utc('2025-11-02 11:30:00.123')", "2025-11-02 11:30:00.123000" },
		{ "utc('2025-11-02T11:30:00Z')", "2025-11-02 11:30:00.000000" },
		{ "utc('2025-11-02T11:30:00.123456Z')", "2025-11-02 11:30:00.123456" },
		{ "utc('2024-12-31 23:59:59.999999')", "2024-12-31 23:59:59.999999" },
		{ "utc('2025-01-01T00:30:00+01:00')", "2024-12-31 23:30:00.000000" },
		{ "utc('2024-12-31 23:30:00.5-0130')", "2025-01-01 01:00:00.500000" },
		{ "utc('2025-11-02')", "2025-11-02 00:00:00.000000" },
		{ "utc('2025-02-29 00:00:00')", "NULL" },
		{ "utc('2025-11-02 25:00:00')", "NULL" },
		{ "utc('2025-11-02 11:30')", "NULL" },
		{ "utc('2025-11-02 11:30:00.')", "NULL" },
		{ "utc('2025-11-02 11:30:00.1234567')", "NULL" },
		{ "utc('2025-11-02 11:30:00+')", "NULL" },
		{ "utc('2025-11-02 11:30:00-1')", "NULL" },
		{ "utc('2025-11-02 11:30:00+01:')", "NULL" },
		{ "utc('2025-11-02 11:30:00Zx')", "NULL" },
		{ "utc('')", "NULL" },
		{ "utc('now')", "NULL" },
		{ "utc(NULL)", "NULL" },
		{ "utc(2460000)", "NULL" },
		{ "utc(x'3230')", "NULL" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_value(cases[i][0], cases[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cents_are_what_the_application_reads),
		cmocka_unit_test(quotients_are_rounded_half_away_from_zero),
		cmocka_unit_test(every_stored_form_of_a_time_becomes_the_same_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
