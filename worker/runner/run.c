#include "attempt.h"

#include "workdir.h"

#include <assert.h>
#include <mq/clock.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <string.h>

#define CONTROL_EACH_US	 INT64_C(10000)
#define CANCEL_EACH_US	 INT64_C(250000)
#define PROGRESS_EACH_US INT64_C(1000000)
/* A progress report that finds the database locked is not worth the handler's time. */
#define PROGRESS_PATIENCE_US INT64_C(100000)
/* Instructions of SQLite's machine between two looks at the clock: tens of microseconds. */
#define SQL_STEPS 4000

struct progress {
	int percent;
	char note[200];
};

struct mq_run {
	const struct mq_run_env *env;
	const struct mq_job *job;
	enum mq_rc stop;
	int64_t control_at_us, cancel_at_us,
		progress_at_us; /* monotonic: when to look, or write, next */
	struct progress written;
	struct mq_storage *roots[MQ_ROOT_COUNT];
	char *workdir;
	struct sqlite3 *snapshot;
	struct mq_effects effects;
	json_t *result;
};

struct mq_run *mq_run_begin(const struct mq_run_env *env, const struct mq_job *job)
{
	struct mq_run *run = mq_alloc(1, sizeof *run);
	int64_t now_us = mq_clock_mono_us();

	run->env = env;
	run->job = job;
	run->written.percent = -1;
	run->cancel_at_us = now_us + CANCEL_EACH_US;
	run->progress_at_us = now_us + PROGRESS_EACH_US;
	if (job->attempt > 1)
		mq_workdir_sweep(env->config->temp_dir, job->id, job->token);
	return run;
}

void mq_run_finish(struct mq_run *run)
{
	mq_queue_snapshot_close(run->snapshot);
	run->snapshot = NULL;
	for (int i = 0; i < MQ_ROOT_COUNT; i++) {
		mq_storage_close(run->roots[i]);
		run->roots[i] = NULL;
	}
	if (run->workdir)
		mq_workdir_remove(run->workdir);
	free(run->workdir);
	run->workdir = NULL;
}

void mq_run_free(struct mq_run *run)
{
	if (!run)
		return;
	mq_run_finish(run);
	mq_effects_free(&run->effects);
	json_decref(run->result);
	free(run);
}

/* ---------------------------------------------------------------- facts */

int64_t mq_run_job_id(const struct mq_run *run)
{
	return run->job->id;
}

int64_t mq_run_attempt(const struct mq_run *run)
{
	return run->job->attempt;
}

int64_t mq_run_created_us(const struct mq_run *run)
{
	return run->job->created_at_us;
}

const char *mq_run_requested_by(const struct mq_run *run)
{
	return run->job->requested_by;
}

const struct mq_run_policy *mq_run_policy(const struct mq_run *run)
{
	return &run->env->policy;
}

/* ---------------------------------------------------------------- stopping */

static const enum mq_rc rc_of_stop[] = {
	[MQ_STOP_NONE] = MQ_OK,
	[MQ_STOP_DRAIN] = MQ_E_INTERRUPTED,
	[MQ_STOP_TIMEOUT] = MQ_E_TIMEOUT,
	[MQ_STOP_CANCEL] = MQ_E_CANCELLED,
};

static const struct {
	enum mq_rc rc;
	const char *text;
} stop_texts[] = {
	{ MQ_E_INTERRUPTED, "interrupted: the pool stops" },
	{ MQ_E_TIMEOUT, "the job has reached its time limit (timeout_s of its kind)" },
	{ MQ_E_CANCELLED, "cancelled on request" },
	{ MQ_E_STALE, "the job was taken away from this worker" },
};

enum mq_rc mq_run_stop_rc(const struct mq_run *run)
{
	return run->stop;
}

