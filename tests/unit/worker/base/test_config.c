#include <mq/config.h>
#include <mq/str.h>
#include <stdio.h>
#include <string.h>
#include <support/cmocka_all.h>
#include <unistd.h>

#define GOOD_DATA "data.dir=/app/data", "database.url=sqlite:////app/data/m.db"

/* One configuration from what a test says, and how loading it ended. */
struct fixture {
	char file[64];
	struct mq_config *config;
	struct mq_err err;
	enum mq_rc rc;
};

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);
	strcpy(f->file, "/tmp/mq-test-config-XXXXXX");
	int fd = mkstemp(f->file);
	assert_true(fd >= 0);
	close(fd);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	unlink(f->file);
	mq_config_free(f->config);
	free(f);
	return 0;
}

static void load(struct fixture *f, const void *text, size_t len, const char *const *env,
		 const char *const *options)
{
	char *environ_[16] = { NULL };
	FILE *out = fopen(f->file, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
	for (size_t i = 0; env && env[i]; i++)
		environ_[i] = mq_strdup(env[i]);
	mq_config_free(f->config);
	f->config = NULL;
	f->err = (struct mq_err){ 0 };
	f->rc = mq_config_load(&(struct mq_config_sources){ f->file, options, environ_ },
			       &f->config, &f->err);
	for (size_t i = 0; environ_[i]; i++)
		free(environ_[i]);
}

static void load_file(struct fixture *f, const char *text)
{
	load(f, text, strlen(text), NULL, NULL);
}

static void assert_loads(const struct fixture *f)
{
	if (f->rc != MQ_OK)
		fail_msg("%s", f->err.text);
}

static void assert_refused(const struct fixture *f, const char *says)
{
	assert_int_equal(f->rc, MQ_E_INVALID);
	assert_null(f->config);
	if (!strstr(f->err.text, says))
		fail_msg("wanted: %s\n  says: %s", says, f->err.text);
}

struct find {
	const char *name;
	char *value, *origin;
};

static void find_item(void *ctx, const struct mq_config_item *item)
{
	struct find *find = ctx;
	assert_non_null(item->help);
	assert_non_null(item->origin);
	if (strcmp(item->name, find->name) != 0)
		return;
	find->value = mq_strdup(item->value);
	find->origin = mq_strdup(item->origin);
}

static void assert_item(const struct fixture *f, const char *name, const char *value,
			const char *origin)
{
	struct find find = { .name = name };
	mq_config_each(f->config, find_item, &find);
	assert_non_null(find.origin);
	if (value)
		assert_string_equal(find.value, value);
	else
		assert_null(find.value);
	assert_string_equal(find.origin, origin);
	free(find.value);
	free(find.origin);
}

static void works_with_no_source_at_all(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO_FREE char *cwd = getcwd(NULL, 0);
	MQ_AUTO_FREE char *database = mq_strf("%s/data/magnetiq.db", cwd);
	MQ_AUTO_FREE char *temp = mq_strf("%s/data/temp", cwd);
	load_file(f, "");
	assert_loads(f);
	assert_string_equal(f->config->database, database);
	assert_string_equal(f->config->temp_dir, temp);
	assert_true(f->config->workers >= 1);
	assert_int_equal(f->config->drain_ms, 4000);
	assert_int_equal(f->config->log_level, MQ_LOG_INFO);
	assert_true(f->config->cache_enabled);
	assert_false(f->config->encryption_enabled);
	assert_null(f->config->only);
	assert_null(f->config->key_file);
	assert_null(f->config->reports_dir);
	assert_item(f, "pool.drain_s", "4s", "default");
	assert_item(f, "pool.only", NULL, "default");
}

static void a_file_sets_every_kind_of_value(void **state)
{
	struct fixture *f = *state;
	load_file(f, "# a comment\n"
		     "[pool]\n"
		     "workers = 7 ; as many as needed\n"
		     "drain_s: 90s\n"
		     "only = export.*, gdpr.*\n"
		     "except=export.table\n"
		     "\n"
		     "[database]\n"
		     "url = sqlite:////app/data/m.db\n"
		     "key_file = keys/db.key\n"
		     "working_dir = /srv\n"
		     "[data]\n"
		     "dir = /app/data\n"
		     "exports_dir = out\n"
		     "[encryption]\n"
		     "enabled = yes\n"
		     "[logs]\n"
		     "level = WARNING\n");
	assert_loads(f);
	const struct mq_config *c = f->config;
	assert_int_equal(c->workers, 7);
	assert_int_equal(c->drain_ms, 90000);
	assert_string_equal(c->only, "export.*, gdpr.*");
	assert_string_equal(c->except, "export.table");
	assert_string_equal(c->key_file, "/srv/keys/db.key");
	assert_string_equal(c->exports_dir, "/srv/out");
	assert_string_equal(c->backups_dir, "/app/data/backups");
	assert_true(c->encryption_enabled);
	assert_int_equal(c->log_level, MQ_LOG_WARNING);
	assert_string_equal(c->file, f->file);
	MQ_AUTO_FREE char *origin = mq_strf("%s:3", f->file);
	assert_item(f, "pool.workers", "7", origin);
	assert_true(mq_config_serves(c, "export.report"));
	assert_false(mq_config_serves(c, "export.table"));
	assert_false(mq_config_serves(c, "media.image"));
}

static void options_win_over_environment_over_file(void **state)
{
	struct fixture *f = *state;
	static const char file[] =
		"[data]\ndir = /file\n[logs]\nlevel = error\n"
		"[database]\nurl = sqlite:////option/m.db\n[cache]\nenabled=true\n";
	const char *const env[] = { "DATA_DIR=/environment", "Logs_Level=DEBUG",
				    "CACHE_ENABLED=", NULL };
	const char *const options[] = { "data.dir=/option", NULL };
	load(f, file, strlen(file), env, options);
	assert_loads(f);
	assert_string_equal(f->config->data_dir, "/option");
	assert_int_equal(f->config->log_level, MQ_LOG_DEBUG);
	assert_item(f, "data.dir", "/option", "option");
	assert_item(f, "logs.level", "DEBUG", "environment LOGS_LEVEL");
	MQ_AUTO_FREE char *origin = mq_strf("%s:8", f->file);
	assert_item(f, "cache.enabled", "true", origin);
}

static void variables_of_the_application_count_in_any_case(void **state)
{
	struct fixture *f = *state;
	const char *const env[] = { "data_dir=/lower",
				    "DATA_DIR=/app/data",
				    "Database_Url=sqlite:////app/data/m.db",
				    "uploads_dir=/u",
				    "EXPORTS_DIR=/e",
				    "BACKUPS_DIR=/b",
				    "LOGS_DIR=/l",
				    "CACHE_DIR=/c",
				    "TEMP_DIR=/t",
				    "LOG_LEVEL=CRITICAL",
				    "CACHE_ENABLED=false",
				    "BACKUP_ENABLED=true",
				    "ENCRYPTION_ENABLED=True",
				    "DATA_DIRECTORY=/no",
				    NULL };
	load(f, "", 0, env, NULL);
	assert_loads(f);
	const struct mq_config *c = f->config;
	assert_string_equal(c->data_dir, "/app/data");
	assert_string_equal(c->uploads_dir, "/u");
	assert_string_equal(c->exports_dir, "/e");
	assert_string_equal(c->backups_dir, "/b");
	assert_string_equal(c->logs_dir, "/l");
	assert_string_equal(c->cache_dir, "/c");
	assert_string_equal(c->temp_dir, "/t");
	assert_int_equal(c->log_level, MQ_LOG_ERROR);
	assert_false(c->cache_enabled);
	assert_true(c->backup_enabled);
	assert_true(c->encryption_enabled);
}

static void the_file_is_found_through_mq_config(void **state)
{
	struct fixture *f = *state;
	load_file(f, "[pool]\nworkers=3\n");
	MQ_AUTO_FREE char *variable = mq_strf("MQ_CONFIG=%s", f->file);
	char *const env[] = { variable, NULL };
	MQ_AUTO(mq_config) struct mq_config *config = NULL;
	assert_int_equal(
		mq_config_load(&(struct mq_config_sources){ .environ_ = env }, &config, &f->err),
		MQ_OK);
	assert_int_equal(config->workers, 3);
}

static void a_file_that_was_named_must_exist(void **state)
{
	struct fixture *f = *state;
	struct mq_config *config = NULL;
	const struct mq_config_sources sources = { .file = "/nonexistent/mq.conf" };
	assert_int_equal(mq_config_load(&sources, &config, &f->err), MQ_E_NOTFOUND);
	assert_non_null(strstr(f->err.text, "/nonexistent/mq.conf"));
	assert_null(config);
	const struct mq_config_sources folder = { .file = "/tmp" };
	assert_int_equal(mq_config_load(&folder, &config, &f->err), MQ_E_INVALID);
}

static void wrong_lines_are_named_with_what_would_be_right(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "[pol]\nworkers=1\n", ":1: there is no section [pol], did you mean [pool]?" },
		{ "\n[zzzzzz]\n", ":2: there is no section [zzzzzz], only [pool] [database]" },
		{ "[pool]\nwrokers=1\n",
		  ":2: [pool] has no setting 'wrokers', did you mean 'workers'?" },
		{ "[logs]\nzz=1\n", ":2: [logs] has no setting 'zz', only level" },
		{ "workers=1\n", ":1: 'workers' stands before the first [section]" },
		{ "[pool]\nworkers\n", ":2: expected '[section]', 'key = value'" },
		{ "[pool\nworkers=1\n", ":1: a section is written [name]" },
		{ "[pool]\nworkers=0\n",
		  ":2: pool.workers = '0' must be a whole number from 1 to 1024" },
		{ "[pool]\nworkers=1.5\n", "must be a whole number" },
		{ "[pool]\nworkers=99999999999999999999999\n", "from 1 to 1024" },
		{ "[pool]\nworkers=\n", ":2: pool.workers has no value" },
		{ "[pool]\ndrain_s=4GiB\n", "must be a duration such as 90s" },
		{ "[pool]\ndrain_s=-1\n", "must be a duration" },
		{ "[pool]\ndrain_s=99999999999999999d\n", "must be a duration" },
		{ "[pool]\ndrain_s=2d\n", "at most" },
		{ "[pool]\nonly=Export\n", "must be kinds or globs" },
		{ "[pool]\nonly=,\n", "must be kinds or globs" },
		{ "[cache]\nenabled=maybe\n", "must be true or false" },
		{ "[logs]\nlevel=loud\n", "must be debug, info, warning, error or critical" },
		{ "[kind.export.report]\ntimeout=5\n", "did you mean 'timeout_s'?" },
		{ "[kind.export.report]\nmax_attempts=0\n", ":2: kind.export.report.max_attempts" },
		{ "[kind.export.report]\nbackoff=1h..10s\n", "a range such as 10s..1h" },
		{ "[kind.]\n", "behind 'kind.' stands one kind or glob" },
		{ "[kind.Export]\n", "behind 'kind.' stands one kind or glob" },
		{ "[kind.a, b]\n", "behind 'kind.' stands one kind or glob" },
		{ "[pool]\nworkers=1\n[logs]\nlevel=info\n[pool]\nworkers=1\n",
		  ":6: pool.workers was set in line 2 already" },
		{ "[kind.a]\nbackoff=1\n[kind.a]\nbackoff=1\n",
		  ":4: kind.a.backoff was set in line 2 already" },
		{ "[database]\nurl=postgresql://x/y\n", ":2: DATABASE_URL 'postgresql://x/y'" },
		{ "[database]\nkey_file=a\x01z\n", "without control characters" },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		load_file(f, rows[i].text);
		assert_refused(f, rows[i].says);
		assert_non_null(strstr(f->err.text, f->file));
	}
}

