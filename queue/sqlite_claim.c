#include "driver_sqlite.h"

#include <mq/clock.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* A night's worth of scheduled rows that become due at once must not lock the application out. */
#define PROMOTE_MAX 500

enum mq_rc mq_sqlite_promote(struct mq_sqlite *q, int64_t now_us, struct mq_err *err)
{
	return mq_sql_run(q, MQ_SQL_PROMOTE, MQ_ARGS(MQ_TIME(now_us), MQ_INT(PROMOTE_MAX)), NULL,
			  err);
}

/* ---------------------------------------------------------------- kinds */

/* A kind with ready rows, and the best of them. */
struct lane {
	char *kind;
	size_t len; /* SQLite's: whatever got into the table, the walk goes on behind it */
	int64_t id; /* 0: none left */
	int priority;
};

/* The kinds that have ready rows and are served, by name. */
struct lanes {
	struct lane *at;
	size_t n;
};

static void lanes_cleanup(struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->n; i++)
		free(lanes->at[i].kind);
	free(lanes->at);
}

static void add_lane(struct lanes *lanes, char *kind, size_t len)
{
	if ((lanes->n & (lanes->n + 1)) == 0) { /* full at 0, 1, 3, 7, ... */
		struct lane *grown = mq_alloc(2 * lanes->n + 1, sizeof *grown);
		if (lanes->n)
			memcpy(grown, lanes->at, lanes->n * sizeof *grown);
		free(lanes->at);
		lanes->at = grown;
	}
	lanes->at[lanes->n++] = (struct lane){ .kind = kind, .len = len };
}

/* The next kind behind `kind`, NULL after the last one. One seek in the index. */
static enum mq_rc next_kind(struct mq_sqlite *q, const char *kind, size_t len, char **ret_kind,
			    size_t *ret_len, struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row;
	enum mq_rc rc = mq_sql_start(q, MQ_SQL_NEXT_KIND, MQ_ARGS(MQ_BYTES(kind, len)), &stmt, err);

	if (rc != MQ_OK)
		return rc;
	rc = mq_sql_step(q, stmt, &row, err);
	if (rc == MQ_OK && row) {
		const unsigned char *text = sqlite3_column_text(stmt, 0);
		*ret_len = (size_t)sqlite3_column_bytes(stmt, 0);
		*ret_kind = mq_alloc(*ret_len + 1, 1);
		memcpy(*ret_kind, text, *ret_len);
	} else if (rc == MQ_OK) {
		*ret_kind = NULL;
	}
	mq_sql_stop(stmt);
	return rc;
}

/* A row of a kind that nobody here serves costs the one seek that steps over its kind. */
static enum mq_rc find_lanes(struct mq_sqlite *q, const struct mq_claim *claim, bool first_only,
			     struct lanes *lanes, struct mq_err *err)
{
	MQ_AUTO_FREE
	char *kind = mq_strdup("");
	size_t len = 0;

	while (true) {
		char *next;
		enum mq_rc rc = next_kind(q, kind, len, &next, &len, err);
		if (rc != MQ_OK || !next)
			return rc;
		free(kind);
		kind = next;
		if (!claim->serves || claim->serves(claim->ctx, kind))
			add_lane(lanes, mq_strdup(kind), len);
		if (first_only && lanes->n)
			return MQ_OK;
	}
}

static enum mq_rc load_head(struct mq_sqlite *q, struct lane *lane, struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row;
	enum mq_rc rc =
		mq_sql_start(q, MQ_SQL_HEAD, MQ_ARGS(MQ_BYTES(lane->kind, lane->len)), &stmt, err);

	if (rc != MQ_OK)
		return rc;
	rc = mq_sql_step(q, stmt, &row, err);
	if (rc == MQ_OK) {
		lane->id = row ? sqlite3_column_int64(stmt, 0) : 0;
		lane->priority = row ? sqlite3_column_int(stmt, 1) : 0;
	}
	mq_sql_stop(stmt);
	return rc;
}

static struct lane *best_of(struct lanes *lanes)
{
	struct lane *best = NULL;

	for (size_t i = 0; i < lanes->n; i++) {
		struct lane *lane = &lanes->at[i];
		if (lane->id && (!best || lane->priority > best->priority ||
				 (lane->priority == best->priority && lane->id < best->id)))
			best = lane;
	}
	return best;
}

/* ---------------------------------------------------------------- claiming */

/* *ret is NULL when the row was cancelled before it could start. */
static enum mq_rc claim_one(struct mq_sqlite *q, int64_t id, int64_t worker_id, int64_t now_us,
			    struct mq_job **ret, struct mq_err *err)
{
	struct mq_job *job = NULL;
	int64_t cancelled = 1;
	enum mq_rc rc =
		mq_sql_job(q, MQ_SQL_CLAIM, MQ_ARGS(MQ_INT(id), MQ_INT(worker_id), MQ_TIME(now_us)),
			   &job, err);

	if (rc == MQ_OK && !job)
		rc = mq_sql_run(q, MQ_SQL_CLAIM_CANCELLED, MQ_ARGS(MQ_INT(id), MQ_TIME(now_us)),
				&cancelled, err);
	if (rc == MQ_OK && !cancelled)
		rc = mq_err_set(
			err, MQ_E_CORRUPT, 0,
			"job %lld is in the index of ready jobs only: the database is damaged",
			(long long)id);
	if (rc == MQ_OK)
		*ret = job;
	return rc;
}

