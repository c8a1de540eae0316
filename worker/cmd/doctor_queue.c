#include "doctor.h"
#include "view.h"
#include <mq/handler.h>
#include <mq/report.h>
#include <mq/str.h>
#include <string.h>

/* The application's own automatic checkpoint starts here; the keeper keeps the WAL below it. */
#define WAL_WARN_PAGES 1000

static void check_journal(struct mq_doctor *doctor, const struct mq_queue_facts *facts)
{
	char wal[MQ_DURATION_TEXT_SIZE];
	mq_size_format(facts->wal_bytes, wal);
	if (strcmp(facts->journal_mode, "wal") != 0)
		mq_doctor_say(doctor, MQ_DOCTOR_WARN, "journal",
			      "mq-worker init switches it, when nobody else has the database open",
			      "mode %s instead of wal: readers and writers wait for each other",
			      facts->journal_mode);
	else if (facts->wal_bytes > WAL_WARN_PAGES * facts->page_size)
		mq_doctor_say(doctor, MQ_DOCTOR_WARN, "journal",
			      "start mq-worker run, which copies it back; if one runs, some "
			      "program keeps a read "
			      "transaction open",
			      "the WAL has grown to %s", wal);
	else
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "journal", NULL, "WAL, %s", wal);
}

static void check_cipher(struct mq_doctor *doctor, const struct mq_queue_facts *facts)
{
	if (facts->cipher_version[0])
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "encryption", NULL, "SQLCipher %s, %s",
			      facts->cipher_version,
			      facts->encrypted ? "in use" : "not used for this database");
	else
		mq_doctor_say(doctor, doctor->config->key_file ? MQ_DOCTOR_FAIL : MQ_DOCTOR_WARN,
			      "encryption", "link libsqlcipher, and nothing that brings libsqlite3",
			      "the SQLite library of this program cannot encrypt");
}

static void check_schema(struct mq_doctor *doctor, const struct mq_queue_facts *facts)
{
	int version = mq_queue_schema_version();
	if (facts->schema_version == version)
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "schema", NULL, "version %d", version);
	else
		mq_doctor_say(doctor, MQ_DOCTOR_WARN, "schema",
			      "mq-worker init, or the next mq-worker run, brings it up",
			      "version %d in the database, %d in this program",
			      facts->schema_version, version);
}

/* ---------------------------------------------------------------- workers and jobs */

struct look {
	struct mq_doctor *doctor;
	struct mq_view_workers workers;
	int dead;
	int64_t failed, ready;
	bool unknown;
};

static bool take_worker(void *ctx, const struct mq_worker *worker)
{
	struct look *look = ctx;
	look->dead += !worker->alive;
	return true;
}

static bool is_known(const struct look *look, const char *kind)
{
	if (look->workers.alive > 0)
		return json_object_get(look->workers.kinds, kind) != NULL;
	return mq_handler_find(kind) != NULL;
}

static bool take_kind(void *ctx, const struct mq_kind_stats *stats)
{
	struct look *look = ctx;
	look->failed += stats->count[MQ_JOB_FAILED];
	look->ready += stats->count[MQ_JOB_QUEUED] - stats->scheduled;
	if (stats->count[MQ_JOB_QUEUED] == 0 || is_known(look, stats->kind))
		return true;
	look->unknown = true;
	mq_doctor_say(look->doctor, MQ_DOCTOR_WARN, "kinds",
		      "correct the producer and cancel them, or start a worker that knows the kind",
		      "%lld of kind '%s' wait, and no %s knows it",
		      (long long)stats->count[MQ_JOB_QUEUED], stats->kind,
		      look->workers.alive > 0 ? "running worker" : "worker of this program");
	return true;
}

static void say_workers(const struct look *look)
{
	if (look->dead > 0)
		mq_doctor_say(look->doctor, MQ_DOCTOR_WARN, "workers",
			      "start mq-worker run: it takes their jobs back at once",
			      "%d died and %s not been cleared away", look->dead,
			      look->dead == 1 ? "has" : "have");
	if (look->workers.alive > 0)
		mq_doctor_say(look->doctor, MQ_DOCTOR_OK, "workers", NULL, "%d running",
			      look->workers.alive);
	else
		mq_doctor_say(look->doctor, look->ready > 0 ? MQ_DOCTOR_WARN : MQ_DOCTOR_INFO,
			      "workers", "mq-worker run, or systemctl start mq-worker",
			      "none runs; jobs that are ready: %lld", (long long)look->ready);
}

