#include "fakes/fake_run.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const roots[MQ_ROOT_COUNT] = {
	[MQ_ROOT_EXPORTS] = "exports", [MQ_ROOT_BACKUPS] = "backups", [MQ_ROOT_UPLOADS] = "uploads",
	[MQ_ROOT_LOGS] = "logs",       [MQ_ROOT_CACHE] = "cache",
};

/* ---------------------------------------------------------------- storage that fails on request */

struct failing_storage {
	struct mq_storage base;
	struct mq_storage *inner;
	struct mq_run *run;
};

struct failing_sink {
	struct mq_sink base;
	struct mq_sink *inner;
	struct mq_run *run;
	struct mq_storage_put how;
};

static enum mq_rc count(struct mq_run *run, struct mq_err *err)
{
	if (++run->calls != run->fail_call)
		return MQ_OK;
	return mq_err_set(err, MQ_E_IO, 0, "storage call %d fails", run->calls);
}

static enum mq_rc sink_write(struct mq_sink *sink, const void *data, size_t len, struct mq_err *err)
{
	struct failing_sink *s = (struct failing_sink *)sink;
	enum mq_rc rc = count(s->run, err);

	return rc == MQ_OK ? mq_sink_write(s->inner, data, len, err) : rc;
}

static enum mq_rc sink_finish(struct mq_sink *sink, struct mq_err *err)
{
	struct failing_sink *s = (struct failing_sink *)sink;
	enum mq_rc rc = count(s->run, err);

	return rc == MQ_OK ? mq_sink_finish(s->inner, err) : rc;
}

static void sink_free(struct mq_sink *sink)
{
	struct failing_sink *s = (struct failing_sink *)sink;

	mq_sink_free(s->inner);
	free(s);
}

static const struct mq_sink_ops sink_ops = {
	.name = "failing",
	.write = sink_write,
	.finish = sink_finish,
	.free = sink_free,
};

/* The last moment: fails in the place of the rename. */
static enum mq_rc sink_may_publish(void *ctx, struct mq_err *err)
{
	struct failing_sink *s = ctx;
	enum mq_rc rc = s->how.may_publish ? s->how.may_publish(s->how.ctx, err) : MQ_OK;

	return rc == MQ_OK ? count(s->run, err) : rc;
}

static enum mq_rc storage_put(struct mq_storage *base, const char *name,
			      const struct mq_storage_put *how, struct mq_sink **ret,
			      struct mq_err *err)
{
	struct failing_storage *st = (struct failing_storage *)base;
	enum mq_rc rc = count(st->run, err);

	if (rc != MQ_OK)
		return rc;
	struct failing_sink *s = mq_alloc(1, sizeof *s);
	struct mq_storage_put inner_how = *how;

	s->base.ops = &sink_ops;
	s->run = st->run;
	s->how = *how;
	inner_how.may_publish = sink_may_publish;
	inner_how.ctx = s;
	rc = mq_storage_put(st->inner, name, &inner_how, &s->inner, err);
	if (rc == MQ_OK)
		*ret = &s->base;
	else
		free(s);
	return rc;
}

static enum mq_rc storage_remove(struct mq_storage *base, const char *name, struct mq_err *err)
{
	struct failing_storage *st = (struct failing_storage *)base;
	enum mq_rc rc = count(st->run, err);

	return rc == MQ_OK ? mq_storage_remove(st->inner, name, err) : rc;
}

static enum mq_rc storage_size(struct mq_storage *base, const char *name, int64_t *ret_bytes,
			       struct mq_err *err)
{
	struct failing_storage *st = (struct failing_storage *)base;
	enum mq_rc rc = count(st->run, err);

	return rc == MQ_OK ? mq_storage_size(st->inner, name, ret_bytes, err) : rc;
}

static void storage_close(struct mq_storage *base)
{
	struct failing_storage *st = (struct failing_storage *)base;

	mq_storage_close(st->inner);
	free(st->base.root);
	free(st);
}

static const struct mq_storage_driver failing_driver = {
	.name = "failing",
	.put = storage_put,
	.remove = storage_remove,
	.size = storage_size,
	.close = storage_close,
};

/* ---------------------------------------------------------------- run.h */

int64_t mq_run_job_id(const struct mq_run *run)
{
	return run->job_id;
}

int64_t mq_run_attempt(const struct mq_run *run)
{
	(void)run;
	return 1;
}

