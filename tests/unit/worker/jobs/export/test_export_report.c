#include "fakes/fake_run.h"
#include "support/cmocka_all.h"

#include <dirent.h>
#include <mq/clock.h>
#include <mq/report.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* 2025-11-03 12:00:00 UTC */
#define CREATED	  (INT64_C(1762171200) * MQ_US_PER_S)
#define FILE_NAME "analytics/financial/sales_20251103_120000_job42.csv"

struct fixture {
	char dir[64];
	char reports[80];
	const char *dirs[2];
	sqlite3 *db;
	struct mq_run run;
	struct mq_err err;
};

static const struct mq_handler *handler(void)
{
	return mq_handler_find("export.report");
}

static int64_t fixed_time(void)
{
	return CREATED + 5 * MQ_US_PER_S;
}

static const struct mq_clock fixed = { .wall_us = fixed_time, .mono_us = fixed_time };

static void write_report(const struct fixture *f, const char *name, const char *sensitivity)
{
	MQ_AUTO_FREE char *path = mq_strf("%s/%s.sql", f->reports, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file,
		"-- name: %s\n-- title: Sales\n-- folder: analytics/financial\n-- sensitivity: %s\n"
		"-- param: least int = 0 | smallest amount\n-- table: sales (day, amount, "
		"currency)\n"
		"-- column: day date | Tag\n-- column: amount money(currency) | Betrag\n"
		"-- column: currency text | Währung\n"
		"SELECT day, cents(amount) AS amount, currency FROM sales WHERE amount >= :least\n"
		"ORDER BY day\n",
		name, sensitivity);
	fclose(file);
}

