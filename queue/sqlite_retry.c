#include "driver_sqlite.h"
#include "job.h"

#include <mq/str.h>
#include <search.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Requeued in one transaction: the application must not wait behind an operator's thousands. */
#define SLICE 500

struct ids {
	int64_t *at;
	size_t n, cap;
};

static void ids_cleanup(struct ids *ids)
{
	free(ids->at);
}

static void add_id(struct ids *ids, int64_t id)
{
	if (ids->n == ids->cap) {
		ids->cap = ids->cap ? 2 * ids->cap : 64;
		int64_t *grown = mq_alloc(ids->cap, sizeof *grown);
		if (ids->n)
			memcpy(grown, ids->at, ids->n * sizeof *grown);
		free(ids->at);
		ids->at = grown;
	}
	ids->at[ids->n++] = id;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y ? 1 : 0;
}

static void sort_and_limit(struct ids *ids, int64_t limit)
{
	size_t n = 0;

	if (ids->n)
		qsort(ids->at, ids->n, sizeof *ids->at, ascending);
	for (size_t i = 0; i < ids->n; i++)
		if (i == 0 || ids->at[i] != ids->at[i - 1])
			ids->at[n++] = ids->at[i];
	ids->n = limit > 0 && (int64_t)n > limit ? (size_t)limit : n;
}

/* ---------------------------------------------------------------- which */

/* Somebody who names a job wants to know when it cannot be retried. */
static enum mq_rc find_named(struct mq_sqlite *q, const struct mq_job_filter *filter,
			     struct ids *ids, struct mq_err *err)
{
	for (size_t i = 0; i < filter->n_ids; i++) {
		MQ_AUTO(mq_job) struct mq_job *job = NULL;
		enum mq_rc rc = mq_sqlite_get(&q->base, filter->ids[i], &job, err);
		if (rc != MQ_OK)
			return rc;
		if (job->status != MQ_JOB_FAILED)
			return mq_err_set(err, MQ_E_INVALID, 0,
					  "job %lld is %s: only failed jobs can be retried",
					  (long long)job->id, mq_status_name(job->status));
		if (mq_job_matches(filter, job->id, job->kind, MQ_JOB_FAILED, job->finished_at_us))
			add_id(ids, job->id);
	}
	return MQ_OK;
}

static enum mq_rc find_matching(struct mq_sqlite *q, const struct mq_job_filter *filter,
				struct ids *ids, struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row = true;
	enum mq_rc rc = mq_sql_start(q, MQ_SQL_FAILED, NULL, &stmt, err);

	if (rc != MQ_OK)
		return rc;
	while (rc == MQ_OK && row) {
		rc = mq_sql_step(q, stmt, &row, err);
		const char *kind = row ? (const char *)sqlite3_column_text(stmt, 1) : NULL;
		if (rc == MQ_OK && kind &&
		    mq_job_matches(filter, sqlite3_column_int64(stmt, 0), kind, MQ_JOB_FAILED,
				   mq_sql_column_time(stmt, 2)))
			add_id(ids, sqlite3_column_int64(stmt, 0));
	}
	mq_sql_stop(stmt);
	return rc;
}

/* ---------------------------------------------------------------- one slice */

struct slice {
	struct mq_job *jobs[SLICE]; /* that were, or would be, requeued, as they were before */
	size_t n;
	int64_t skipped;
};

static void slice_clear(struct slice *slice)
{
	for (size_t i = 0; i < slice->n; i++)
		mq_job_free(slice->jobs[i]);
	slice->n = 0;
	slice->skipped = 0;
}

static void slice_cleanup(struct slice **slice)
{
	slice_clear(*slice);
	free(*slice);
}

/* Unique keys of a dry run's jobs: of two failed jobs with one key only the first would be
 * requeued. */
