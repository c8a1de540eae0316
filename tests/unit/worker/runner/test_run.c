/* What a handler meets: one attempt with a queue, a supervisor's channel and a clock that the test
 * moves. */
#include "support/cmocka_all.h"

#include "attempt.h"

#include <unit/queue/scratch.h>

#include <fcntl.h>
#include <mq/clock.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t mono_us;

static int64_t test_mono(void)
{
	return mono_us;
}

static int64_t test_wall(void)
{
	return INT64_C(1762171200000000) + mono_us;
}

static const struct mq_clock test_clock = { test_wall, test_mono };

struct fixture {
	char *database, *dir;
	struct mq_config config;
	struct mq_control control;
	int supervisor_fd;
	struct mq_run_env env;
	struct mq_queue *other; /* somebody else's connection */
	struct mq_job *job;
	struct mq_run *run;
	struct mq_err err;
};

static bool any(void *ctx, const char *kind)
{
	(void)ctx;
	(void)kind;
	return true;
}

static void claim(struct fixture *f)
{
	const struct mq_worker worker = { .pid = 1,
					  .host = "h",
					  .boot_id = "b",
					  .version = "1",
					  .kinds = "[]",
					  .started_at_us = 1 };
	struct mq_claim claim = { .serves = any, .max = 1 };
	size_t n = 0;
	int64_t id = 0;

	assert_int_equal(mq_queue_worker_add(f->env.queue, &worker, &claim.worker_id, &f->err),
			 MQ_OK);
	assert_int_equal(
		mq_queue_enqueue(f->env.queue, &(struct mq_job_new){ .kind = "k" }, &id, &f->err),
		MQ_OK);
	assert_int_equal(mq_queue_turn(f->env.queue, NULL, 0, &claim, &f->job, &n, &f->err), MQ_OK);
	assert_int_equal(n, 1);
}

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);
	int pair[2];

	mono_us = 1000000000;
	mq_clock_use(&test_clock);
	f->database = scratch_make();
	f->dir = mq_strf("%.*s", (int)(strrchr(f->database, '/') - f->database), f->database);
	f->config.temp_dir = mq_strf("%s/temp", f->dir);
	f->config.exports_dir = mq_strf("%s/exports", f->dir);
	assert_int_equal(mkdir(f->config.exports_dir, 0755), 0);
	assert_int_equal(mq_channel_pair(pair, &f->err), MQ_OK);
	f->control.fd = pair[0];
	f->supervisor_fd = pair[1];
	f->env = (struct mq_run_env){ .config = &f->config, .control = &f->control };
	f->env.queue = scratch_queue(f->database, 0);
	f->other = scratch_queue(f->database, 0);
	claim(f);
	mq_control_started(&f->control, f->job->id, 0);
	f->run = mq_run_begin(&f->env, f->job);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	mq_run_free(f->run);
	mq_job_free(f->job);
	mq_queue_close(f->env.queue);
	mq_queue_close(f->other);
	close(f->control.fd);
	if (f->supervisor_fd >= 0)
		close(f->supervisor_fd);
	scratch_remove(f->database);
	free((void *)(uintptr_t)f->config.temp_dir);
	free((void *)(uintptr_t)f->config.exports_dir);
	free(f->dir);
	free(f->database);
	free(f);
	mq_clock_use(NULL);
	return 0;
}

static void stop(struct fixture *f, enum mq_stop_reason reason)
{
	const struct mq_msg msg = { .type = MQ_MSG_STOP_JOB, .a = f->job->id, .b = reason };

	assert_int_equal(mq_channel_send(f->supervisor_fd, &msg, &f->err), MQ_OK);
}

static enum mq_rc beat_after(struct fixture *f, int64_t ms)
{
	mono_us += ms * 1000;
	return mq_run_beat(f->run, 0, 0, NULL, &f->err);
}

static void a_stop_of_the_supervisor_reaches_the_next_beat_and_stays(void **state)
{
	static const struct {
		enum mq_stop_reason reason;
		enum mq_rc want;
	} stops[] = {
		{ MQ_STOP_DRAIN, MQ_E_INTERRUPTED },
		{ MQ_STOP_TIMEOUT, MQ_E_TIMEOUT },
		{ MQ_STOP_CANCEL, MQ_E_CANCELLED },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
		mq_control_started(&f->control, f->job->id, 0);
		MQ_AUTO(mq_run) struct mq_run *run = mq_run_begin(&f->env, f->job);

		mono_us += 10000;
		assert_int_equal(mq_run_beat(run, 0, 0, NULL, &f->err), MQ_OK);
		stop(f, stops[i].reason);
		mono_us += 10000;
		assert_int_equal(mq_run_beat(run, 0, 0, NULL, &f->err), stops[i].want);
		assert_true(strlen(f->err.text) > 0);
		assert_int_equal(mq_run_beat(run, 0, 0, NULL, &f->err), stops[i].want);
		assert_int_equal(mq_run_stop_rc(run), stops[i].want);
	}
}

