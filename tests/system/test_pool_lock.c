/* An application that keeps the write lock for long: the pool waits and goes on. */
#include "cmocka_all.h"

#include "world.h"

#include <mq/clock.h>
#include <mq/str.h>
#include <poll.h>
#include <stdlib.h>

static int lock_ms(void)
{
	const char *text = getenv("MQ_LOCK_S");

	return (text ? atoi(text) : 2) * 1000;
}

/* Keeps the lock for its time. The time is the point of the test, not a wait for something. */
static void hold(const struct world *world)
{
	world_sql(world, "BEGIN IMMEDIATE");
	poll(NULL, 0, lock_ms());
	world_sql(world, "COMMIT");
}

static void a_lock_while_the_queue_is_idle_delays_and_breaks_nothing(void **state)
{
	struct world *world = world_new(NULL);

	(void)state;
	struct proc *proc = proc_start(world, "run", "--workers", "4", NULL);

	proc_await_notice(proc, "READY=1");
	hold(world);
	world_enqueue_many(world, "test.effect", 50);
	world_await(world, 50, "SELECT count(*) FROM jobs WHERE status = 'succeeded'");
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_attempts"), 50);
	assert_int_equal(proc_stop(proc), 0);
	world_free(world);
}

static void a_lock_while_jobs_end_delays_their_settle_and_loses_none(void **state)
{
	struct world *world = world_new("[pool]\ndrain_s = 1h\n");

	(void)state;
	for (int i = 0; i < 4; i++)
		world_enqueue(world, "test.block",
			      "{\"fifo\":\"%FIFO%\",\"release\":\"%RELEASE%\"}");
	struct proc *proc = proc_start(world, "run", "--workers", "4", NULL);

	for (int i = 0; i < 4; i++)
		world_announced(world);
	world_sql(world, "BEGIN IMMEDIATE");
	world_release(world, 4);
	poll(NULL, 0, lock_ms());
	assert_int_equal(world_int(world, "SELECT count(*) FROM jobs WHERE status = 'running'"), 4);
	world_sql(world, "COMMIT");
	world_await(world, 4, "SELECT count(*) FROM jobs WHERE status = 'succeeded'");
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_attempts"), 4);
	assert_int_equal(world_int(world, "SELECT count(*) FROM test_effects"), 4);
	/* Nobody lost patience and was replaced. */
	assert_int_equal(world_int(world, "SELECT max(id) FROM mq_workers"), 4);
	assert_int_equal(proc_stop(proc), 0);
	world_free(world);
}

static void a_pool_starts_while_another_writer_holds_the_lock(void **state)
{
	struct world *world = world_new(NULL);

	(void)state;
	world_enqueue(world, "test.effect", "{}");
	world_sql(world, "BEGIN IMMEDIATE");
	struct proc *proc = proc_start(world, "run", "--drain", NULL);

	poll(NULL, 0, lock_ms());
	world_sql(world, "COMMIT");
	assert_int_equal(proc_wait(proc), 0);
	assert_int_equal(world_int(world, "SELECT count(*) FROM test_effects"), 1);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_while_the_queue_is_idle_delays_and_breaks_nothing),
		cmocka_unit_test(a_lock_while_jobs_end_delays_their_settle_and_loses_none),
		cmocka_unit_test(a_pool_starts_while_another_writer_holds_the_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
