#include "driver_sqlite.h"
#include "status.h"

#include <mq/clock.h>
#include <sqlite3.h>
#include <stdio.h>

enum mq_rc mq_sqlite_enqueue(struct mq_queue *queue, const struct mq_job_new *job, int64_t *ret_id,
			     struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	int64_t other = 0;
	bool taken = false;
	enum mq_rc rc = mq_sqlite_begin(q, err);

	if (rc != MQ_OK)
		return rc;
	if (job->unique_key)
		rc = mq_sql_int(q, MQ_SQL_KEY_HOLDER, MQ_ARGS(MQ_STR(job->unique_key)), &other,
				&taken, err);
	if (rc == MQ_OK && taken)
		rc = mq_err_set(err, MQ_E_EXISTS, 0,
				"a job with the unique key '%s' is on its way already: job %lld",
				job->unique_key, (long long)other);
	if (rc == MQ_OK)
		rc = mq_sql_run(
			q, MQ_SQL_ENQUEUE,
			MQ_ARGS(MQ_STR(job->kind), MQ_STR(job->payload ? job->payload : "{}"),
				MQ_INT(job->priority), MQ_TIME(job->run_at_us),
				MQ_INT_OR_NULL(job->max_attempts, 0), MQ_STR(job->unique_key),
				MQ_STR(job->requested_by), MQ_TIME(mq_clock_wall_us())),
			NULL, err);
	int64_t id = sqlite3_last_insert_rowid(q->db);
	rc = mq_sqlite_end(q, rc, err);
	if (rc == MQ_OK)
		*ret_id = id;
	return rc;
}

/* ---------------------------------------------------------------- settling */

enum mq_rc mq_sqlite_attempt_add(struct mq_sqlite *q, const struct mq_attempt *attempt,
				 int64_t token, struct mq_err *err)
{
	return mq_sql_run(q, MQ_SQL_ATTEMPT_ADD,
			  MQ_ARGS(MQ_INT(attempt->job_id), MQ_INT(attempt->attempt), MQ_INT(token),
				  MQ_INT(attempt->worker_id), MQ_TIME(attempt->started_at_us),
				  MQ_TIME(attempt->finished_at_us),
				  MQ_STR(mq_outcome_name(attempt->outcome)), MQ_STR(attempt->error),
				  MQ_INT_OR_NULL(attempt->signal, 0),
				  MQ_INT_OR_NULL(attempt->exit_status, -1), MQ_REAL(attempt->cpu_s),
				  MQ_INT_OR_NULL(attempt->peak_kb, 0)),
			  NULL, err);
}

/* MQ_E_STALE when the job is no longer the caller's. */
static enum mq_rc holds(struct mq_sqlite *q, const struct mq_job *job, bool *ret_cancel_requested,
			struct mq_err *err)
{
	int64_t cancel = 0;
	bool mine = false;
	enum mq_rc rc = mq_sql_int(q, MQ_SQL_HOLDS, MQ_ARGS(MQ_INT(job->id), MQ_INT(job->token)),
				   &cancel, &mine, err);

	if (rc == MQ_OK && !mine)
		return mq_err_set(err, MQ_E_STALE, 0, "job %lld was taken away from its worker",
				  (long long)job->id);
	if (rc == MQ_OK)
		*ret_cancel_requested = cancel != 0;
	return rc;
}

static enum mq_rc check_result(struct mq_sqlite *q, const struct mq_settle *done,
			       struct mq_err *err)
{
	int64_t valid = 1;
	enum mq_rc rc = MQ_OK;

	if (done->result)
		rc = mq_sql_int(q, MQ_SQL_JSON_VALID, MQ_ARGS(MQ_STR(done->result)), &valid, NULL,
				err);
	if (rc == MQ_OK && !valid)
		return mq_err_set(err, MQ_E_INVALID, 0, "job %lld: its result is no JSON",
				  (long long)done->job->id);
	return rc;
}

static enum mq_rc write_end(struct mq_sqlite *q, const struct mq_settle *done, enum mq_status to,
			    int64_t now_us, struct mq_err *err)
{
	const struct mq_job *job = done->job;
	const struct mq_attempt attempt = {
		.job_id = job->id,
		.attempt = job->attempt,
		.worker_id = job->worker_id,
		.started_at_us = job->started_at_us,
		.finished_at_us = now_us,
		.outcome = done->outcome,
		.error = done->error,
		.exit_status = -1,
		.cpu_s = done->cpu_s,
		.peak_kb = done->peak_kb,
	};
	bool again = to == MQ_JOB_QUEUED;
	enum mq_rc rc = check_result(q, done, err);

	if (rc == MQ_OK)
		rc = mq_sql_run(
			q, MQ_SQL_SETTLE,
			MQ_ARGS(MQ_INT(job->id), MQ_INT(job->token), MQ_STR(mq_status_name(to)),
				MQ_TIME(again ? done->run_at_us : 0), MQ_STR(done->error),
				MQ_STR(again ? NULL : done->result), MQ_TIME(again ? 0 : now_us)),
			NULL, err);
	return rc == MQ_OK ? mq_sqlite_attempt_add(q, &attempt, job->token, err) : rc;
}

/* The effects and the end belong together: both or neither. */
static enum mq_rc settle_with_effects(struct mq_sqlite *q, const struct mq_settle *done,
				      enum mq_status to, int64_t now_us, struct mq_err *err)
{
	enum mq_rc rc = mq_sql_run(q, MQ_SQL_SAVE, NULL, NULL, err);

