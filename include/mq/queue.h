/*
 * The queue: everything that reads or writes the jobs table goes through here.
 *
 * Life of a job:
 *
 *              claim              settle
 *   queued ------------> running ---------> succeeded
 *     ^  ^ cancelled <-'  |  | '----------> failed
 *     |  '-- back-off ----'  |                 |
 *     |  '-- rescue ---------'                 |
 *     '------------------- retry --------------'
 *
 * A claim commits `running`, attempt + 1 and token + 1. Every later change to the running job names
 * the token; one that changes no row is MQ_E_STALE. Status changes follow the table in
 * queue/status.c.
 *
 * A handle belongs to one process and one thread and is opened after the fork. Strings in returned
 * structures belong to the structure. All times are wall-clock microseconds (clock.h); 0 stands for
 * NULL.
 */
#ifndef MQ_QUEUE_H
#define MQ_QUEUE_H

#include <mq/err.h>
#include <mq/lease.h>
#include <stdint.h>

struct sqlite3;
struct mq_queue;

enum mq_status {
	MQ_JOB_QUEUED,
	MQ_JOB_RUNNING,
	MQ_JOB_SUCCEEDED,
	MQ_JOB_FAILED,
	MQ_JOB_CANCELLED,
	MQ_JOB_STATUS_COUNT
};
const char *mq_status_name(enum mq_status status);
bool mq_status_parse(const char *text, enum mq_status *ret_status);

/* How one attempt ended. Only FAILED counts towards max_attempts; CRASHED and TIMEOUT count towards
 * quarantine. */
enum mq_outcome {
	MQ_OUTCOME_SUCCEEDED,
	MQ_OUTCOME_FAILED,
	MQ_OUTCOME_TIMEOUT,
	MQ_OUTCOME_CRASHED,
	MQ_OUTCOME_INTERRUPTED,
	MQ_OUTCOME_CANCELLED,
	MQ_OUTCOME_COUNT
};
const char *mq_outcome_name(enum mq_outcome outcome);

struct mq_job {
	int64_t id;
	char *kind;
	char *payload; /* JSON object */
	int priority;
	enum mq_status status;
	int64_t run_at_us; /* 0: now */
	int64_t attempt;
	int64_t base_attempt;
	int64_t max_attempts; /* 0: the kind's */
	int64_t token;
	int64_t worker_id; /* 0 unless running */
	bool cancel_requested;
	int progress; /* percent, -1 when none was reported */
	char *progress_note;
	char *unique_key;
	char *requested_by;
	char *error;
	char *result; /* JSON */
	int64_t created_at_us;
	int64_t started_at_us;
	int64_t finished_at_us;
};
void mq_job_free(struct mq_job *job);
MQ_CLEANUP(mq_job, struct mq_job *, mq_job_free)

struct mq_attempt {
	int64_t job_id, attempt, worker_id;
	int64_t started_at_us, finished_at_us;
	enum mq_outcome outcome;
	const char *error; /* NULL unless something went wrong */
	int signal;	   /* 0: none */
	int exit_status;   /* -1: none */
	double cpu_s;
	int64_t peak_kb;
};

/* ---------------------------------------------------------------- policy, pure */

/*
 * How long a job waits after its failures-th failure: drawn evenly from 0 to min(max_ms, min_ms x
 * 2^(failures-1)), so that jobs that failed together do not come back together. `random` is any
 * 64-bit number.
 */
int64_t mq_backoff_ms(int64_t min_ms, int64_t max_ms, int64_t failures, uint64_t random);

/* ---------------------------------------------------------------- opening */

struct mq_queue_driver;
extern const struct mq_queue_driver mq_queue_driver_sqlite;
extern const struct mq_queue_driver mq_queue_driver_memory; /* one process, for tests */

struct mq_queue_options {
	const char *database;	/* absolute path */
	const char *key_file;	/* raw 32-byte key; NULL for a plain file */
	struct mq_lease *lease; /* borrowed; NULL: opened from `database` and owned by the queue */
	/*
	 * How long a call waits while another connection holds the write lock, in milliseconds;
	 * then MQ_E_BUSY. -1 waits until keep_waiting (asked about every 100 ms, NULL: always) says
	 * no.
	 */
	int64_t busy_ms;
	bool (*keep_waiting)(void *ctx);
	void *ctx;
	bool read_only; /* nothing is written, the schema is not changed; for list, show, status */
};