int64_t mq_run_created_us(const struct mq_run *run)
{
	return run->created_us;
}

const char *mq_run_requested_by(const struct mq_run *run)
{
	return run->requested_by;
}

const struct mq_run_policy *mq_run_policy(const struct mq_run *run)
{
	return &run->policy;
}

enum mq_rc mq_run_storage(struct mq_run *run, enum mq_root root, struct mq_storage **ret,
			  struct mq_err *err)
{
	if (!run->storages[root]) {
		MQ_AUTO_FREE char *path = mq_strf("%s/%s", run->dir, roots[root]);
		struct failing_storage *st = mq_alloc(1, sizeof *st);

		mkdir(path, 0755);
		enum mq_rc rc = mq_storage_open_file(path, &st->inner, err);
		if (rc != MQ_OK) {
			free(st);
			return rc;
		}
		st->base.driver = &failing_driver;
		st->base.root = mq_strdup(path);
		st->run = run;
		run->storages[root] = &st->base;
	}
	*ret = run->storages[root];
	return MQ_OK;
}

static enum mq_rc still_mine(void *ctx, struct mq_err *err)
{
	const struct mq_run *run = ctx;

	return run->stale ? mq_err_set(err, MQ_E_STALE, 0, "the job was taken away") : MQ_OK;
}

enum mq_rc mq_run_put(struct mq_run *run, enum mq_root root, const char *name,
		      const struct mq_storage_put *how, struct mq_sink **ret, struct mq_err *err)
{
	struct mq_storage *storage = NULL;
	struct mq_storage_put guarded = *how;
	enum mq_rc rc = mq_run_storage(run, root, &storage, err);

	assert(!how->may_publish);
	guarded.may_publish = still_mine;
	guarded.ctx = run;
	return rc == MQ_OK ? mq_storage_put(storage, name, &guarded, ret, err) : rc;
}

enum mq_rc mq_run_remove(struct mq_run *run, enum mq_root root, const char *name,
			 struct mq_err *err)
{
	struct mq_storage *storage = NULL;
	enum mq_rc rc = mq_run_storage(run, root, &storage, err);

	return rc == MQ_OK ? mq_storage_remove(storage, name, err) : rc;
}

enum mq_rc mq_run_workdir(struct mq_run *run, const char **ret_path, struct mq_err *err)
{
	(void)err;
	*ret_path = run->dir;
	return MQ_OK;
}

enum mq_rc mq_run_beat(struct mq_run *run, int64_t done, int64_t total, const char *note,
		       struct mq_err *err)
{
	(void)total;
	run->beat_done = done;
	snprintf(run->beat_note, sizeof run->beat_note, "%s", note ? note : "");
	if (++run->beats == run->stop_beat)
		return mq_err_set(err, MQ_E_CANCELLED, 0, "cancelled");
	return MQ_OK;
}

enum mq_rc mq_run_snapshot(struct mq_run *run, struct sqlite3 **ret, struct mq_err *err)
{
	(void)err;
	*ret = run->db;
	return MQ_OK;
}

enum mq_rc mq_run_db_error(struct mq_run *run, struct mq_err *err, const char *what)
{
	return mq_err_set(err, MQ_E_DB, 0, "%s: %s", what, sqlite3_errmsg(run->db));
}

void mq_run_result(struct mq_run *run, json_t *result)
{
	json_decref(run->result);
	run->result = result;
}

enum mq_rc mq_run_effect(struct mq_run *run, const char *sql, json_t *args, struct mq_err *err)
{
	(void)err;
	mq_str_printf(&run->effects, "%s\n", sql);
	json_decref(args);
	return MQ_OK;
}

/* ---------------------------------------------------------------- for tests */

enum mq_rc fake_run(struct mq_run *run, const struct mq_handler *handler, const char *payload,
		    struct mq_err *err)
{
	MQ_AUTO(mq_params) struct mq_params params = { 0 };
	enum mq_rc rc = mq_params_parse(handler, payload, &params, err);

	return rc == MQ_OK ? handler->run(run, params.data, err) : rc;
}

void fake_run_reset(struct mq_run *run)
{
	for (int i = 0; i < MQ_ROOT_COUNT; i++) {
		mq_storage_close(run->storages[i]);
		run->storages[i] = NULL;
	}
	json_decref(run->result);
	run->result = NULL;
	mq_str_free(&run->effects);
	run->calls = run->beats = 0;
	run->beat_done = 0;
	run->beat_note[0] = '\0';
}
