#include "driver.h"
#include "migrate.h"
#include "sqlite_open.h"
#include "status.h"

/* ---------------------------------------------------------------- checks */

static enum mq_rc may_write(const struct mq_queue *queue, struct mq_err *err)
{
	if (queue->read_only)
		return mq_err_set(err, MQ_E_BUG, 0, "the queue was opened to read only");
	return MQ_OK;
}

static enum mq_rc check_settle(const struct mq_settle *done, struct mq_err *err)
{
	const struct mq_job *job = done->job;

	if (!mq_status_may_become(job->status, done->to) ||
	    !mq_status_settle_fits(done->outcome, done->to))
		return mq_err_set(err, MQ_E_BUG, 0,
				  "job %lld: an attempt that %s cannot turn %s into %s",
				  (long long)job->id, mq_outcome_name(done->outcome),
				  mq_status_name(job->status), mq_status_name(done->to));
	if (done->effects && done->to != MQ_JOB_SUCCEEDED)
		return mq_err_set(err, MQ_E_BUG, 0, "job %lld: effects without success",
				  (long long)job->id);
	return MQ_OK;
}

/* ---------------------------------------------------------------- opening */

int mq_queue_schema_version(void)
{
	return mq_migrate_newest(mq_migrations);
}

int mq_queue_schema_found(const struct mq_queue *queue)
{
	return queue->schema_found;
}

enum mq_rc mq_queue_open(const struct mq_queue_driver *driver,
			 const struct mq_queue_options *options, struct mq_queue **ret,
			 struct mq_err *err)
{
	if (!options->database || options->database[0] != '/')
		return mq_err_set(err, MQ_E_INVALID, 0, "the database '%s' needs an absolute path",
				  options->database ? options->database : "");
	return driver->open(options, ret, err);
}

void mq_queue_close(struct mq_queue *queue)
{
	if (queue)
		queue->driver->close(queue);
}

/* ---------------------------------------------------------------- producing and working */

enum mq_rc mq_queue_enqueue(struct mq_queue *queue, const struct mq_job_new *job, int64_t *ret_id,
			    struct mq_err *err)
{
	enum mq_rc rc = may_write(queue, err);

	if (rc != MQ_OK)
		return rc;
	if (!job->kind)
		return mq_err_set(err, MQ_E_INVALID, 0, "enqueue: a job needs a kind");
	return queue->driver->enqueue(queue, job, ret_id, err);
}

enum mq_rc mq_queue_worker_add(struct mq_queue *queue, const struct mq_worker *worker,
			       int64_t *ret_id, struct mq_err *err)
{
	enum mq_rc rc = may_write(queue, err);

	return rc == MQ_OK ? queue->driver->worker_add(queue, worker, ret_id, err) : rc;
}

enum mq_rc mq_queue_worker_remove(struct mq_queue *queue, int64_t worker_id, struct mq_err *err)
{
	enum mq_rc rc = may_write(queue, err);

	return rc == MQ_OK ? queue->driver->worker_remove(queue, worker_id, err) : rc;
}

enum mq_rc mq_queue_turn(struct mq_queue *queue, struct mq_settle *done, size_t n_done,
			 const struct mq_claim *claim, struct mq_job **ret_jobs, size_t *ret_n,
			 struct mq_err *err)
{
	enum mq_rc rc = may_write(queue, err);

	for (size_t i = 0; rc == MQ_OK && i < n_done; i++)
		rc = check_settle(&done[i], err);
	if (rc == MQ_OK && claim && claim->max && claim->worker_id <= 0)
		rc = mq_err_set(err, MQ_E_BUG, 0, "a claim needs a registered worker");
	return rc == MQ_OK ? queue->driver->turn(queue, done, n_done, claim, ret_jobs, ret_n, err)
			   : rc;
}

enum mq_rc mq_queue_progress(struct mq_queue *queue, const struct mq_job *job, int percent,
			     const char *note, struct mq_err *err)
{
	enum mq_rc rc = may_write(queue, err);

	if (rc != MQ_OK)
		return rc;
	percent = percent > 100 ? 100 : percent; /* a total that was too low is no reason to fail */
	return queue->driver->progress(queue, job, percent, note, err);
}

enum mq_rc mq_queue_check(struct mq_queue *queue, const struct mq_job *job,
			  bool *ret_cancel_requested, struct mq_err *err)
{
	return queue->driver->check(queue, job, ret_cancel_requested, err);
}

enum mq_rc mq_queue_failures(struct mq_queue *queue, const struct mq_job *job, int64_t *ret_failed,
			     struct mq_err *err)
{
	return queue->driver->failures(queue, job, ret_failed, err);
}

