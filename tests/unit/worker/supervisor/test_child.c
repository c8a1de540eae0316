#include "support/cmocka_all.h"

#include "child.h"

#include <fcntl.h>
#include <mq/str.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const int blocked[] = { SIGTERM, SIGINT, SIGHUP, SIGTTIN, SIGTTOU };

static bool signals_are_right(void)
{
	sigset_t mask;
	struct sigaction action;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (size_t i = 0; i < sizeof blocked / sizeof blocked[0]; i++)
		if (sigismember(&mask, blocked[i]))
			return false;
	sigaction(SIGPIPE, NULL, &action);
	/* A log that nobody reads any more must not end the child. */
	return action.sa_handler == SIG_IGN;
}

/* Answers with a bit mask of what is wrong. */
static int inspect(void *ctx, const struct mq_child *child)
{
	const int *sibling_fd = ctx;
	int death_signal = 0, wrong = 0;

	prctl(PR_GET_PDEATHSIG, &death_signal);
	wrong |= getpgrp() != getpid() ? 1 : 0;
	wrong |= death_signal != SIGKILL ? 2 : 0;
	wrong |= !signals_are_right() ? 4 : 0;
	wrong |= fcntl(*sibling_fd, F_GETFD) != -1 ? 8 : 0;
	wrong |= fcntl(child->channel_fd, F_GETFD) != FD_CLOEXEC ? 16 : 0;
	wrong |= child->slot != 3 ? 32 : 0;
	return wrong;
}

static int wait_for_end(const struct mq_child_handle *process)
{
	struct pollfd end = { .fd = process->pidfd, .events = POLLIN };
	int status = 0;

	assert_int_equal(poll(&end, 1, 20000), 1);
	assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
	return status;
}

static void a_child_leads_its_group_and_dies_with_its_parent(void **state)
{
	sigset_t mask;
	int sibling_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int close_fds[] = { sibling_fd, -1 };
	const struct mq_child_start start = {
		.slot = 3,
		.doorbell_fd = -1,
		.role = "worker 3",
		.main = inspect,
		.ctx = &sibling_fd,
		.close_fds = close_fds,
		.n_close_fds = 2,
	};
	struct mq_child_handle process;
	struct mq_err err;

	(void)state;
	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof blocked / sizeof blocked[0]; i++)
		sigaddset(&mask, blocked[i]);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(mq_child_fork(&start, &process, &err), MQ_OK);
	int status = wait_for_end(&process);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(process.pidfd);
	close(process.channel_fd);
	close(sibling_fd);
}

static int echo(void *ctx, const struct mq_child *child)
{
	struct pollfd in = { .fd = child->channel_fd, .events = POLLIN };
	struct mq_msg msg;

	(void)ctx;
	poll(&in, 1, 20000);
	if (mq_channel_recv(child->channel_fd, &msg) == 1)
		mq_channel_send(child->channel_fd, &msg, NULL);
	/* The end of the other side is the end of the channel. */
	poll(&in, 1, 20000);
	return mq_channel_recv(child->channel_fd, &msg) == -1 ? 7 : 1;
}

static void the_channel_leads_to_the_child_and_ends_with_the_parent(void **state)
{
	const struct mq_child_start start = { .doorbell_fd = -1, .role = "keeper", .main = echo };
	const struct mq_msg sent = { .type = MQ_MSG_DIED, .a = INT64_MAX, .b = INT64_MIN, .c = -1 };
	struct mq_child_handle process;
	struct mq_msg got;
	struct mq_err err;

	(void)state;
	assert_int_equal(mq_child_fork(&start, &process, &err), MQ_OK);
	assert_int_equal(mq_channel_send(process.channel_fd, &sent, &err), MQ_OK);
	struct pollfd in = { .fd = process.channel_fd, .events = POLLIN };

	assert_int_equal(poll(&in, 1, 20000), 1);
	assert_int_equal(mq_channel_recv(process.channel_fd, &got), 1);
	assert_memory_equal(&got, &sent, sizeof got);
	close(process.channel_fd);
	int status = wait_for_end(&process);

	assert_int_equal(WEXITSTATUS(status), 7);
	close(process.pidfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_leads_its_group_and_dies_with_its_parent),
		cmocka_unit_test(the_channel_leads_to_the_child_and_ends_with_the_parent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