static void wrong_variables_and_options_are_named(void **state)
{
	static const struct {
		const char *option, *says;
	} rows[] = {
		{ "pool.workers=x", "option: pool.workers = 'x' must be a whole number" },
		{ "pool.worker=1", "did you mean 'workers'?" },
		{ "workers=1", "write SECTION.KEY=VALUE" },
		{ "pool.workers", "write SECTION.KEY=VALUE" },
		{ ".workers=1", "write SECTION.KEY=VALUE" },
		{ "=", "write SECTION.KEY=VALUE" },
		{ "", "write SECTION.KEY=VALUE" },
		{ "pool.=1", "[pool] has no setting ''" },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *const options[] = { rows[i].option, NULL };
		load(f, "", 0, NULL, options);
		assert_refused(f, rows[i].says);
	}
	const char *const env[] = { "LOGS_LEVEL=loud", NULL };
	load(f, "", 0, env, NULL);
	assert_refused(f, "environment LOGS_LEVEL: logs.level = 'loud' must be debug");
}

static void line_ends_byte_order_mark_and_indentation_do_not_matter(void **state)
{
	struct fixture *f = *state;
	load_file(
		f,
		"\xEF\xBB\xBF[pool]\r\nworkers = 5\r\n  drain_s = 9s\r\n\t# x\r\n\r\nonly = a,\r\n"
		"\tb.*,\r\n  c\r\n [logs]\r\n level = debug");
	assert_loads(f);
	assert_int_equal(f->config->workers, 5);
	assert_int_equal(f->config->drain_ms, 9000);
	assert_int_equal(f->config->log_level, MQ_LOG_DEBUG);
	assert_true(mq_config_serves(f->config, "b.x"));
	assert_true(mq_config_serves(f->config, "c"));
	assert_false(mq_config_serves(f->config, "d"));
}