enum mq_rc mq_queue_crashes(struct mq_queue *queue, const struct mq_job *job, int64_t *ret_crashed,
			    struct mq_err *err)
{
	return queue->driver->crashes(queue, job, ret_crashed, err);
}

enum mq_rc mq_queue_rescue(struct mq_queue *queue, const struct mq_death *death, int *ret_jobs,
			   struct mq_err *err)
{
	enum mq_rc rc = may_write(queue, err);

	if (rc != MQ_OK)
		return rc;
	if (!mq_status_is_crash(death->outcome) && death->outcome != MQ_OUTCOME_INTERRUPTED &&
	    death->outcome != MQ_OUTCOME_CANCELLED)
		return mq_err_set(err, MQ_E_BUG, 0, "worker %lld: a death is no '%s'",
				  (long long)death->worker_id, mq_outcome_name(death->outcome));
	return queue->driver->rescue(queue, death, ret_jobs, err);
}

enum mq_rc mq_queue_rescue_all(struct mq_queue *queue, int *ret_jobs, struct mq_err *err)
{
	enum mq_rc rc = may_write(queue, err);

	return rc == MQ_OK ? queue->driver->rescue_all(queue, ret_jobs, err) : rc;
}

enum mq_rc mq_queue_changed(struct mq_queue *queue, bool *ret_changed, struct mq_err *err)
{
	return queue->driver->changed(queue, ret_changed, err);
}

enum mq_rc mq_queue_outlook(struct mq_queue *queue, const struct mq_claim *claim,
			    struct mq_outlook *ret, struct mq_err *err)
{
	return queue->driver->outlook(queue, claim, ret, err);
}

/* ---------------------------------------------------------------- operating */

enum mq_rc mq_queue_list(struct mq_queue *queue, const struct mq_job_filter *filter, mq_job_fn fn,
			 void *ctx, struct mq_err *err)
{
	return queue->driver->list(queue, filter, fn, ctx, err);
}

enum mq_rc mq_queue_get(struct mq_queue *queue, int64_t id, struct mq_job **ret, struct mq_err *err)
{
	return queue->driver->get(queue, id, ret, err);
}

enum mq_rc mq_queue_attempts(struct mq_queue *queue, int64_t job_id, mq_attempt_fn fn, void *ctx,
			     struct mq_err *err)
{
	return queue->driver->attempts(queue, job_id, fn, ctx, err);
}

enum mq_rc mq_queue_workers(struct mq_queue *queue, mq_worker_fn fn, void *ctx, struct mq_err *err)
{
	return queue->driver->workers(queue, fn, ctx, err);
}

enum mq_rc mq_queue_stats(struct mq_queue *queue, mq_kind_stats_fn fn, void *ctx,
			  struct mq_err *err)
{
	return queue->driver->stats(queue, fn, ctx, err);
}

enum mq_rc mq_queue_retry(struct mq_queue *queue, const struct mq_job_filter *filter, bool dry_run,
			  mq_job_fn fn, void *ctx, int64_t *ret_requeued, int64_t *ret_skipped,
			  struct mq_err *err)
{
	enum mq_rc rc = dry_run ? MQ_OK : may_write(queue, err);

	if (rc != MQ_OK)
		return rc;
	return queue->driver->retry(queue, filter, dry_run, fn, ctx, ret_requeued, ret_skipped,
				    err);
}

enum mq_rc mq_queue_cancel(struct mq_queue *queue, int64_t id, enum mq_status *ret_before,
			   struct mq_err *err)
{
	enum mq_rc rc = may_write(queue, err);

	return rc == MQ_OK ? queue->driver->cancel(queue, id, ret_before, err) : rc;
}

/* ---------------------------------------------------------------- the file itself */

enum mq_rc mq_queue_snapshot_open(struct mq_queue *queue, struct sqlite3 **ret, struct mq_err *err)
{
	return queue->driver->snapshot_open(queue, ret, err);
}

void mq_queue_snapshot_close(struct sqlite3 *db)
{
	mq_sqlite_close(db);
}

enum mq_rc mq_queue_checkpoint(struct mq_queue *queue, struct mq_checkpoint *ret,
			       struct mq_err *err)
{
	enum mq_rc rc = may_write(queue, err);

	return rc == MQ_OK ? queue->driver->checkpoint(queue, ret, err) : rc;
}

enum mq_rc mq_queue_facts(struct mq_queue *queue, struct mq_queue_facts *ret, struct mq_err *err)
{
	return queue->driver->facts(queue, ret, err);
}