	if (rc != MQ_OK)
		return rc;
	rc = done->effects(done->effects_ctx, q->db, err);
	if (sqlite3_get_autocommit(q->db)) /* there is nothing left to undo */
		return rc != MQ_OK ? rc
				   : mq_err_set(err, MQ_E_BUG, 0,
						"job %lld: its effects ended the transaction",
						(long long)done->job->id);
	if (rc == MQ_OK)
		rc = write_end(q, done, to, now_us, err);
	if (rc != MQ_OK)
		mq_sql_run(q, MQ_SQL_UNDO, NULL, NULL, NULL);
	enum mq_rc released = mq_sql_run(q, MQ_SQL_RELEASE, NULL, NULL, rc == MQ_OK ? err : NULL);
	return rc == MQ_OK ? released : rc;
}

/* *ret_fatal: the transaction cannot go on. Otherwise the answer is about this one job. */
static enum mq_rc settle_one(struct mq_sqlite *q, const struct mq_settle *done, int64_t now_us,
			     bool *ret_fatal, struct mq_err *err)
{
	bool cancel = false;
	enum mq_rc rc = holds(q, done->job, &cancel, err);

	*ret_fatal = rc != MQ_OK && rc != MQ_E_STALE;
	if (rc != MQ_OK)
		return rc;
	enum mq_status to = mq_status_settled(done->to, cancel);
	if (done->effects) {
		rc = settle_with_effects(q, done, to, now_us, err);
		*ret_fatal = sqlite3_get_autocommit(q->db) != 0;
	} else {
		rc = write_end(q, done, to, now_us, err);
		*ret_fatal =
			rc != MQ_OK && rc != MQ_E_INVALID; /* INVALID: a result that is no JSON */
	}
	return rc;
}

static enum mq_rc settle_all(struct mq_sqlite *q, struct mq_settle *done, size_t n_done,
			     int64_t now_us, struct mq_err *err)
{
	for (size_t i = 0; i < n_done; i++) {
		struct mq_err why = { 0 };
		bool fatal;
		done[i].rc = settle_one(q, &done[i], now_us, &fatal, &why);
		if (done[i].rc != MQ_OK && done[i].why)
			*done[i].why = why;
		if (fatal)
			return mq_err_set(err, done[i].rc, 0, "%s", why.text);
	}
	return MQ_OK;
}

enum mq_rc mq_sqlite_turn(struct mq_queue *queue, struct mq_settle *done, size_t n_done,
			  const struct mq_claim *claim, struct mq_job **ret_jobs, size_t *ret_n,
			  struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	int64_t now_us = mq_clock_wall_us();
	size_t n = 0;
	bool worth = n_done > 0;
	/* Idle workers leave the application's lock alone. */
	enum mq_rc rc = worth ? MQ_OK : mq_sqlite_worth(q, claim, now_us, &worth, err);

	if (rc == MQ_OK && worth)
		rc = mq_sqlite_begin(q, err);
	if (rc != MQ_OK)
		return rc;
	if (worth) {
		rc = settle_all(q, done, n_done, now_us, err);
		if (rc == MQ_OK)
			rc = mq_sqlite_promote(q, now_us, err);
		if (rc == MQ_OK && claim)
			rc = mq_sqlite_claim(q, claim, now_us, ret_jobs, &n, err);
		rc = mq_sqlite_end(q, rc, err);
	}
	if (rc != MQ_OK)
		while (n > 0)
			mq_job_free(MQ_STEAL(ret_jobs[--n]));
	else if (ret_n)
		*ret_n = n;
	return rc;
}

/* ---------------------------------------------------------------- while it runs */

enum mq_rc mq_sqlite_progress(struct mq_queue *queue, const struct mq_job *job, int percent,
			      const char *note, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	bool cancel;
	enum mq_rc rc = mq_sqlite_begin(q, err);

	if (rc != MQ_OK)
		return rc;
	rc = holds(q, job, &cancel, err);
	if (rc == MQ_OK)
		rc = mq_sql_run(q, MQ_SQL_PROGRESS,
				MQ_ARGS(MQ_INT(job->id), MQ_INT(job->token),
					MQ_INT_OR_NULL(percent < 0 ? -1 : percent, -1),
					MQ_STR(note)),
				NULL, err);
	return mq_sqlite_end(q, rc, err);
}

enum mq_rc mq_sqlite_check(struct mq_queue *queue, const struct mq_job *job,
			   bool *ret_cancel_requested, struct mq_err *err)
{
	return holds(mq_sqlite_of(queue), job, ret_cancel_requested, err);
}

enum mq_rc mq_sqlite_failures(struct mq_queue *queue, const struct mq_job *job, int64_t *ret_failed,
			      struct mq_err *err)
{
	return mq_sql_int(mq_sqlite_of(queue), MQ_SQL_FAILURES,
			  MQ_ARGS(MQ_INT(job->id), MQ_INT(job->base_attempt)), ret_failed, NULL,
			  err);
}

enum mq_rc mq_sqlite_crashes(struct mq_queue *queue, const struct mq_job *job, int64_t *ret_crashed,
			     struct mq_err *err)
{
	int64_t since_us = mq_clock_wall_us() - MQ_QUARANTINE_WINDOW_S * MQ_US_PER_S;

	return mq_sql_int(mq_sqlite_of(queue), MQ_SQL_CRASHES,
			  MQ_ARGS(MQ_INT(job->id), MQ_INT(job->base_attempt), MQ_TIME(since_us)),
			  ret_crashed, NULL, err);
}
