#include "child.h"

#include <errno.h>
#include <mq/log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* SIGPIPE stays ignored: a log that nobody reads any more must not end a worker in the middle of a
 * job. */
static void reset_signals(void)
{
	static const int changed[] = { SIGTERM, SIGINT, SIGHUP, SIGTTIN, SIGCHLD };
	sigset_t none;

	for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++)
		signal(changed[i], SIG_DFL);
	/* Own process groups are in a terminal's background: a log line there must not stop the
	 * child. */
	signal(SIGTTOU, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Whoever kills the supervisor ends the pool: nothing may run on that nobody watches. */
static void die_with(pid_t supervisor)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != supervisor)
		_exit(EXIT_FAILURE);
}

static _Noreturn void child_run(const struct mq_child_start *start, pid_t supervisor,
				int channel_fd)
{
	struct mq_child child = {
		.slot = start->slot,
		.channel_fd = channel_fd,
		.doorbell_fd = start->doorbell_fd,
	};

	setpgid(0, 0);
	die_with(supervisor);
	for (size_t i = 0; i < start->n_close_fds; i++)
		if (start->close_fds[i] >= 0)
			close(start->close_fds[i]);
	reset_signals();
	mq_log_set_role(start->role);
	exit(start->main(start->ctx, &child));
}

enum mq_rc mq_child_fork(const struct mq_child_start *start, struct mq_child_handle *ret,
			 struct mq_err *err)
{
	int pair[2];
	pid_t supervisor = getpid();

	if (mq_channel_pair(pair, err) != MQ_OK)
		return err ? err->rc : MQ_E_IO;
	fflush(NULL);
	pid_t pid = fork();

	if (pid == 0) {
		close(pair[0]);
		child_run(start, supervisor, pair[1]);
	}
	int fork_errno = errno;

	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return mq_err_sys(err, fork_errno, "start a process for '%s'", start->role);
	}
	/* Both sides do it, so that neither can act on the group before it exists. */
	setpgid(pid, pid);
	int pidfd = pidfd_open(pid, 0);

	if (pidfd < 0) {
		int pidfd_errno = errno;

		close(pair[0]);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return mq_err_sys(err, pidfd_errno, "watch the process of '%s'", start->role);
	}
	*ret = (struct mq_child_handle){ .pid = pid, .pidfd = pidfd, .channel_fd = pair[0] };
	return MQ_OK;
}