static void say_jobs(const struct look *look)
{
	if (!look->unknown)
		mq_doctor_say(look->doctor, MQ_DOCTOR_OK, "kinds", NULL,
			      "every queued kind is known");
	if (look->failed > 0)
		mq_doctor_say(look->doctor, MQ_DOCTOR_INFO, "failed jobs",
			      "mq-worker list --status failed tells why; mq-worker --retry runs "
			      "them again",
			      "%lld", (long long)look->failed);
}

static enum mq_rc check_work(struct mq_doctor *doctor, struct mq_queue *queue, struct mq_err *err)
{
	struct look look = { .doctor = doctor };
	enum mq_rc rc = mq_view_workers_load(queue, &look.workers, err);
	if (rc == MQ_OK)
		rc = mq_queue_workers(queue, take_worker, &look, err);
	if (rc == MQ_OK)
		rc = mq_queue_stats(queue, take_kind, &look, err);
	if (rc == MQ_OK) {
		say_workers(&look);
		say_jobs(&look);
	}
	mq_view_workers_free(&look.workers);
	return rc;
}

/* ---------------------------------------------------------------- reports */

struct reports {
	struct mq_doctor *doctor;
	struct sqlite3 *db;
	int files, runs;
};

static bool take_report(void *ctx, const char *path, const struct mq_report *report,
			const struct mq_err *why)
{
	struct reports *reports = ctx;
	struct mq_str missing = { 0 };
	(void)path;
	reports->files++;
	if (!report) {
		mq_doctor_say(reports->doctor, MQ_DOCTOR_WARN, "reports",
			      "correct the file, or take it away", "%s", why->text);
	} else if (mq_report_missing(report, reports->db, &missing, NULL) == MQ_OK) {
		if (missing.len == 0)
			reports->runs++;
		else
			mq_doctor_say(reports->doctor, MQ_DOCTOR_INFO, "reports",
				      "nothing, when this deployment does not use it",
				      "%s cannot run here: the database has no %s", report->name,
				      missing.data);
	}
	mq_str_free(&missing);
	return true;
}

static enum mq_rc check_reports(struct mq_doctor *doctor, struct mq_queue *queue,
				struct mq_err *err)
{
	struct reports reports = { .doctor = doctor };
	const char *const *dirs = mq_cmd_report_dirs(doctor->config);
	enum mq_rc rc = mq_queue_snapshot_open(queue, &reports.db, err);
	if (rc == MQ_OK)
		rc = mq_report_each(dirs, take_report, &reports, err);
	mq_queue_snapshot_close(reports.db);
	if (rc != MQ_OK)
		return rc;
	if (reports.runs > 0)
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "reports", NULL, "%d can run here",
			      reports.runs);
	else if (reports.files == 0)
		mq_doctor_say(doctor, MQ_DOCTOR_WARN, "reports",
			      "install the program as a whole, or set data.reports_dir",
			      "no report files in %s", dirs[0]);
	return MQ_OK;
}

/* NULL where the error's own text says it. */
static const char *todo_for(enum mq_rc rc)
{
	if (rc == MQ_E_NOTFOUND)
		return "mq-worker init";
	if (rc == MQ_E_CORRUPT)
		return "name the right key in database.key_file, or restore a backup";
	return NULL;
}

void mq_doctor_queue(struct mq_doctor *doctor)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	const struct mq_cmd cmd = { .config = doctor->config };
	struct mq_queue_facts facts;
	struct mq_err err = { 0 };
	if (mq_cmd_queue(&cmd, true, &queue, &err) != MQ_OK) {
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "queue", todo_for(err.rc), "%s", err.text);
		return;
	}
	enum mq_rc rc = mq_queue_facts(queue, &facts, &err);
	if (rc == MQ_OK) {
		check_journal(doctor, &facts);
		check_cipher(doctor, &facts);
		check_schema(doctor, &facts);
		rc = check_work(doctor, queue, &err);
	}
	if (rc == MQ_OK)
		rc = check_reports(doctor, queue, &err);
	if (rc != MQ_OK)
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "queue", NULL, "%s", err.text);
}
