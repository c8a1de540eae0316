/* What a running pool does with signals. */
#include "cmocka_all.h"

#include "world.h"

#include <mq/str.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define BLOCK "{\"fifo\":\"%FIFO%\",\"release\":\"%RELEASE%\"}"

/* So long that only a second signal ends it within the test's patience. */
#define PATIENT	  "[pool]\nworkers = 2\ndrain_s = 1h\n"
#define IMPATIENT "[pool]\nworkers = 2\ndrain_s = 10ms\n"

static struct proc *start_ready(const struct world *world)
{
	struct proc *proc = proc_start(world, "run", NULL);

	proc_await_notice(proc, "READY=1");
	return proc;
}

static void assert_job(const struct world *world, int64_t job, const char *status, int attempts,
		       const char *outcome)
{
	MQ_AUTO_FREE char *is =
		world_text(world, "SELECT status FROM jobs WHERE id = %lld", (long long)job);
	MQ_AUTO_FREE char *last = world_text(world,
					     "SELECT outcome FROM mq_attempts WHERE job_id = %lld "
					     "ORDER BY attempt DESC LIMIT 1",
					     (long long)job);

	assert_string_equal(is, status);
	assert_string_equal(last, outcome);
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_attempts WHERE job_id = %lld",
				   (long long)job),
			 attempts);
}

static void term_lets_running_jobs_finish_and_claims_no_more(void **state)
{
	struct world *world = world_new(PATIENT);
	int64_t running = world_enqueue(world, "test.block", BLOCK);

	(void)state;
	struct proc *proc = start_ready(world);

	world_announced(world);
	kill(proc->pid, SIGTERM);
	proc_await_notice(proc, "STOPPING=1");
	int64_t later = world_enqueue(world, "test.effect", "{}");

	world_release(world, 1);
	assert_int_equal(proc_wait(proc), 0);
	assert_job(world, running, "succeeded", 1, "succeeded");
	assert_int_equal(
		world_int(world, "SELECT attempt FROM jobs WHERE id = %lld", (long long)later), 0);
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_workers"), 0);
	world_free(world);
}

static void a_job_that_outlasts_the_drain_goes_back_uncounted(void **state)
{
	struct world *world = world_new(IMPATIENT);
	int64_t job = world_enqueue(world, "test.block", BLOCK);

	(void)state;
	struct proc *proc = start_ready(world);

	world_announced(world);
	assert_int_equal(proc_stop(proc), 0);
	assert_job(world, job, "queued", 1, "interrupted");
	assert_int_equal(world_int(world, "SELECT run_at IS NULL FROM jobs"), 1);

	/* And it runs again. */
	proc = proc_start(world, "run", "--drain", NULL);
	assert_int_equal(world_announced(world).attempt, 2);
	world_release(world, 1);
	assert_int_equal(proc_wait(proc), 0);
	assert_job(world, job, "succeeded", 2, "succeeded");
	world_free(world);
}

static void a_deaf_job_is_killed_and_goes_back_uncounted(void **state)
{
	struct world *world = world_new(IMPATIENT);
	int64_t job = world_enqueue(world, "test.deaf", "{\"fifo\":\"%FIFO%\"}");

	(void)state;
	struct proc *proc = start_ready(world);

	world_announced(world);
	assert_int_equal(proc_stop(proc), 0);
	assert_job(world, job, "queued", 1, "interrupted");
	assert_int_equal(world_int(world, "SELECT signal FROM mq_attempts"), SIGKILL);
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_workers"), 0);
	world_free(world);
}

