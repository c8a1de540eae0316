#include "support/cmocka_all.h"

#include <mq/report.h>
#include <stdio.h>
#include <string.h>

#define HEADER                              \
	"-- name: sales\n-- title: Sales\n" \
	"-- folder: analytics/financial\n-- sensitivity: financial\n"
#define COLUMN "-- column: n int\n"
#define QUERY  "SELECT 1 AS n\n"

static enum mq_rc parse(const char *text, struct mq_report **ret, struct mq_err *err)
{
	return mq_report_parse("/reports/sales.sql", text, strlen(text), ret, err);
}

static void everything_a_header_can_say_is_read(void **state)
{
	(void)state;
	MQ_AUTO(mq_report) struct mq_report *r = NULL;
	struct mq_err err = { 0 };

	assert_int_equal(parse("-- name: sales\r\n"
			       "--\n"
			       "-- title:   Sales: all of them  \n"
			       "-- title.de: Umsätze\n"
			       "-- folder: compliance/audit\n"
			       "-- sensitivity: system\n"
			       "-- param: from date optional | first day\n"
			       "-- param: until time = now | end\n"
			       "-- param: days int(1..365) = 30 | how many\n"
			       "-- param: any int | a number\n"
			       "-- param: unit enum(day,month) = month | group by | this\n"
			       "-- param: who text | an id\n"
			       "-- table: bookings (id, amount)\n"
			       "-- table: users (id)\n"
			       "-- column: day date | Tag\n"
			       "-- column: gross money(currency)\n"
			       "-- column: currency text | Währung\n"
			       "-- column: rating hundredths\n"
			       "-- column: share real\n"
			       "-- column: n int\n"
			       "\n"
			       "-- a comment: with a colon\n"
			       "SELECT 1\n",
			       &r, &err),
			 MQ_OK);
	assert_string_equal(r->name, "sales");
	assert_string_equal(r->title, "Sales: all of them");
	assert_string_equal(r->title_de, "Umsätze");
	assert_string_equal(r->folder, "compliance/audit");
	assert_int_equal(r->sensitivity, MQ_SENSITIVITY_SYSTEM);
	assert_int_equal(r->n_params, 6);
	assert_true(r->params[0].optional);
	assert_string_equal(r->params[1].fallback, "now");
	assert_int_equal(r->params[2].min, 1);
	assert_int_equal(r->params[2].max, 365);
	assert_true(r->params[3].max == INT64_MAX);
	assert_null(r->params[3].fallback);
	assert_string_equal(r->params[4].choices[1], "month");
	assert_null(r->params[4].choices[2]);
	assert_string_equal(r->params[4].help, "group by | this");
	assert_int_equal(r->params[5].type, MQ_REPORT_PARAM_TEXT);
	assert_int_equal(r->n_tables, 2);
	assert_string_equal(r->tables[0].columns[1], "amount");
	assert_null(r->tables[0].columns[2]);
	assert_int_equal(r->n_columns, 6);
	assert_string_equal(r->columns[0].title_de, "Tag");
	assert_int_equal(r->columns[1].type, MQ_REPORT_MONEY);
	assert_int_equal(r->columns[1].currency_index, 2);
	assert_int_equal(r->columns[3].type, MQ_REPORT_HUNDREDTHS);
	assert_int_equal(r->sql_line, 21);
	assert_non_null(strstr(r->sql, "SELECT 1"));
}

