#include "scratch.h"

#include <mq/lease.h>
#include <mq/str.h>
#include <support/cmocka_all.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char *database;
	struct mq_err err;
};

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	f->database = scratch_make();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	scratch_remove(f->database);
	free(f->database);
	free(f);
	return 0;
}

static struct mq_lease *open_lease(struct fixture *f)
{
	struct mq_lease *lease = NULL;

	if (mq_lease_open(f->database, &lease, &f->err) != MQ_OK)
		fail_msg("%s", f->err.text);
	return lease;
}

static bool try_hold(struct fixture *f, struct mq_lease *lease, int64_t byte)
{
	bool held = false;

	assert_int_equal(lease->ops->try_hold(lease, byte, &held, &f->err), MQ_OK);
	return held;
}

static bool is_held(struct fixture *f, struct mq_lease *lease, int64_t byte)
{
	bool held = false;

	assert_int_equal(lease->ops->is_held(lease, byte, &held, &f->err), MQ_OK);
	return held;
}

static void one_byte_has_one_holder(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_lease) struct mq_lease *a = open_lease(f);
	MQ_AUTO(mq_lease) struct mq_lease *b = open_lease(f);

	assert_false(is_held(f, b, 5));
	assert_true(try_hold(f, a, 5));
	assert_true(try_hold(f, a, 5)); /* again is no harm */
	assert_false(try_hold(f, b, 5));
	assert_true(is_held(f, b, 5));
	assert_true(is_held(f, a, 5)); /* one's own bytes, too */
	assert_false(is_held(f, a, 6));
	assert_true(try_hold(f, b, 6));
	a->ops->drop(a, 5);
	assert_false(is_held(f, a, 5));
	assert_false(is_held(f, b, 5));
	assert_true(try_hold(f, b, 5));
}

static void the_bytes_above_all_ids_work_like_others(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_lease) struct mq_lease *a = open_lease(f);
	MQ_AUTO(mq_lease) struct mq_lease *b = open_lease(f);

	assert_true(try_hold(f, a, MQ_LEASE_GATE));
	assert_true(try_hold(f, b, MQ_LEASE_CHECKPOINT));
	assert_false(try_hold(f, b, MQ_LEASE_GATE));
	assert_true(is_held(f, a, MQ_LEASE_CHECKPOINT));
}

static void closing_drops_everything(void **state)
{
	struct fixture *f = *state;
	struct mq_lease *a = open_lease(f);
	MQ_AUTO(mq_lease) struct mq_lease *b = open_lease(f);

	for (int64_t byte = 1; byte < 50; byte++)
		assert_true(try_hold(f, a, byte));
	mq_lease_close(a);
	for (int64_t byte = 1; byte < 50; byte++)
		assert_false(is_held(f, b, byte));
}

static void there_is_no_byte_below_zero(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_lease) struct mq_lease *a = open_lease(f);
	bool held;

	assert_int_equal(a->ops->try_hold(a, -1, &held, &f->err), MQ_E_INVALID);
	assert_int_equal(a->ops->is_held(a, -1, &held, &f->err), MQ_E_INVALID);
}

/* A process that holds byte 7 and waits to be killed. *ret_go is readable once it holds it. */
static pid_t start_holder(struct fixture *f)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct mq_lease *lease = open_lease(f);
		if (try_hold(f, lease, 7) && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void a_killed_process_lets_go_at_once(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_lease) struct mq_lease *lease = open_lease(f);
	pid_t pid = start_holder(f);

	assert_true(is_held(f, lease, 7));
	kill(pid, SIGSTOP); /* stopped is not dead */
	assert_true(is_held(f, lease, 7));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(is_held(f, lease, 7));
}

static void waiting_ends_when_the_holder_dies(void **state)
{
	struct fixture *f = *state;
	pid_t pid = start_holder(f);
	pid_t waiter = fork();

	if (waiter == 0) {
		struct mq_lease *own = open_lease(f);
		_exit(own->ops->hold(own, 7, NULL) == MQ_OK ? 0 : 1);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	int status;
	assert_int_equal(waitpid(waiter, &status, 0), waiter);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void ignore(int signal)
{
	(void)signal;
}

static void a_signal_ends_the_wait(void **state)
{
	struct fixture *f = *state;
	MQ_AUTO(mq_lease) struct mq_lease *lease = open_lease(f);
	pid_t pid = start_holder(f);
	/* Again and again: the first may come before the wait has begun. */
	const struct itimerval often = { .it_interval = { .tv_usec = 10000 },
					 .it_value = { .tv_usec = 10000 } };
	const struct itimerval never = { 0 };
	const struct sigaction action = { .sa_handler = ignore };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	enum mq_rc rc = lease->ops->hold(lease, 7, &f->err);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(rc, MQ_E_INTERRUPTED);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void the_file_takes_after_the_database(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	MQ_AUTO_FREE char *path = mq_strf("%s-workers", f->database);

	assert_int_equal(chmod(f->database, 0660), 0);
	mq_lease_close(open_lease(f));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(st.st_size, 0);
}

static void a_link_to_the_database_leads_to_the_same_locks(void **state)
{
	struct fixture *f = *state;
	struct mq_lease *other = NULL;
	MQ_AUTO(mq_lease) struct mq_lease *lease = open_lease(f);
	MQ_AUTO_FREE char *link = mq_strf("%s.link", f->database);

	assert_int_equal(symlink(f->database, link), 0);
	assert_int_equal(mq_lease_open(link, &other, &f->err), MQ_OK);
	assert_true(try_hold(f, lease, 1));
	assert_false(try_hold(f, other, 1));
	mq_lease_close(other);
}

static void a_lock_file_that_is_a_link_is_refused(void **state)
{
	struct fixture *f = *state;
	struct mq_lease *lease = NULL;
	MQ_AUTO_FREE char *path = mq_strf("%s-workers", f->database);

	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(mq_lease_open(f->database, &lease, &f->err), MQ_E_DENIED);
	assert_null(lease);
}

static void a_database_that_is_not_there_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct mq_lease *lease = NULL;

	assert_int_equal(mq_lease_open("/nowhere/x.db", &lease, &f->err), MQ_E_NOTFOUND);
	assert_null(lease);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_byte_has_one_holder),
		TEST(the_bytes_above_all_ids_work_like_others),
		TEST(closing_drops_everything),
		TEST(there_is_no_byte_below_zero),
		TEST(a_killed_process_lets_go_at_once),
		TEST(waiting_ends_when_the_holder_dies),
		TEST(a_signal_ends_the_wait),
		TEST(the_file_takes_after_the_database),
		TEST(a_link_to_the_database_leads_to_the_same_locks),
		TEST(a_lock_file_that_is_a_link_is_refused),
		TEST(a_database_that_is_not_there_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
