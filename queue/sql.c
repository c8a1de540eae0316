#include "sql.h"

#include "driver_sqlite.h"

#include <mq/clock.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <string.h>

/* In the order of job_of(). */
#define JOB_COLUMNS                                                                          \
	"id, kind, payload, priority, status, run_at, attempt, base_attempt, max_attempts, " \
	"token, worker_id, cancel_requested, progress, progress_note, unique_key, "          \
	"requested_by, error, result, created_at, started_at, finished_at"

/* The predicates of the partial indexes, word for word: otherwise SQLite does not use them. */
#define READY	   "status = 'queued' AND run_at IS NULL"
#define SCHEDULED  "status = 'queued' AND run_at IS NOT NULL"
#define ON_ITS_WAY "unique_key IS NOT NULL AND status IN ('queued', 'running')"
#define MINE	   "id = ?1 AND status = 'running' AND token = ?2"

/* Laid out as SQL; `true` marks the cold ones. */
/* clang-format off */
const struct mq_sql_text mq_sql_texts[MQ_SQL_COUNT] = {
	[MQ_SQL_BEGIN] = { "begin", "BEGIN IMMEDIATE", false },
	[MQ_SQL_COMMIT] = { "commit", "COMMIT", false },
	[MQ_SQL_ROLLBACK] = { "rollback", "ROLLBACK", false },
	[MQ_SQL_SAVE] = { "save", "SAVEPOINT mq_effects", false },
	[MQ_SQL_RELEASE] = { "release", "RELEASE mq_effects", false },
	[MQ_SQL_UNDO] = { "undo", "ROLLBACK TO mq_effects", false },
	[MQ_SQL_DATA_VERSION] = { "data version", "PRAGMA data_version", false },
	[MQ_SQL_ENQUEUE] = { "enqueue",
		"INSERT INTO jobs (kind, payload, priority, run_at, max_attempts, unique_key,"
		" requested_by, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", false },
	[MQ_SQL_KEY_HOLDER] = { "holder of a unique key",
		"SELECT id FROM jobs WHERE unique_key = ?1 AND " ON_ITS_WAY, false },
	[MQ_SQL_HOLDS] = { "check a token",
		"SELECT cancel_requested FROM jobs WHERE " MINE, false },
	[MQ_SQL_JSON_VALID] = { "check a result", "SELECT json_valid(?1)", false },
	[MQ_SQL_SETTLE] = { "settle",
		"UPDATE jobs SET status = ?3, run_at = ?4, error = ?5, result = ?6,"
		" finished_at = ?7, worker_id = NULL,"
		" progress = iif(?3 = 'queued', NULL, progress),"
		" progress_note = iif(?3 = 'queued', NULL, progress_note) WHERE " MINE, false },
	[MQ_SQL_ATTEMPT_ADD] = { "note an attempt",
		"INSERT OR REPLACE INTO mq_attempts (job_id, attempt, token, worker_id,"
		" started_at, finished_at, outcome, error, signal, exit_status, cpu_s, peak_kb)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)", false },
	[MQ_SQL_ATTEMPTS] = { "attempts",
		"SELECT attempt, worker_id, started_at, finished_at, outcome, error, signal,"
		" exit_status, cpu_s, peak_kb"
		" FROM mq_attempts WHERE job_id = ?1 ORDER BY attempt", false },
	[MQ_SQL_FAILURES] = { "failures",
		"SELECT count(*) FROM mq_attempts WHERE job_id = ?1 AND attempt > ?2"
		" AND outcome = 'failed'", false },
	[MQ_SQL_CRASHES] = { "crashes",
		"SELECT count(*) FROM mq_attempts WHERE job_id = ?1 AND attempt > ?2"
		" AND outcome IN ('crashed', 'timeout') AND finished_at >= ?3", false },
	[MQ_SQL_PROGRESS] = { "progress",
		"UPDATE jobs SET progress = ?3, progress_note = ?4 WHERE " MINE, false },
	[MQ_SQL_PROMOTE] = { "promote",
		"UPDATE jobs SET run_at = NULL WHERE id IN (SELECT id FROM jobs WHERE " SCHEDULED
		" AND run_at <= ?1 ORDER BY run_at LIMIT ?2)", false },
	[MQ_SQL_NEXT_KIND] = { "next ready kind",
		"SELECT kind FROM jobs WHERE " READY " AND kind > ?1 ORDER BY kind LIMIT 1", false },
	[MQ_SQL_HEAD] = { "head of a kind",
		"SELECT id, priority FROM jobs WHERE " READY " AND kind = ?1"
		" ORDER BY priority DESC, id LIMIT 1", false },
	[MQ_SQL_CLAIM] = { "claim",
		"UPDATE jobs SET status = 'running', attempt = attempt + 1, token = token + 1,"
		" worker_id = ?2, started_at = ?3, finished_at = NULL, progress = NULL,"
		" progress_note = NULL"
		" WHERE id = ?1 AND " READY " AND cancel_requested = 0"
		" RETURNING " JOB_COLUMNS, false },
	[MQ_SQL_CLAIM_CANCELLED] = { "cancel instead of claiming",
		"UPDATE jobs SET status = 'cancelled', finished_at = ?2"
		" WHERE id = ?1 AND " READY, false },
	[MQ_SQL_READY_COUNT] = { "count ready rows",
		"SELECT count(*) FROM (SELECT 1 FROM jobs WHERE " READY
		" AND kind = ?1 LIMIT ?2)", false },
	[MQ_SQL_DUE_KINDS] = { "kinds of due rows",
		"SELECT kind FROM jobs WHERE " SCHEDULED
		" AND run_at <= ?1 ORDER BY run_at", false },
	[MQ_SQL_NEXT_DUE] = { "next due time",
		"SELECT run_at FROM jobs WHERE " SCHEDULED
		" AND run_at > ?1 ORDER BY run_at LIMIT 1", false },
	[MQ_SQL_RUNNING_COUNT] = { "count running rows",
		"SELECT count(*) FROM jobs WHERE status = 'running'", false },
	[MQ_SQL_WAITING] = { "rows that wait for their next attempt",
		"SELECT kind, count(*) FROM jobs WHERE " SCHEDULED
		" AND attempt > 0 GROUP BY kind", false },
	[MQ_SQL_WORKER_ADD] = { "add a worker",
		"INSERT INTO mq_workers (pid, host, boot_id, started_at, version, kinds)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)", false },
	[MQ_SQL_WORKER_REMOVE] = { "remove a worker",
		"DELETE FROM mq_workers WHERE id = ?1", false },
	[MQ_SQL_WORKERS] = { "workers",
		"SELECT w.id, w.pid, w.host, w.boot_id, w.version, w.kinds, w.started_at,"
		" (SELECT min(id) FROM jobs WHERE status = 'running' AND worker_id = w.id)"
		" FROM mq_workers AS w ORDER BY w.id", false },
	[MQ_SQL_ORPHANS] = { "workers of running jobs without a row",
		"SELECT DISTINCT worker_id FROM jobs WHERE status = 'running'"
		" AND worker_id NOT IN (SELECT id FROM mq_workers)", false },
	[MQ_SQL_RUNNING_OF] = { "a running job of a worker",
		"SELECT " JOB_COLUMNS " FROM jobs WHERE status = 'running'"
		" AND worker_id = ?1 LIMIT 1", false },
	[MQ_SQL_RESCUE] = { "rescue",
		"UPDATE jobs SET status = ?3, error = ?4, finished_at = ?5, worker_id = NULL,"
		" run_at = NULL, progress = NULL, progress_note = NULL WHERE " MINE, false },
	[MQ_SQL_GET] = { "get", "SELECT " JOB_COLUMNS " FROM jobs WHERE id = ?1", false },
	[MQ_SQL_PAGE] = { "page of jobs",
		"SELECT id, kind, status, created_at FROM jobs WHERE id < ?1"
		" ORDER BY id DESC LIMIT ?2", false },
	[MQ_SQL_STATS] = { "statistics",
		"SELECT kind, status, count(*),"
		" sum(status = 'queued' AND run_at IS NOT NULL AND run_at > ?1),"
		" min(CASE WHEN status = 'queued' AND (run_at IS NULL OR run_at <= ?1)"
		" THEN created_at END)"
		" FROM jobs GROUP BY kind, status ORDER BY kind", true },
	[MQ_SQL_FAILED] = { "failed jobs",
		"SELECT id, kind, finished_at FROM jobs WHERE status = 'failed'", false },
	[MQ_SQL_RETRY] = { "retry",
		"UPDATE jobs SET status = 'queued', run_at = NULL, base_attempt = attempt,"
		" cancel_requested = 0, progress = NULL, progress_note = NULL, finished_at = NULL,"
		" error = NULL, result = NULL WHERE id = ?1 AND status = 'failed'", false },
	[MQ_SQL_CANCEL_QUEUED] = { "cancel a queued job",
		"UPDATE jobs SET status = 'cancelled', finished_at = ?2, run_at = NULL,"
		" cancel_requested = 1 WHERE id = ?1 AND status = 'queued'", false },
	[MQ_SQL_CANCEL_RUNNING] = { "cancel a running job",
		"UPDATE jobs SET cancel_requested = 1 WHERE id = ?1 AND status = 'running'", false },
};
/* clang-format on */