static void a_supervisor_that_is_gone_interrupts(void **state)
{
	struct fixture *f = *state;

	close(f->supervisor_fd);
	f->supervisor_fd = -1;
	assert_int_equal(beat_after(f, 10), MQ_E_INTERRUPTED);
}

static void a_cancel_in_the_database_is_seen_within_250_ms(void **state)
{
	struct fixture *f = *state;
	enum mq_status before;

	assert_int_equal(mq_queue_cancel(f->other, f->job->id, &before, &f->err), MQ_OK);
	assert_int_equal(beat_after(f, 249), MQ_OK);
	assert_int_equal(beat_after(f, 10), MQ_E_CANCELLED);
}

static void take_away(const struct fixture *f)
{
	sqlite3 *db = scratch_connect(f->database);

	scratch_exec(db, "UPDATE jobs SET token = token + 1");
	sqlite3_close(db);
}

static void a_job_that_was_taken_away_stops_and_publishes_nothing(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_sink) struct mq_sink *sink = NULL;
	const struct mq_storage_put how = { .mode = 0644 };
	MQ_AUTO_FREE char *path = mq_strf("%s/report.csv", f->config.exports_dir);

	assert_int_equal(mq_run_put(f->run, MQ_ROOT_EXPORTS, "report.csv", &how, &sink, &f->err),
			 MQ_OK);
	assert_int_equal(mq_sink_puts(sink, "data", &f->err), MQ_OK);
	take_away(f);
	assert_int_equal(mq_sink_finish(sink, &f->err), MQ_E_STALE);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(mq_run_stop_rc(f->run), MQ_E_STALE);
	assert_int_equal(beat_after(f, 0), MQ_E_STALE);
}

static void what_is_published_stands_under_its_name(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_sink) struct mq_sink *sink = NULL;
	const struct mq_storage_put how = { .mode = 0644 };
	MQ_AUTO_FREE char *path = mq_strf("%s/2025/report.csv", f->config.exports_dir);

	assert_int_equal(
		mq_run_put(f->run, MQ_ROOT_EXPORTS, "2025/report.csv", &how, &sink, &f->err),
		MQ_OK);
	assert_int_equal(mq_sink_puts(sink, "data", &f->err), MQ_OK);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(mq_sink_finish(sink, &f->err), MQ_OK);
	assert_int_equal(access(path, F_OK), 0);
}

static int64_t progress_of(const struct fixture *f)
{
	sqlite3 *db = scratch_connect(f->database);
	int64_t percent = scratch_int(db, "SELECT coalesce(progress, -1) FROM jobs");

	sqlite3_close(db);
	return percent;
}

static void progress_is_written_at_most_once_a_second_and_only_when_it_changed(void **state)
{
	struct fixture *f = *state;
	bool changed = false;

	for (int ms = 0; ms < 990; ms += 10) {
		mono_us += 10000;
		assert_int_equal(mq_run_beat(f->run, ms, 10000, "rows", &f->err), MQ_OK);
	}
	assert_int_equal(progress_of(f), -1);
	mono_us += 10000;
	assert_int_equal(mq_run_beat(f->run, 1000, 10000, "rows", &f->err), MQ_OK);
	assert_int_equal(progress_of(f), 10);
	assert_int_equal(mq_queue_changed(f->other, &changed, &f->err), MQ_OK);
	for (int i = 0; i < 50; i++) {
		mono_us += 100000;
		assert_int_equal(mq_run_beat(f->run, 1001, 10000, "rows", &f->err), MQ_OK);
	}
	assert_int_equal(mq_queue_changed(f->other, &changed, &f->err), MQ_OK);
	assert_false(changed);
}

static void strange_progress_stays_within_bounds(void **state)
{
	static const struct {
		int64_t done, total, want;
	} cases[] = {
		{ 5, 10, 50 },	     { 20, 10, 100 },
		{ -5, 10, -1 },	     { 5, 0, -1 },
		{ 5, -7, -1 },	     { INT64_MAX, INT64_MAX, 100 },
		{ 0, INT64_MAX, 0 }, { INT64_MAX / 2, INT64_MAX, 50 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		MQ_AUTO_FREE char *note = mq_strf("case %zu", i);

		mono_us += 1000000;
		assert_int_equal(mq_run_beat(f->run, cases[i].done, cases[i].total, note, &f->err),
				 MQ_OK);
		assert_int_equal(progress_of(f), cases[i].want);
	}
}

static void a_long_note_is_cut_between_characters(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_job) struct mq_job *job = NULL;
	struct mq_str note = { 0 };

	/* Two bytes each, so that a cut at 199 bytes would halve one. */
	for (int i = 0; i < 300; i++)
		mq_str_puts(&note, "\xc3\xa4");
	mono_us += 1000000;
	assert_int_equal(mq_run_beat(f->run, 0, 0, note.data, &f->err), MQ_OK);
	mq_str_free(&note);
	assert_int_equal(mq_queue_get(f->other, f->job->id, &job, &f->err), MQ_OK);
	assert_int_equal(strlen(job->progress_note) % 2, 0);
	assert_in_range(strlen(job->progress_note), 190, 199);
}

