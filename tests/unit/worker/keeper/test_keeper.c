/* The keeper as a process of its own on a real database; the test plays supervisor, producer and
 * worker. */
#include "support/cmocka_all.h"

#include "keeper.h"

#include <unit/queue/scratch.h>

#include <fcntl.h>
#include <mq/clock.h>
#include <mq/log.h>
#include <mq/str.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#define PATIENCE_MS 20000

struct fixture {
	char *database;
	struct mq_queue *queue; /* of the producer; opened after the fork */
	int channel_fd, doorbell_fd;
	pid_t keeper;
	struct mq_err err;
};

static bool serves_ours(void *ctx, const char *kind)
{
	(void)ctx;
	return strncmp(kind, "ours.", 5) == 0;
}

static pid_t fork_keeper(const struct fixture *f, int fd, bool drain)
{
	const struct mq_keeper_options options = {
		.driver = &mq_queue_driver_sqlite,
		.database = f->database,
		.workers = 3,
		.serves = serves_ours,
		.drain_when_empty = drain,
	};
	const struct mq_child child = { .channel_fd = fd, .doorbell_fd = f->doorbell_fd };
	pid_t pid = fork();

	if (pid == 0) {
		close(f->channel_fd);
		mq_log_set_level(MQ_LOG_ERROR);
		exit(mq_keeper_main(&options, &child));
	}
	close(fd);
	return pid;
}

static void receive(const struct fixture *f, struct mq_msg *msg)
{
	struct pollfd in = { .fd = f->channel_fd, .events = POLLIN };

	assert_int_equal(poll(&in, 1, PATIENCE_MS), 1);
	assert_int_equal(mq_channel_recv(f->channel_fd, msg), 1);
}

static void open_producer(struct fixture *f)
{
	const struct mq_queue_options options = { .database = f->database, .busy_ms = PATIENCE_MS };

	if (mq_queue_open(&mq_queue_driver_sqlite, &options, &f->queue, &f->err) != MQ_OK)
		fail_msg("%s", f->err.text);
}

static void start_keeper(struct fixture *f, bool drain)
{
	struct mq_msg msg;
	int pair[2];

	assert_int_equal(mq_channel_pair(pair, &f->err), MQ_OK);
	f->channel_fd = pair[0];
	f->doorbell_fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	f->keeper = fork_keeper(f, pair[1], drain);
	receive(f, &msg);
	assert_int_equal(msg.type, MQ_MSG_READY);
}

static void tell(struct fixture *f, enum mq_msg_type type, int64_t a, int64_t b, int32_t c)
{
	const struct mq_msg msg = { .type = (int32_t)type, .a = a, .b = b, .c = c };

	assert_int_equal(mq_channel_send(f->channel_fd, &msg, &f->err), MQ_OK);
}

static int keeper_status(const struct fixture *f)
{
	int status = 0;

	assert_int_equal(waitpid(f->keeper, &status, 0), f->keeper);
	return status;
}

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	f->database = scratch_make();
	f->channel_fd = f->doorbell_fd = -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	mq_queue_close(f->queue);
	close(f->channel_fd);
	close(f->doorbell_fd);
	scratch_remove(f->database);
	free(f->database);
	free(f);
	return 0;
}

static int64_t enqueue(struct fixture *f, const char *kind, int64_t run_at_us)
{
	const struct mq_job_new job = { .kind = kind, .run_at_us = run_at_us };
	int64_t id = 0;

	assert_int_equal(mq_queue_enqueue(f->queue, &job, &id, &f->err), MQ_OK);
	return id;
}

/* Takes one ring. */
static void hear(const struct fixture *f)
{
	struct pollfd in = { .fd = f->doorbell_fd, .events = POLLIN };
	uint64_t ring;

	assert_int_equal(poll(&in, 1, PATIENCE_MS), 1);
	assert_int_equal(read(f->doorbell_fd, &ring, sizeof ring), sizeof ring);
}