/* ---------------------------------------------------------------- binding */

struct mq_sql_arg mq_sql_str(const char *text)
{
	if (!text)
		return (struct mq_sql_arg){ .type = MQ_SQL_NULL };
	return (struct mq_sql_arg){ .type = MQ_SQL_STR, .s = text, .len = strlen(text) };
}

struct mq_sql_arg mq_sql_time(int64_t wall_us)
{
	if (!wall_us)
		return (struct mq_sql_arg){ .type = MQ_SQL_NULL };
	return (struct mq_sql_arg){ .type = MQ_SQL_STR, .i = wall_us, .is_time = true };
}

struct mq_sql_arg mq_sql_int_or_null(int64_t value, int64_t none)
{
	if (value == none)
		return (struct mq_sql_arg){ .type = MQ_SQL_NULL };
	return MQ_INT(value);
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct mq_sql_arg *arg)
{
	char time[MQ_TIME_TEXT_SIZE];

	switch (arg->type) {
	case MQ_SQL_INT:
		return sqlite3_bind_int64(stmt, at, arg->i);
	case MQ_SQL_REAL:
		return sqlite3_bind_double(stmt, at, arg->d);
	case MQ_SQL_STR:
		if (!arg->is_time)
			return sqlite3_bind_text64(stmt, at, arg->s, arg->len, SQLITE_TRANSIENT,
						   SQLITE_UTF8);
		mq_time_format(arg->i, time);
		return sqlite3_bind_text(stmt, at, time, -1, SQLITE_TRANSIENT);
	case MQ_SQL_NULL:
	case MQ_SQL_END:
		break;
	}
	return sqlite3_bind_null(stmt, at);
}