/*
 * Opens the queue of an existing database and brings its schema up to date (not when read_only).
 * MQ_E_NOTFOUND: no such file. MQ_E_CORRUPT: not a database, or an encrypted one without its key.
 * MQ_E_UNSUPPORTED: the schema is newer than this program, or the file cannot be used in WAL mode
 * here.
 */
enum mq_rc mq_queue_open(const struct mq_queue_driver *driver,
			 const struct mq_queue_options *options, struct mq_queue **ret,
			 struct mq_err *err);
void mq_queue_close(struct mq_queue *queue); /* accepts NULL */
MQ_CLEANUP(mq_queue, struct mq_queue *, mq_queue_close)

/* Schema versions: of this program, and what mq_queue_open() found before it applied anything (0:
 * no queue yet). */
int mq_queue_schema_version(void);
int mq_queue_schema_found(const struct mq_queue *queue);

/* ---------------------------------------------------------------- producing */

struct mq_job_new {
	const char *kind;
	const char *payload; /* NULL: {} */
	int priority;
	int64_t run_at_us;
	int64_t max_attempts;
	const char *unique_key;
	const char *requested_by;
};

/* MQ_E_INVALID with the constraint's own words; MQ_E_EXISTS when the unique key is on its way
 * already. */
enum mq_rc mq_queue_enqueue(struct mq_queue *queue, const struct mq_job_new *job, int64_t *ret_id,
			    struct mq_err *err);

/* ---------------------------------------------------------------- working */

struct mq_worker {
	int64_t id;
	int64_t pid;
	const char *host, *boot_id, *version;
	const char *kinds; /* JSON array */
	int64_t started_at_us;
	bool alive;	/* its byte is held; only from mq_queue_workers() */
	int64_t job_id; /* the job it runs, 0: none; only from mq_queue_workers() */
};

/* Inserts the row and takes the lease byte in the same transaction, so that nobody sees one without
 * the other. */
enum mq_rc mq_queue_worker_add(struct mq_queue *queue, const struct mq_worker *worker,
			       int64_t *ret_id, struct mq_err *err);
/* Removes the row of a worker that ends cleanly (no job of its own is running) and drops its byte.
 */
enum mq_rc mq_queue_worker_remove(struct mq_queue *queue, int64_t worker_id, struct mq_err *err);

/* Statements that must commit together with the settle. Runs inside the settling transaction, in a
 * savepoint. */
typedef enum mq_rc (*mq_effects_fn)(void *ctx, struct sqlite3 *db, struct mq_err *err);

/* The end of one attempt. */
struct mq_settle {
	const struct mq_job *job;
	enum mq_outcome outcome;
	enum mq_status to;  /* SUCCEEDED, FAILED, CANCELLED, or QUEUED to run again */
	int64_t run_at_us;  /* with QUEUED: not before; 0: at once */
	const char *error;  /* NULL with SUCCEEDED */
	const char *result; /* JSON or NULL */
	double cpu_s;
	int64_t peak_kb;
	mq_effects_fn effects; /* with SUCCEEDED only; may be NULL */
	void *effects_ctx;
	/* out: MQ_OK, MQ_E_STALE, or why effects or result were refused (then it is still running,
	 * and nothing of this settle happened) */
	enum mq_rc rc;
	struct mq_err *why; /* out: the text that belongs to rc; may be NULL */
};

/* Which jobs a claim may take. */
struct mq_claim {
	int64_t worker_id;
	bool (*serves)(void *ctx, const char *kind);
	void *ctx;
	size_t max; /* at most so many jobs; 0 claims nothing */
};

/*
 * One transaction: settles `n_done` attempts (one that would go back to the queue although its
 * cancellation was asked for ends as cancelled), promotes what has become due, claims up to
 * claim->max jobs (largest priority first, then smallest id). With nothing to settle, promote or
 * claim it only reads. Either all of it is committed or nothing; settles are durable when it
 * returns. ret_jobs takes claim->max pointers, each freed by the caller. `claim` may be NULL.
 */
