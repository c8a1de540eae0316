/*
 * A queue in the memory of one process: what the contract says, without SQL. The contract suite
 * runs over it beside the SQLite driver, so that the suite says what a queue is and not what SQLite
 * does.
 */
#include "driver.h"
#include "job.h"
#include "migrate.h"
#include "status.h"

#include <mq/clock.h>
#include <mq/str.h>

#include <stdlib.h>
#include <string.h>

struct memory {
	struct mq_queue base;
	struct mq_lease *lease; /* borrowed */
	struct mq_job *jobs;	/* id = place + 1 */
	size_t n_jobs;
	struct mq_attempt *attempts;
	size_t n_attempts;
	struct mq_worker *workers;
	size_t n_workers;
	int64_t last_worker;
};

static struct memory *of(struct mq_queue *queue)
{
	return (struct memory *)queue;
}

/* One element more, zeroed; returns the new array. */
static void *grow(void *old, size_t n, size_t size)
{
	char *grown = mq_alloc(n + 1, size);

	if (n)
		memcpy(grown, old, n * size);
	free(old);
	return grown;
}

static void set_text(char **field, const char *text)
{
	char *copy = mq_strdup(text);

	free(*field);
	*field = copy;
}

static struct mq_job *copy_of(const struct mq_job *job)
{
	struct mq_job *copy = mq_alloc(1, sizeof *copy);

	*copy = *job;
	copy->kind = mq_strdup(job->kind);
	copy->payload = mq_strdup(job->payload);
	copy->progress_note = mq_strdup(job->progress_note);
	copy->unique_key = mq_strdup(job->unique_key);
	copy->requested_by = mq_strdup(job->requested_by);
	copy->error = mq_strdup(job->error);
	copy->result = mq_strdup(job->result);
	return copy;
}

/* ---------------------------------------------------------------- opening */

static void memory_close(struct mq_queue *queue)
{
	struct memory *m = of(queue);

	for (size_t i = 0; i < m->n_jobs; i++) {
		struct mq_job *copy = mq_alloc(1, sizeof *copy);
		*copy = m->jobs[i];
		mq_job_free(copy);
	}
	for (size_t i = 0; i < m->n_attempts; i++)
		free((void *)(uintptr_t)m->attempts[i].error);
	free(m->jobs);
	free(m->attempts);
	free(m->workers);
	free(m);
}

static enum mq_rc memory_open(const struct mq_queue_options *options, struct mq_queue **ret,
			      struct mq_err *err)
{
	if (!options->lease)
		return mq_err_set(err, MQ_E_BUG, 0, "a queue in memory needs a lease");
	struct memory *m = mq_alloc(1, sizeof *m);
	m->base.driver = &mq_queue_driver_memory;
	m->lease = options->lease;
	*ret = &m->base;
	return MQ_OK;
}

/* ---------------------------------------------------------------- producing */

static const struct mq_job *key_holder(const struct memory *m, const char *key)
{
	for (size_t i = 0; key && i < m->n_jobs; i++) {
		const struct mq_job *job = &m->jobs[i];
		if (job->unique_key && strcmp(job->unique_key, key) == 0 &&
		    (job->status == MQ_JOB_QUEUED || job->status == MQ_JOB_RUNNING))
			return job;
	}
	return NULL;
}

