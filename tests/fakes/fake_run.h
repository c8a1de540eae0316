/*
 * run.h for tests of handlers: files in a directory of the test, a database of the test, and a
 * failure wherever it is wanted.
 */
#ifndef MQ_TESTS_FAKE_RUN_H
#define MQ_TESTS_FAKE_RUN_H

#include <mq/handler.h>
#include <mq/run.h>
#include <mq/str.h>
#include <sqlite3.h>

/* All-zero but for `dir` and `db` is a job that nobody disturbs. */
struct mq_run {
	/* set by the test */
	const char *dir; /* roots are exports, backups, ... below it */
	sqlite3 *db;
	int64_t job_id;
	int64_t created_us;
	const char *requested_by;
	struct mq_run_policy policy;
	int fail_call; /* the n-th storage or sink call fails with MQ_E_IO; 0: none */
	int stop_beat; /* the n-th beat returns MQ_E_CANCELLED; 0: none */
	bool stale;    /* the job was taken away: noticed when something is published */

	/* what happened */
	int calls;
	int beats;
	int64_t beat_done;
	char beat_note[100];
	json_t *result;
	struct mq_str effects; /* SQL, one a line */

	struct mq_storage *storages[MQ_ROOT_COUNT];
};

/* Parses the payload and runs the handler, as the runner does. Can be called again. */
enum mq_rc fake_run(struct mq_run *run, const struct mq_handler *handler, const char *payload,
		    struct mq_err *err);
/* Forgets what happened; the files stay. */
void fake_run_reset(struct mq_run *run);

#endif
