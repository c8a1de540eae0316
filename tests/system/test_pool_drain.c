/* A pool that works a queue off and ends. */
#include "cmocka_all.h"

#include "world.h"

#include <fcntl.h>
#include <mq/str.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A second attempt comes soon enough for a test. */
#define QUICK "[kind.test.*]\nbackoff = 1ms..5ms\n"

static int drain(const struct world *world, const char *workers)
{
	return proc_wait(proc_start(world, "run", "--drain", "--workers", workers, NULL));
}

static int64_t count(const struct world *world, const char *status)
{
	return world_int(world, "SELECT count(*) FROM jobs WHERE status = '%s'", status);
}

static void assert_each_once(const struct world *world, int jobs)
{
	assert_int_equal(count(world, "succeeded"), jobs);
	assert_int_equal(world_int(world, "SELECT count(*) FROM test_effects"), jobs);
	assert_int_equal(world_int(world, "SELECT count(DISTINCT job_id) FROM test_effects"), jobs);
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_attempts"), jobs);
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_workers"), 0);
}

static void eight_workers_do_4000_jobs_exactly_once(void **state)
{
	struct world *world = world_new(NULL);

	(void)state;
	world_enqueue_many(world, "test.effect", 4000);
	assert_int_equal(drain(world, "8"), 0);
	assert_each_once(world, 4000);
	/* Nobody was left without work. */
	assert_int_equal(world_int(world, "SELECT count(DISTINCT worker_id) FROM mq_attempts"), 8);
	world_free(world);
}

static void two_pools_on_one_file_share_the_work(void **state)
{
	struct world *world = world_new(NULL);
	const char *block = "{\"fifo\":\"%FIFO%\",\"release\":\"%RELEASE%\"}";

	(void)state;
	/* One job each holds both pools until both take part. */
	for (int i = 0; i < 2; i++)
		world_enqueue(world, "test.block", block);
	struct proc *one = proc_start(world, "run", "--drain", "--workers", "1", NULL);
	struct proc *two = proc_start(world, "run", "--drain", "--workers", "1", NULL);
	pid_t first = world_announced(world).pid, second = world_announced(world).pid;

	assert_int_not_equal(first, second);
	world_enqueue_many(world, "test.effect", 2000);
	world_release(world, 2);
	assert_int_equal(proc_wait(one), 0);
	assert_int_equal(proc_wait(two), 0);
	assert_each_once(world, 2002);
	assert_true(world_int(world, "SELECT min(n) FROM (SELECT count(*) AS n FROM mq_attempts "
				     "GROUP BY worker_id)") > 100);
	world_free(world);
}

static void four_workers_drain_10000_jobs(void **state)
{
	struct world *world = world_new(NULL);

	(void)state;
	world_enqueue_many(world, "test.noop", 10000);
	assert_int_equal(drain(world, "4"), 0);
	assert_int_equal(count(world, "succeeded"), 10000);
	assert_int_equal(
		world_int(world, "SELECT count(*) FROM mq_attempts WHERE outcome <> 'succeeded'"),
		0);
	/* The application's automatic checkpoint must not have been needed: 1000 pages of 4 KiB and
	 * their headers. */
	MQ_AUTO_FREE char *wal = mq_strf("%s-wal", world->database);
	struct stat st;

	if (stat(wal, &st) == 0)
		print_message("wal: %lld KiB\n", (long long)st.st_size / 1024);
	MQ_AUTO_FREE char *integrity = world_text(world, "PRAGMA integrity_check");

	assert_string_equal(integrity, "ok");
	world_free(world);
}

static void a_kind_that_nobody_knows_waits_and_blocks_nobody(void **state)
{
	struct world *world = world_new(NULL);

	(void)state;
	world_sql(world, "INSERT INTO jobs (kind, priority) VALUES ('nobody.knows', 1000)");
	world_enqueue(world, "test.effect", "{}");
	assert_int_equal(drain(world, "2"), 0);
	assert_int_equal(count(world, "succeeded"), 1);
	assert_int_equal(count(world, "queued"), 1);
	assert_int_equal(world_int(world, "SELECT attempt FROM jobs WHERE kind = 'nobody.knows'"),
			 0);
	world_free(world);
}

static void only_the_named_kinds_are_taken(void **state)
{
	struct world *world = world_new(NULL);

	(void)state;
	world_enqueue(world, "test.effect", "{}");
	world_enqueue(world, "test.noop", "{}");
	assert_int_equal(proc_wait(proc_start(world, "run", "--drain", "--only", "test.e*", NULL)),
			 0);
	assert_int_equal(
		world_int(
			world,
			"SELECT count(*) FROM jobs WHERE kind = 'test.noop' AND status = 'queued'"),
		1);
	assert_int_equal(
		proc_wait(proc_start(world, "run", "--drain", "--except", "test.e*", NULL)), 0);
	assert_int_equal(count(world, "succeeded"), 2);
	world_free(world);
}

