#include "table.h"
#include <mq/str.h>
#include <string.h>
#include <support/cmocka_all.h>

static const struct mq_table_column columns[] = {
	{ "ID", true, false },
	{ "NAME", false, false },
	{ "NOTE", false, true },
	{ NULL, false, false },
};

/* The rows as a table prints them in this style; freed by the caller. */
static char *print(const struct mq_table_style *style, const char *const *cells)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	struct mq_table *table = mq_table_new(out, columns, style);
	for (; *cells; cells++)
		mq_table_cell(table, *cells);
	mq_table_end(table);
	mq_table_free(table);
	fclose(out);
	return text;
}

static void columns_line_up_for_people(void **state)
{
	static const char *const cells[] = { "7", "a", "first", "123", "J\xc3\xbcrgen", "x", NULL };
	(void)state;
	MQ_AUTO_FREE char *text = print(&(struct mq_table_style){ .aligned = true }, cells);
	assert_string_equal(text, " ID  NAME    NOTE\n"
				  "  7  a       first\n"
				  "123  J\xc3\xbcrgen  x\n");
}

static void the_flexible_column_is_cut_to_fit(void **state)
{
	static const char *const cells[] = { "7", "a", "a long note with \xc3\xa4\xc3\xb6\xc3\xbc",
					     NULL };
	(void)state;
	MQ_AUTO_FREE char *text =
		print(&(struct mq_table_style){ .aligned = true, .width = 20 }, cells);
	assert_string_equal(text, "ID  NAME  NOTE\n 7  a     a long no\xe2\x80\xa6\n");
	MQ_AUTO_FREE char *narrow =
		print(&(struct mq_table_style){ .aligned = true, .width = 1 }, cells);
	assert_string_equal(narrow, "ID  NAME  NOTE\n 7  a     a l\xe2\x80\xa6\n");
}

static void programs_get_tabs_and_no_header(void **state)
{
	static const char *const cells[] = { "7", "a\tb\\", "x\r\ny", "8", "", "z", NULL };
	(void)state;
	MQ_AUTO_FREE char *text = print(&(struct mq_table_style){ 0 }, cells);
	assert_string_equal(text, "7\ta\\tb\\\\\tx\\r\\ny\n8\t\tz\n");
	MQ_AUTO_FREE char *tagged = print(&(struct mq_table_style){ .tag = "job" }, cells);
	assert_string_equal(tagged, "job\t7\ta\\tb\\\\\tx\\r\\ny\njob\t8\t\tz\n");
}

static void no_value_steers_the_terminal(void **state)
{
	static const char *const cells[] = { "7", "a\x1b[2Jb", "x\ny", NULL };
	(void)state;
	MQ_AUTO_FREE char *text = print(&(struct mq_table_style){ .aligned = true }, cells);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "x y\n"));
}

static void no_value_steers_the_pager_of_a_program(void **state)
{
	static const char *const cells[] = { "7", "a\x1b[2Jb",
					     "\xc2\x9b"
					     "31m\x7f\xc3\x9c",
					     NULL };
	(void)state;
	MQ_AUTO_FREE char *text = print(&(struct mq_table_style){ 0 }, cells);
	assert_string_equal(text, "7\ta\\x1b[2Jb\t\\xc2\\x9b31m\\x7f\xc3\x9c\n");
}

static void a_table_without_rows_prints_nothing(void **state)
{
	static const char *const cells[] = { NULL };
	(void)state;
	MQ_AUTO_FREE char *text = print(&(struct mq_table_style){ .aligned = true }, cells);
	assert_string_equal(text, "");
}

static void many_rows_and_missing_values_are_kept(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const struct mq_table_style style = { .aligned = true, .color = true };
	MQ_AUTO(mq_table) struct mq_table *table = mq_table_new(out, columns, &style);
	int lines = 0;
	(void)state;
	for (int i = 0; i < 500; i++) {
		mq_table_int(table, i);
		mq_table_cell(table, NULL);
		mq_table_cell_in(table, "red", "31");
	}
	mq_table_end(table);
	fclose(out);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 501);
	assert_non_null(strstr(text, "499        \x1b[31mred\x1b[0m\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_line_up_for_people),
		cmocka_unit_test(the_flexible_column_is_cut_to_fit),
		cmocka_unit_test(programs_get_tabs_and_no_header),
		cmocka_unit_test(no_value_steers_the_terminal),
		cmocka_unit_test(no_value_steers_the_pager_of_a_program),
		cmocka_unit_test(a_table_without_rows_prints_nothing),
		cmocka_unit_test(many_rows_and_missing_values_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
