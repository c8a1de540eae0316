/* The SQLite driver's handle; its functions are spread over sqlite_*.c. */
#ifndef MQ_QUEUE_DRIVER_SQLITE_H
#define MQ_QUEUE_DRIVER_SQLITE_H

#include "driver.h"
#include "sql.h"
#include "sqlite_open.h"

struct mq_sqlite {
	struct mq_queue base;
	struct sqlite3 *db;
	struct sqlite3_stmt
		*stmts[MQ_SQL_COUNT]; /* prepared at first use, reset whenever nobody steps them */
	char *path;		      /* canonical */
	char *key_file;
	struct mq_lease *lease; /* NULL when read_only without one */
	bool owns_lease;
	struct mq_patience patience;
	int64_t data_version;
	struct sqlite3 *checkpointer; /* both opened with the first checkpoint */
	struct sqlite3 *barrier;
	bool is_checkpointer; /* holds MQ_LEASE_CHECKPOINT until it is closed */
	struct mq_patience barrier_patience;
};

static inline struct mq_sqlite *mq_sqlite_of(struct mq_queue *queue)
{
	return (struct mq_sqlite *)queue;
}

/* The gate alone, for a writer on another connection of the same queue; patience as for a write
 * transaction. */
enum mq_rc mq_sqlite_enter_gate(struct mq_sqlite *q, int64_t since_us, struct mq_err *err);
void mq_sqlite_leave_gate(struct mq_sqlite *q);

/*
 * A write transaction: gate byte, BEGIN IMMEDIATE, work, COMMIT, gate dropped. Waits as the queue's
 * options say, then MQ_E_BUSY. Both ends leave the gate free, whatever they return.
 */
enum mq_rc mq_sqlite_begin(struct mq_sqlite *q, struct mq_err *err);
/* Commits when rc is MQ_OK, else rolls back and returns rc. */
enum mq_rc mq_sqlite_end(struct mq_sqlite *q, enum mq_rc rc, struct mq_err *err);

/* sqlite_turn.c */
enum mq_rc mq_sqlite_enqueue(struct mq_queue *queue, const struct mq_job_new *job, int64_t *ret_id,
			     struct mq_err *err);
enum mq_rc mq_sqlite_turn(struct mq_queue *queue, struct mq_settle *done, size_t n_done,
			  const struct mq_claim *claim, struct mq_job **ret_jobs, size_t *ret_n,
			  struct mq_err *err);
enum mq_rc mq_sqlite_progress(struct mq_queue *queue, const struct mq_job *job, int percent,
			      const char *note, struct mq_err *err);
enum mq_rc mq_sqlite_check(struct mq_queue *queue, const struct mq_job *job,
			   bool *ret_cancel_requested, struct mq_err *err);
enum mq_rc mq_sqlite_failures(struct mq_queue *queue, const struct mq_job *job, int64_t *ret_failed,
			      struct mq_err *err);
enum mq_rc mq_sqlite_crashes(struct mq_queue *queue, const struct mq_job *job, int64_t *ret_crashed,
			     struct mq_err *err);
/* One row of mq_attempts. */
enum mq_rc mq_sqlite_attempt_add(struct mq_sqlite *q, const struct mq_attempt *attempt,
				 int64_t token, struct mq_err *err);

/* sqlite_claim.c */
/* Inside a write transaction: makes rows ready that have become due, at most so many that it stays
 * short. */
enum mq_rc mq_sqlite_promote(struct mq_sqlite *q, int64_t now_us, struct mq_err *err);
/* Inside a write transaction. */
enum mq_rc mq_sqlite_claim(struct mq_sqlite *q, const struct mq_claim *claim, int64_t now_us,
			   struct mq_job **ret_jobs, size_t *ret_n, struct mq_err *err);
/* Reads only: whether promotion or a claim would find anything. `claim` may be NULL. */
enum mq_rc mq_sqlite_worth(struct mq_sqlite *q, const struct mq_claim *claim, int64_t now_us,
			   bool *ret_worth, struct mq_err *err);
enum mq_rc mq_sqlite_outlook(struct mq_queue *queue, const struct mq_claim *claim,
			     struct mq_outlook *ret, struct mq_err *err);

/* sqlite_workers.c */
enum mq_rc mq_sqlite_worker_add(struct mq_queue *queue, const struct mq_worker *worker,
				int64_t *ret_id, struct mq_err *err);
enum mq_rc mq_sqlite_worker_remove(struct mq_queue *queue, int64_t worker_id, struct mq_err *err);
enum mq_rc mq_sqlite_rescue(struct mq_queue *queue, const struct mq_death *death, int *ret_jobs,
			    struct mq_err *err);
enum mq_rc mq_sqlite_rescue_all(struct mq_queue *queue, int *ret_jobs, struct mq_err *err);
enum mq_rc mq_sqlite_workers(struct mq_queue *queue, mq_worker_fn fn, void *ctx,
			     struct mq_err *err);

/* sqlite_operate.c */
enum mq_rc mq_sqlite_list(struct mq_queue *queue, const struct mq_job_filter *filter, mq_job_fn fn,
			  void *ctx, struct mq_err *err);
enum mq_rc mq_sqlite_get(struct mq_queue *queue, int64_t id, struct mq_job **ret,
			 struct mq_err *err);
enum mq_rc mq_sqlite_attempts(struct mq_queue *queue, int64_t job_id, mq_attempt_fn fn, void *ctx,
			      struct mq_err *err);
enum mq_rc mq_sqlite_stats(struct mq_queue *queue, mq_kind_stats_fn fn, void *ctx,
			   struct mq_err *err);
enum mq_rc mq_sqlite_cancel(struct mq_queue *queue, int64_t id, enum mq_status *ret_before,
			    struct mq_err *err);

/* sqlite_retry.c */
enum mq_rc mq_sqlite_retry(struct mq_queue *queue, const struct mq_job_filter *filter, bool dry_run,
			   mq_job_fn fn, void *ctx, int64_t *ret_requeued, int64_t *ret_skipped,
			   struct mq_err *err);

/* sqlite_file.c */
enum mq_rc mq_sqlite_snapshot_open(struct mq_queue *queue, struct sqlite3 **ret,
				   struct mq_err *err);
enum mq_rc mq_sqlite_checkpoint(struct mq_queue *queue, struct mq_checkpoint *ret,
				struct mq_err *err);
enum mq_rc mq_sqlite_facts(struct mq_queue *queue, struct mq_queue_facts *ret, struct mq_err *err);

#endif