enum mq_rc mq_queue_turn(struct mq_queue *queue, struct mq_settle *done, size_t n_done,
			 const struct mq_claim *claim, struct mq_job **ret_jobs, size_t *ret_n,
			 struct mq_err *err);

/* MQ_E_STALE when the token is old. */
enum mq_rc mq_queue_progress(struct mq_queue *queue, const struct mq_job *job, int percent,
			     const char *note, struct mq_err *err);
/* Reads only: MQ_E_STALE when the job was taken away, else whether somebody asked for its end. */
enum mq_rc mq_queue_check(struct mq_queue *queue, const struct mq_job *job,
			  bool *ret_cancel_requested, struct mq_err *err);

/*
 * Earlier attempts of the job since an operator last requeued it, the running one not among them:
 * those that FAILED (they count towards max_attempts), and those that CRASHED or ran into TIMEOUT
 * within MQ_QUARANTINE_WINDOW_S.
 */
enum mq_rc mq_queue_failures(struct mq_queue *queue, const struct mq_job *job, int64_t *ret_failed,
			     struct mq_err *err);
enum mq_rc mq_queue_crashes(struct mq_queue *queue, const struct mq_job *job, int64_t *ret_crashed,
			    struct mq_err *err);

/* How a worker ended, for the attempts it left behind. */
struct mq_death {
	int64_t worker_id;
	enum mq_outcome
		outcome; /* CRASHED, TIMEOUT, INTERRUPTED (the pool ended it) or CANCELLED */
	int signal;	 /* 0: none or unknown */
	int exit_status; /* -1: none or unknown */
};

/* After so many CRASHED or TIMEOUT attempts within the window a job is not tried again by itself.
 */
#define MQ_QUARANTINE_CRASHES  3
#define MQ_QUARANTINE_WINDOW_S (24 * 60 * 60)

/*
 * Takes back what a dead worker was running and removes its row: each job is queued again, or
 * failed with the reason when it ended its workers MQ_QUARANTINE_CRASHES times, or cancelled when
 * that was asked for. Nothing happens (MQ_OK, 0) while the worker's byte is held: MQ_OK, *ret_jobs
 * = 0.
 */
enum mq_rc mq_queue_rescue(struct mq_queue *queue, const struct mq_death *death, int *ret_jobs,
			   struct mq_err *err);

/*
 * Rescues every worker whose byte is free, as CRASHED without a known signal; also jobs that are
 * running for a worker that has no row.
 */
enum mq_rc mq_queue_rescue_all(struct mq_queue *queue, int *ret_jobs, struct mq_err *err);

/* Whether another connection has committed since the last call (PRAGMA data_version). Costs about 2
 * us. */
enum mq_rc mq_queue_changed(struct mq_queue *queue, bool *ret_changed, struct mq_err *err);

/* What could be claimed now, and when the next row that is not due yet becomes due (0: none). Reads
 * only. */
struct mq_outlook {
	int64_t ready; /* rows that are ready or due, of kinds that `serves` accepts; counted up to
			  claim->max */
	int64_t next_due_us; /* of any kind */
	int64_t running;     /* of any kind and pool */
	int64_t waiting; /* rows of served kinds that wait for their next attempt (attempt > 0) */
};
enum mq_rc mq_queue_outlook(struct mq_queue *queue, const struct mq_claim *claim,
			    struct mq_outlook *ret, struct mq_err *err);

/* ---------------------------------------------------------------- operating */

struct mq_job_filter {
	const int64_t *ids; /* NULL: any */
	size_t n_ids;
	const char *kinds;    /* glob list (str.h); NULL: any */
	unsigned status_mask; /* bits 1u << enum mq_status; 0: any */
	int64_t since_us;     /* created (list) or finished (retry) not before; 0: any */
	int64_t limit;	      /* 0: no limit */
};

/* Calls `fn` for each job, newest first; the job is the callee's only during the call. fn returns
 * false to stop. */