static void end_keeper(struct fixture *f)
{
	tell(f, MQ_MSG_DRAIN, 0, 0, 0);
	assert_int_equal(keeper_status(f), 0);
}

/* ---------------------------------------------------------------- tests */

static void a_commit_rings_for_a_worker(void **state)
{
	struct fixture *f = *state;

	start_keeper(f, false);
	open_producer(f);
	for (int i = 0; i < 5; i++) {
		enqueue(f, "ours.a", 0);
		hear(f);
	}
	end_keeper(f);
}

static void the_bell_rings_at_most_once_a_worker(void **state)
{
	struct fixture *f = *state;
	int rings = 0;
	uint64_t ring;

	start_keeper(f, false);
	open_producer(f);
	for (int i = 0; i < 20; i++)
		enqueue(f, "ours.a", 0);
	hear(f);
	end_keeper(f);
	while (read(f->doorbell_fd, &ring, sizeof ring) > 0)
		rings++;
	assert_in_range(rings, 0, 3);
}

static void kinds_of_others_do_not_ring(void **state)
{
	struct fixture *f = *state;
	struct pollfd in = { .events = POLLIN };

	start_keeper(f, false);
	open_producer(f);
	enqueue(f, "theirs.a", 0);
	end_keeper(f);
	in.fd = f->doorbell_fd;
	assert_int_equal(poll(&in, 1, 0), 0);
}

static void a_scheduled_job_rings_when_it_is_due(void **state)
{
	struct fixture *f = *state;
	int64_t due_us = mq_clock_wall_us() + 300000;

	start_keeper(f, false);
	open_producer(f);
	enqueue(f, "ours.a", due_us);
	hear(f);
	int64_t late_us = mq_clock_wall_us() - due_us;

	/* Not by the look that comes each second: the timer is set for it. The machine may be slow,
	 * not early. */
	assert_true(late_us >= 0);
	end_keeper(f);
}

static bool any(void *ctx, const char *kind)
{
	(void)ctx;
	(void)kind;
	return true;
}

/* A worker that has claimed a job and lets go of its lock. */
static int64_t dead_worker(struct fixture *f)
{
	const struct mq_worker worker = { .pid = 1,
					  .host = "h",
					  .boot_id = "b",
					  .version = "1",
					  .kinds = "[]",
					  .started_at_us = mq_clock_wall_us() };
	struct mq_job *job = NULL;
	int64_t id = 0;
	size_t n = 0;

	assert_int_equal(mq_queue_worker_add(f->queue, &worker, &id, &f->err), MQ_OK);
	const struct mq_claim claim = { .worker_id = id, .serves = any, .max = 1 };

	assert_int_equal(mq_queue_turn(f->queue, NULL, 0, &claim, &job, &n, &f->err), MQ_OK);
	assert_int_equal(n, 1);
	mq_job_free(job);
	mq_queue_close(f->queue);
	f->queue = NULL;
	return id;
}

static bool keep_outcome(void *ctx, const struct mq_attempt *attempt)
{
	*(struct mq_attempt *)ctx = *attempt;
	return true;
}

static void a_death_is_answered_when_its_job_is_back_in_the_queue(void **state)
{
	struct fixture *f = *state;
	struct mq_attempt attempt = { 0 };
	struct mq_msg msg;

	start_keeper(f, false);
	open_producer(f);
	int64_t job = enqueue(f, "ours.a", 0), worker = dead_worker(f);

	tell(f, MQ_MSG_DIED, worker, 9, MQ_STOP_TIMEOUT);
	receive(f, &msg);
	assert_int_equal(msg.type, MQ_MSG_FINISHED);
	assert_int_equal(msg.a, worker);
	open_producer(f);
	assert_int_equal(mq_queue_attempts(f->queue, job, keep_outcome, &attempt, &f->err), MQ_OK);
	assert_int_equal(attempt.outcome, MQ_OUTCOME_TIMEOUT);
	assert_int_equal(attempt.signal, 9);
	hear(f);
	end_keeper(f);
}

