/*
 * The constraints of the jobs table as producers meet them: through this program's library, and
 * through the sqlite3 program of the system, an older library, that trusts no schema.
 */
#include "scratch.h"

#include <mq/str.h>
#include <sqlite3.h>
#include <support/cmocka_all.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	char *database;
	struct sqlite3 *db;
};

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	f->database = scratch_make();
	mq_queue_close(scratch_queue(f->database, 0));
	f->db = scratch_connect(f->database);
	scratch_exec(f->db, "PRAGMA trusted_schema = OFF");
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

#define INTO(columns, values) "INSERT INTO jobs (" columns ") VALUES (" values ")"
#define KIND(value)	      INTO("kind", value)
#define WITH(column, value)   INTO("kind, " column, "'a.b', " value)

static const char *const good[] = {
	KIND("'export.report'"),
	KIND("'a'"),
	KIND("'a-b_c.9'"),
	KIND("substr(replace(hex(zeroblob(60)), '0', 'a'), 1, 100)"),
	WITH("payload", "'{\"report\":\"x\"}'"),
	WITH("payload", "' \t\r\n{ }'"),
	WITH("payload", "'{\"a\":{\"b\":[1,2,null,\"\\ud83d\\ude00\"]}}'"),
	WITH("priority", "-1000"),
	WITH("priority", "1000"),
	WITH("priority", "'5'"),
	WITH("priority", "1e2"),
	WITH("run_at", "NULL"),
	WITH("run_at", "'2025-11-03 12:00:00'"),
	WITH("run_at", "'2025-11-03 12:00:00.123456'"),
	WITH("run_at", "'2024-02-29 00:00:00'"),
	WITH("run_at", "datetime('now', '+1 hour')"),
	WITH("run_at", "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"),
	WITH("max_attempts", "NULL"),
	WITH("max_attempts", "1"),
	WITH("max_attempts", "100"),
	WITH("unique_key", "'k'"),
	WITH("unique_key", "NULL"),
	WITH("requested_by", "NULL"),
	WITH("requested_by", "17"),
	WITH("status", "'queued'"),
	WITH("created_at", "CURRENT_TIMESTAMP"),
	WITH("created_at", "'2025-11-03 12:00:00.123456'"),
	WITH("cancel_requested", "1"),
};

#define KIND_TEXT     "kind must be a name"
#define PAYLOAD_TEXT  "payload must be a JSON object"
#define PRIORITY_TEXT "priority must be"
#define RUN_AT_TEXT   "run_at must be NULL (now) or UTC text"