static void wrong_headers_are_refused_with_file_line_and_way_out(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "no line '-- name: ...'" },
		{ "SELECT 1", "no line '-- name: ...'" },
		{ "-- name: a\n-- title: A\n-- folder: manual\n" COLUMN QUERY,
		  "'-- sensitivity: ...'" },
		{ HEADER QUERY, "no line '-- column: ...'" },
		{ HEADER COLUMN, "no query" },
		{ HEADER COLUMN "\n ;\n", "no query" },
		{ HEADER "-- titel: x\n" COLUMN QUERY,
		  "sales.sql:5: unknown key 'titel': did you mean 'title'?" },
		{ HEADER "-- zzzzzzz: x\n" COLUMN QUERY, "sales.sql:5: unknown key 'zzzzzzz'" },
		{ HEADER "-- a sentence\n" COLUMN QUERY,
		  "free comments come after the first empty line" },
		{ HEADER "-- name: again\n" COLUMN QUERY, ":5: 'name' is given twice" },
		{ HEADER "-- sensitivity: system\n" COLUMN QUERY,
		  ":5: 'sensitivity' is given twice" },
		{ HEADER "-- title.de:\n" COLUMN QUERY, ":5: 'title.de' has no value" },
		{ "-- name: ../x\n", ":1: name must be" },
		{ "-- name: Sales\n", ":1: name must be" },
		{ "-- name: 1a\n", ":1: name must be" },
		{ "-- sensitivity: secret\n", "must be analytics, financial, personal or system" },
		{ "-- folder: ../etc\n", "folder must be" },
		{ "-- folder: analytics/../../etc\n", "folder must be" },
		{ "-- folder: analytics/\n", "folder must be" },
		{ "-- folder: analytics//x\n", "folder must be" },
		{ "-- folder: analyticsx\n", "folder must be" },
		{ "-- folder: /analytics\n", "folder must be" },
		{ "-- param: from date\n", "a param is NAME TYPE" },
		{ "-- param: from | x\n", "a param is NAME TYPE" },
		{ "-- param: From date | x\n", "a param is NAME TYPE" },
		{ "-- param: from day | x\n", "the type of a param" },
		{ "-- param: n int(5) | x\n", "the type of a param" },
		{ "-- param: n int(9..5) | x\n", "the type of a param" },
		{ "-- param: n int(1..5 | x\n", "the type of a param" },
		{ "-- param: n enum | x\n", "the type of a param" },
		{ "-- param: n enum() | x\n", "the type of a param" },
		{ "-- param: n enum(a,,b) | x\n", "the type of a param" },
		{ "-- param: n date(x) | x\n", "the type of a param" },
		{ "-- param: n int maybe | x\n", "'optional' or '= DEFAULT'" },
		{ "-- param: n int = | x\n", "'optional' or '= DEFAULT'" },
		{ "-- param: n int(1..9) = 10 | x\n",
		  ":1: the default: report parameter 'n' must be" },
		{ "-- param: n date = 2025-02-30 | x\n", ":1: the default" },
		{ "-- param: n int | x\n-- param: n int | x\n", ":2: param 'n' is declared twice" },
		{ "-- table: bookings\n", "a table is NAME (COLUMN" },
		{ "-- table: bookings ()\n", "a table is NAME (COLUMN" },
		{ "-- table: book ings (a)\n", "a table is NAME (COLUMN" },
		{ "-- table: bookings (a) x\n", "a table is NAME (COLUMN" },
		{ "-- column: n\n", "a column is NAME TYPE" },
		{ "-- column: n number\n", "a column is NAME TYPE" },
		{ "-- column: n int x\n", "a column is NAME TYPE" },
		{ "-- column: n money\n", "a column is NAME TYPE" },
		{ "-- column: n int(x)\n", "a column is NAME TYPE" },
		{ "-- column: n int\n-- column: n int\n", ":2: column 'n' is declared twice" },
		{ HEADER "-- column: n money(cur)\n" QUERY, "currency column 'cur'" },
		{ HEADER "-- column: n money(n)\n" QUERY, "currency column 'n'" },
		{ HEADER "-- column: cur int\n-- column: n money(cur)\n" QUERY,
		  "currency column 'cur'" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mq_report *r = NULL;
		struct mq_err err = { 0 };

		assert_int_equal(parse(cases[i].text, &r, &err), MQ_E_INVALID);
		assert_null(r);
		if (!strstr(err.text, cases[i].says) || !strstr(err.text, "/reports/sales.sql"))
			fail_msg("'%s' gives '%s', without '%s'", cases[i].text, err.text,
				 cases[i].says);
	}
}

static void a_nul_byte_is_no_end_of_file(void **state)
{
	(void)state;
	static const char text[] = HEADER COLUMN QUERY "\0; DROP TABLE jobs";
	struct mq_report *r = NULL;

	assert_int_equal(mq_report_parse("x.sql", text, sizeof text - 1, &r, NULL), MQ_E_INVALID);
}

static void folders_decide_how_long_files_are_kept(void **state)
{
	(void)state;
	assert_int_equal(mq_report_keep_days("analytics/financial"), 90);
	assert_int_equal(mq_report_keep_days("analytics"), 90);
	assert_int_equal(mq_report_keep_days("compliance/gdpr"), 30);
	assert_int_equal(mq_report_keep_days("compliance/gdprx"), 2555);
	assert_int_equal(mq_report_keep_days("compliance/financial"), 2555);
	assert_int_equal(mq_report_keep_days("backups"), 30);
	assert_int_equal(mq_report_keep_days("manual"), 7);
	assert_int_equal(mq_report_keep_days("integrations/usage"), 0);
	assert_int_equal(mq_report_keep_days("analyticsx"), -1);
	assert_int_equal(mq_report_keep_days(""), -1);
}

static void only_what_is_secret_is_secret(void **state)
{
	(void)state;
	assert_true(mq_sensitivity_info(MQ_SENSITIVITY_FINANCIAL)->secret);
	assert_true(mq_sensitivity_info(MQ_SENSITIVITY_PERSONAL)->secret);
	assert_false(mq_sensitivity_info(MQ_SENSITIVITY_ANALYTICS)->secret);
	assert_false(mq_sensitivity_info(MQ_SENSITIVITY_SYSTEM)->secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_a_header_can_say_is_read),
		cmocka_unit_test(wrong_headers_are_refused_with_file_line_and_way_out),
		cmocka_unit_test(a_nul_byte_is_no_end_of_file),
		cmocka_unit_test(folders_decide_how_long_files_are_kept),
		cmocka_unit_test(only_what_is_secret_is_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