static int setup(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	snprintf(f->dir, sizeof f->dir, "/tmp/mq-export-XXXXXX");
	if (!mkdtemp(f->dir) || sqlite3_open(":memory:", &f->db) != SQLITE_OK)
		return -1;
	snprintf(f->reports, sizeof f->reports, "%s/reports", f->dir);
	mkdir(f->reports, 0755);
	write_report(f, "sales", "financial");
	write_report(f, "visits", "analytics");
	f->dirs[0] = f->reports;
	f->run = (struct mq_run){
		.dir = f->dir,
		.db = f->db,
		.job_id = 42,
		.created_us = CREATED,
		.policy = { .report_dirs = f->dirs, .version = "1.2.3" },
	};
	mq_clock_use(&fixed);
	*state = f;
	return sqlite3_exec(
		f->db,
		"CREATE TABLE sales (day TEXT, amount NUMERIC, currency TEXT);"
		"INSERT INTO sales VALUES ('2025-01-01', 30, 'EUR'), ('2025-01-02', 0.1, 'USD')",
		NULL, NULL, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO_FREE char *command = mq_strf("rm -rf '%s'", f->dir);
	int status = system(command);

	mq_clock_use(NULL);
	fake_run_reset(&f->run);
	sqlite3_close(f->db);
	free(f);
	return status;
}

static enum mq_rc run(struct fixture *f, const char *payload)
{
	f->err = (struct mq_err){ 0 };
	return fake_run(&f->run, handler(), payload, &f->err);
}

/* The bytes of a file below exports; NULL when it is not there. */
static char *content(const struct fixture *f, const char *name, size_t *ret_len)
{
	MQ_AUTO_FREE char *path = mq_strf("%s/exports/%s", f->dir, name);
	FILE *file = fopen(path, "rb");
	struct mq_str text = { 0 };
	char buf[4096];

	if (!file)
		return NULL;
	for (size_t n; (n = fread(buf, 1, sizeof buf, file)) > 0;)
		mq_str_append(&text, buf, n);
	fclose(file);
	*ret_len = text.len;
	return text.data;
}

static void assert_content(const struct fixture *f, const char *name, const char *expected)
{
	size_t len;
	MQ_AUTO_FREE char *text = content(f, name, &len);

	assert_non_null(text);
	assert_string_equal(text, expected);
}

static mode_t mode_of(const struct fixture *f, const char *name)
{
	MQ_AUTO_FREE char *path = mq_strf("%s/exports/%s", f->dir, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* Files below exports, at any depth. */
static int count_files(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return 0;
	for (struct dirent *e; (e = readdir(dir));) {
		MQ_AUTO_FREE char *below = mq_strf("%s/%s", path, e->d_name);

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n += e->d_type == DT_DIR ? count_files(below) : 1;
	}
	closedir(dir);
	return n;
}

static int files(const struct fixture *f)
{
	MQ_AUTO_FREE char *path = mq_strf("%s/exports", f->dir);

	return count_files(path);
}

static const char *field(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static void sha256_of(const char *data, size_t len, char hex[static MQ_SHA256_HEX_SIZE])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int n;

	assert_int_equal(EVP_Digest(data, len, sum, &n, EVP_sha256(), NULL), 1);
	for (unsigned int i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

/* The manifest tells the truth about the data and agrees with the result. */
static json_t *assert_described(const struct fixture *f, const char *name)
{
	MQ_AUTO_FREE char *manifest_name = mq_strf("%s.manifest.json", name);
	size_t len, manifest_len;
	MQ_AUTO_FREE char *data = content(f, name, &len);
	MQ_AUTO_FREE char *text = content(f, manifest_name, &manifest_len);
	char sum[MQ_SHA256_HEX_SIZE];
	static const char *const common[] = { "path", "bytes", "sha256", "rows", "expires_at" };

	assert_non_null(data);
	assert_non_null(text);
	json_t *manifest = json_loadb(text, manifest_len, 0, NULL);

	assert_non_null(manifest);
	sha256_of(data, len, sum);
	assert_string_equal(field(manifest, "sha256"), sum);
	assert_int_equal(json_integer_value(json_object_get(manifest, "bytes")), len);
	for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
		assert_true(json_equal(json_object_get(manifest, common[i]),
				       json_object_get(f->run.result, common[i])));
	return manifest;
}

static void a_report_becomes_a_file_with_its_manifest(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_OK);
	assert_content(f, FILE_NAME,
		       "day,amount,currency\r\n2025-01-01,30.00,EUR\r\n2025-01-02,0.10,USD\r\n");
	json_t *m = assert_described(f, FILE_NAME);

	assert_string_equal(field(m, "path"), "exports/" FILE_NAME);
	assert_string_equal(field(f->run.result, "manifest"),
			    "exports/" FILE_NAME ".manifest.json");
	assert_string_equal(field(m, "report"), "sales");
	assert_string_equal(field(m, "version"), "1.2.3");
	assert_string_equal(field(m, "snapshot"), "2025-11-03T12:00:05.000Z");
	assert_string_equal(field(m, "created"), "2025-11-03T12:00:05.000Z");
	assert_string_equal(field(m, "expires_at"), "2026-02-01T12:00:05.000Z"); /* 90 days */
	assert_int_equal(json_integer_value(json_object_get(m, "rows")), 2);
	assert_int_equal(json_integer_value(json_object_get(m, "job")), 42);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(m, "parameters"), "least")), 0);
	assert_int_equal(json_array_size(json_object_get(m, "columns")), 3);
	json_decref(m);
	assert_int_equal(files(f), 2);
}

static void only_secret_files_are_closed_to_others(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_OK);
	assert_int_equal(run(f, "{\"report\":\"visits\"}"), MQ_OK);
	assert_int_equal(mode_of(f, FILE_NAME), 0600);
	assert_int_equal(mode_of(f, FILE_NAME ".manifest.json"), 0600);
	assert_int_equal(mode_of(f, "analytics/financial/visits_20251103_120000_job42.csv"), 0644);
	assert_int_equal(mode_of(f, "analytics"), 0755);
	assert_int_equal(mode_of(f, "analytics/financial"), 0755);
}

static void what_a_person_asks_for_goes_to_manual_for_a_week(void **state)
{
	struct fixture *f = *state;

	f->run.requested_by = "7";
	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_OK);
	json_t *m = assert_described(f, "manual/sales_20251103_120000_job42.csv");

	assert_string_equal(field(m, "expires_at"), "2025-11-10T12:00:05.000Z");
	json_decref(m);
	assert_int_equal(mode_of(f, "manual/sales_20251103_120000_job42.csv"), 0600);
}