struct keys {
	void *tree;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void keys_cleanup(struct keys *keys)
{
	tdestroy(keys->tree, free);
}

static bool seen(struct keys *keys, const char *key)
{
	if (tfind(key, &keys->tree, by_text))
		return true;
	tsearch(mq_strdup(key), &keys->tree, by_text);
	return false;
}

static enum mq_rc key_is_taken(struct mq_sqlite *q, const char *key, struct keys *keys,
			       bool *ret_taken, struct mq_err *err)
{
	int64_t other;

	*ret_taken = false;
	if (!key)
		return MQ_OK;
	enum mq_rc rc =
		mq_sql_int(q, MQ_SQL_KEY_HOLDER, MQ_ARGS(MQ_STR(key)), &other, ret_taken, err);
	if (rc == MQ_OK && !*ret_taken && keys)
		*ret_taken = seen(keys, key);
	return rc;
}

/* `keys` is NULL when the job is to be changed. One that is no longer failed is none of our
 * business. */
static enum mq_rc requeue_one(struct mq_sqlite *q, int64_t id, struct keys *keys,
			      struct slice *slice, struct mq_err *err)
{
	MQ_AUTO(mq_job) struct mq_job *job = NULL;
	bool taken;
	enum mq_rc rc = mq_sql_job(q, MQ_SQL_GET, MQ_ARGS(MQ_INT(id)), &job, err);

	if (rc != MQ_OK || !job || job->status != MQ_JOB_FAILED)
		return rc;
	rc = key_is_taken(q, job->unique_key, keys, &taken, err);
	if (rc == MQ_OK && taken) {
		slice->skipped++;
		return MQ_OK;
	}
	if (rc == MQ_OK && !keys)
		rc = mq_sql_run(q, MQ_SQL_RETRY, MQ_ARGS(MQ_INT(id)), NULL, err);
	if (rc == MQ_OK)
		slice->jobs[slice->n++] = MQ_STEAL(job);
	return rc;
}

static enum mq_rc requeue_slice(struct mq_sqlite *q, const int64_t *ids, size_t n,
				struct keys *keys, struct slice *slice, struct mq_err *err)
{
	enum mq_rc rc = keys ? MQ_OK : mq_sqlite_begin(q, err);

	if (rc != MQ_OK)
		return rc;
	for (size_t i = 0; rc == MQ_OK && i < n; i++)
		rc = requeue_one(q, ids[i], keys, slice, err);
	return keys ? rc : mq_sqlite_end(q, rc, err);
}

static bool tell(const struct slice *slice, mq_job_fn fn, void *ctx)
{
	bool go_on = true;

	for (size_t i = 0; fn && go_on && i < slice->n; i++)
		go_on = fn(ctx, slice->jobs[i]);
	return go_on;
}

enum mq_rc mq_sqlite_retry(struct mq_queue *queue, const struct mq_job_filter *filter, bool dry_run,
			   mq_job_fn fn, void *ctx, int64_t *ret_requeued, int64_t *ret_skipped,
			   struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	const struct mq_job_filter any_status = { .ids = filter->ids,
						  .n_ids = filter->n_ids,
						  .kinds = filter->kinds,
						  .since_us = filter->since_us };
	__attribute__((cleanup(ids_cleanup))) struct ids ids = { 0 };
	__attribute__((cleanup(keys_cleanup))) struct keys keys = { 0 };
	__attribute__((cleanup(slice_cleanup))) struct slice *slice = mq_alloc(1, sizeof *slice);
	int64_t requeued = 0, skipped = 0;
	bool go_on = true;
	enum mq_rc rc = filter->ids ? find_named(q, &any_status, &ids, err)
				    : find_matching(q, &any_status, &ids, err);

	sort_and_limit(&ids, filter->limit);
	for (size_t at = 0; rc == MQ_OK && go_on && at < ids.n; at += SLICE) {
		size_t n = ids.n - at < SLICE ? ids.n - at : SLICE;
		rc = requeue_slice(q, ids.at + at, n, dry_run ? &keys : NULL, slice, err);
		if (rc == MQ_OK) {
			requeued += (int64_t)slice->n;
			skipped += slice->skipped;
			go_on = tell(slice, fn, ctx);
		}
		slice_clear(slice);
	}
	if (rc == MQ_OK) {
		*ret_requeued = requeued;
		*ret_skipped = skipped;
	}
	return rc;
}
