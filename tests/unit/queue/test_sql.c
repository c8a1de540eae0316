/* What the statements cost: no hot one may look at all jobs, whatever is finished, scheduled or
 * unserved. */
#include <sql.h>

#include "scratch.h"

#include <mq/str.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <support/cmocka_all.h>

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

/* The plan's lines, one string. Freed by the caller. */
static char *plan_of(struct fixture *f, const char *sql)
{
	MQ_AUTO_FREE char *explain = mq_strf("EXPLAIN QUERY PLAN %s", sql);
	struct mq_str plan = { 0 };
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(f->db, explain, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(f->db));
	while (sqlite3_step(stmt) == SQLITE_ROW)
		mq_str_printf(&plan, "%s\n", (const char *)sqlite3_column_text(stmt, 3));
	sqlite3_finalize(stmt);
	return plan.data ? plan.data : mq_strdup("");
}

/* A walk over all rows or a whole index is fine where the index holds only rows of the moment. */
static bool walks_all_jobs(const char *plan)
{
	static const char *const small[] = { "mq_jobs_running", "mq_jobs_waiting", "mq_jobs_failed",
					     "mq_jobs_scheduled" };
	MQ_AUTO_FREE char *copy = mq_strdup(plan);
	char *rest = NULL;

	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool fine = strstr(line, "SCAN jobs") == NULL;
		for (size_t i = 0; !fine && i < sizeof small / sizeof small[0]; i++)
			fine = strstr(line, small[i]) != NULL;
		if (!fine)
			return true;
	}
	return false;
}

static void no_hot_statement_walks_over_all_jobs(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < MQ_SQL_COUNT; i++) {
		const struct mq_sql_text *sql = &mq_sql_texts[i];
		MQ_AUTO_FREE char *plan = plan_of(f, sql->text);
		if (!sql->cold && walks_all_jobs(plan))
			fail_msg("%s:\n%s", sql->name, plan);
	}
	/* the check itself can fail */
	MQ_AUTO_FREE char *plan = plan_of(f, mq_sql_texts[MQ_SQL_STATS].text);
	assert_true(walks_all_jobs(plan));
}

static void the_claims_statements_use_their_indexes(void **state)
{
	struct fixture *f = *state;
	static const struct {
		enum mq_sql id;
		const char *step;
	} cases[] = {
		{ MQ_SQL_NEXT_KIND, "SEARCH jobs USING COVERING INDEX mq_jobs_ready (kind>?)" },
		{ MQ_SQL_HEAD, "SEARCH jobs USING COVERING INDEX mq_jobs_ready (kind=?)" },
		{ MQ_SQL_READY_COUNT, "SEARCH jobs USING COVERING INDEX mq_jobs_ready (kind=?)" },
		{ MQ_SQL_CLAIM, "SEARCH jobs USING INTEGER PRIMARY KEY" },
		{ MQ_SQL_PROMOTE,
		  "SEARCH jobs USING COVERING INDEX mq_jobs_scheduled (run_at>? AND run_at<?)" },
		{ MQ_SQL_DUE_KINDS,
		  "SEARCH jobs USING COVERING INDEX mq_jobs_scheduled (run_at>? AND run_at<?)" },
		{ MQ_SQL_NEXT_DUE,
		  "SEARCH jobs USING COVERING INDEX mq_jobs_scheduled (run_at>?)" },
		{ MQ_SQL_RUNNING_COUNT, "COVERING INDEX mq_jobs_running" },
		{ MQ_SQL_RUNNING_OF, "INDEX mq_jobs_running (worker_id=?)" },
		{ MQ_SQL_WAITING, "COVERING INDEX mq_jobs_waiting" },
		{ MQ_SQL_FAILED, "COVERING INDEX mq_jobs_failed" },
		{ MQ_SQL_KEY_HOLDER, "INDEX mq_jobs_unique (unique_key=?)" },
		{ MQ_SQL_SETTLE, "SEARCH jobs USING INTEGER PRIMARY KEY" },
		{ MQ_SQL_FAILURES,
		  "SEARCH mq_attempts USING PRIMARY KEY (job_id=? AND attempt>?)" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct mq_sql_text *sql = &mq_sql_texts[cases[i].id];
		MQ_AUTO_FREE char *plan = plan_of(f, sql->text);
		if (!strstr(plan, cases[i].step))
			fail_msg("%s:\n%s", sql->name, plan);
		if (strstr(plan, "TEMP B-TREE"))
			fail_msg("%s sorts:\n%s", sql->name, plan);
	}
}

/* Virtual machine steps of one turn that claims one job. */
static int64_t steps_of_a_claim(struct fixture *f)
{
	int64_t steps = 0;
	static const struct {
		enum mq_sql id;
		const char *bind;
	} walk[] = { { MQ_SQL_NEXT_KIND, "" },
		     { MQ_SQL_HEAD, "t.t" },
		     { MQ_SQL_DUE_KINDS, "2025-01-01 00:00:00" },
		     { MQ_SQL_PROMOTE, "2025-01-01 00:00:00" } };

	for (size_t i = 0; i < sizeof walk / sizeof walk[0]; i++) {
		sqlite3_stmt *stmt = NULL;
		sqlite3_prepare_v2(f->db, mq_sql_texts[walk[i].id].text, -1, &stmt, NULL);
		sqlite3_bind_text(stmt, 1, walk[i].bind, -1, SQLITE_STATIC);
		if (walk[i].id == MQ_SQL_PROMOTE)
			sqlite3_bind_int(stmt, 2, 500);
		while (sqlite3_step(stmt) == SQLITE_ROW)
			;
		steps += sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
		sqlite3_finalize(stmt);
	}
	return steps;
}

/* So many finished, failed, scheduled and unserved jobs beside the one that can run. */
static void add_others(struct fixture *f, int n)
{
	MQ_AUTO_FREE char *sql = mq_strf(
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		"INSERT INTO jobs (kind, status, priority, run_at)"
		" SELECT 't.t', 'succeeded', 9, NULL FROM n"
		" UNION ALL SELECT 't.t', 'failed', 9, NULL FROM n"
		" UNION ALL SELECT 't.t', 'queued', 9, '2099-01-01 00:00:00' FROM n"
		" UNION ALL SELECT 'z.unserved', 'queued', 9, NULL FROM n",
		n);

	scratch_exec(f->db, sql);
}

static void a_claim_costs_the_same_whatever_else_is_in_the_table(void **state)
{
	struct fixture *f = *state;

	scratch_exec(f->db, "INSERT INTO jobs (kind) VALUES ('t.t')");
	add_others(f, 1);
	int64_t with_few = steps_of_a_claim(f);
	add_others(f, 2000);
	assert_int_equal(steps_of_a_claim(f), with_few);
	scratch_exec(f->db, "DROP INDEX mq_jobs_ready"); /* the check itself can fail */
	assert_true(steps_of_a_claim(f) > 10 * with_few);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_hot_statement_walks_over_all_jobs),
		TEST(the_claims_statements_use_their_indexes),
		TEST(a_claim_costs_the_same_whatever_else_is_in_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
