#include "fakes/fake_run.h"
#include "fakes/fake_sink.h"
#include "support/cmocka_all.h"

#include "export_rows.h"

#include <string.h>

static sqlite3 *db;

static int setup(void **state)
{
	(void)state;
	return sqlite3_open(":memory:", &db);
}

static int teardown(void **state)
{
	(void)state;
	return sqlite3_close(db);
}

#define HEADER "-- name: r\n-- title: R\n-- folder: manual\n-- sensitivity: system\n"

struct outcome {
	struct fake_sink_log log;
	struct mq_run run;
	int64_t rows;
	struct mq_err err;
};

static enum mq_rc write_rows(struct outcome *o, const char *text, const char *dialect, bool german)
{
	MQ_AUTO(mq_report) struct mq_report *report = NULL;
	struct mq_report_query *query = NULL;
	struct mq_sink *sink = fake_sink_new(&o->log);

	o->run.db = db;
	assert_int_equal(mq_report_parse("r.sql", text, strlen(text), &report, &o->err), MQ_OK);
	assert_int_equal(mq_report_query_open(report, db, &query, &o->err), MQ_OK);
	enum mq_rc rc = mq_export_rows_write(&o->run, report, mq_report_query_stmt(query), german,
					     mq_csv_dialect(dialect), sink, &o->rows, &o->err);

	mq_report_query_close(query);
	mq_sink_free(sink);
	return rc;
}

static const char all_types[] = HEADER
	"-- column: t text | Text\n-- column: i int\n-- column: r real | Zahl\n"
	"-- column: d date | Tag\n-- column: c text | Währung\n"
	"-- column: m money(c) | Betrag\n-- column: h hundredths | =Quote\n"
	"SELECT 'a' AS t, 1 AS i, 1.5 AS r, '2025-11-03' AS d, 'EUR' AS c, -305 AS m, 433 AS h\n"
	"UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL\n"
	"UNION ALL SELECT 7, 'x', 2, 'soon', NULL, 12.5, 0\n";

static void each_type_is_written_in_its_form(void **state)
{
	(void)state;
	struct outcome o = { 0 };

	assert_int_equal(write_rows(&o, all_types, "rfc4180", false), MQ_OK);
	assert_string_equal(o.log.written.data, "t,i,r,d,c,m,h\r\n"
						"a,1,1.5,2025-11-03,EUR,-3.05,4.33\r\n"
						",,,,,,\r\n"
						"7,x,2,soon,,12.5,0.00\r\n");
	assert_int_equal(o.rows, 3);
	assert_false(o.log.finished);
	mq_str_free(&o.log.written);
}

static void german_headers_dates_and_commas(void **state)
{
	(void)state;
	struct outcome o = { 0 };

	assert_int_equal(write_rows(&o, all_types, "excel-de", true), MQ_OK);
	assert_string_equal(o.log.written.data, "\xef\xbb\xbf"
						"Text;i;Zahl;Tag;Währung;Betrag;'=Quote\r\n"
						"a;1;1,5;03.11.2025;EUR;-3,05;4,33\r\n"
						";;;;;;\r\n"
						"7;x;2;soon;;12,5;0,00\r\n");
	mq_str_free(&o.log.written);
}

static void money_that_is_no_whole_number_is_an_error_not_a_guess(void **state)
{
	(void)state;
	struct outcome o = { 0 };

	assert_int_equal(write_rows(&o,
				    HEADER "-- column: c text\n-- column: m money(c)\n"
					   "SELECT 'EUR' AS c, 1.5 AS m",
				    "rfc4180", false),
			 MQ_E_CORRUPT);
	assert_non_null(strstr(o.err.text, "column 'm'"));
	mq_str_free(&o.log.written);
}

static void a_query_that_fails_midway_is_told(void **state)
{
	(void)state;
	struct outcome o = { 0 };

	assert_int_equal(write_rows(&o,
				    HEADER
				    "-- column: m int\n"
				    "SELECT cents(column1) AS m FROM (VALUES (1), ('no number'))",
				    "rfc4180", false),
			 MQ_E_DB);
	assert_non_null(strstr(o.err.text, "an amount is no number"));
	mq_str_free(&o.log.written);
}

static const char thousand[] =
	HEADER "-- column: n int\nWITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
	       "WHERE n < 1000) SELECT n FROM c";

static void progress_counts_rows(void **state)
{
	(void)state;
	struct outcome o = { 0 };

	assert_int_equal(write_rows(&o, thousand, "rfc4180", false), MQ_OK);
	assert_int_equal(o.rows, 1000);
	assert_int_equal(o.run.beat_done, 1000);
	assert_string_equal(o.run.beat_note, "1000 rows");
	assert_true(o.run.beats > 2);
	mq_str_free(&o.log.written);
}

static void a_cancelled_job_stops_between_rows(void **state)
{
	(void)state;
	struct outcome o = { .run.stop_beat = 2 };

	assert_int_equal(write_rows(&o, thousand, "rfc4180", false), MQ_E_CANCELLED);
	assert_true(o.run.beat_done > 0 && o.run.beat_done < 1000);
	mq_str_free(&o.log.written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_is_written_in_its_form),
		cmocka_unit_test(german_headers_dates_and_commas),
		cmocka_unit_test(money_that_is_no_whole_number_is_an_error_not_a_guess),
		cmocka_unit_test(a_query_that_fails_midway_is_told),
		cmocka_unit_test(progress_counts_rows),
		cmocka_unit_test(a_cancelled_job_stops_between_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