static void deaths_are_dealt_with_before_the_end(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_job) struct mq_job *job = NULL;

	start_keeper(f, false);
	open_producer(f);
	int64_t id = enqueue(f, "ours.a", 0), worker = dead_worker(f);

	/* It finds both messages at once. */
	kill(f->keeper, SIGSTOP);
	tell(f, MQ_MSG_DIED, worker, 9, MQ_STOP_DRAIN);
	tell(f, MQ_MSG_DRAIN, 0, 0, 0);
	kill(f->keeper, SIGCONT);
	assert_int_equal(keeper_status(f), 0);
	open_producer(f);
	assert_int_equal(mq_queue_get(f->queue, id, &job, &f->err), MQ_OK);
	assert_int_equal(job->status, MQ_JOB_QUEUED);
}

static void a_start_takes_back_what_an_earlier_pool_left(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_job) struct mq_job *job = NULL;

	open_producer(f);
	int64_t id = enqueue(f, "ours.a", 0);

	dead_worker(f);
	start_keeper(f, false);
	open_producer(f);
	assert_int_equal(mq_queue_get(f->queue, id, &job, &f->err), MQ_OK);
	assert_int_equal(job->status, MQ_JOB_QUEUED);
	hear(f);
	end_keeper(f);
}

static void an_empty_queue_is_told_when_the_pool_drains(void **state)
{
	struct fixture *f = *state;
	struct mq_msg msg;

	open_producer(f);
	enqueue(f, "theirs.a", 0);
	mq_queue_close(f->queue);
	f->queue = NULL;
	start_keeper(f, true);
	receive(f, &msg);
	assert_int_equal(msg.type, MQ_MSG_EMPTY);
	end_keeper(f);
}

static void work_that_is_left_is_not_empty(void **state)
{
	struct fixture *f = *state;
	struct mq_msg msg;

	open_producer(f);
	enqueue(f, "ours.a", 0);
	mq_queue_close(f->queue);
	f->queue = NULL;
	start_keeper(f, true);
	hear(f);
	/* The bell rings before the question is asked. */
	tell(f, MQ_MSG_DRAIN, 0, 0, 0);
	assert_int_equal(keeper_status(f), 0);
	assert_int_equal(mq_channel_recv(f->channel_fd, &msg), -1);
}

static void without_its_supervisor_the_keeper_ends(void **state)
{
	struct fixture *f = *state;

	start_keeper(f, false);
	close(f->channel_fd);
	f->channel_fd = -1;
	assert_int_equal(keeper_status(f), 0);
}

static void a_file_that_is_no_database_ends_the_pool(void **state)
{
	struct fixture *f = *state;
	int pair[2];
	MQ_AUTO_FD int fd = open(f->database, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, "no database at all, only a text of some length", 46), 46);
	assert_int_equal(mq_channel_pair(pair, &f->err), MQ_OK);
	f->channel_fd = pair[0];
	mq_log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	f->keeper = fork_keeper(f, pair[1], false);
	assert_int_equal(WEXITSTATUS(keeper_status(f)), MQ_CHILD_EXIT_FATAL);
	mq_log_set_fd(STDERR_FILENO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_commit_rings_for_a_worker),
		TEST(the_bell_rings_at_most_once_a_worker),
		TEST(kinds_of_others_do_not_ring),
		TEST(a_scheduled_job_rings_when_it_is_due),
		TEST(a_death_is_answered_when_its_job_is_back_in_the_queue),
		TEST(deaths_are_dealt_with_before_the_end),
		TEST(a_start_takes_back_what_an_earlier_pool_left),
		TEST(an_empty_queue_is_told_when_the_pool_drains),
		TEST(work_that_is_left_is_not_empty),
		TEST(without_its_supervisor_the_keeper_ends),
		TEST(a_file_that_is_no_database_ends_the_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
