#include "watch.h"
#include <errno.h>
#include <mq/clock.h>
#include <mq/str.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

/* Without an event there is still a look from time to time: some file systems report nothing. */
#define LOOK_MAX_MS 1000

struct mq_watch {
	struct mq_queue *queue; /* borrowed */
	int inotify_fd;		/* -1: not available, only looks */
	int signal_fd;
};

/* The folder tells of the -wal file, which comes and goes. */
static int watch_folder(const char *database)
{
	const char *slash = strrchr(database, '/');
	MQ_AUTO_FREE char *folder = mq_strf("%.*s", (int)(slash - database), database);
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd >= 0 && inotify_add_watch(fd, folder[0] ? folder : "/", IN_MODIFY | IN_CREATE) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

enum mq_rc mq_watch_open(struct mq_queue *queue, const char *database, struct mq_watch **ret,
			 struct mq_err *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return mq_err_sys(err, errno, "signalfd");
	*ret = mq_alloc(1, sizeof **ret);
	**ret = (struct mq_watch){ .queue = queue,
				   .inotify_fd = watch_folder(database),
				   .signal_fd = signal_fd };
	return MQ_OK;
}

void mq_watch_close(struct mq_watch *watch)
{
	if (!watch)
		return;
	if (watch->inotify_fd >= 0)
		close(watch->inotify_fd);
	close(watch->signal_fd);
	free(watch);
}

static int signal_of(const struct mq_watch *watch)
{
	struct signalfd_siginfo info;
	if (read(watch->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
		return 0;
	return (int)info.ssi_signo;
}

static bool drain_events(const struct mq_watch *watch)
{
	char events[4096];
	bool any = false;
	while (watch->inotify_fd >= 0 && read(watch->inotify_fd, events, sizeof events) > 0)
		any = true;
	return any;
}

/* Milliseconds to the deadline, at most `ms`; -1 when it has passed. */
static int time_left(int64_t deadline_us, int ms)
{
	if (deadline_us == 0)
		return ms;
	int64_t left = (deadline_us - mq_clock_mono_us() + 999) / 1000;
	if (left <= 0)
		return -1;
	return left < ms ? (int)left : ms;
}

/*
 * An event may come before its commit can be seen: so the next looks follow soon, then ever later.
 */
enum mq_rc mq_watch_wait(struct mq_watch *watch, int64_t deadline_us, int *ret_signal,
			 struct mq_err *err)
{
	for (int next_ms = 1;; next_ms = next_ms * 2 < LOOK_MAX_MS ? next_ms * 2 : LOOK_MAX_MS) {
		bool changed = false;
		enum mq_rc rc = mq_queue_changed(watch->queue, &changed, err);
		if (rc != MQ_OK || changed)
			return rc;
		int timeout = time_left(deadline_us, next_ms);
		if (timeout < 0)
			return mq_err_set(err, MQ_E_TIMEOUT, 0, "the time to wait is over");
		struct pollfd fds[] = { { .fd = watch->signal_fd, .events = POLLIN },
					{ .fd = watch->inotify_fd, .events = POLLIN } };
		poll(fds, 2, timeout);
		*ret_signal = signal_of(watch);
		if (*ret_signal != 0)
			return mq_err_set(err, MQ_E_INTERRUPTED, 0, "interrupted");
		if (drain_events(watch))
			next_ms = 1;
	}
}