static const struct {
	const char *sql, *text;
} bad[] = {
	{ "INSERT INTO jobs DEFAULT VALUES", "NOT NULL constraint failed: jobs.kind" },
	{ KIND("NULL"), "NOT NULL constraint failed: jobs.kind" },
	{ KIND("''"), KIND_TEXT },
	{ KIND("'Export.report'"), KIND_TEXT },
	{ KIND("'export report'"), KIND_TEXT },
	{ KIND("'.report'"), KIND_TEXT },
	{ KIND("'9export'"), KIND_TEXT },
	{ KIND("'export.'"), KIND_TEXT },
	{ KIND("'export..report'"), KIND_TEXT },
	{ KIND("'export.r\xc3\xa9port'"), KIND_TEXT },
	{ KIND("x'6162'"), KIND_TEXT },
	{ KIND("'ab' || char(0) || 'cd'"), KIND_TEXT },
	{ KIND("substr(replace(hex(zeroblob(60)), '0', 'a'), 1, 101)"), KIND_TEXT },
	{ KIND("5"), KIND_TEXT },
	{ WITH("payload", "NULL"), "NOT NULL constraint failed: jobs.payload" },
	{ WITH("payload", "''"), PAYLOAD_TEXT },
	{ WITH("payload", "'[]'"), PAYLOAD_TEXT },
	{ WITH("payload", "'null'"), PAYLOAD_TEXT },
	{ WITH("payload", "'\"{\"'"), PAYLOAD_TEXT },
	{ WITH("payload", "'{'"), PAYLOAD_TEXT },
	{ WITH("payload", "'{} {}'"), PAYLOAD_TEXT },
	{ WITH("payload", "'{\"a\": NaN}'"), PAYLOAD_TEXT },
	{ WITH("payload", "'{''a'': 1}'"), PAYLOAD_TEXT },
	{ WITH("payload", "x'7b7d'"), PAYLOAD_TEXT },
	{ WITH("payload", "5"), PAYLOAD_TEXT },
	{ WITH("priority", "NULL"), "NOT NULL constraint failed: jobs.priority" },
	{ WITH("priority", "1001"), PRIORITY_TEXT },
	{ WITH("priority", "-1001"), PRIORITY_TEXT },
	{ WITH("priority", "1e3 + 1"), PRIORITY_TEXT },
	{ WITH("priority", "1.5"), PRIORITY_TEXT },
	{ WITH("priority", "'high'"), PRIORITY_TEXT },
	{ WITH("run_at", "''"), RUN_AT_TEXT },
	{ WITH("run_at", "'now'"), RUN_AT_TEXT },
	{ WITH("run_at", "1762171200"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-11-03T12:00:00'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-11-03 12:00:00Z'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-11-03 12:00:00.123'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-11-03 12:00:00.12345x'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-11-03 12:00'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-11-03 12:00:00+01:00'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-02-30 00:00:00'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-02-29 00:00:00'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-13-01 00:00:00'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-11-03 24:00:00'"), RUN_AT_TEXT },
	{ WITH("run_at", "'2025-11-03 12:60:00'"), RUN_AT_TEXT },
	{ WITH("run_at", "x'323032352d31312d30332031323a30303a3030'"), RUN_AT_TEXT },
	{ WITH("max_attempts", "0"), "max_attempts must be" },
	{ WITH("max_attempts", "101"), "max_attempts must be" },
	{ WITH("max_attempts", "'many'"), "max_attempts must be" },
	{ WITH("unique_key", "''"), "unique_key must be" },
	{ WITH("unique_key", "hex(zeroblob(101))"), "unique_key must be" },
	{ WITH("unique_key", "x'6b'"), "unique_key must be" },
	{ WITH("requested_by", "hex(zeroblob(101))"), "requested_by must be" },
	{ WITH("status", "'pending'"), "status must be one of" },
	{ WITH("status", "NULL"), "NOT NULL constraint failed: jobs.status" },
	{ WITH("status", "'running'"), "worker_id and token are the worker's" },
	{ WITH("status, worker_id", "'running', 1"), "worker_id and token are the worker's" },
	{ WITH("worker_id", "1"), "worker_id and token are the worker's" },
	{ WITH("status, worker_id, token", "'running', 'x', 1"), "worker_id and token are" },
	{ WITH("token", "'x'"), "worker_id and token are the worker's" },
	{ WITH("attempt", "-1"), "attempt is the worker's" },
	{ WITH("progress", "101"), "progress must be" },
	{ WITH("cancel_requested", "2"), "cancel_requested must be" },
	{ WITH("created_at", "'2025-11-03T12:00:00'"), "created_at sets itself" },
	{ WITH("created_at", "17"), "created_at sets itself" },
	{ WITH("result", "'done'"), "result is the worker's" },
};

static int64_t rows(struct fixture *f)
{
	return scratch_int(f->db, "SELECT count(*) FROM jobs");
}

static void good_rows_are_taken(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		scratch_exec(f->db, good[i]);
	assert_int_equal(rows(f), sizeof good / sizeof good[0]);
}

static void bad_rows_are_refused_with_words(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (sqlite3_exec(f->db, bad[i].sql, NULL, NULL, NULL) == SQLITE_OK)
			fail_msg("taken: %s", bad[i].sql);
		if (!strstr(sqlite3_errmsg(f->db), bad[i].text))
			fail_msg("%s: %s", bad[i].sql, sqlite3_errmsg(f->db));
	}
	assert_int_equal(rows(f), 0);
}

static void a_plain_insert_gets_every_default(void **state)
{
	struct fixture *f = *state;

	scratch_exec(f->db, KIND("'a.b'"));
	assert_int_equal(
		scratch_int(f->db,
			    "SELECT count(*) FROM jobs WHERE status = 'queued' AND payload = "
			    "'{}' AND priority = 0 AND run_at IS NULL AND attempt = 0 AND "
			    "token = 0 AND max_attempts IS NULL AND cancel_requested = 0 AND "
			    "length(created_at) = 26 AND abs(julianday(created_at) - "
			    "julianday('now')) < 0.01"),
		1);
}

static void a_unique_key_lets_one_job_through(void **state)
{
	struct fixture *f = *state;
	static const char again[] = WITH("unique_key", "'k'") " ON CONFLICT DO NOTHING";

	scratch_exec(f->db, WITH("unique_key", "'k'"));
	assert_int_not_equal(sqlite3_exec(f->db, WITH("unique_key", "'k'"), NULL, NULL, NULL),
			     SQLITE_OK);
	assert_non_null(strstr(sqlite3_errmsg(f->db), "unique_key"));
	scratch_exec(f->db, again);
	assert_int_equal(rows(f), 1);
	scratch_exec(f->db, "UPDATE jobs SET status = 'cancelled'");
	scratch_exec(f->db, again);
	assert_int_equal(rows(f), 2);
	/* and still says what is wrong with the rest */
	assert_int_not_equal(sqlite3_exec(f->db, WITH("priority", "9999") " ON CONFLICT DO NOTHING",
					  NULL, NULL, NULL),
			     SQLITE_OK);
}

static void ids_are_never_used_again(void **state)
{
	struct fixture *f = *state;

	scratch_exec(f->db, KIND("'a.b'"));
	scratch_exec(f->db, KIND("'a.b'"));
	scratch_exec(f->db, "DELETE FROM jobs");
	scratch_exec(f->db, KIND("'a.b'"));
	assert_int_equal(scratch_int(f->db, "SELECT id FROM jobs"), 3);
}

/* ---------------------------------------------------------------- another library */

/* What the sqlite3 program says to the SQL; freed by the caller. */
static char *shell(struct fixture *f, const char *sql)
{
	MQ_AUTO_FREE char *script = mq_strf("%s.sql", f->database);
	MQ_AUTO_FREE char *command = mq_strf("sqlite3 -batch %s < %s 2>&1", f->database, script);
	struct mq_str out = { 0 };
	char buf[4096];
	size_t n;
	FILE *file = fopen(script, "w");

	fprintf(file, "%s;\n", sql);
	fclose(file);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((n = fread(buf, 1, sizeof buf, pipe)) > 0)
		mq_str_append(&out, buf, n);
	pclose(pipe);
	return out.data ? out.data : mq_strdup("");
}

static void the_systems_own_sqlite_says_the_same(void **state)
{
	struct fixture *f = *state;

	if (system("command -v sqlite3 >/dev/null 2>&1") != 0)
		skip();
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		MQ_AUTO_FREE char *out = shell(f, good[i]);
		if (out[0])
			fail_msg("%s: %s", good[i], out);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		MQ_AUTO_FREE char *out = shell(f, bad[i].sql);
		if (!strstr(out, bad[i].text))
			fail_msg("%s: %s", bad[i].sql, out);
	}
	assert_int_equal(rows(f), sizeof good / sizeof good[0]);
}

/* SQLite 3.38 to 3.40 then refuses the INSERT, but must not lose the whole database over it. */
static void a_neighbour_that_trusts_no_schema_can_read_on(void **state)
{
	struct fixture *f = *state;

	if (system("command -v sqlite3 >/dev/null 2>&1") != 0)
		skip();
	MQ_AUTO_FREE char *out =
		shell(f, "PRAGMA trusted_schema = OFF; INSERT INTO bookings VALUES (5, 'x');"
			 "SELECT id FROM bookings; SELECT count(*) FROM jobs");
	assert_string_equal(out, "5\n0\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_rows_are_taken),
		TEST(bad_rows_are_refused_with_words),
		TEST(a_plain_insert_gets_every_default),
		TEST(a_unique_key_lets_one_job_through),
		TEST(ids_are_never_used_again),
		TEST(the_systems_own_sqlite_says_the_same),
		TEST(a_neighbour_that_trusts_no_schema_can_read_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
