#include "driver_sqlite.h"

#include "migrate.h"

#include <mq/clock.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

/* ---------------------------------------------------------------- snapshot */

enum mq_rc mq_sqlite_snapshot_open(struct mq_queue *queue, sqlite3 **ret, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	struct mq_sqlite_how how = { .path = q->path,
				     .key_file = q->key_file,
				     .access = MQ_SQLITE_READ,
				     .patience = &q->patience };
	int64_t ignored;
	sqlite3 *db = NULL;
	enum mq_rc rc = mq_sqlite_open(&how, &db, err);

	if (rc == MQ_OK)
		rc = mq_sqlite_exec(db, "BEGIN", err);
	/* The first read takes the snapshot, not the BEGIN. */
	if (rc == MQ_OK)
		rc = mq_sqlite_int(db, "SELECT count(*) FROM sqlite_schema", &ignored, err);
	if (rc != MQ_OK) {
		mq_sqlite_close(db);
		return rc;
	}
	*ret = db;
	return MQ_OK;
}

/* ---------------------------------------------------------------- checkpoint */

/* Longer than a short transaction, shorter than anybody would notice. */
#define BARRIER_MS 5

static enum mq_rc open_pair(struct mq_sqlite *q, struct mq_err *err)
{
	struct mq_sqlite_how how = { .path = q->path,
				     .key_file = q->key_file,
				     .access = MQ_SQLITE_WRITE,
				     .patience = &q->barrier_patience };
	enum mq_rc rc = MQ_OK;

	q->barrier_patience.busy_ms = BARRIER_MS;
	if (!q->barrier)
		rc = mq_sqlite_open(&how, &q->barrier, err);
	if (rc == MQ_OK && !q->checkpointer)
		rc = mq_sqlite_open(&how, &q->checkpointer, err);
	return rc;
}

static enum mq_rc become_checkpointer(struct mq_sqlite *q, struct mq_err *err)
{
	if (q->is_checkpointer)
		return MQ_OK;
	return q->lease->ops->try_hold(q->lease, MQ_LEASE_CHECKPOINT, &q->is_checkpointer, err);
}

/* Nobody commits, so nobody resets the WAL, while the barrier has the write lock. */
static enum mq_rc copy_behind_barrier(struct mq_sqlite *q, struct mq_checkpoint *ret,
				      struct mq_err *err)
{
	int frames = 0, copied = 0;
	enum mq_rc rc = mq_sqlite_exec(q->barrier, "BEGIN IMMEDIATE", err);

	if (rc != MQ_OK)
		return rc;
	int code = sqlite3_wal_checkpoint_v2(q->checkpointer, "main", SQLITE_CHECKPOINT_PASSIVE,
					     &frames, &copied);
	if (code != SQLITE_OK)
		rc = mq_sqlite_err(err, q->checkpointer, "checkpoint");
	mq_sqlite_exec(q->barrier, "ROLLBACK", NULL);
	if (rc == MQ_OK)
		*ret = (struct mq_checkpoint){ .done = true,
					       .wal_frames = frames < 0 ? 0 : frames,
					       .copied = copied < 0 ? 0 : copied };
	return rc;
}

/* In its turn among our own writers: beside the gate it would find the lock taken each time. */
static enum mq_rc copy_in_turn(struct mq_sqlite *q, struct mq_checkpoint *ret, struct mq_err *err)
{
	enum mq_rc rc = mq_sqlite_enter_gate(q, mq_clock_mono_us(), err);

	if (rc != MQ_OK)
		return rc;
	rc = copy_behind_barrier(q, ret, err);
	mq_sqlite_leave_gate(q);
	return rc;
}

enum mq_rc mq_sqlite_checkpoint(struct mq_queue *queue, struct mq_checkpoint *ret,
				struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	struct mq_checkpoint result = { 0 };
	enum mq_rc rc = become_checkpointer(q, err);

	if (rc == MQ_OK && q->is_checkpointer)
		rc = open_pair(q, err);
	if (rc == MQ_OK && q->is_checkpointer)
		rc = copy_in_turn(q, &result, err);
	/* A busy writer is the ordinary case: the next look will do. */
	if (rc == MQ_E_BUSY)
		rc = MQ_OK;
	if (rc == MQ_OK)
		*ret = result;
	return rc;
}

/* ---------------------------------------------------------------- facts */

/* By path: a descriptor of our own, closed again, would drop SQLite's locks. */
static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

enum mq_rc mq_sqlite_facts(struct mq_queue *queue, struct mq_queue_facts *ret, struct mq_err *err)
{
	struct mq_sqlite *q = mq_sqlite_of(queue);
	struct mq_queue_facts facts = { .sqlite_version = sqlite3_libversion(),
					.encrypted = q->key_file != NULL };
	MQ_AUTO_FREE
	char *wal = mq_strf("%s-wal", q->path);
	enum mq_rc rc = mq_sqlite_text(q->db, "PRAGMA cipher_version", facts.cipher_version,
				       sizeof facts.cipher_version, err);

	if (rc == MQ_OK)
		rc = mq_sqlite_text(q->db, "PRAGMA journal_mode", facts.journal_mode,
				    sizeof facts.journal_mode, err);
	if (rc == MQ_OK)
		rc = mq_sqlite_int(q->db, "PRAGMA page_size", &facts.page_size, err);
	if (rc == MQ_OK)
		rc = mq_migrate_found(q->db, &facts.schema_version, err);
	facts.database_bytes = size_of(q->path);
	facts.wal_bytes = size_of(wal);
	if (rc == MQ_OK)
		*ret = facts;
	return rc;
}