static void compressed_files_are_described_as_they_are(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, "{\"report\":\"sales\",\"compress\":\"gzip\"}"), MQ_OK);
	json_decref(assert_described(f, FILE_NAME ".gz"));
	assert_int_equal(run(f, "{\"report\":\"sales\",\"compress\":\"zstd\"}"), MQ_OK);
	json_decref(assert_described(f, FILE_NAME ".zst"));
}

static void locale_and_dialect_decide_the_form(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		run(f, "{\"report\":\"sales\",\"locale\":\"de\",\"params\":{\"least\":1}}"), MQ_OK);
	assert_content(f, FILE_NAME,
		       "\xef\xbb\xbf"
		       "Tag;Betrag;Währung\r\n01.01.2025;30,00;EUR\r\n");
	assert_int_equal(run(f, "{\"report\":\"sales\",\"locale\":\"de\",\"dialect\":\"tsv\","
				"\"params\":{\"least\":1}}"),
			 MQ_OK);
	assert_content(f, FILE_NAME, "Tag\tBetrag\tWährung\n01.01.2025\t30.00\tEUR\n");
}

static void an_empty_report_is_a_file_with_a_header(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, "{\"report\":\"sales\",\"params\":{\"least\":1000}}"), MQ_OK);
	assert_content(f, FILE_NAME, "day,amount,currency\r\n");
	assert_int_equal(json_integer_value(json_object_get(f->run.result, "rows")), 0);
}

static void bad_parameters_are_refused_and_leave_nothing(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *payload, *text;
	} cases[] = {
		{ "{}", "'report' is missing" },
		{ "{\"report\":\"sale\"}", "no report 'sale': did you mean 'sales'?" },
		{ "{\"report\":\"../sales\"}", "no report" },
		{ "{\"report\":\"\"}", "no report" },
		{ "{\"report\":\"sales\",\"format\":\"exe\"}", "'format' must be one of csv" },
		{ "{\"report\":\"sales\",\"dialect\":\"excel\"}", "'dialect' must be one of" },
		{ "{\"report\":\"sales\",\"locale\":\"fr\"}", "'locale' must be one of en, de" },
		{ "{\"report\":\"sales\",\"compress\":\"zip\"}", "'compress' must be one of" },
		{ "{\"report\":\"sales\",\"param\":{}}", "did you mean 'params'?" },
		{ "{\"report\":\"sales\",\"params\":[]}", "'params' must be an object" },
		{ "{\"report\":\"sales\",\"params\":{\"last\":1}}", "did you mean 'least'?" },
		{ "{\"report\":\"sales\",\"params\":{\"least\":\"x\"}}", "a whole number" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(run(f, cases[i].payload), MQ_E_INVALID);
		if (!strstr(f->err.text, cases[i].text))
			fail_msg("'%s' gives '%s'", cases[i].payload, f->err.text);
		assert_int_equal(files(f), 0);
	}
	assert_null(f->run.result);
}

static void a_missing_table_is_named_and_no_file_is_written(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sqlite3_exec(f->db, "DROP TABLE sales", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_E_UNSUPPORTED);
	assert_string_equal(f->err.text,
			    "this deployment has no table sales (report 'sales' needs it)");
	assert_int_equal(files(f), 0);
}

static void no_plaintext_where_policy_says_sealed(void **state)
{
	struct fixture *f = *state;

	f->run.policy.sealing_required = true;
	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_E_DENIED);
	assert_non_null(strstr(f->err.text, "ENCRYPTION_ENABLED"));
	assert_int_equal(files(f), 0);
	assert_int_equal(run(f, "{\"report\":\"visits\"}"), MQ_OK);
}

static void a_job_that_was_taken_away_publishes_nothing(void **state)
{
	struct fixture *f = *state;

	f->run.stale = true;
	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_E_STALE);
	assert_int_equal(files(f), 0);
	assert_null(f->run.result);
}