/* ---------------------------------------------------------------- running */

enum mq_rc mq_sql_start(struct mq_sqlite *q, enum mq_sql id, const struct mq_sql_arg *args,
			sqlite3_stmt **ret, struct mq_err *err)
{
	const struct mq_sql_text *sql = &mq_sql_texts[id];
	sqlite3_stmt **stmt = &q->stmts[id];
	int code = SQLITE_OK;

	if (!*stmt)
		code = sqlite3_prepare_v3(q->db, sql->text, -1, SQLITE_PREPARE_PERSISTENT, stmt,
					  NULL);
	for (int i = 0; code == SQLITE_OK && args && args[i].type != MQ_SQL_END; i++)
		code = bind_one(*stmt, i + 1, &args[i]);
	if (code != SQLITE_OK)
		return mq_sqlite_err(err, q->db, sql->name);
	*ret = *stmt;
	return MQ_OK;
}

void mq_sql_stop(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt); /* payloads and results do not stay in memory */
}

static const char *name_of(const struct mq_sqlite *q, const sqlite3_stmt *stmt)
{
	for (int i = 0; i < MQ_SQL_COUNT; i++)
		if (q->stmts[i] == stmt)
			return mq_sql_texts[i].name;
	return "statement";
}

enum mq_rc mq_sql_step(struct mq_sqlite *q, sqlite3_stmt *stmt, bool *ret_row, struct mq_err *err)
{
	int code = sqlite3_step(stmt);

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return mq_sqlite_err(err, q->db, name_of(q, stmt));
	*ret_row = code == SQLITE_ROW;
	return MQ_OK;
}