enum mq_rc mq_run_stop_error(const struct mq_run *run, struct mq_err *err)
{
	for (size_t i = 0; i < sizeof stop_texts / sizeof stop_texts[0]; i++)
		if (stop_texts[i].rc == run->stop)
			return mq_err_set(err, run->stop, 0, "%s", stop_texts[i].text);
	return MQ_OK;
}

static void look_at_queue(struct mq_run *run)
{
	bool cancel = false;
	enum mq_rc rc = mq_queue_check(run->env->queue, run->job, &cancel, NULL);

	/* A database that cannot be read now says nothing about the job. */
	if (rc == MQ_E_STALE)
		run->stop = MQ_E_STALE;
	else if (rc == MQ_OK && cancel)
		run->stop = MQ_E_CANCELLED;
}

static void look(struct mq_run *run, int64_t now_us)
{
	struct mq_control *control = run->env->control;

	if (run->stop != MQ_OK || now_us < run->control_at_us)
		return;
	run->control_at_us = now_us + CONTROL_EACH_US;
	mq_control_read(control);
	run->stop = control->gone ? MQ_E_INTERRUPTED : rc_of_stop[control->stop];
	if (run->stop != MQ_OK || now_us < run->cancel_at_us)
		return;
	run->cancel_at_us = now_us + CANCEL_EACH_US;
	look_at_queue(run);
}

/* ---------------------------------------------------------------- progress */

static int percent_of(int64_t done, int64_t total)
{
	if (total <= 0 || done < 0)
		return -1;
	return done >= total ? 100 : (int)((double)done / (double)total * 100);
}

static void write_progress(struct mq_run *run, const struct progress *now)
{
	struct mq_control *control = run->env->control;

	control->patience_until_us = mq_clock_mono_us() + PROGRESS_PATIENCE_US;
	enum mq_rc rc = mq_queue_progress(run->env->queue, run->job, now->percent,
					  now->note[0] ? now->note : NULL, NULL);

	control->patience_until_us = 0;
	if (rc == MQ_OK)
		run->written = *now;
	else if (rc == MQ_E_STALE)
		run->stop = MQ_E_STALE;
}

/* Cut between characters, not within one. */
static void copy_note(char *to, size_t size, const char *note)
{
	size_t len = strnlen(note, size);

	if (len == size)
		for (len = size - 1; len > 0 && ((unsigned char)note[len] & 0xc0) == 0x80;)
			len--;
	memcpy(to, note, len);
	to[len] = '\0';
}

enum mq_rc mq_run_beat(struct mq_run *run, int64_t done, int64_t total, const char *note,
		       struct mq_err *err)
{
	int64_t now_us = mq_clock_mono_us();

	look(run, now_us);
	if (run->stop == MQ_OK && now_us >= run->progress_at_us) {
		struct progress now = { .percent = percent_of(done, total) };

		run->progress_at_us = now_us + PROGRESS_EACH_US;
		if (note)
			copy_note(now.note, sizeof now.note, note);
		if (now.percent != run->written.percent || strcmp(now.note, run->written.note) != 0)
			write_progress(run, &now);
	}
	return mq_run_stop_error(run, err);
}

/* ---------------------------------------------------------------- files */

static const char *root_path(const struct mq_config *config, enum mq_root root)
{
	const char *const paths[MQ_ROOT_COUNT] = {
		[MQ_ROOT_EXPORTS] = config->exports_dir, [MQ_ROOT_BACKUPS] = config->backups_dir,
		[MQ_ROOT_UPLOADS] = config->uploads_dir, [MQ_ROOT_LOGS] = config->logs_dir,
		[MQ_ROOT_CACHE] = config->cache_dir,
	};

	return paths[root];
}

enum mq_rc mq_run_storage(struct mq_run *run, enum mq_root root, struct mq_storage **ret,
			  struct mq_err *err)
{
	if (!run->roots[root] && mq_storage_open_file(root_path(run->env->config, root),
						      &run->roots[root], err) != MQ_OK)
		return err->rc;
	*ret = run->roots[root];
	return MQ_OK;
}

