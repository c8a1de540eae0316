/* Workers that die in the middle of a job. */
#include "cmocka_all.h"

#include "world.h"

#include <dirent.h>
#include <mq/str.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define BLOCK "{\"fifo\":\"%FIFO%\",\"release\":\"%RELEASE%\"}"

static struct proc *start_ready(const struct world *world)
{
	struct proc *proc = proc_start(world, "run", "--workers", "2", NULL);

	proc_await_notice(proc, "READY=1");
	return proc;
}

static void a_job_whose_worker_is_killed_runs_again_at_once(void **state)
{
	struct world *world = world_new("[pool]\ndrain_s = 1h\n");

	(void)state;
	world_enqueue(world, "test.block", BLOCK);
	struct proc *proc = start_ready(world);
	struct announcement first = world_announced(world);

	assert_int_equal(first.attempt, 1);
	kill(first.pid, SIGKILL);
	struct announcement second = world_announced(world);

	assert_int_equal(second.job, first.job);
	assert_int_equal(second.attempt, 2);
	assert_int_not_equal(second.pid, first.pid);
	world_release(world, 1);
	world_await(world, 1, "SELECT count(*) FROM jobs WHERE status = 'succeeded'");
	assert_int_equal(world_int(world, "SELECT signal FROM mq_attempts WHERE attempt = 1"),
			 SIGKILL);
	MQ_AUTO_FREE char *outcome =
		world_text(world, "SELECT outcome FROM mq_attempts WHERE attempt = 1");

	assert_string_equal(outcome, "crashed");
	assert_int_equal(world_int(world, "SELECT count(*) FROM test_effects WHERE attempt = 2"),
			 1);
	/* The pool is whole again. */
	world_await(world, 2, "SELECT count(*) FROM mq_workers");
	assert_int_equal(proc_stop(proc), 0);
	world_free(world);
}

static const struct {
	const char *payload;
	int signal, exit_status;
	const char *error; /* part of it */
} poisons[] = {
	{ "{\"signal\":11}", 11, -1, "11" },
	{ "{\"signal\":6}", 6, -1, "6" },
	{ "{\"signal\":0,\"status\":3}", 0, 3, "3" },
};

static void the_third_crash_fails_the_job(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof poisons / sizeof poisons[0]; i++) {
		struct world *world = world_new(NULL);

		print_message("%s\n", poisons[i].payload);
		world_enqueue(world, "test.crash", poisons[i].payload);
		assert_int_equal(
			proc_wait(proc_start(world, "run", "--drain", "--workers", "1", NULL)), 0);
		MQ_AUTO_FREE char *status = world_text(world, "SELECT status FROM jobs");
		MQ_AUTO_FREE char *error = world_text(world, "SELECT error FROM jobs");

		assert_string_equal(status, "failed");
		assert_non_null(strstr(error, poisons[i].error));
		assert_int_equal(
			world_int(world,
				  "SELECT count(*) FROM mq_attempts WHERE outcome = 'crashed'"),
			3);
		assert_int_equal(
			world_int(world,
				  "SELECT count(*) FROM mq_attempts WHERE coalesce(signal, 0) = %d "
				  "AND coalesce(exit_status, -1) = %d",
				  poisons[i].signal, poisons[i].exit_status),
			3);
		world_free(world);
	}
}

static void two_crashes_are_forgiven(void **state)
{
	struct world *world = world_new(NULL);

	(void)state;
	world_enqueue(world, "test.crash", "{\"signal\":9,\"times\":2}");
	assert_int_equal(proc_wait(proc_start(world, "run", "--drain", NULL)), 0);
	assert_int_equal(
		world_int(world,
			  "SELECT count(*) FROM jobs WHERE status = 'succeeded' AND attempt = 3"),
		1);
	world_free(world);
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n == 2;
}

static void what_a_crashed_attempt_left_is_removed(void **state)
{
	struct world *world = world_new(NULL);
	MQ_AUTO_FREE char *processing = mq_strf("%s/data/temp/processing", world->dir);

	(void)state;
	world_enqueue(world, "test.leak", "{\"signal\":9,\"times\":1}");
	assert_int_equal(proc_wait(proc_start(world, "run", "--drain", NULL)), 0);
	assert_int_equal(
		world_int(world,
			  "SELECT count(*) FROM jobs WHERE status = 'succeeded' AND attempt = 2"),
		1);
	assert_true(is_empty(processing));
	world_free(world);
}