enum mq_rc mq_sql_run(struct mq_sqlite *q, enum mq_sql id, const struct mq_sql_arg *args,
		      int64_t *ret_changes, struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row = true;
	enum mq_rc rc = mq_sql_start(q, id, args, &stmt, err);

	if (rc != MQ_OK)
		return rc;
	while (rc == MQ_OK && row)
		rc = mq_sql_step(q, stmt, &row, err);
	if (rc == MQ_OK && ret_changes)
		*ret_changes = sqlite3_changes64(q->db);
	mq_sql_stop(stmt);
	return rc;
}

enum mq_rc mq_sql_int(struct mq_sqlite *q, enum mq_sql id, const struct mq_sql_arg *args,
		      int64_t *ret, bool *ret_found, struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row;
	enum mq_rc rc = mq_sql_start(q, id, args, &stmt, err);

	if (rc != MQ_OK)
		return rc;
	rc = mq_sql_step(q, stmt, &row, err);
	if (rc == MQ_OK && row)
		*ret = sqlite3_column_int64(stmt, 0);
	if (rc == MQ_OK && ret_found)
		*ret_found = row;
	mq_sql_stop(stmt);
	return rc;
}

/* ---------------------------------------------------------------- rows */

char *mq_sql_column_dup(sqlite3_stmt *stmt, int column)
{
	return mq_strdup((const char *)sqlite3_column_text(stmt, column));
}

int64_t mq_sql_column_time(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	int64_t us;

	return text && mq_time_parse(text, &us) ? us : 0;
}

static struct mq_job *job_of(sqlite3_stmt *stmt)
{
	MQ_AUTO(mq_job) struct mq_job *job = mq_alloc(1, sizeof *job);

	if (!mq_status_parse((const char *)sqlite3_column_text(stmt, 4), &job->status))
		return NULL;
	job->id = sqlite3_column_int64(stmt, 0);
	job->kind = mq_sql_column_dup(stmt, 1);
	job->payload = mq_sql_column_dup(stmt, 2);
	job->priority = sqlite3_column_int(stmt, 3);
	job->run_at_us = mq_sql_column_time(stmt, 5);
	job->attempt = sqlite3_column_int64(stmt, 6);
	job->base_attempt = sqlite3_column_int64(stmt, 7);
	job->max_attempts = sqlite3_column_int64(stmt, 8);
	job->token = sqlite3_column_int64(stmt, 9);
	job->worker_id = sqlite3_column_int64(stmt, 10);
	job->cancel_requested = sqlite3_column_int(stmt, 11) != 0;
	job->progress =
		sqlite3_column_type(stmt, 12) == SQLITE_NULL ? -1 : sqlite3_column_int(stmt, 12);
	job->progress_note = mq_sql_column_dup(stmt, 13);
	job->unique_key = mq_sql_column_dup(stmt, 14);
	job->requested_by = mq_sql_column_dup(stmt, 15);
	job->error = mq_sql_column_dup(stmt, 16);
	job->result = mq_sql_column_dup(stmt, 17);
	job->created_at_us = mq_sql_column_time(stmt, 18);
	job->started_at_us = mq_sql_column_time(stmt, 19);
	job->finished_at_us = mq_sql_column_time(stmt, 20);
	return job->kind && job->payload ? MQ_STEAL(job) : NULL;
}

enum mq_rc mq_sql_job(struct mq_sqlite *q, enum mq_sql id, const struct mq_sql_arg *args,
		      struct mq_job **ret, struct mq_err *err)
{
	MQ_AUTO(mq_job) struct mq_job *job = NULL;
	sqlite3_stmt *stmt;
	bool row = false, more = true;
	enum mq_rc rc = mq_sql_start(q, id, args, &stmt, err);

	if (rc != MQ_OK)
		return rc;
	rc = mq_sql_step(q, stmt, &row, err);
	if (rc == MQ_OK && row && !(job = job_of(stmt)))
		rc = mq_err_set(err, MQ_E_CORRUPT, 0,
				"job %lld: its row breaks the rules of the table",
				(long long)sqlite3_column_int64(stmt, 0));
	/* RETURNING has done its work only at the last step. */
	while (rc == MQ_OK && row && more)
		rc = mq_sql_step(q, stmt, &more, err);
	mq_sql_stop(stmt);
	if (rc == MQ_OK)
		*ret = MQ_STEAL(job);
	return rc;
}

void mq_sql_close(struct mq_sqlite *q)
{
	for (int i = 0; i < MQ_SQL_COUNT; i++)
		sqlite3_finalize(q->stmts[i]);
}
