#include "support/cmocka_all.h"

#include "effects.h"

#include <sqlite3.h>
#include <string.h>

static int set_up(void **state)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (a, b UNIQUE)", NULL, NULL, NULL),
			 SQLITE_OK);
	*state = db;
	return 0;
}

static int tear_down(void **state)
{
	return sqlite3_close(*state) == SQLITE_OK ? 0 : -1;
}

static int count(sqlite3 *db, const char *where)
{
	char sql[200];
	sqlite3_stmt *stmt = NULL;

	snprintf(sql, sizeof sql, "SELECT count(*) FROM t WHERE %s", where);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int n = sqlite3_column_int(stmt, 0);

	sqlite3_finalize(stmt);
	return n;
}

static void values_arrive_as_what_they_are(void **state)
{
	static const struct {
		const char *json, *where;
	} values[] = {
		{ "[1, null]", "b IS NULL" },
		{ "[2, 9223372036854775807]", "b = 9223372036854775807 AND typeof(b) = 'integer'" },
		{ "[3, 0.5]", "b = 0.5 AND typeof(b) = 'real'" },
		{ "[4, true]", "b = 1 AND a = 4" },
		{ "[5, \"it's; DROP TABLE t\"]", "b = 'it''s; DROP TABLE t'" },
		{ "[6, \"\"]", "b = '' AND typeof(b) = 'text'" },
		{ "[7, \"\\u00e4\"]", "b = char(228)" },
	};
	struct mq_effects effects = { 0 };
	struct mq_err err;

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		assert_int_equal(mq_effects_add(&effects, "INSERT INTO t VALUES (?1, ?2)",
						json_loads(values[i].json, 0, NULL), &err),
				 MQ_OK);
	if (mq_effects_apply(&effects, *state, &err) != MQ_OK)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		assert_int_equal(count(*state, values[i].where), 1);
	mq_effects_free(&effects);
}

static void what_is_no_list_of_plain_values_is_refused(void **state)
{
	static const char *const wrong[] = { "{}", "[[1]]", "[1, {}]", "\"text\"" };
	struct mq_effects effects = { 0 };
	struct mq_err err;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(mq_effects_add(&effects, "SELECT 1",
						json_loads(wrong[i], JSON_DECODE_ANY, NULL), &err),
				 MQ_E_INVALID);
	assert_int_equal(effects.n, 0);
}

static void the_first_that_fails_ends_it_with_its_reason(void **state)
{
	struct mq_effects effects = { 0 };
	struct mq_err err;

	mq_effects_add(&effects, "INSERT INTO t VALUES (1, 1)", NULL, &err);
	mq_effects_add(&effects, "INSERT INTO t VALUES (2, 1)", NULL, &err);
	mq_effects_add(&effects, "INSERT INTO t VALUES (3, 3)", NULL, &err);
	assert_int_equal(mq_effects_apply(&effects, *state, &err), MQ_E_INVALID);
	assert_non_null(strstr(err.text, "UNIQUE"));
	assert_int_equal(count(*state, "a = 3"), 0);
	mq_effects_free(&effects);
}

static void statements_that_do_not_fit_are_refused(void **state)
{
	static const char *const wrong[] = {
		"INSERT INTO nowhere VALUES (1)",
		"nonsense",
		"",
		"INSERT INTO t VALUES (?1, ?2)",
	};
	struct mq_err err;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct mq_effects effects = { 0 };

		print_message("'%s'\n", wrong[i]);
		assert_int_equal(mq_effects_add(&effects, wrong[i], NULL, &err), MQ_OK);
		assert_int_not_equal(mq_effects_apply(&effects, *state, &err), MQ_OK);
		assert_true(strlen(err.text) > 0);
		mq_effects_free(&effects);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_arrive_as_what_they_are),
		TEST(what_is_no_list_of_plain_values_is_refused),
		TEST(the_first_that_fails_ends_it_with_its_reason),
		TEST(statements_that_do_not_fit_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
