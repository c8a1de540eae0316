#include "support/cmocka_all.h"

#include <mq/report.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
	char dir[64];
	char shipped[80], own[80], absent[80];
	const char *dirs[4];
	struct mq_str seen; /* "name:title\n" or "path!\n" for each report file */
	struct mq_err why;
};

static void write_file(const char *dir, const char *file, const char *text)
{
	char path[200];

	snprintf(path, sizeof path, "%s/%s", dir, file);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void write_report(const char *dir, const char *name, const char *title)
{
	char file[100], text[400];

	snprintf(file, sizeof file, "%s.sql", name);
	snprintf(text, sizeof text,
		 "-- name: %s\n-- title: %s\n-- folder: manual\n-- sensitivity: system\n"
		 "-- column: n int\nSELECT 1 AS n\n",
		 name, title);
	write_file(dir, file, text);
}

static int setup(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	snprintf(f->dir, sizeof f->dir, "/tmp/mq-reports-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->shipped, sizeof f->shipped, "%s/shipped", f->dir);
	snprintf(f->own, sizeof f->own, "%s/own", f->dir);
	snprintf(f->absent, sizeof f->absent, "%s/absent", f->dir);
	mkdir(f->shipped, 0755);
	mkdir(f->own, 0755);
	f->dirs[0] = f->shipped;
	f->dirs[1] = f->absent;
	f->dirs[2] = f->own;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO_FREE char *command = mq_strf("rm -rf '%s'", f->dir);
	int status = system(command);

	mq_str_free(&f->seen);
	free(f);
	return status;
}

static bool note(void *ctx, const char *path, const struct mq_report *report,
		 const struct mq_err *why)
{
	struct fixture *f = ctx;

	if (report) {
		mq_str_printf(&f->seen, "%s:%s\n", report->name, report->title);
	} else {
		mq_str_printf(&f->seen, "%s!\n", strrchr(path, '/') + 1);
		f->why = *why;
	}
	return true;
}

static void all_reports_are_listed_by_name_and_the_operators_win(void **state)
{
	struct fixture *f = *state;

	write_report(f->shipped, "b", "shipped");
	write_report(f->shipped, "a", "shipped");
	write_report(f->own, "b", "own");
	write_report(f->own, "c", "own");
	write_file(f->own, "README.md", "no report");
	write_file(f->own, ".sql", "no report");
	write_file(f->own, ".hidden.sql", "no report");
	assert_int_equal(mq_report_each(f->dirs, note, f, NULL), MQ_OK);
	assert_string_equal(f->seen.data, "a:shipped\nb:own\nc:own\n");
}

static void a_wrong_file_is_told_and_hides_no_other(void **state)
{
	struct fixture *f = *state;

	write_report(f->shipped, "a", "A");
	write_file(f->shipped, "broken.sql", "-- nmae: broken\nSELECT 1\n");
	write_report(f->shipped, "c", "C");
	assert_int_equal(mq_report_each(f->dirs, note, f, NULL), MQ_OK);
	assert_string_equal(f->seen.data, "a:A\nbroken.sql!\nc:C\n");
	assert_int_equal(f->why.rc, MQ_E_INVALID);
	assert_non_null(strstr(f->why.text, "shipped/broken.sql:1: unknown key 'nmae'"));
}

static void a_report_is_named_as_its_file(void **state)
{
	struct fixture *f = *state;

	write_file(f->shipped, "x.sql",
		   "-- name: y\n-- title: Y\n-- folder: manual\n-- sensitivity: system\n"
		   "-- column: n int\nSELECT 1 AS n\n");
	assert_int_equal(mq_report_each(f->dirs, note, f, NULL), MQ_OK);
	assert_string_equal(f->seen.data, "x.sql!\n");
	assert_non_null(strstr(f->why.text, "the file must be 'y.sql'"));
}

static void what_is_no_regular_file_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[120];

	snprintf(path, sizeof path, "%s/pipe.sql", f->shipped);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof path, "%s/dir.sql", f->shipped);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mq_report_each(f->dirs, note, f, NULL), MQ_OK);
	assert_string_equal(f->seen.data, "dir.sql!\npipe.sql!\n");
}

static void a_report_is_found_by_its_name_alone(void **state)
{
	struct fixture *f = *state;
	struct mq_report *r = NULL;
	struct mq_err err = { 0 };
	static const char *const others[] = { "", "../own/b", "b.sql", "B", "./b", "b/", "*" };

	write_report(f->shipped, "sales_by_month", "shipped");
	write_report(f->shipped, "b", "shipped");
	write_report(f->own, "b", "own");
	assert_int_equal(mq_report_find(f->dirs, "b", &r, &err), MQ_OK);
	assert_string_equal(r->title, "own");
	mq_report_free(r);
	r = NULL;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_int_equal(mq_report_find(f->dirs, others[i], &r, &err), MQ_E_INVALID);
	assert_int_equal(mq_report_find(f->dirs, "sales_by_moth", &r, &err), MQ_E_INVALID);
	assert_string_equal(err.text, "no report 'sales_by_moth': did you mean 'sales_by_month'?");
	assert_int_equal(mq_report_find(NULL, "b", &r, &err), MQ_E_INVALID);
	assert_null(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_reports_are_listed_by_name_and_the_operators_win),
		TEST(a_wrong_file_is_told_and_hides_no_other),
		TEST(a_report_is_named_as_its_file),
		TEST(what_is_no_regular_file_is_refused),
		TEST(a_report_is_found_by_its_name_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