/* A job that was taken away stays so: nothing that this attempt does counts any more. */
static enum mq_rc check_mine(struct mq_run *run, bool *ret_cancel, struct mq_err *err)
{
	if (run->stop == MQ_E_STALE)
		return mq_run_stop_error(run, err);
	enum mq_rc rc = mq_queue_check(run->env->queue, run->job, ret_cancel, err);

	if (rc == MQ_E_STALE)
		run->stop = MQ_E_STALE;
	return rc;
}

/* Asked at the last moment: whoever holds the job now publishes, nobody else. */
static enum mq_rc may_publish(void *ctx, struct mq_err *err)
{
	struct mq_run *run = ctx;
	bool cancel = false;

	if (run->stop != MQ_OK)
		return mq_run_stop_error(run, err);
	enum mq_rc rc = check_mine(run, &cancel, err);

	if (rc == MQ_OK && cancel) {
		run->stop = MQ_E_CANCELLED;
		return mq_run_stop_error(run, err);
	}
	return rc;
}

enum mq_rc mq_run_put(struct mq_run *run, enum mq_root root, const char *name,
		      const struct mq_storage_put *how, struct mq_sink **ret, struct mq_err *err)
{
	struct mq_storage_put guarded = *how;
	struct mq_storage *storage = NULL;

	assert(!how->may_publish);
	guarded.may_publish = may_publish;
	guarded.ctx = run;
	if (mq_run_storage(run, root, &storage, err) != MQ_OK)
		return err->rc;
	return mq_storage_put(storage, name, &guarded, ret, err);
}

enum mq_rc mq_run_remove(struct mq_run *run, enum mq_root root, const char *name,
			 struct mq_err *err)
{
	struct mq_storage *storage = NULL;
	bool cancel;
	enum mq_rc rc = check_mine(run, &cancel, err);

	if (rc == MQ_OK)
		rc = mq_run_storage(run, root, &storage, err);
	return rc == MQ_OK ? mq_storage_remove(storage, name, err) : rc;
}

enum mq_rc mq_run_workdir(struct mq_run *run, const char **ret_path, struct mq_err *err)
{
	if (!run->workdir && mq_workdir_make(run->env->config->temp_dir, run->job->id,
					     run->job->token, &run->workdir, err) != MQ_OK)
		return err->rc;
	*ret_path = run->workdir;
	return MQ_OK;
}

/* ---------------------------------------------------------------- database */

static int stop_statement(void *ctx)
{
	struct mq_run *run = ctx;

	look(run, mq_clock_mono_us());
	return run->stop != MQ_OK;
}

enum mq_rc mq_run_snapshot(struct mq_run *run, struct sqlite3 **ret, struct mq_err *err)
{
	if (!run->snapshot) {
		if (mq_queue_snapshot_open(run->env->queue, &run->snapshot, err) != MQ_OK)
			return err->rc;
		sqlite3_progress_handler(run->snapshot, SQL_STEPS, stop_statement, run);
	}
	*ret = run->snapshot;
	return MQ_OK;
}

enum mq_rc mq_run_db_error(struct mq_run *run, struct mq_err *err, const char *what)
{
	if (run->stop != MQ_OK)
		return mq_run_stop_error(run, err);
	return mq_effects_db_error(run->snapshot, err, what);
}

/* ---------------------------------------------------------------- results */

void mq_run_result(struct mq_run *run, json_t *result)
{
	json_decref(run->result);
	run->result = result;
}

char *mq_run_result_text(const struct mq_run *run)
{
	return run->result ? json_dumps(run->result, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
}

enum mq_rc mq_run_effect(struct mq_run *run, const char *sql, json_t *args, struct mq_err *err)
{
	return mq_effects_add(&run->effects, sql, args, err);
}

struct mq_effects *mq_run_effects(struct mq_run *run)
{
	return run->effects.n ? &run->effects : NULL;
}