static void a_statement_on_the_snapshot_ends_when_the_job_is_stopped(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *db = NULL;

	assert_int_equal(mq_run_snapshot(f->run, &db, &f->err), MQ_OK);
	stop(f, MQ_STOP_TIMEOUT);
	mono_us += 10000;
	/* Endless if it were not ended. */
	assert_int_equal(
		sqlite3_exec(db,
			     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
			     "SELECT count(*) FROM n",
			     NULL, NULL, NULL),
		SQLITE_INTERRUPT);
	assert_int_equal(mq_run_db_error(f->run, &f->err, "count"), MQ_E_TIMEOUT);
}

static void the_snapshot_reads_one_state_and_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *db = NULL, *again = NULL;
	int64_t id = 0;

	assert_int_equal(mq_run_snapshot(f->run, &db, &f->err), MQ_OK);
	assert_int_equal(
		mq_queue_enqueue(f->other, &(struct mq_job_new){ .kind = "k" }, &id, &f->err),
		MQ_OK);
	assert_int_equal(mq_run_snapshot(f->run, &again, &f->err), MQ_OK);
	assert_ptr_equal(db, again);
	assert_int_equal(scratch_int(db, "SELECT count(*) FROM jobs"), 1);
	assert_int_not_equal(sqlite3_exec(db, "DELETE FROM jobs", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(mq_run_db_error(f->run, &f->err, "delete"), MQ_OK);
	assert_non_null(strstr(f->err.text, "delete: "));
}

static void the_work_directory_lives_as_long_as_the_handler(void **state)
{
	struct fixture *f = *state;
	const char *path = NULL, *again = NULL;

	assert_int_equal(mq_run_workdir(f->run, &path, &f->err), MQ_OK);
	assert_int_equal(mq_run_workdir(f->run, &again, &f->err), MQ_OK);
	assert_ptr_equal(path, again);
	MQ_AUTO_FREE char *kept = mq_strdup(path);
	MQ_AUTO_FREE char *file = mq_strf("%s/file", path);
	int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
	mq_run_finish(f->run);
	assert_int_not_equal(access(kept, F_OK), 0);
}

static void a_root_that_is_not_there_is_named(void **state)
{
	struct fixture *f = *state;
	struct mq_storage *storage = NULL;
	MQ_AUTO_FREE char *path = mq_strf("%s/nothing", f->dir);

	f->config.backups_dir = path;
	assert_int_not_equal(mq_run_storage(f->run, MQ_ROOT_BACKUPS, &storage, &f->err), MQ_OK);
	assert_non_null(strstr(f->err.text, path));
}

static void the_last_result_counts(void **state)
{
	struct fixture *f = *state;

	assert_null(mq_run_result_text(f->run));
	mq_run_result(f->run, json_pack("{s:i}", "rows", 1));
	mq_run_result(f->run, json_pack("{s:i, s:s}", "rows", 2, "path", "exports/a.csv"));
	MQ_AUTO_FREE char *text = mq_run_result_text(f->run);

	assert_string_equal(text, "{\"path\":\"exports/a.csv\",\"rows\":2}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stop_of_the_supervisor_reaches_the_next_beat_and_stays),
		TEST(a_supervisor_that_is_gone_interrupts),
		TEST(a_cancel_in_the_database_is_seen_within_250_ms),
		TEST(a_job_that_was_taken_away_stops_and_publishes_nothing),
		TEST(what_is_published_stands_under_its_name),
		TEST(progress_is_written_at_most_once_a_second_and_only_when_it_changed),
		TEST(strange_progress_stays_within_bounds),
		TEST(a_long_note_is_cut_between_characters),
		TEST(a_statement_on_the_snapshot_ends_when_the_job_is_stopped),
		TEST(the_snapshot_reads_one_state_and_writes_nothing),
		TEST(the_work_directory_lives_as_long_as_the_handler),
		TEST(a_root_that_is_not_there_is_named),
		TEST(the_last_result_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