static void an_indented_slip_is_not_taken_for_more_of_a_value(void **state)
{
	struct fixture *f = *state;
	load_file(f, "[pool]\nonly = a\n   wrokers = 4\n");
	assert_refused(f, ":3: [pool] has no setting 'wrokers'");
	load_file(f, "[pool]\nworkers = 4\n   5\n");
	assert_refused(f, ":3: pool.workers = '4 5'");
	load_file(f, "[pool]\n   5\n");
	assert_refused(f, ":2: expected");
}

static void lines_that_the_library_would_cut_are_refused(void **state)
{
	struct fixture *f = *state;
	struct mq_str text = { 0 };
	mq_str_puts(&text, "[pool]\nonly = ");
	for (int i = 0; i < 300; i++)
		mq_str_puts(&text, "a");
	load_file(f, text.data);
	assert_refused(f, ":2: the line is longer than 198 characters: go on in the next line");
	mq_str_free(&text);
	load_file(
		f,
		"[kind.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\nbackoff=1\n");
	assert_refused(f, ":1: the section's name is longer than 49 characters");
	load_file(f, "[pool]\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1\n");
	assert_refused(f, ":2: [pool] has no setting 'aaa");
	load(f, "[pool]\nworkers=1\0\n", 18, NULL, NULL);
	assert_refused(f, "NUL bytes");
}