static const struct {
	const char *kind, *payload, *status;
	int attempts, failed;
	const char *error; /* part of it */
} ends[] = {
	{ "test.fail", "{\"rc\":\"io\",\"times\":2}", "succeeded", 3, 2, NULL },
	{ "test.fail", "{\"rc\":\"io\"}", "failed", 4, 4, "told to fail with 'io'" },
	{ "test.fail", "{\"rc\":\"invalid\"}", "failed", 1, 1, "told to fail" },
	{ "test.fail", "{\"rc\":\"io\",\"silent\":true}", "failed", 4, 4, "gave no reason" },
	{ "test.fail", "{\"rc\":\"interrupted\"}", "failed", 1, 1, "nobody asked" },
	{ "test.fail", "{\"rd\":\"io\"}", "failed", 1, 1, "rc" },
	{ "test.fail", "{\"rc\":7}", "failed", 1, 1, "rc" },
	{ "test.effect", "{\"sql\":\"INSERT INTO nowhere VALUES (1)\"}", "failed", 3, 3,
	  "nowhere" },
	{ "test.effect",
	  "{\"sql\":\"INSERT INTO bookings SELECT NULL, 1 UNION ALL SELECT 1, 1 UNION ALL SELECT "
	  "1, 1\"}",
	  "failed", 1, 1, "UNIQUE" },
};

static void each_attempt_ends_as_its_kind_of_error_says(void **state)
{
	struct world *world = world_new(QUICK);

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		world_enqueue(world, ends[i].kind, ends[i].payload);
	assert_int_equal(drain(world, "2"), 0);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		int id = (int)i + 1;
		MQ_AUTO_FREE char *status =
			world_text(world, "SELECT status FROM jobs WHERE id = %d", id);
		MQ_AUTO_FREE char *error =
			world_text(world, "SELECT error FROM jobs WHERE id = %d", id);

		print_message("%s %s: %s\n", ends[i].kind, ends[i].payload, error ?: "-");
		assert_string_equal(status, ends[i].status);
		assert_int_equal(world_int(world, "SELECT attempt FROM jobs WHERE id = %d", id),
				 ends[i].attempts);
		assert_int_equal(world_int(world,
					   "SELECT count(*) FROM mq_attempts WHERE job_id = %d AND "
					   "outcome = 'failed'",
					   id),
				 ends[i].failed);
		if (ends[i].error)
			assert_non_null(strstr(error, ends[i].error));
	}
	/* Effects that were refused left nothing, not even the statements before them. */
	assert_int_equal(world_int(world, "SELECT count(*) FROM test_effects"), 0);
	assert_int_equal(world_int(world, "SELECT count(*) FROM bookings"), 0);
	world_free(world);
}

static void an_attempt_tells_what_it_cost(void **state)
{
	struct world *world = world_new(NULL);

	(void)state;
	world_enqueue(world, "test.spin", "{\"ms\":50}");
	assert_int_equal(drain(world, "1"), 0);
	assert_int_equal(world_int(world, "SELECT cpu_s > 0.001 AND cpu_s < 60 FROM mq_attempts"),
			 1);
	assert_int_equal(world_int(world, "SELECT peak_kb > 500 FROM mq_attempts"), 1);
	world_free(world);
}

static char *read_all(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	struct stat st;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	char *data = mq_alloc((size_t)st.st_size + 1, 1);

	assert_int_equal(fread(data, 1, (size_t)st.st_size, file), (size_t)st.st_size);
	fclose(file);
	*ret_size = (size_t)st.st_size;
	return data;
}

static void refuses_and_leaves_alone(const char *what, const void *data, size_t size)
{
	struct world *world = world_new(NULL);
	MQ_AUTO_FREE char *path = mq_strf("%s/data/broken.db", world->dir);
	MQ_AUTO_FREE char *setting = mq_strf("database.url=sqlite:///%s", path);
	FILE *file = fopen(path, "wb");
	size_t after_size = 0;

	print_message("%s\n", what);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	struct proc *proc = proc_start(world, "--set", setting, "run", "--drain", NULL);
	int status = proc_wait(proc);

	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 0);
	MQ_AUTO_FREE char *after = read_all(path, &after_size);

	assert_int_equal(after_size, size);
	assert_memory_equal(after, data, size);
	MQ_AUTO_FREE char *wal = mq_strf("%s-wal", path);

	assert_int_not_equal(access(wal, F_OK), 0);
	world_free(world);
}

static void a_damaged_database_is_refused_and_not_touched(void **state)
{
	struct world *world = world_new(NULL);
	size_t size = 0;

	(void)state;
	world_sql(world, "PRAGMA wal_checkpoint(TRUNCATE)");
	MQ_AUTO_FREE char *good = read_all(world->database, &size);
	MQ_AUTO_FREE char *bad = mq_alloc(size, 1);

	world_free(world);
	refuses_and_leaves_alone("text", "this is no database, only some text that is long enough",
				 55);
	refuses_and_leaves_alone("the header alone", good, 100);
	memcpy(bad, good, size);
	memset(bad, 0xa5, 16);
	refuses_and_leaves_alone("a wrong magic", bad, size);
	memcpy(bad, good, size);
	memset(bad + 100, 0xa5, size - 100);
	refuses_and_leaves_alone("rubbish behind the header", bad, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_workers_do_4000_jobs_exactly_once),
		cmocka_unit_test(two_pools_on_one_file_share_the_work),
		cmocka_unit_test(four_workers_drain_10000_jobs),
		cmocka_unit_test(a_kind_that_nobody_knows_waits_and_blocks_nobody),
		cmocka_unit_test(only_the_named_kinds_are_taken),
		cmocka_unit_test(each_attempt_ends_as_its_kind_of_error_says),
		cmocka_unit_test(an_attempt_tells_what_it_cost),
		cmocka_unit_test(a_damaged_database_is_refused_and_not_touched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