/* Enough of the table's constraints for the suite. */
static const char *wrong(const struct mq_job_new *job)
{
	if (!job->kind[0] ||
	    strspn(job->kind, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != strlen(job->kind))
		return "kind must be a name like export.report";
	if (job->priority < -1000 || job->priority > 1000)
		return "priority must be a whole number from -1000 to 1000";
	if (job->payload && job->payload[0] != '{')
		return "payload must be a JSON object as text";
	if (job->max_attempts < 0 || job->max_attempts > 100)
		return "max_attempts must be NULL or a whole number from 1 to 100";
	return NULL;
}

static enum mq_rc memory_enqueue(struct mq_queue *queue, const struct mq_job_new *job,
				 int64_t *ret_id, struct mq_err *err)
{
	struct memory *m = of(queue);
	const char *text = wrong(job);

	if (text)
		return mq_err_set(err, MQ_E_INVALID, 0, "%s", text);
	if (key_holder(m, job->unique_key))
		return mq_err_set(err, MQ_E_EXISTS, 0,
				  "a job with the unique key '%s' is on its way already",
				  job->unique_key);
	m->jobs = grow(m->jobs, m->n_jobs, sizeof *m->jobs);
	m->jobs[m->n_jobs] = (struct mq_job){
		.id = (int64_t)m->n_jobs + 1,
		.kind = mq_strdup(job->kind),
		.payload = mq_strdup(job->payload ? job->payload : "{}"),
		.priority = job->priority,
		.run_at_us = job->run_at_us,
		.max_attempts = job->max_attempts,
		.progress = -1,
		.unique_key = mq_strdup(job->unique_key),
		.requested_by = mq_strdup(job->requested_by),
		.created_at_us = mq_clock_wall_us(),
	};
	*ret_id = m->jobs[m->n_jobs++].id;
	return MQ_OK;
}

/* ---------------------------------------------------------------- one job */

static struct mq_job *find(struct memory *m, int64_t id)
{
	return id >= 1 && id <= (int64_t)m->n_jobs ? &m->jobs[id - 1] : NULL;
}

static struct mq_job *held(struct memory *m, const struct mq_job *job)
{
	struct mq_job *row = find(m, job->id);

	return row && row->status == MQ_JOB_RUNNING && row->token == job->token ? row : NULL;
}

static enum mq_rc stale(const struct mq_job *job, struct mq_err *err)
{
	return mq_err_set(err, MQ_E_STALE, 0, "job %lld was taken away from its worker",
			  (long long)job->id);
}

static bool ended(enum mq_status status)
{
	return status != MQ_JOB_QUEUED && status != MQ_JOB_RUNNING;
}

static void leave_running(struct mq_job *row, enum mq_status to, int64_t run_at_us,
			  const char *error)
{
	row->status = to;
	row->worker_id = 0;
	row->run_at_us = to == MQ_JOB_QUEUED ? run_at_us : 0;
	row->finished_at_us = ended(to) ? mq_clock_wall_us() : 0;
	set_text(&row->error, error);
	if (to == MQ_JOB_QUEUED) {
		row->progress = -1;
		set_text(&row->progress_note, NULL);
	}
}

static void note_attempt(struct memory *m, const struct mq_job *row, struct mq_attempt attempt)
{
	attempt.job_id = row->id;
	attempt.attempt = row->attempt;
	attempt.worker_id = row->worker_id;
	attempt.started_at_us = row->started_at_us;
	attempt.finished_at_us = mq_clock_wall_us();
	attempt.error = mq_strdup(attempt.error);
	m->attempts = grow(m->attempts, m->n_attempts, sizeof *m->attempts);
	m->attempts[m->n_attempts++] = attempt;
}

static int64_t count_attempts(const struct memory *m, const struct mq_job *job, bool crashes)
{
	int64_t since_us = mq_clock_wall_us() - MQ_QUARANTINE_WINDOW_S * MQ_US_PER_S;
	int64_t n = 0;

	for (size_t i = 0; i < m->n_attempts; i++) {
		const struct mq_attempt *a = &m->attempts[i];
		if (a->job_id != job->id || a->attempt <= job->base_attempt)
			continue;
		if (crashes)
			n += mq_status_is_crash(a->outcome) && a->finished_at_us >= since_us;
		else
			n += a->outcome == MQ_OUTCOME_FAILED;
	}
	return n;
}

/* ---------------------------------------------------------------- working */

static enum mq_rc settle(struct memory *m, struct mq_settle *done, struct mq_err *err)
{
	struct mq_job *row = held(m, done->job);

	if (!row)
		return stale(done->job, err);
	enum mq_rc rc = done->effects ? done->effects(done->effects_ctx, NULL, err) : MQ_OK;
	if (rc != MQ_OK)
		return rc;
	note_attempt(m, row,
		     (struct mq_attempt){ .outcome = done->outcome,
					  .error = done->error,
					  .exit_status = -1,
					  .cpu_s = done->cpu_s,
					  .peak_kb = done->peak_kb });
	set_text(&row->result, done->result);
	leave_running(row, mq_status_settled(done->to, row->cancel_requested), done->run_at_us,
		      done->error);
	return MQ_OK;
}

static bool served(const struct mq_claim *claim, const struct mq_job *job)
{
	return !claim->serves || claim->serves(claim->ctx, job->kind);
}

static bool is_ready(const struct mq_job *job)
{
	return job->status == MQ_JOB_QUEUED &&
	       (!job->run_at_us || job->run_at_us <= mq_clock_wall_us());
}

static struct mq_job *best_of(struct memory *m, const struct mq_claim *claim)
{
	struct mq_job *best = NULL;

	for (size_t i = 0; i < m->n_jobs; i++) {
		struct mq_job *job = &m->jobs[i];
		if (is_ready(job) && served(claim, job) &&
		    (!best || job->priority > best->priority))
			best = job;
	}
	return best;
}

static void start(struct mq_job *job, int64_t worker_id)
{
	job->status = MQ_JOB_RUNNING;
	job->attempt++;
	job->token++;
	job->worker_id = worker_id;
	job->run_at_us = 0;
	job->started_at_us = mq_clock_wall_us();
	job->finished_at_us = 0;
	job->progress = -1;
}

static size_t claim_all(struct memory *m, const struct mq_claim *claim, struct mq_job **ret_jobs)
{
	struct mq_job *best;
	size_t n = 0;

	while (n < claim->max && (best = best_of(m, claim))) {
		if (best->cancel_requested) {
			leave_running(best, MQ_JOB_CANCELLED, 0, NULL);
			continue;
		}
		start(best, claim->worker_id);
		ret_jobs[n++] = copy_of(best);
	}
	return n;
}

static enum mq_rc memory_turn(struct mq_queue *queue, struct mq_settle *done, size_t n_done,
			      const struct mq_claim *claim, struct mq_job **ret_jobs, size_t *ret_n,
			      struct mq_err *err)
{
	(void)err;
	for (size_t i = 0; i < n_done; i++)
		done[i].rc = settle(of(queue), &done[i], done[i].why);
	size_t n = claim ? claim_all(of(queue), claim, ret_jobs) : 0;
	if (ret_n)
		*ret_n = n;
	return MQ_OK;
}

static enum mq_rc memory_progress(struct mq_queue *queue, const struct mq_job *job, int percent,
				  const char *note, struct mq_err *err)
{
	struct mq_job *row = held(of(queue), job);

	if (!row)
		return stale(job, err);
	row->progress = percent < 0 ? -1 : percent;
	set_text(&row->progress_note, note);
	return MQ_OK;
}

static enum mq_rc memory_check(struct mq_queue *queue, const struct mq_job *job,
			       bool *ret_cancel_requested, struct mq_err *err)
{
	const struct mq_job *row = held(of(queue), job);

	if (!row)
		return stale(job, err);
	*ret_cancel_requested = row->cancel_requested;
	return MQ_OK;
}

static enum mq_rc memory_failures(struct mq_queue *queue, const struct mq_job *job,
				  int64_t *ret_failed, struct mq_err *err)
{
	(void)err;
	*ret_failed = count_attempts(of(queue), job, false);
	return MQ_OK;
}

static enum mq_rc memory_crashes(struct mq_queue *queue, const struct mq_job *job,
				 int64_t *ret_crashed, struct mq_err *err)
{
	(void)err;
	*ret_crashed = count_attempts(of(queue), job, true);
	return MQ_OK;
}

/* ---------------------------------------------------------------- workers */

static enum mq_rc memory_worker_add(struct mq_queue *queue, const struct mq_worker *worker,
				    int64_t *ret_id, struct mq_err *err)
{
	struct memory *m = of(queue);
	int64_t id = ++m->last_worker;
	bool got;
	enum mq_rc rc = m->lease->ops->try_hold(m->lease, id, &got, err);

	if (rc != MQ_OK)
		return rc;
	m->workers = grow(m->workers, m->n_workers, sizeof *m->workers);
	m->workers[m->n_workers] = *worker;
	m->workers[m->n_workers++].id = id;
	*ret_id = id;
	return MQ_OK;
}

static struct mq_job *running_of(struct memory *m, int64_t worker_id)
{
	for (size_t i = 0; i < m->n_jobs; i++)
		if (m->jobs[i].status == MQ_JOB_RUNNING && m->jobs[i].worker_id == worker_id)
			return &m->jobs[i];
	return NULL;
}

static void drop_worker(struct memory *m, int64_t worker_id)
{
	for (size_t i = 0; i < m->n_workers; i++) {
		if (m->workers[i].id != worker_id)
			continue;
		memmove(&m->workers[i], &m->workers[i + 1],
			(m->n_workers - i - 1) * sizeof *m->workers);
		m->n_workers--;
		return;
	}
}

static enum mq_rc memory_worker_remove(struct mq_queue *queue, int64_t worker_id,
				       struct mq_err *err)
{
	struct memory *m = of(queue);
	const struct mq_job *job = running_of(m, worker_id);

	if (job)
		return mq_err_set(err, MQ_E_BUG, 0, "worker %lld leaves while job %lld is running",
				  (long long)worker_id, (long long)job->id);
	drop_worker(m, worker_id);
	m->lease->ops->drop(m->lease, worker_id);
	return MQ_OK;
}

static void take_back(struct memory *m, const struct mq_death *death, struct mq_job *row)
{
	int64_t crashes = count_attempts(m, row, true) + 1;
	enum mq_status to = mq_status_rescued(death->outcome, row->cancel_requested, crashes);
	MQ_AUTO_FREE
	char *text = mq_status_death_text(death, to);

	note_attempt(m, row,
		     (struct mq_attempt){ .outcome = death->outcome,
					  .error = text,
					  .signal = death->signal,
					  .exit_status = death->exit_status });
	leave_running(row, to, 0, text);
}

static enum mq_rc memory_rescue(struct mq_queue *queue, const struct mq_death *death, int *ret_jobs,
				struct mq_err *err)
{
	struct memory *m = of(queue);
	struct mq_job *row;
	bool alive = false;
	int jobs = 0;
	enum mq_rc rc = m->lease->ops->is_held(m->lease, death->worker_id, &alive, err);

	if (rc != MQ_OK)
		return rc;
	while (!alive && (row = running_of(m, death->worker_id))) {
		take_back(m, death, row);
		jobs++;
	}
	if (!alive)
		drop_worker(m, death->worker_id);
	*ret_jobs = jobs;
	return MQ_OK;
}

static enum mq_rc memory_rescue_all(struct mq_queue *queue, int *ret_jobs, struct mq_err *err)
{
	struct memory *m = of(queue);
	int total = 0;

	for (int64_t id = 1; id <= m->last_worker; id++) {
		const struct mq_death death = { .worker_id = id,
						.outcome = MQ_OUTCOME_CRASHED,
						.exit_status = -1 };
		int jobs = 0;
		enum mq_rc rc = memory_rescue(queue, &death, &jobs, err);
		if (rc != MQ_OK)
			return rc;
		total += jobs;
	}
	*ret_jobs = total;
	return MQ_OK;
}

static enum mq_rc memory_workers(struct mq_queue *queue, mq_worker_fn fn, void *ctx,
				 struct mq_err *err)
{
	struct memory *m = of(queue);

	for (size_t i = 0; i < m->n_workers; i++) {
		struct mq_worker w = m->workers[i];
		const struct mq_job *job = running_of(m, w.id);
		enum mq_rc rc = m->lease->ops->is_held(m->lease, w.id, &w.alive, err);
		if (rc != MQ_OK)
			return rc;
		w.job_id = job ? job->id : 0;
		if (!fn(ctx, &w))
			break;
	}
	return MQ_OK;
}

/* ---------------------------------------------------------------- looking */

/* One process: nobody else commits. */
static enum mq_rc memory_changed(struct mq_queue *queue, bool *ret_changed, struct mq_err *err)
{
	(void)queue;
	(void)err;
	*ret_changed = false;
	return MQ_OK;
}

static enum mq_rc memory_outlook(struct mq_queue *queue, const struct mq_claim *claim,
				 struct mq_outlook *ret, struct mq_err *err)
{
	struct memory *m = of(queue);
	struct mq_outlook o = { 0 };

	(void)err;
	for (size_t i = 0; i < m->n_jobs; i++) {
		const struct mq_job *job = &m->jobs[i];
		bool later = job->status == MQ_JOB_QUEUED && job->run_at_us;
		o.running += job->status == MQ_JOB_RUNNING;
		o.ready += is_ready(job) && served(claim, job) && o.ready < (int64_t)claim->max;
		o.waiting += later && job->attempt > 0 && served(claim, job);
		if (later && !is_ready(job) && (!o.next_due_us || job->run_at_us < o.next_due_us))
			o.next_due_us = job->run_at_us;
	}
	*ret = o;
	return MQ_OK;
}

static enum mq_rc memory_get(struct mq_queue *queue, int64_t id, struct mq_job **ret,
			     struct mq_err *err)
{
	const struct mq_job *row = find(of(queue), id);

	if (!row)
		return mq_err_set(err, MQ_E_NOTFOUND, 0, "there is no job %lld", (long long)id);
	*ret = copy_of(row);
	return MQ_OK;
}

static enum mq_rc memory_list(struct mq_queue *queue, const struct mq_job_filter *filter,
			      mq_job_fn fn, void *ctx, struct mq_err *err)
{
	struct memory *m = of(queue);
	int64_t shown = 0;

	(void)err;
	for (size_t i = m->n_jobs; i > 0; i--) {
		const struct mq_job *job = &m->jobs[i - 1];
		if (!mq_job_matches(filter, job->id, job->kind, job->status, job->created_at_us))
			continue;
		if (!fn(ctx, job) || ++shown == filter->limit)
			break;
	}
	return MQ_OK;
}

static enum mq_rc memory_attempts(struct mq_queue *queue, int64_t job_id, mq_attempt_fn fn,
				  void *ctx, struct mq_err *err)
{
	struct memory *m = of(queue);

	(void)err;
	for (size_t i = 0; i < m->n_attempts; i++)
		if (m->attempts[i].job_id == job_id && !fn(ctx, &m->attempts[i]))
			break;
	return MQ_OK;
}

static void add_stats(struct mq_kind_stats *stats, const struct mq_job *job)
{
	stats->count[job->status]++;
	if (job->status != MQ_JOB_QUEUED)
		return;
	if (!is_ready(job))
		stats->scheduled++;
	else if (!stats->oldest_ready_us || job->created_at_us < stats->oldest_ready_us)
		stats->oldest_ready_us = job->created_at_us;
}

/* The smallest kind behind `last`; NULL when there is none. */
static const char *kind_after(const struct memory *m, const char *last)
{
	const char *next = NULL;

	for (size_t i = 0; i < m->n_jobs; i++) {
		const char *kind = m->jobs[i].kind;
		if ((!last || strcmp(kind, last) > 0) && (!next || strcmp(kind, next) < 0))
			next = kind;
	}
	return next;
}

static enum mq_rc memory_stats(struct mq_queue *queue, mq_kind_stats_fn fn, void *ctx,
			       struct mq_err *err)
{
	struct memory *m = of(queue);

	(void)err;
	for (const char *kind = kind_after(m, NULL); kind; kind = kind_after(m, kind)) {
		struct mq_kind_stats stats = { .kind = kind };
		for (size_t i = 0; i < m->n_jobs; i++)
			if (strcmp(m->jobs[i].kind, kind) == 0)
				add_stats(&stats, &m->jobs[i]);
		if (!fn(ctx, &stats))
			break;
	}
	return MQ_OK;
}

/* ---------------------------------------------------------------- operating */

static enum mq_rc check_named(struct memory *m, const struct mq_job_filter *filter,
			      struct mq_err *err)
{
	for (size_t i = 0; filter->ids && i < filter->n_ids; i++) {
		const struct mq_job *job = find(m, filter->ids[i]);
		if (!job)
			return mq_err_set(err, MQ_E_NOTFOUND, 0, "there is no job %lld",
					  (long long)filter->ids[i]);
		if (job->status != MQ_JOB_FAILED)
			return mq_err_set(err, MQ_E_INVALID, 0,
					  "job %lld is %s: only failed jobs can be retried",
					  (long long)job->id, mq_status_name(job->status));
	}
	return MQ_OK;
}

static void requeue(struct mq_job *row)
{
	leave_running(row, MQ_JOB_QUEUED, 0, NULL);
	row->base_attempt = row->attempt;
	row->cancel_requested = false;
	set_text(&row->result, NULL);
}

/* A dry run does it all, and puts it back afterwards: `undo` holds the rows as they were. */
static enum mq_rc memory_retry(struct mq_queue *queue, const struct mq_job_filter *filter,
			       bool dry_run, mq_job_fn fn, void *ctx, int64_t *ret_requeued,
			       int64_t *ret_skipped, struct mq_err *err)
{
	struct memory *m = of(queue);
	struct mq_job_filter failed = *filter;
	MQ_AUTO_FREE
	struct mq_job **undo = mq_alloc(m->n_jobs + 1, sizeof *undo);
	int64_t seen = 0, skipped = 0;
	size_t n = 0;
	enum mq_rc rc = check_named(m, filter, err);

	failed.status_mask = 1u << MQ_JOB_FAILED;
	for (size_t i = 0; rc == MQ_OK && i < m->n_jobs; i++) {
		struct mq_job *row = &m->jobs[i];
		if (!mq_job_matches(&failed, row->id, row->kind, row->status,
				    row->finished_at_us) ||
		    (filter->limit && seen++ >= filter->limit))
			continue;
		if (key_holder(m, row->unique_key)) {
			skipped++;
			continue;
		}
		undo[n++] = copy_of(row);
		requeue(row);
	}
	for (size_t i = 0; i < n; i++) {
		if (fn)
			fn(ctx, undo[i]);
		if (dry_run) { /* the copy and the row change places */
			struct mq_job *row = find(m, undo[i]->id);
			struct mq_job changed = *row;
			*row = *undo[i];
			*undo[i] = changed;
		}
		mq_job_free(undo[i]);
	}
	if (rc == MQ_OK) {
		*ret_requeued = (int64_t)n;
		*ret_skipped = skipped;
	}
	return rc;
}

static enum mq_rc memory_cancel(struct mq_queue *queue, int64_t id, enum mq_status *ret_before,
				struct mq_err *err)
{
	struct mq_job *row = find(of(queue), id);

	if (!row)
		return mq_err_set(err, MQ_E_NOTFOUND, 0, "there is no job %lld", (long long)id);
	enum mq_status before = row->status;
	if (!mq_status_may_become(before, MQ_JOB_CANCELLED))
		return mq_err_set(err, MQ_E_INVALID, 0, "job %lld has ended already: it is %s",
				  (long long)id, mq_status_name(before));
	row->cancel_requested = true;
	if (before == MQ_JOB_QUEUED)
		leave_running(row, MQ_JOB_CANCELLED, 0, row->error);
	if (ret_before)
		*ret_before = before;
	return MQ_OK;
}

/* ---------------------------------------------------------------- the file that there is not */

static enum mq_rc memory_snapshot_open(struct mq_queue *queue, struct sqlite3 **ret,
				       struct mq_err *err)
{
	(void)queue;
	(void)ret;
	return mq_err_set(err, MQ_E_UNSUPPORTED, 0, "a queue in memory has no database");
}

static enum mq_rc memory_checkpoint(struct mq_queue *queue, struct mq_checkpoint *ret,
				    struct mq_err *err)
{
	(void)queue;
	(void)err;
	*ret = (struct mq_checkpoint){ 0 };
	return MQ_OK;
}

static enum mq_rc memory_facts(struct mq_queue *queue, struct mq_queue_facts *ret,
			       struct mq_err *err)
{
	(void)queue;
	(void)err;
	*ret = (struct mq_queue_facts){ .sqlite_version = "none",
					.journal_mode = "memory",
					.schema_version = mq_migrate_newest(mq_migrations) };
	return MQ_OK;
}

const struct mq_queue_driver mq_queue_driver_memory = {
	.name = "memory",
	.open = memory_open,
	.close = memory_close,
	.enqueue = memory_enqueue,
	.worker_add = memory_worker_add,
	.worker_remove = memory_worker_remove,
	.turn = memory_turn,
	.progress = memory_progress,
	.check = memory_check,
	.failures = memory_failures,
	.crashes = memory_crashes,
	.rescue = memory_rescue,
	.rescue_all = memory_rescue_all,
	.changed = memory_changed,
	.outlook = memory_outlook,
	.list = memory_list,
	.get = memory_get,
	.attempts = memory_attempts,
	.workers = memory_workers,
	.stats = memory_stats,
	.retry = memory_retry,
	.cancel = memory_cancel,
	.snapshot_open = memory_snapshot_open,
	.checkpoint = memory_checkpoint,
	.facts = memory_facts,
};