enum mq_rc mq_sqlite_claim(struct mq_sqlite *q, const struct mq_claim *claim, int64_t now_us,
			   struct mq_job **ret_jobs, size_t *ret_n, struct mq_err *err)
{
	__attribute__((cleanup(lanes_cleanup))) struct lanes lanes = { 0 };
	struct lane *best;
	enum mq_rc rc = claim->max ? find_lanes(q, claim, false, &lanes, err) : MQ_OK;

	for (size_t i = 0; rc == MQ_OK && i < lanes.n; i++)
		rc = load_head(q, &lanes.at[i], err);
	while (rc == MQ_OK && *ret_n < claim->max && (best = best_of(&lanes))) {
		struct mq_job *job = NULL;
		rc = claim_one(q, best->id, claim->worker_id, now_us, &job, err);
		if (job)
			ret_jobs[(*ret_n)++] = job;
		if (rc == MQ_OK)
			rc = load_head(q, best, err);
	}
	return rc;
}

/* ---------------------------------------------------------------- looking ahead */

enum mq_rc mq_sqlite_worth(struct mq_sqlite *q, const struct mq_claim *claim, int64_t now_us,
			   bool *ret_worth, struct mq_err *err)
{
	__attribute__((cleanup(lanes_cleanup))) struct lanes lanes = { 0 };
	int64_t ignored;
	bool due = false;
	enum mq_rc rc =
		mq_sql_int(q, MQ_SQL_DUE_KINDS, MQ_ARGS(MQ_TIME(now_us)), &ignored, &due, err);

	if (rc == MQ_OK && !due && claim && claim->max)
		rc = find_lanes(q, claim, true, &lanes, err);
	if (rc == MQ_OK)
		*ret_worth = due || lanes.n > 0;
	return rc;
}

static bool serves(const struct mq_claim *claim, sqlite3_stmt *stmt)
{
	const char *kind = (const char *)sqlite3_column_text(stmt, 0);

	return kind && (!claim->serves || claim->serves(claim->ctx, kind));
}

static enum mq_rc count_ready(struct mq_sqlite *q, const struct mq_claim *claim, int64_t *ready,
			      struct mq_err *err)
{
	__attribute__((cleanup(lanes_cleanup))) struct lanes lanes = { 0 };
	int64_t max = (int64_t)claim->max;
	enum mq_rc rc = find_lanes(q, claim, false, &lanes, err);

	for (size_t i = 0; rc == MQ_OK && i < lanes.n && *ready < max; i++) {
		int64_t n = 0;
		rc = mq_sql_int(
			q, MQ_SQL_READY_COUNT,
			MQ_ARGS(MQ_BYTES(lanes.at[i].kind, lanes.at[i].len), MQ_INT(max - *ready)),
			&n, NULL, err);
		*ready += n;
	}
	return rc;
}

/* Rows that the next turn promotes. */
static enum mq_rc count_due(struct mq_sqlite *q, const struct mq_claim *claim, int64_t now_us,
			    int64_t *ready, struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row = true;
	enum mq_rc rc = mq_sql_start(q, MQ_SQL_DUE_KINDS, MQ_ARGS(MQ_TIME(now_us)), &stmt, err);

	if (rc != MQ_OK)
		return rc;
	while (rc == MQ_OK && row && *ready < (int64_t)claim->max) {
		rc = mq_sql_step(q, stmt, &row, err);
		if (rc == MQ_OK && row && serves(claim, stmt))
			++*ready;
	}
	mq_sql_stop(stmt);
	return rc;
}

static enum mq_rc count_waiting(struct mq_sqlite *q, const struct mq_claim *claim, int64_t *waiting,
				struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row = true;
	enum mq_rc rc = mq_sql_start(q, MQ_SQL_WAITING, NULL, &stmt, err);

	if (rc != MQ_OK)
		return rc;
	while (rc == MQ_OK && row) {
		rc = mq_sql_step(q, stmt, &row, err);
		if (rc == MQ_OK && row && serves(claim, stmt))
			*waiting += sqlite3_column_int64(stmt, 1);
	}
	mq_sql_stop(stmt);
	return rc;
}

static enum mq_rc next_due(struct mq_sqlite *q, int64_t now_us, int64_t *ret_us, struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row;
	enum mq_rc rc = mq_sql_start(q, MQ_SQL_NEXT_DUE, MQ_ARGS(MQ_TIME(now_us)), &stmt, err);

	if (rc != MQ_OK)
		return rc;
	rc = mq_sql_step(q, stmt, &row, err);
	if (rc == MQ_OK && row)
		*ret_us = mq_sql_column_time(stmt, 0);
	mq_sql_stop(stmt);
	return rc;
}

enum mq_rc mq_sqlite_outlook(struct mq_queue *queue, const struct mq_claim *claim,
			     struct mq_outlook *ret, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	struct mq_outlook outlook = { 0 };
	int64_t now_us = mq_clock_wall_us();
	enum mq_rc rc = count_ready(q, claim, &outlook.ready, err);

	if (rc == MQ_OK)
		rc = count_due(q, claim, now_us, &outlook.ready, err);
	if (rc == MQ_OK)
		rc = count_waiting(q, claim, &outlook.waiting, err);
	if (rc == MQ_OK)
		rc = next_due(q, now_us, &outlook.next_due_us, err);
	if (rc == MQ_OK)
		rc = mq_sql_int(q, MQ_SQL_RUNNING_COUNT, NULL, &outlook.running, NULL, err);
	if (rc == MQ_OK)
		*ret = outlook;
	return rc;
}
