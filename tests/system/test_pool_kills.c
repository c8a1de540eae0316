/*
 * SIGKILL of the whole pool at random moments, again and again: no job is lost and none ends twice.
 * MQ_KILLS: how often (50). MQ_SEED: of the moments, to repeat a run.
 */
#include "cmocka_all.h"

#include "world.h"

#include <mq/clock.h>
#include <mq/str.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS_EACH 40

static unsigned seed;

static int number(const char *name, int standard)
{
	const char *text = getenv(name);

	return text ? atoi(text) : standard;
}

static void assert_consistent(const struct world *world)
{
	/* An effect commits with its settle: as many as succeeded, one a job. */
	assert_int_equal(world_int(world, "SELECT count(*) FROM test_effects"),
			 world_int(world, "SELECT count(*) FROM jobs WHERE status = 'succeeded'"));
	assert_int_equal(
		world_int(world, "SELECT count(*) - count(DISTINCT job_id) FROM test_effects"), 0);
	assert_int_equal(world_int(world, "SELECT count(*) FROM jobs WHERE status NOT IN "
					  "('queued', 'running', 'succeeded')"),
			 0);
}

/*
 * By chance the pool can die three times while it runs the same job, which then rightly counts as
 * one that kills its workers: the base of the count moves on, so that only losses and doubles fail
 * the test.
 */
static void forgive(const struct world *world)
{
	world_sql(world,
		  "UPDATE jobs SET base_attempt = attempt WHERE status IN ('queued', 'running')");
}

static void no_job_is_lost_and_none_ends_twice_however_often_the_pool_is_killed(void **state)
{
	struct world *world = world_new(NULL);
	int kills = number("MQ_KILLS", 50), done_in_between = 0;

	(void)state;
	seed = (unsigned)number("MQ_SEED", (int)getpid());
	print_message("MQ_SEED=%u\n", seed);
	for (int i = 0; i < kills; i++) {
		int64_t before = world_int(world, "SELECT count(*) FROM test_effects");

		world_enqueue_many(world, "test.effect", JOBS_EACH);
		struct proc *proc = proc_start(world, "run", "--workers", "3", NULL);

		/* From before the first fork to long after the last job: the moment is the input of
		 * this test. */
		poll(NULL, 0, rand_r(&seed) % 120);
		proc_kill_pool(proc);
		assert_consistent(world);
		done_in_between += world_int(world, "SELECT count(*) FROM test_effects") > before;
		forgive(world);
	}
	print_message("%d of %d kills came after some work was done\n", done_in_between, kills);
	assert_int_equal(proc_wait(proc_start(world, "run", "--drain", NULL)), 0);
	assert_consistent(world);
	assert_int_equal(world_int(world, "SELECT count(*) FROM test_effects"), kills * JOBS_EACH);
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_workers"), 0);
	MQ_AUTO_FREE char *integrity = world_text(world, "PRAGMA integrity_check");

	assert_string_equal(integrity, "ok");
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			no_job_is_lost_and_none_ends_twice_however_often_the_pool_is_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
