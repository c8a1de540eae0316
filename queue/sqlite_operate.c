#include "driver_sqlite.h"
#include "job.h"
#include "status.h"

#include <mq/clock.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- one job */

static enum mq_rc no_such_job(int64_t id, struct mq_err *err)
{
	return mq_err_set(err, MQ_E_NOTFOUND, 0, "there is no job %lld", (long long)id);
}

enum mq_rc mq_sqlite_get(struct mq_queue *queue, int64_t id, struct mq_job **ret,
			 struct mq_err *err)
{
	struct mq_job *job = NULL;
	enum mq_rc rc = mq_sql_job(mq_sqlite_of(queue), MQ_SQL_GET, MQ_ARGS(MQ_INT(id)), &job, err);

	if (rc == MQ_OK && !job)
		return no_such_job(id, err);
	if (rc == MQ_OK)
		*ret = job;
	return rc;
}

static enum mq_rc cancel_job(struct mq_sqlite *q, const struct mq_job *job, struct mq_err *err)
{
	if (job->status == MQ_JOB_RUNNING)
		return mq_sql_run(q, MQ_SQL_CANCEL_RUNNING, MQ_ARGS(MQ_INT(job->id)), NULL, err);
	if (mq_status_may_become(job->status, MQ_JOB_CANCELLED))
		return mq_sql_run(q, MQ_SQL_CANCEL_QUEUED,
				  MQ_ARGS(MQ_INT(job->id), MQ_TIME(mq_clock_wall_us())), NULL, err);
	return mq_err_set(err, MQ_E_INVALID, 0, "job %lld has ended already: it is %s",
			  (long long)job->id, mq_status_name(job->status));
}

enum mq_rc mq_sqlite_cancel(struct mq_queue *queue, int64_t id, enum mq_status *ret_before,
			    struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	MQ_AUTO(mq_job) struct mq_job *job = NULL;
	enum mq_rc rc = mq_sqlite_begin(q, err);

	if (rc != MQ_OK)
		return rc;
	rc = mq_sqlite_get(queue, id, &job, err);
	if (rc == MQ_OK)
		rc = cancel_job(q, job, err);
	rc = mq_sqlite_end(q, rc, err);
	if (rc == MQ_OK && ret_before)
		*ret_before = job->status;
	return rc;
}

/* ---------------------------------------------------------------- lists */

/* So many ids are read before the statement is reset: the callee may wait on its output as long as
 * it likes. */
#define PAGE 500

struct page {
	int64_t ids[PAGE];
	size_t n;
	int64_t last;
	bool more;
};

static void add_if_matching(struct page *page, const struct mq_job_filter *filter,
			    sqlite3_stmt *stmt)
{
	enum mq_status status = MQ_JOB_FAILED;
	const char *kind = (const char *)sqlite3_column_text(stmt, 1);

	page->last = sqlite3_column_int64(stmt, 0);
	if (kind && mq_status_parse((const char *)sqlite3_column_text(stmt, 2), &status) &&
	    mq_job_matches(filter, page->last, kind, status, mq_sql_column_time(stmt, 3)))
		page->ids[page->n++] = page->last;
}

static enum mq_rc read_page(struct mq_sqlite *q, const struct mq_job_filter *filter,
			    struct page *page, struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row = true;
	int rows = 0;
	enum mq_rc rc =
		mq_sql_start(q, MQ_SQL_PAGE, MQ_ARGS(MQ_INT(page->last), MQ_INT(PAGE)), &stmt, err);

	page->n = 0;
	if (rc != MQ_OK)
		return rc;
	while (rc == MQ_OK && row) {
		rc = mq_sql_step(q, stmt, &row, err);
		if (rc == MQ_OK && row) {
			add_if_matching(page, filter, stmt);
			rows++;
		}
	}
	mq_sql_stop(stmt);
	page->more = rows == PAGE;
	return rc;
}

struct lister {
	const struct mq_job_filter *filter;
	mq_job_fn fn;
	void *ctx;
	int64_t shown;
	bool stopped;
};

/* The row may have changed, or gone, since its page was read. */
static enum mq_rc show_one(struct mq_sqlite *q, struct lister *l, int64_t id, struct mq_err *err)
{
	MQ_AUTO(mq_job) struct mq_job *job = NULL;
	enum mq_rc rc = mq_sql_job(q, MQ_SQL_GET, MQ_ARGS(MQ_INT(id)), &job, err);

	if (rc != MQ_OK || !job ||
	    !mq_job_matches(l->filter, id, job->kind, job->status, job->created_at_us))
		return rc;
	l->shown++;
	l->stopped = !l->fn(l->ctx, job) || l->shown == l->filter->limit;
	return MQ_OK;
}

static enum mq_rc show_ids(struct mq_sqlite *q, struct lister *l, const int64_t *ids, size_t n,
			   struct mq_err *err)
{
	enum mq_rc rc = MQ_OK;

	for (size_t i = 0; rc == MQ_OK && i < n && !l->stopped; i++)
		rc = show_one(q, l, ids[i], err);
	return rc;
}

static int descending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static enum mq_rc show_named(struct mq_sqlite *q, struct lister *l, struct mq_err *err)
{
	const struct mq_job_filter *f = l->filter;
	MQ_AUTO_FREE
	int64_t *ids = mq_alloc(f->n_ids + 1, sizeof *ids);
	size_t n = 0;

	for (size_t i = 0; i < f->n_ids; i++)
		ids[i] = f->ids[i];
	qsort(ids, f->n_ids, sizeof *ids, descending);
	for (size_t i = 0; i < f->n_ids; i++)
		if (i == 0 || ids[i] != ids[i - 1])
			ids[n++] = ids[i];
	return show_ids(q, l, ids, n, err);
}

