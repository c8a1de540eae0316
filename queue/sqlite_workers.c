#include "driver_sqlite.h"
#include "status.h"

#include <mq/clock.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- coming and going */

static enum mq_rc take_byte(struct mq_sqlite *q, int64_t id, struct mq_err *err)
{
	bool held = false;
	enum mq_rc rc = q->lease->ops->try_hold(q->lease, id, &held, err);

	if (rc == MQ_OK && !held)
		return mq_err_set(err, MQ_E_EXISTS, 0,
				  "worker id %lld is in use by another process: was the database "
				  "replaced while workers ran?",
				  (long long)id);
	return rc;
}

enum mq_rc mq_sqlite_worker_add(struct mq_queue *queue, const struct mq_worker *worker,
				int64_t *ret_id, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	enum mq_rc rc = mq_sqlite_begin(q, err);

	if (rc != MQ_OK)
		return rc;
	rc = mq_sql_run(q, MQ_SQL_WORKER_ADD,
			MQ_ARGS(MQ_INT(worker->pid), MQ_STR(worker->host), MQ_STR(worker->boot_id),
				MQ_TIME(worker->started_at_us), MQ_STR(worker->version),
				MQ_STR(worker->kinds)),
			NULL, err);
	int64_t id = sqlite3_last_insert_rowid(q->db);
	bool taken = false;
	if (rc == MQ_OK) {
		rc = take_byte(q, id, err);
		taken = rc == MQ_OK;
	}
	rc = mq_sqlite_end(q, rc, err);
	if (rc == MQ_OK)
		*ret_id = id;
	else if (taken)
		q->lease->ops->drop(q->lease, id);
	return rc;
}

static enum mq_rc running_of(struct mq_sqlite *q, int64_t worker_id, struct mq_job **ret,
			     struct mq_err *err)
{
	return mq_sql_job(q, MQ_SQL_RUNNING_OF, MQ_ARGS(MQ_INT(worker_id)), ret, err);
}

enum mq_rc mq_sqlite_worker_remove(struct mq_queue *queue, int64_t worker_id, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	MQ_AUTO(mq_job) struct mq_job *job = NULL;
	enum mq_rc rc = mq_sqlite_begin(q, err);

	if (rc != MQ_OK)
		return rc;
	rc = running_of(q, worker_id, &job, err);
	if (rc == MQ_OK && job)
		rc = mq_err_set(err, MQ_E_BUG, 0, "worker %lld leaves while job %lld is running",
				(long long)worker_id, (long long)job->id);
	if (rc == MQ_OK)
		rc = mq_sql_run(q, MQ_SQL_WORKER_REMOVE, MQ_ARGS(MQ_INT(worker_id)), NULL, err);
	rc = mq_sqlite_end(q, rc, err);
	if (rc == MQ_OK)
		q->lease->ops->drop(q->lease, worker_id);
	return rc;
}

/* ---------------------------------------------------------------- rescue */

static enum mq_rc take_back(struct mq_sqlite *q, const struct mq_death *death,
			    const struct mq_job *job, struct mq_err *err)
{
	int64_t now_us = mq_clock_wall_us();
	int64_t crashes = 0;
	enum mq_rc rc = mq_sqlite_crashes(&q->base, job, &crashes, err);

	if (rc != MQ_OK)
		return rc;
	enum mq_status to = mq_status_rescued(death->outcome, job->cancel_requested, crashes + 1);
	MQ_AUTO_FREE
	char *text = mq_status_death_text(death, to);
	const struct mq_attempt attempt = {
		.job_id = job->id,
		.attempt = job->attempt,
		.worker_id = job->worker_id,
		.started_at_us = job->started_at_us,
		.finished_at_us = now_us,
		.outcome = death->outcome,
		.error = text,
		.signal = death->signal,
		.exit_status = death->exit_status,
	};
	rc = mq_sql_run(q, MQ_SQL_RESCUE,
			MQ_ARGS(MQ_INT(job->id), MQ_INT(job->token), MQ_STR(mq_status_name(to)),
				MQ_STR(text), MQ_TIME(to == MQ_JOB_QUEUED ? 0 : now_us)),
			NULL, err);
	return rc == MQ_OK ? mq_sqlite_attempt_add(q, &attempt, job->token, err) : rc;
}

static enum mq_rc take_all_back(struct mq_sqlite *q, const struct mq_death *death, int *jobs,
				struct mq_err *err)
{
	while (true) {
		MQ_AUTO(mq_job) struct mq_job *job = NULL;
		enum mq_rc rc = running_of(q, death->worker_id, &job, err);
		if (rc == MQ_OK && job)
			rc = take_back(q, death, job, err);
		if (rc != MQ_OK || !job)
			return rc;
		++*jobs;
	}
}

