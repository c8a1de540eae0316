#include "support/cmocka_all.h"

#include "report_query.h"

#include <string.h>

#define HEADER                                         \
	"-- name: r\n-- title: R\n-- folder: manual\n" \
	"-- sensitivity: system\n-- table: people (id, name)\n"

static sqlite3 *db;

static int setup(void **state)
{
	(void)state;
	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		return -1;
	return sqlite3_exec(
		db,
		"CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, password TEXT);"
		"INSERT INTO people VALUES (1, 'Ada', 'geheim'), (2, 'Bob', 'geheim');"
		"CREATE VIEW names AS SELECT name FROM people;"
		"CREATE TABLE jobs (id INTEGER PRIMARY KEY)",
		NULL, NULL, NULL);
}

static int teardown(void **state)
{
	(void)state;
	return sqlite3_close(db);
}

static enum mq_rc open_query(const char *text, struct mq_report **ret_report,
			     struct mq_report_query **ret, struct mq_err *err)
{
	assert_int_equal(mq_report_parse("r.sql", text, strlen(text), ret_report, err), MQ_OK);
	return mq_report_query_open(*ret_report, db, ret, err);
}

static void assert_works(const char *text)
{
	MQ_AUTO(mq_report) struct mq_report *report = NULL;
	struct mq_report_query *query = NULL;
	struct mq_err err = { 0 };

	if (open_query(text, &report, &query, &err) != MQ_OK)
		fail_msg("%s", err.text);
	assert_int_equal(sqlite3_step(mq_report_query_stmt(query)), SQLITE_ROW);
	mq_report_query_close(query);
}

static void what_the_header_declares_may_be_read(void **state)
{
	(void)state;
	assert_works(HEADER "-- column: n int\nSELECT count(*) AS n FROM people");
	assert_works(HEADER "-- column: n text\n-- column: i int\n"
			    "SELECT p.name AS n, P.ID AS i FROM People p; -- done\n ");
	assert_works(HEADER
		     "-- param: a int | x\n-- column: n int\n"
		     "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5)"
		     " SELECT max(x) + coalesce(:a, 0) AS n FROM c");
	assert_works(
		HEADER
		"-- column: n int\n"
		"WITH x AS (SELECT name, id FROM people) SELECT sum(id) AS n FROM x GROUP BY name");
	assert_works(HEADER "-- column: n text\nSELECT value AS n FROM json_each('[1]')");
	assert_works(HEADER
		     "-- table: names (name)\n-- column: n text\nSELECT name AS n FROM names");
	assert_works(HEADER "-- column: n int\nSELECT cents(1.5) + quotient(1, 2) AS n");
}

