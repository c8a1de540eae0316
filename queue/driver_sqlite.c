#include "driver_sqlite.h"

#include "migrate.h"

#include <mq/clock.h>
#include <mq/str.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- transactions */

/* Nobody keeps the gate longer than this while the application has the lock, so that all can ask
 * keep_waiting. */
#define SLICE_MS 100

static enum mq_rc too_late(const struct mq_sqlite *q, struct mq_err *err)
{
	return mq_err_set(err, MQ_E_BUSY, 0, "database '%s': another program keeps it locked",
			  q->path);
}

/*
 * At most one of our processes competes with the application. Those that wait without end queue in
 * the kernel; the others look again each millisecond, since a wait in the kernel has no end of its
 * own.
 */
enum mq_rc mq_sqlite_enter_gate(struct mq_sqlite *q, int64_t since_us, struct mq_err *err)
{
	const struct mq_lease_ops *ops = q->lease->ops;

	while (true) {
		bool held = true;
		bool endless = q->patience.busy_ms < 0;
		enum mq_rc rc = endless ? ops->hold(q->lease, MQ_LEASE_GATE, err)
					: ops->try_hold(q->lease, MQ_LEASE_GATE, &held, err);
		if (rc != MQ_OK && rc != MQ_E_INTERRUPTED)
			return rc;
		if (rc == MQ_OK && held)
			return MQ_OK;
		if (!mq_patience_goes_on(&q->patience, since_us))
			return too_late(q, err);
		if (!endless)
			mq_patience_sleep();
	}
}

void mq_sqlite_leave_gate(struct mq_sqlite *q)
{
	q->lease->ops->drop(q->lease, MQ_LEASE_GATE);
}

enum mq_rc mq_sqlite_begin(struct mq_sqlite *q, struct mq_err *err)
{
	int64_t since_us = mq_clock_mono_us();

	while (true) {
		enum mq_rc rc = mq_sqlite_enter_gate(q, since_us, err);
		if (rc != MQ_OK)
			return rc;
		q->patience.slice_ms = SLICE_MS;
		rc = mq_sql_run(q, MQ_SQL_BEGIN, NULL, NULL, err);
		q->patience.slice_ms = 0;
		if (rc == MQ_OK)
			return MQ_OK;
		mq_sqlite_leave_gate(q);
		if (rc != MQ_E_BUSY)
			return rc;
		if (!mq_patience_goes_on(&q->patience, since_us))
			return too_late(q, err);
	}
}

enum mq_rc mq_sqlite_end(struct mq_sqlite *q, enum mq_rc rc, struct mq_err *err)
{
	if (rc == MQ_OK)
		rc = mq_sql_run(q, MQ_SQL_COMMIT, NULL, NULL, err);
	/* A full disk and the like may have ended the transaction already. */
	if (rc != MQ_OK && !sqlite3_get_autocommit(q->db))
		mq_sql_run(q, MQ_SQL_ROLLBACK, NULL, NULL, NULL);
	mq_sqlite_leave_gate(q);
	return rc;
}

/* ---------------------------------------------------------------- opening */

static enum mq_rc open_reading(struct mq_sqlite *q, struct mq_err *err)
{
	struct mq_sqlite_how how = { .path = q->path,
				     .key_file = q->key_file,
				     .access = MQ_SQLITE_QUERY,
				     .patience = &q->patience };
	enum mq_rc rc = mq_sqlite_open(&how, &q->db, err);

	if (rc == MQ_OK)
		rc = mq_migrate_found(q->db, &q->base.schema_found, err);
	if (rc == MQ_OK)
		rc = mq_migrate_check(mq_migrations, q->base.schema_found, err);
	if (rc == MQ_OK && q->base.schema_found < mq_migrate_newest(mq_migrations))
		return mq_err_set(err, MQ_E_NOTFOUND, 0, "database '%s' has %s: run mq-worker init",
				  q->path,
				  q->base.schema_found ? "an older queue" : "no queue yet");
	return rc;
}

static enum mq_rc open_writing(struct mq_sqlite *q, struct mq_err *err)
{
	struct mq_sqlite_how how = { .path = q->path,
				     .key_file = q->key_file,
				     .access = MQ_SQLITE_WRITE,
				     .patience = &q->patience };
	enum mq_rc rc = mq_sqlite_open(&how, &q->db, err);

