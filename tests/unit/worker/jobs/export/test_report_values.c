#include "support/cmocka_all.h"

#include "report_values.h"

#include <mq/clock.h>
#include <string.h>

/* 2025-11-03 12:00:00 UTC */
#define NOW (INT64_C(1762171200) * MQ_US_PER_S)

static struct mq_report *report;

static int setup(void **state)
{
	static const char text[] = "-- name: r\n-- title: R\n-- folder: manual\n"
				   "-- sensitivity: system\n"
				   "-- param: from date optional | first day\n"
				   "-- param: to date optional | last day\n"
				   "-- param: days int(1..365) = 30 | how many\n"
				   "-- param: now time = now | end\n"
				   "-- param: unit enum(day,month) = month | group\n"
				   "-- param: who text | an id\n"
				   "-- column: n int\nSELECT 1 AS n\n";

	(void)state;
	return mq_report_parse("r.sql", text, sizeof text - 1, &report, NULL) == MQ_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	mq_report_free(report);
	return 0;
}

static enum mq_rc read_params(const char *json, struct mq_report_values **ret, struct mq_err *err)
{
	json_t *params = json ? json_loads(json, 0, NULL) : NULL;
	enum mq_rc rc = mq_report_values_read(report, params, NOW, ret, err);

	json_decref(params);
	return rc;
}

static void assert_values(const char *params, const char *expected)
{
	struct mq_report_values *values = NULL;

	assert_int_equal(read_params(params, &values, NULL), MQ_OK);
	json_t *json = mq_report_values_json(values);
	char *text = json_dumps(json, JSON_COMPACT);

	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
	mq_report_values_free(values);
}

static void what_is_not_given_has_its_default(void **state)
{
	(void)state;
	assert_values(
		"{\"who\":\"x\"}",
		"{\"from\":null,\"to\":null,\"days\":30,\"now\":\"2025-11-03 12:00:00.000000\","
		"\"unit\":\"month\",\"who\":\"x\"}");
	assert_values(
		"{\"who\":\"x\",\"days\":null,\"from\":null,\"unit\":null}",
		"{\"from\":null,\"to\":null,\"days\":30,\"now\":\"2025-11-03 12:00:00.000000\","
		"\"unit\":\"month\",\"who\":\"x\"}");
}

static void what_is_given_is_taken(void **state)
{
	(void)state;
	assert_values(
		"{\"who\":\"'; DROP TABLE jobs\",\"from\":\"2024-02-29\",\"to\":\"2024-02-29\","
		"\"days\":365,\"now\":\"2025-01-02T03:04:05Z\",\"unit\":\"day\"}",
		"{\"from\":\"2024-02-29\",\"to\":\"2024-02-29\",\"days\":365,"
		"\"now\":\"2025-01-02 03:04:05.000000\",\"unit\":\"day\","
		"\"who\":\"'; DROP TABLE jobs\"}");
	assert_values(
		"{\"who\":\"x\",\"days\":\"7\"}",
		"{\"from\":null,\"to\":null,\"days\":7,\"now\":\"2025-11-03 12:00:00.000000\","
		"\"unit\":\"month\",\"who\":\"x\"}");
}

static void wrong_parameters_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *params, *text;
	} cases[] = {
		{ NULL, "'who' is missing: an id" },
		{ "{}", "'who' is missing" },
		{ "{\"who\":\"\"}", "'who' must be text of 1 to 200" },
		{ "{\"who\":7}", "'who' must be text" },
		{ "{\"who\":\"x\",\"form\":\"2025-01-01\"}", "did you mean 'from'?" },
		{ "{\"who\":\"x\",\"zzzzzz\":1}", "takes from, to, days" },
		{ "{\"who\":\"x\",\"from\":\"2025-02-30\"}", "'from' must be a day that exists" },
		{ "{\"who\":\"x\",\"from\":\"2025-1-1\"}", "'from' must be a day" },
		{ "{\"who\":\"x\",\"from\":\"2025-01-01 00:00:00\"}", "'from' must be a day" },
		{ "{\"who\":\"x\",\"from\":\"\"}", "'from' must be a day" },
		{ "{\"who\":\"x\",\"from\":20250101}", "'from' must be text" },
		{ "{\"who\":\"x\",\"from\":\"2025-02-01\",\"to\":\"2025-01-31\"}",
		  "'from' must not be after 'to'" },
		{ "{\"who\":\"x\",\"days\":0}", "from 1 to 365" },
		{ "{\"who\":\"x\",\"days\":366}", "from 1 to 365" },
		{ "{\"who\":\"x\",\"days\":1.5}", "'days' must be a whole number" },
		{ "{\"who\":\"x\",\"days\":\"1e2\"}", "'days' must be a whole number" },
		{ "{\"who\":\"x\",\"now\":\"yesterday\"}", "'now' must be a time" },
		{ "{\"who\":\"x\",\"unit\":\"year\"}", "'unit' must be one of day, month" },
		{ "{\"who\":\"x\",\"unit\":{}}", "'unit' must be text" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mq_report_values *values = NULL;
		struct mq_err err = { 0 };

		assert_int_equal(read_params(cases[i].params, &values, &err), MQ_E_INVALID);
		assert_null(values);
		if (!strstr(err.text, cases[i].text))
			fail_msg("'%s' gives '%s'", cases[i].params, err.text);
	}
}

static void values_are_bound_not_printed(void **state)
{
	(void)state;
	struct mq_report_values *values = NULL;
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT :who, :days, typeof(:from), :to, :now, :unit",
					    -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(read_params("{\"who\":\"a'b\"}", &values, NULL), MQ_OK);
	assert_int_equal(mq_report_values_bind(values, stmt, NULL), MQ_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "a'b");
	assert_int_equal(sqlite3_column_int64(stmt, 1), 30);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 2), "null");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	mq_report_values_free(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_given_has_its_default),
		cmocka_unit_test(what_is_given_is_taken),
		cmocka_unit_test(wrong_parameters_are_named),
		cmocka_unit_test(values_are_bound_not_printed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