enum mq_rc mq_sqlite_rescue(struct mq_queue *queue, const struct mq_death *death, int *ret_jobs,
			    struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	bool alive = false;
	int jobs = 0;
	enum mq_rc rc = q->lease->ops->is_held(q->lease, death->worker_id, &alive, err);

	if (rc == MQ_OK && !alive)
		rc = mq_sqlite_begin(q, err);
	if (rc != MQ_OK || alive) {
		*ret_jobs = 0;
		return rc;
	}
	rc = take_all_back(q, death, &jobs, err);
	if (rc == MQ_OK)
		rc = mq_sql_run(q, MQ_SQL_WORKER_REMOVE, MQ_ARGS(MQ_INT(death->worker_id)), NULL,
				err);
	rc = mq_sqlite_end(q, rc, err);
	if (rc == MQ_OK)
		*ret_jobs = jobs;
	return rc;
}

/* ---------------------------------------------------------------- all workers */

struct rows {
	struct mq_worker *at;
	size_t n;
};

static void rows_cleanup(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free((void *)(uintptr_t)rows->at[i].host);
		free((void *)(uintptr_t)rows->at[i].boot_id);
		free((void *)(uintptr_t)rows->at[i].version);
		free((void *)(uintptr_t)rows->at[i].kinds);
	}
	free(rows->at);
}

static struct mq_worker *add_row(struct rows *rows)
{
	struct mq_worker *grown = mq_alloc(rows->n + 1, sizeof *grown);

	for (size_t i = 0; i < rows->n; i++)
		grown[i] = rows->at[i];
	free(rows->at);
	rows->at = grown;
	return &rows->at[rows->n++];
}

static void read_worker(sqlite3_stmt *stmt, struct rows *rows)
{
	struct mq_worker *w = add_row(rows);

	w->id = sqlite3_column_int64(stmt, 0);
	w->pid = sqlite3_column_int64(stmt, 1);
	w->host = mq_sql_column_dup(stmt, 2);
	w->boot_id = mq_sql_column_dup(stmt, 3);
	w->version = mq_sql_column_dup(stmt, 4);
	w->kinds = mq_sql_column_dup(stmt, 5);
	w->started_at_us = mq_sql_column_time(stmt, 6);
	w->job_id = sqlite3_column_int64(stmt, 7);
}

static void read_orphan(sqlite3_stmt *stmt, struct rows *rows)
{
	add_row(rows)->id = sqlite3_column_int64(stmt, 0);
}

static enum mq_rc read_rows(struct mq_sqlite *q, enum mq_sql id,
			    void (*read)(sqlite3_stmt *stmt, struct rows *rows), struct rows *rows,
			    struct mq_err *err)
{
	sqlite3_stmt *stmt;
	bool row = true;
	enum mq_rc rc = mq_sql_start(q, id, NULL, &stmt, err);

	if (rc != MQ_OK)
		return rc;
	while (rc == MQ_OK && row) {
		rc = mq_sql_step(q, stmt, &row, err);
		if (rc == MQ_OK && row)
			read(stmt, rows);
	}
	mq_sql_stop(stmt);
	return rc;
}

enum mq_rc mq_sqlite_rescue_all(struct mq_queue *queue, int *ret_jobs, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	__attribute__((cleanup(rows_cleanup))) struct rows rows = { 0 };
	int total = 0;
	enum mq_rc rc = read_rows(q, MQ_SQL_WORKERS, read_worker, &rows, err);

	if (rc == MQ_OK)
		rc = read_rows(q, MQ_SQL_ORPHANS, read_orphan, &rows, err);
	for (size_t i = 0; rc == MQ_OK && i < rows.n; i++) {
		const struct mq_death death = { .worker_id = rows.at[i].id,
						.outcome = MQ_OUTCOME_CRASHED,
						.exit_status = -1 };
		int jobs = 0;
		rc = mq_sqlite_rescue(queue, &death, &jobs, err);
		total += jobs;
	}
	if (rc == MQ_OK)
		*ret_jobs = total;
	return rc;
}

enum mq_rc mq_sqlite_workers(struct mq_queue *queue, mq_worker_fn fn, void *ctx, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	__attribute__((cleanup(rows_cleanup))) struct rows rows = { 0 };
	enum mq_rc rc = read_rows(q, MQ_SQL_WORKERS, read_worker, &rows, err);

	for (size_t i = 0; rc == MQ_OK && i < rows.n; i++) {
		struct mq_worker *w = &rows.at[i];
		if (q->lease)
			rc = q->lease->ops->is_held(q->lease, w->id, &w->alive, err);
		if (rc == MQ_OK && !fn(ctx, w))
			break;
	}
	return rc;
}
