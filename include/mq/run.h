/*
 * What a handler sees of the job it runs. Implemented by the runner; tests of handlers bring their
 * own (tests/fakes).
 */
#ifndef MQ_RUN_H
#define MQ_RUN_H

#include <jansson.h>
#include <mq/err.h>
#include <mq/storage.h>
#include <stdint.h>

struct sqlite3;
struct mq_run;

int64_t mq_run_job_id(const struct mq_run *run);
int64_t mq_run_attempt(const struct mq_run *run);
/* When the job was created: the same in every attempt, so names that are made from it are, too. */
int64_t mq_run_created_us(const struct mq_run *run);
const char *mq_run_requested_by(const struct mq_run *run); /* NULL: the machine itself */

/* What the configuration lets a handler know. */
struct mq_run_policy {
	bool sealing_required; /* sensitive output must be sealed; refuse to write it in clear */
	const char *const *report_dirs; /* where report files are, later ones win; ends with NULL */
	const char *version;		/* of the program, for manifests */
};
const struct mq_run_policy *mq_run_policy(const struct mq_run *run);

enum mq_root {
	MQ_ROOT_EXPORTS,
	MQ_ROOT_BACKUPS,
	MQ_ROOT_UPLOADS,
	MQ_ROOT_LOGS,
	MQ_ROOT_CACHE,
	MQ_ROOT_COUNT
};

/* Owned by the run. */
enum mq_rc mq_run_storage(struct mq_run *run, enum mq_root root, struct mq_storage **ret,
			  struct mq_err *err);
/*
 * As mq_storage_put(), and asks immediately before publishing whether the job is still this
 * worker's (MQ_E_STALE); how->may_publish is the run's then and must be NULL. Outputs of several
 * files: put the last one with mq_storage_put() and publish the others, with this, from its
 * may_publish.
 */
enum mq_rc mq_run_put(struct mq_run *run, enum mq_root root, const char *name,
		      const struct mq_storage_put *how, struct mq_sink **ret, struct mq_err *err);

/*
 * As mq_storage_remove(), but MQ_E_STALE when the job is not this worker's any more: what another
 * attempt has published stays. Works for a job that is being stopped, too.
 */
enum mq_rc mq_run_remove(struct mq_run *run, enum mq_root root, const char *name,
			 struct mq_err *err);

/* A private directory below [data] temp_dir, made at the first call, removed with all it holds when
 * the attempt ends. */
enum mq_rc mq_run_workdir(struct mq_run *run, const char **ret_path, struct mq_err *err);

/*
 * Says that the handler lives, and how far it is: done of total (total 0: unknown), with a note for
 * people that holds no personal data ("12,000 rows"; NULL: none). Cheap enough for an inner loop;
 * writes at most once a second. MQ_E_CANCELLED, MQ_E_INTERRUPTED, MQ_E_TIMEOUT or MQ_E_STALE: stop
 * now and return this.
 */
enum mq_rc mq_run_beat(struct mq_run *run, int64_t done, int64_t total, const char *note,
		       struct mq_err *err);

/*
 * A connection of this run's own that reads one snapshot of the database from the first call to the
 * end of the attempt: read-only, query_only, nothing attached. Its statements end with
 * MQ_E_CANCELLED and the like by themselves when the job is stopped (mq_run_db_error() tells).
 * Owned by the run.
 */
enum mq_rc mq_run_snapshot(struct mq_run *run, struct sqlite3 **ret, struct mq_err *err);
/* Turns a failed sqlite3 call on the snapshot into *err: the stop that interrupted it, or the
 * library's message. */
enum mq_rc mq_run_db_error(struct mq_run *run, struct mq_err *err, const char *what);

/* The job's result: a JSON object that `show` prints and the application reads. Takes over the
 * reference. */
void mq_run_result(struct mq_run *run, json_t *result);

/*
 * A statement that is executed in the transaction that settles this attempt as succeeded, and only
 * then: together they happen exactly once. `args` is a JSON array bound to ?1, ?2, ...; its
 * reference is taken over; NULL: none.
 */
enum mq_rc mq_run_effect(struct mq_run *run, const char *sql, json_t *args, struct mq_err *err);

#endif