enum mq_rc mq_sqlite_list(struct mq_queue *queue, const struct mq_job_filter *filter, mq_job_fn fn,
			  void *ctx, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	struct lister l = { .filter = filter, .fn = fn, .ctx = ctx };
	MQ_AUTO_FREE
	struct page *page = mq_alloc(1, sizeof *page);
	enum mq_rc rc = MQ_OK;

	if (filter->ids)
		return show_named(q, &l, err);
	page->last = INT64_MAX;
	page->more = true;
	while (rc == MQ_OK && page->more && !l.stopped) {
		rc = read_page(q, filter, page, err);
		if (rc == MQ_OK)
			rc = show_ids(q, &l, page->ids, page->n, err);
	}
	return rc;
}

/* ---------------------------------------------------------------- attempts */

struct attempts {
	struct mq_attempt *at;
	size_t n;
};

static void attempts_cleanup(struct attempts *list)
{
	for (size_t i = 0; i < list->n; i++)
		free((void *)(uintptr_t)list->at[i].error);
	free(list->at);
}

static void add_attempt(struct attempts *list, int64_t job_id, sqlite3_stmt *stmt)
{
	struct mq_attempt *grown = mq_alloc(list->n + 1, sizeof *grown);

	for (size_t i = 0; i < list->n; i++)
		grown[i] = list->at[i];
	free(list->at);
	list->at = grown;
	struct mq_attempt *a = &list->at[list->n++];
	a->job_id = job_id;
	a->attempt = sqlite3_column_int64(stmt, 0);
	a->worker_id = sqlite3_column_int64(stmt, 1);
	a->started_at_us = mq_sql_column_time(stmt, 2);
	a->finished_at_us = mq_sql_column_time(stmt, 3);
	a->outcome = MQ_OUTCOME_FAILED;
	mq_outcome_parse((const char *)sqlite3_column_text(stmt, 4), &a->outcome);
	a->error = mq_sql_column_dup(stmt, 5);
	a->signal = sqlite3_column_int(stmt, 6);
	a->exit_status =
		sqlite3_column_type(stmt, 7) == SQLITE_NULL ? -1 : sqlite3_column_int(stmt, 7);
	a->cpu_s = sqlite3_column_double(stmt, 8);
	a->peak_kb = sqlite3_column_int64(stmt, 9);
}

enum mq_rc mq_sqlite_attempts(struct mq_queue *queue, int64_t job_id, mq_attempt_fn fn, void *ctx,
			      struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	__attribute__((cleanup(attempts_cleanup))) struct attempts list = { 0 };
	sqlite3_stmt *stmt;
	bool row = true;
	enum mq_rc rc = mq_sql_start(q, MQ_SQL_ATTEMPTS, MQ_ARGS(MQ_INT(job_id)), &stmt, err);

	if (rc != MQ_OK)
		return rc;
	while (rc == MQ_OK && row) {
		rc = mq_sql_step(q, stmt, &row, err);
		if (rc == MQ_OK && row)
			add_attempt(&list, job_id, stmt);
	}
	mq_sql_stop(stmt);
	for (size_t i = 0; rc == MQ_OK && i < list.n; i++)
		if (!fn(ctx, &list.at[i]))
			break;
	return rc;
}

/* ---------------------------------------------------------------- statistics */

struct kinds {
	struct mq_kind_stats *at;
	size_t n;
};

static void kinds_cleanup(struct kinds *list)
{
	for (size_t i = 0; i < list->n; i++)
		free((void *)(uintptr_t)list->at[i].kind);
	free(list->at);
}

static struct mq_kind_stats *kind_of(struct kinds *list, const char *kind)
{
	if (list->n && strcmp(list->at[list->n - 1].kind, kind) == 0)
		return &list->at[list->n - 1];
	struct mq_kind_stats *grown = mq_alloc(list->n + 1, sizeof *grown);
	for (size_t i = 0; i < list->n; i++)
		grown[i] = list->at[i];
	free(list->at);
	list->at = grown;
	list->at[list->n].kind = mq_strdup(kind);
	return &list->at[list->n++];
}

static void add_stats(struct kinds *list, sqlite3_stmt *stmt)
{
	enum mq_status status;
	const char *kind = (const char *)sqlite3_column_text(stmt, 0);

	if (!kind || !mq_status_parse((const char *)sqlite3_column_text(stmt, 1), &status))
		return;
	struct mq_kind_stats *stats = kind_of(list, kind);
	stats->count[status] = sqlite3_column_int64(stmt, 2);
	if (status == MQ_JOB_QUEUED) {
		stats->scheduled = sqlite3_column_int64(stmt, 3);
		stats->oldest_ready_us = mq_sql_column_time(stmt, 4);
	}
}

enum mq_rc mq_sqlite_stats(struct mq_queue *queue, mq_kind_stats_fn fn, void *ctx,
			   struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	__attribute__((cleanup(kinds_cleanup))) struct kinds list = { 0 };
	sqlite3_stmt *stmt;
	bool row = true;
	enum mq_rc rc =
		mq_sql_start(q, MQ_SQL_STATS, MQ_ARGS(MQ_TIME(mq_clock_wall_us())), &stmt, err);

	if (rc != MQ_OK)
		return rc;
	while (rc == MQ_OK && row) {
		rc = mq_sql_step(q, stmt, &row, err);
		if (rc == MQ_OK && row)
			add_stats(&list, stmt);
	}
	mq_sql_stop(stmt);
	for (size_t i = 0; rc == MQ_OK && i < list.n; i++)
		if (!fn(ctx, &list.at[i]))
			break;
	return rc;
}