static void a_cancelled_job_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	f->run.stop_beat = 2;
	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_E_CANCELLED);
	assert_int_equal(files(f), 0);
}

static void nothing_is_left_when_any_storage_call_fails(void **state)
{
	struct fixture *f = *state;
	static const char *const payloads[] = {
		"{\"report\":\"sales\"}",
		"{\"report\":\"sales\",\"compress\":\"gzip\"}",
		"{\"report\":\"sales\",\"compress\":\"zstd\"}",
	};

	for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
		enum mq_rc rc = MQ_E_IO;
		int n = 0;

		while (rc != MQ_OK) {
			fake_run_reset(&f->run);
			f->run.fail_call = ++n;
			rc = run(f, payloads[i]);
			assert_true(rc == MQ_OK || rc == MQ_E_IO);
			assert_int_equal(files(f), rc == MQ_OK ? 2 : 0);
			assert_true((f->run.result != NULL) == (rc == MQ_OK));
			assert_true(n < 100);
		}
		assert_true(
			n >
			8); /* removes, puts, writes, finishes, publishes: all have failed once */
		MQ_AUTO_FREE char *clean = mq_strf("rm -rf '%s/exports'", f->dir);
		assert_int_equal(system(clean), 0);
	}
}

static void running_twice_ends_as_running_once(void **state)
{
	struct fixture *f = *state;
	size_t len, first_len, manifest_len;

	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_OK);
	MQ_AUTO_FREE char *first = content(f, FILE_NAME, &first_len);
	MQ_AUTO_FREE char *manifest = content(f, FILE_NAME ".manifest.json", &manifest_len);

	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_OK);
	MQ_AUTO_FREE char *second = content(f, FILE_NAME, &len);

	assert_string_equal(second, first);
	assert_content(f, FILE_NAME ".manifest.json", manifest);
	assert_int_equal(files(f), 2);
}

static void a_second_attempt_over_changed_data_replaces_the_first_whole(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_OK);
	assert_int_equal(sqlite3_exec(f->db, "DELETE FROM sales", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(run(f, "{\"report\":\"sales\"}"), MQ_OK);
	assert_content(f, FILE_NAME, "day,amount,currency\r\n");
	json_decref(assert_described(f, FILE_NAME));
	assert_int_equal(files(f), 2);
}

static void the_shipped_reports_are_right_for_the_application(void **state)
{
	(void)state;
	const char *source = getenv("MQ_SOURCE_DIR");
	static const char *const names[] = { "financial_summary", "consultant_performance",
					     "analytics_summary" };

	if (!source)
		skip();
	MQ_AUTO_FREE char *dir = mq_strf("%s/schema/reports", source);
	const char *dirs[] = { dir, NULL };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		MQ_AUTO(mq_report) struct mq_report *report = NULL;
		struct mq_err err = { 0 };

		if (mq_report_find(dirs, names[i], &report, &err) != MQ_OK)
			fail_msg("%s", err.text);
		assert_true(mq_sensitivity_info(report->sensitivity)->secret);
		assert_non_null(report->title_de);
		for (size_t c = 0; c < report->n_columns; c++)
			assert_non_null(report->columns[c].title_de);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_report_becomes_a_file_with_its_manifest),
		TEST(only_secret_files_are_closed_to_others),
		TEST(what_a_person_asks_for_goes_to_manual_for_a_week),
		TEST(compressed_files_are_described_as_they_are),
		TEST(locale_and_dialect_decide_the_form),
		TEST(an_empty_report_is_a_file_with_a_header),
		TEST(bad_parameters_are_refused_and_leave_nothing),
		TEST(a_missing_table_is_named_and_no_file_is_written),
		TEST(no_plaintext_where_policy_says_sealed),
		TEST(a_job_that_was_taken_away_publishes_nothing),
		TEST(a_cancelled_job_leaves_nothing),
		TEST(nothing_is_left_when_any_storage_call_fails),
		TEST(running_twice_ends_as_running_once),
		TEST(a_second_attempt_over_changed_data_replaces_the_first_whole),
		cmocka_unit_test(the_shipped_reports_are_right_for_the_application),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