static void a_database_outside_the_data_directory_is_refused(void **state)
{
	static const struct {
		const char *url, *data, *working_dir, *says;
	} rows[] = {
		{ "sqlite+aiosqlite:///app/data/magnetiq.db", "/app/data", "/app",
		  "means the file '/app/app/data/magnetiq.db', which is not below the data "
		  "directory '/app/data'. Behind three slashes a name is relative to the working "
		  "directory '/app'; for '/app/data/magnetiq.db' write four: "
		  "'sqlite+aiosqlite:////app/data/magnetiq.db'" },
		{ "sqlite:///./magnetiq.db", "./data", "/srv/backend",
		  "means the file '/srv/backend/magnetiq.db'" },
		{ "sqlite:////home/dev/magnetiq.db", "./data", "/srv", "Correct the URL" },
		{ "sqlite:////app/data/../x.db", "/app/data", "/app",
		  "means the file '/app/x.db'" },
		{ "sqlite:////app/database/x.db", "/app/data", "/app", "not below" },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		MQ_AUTO_FREE char *url = mq_strf("database.url=%s", rows[i].url);
		MQ_AUTO_FREE char *data = mq_strf("data.dir=%s", rows[i].data);
		MQ_AUTO_FREE char *dir = mq_strf("database.working_dir=%s", rows[i].working_dir);
		const char *const options[] = { url, data, dir, NULL };
		load(f, "", 0, NULL, options);
		assert_refused(f, rows[i].says);
	}
}

static void later_kind_sections_win_field_by_field(void **state)
{
	struct fixture *f = *state;
	const char *const options[] = { GOOD_DATA, "kind.export.*.max_attempts=9", NULL };
	static const char file[] = "[kind.*]\ntimeout_s=1h\nbackoff=5s..2min\n"
				   "[kind.export.*]\nmax_attempts=4\n[kind.export.report]\n"
				   "timeout_s=90\nbackoff=20min\n";
	load(f, file, strlen(file), NULL, options);
	assert_loads(f);
	struct mq_kind_policy policy = { 900, 3, 10, 20 };
	mq_config_kind_policy(f->config, "export.report", &policy);
	assert_int_equal(policy.timeout_ms, 90000);
	assert_int_equal(policy.max_attempts, 9);
	assert_int_equal(policy.backoff_min_ms, 1200000);
	assert_int_equal(policy.backoff_max_ms, 1200000);
	policy = (struct mq_kind_policy){ 900, 3, 10, 20 };
	mq_config_kind_policy(f->config, "media.image", &policy);
	assert_int_equal(policy.timeout_ms, 3600000);
	assert_int_equal(policy.max_attempts, 3);
	assert_int_equal(policy.backoff_min_ms, 5000);
	assert_int_equal(policy.backoff_max_ms, 120000);
	assert_item(f, "kind.export.*.max_attempts", "9", "option");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(works_with_no_source_at_all),
		TEST(a_file_sets_every_kind_of_value),
		TEST(options_win_over_environment_over_file),
		TEST(variables_of_the_application_count_in_any_case),
		TEST(the_file_is_found_through_mq_config),
		TEST(a_file_that_was_named_must_exist),
		TEST(wrong_lines_are_named_with_what_would_be_right),
		TEST(wrong_variables_and_options_are_named),
		TEST(line_ends_byte_order_mark_and_indentation_do_not_matter),
		TEST(an_indented_slip_is_not_taken_for_more_of_a_value),
		TEST(lines_that_the_library_would_cut_are_refused),
		TEST(a_database_outside_the_data_directory_is_refused),
		TEST(later_kind_sections_win_field_by_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