static void a_second_term_interrupts_and_loses_nothing(void **state)
{
	struct world *world = world_new(PATIENT);
	int64_t jobs[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		jobs[i] = world_enqueue(world, "test.block", BLOCK);
	struct proc *proc = start_ready(world);

	for (int i = 0; i < 2; i++)
		world_announced(world);
	kill(proc->pid, SIGTERM);
	proc_await_notice(proc, "STOPPING=1");
	assert_int_equal(proc_stop(proc), 0);
	for (int i = 0; i < 2; i++)
		assert_job(world, jobs[i], "queued", 1, "interrupted");
	world_free(world);
}

/* As `kill -- -GROUP` or a unit with KillMode=control-group does it. */
static void term_to_every_process_at_once_counts_nothing_as_a_crash(void **state)
{
	struct world *world = world_new(PATIENT);
	int64_t job = world_enqueue(world, "test.block", BLOCK);

	(void)state;
	struct proc *proc = start_ready(world);
	pid_t worker = world_announced(world).pid;

	kill(proc->pid, SIGTERM);
	proc_await_notice(proc, "STOPPING=1");
	kill(worker, SIGTERM);
	assert_int_equal(proc_wait(proc), 0);
	assert_job(world, job, "queued", 1, "interrupted");
	world_free(world);
}

static void ttin_and_ttou_change_the_number_of_workers(void **state)
{
	struct world *world = world_new(PATIENT);

	(void)state;
	struct proc *proc = start_ready(world);

	world_await(world, 2, "SELECT count(*) FROM mq_workers");
	kill(proc->pid, SIGTTIN);
	world_await(world, 3, "SELECT count(*) FROM mq_workers");
	kill(proc->pid, SIGTTOU);
	world_await(world, 2, "SELECT count(*) FROM mq_workers");
	kill(proc->pid, SIGTTOU);
	world_await(world, 1, "SELECT count(*) FROM mq_workers");
	kill(proc->pid, SIGTTOU);
	/* The last one stays and works. */
	world_enqueue(world, "test.effect", "{}");
	world_await(world, 1, "SELECT count(*) FROM test_effects");
	assert_int_equal(proc_stop(proc), 0);
	world_free(world);
}

static void hup_takes_a_changed_configuration(void **state)
{
	struct world *world = world_new(PATIENT);
	int64_t job = world_enqueue(world, "test.block", BLOCK);

	(void)state;
	struct proc *proc = start_ready(world);

	world_announced(world);
	world_await(world, 2, "SELECT count(*) FROM mq_workers");
	world_configure(world, "[pool]\nworkers = 3\nonly = test.effect\ndrain_s = 1h\n");
	kill(proc->pid, SIGHUP);
	proc_await_notice(proc, "RELOADING=1");
	proc_await_notice(proc, "READY=1");
	/* The worker with the job keeps it and is replaced afterwards. */
	world_await(world, 2, "SELECT count(*) FROM mq_workers WHERE kinds = '[\"test.effect\"]'");
	assert_int_equal(world_int(world, "SELECT count(*) FROM jobs WHERE status = 'running'"), 1);
	world_release(world, 1);
	world_await(world, 3, "SELECT count(*) FROM mq_workers WHERE kinds = '[\"test.effect\"]'");
	assert_job(world, job, "succeeded", 1, "succeeded");
	world_enqueue(world, "test.effect", "{}");
	world_await(world, 2, "SELECT count(*) FROM test_effects");
	assert_int_equal(proc_stop(proc), 0);
	world_free(world);
}

static void broken_configuration(const char *what, const char *settings)
{
	struct world *world = world_new(PATIENT);
	struct proc *proc = start_ready(world);

	print_message("%s\n", what);
	world_await(world, 2, "SELECT count(*) FROM mq_workers");
	int64_t first = world_int(world, "SELECT min(id) FROM mq_workers");

	world_configure(world, settings);
	kill(proc->pid, SIGHUP);
	proc_await_notice(proc, "RELOADING=1");
	proc_await_notice(proc, "READY=1");
	assert_true(proc_logged(proc, "the configuration stays as it was"));
	world_enqueue(world, "test.effect", "{}");
	world_await(world, 1, "SELECT count(*) FROM test_effects");
	assert_int_equal(world_int(world, "SELECT min(id) FROM mq_workers"), first);
	assert_int_equal(world_int(world, "SELECT count(*) FROM mq_workers"), 2);
	assert_int_equal(proc_stop(proc), 0);
	world_free(world);
}

static void hup_with_a_broken_configuration_leaves_the_pool_as_it_is(void **state)
{
	(void)state;
	broken_configuration("an unknown setting", "[pool]\nworkerz = 3\n");
	/* It loads, but with it no worker could work. */
	broken_configuration("a database that is not there",
			     "[pool]\nworkers = 3\n[database]\nkey_file = /nonexistent/key\n");
}

static void the_watchdog_is_fed_while_the_pool_lives(void **state)
{
	struct world *world = world_new(PATIENT);

	(void)state;
	setenv("WATCHDOG_USEC", "20000", 1);
	struct proc *proc = start_ready(world);

	unsetenv("WATCHDOG_USEC");
	for (int i = 0; i < 3; i++)
		proc_await_notice(proc, "WATCHDOG=1");
	kill(proc->pid, SIGTERM);
	proc_await_notice(proc, "STOPPING=1");
	assert_int_equal(proc_wait(proc), 0);
	world_free(world);
}

static void a_running_job_is_cancelled_on_request(void **state)
{
	struct world *world = world_new(PATIENT);
	int64_t job = world_enqueue(world, "test.block", BLOCK);

	(void)state;
	struct proc *proc = start_ready(world);

	world_announced(world);
	world_sql(world, "UPDATE jobs SET cancel_requested = 1");
	world_await(world, 1, "SELECT count(*) FROM jobs WHERE status = 'cancelled'");
	assert_job(world, job, "cancelled", 1, "cancelled");
	assert_int_equal(proc_stop(proc), 0);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(term_lets_running_jobs_finish_and_claims_no_more),
		cmocka_unit_test(a_job_that_outlasts_the_drain_goes_back_uncounted),
		cmocka_unit_test(a_deaf_job_is_killed_and_goes_back_uncounted),
		cmocka_unit_test(a_second_term_interrupts_and_loses_nothing),
		cmocka_unit_test(term_to_every_process_at_once_counts_nothing_as_a_crash),
		cmocka_unit_test(ttin_and_ttou_change_the_number_of_workers),
		cmocka_unit_test(hup_takes_a_changed_configuration),
		cmocka_unit_test(hup_with_a_broken_configuration_leaves_the_pool_as_it_is),
		cmocka_unit_test(the_watchdog_is_fed_while_the_pool_lives),
		cmocka_unit_test(a_running_job_is_cancelled_on_request),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
