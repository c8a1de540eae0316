#include <migrate.h>
#include <sqlite_open.h>

#include "scratch.h"

#include <mq/str.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <support/cmocka_all.h>

static const struct mq_migration two[] = {
	{ 1, "one", "CREATE TABLE mq_one (a);" },
	{ 2, "two", "ALTER TABLE mq_one ADD COLUMN b; CREATE TABLE mq_two (a);" },
	{ 0 },
};
static const struct mq_migration one[] = {
	{ 1, "one", "CREATE TABLE mq_one (a);" },
	{ 0 },
};
static const struct mq_migration broken[] = {
	{ 1, "one", "CREATE TABLE mq_one (a);" },
	{ 2, "bad", "CREATE TABLE mq_two (a); CREATE TABEL x;" },
	{ 0 },
};

struct fixture {
	char *database;
	struct sqlite3 *db;
	struct mq_err err;
};

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	f->database = scratch_make();
	f->db = scratch_connect(f->database);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sqlite3_close(f->db);
	scratch_remove(f->database);
	free(f->database);
	free(f);
	return 0;
}

static int found(struct fixture *f)
{
	int version = -1;

	assert_int_equal(mq_migrate_found(f->db, &version, &f->err), MQ_OK);
	return version;
}

static void apply(struct fixture *f, const struct mq_migration *list)
{
	if (mq_migrate_apply(f->db, list, &f->err) != MQ_OK)
		fail_msg("%s", f->err.text);
}

static void a_fresh_database_has_version_nought(void **state)
{
	assert_int_equal(found(*state), 0);
}

static void what_is_missing_is_applied(void **state)
{
	struct fixture *f = *state;

	apply(f, one);
	assert_int_equal(found(f), 1);
	apply(f, two);
	assert_int_equal(found(f), 2);
	assert_int_equal(scratch_int(f->db, "SELECT count(*) FROM mq_schema WHERE name IN "
					    "('one', 'two') AND program LIKE 'mq-worker %'"),
			 2);
	scratch_exec(f->db, "SELECT b FROM mq_one; SELECT a FROM mq_two;");
}

static void a_database_that_is_up_to_date_is_not_written(void **state)
{
	struct fixture *f = *state;

	apply(f, two);
	int64_t version = scratch_int(f->db, "PRAGMA schema_version");
	/* Another connection keeps the write lock: any attempt to write would fail. */
	struct sqlite3 *other = scratch_connect(f->database);
	scratch_exec(other, "BEGIN IMMEDIATE");
	apply(f, two);
	sqlite3_close(other);
	assert_int_equal(scratch_int(f->db, "PRAGMA schema_version"), version);
}

static void a_broken_migration_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;

	assert_int_not_equal(mq_migrate_apply(f->db, broken, &f->err), MQ_OK);
	assert_non_null(strstr(f->err.text, "0002_bad"));
	assert_true(sqlite3_get_autocommit(f->db));
	assert_int_equal(found(f), 0);
	assert_int_equal(scratch_int(f->db, "SELECT count(*) FROM sqlite_schema WHERE name LIKE "
					    "'mq%'"),
			 0);
	apply(f, two); /* and the way is free */
}

static void a_newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;

	apply(f, two);
	assert_int_equal(mq_migrate_apply(f->db, one, &f->err), MQ_E_UNSUPPORTED);
	assert_non_null(strstr(f->err.text, "version 2"));
}

static void the_applications_versions_and_tables_stay(void **state)
{
	struct fixture *f = *state;

	scratch_exec(f->db, "PRAGMA user_version = 41; PRAGMA application_id = 42;"
			    "INSERT INTO bookings VALUES (1, 'x');");
	apply(f, mq_migrations);
	assert_int_equal(scratch_int(f->db, "PRAGMA user_version"), 41);
	assert_int_equal(scratch_int(f->db, "PRAGMA application_id"), 42);
	assert_int_equal(scratch_int(f->db, "SELECT count(*) FROM bookings"), 1);
	/* One filter keeps the application's own migrations away from ours. */
	assert_int_equal(scratch_int(f->db,
				     "SELECT count(*) FROM sqlite_schema WHERE type IN "
				     "('table', 'index', 'view', 'trigger') AND name NOT IN "
				     "('jobs', 'bookings') AND name NOT LIKE 'mq\\_%' "
				     "ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"),
			 0);
}

static void a_table_jobs_of_another_program_is_left_alone(void **state)
{
	struct fixture *f = *state;

	scratch_exec(f->db, "CREATE TABLE jobs (title TEXT)");
	assert_int_equal(mq_migrate_apply(f->db, mq_migrations, &f->err), MQ_E_EXISTS);
	assert_non_null(strstr(f->err.text, "'jobs'"));
	assert_int_equal(scratch_int(f->db, "SELECT count(*) FROM sqlite_schema WHERE name LIKE "
					    "'mq%'"),
			 0);
}

static void the_embedded_list_counts_from_one(void **state)
{
	int expected = 1;

	(void)state;
	for (const struct mq_migration *m = mq_migrations; m->version; m++, expected++) {
		assert_int_equal(m->version, expected);
		assert_non_null(strstr(m->sql, "CREATE TABLE"));
	}
	assert_int_equal(mq_migrate_newest(mq_migrations), expected - 1);
	assert_int_equal(mq_queue_schema_version(), expected - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_fresh_database_has_version_nought),
		TEST(what_is_missing_is_applied),
		TEST(a_database_that_is_up_to_date_is_not_written),
		TEST(a_broken_migration_leaves_nothing_behind),
		TEST(a_newer_schema_is_refused),
		TEST(the_applications_versions_and_tables_stay),
		TEST(a_table_jobs_of_another_program_is_left_alone),
		TEST(the_embedded_list_counts_from_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