	if (rc == MQ_OK)
		rc = mq_migrate_found(q->db, &q->base.schema_found, err);
	if (rc == MQ_OK)
		rc = mq_migrate_check(mq_migrations, q->base.schema_found, err);
	/* Only now is it sure that the file is ours to change. */
	if (rc == MQ_OK)
		rc = mq_sqlite_use_wal(q->db, err);
	if (rc == MQ_OK)
		rc = mq_migrate_apply(q->db, mq_migrations, err);
	return rc;
}

static enum mq_rc open_lease(struct mq_sqlite *q, struct mq_err *err)
{
	if (q->lease)
		return MQ_OK;
	enum mq_rc rc = mq_lease_open(q->path, &q->lease, err);
	q->owns_lease = rc == MQ_OK;
	/* Who only reads can do without: then nobody is shown as alive. */
	return q->base.read_only ? MQ_OK : rc;
}

static void sqlite_close(struct mq_queue *queue)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);

	mq_sqlite_close(q->checkpointer);
	mq_sqlite_close(q->barrier);
	mq_sql_close(q);
	mq_sqlite_close(q->db);
	if (q->is_checkpointer)
		q->lease->ops->drop(q->lease, MQ_LEASE_CHECKPOINT);
	if (q->owns_lease)
		mq_lease_close(q->lease);
	free(q->path);
	free(q->key_file);
	free(q);
}

static enum mq_rc sqlite_open(const struct mq_queue_options *options, struct mq_queue **ret,
			      struct mq_err *err)
{
	MQ_AUTO_FREE
	char *path = realpath(options->database, NULL);

	if (!path)
		return mq_err_sys(err, errno, "database '%s'", options->database);
	struct mq_sqlite *q = mq_alloc(1, sizeof *q);
	MQ_AUTO(mq_queue) struct mq_queue *queue = &q->base;
	q->base.driver = &mq_queue_driver_sqlite;
	q->base.read_only = options->read_only;
	q->path = MQ_STEAL(path);
	q->key_file = mq_strdup(options->key_file);
	q->lease = options->lease;
	q->patience = (struct mq_patience){ .busy_ms = options->busy_ms,
					    .keep_waiting = options->keep_waiting,
					    .ctx = options->ctx };
	enum mq_rc rc = options->read_only ? open_reading(q, err) : open_writing(q, err);
	if (rc == MQ_OK)
		rc = open_lease(q, err);
	if (rc == MQ_OK)
		rc = mq_sql_int(q, MQ_SQL_DATA_VERSION, NULL, &q->data_version, NULL, err);
	if (rc == MQ_OK)
		*ret = MQ_STEAL(queue);
	return rc;
}

static enum mq_rc sqlite_changed(struct mq_queue *queue, bool *ret_changed, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	int64_t now;
	enum mq_rc rc = mq_sql_int(q, MQ_SQL_DATA_VERSION, NULL, &now, NULL, err);

	if (rc != MQ_OK)
		return rc;
	*ret_changed = now != q->data_version;
	q->data_version = now;
	return MQ_OK;
}

const struct mq_queue_driver mq_queue_driver_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.enqueue = mq_sqlite_enqueue,
	.worker_add = mq_sqlite_worker_add,
	.worker_remove = mq_sqlite_worker_remove,
	.turn = mq_sqlite_turn,
	.progress = mq_sqlite_progress,
	.check = mq_sqlite_check,
	.failures = mq_sqlite_failures,
	.crashes = mq_sqlite_crashes,
	.rescue = mq_sqlite_rescue,
	.rescue_all = mq_sqlite_rescue_all,
	.changed = sqlite_changed,
	.outlook = mq_sqlite_outlook,
	.list = mq_sqlite_list,
	.get = mq_sqlite_get,
	.attempts = mq_sqlite_attempts,
	.workers = mq_sqlite_workers,
	.stats = mq_sqlite_stats,
	.retry = mq_sqlite_retry,
	.cancel = mq_sqlite_cancel,
	.snapshot_open = mq_sqlite_snapshot_open,
	.checkpoint = mq_sqlite_checkpoint,
	.facts = mq_sqlite_facts,
};