static void a_deaf_job_past_its_time_is_killed_with_its_tool(void **state)
{
	struct world *world =
		world_new("[kind.test.deaf]\ntimeout_s = 100ms\nbackoff = 1ms..2ms\n");

	(void)state;
	world_enqueue(world, "test.deaf", "{\"fifo\":\"%FIFO%\"}");
	struct proc *proc = start_ready(world);

	for (int attempt = 1; attempt <= 3; attempt++) {
		struct announcement got = world_announced(world);
		int tool_fd = pidfd_open(got.tool, 0);
		struct pollfd end = { .fd = tool_fd, .events = POLLIN };

		assert_int_equal(got.attempt, attempt);
		/* It may be gone already on a machine that stood still. */
		if (tool_fd >= 0) {
			assert_int_equal(poll(&end, 1, WORLD_PATIENCE_MS), 1);
			close(tool_fd);
		}
	}
	world_await(world, 1, "SELECT count(*) FROM jobs WHERE status = 'failed'");
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_attempts WHERE outcome = "
					  "'timeout' AND signal = 9"),
			 3);
	assert_int_equal(proc_stop(proc), 0);
	world_free(world);
}

static void a_job_that_listens_ends_by_itself_when_its_time_is_over(void **state)
{
	struct world *world = world_new("[kind.test.*]\ntimeout_s = 50ms\nbackoff = 1ms..2ms\n");

	(void)state;
	world_enqueue(world, "test.spin", "{\"ms\":3600000}");
	assert_int_equal(proc_wait(proc_start(world, "run", "--drain", NULL)), 0);
	assert_int_equal(world_int(world, "SELECT count(*) FROM jobs WHERE status = 'failed'"), 1);
	assert_int_equal(world_int(world,
				   "SELECT count(*) FROM mq_attempts WHERE outcome = 'timeout' AND "
				   "signal IS NULL"),
			 3);
	/* No worker had to die for it. */
	assert_int_equal(
		world_int(world,
			  "SELECT max(worker_id) <= (SELECT seq FROM sqlite_sequence WHERE name = "
			  "'mq_workers') FROM mq_attempts"),
		1);
	world_free(world);
}

static void nothing_outlives_a_killed_supervisor(void **state)
{
	struct world *world = world_new("[pool]\ndrain_s = 1h\n");

	(void)state;
	world_enqueue(world, "test.block", BLOCK);
	struct proc *proc = start_ready(world);

	world_announced(world);
	/* Waits for the end of each of its processes. */
	proc_kill_pool(proc);
	proc = start_ready(world);
	assert_int_equal(world_announced(world).attempt, 2);
	world_release(world, 1);
	world_await(world, 1, "SELECT count(*) FROM jobs WHERE status = 'succeeded'");
	assert_int_equal(proc_stop(proc), 0);
	world_free(world);
}

static void another_pool_takes_over_what_a_killed_pool_held(void **state)
{
	struct world *world = world_new("[pool]\ndrain_s = 1h\n");

	(void)state;
	world_enqueue(world, "test.block", BLOCK);
	struct proc *one = start_ready(world);

	world_announced(world);
	struct proc *two = start_ready(world);

	proc_kill_pool(one);
	assert_int_equal(world_announced(world).attempt, 2);
	world_release(world, 1);
	world_await(world, 1, "SELECT count(*) FROM jobs WHERE status = 'succeeded'");
	assert_int_equal(proc_stop(two), 0);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_whose_worker_is_killed_runs_again_at_once),
		cmocka_unit_test(the_third_crash_fails_the_job),
		cmocka_unit_test(two_crashes_are_forgiven),
		cmocka_unit_test(what_a_crashed_attempt_left_is_removed),
		cmocka_unit_test(a_deaf_job_past_its_time_is_killed_with_its_tool),
		cmocka_unit_test(a_job_that_listens_ends_by_itself_when_its_time_is_over),
		cmocka_unit_test(nothing_outlives_a_killed_supervisor),
		cmocka_unit_test(another_pool_takes_over_what_a_killed_pool_held),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