static void all_else_is_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "-- column: n text\nSELECT password AS n FROM people",
		  "reads people.password, which no '-- table:' line declares" },
		{ "-- column: n int\nSELECT 1 AS n FROM people WHERE password = 'x'",
		  "reads people.password" },
		{ "-- column: n int\nSELECT id AS n FROM jobs", "reads jobs.id" },
		{ "-- column: n int\nSELECT count(*) AS n FROM jobs", "reads jobs." },
		{ "-- column: n text\nSELECT sql AS n FROM sqlite_master",
		  "reads sqlite_master.sql" },
		{ "-- column: n text\nSELECT name AS n FROM pragma_table_info('people')",
		  "pragma_table_info" },
		{ "-- column: n text\nSELECT name AS n FROM names", "reads names.name" },
		{ "-- column: n int\nDELETE FROM people", "is no plain SELECT" },
		{ "-- column: n int\nDELETE FROM people RETURNING id AS n", "is no plain SELECT" },
		{ "-- column: n int\nWITH x AS (SELECT 1) INSERT INTO people SELECT 1, 2, 3 FROM x",
		  "is no plain SELECT" },
		{ "-- column: n int\nPRAGMA user_version", "is no plain SELECT" },
		{ "-- column: n int\nATTACH 'x.db' AS x", "is no plain SELECT" },
		{ "-- column: n int\nBEGIN", "is no plain SELECT" },
		{ "-- column: n int\nVACUUM", "is no" },
		{ "-- column: n int\nEXPLAIN SELECT 1 AS n", "is no SELECT" },
		{ "-- column: n int\n\n-- nothing\n/* but comments */", "is no SELECT" },
		{ "-- column: n int\nSELECT load_extension('x') AS n", "uses load_extension()" },
		{ "-- column: n int\nSELECT sqlcipher_export('x') AS n", "sqlcipher_export" },
		{ "-- column: n int\nSELECT 1 AS n; SELECT 2 AS n", "must be one statement" },
		{ "-- column: n int\nSELECT 1 AS n; DELETE FROM people", "must be one statement" },
		{ "-- column: n int\nSELECT 1 AS n; garbage", "must be one statement" },
		{ "-- column: n int\n\nSELECT 1 AS n,\n FROM people", "r.sql:9: " },
		{ "-- column: n int\nSELECT nope AS n FROM people", "no such column" },
		{ "-- column: n int\nSELECT 1 AS m",
		  "column 1 of the query is 'm', the header declares 'n'" },
		{ "-- column: n int\nSELECT 1 AS n, 2 AS m",
		  "has 2 columns, the header declares 1" },
		{ "-- column: n int\n-- column: m int\nSELECT 1 AS n",
		  "has 1 columns, the header declares 2" },
		{ "-- column: n int\nSELECT ? AS n", "of the form :name only" },
		{ "-- column: n int\nSELECT ?1 AS n", "of the form :name only" },
		{ "-- column: n int\nSELECT @a AS n", "of the form :name only" },
		{ "-- column: n int\nSELECT :a AS n",
		  "uses :a, which no '-- param:' line declares" },
		{ "-- param: a int | x\n-- column: n int\nSELECT 1 AS n",
		  "does not use every declared param" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		MQ_AUTO(mq_report) struct mq_report *report = NULL;
		MQ_AUTO(mq_str) struct mq_str text = { 0 };
		struct mq_report_query *query = NULL;
		struct mq_err err = { 0 };

		mq_str_printf(&text, HEADER "%s", cases[i].text);
		assert_int_equal(open_query(text.data, &report, &query, &err), MQ_E_INVALID);
		assert_null(query);
		if (!strstr(err.text, cases[i].says) || strncmp(err.text, "r.sql", 5) != 0)
			fail_msg("'%s' gives '%s'", cases[i].text, err.text);
	}
	assert_int_equal(sqlite3_total_changes(db), 2); /* of setup() */
}

static void what_this_database_has_not_is_named(void **state)
{
	(void)state;
	MQ_AUTO(mq_report) struct mq_report *report = NULL;
	MQ_AUTO(mq_str) struct mq_str missing = { 0 };
	struct mq_report_query *query = NULL;
	struct mq_err err = { 0 };

	assert_int_equal(open_query(HEADER "-- table: payouts (id)\n-- table: people (iban, name)\n"
					   "-- column: n int\nSELECT id AS n FROM payouts",
				    &report, &query, &err),
			 MQ_E_UNSUPPORTED);
	assert_string_equal(
		err.text,
		"this deployment has no table payouts, people.iban (report 'r' needs it)");
	assert_int_equal(mq_report_missing(report, db, &missing, NULL), MQ_OK);
	assert_string_equal(missing.data, "payouts, people.iban");
}

static void the_connection_is_as_before_afterwards(void **state)
{
	(void)state;
	MQ_AUTO(mq_report) struct mq_report *report = NULL;
	struct mq_report_query *query = NULL;

	assert_int_equal(
		open_query(HEADER "-- column: n int\nSELECT 1 AS n", &report, &query, NULL), MQ_OK);
	mq_report_query_close(query);
	assert_int_equal(sqlite3_exec(db, "SELECT password FROM people", NULL, NULL, NULL),
			 SQLITE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_header_declares_may_be_read),
		cmocka_unit_test(all_else_is_refused_with_the_reason),
		cmocka_unit_test(what_this_database_has_not_is_named),
		cmocka_unit_test(the_connection_is_as_before_afterwards),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