typedef bool (*mq_job_fn)(void *ctx, const struct mq_job *job);
enum mq_rc mq_queue_list(struct mq_queue *queue, const struct mq_job_filter *filter, mq_job_fn fn,
			 void *ctx, struct mq_err *err);
enum mq_rc mq_queue_get(struct mq_queue *queue, int64_t id, struct mq_job **ret,
			struct mq_err *err);

typedef bool (*mq_attempt_fn)(void *ctx, const struct mq_attempt *attempt); /* oldest first */
enum mq_rc mq_queue_attempts(struct mq_queue *queue, int64_t job_id, mq_attempt_fn fn, void *ctx,
			     struct mq_err *err);

typedef bool (*mq_worker_fn)(void *ctx, const struct mq_worker *worker);
enum mq_rc mq_queue_workers(struct mq_queue *queue, mq_worker_fn fn, void *ctx, struct mq_err *err);

struct mq_kind_stats {
	const char *kind;
	int64_t count[MQ_JOB_STATUS_COUNT];
	int64_t scheduled;	 /* of the queued ones: not due yet */
	int64_t oldest_ready_us; /* created_at of the longest waiting ready job; 0: none */
};
typedef bool (*mq_kind_stats_fn)(void *ctx, const struct mq_kind_stats *stats); /* by name */
enum mq_rc mq_queue_stats(struct mq_queue *queue, mq_kind_stats_fn fn, void *ctx,
			  struct mq_err *err);

/*
 * Requeues failed jobs of the filter (status_mask is ignored) in short transactions and calls `fn`
 * (may be NULL) for each, before the change; with dry_run nothing is changed. One whose unique key
 * is on its way already is skipped. An id of the filter that is no failed job is MQ_E_NOTFOUND or
 * MQ_E_INVALID, before anything is changed.
 */
enum mq_rc mq_queue_retry(struct mq_queue *queue, const struct mq_job_filter *filter, bool dry_run,
			  mq_job_fn fn, void *ctx, int64_t *ret_requeued, int64_t *ret_skipped,
			  struct mq_err *err);

/* A queued job is cancelled at once, a running one is asked to stop. MQ_E_INVALID: it has ended
 * already. */
enum mq_rc mq_queue_cancel(struct mq_queue *queue, int64_t id, enum mq_status *ret_before,
			   struct mq_err *err);

/* ---------------------------------------------------------------- the file itself */

/*
 * A connection of its own for one long read: read-only, query_only, defensive, inside a read
 * transaction that has taken its snapshot already. Closed by mq_queue_snapshot_close(), before the
 * queue.
 */
enum mq_rc mq_queue_snapshot_open(struct mq_queue *queue, struct sqlite3 **ret, struct mq_err *err);
void mq_queue_snapshot_close(struct sqlite3 *db); /* accepts NULL */

/*
 * Copies the WAL back into the database, safely (DESIGN: SQLite up to 3.51.2 can corrupt a WAL
 * database when a checkpoint runs beside a commit that resets the WAL): only by the process that
 * holds the lease's checkpoint byte, and while a second connection of this queue holds the write
 * lock. Does nothing while another process is the checkpointer, or while a writer keeps the lock
 * for more than a few milliseconds.
 */
struct mq_checkpoint {
	bool done;	    /* it ran; false: not our turn */
	int64_t wal_frames; /* in the WAL afterwards */
	int64_t copied;	    /* of them: in the database */
};
enum mq_rc mq_queue_checkpoint(struct mq_queue *queue, struct mq_checkpoint *ret,
			       struct mq_err *err);

/* What `doctor` and `status` tell about the file and the library. */
struct mq_queue_facts {
	const char *sqlite_version;
	char cipher_version[32]; /* empty: the linked library cannot encrypt */
	char journal_mode[16];
	bool encrypted;
	int64_t page_size;
	int64_t database_bytes;
	int64_t wal_bytes;  /* 0: no -wal file */
	int schema_version; /* of the file; 0: no queue in it */
};
enum mq_rc mq_queue_facts(struct mq_queue *queue, struct mq_queue_facts *ret, struct mq_err *err);

/* The name of a network file system by its statfs(2) magic, where no queue can live; NULL for all
 * others. */
const char *mq_sqlite_network_fs(unsigned long magic);

#endif
