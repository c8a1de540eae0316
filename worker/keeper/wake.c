#include "wake.h"

#include <errno.h>
#include <limits.h>
#include <mq/str.h>
#include <string.h>
#include <sys/inotify.h>

struct mq_wake {
	int fd;
	int folder_watch;
	int log_watch; /* -1: there is no log now */
	char *log_path;
	const char *log_name; /* its last part */
};

static void watch_log(struct mq_wake *wake)
{
	wake->log_watch = inotify_add_watch(wake->fd, wake->log_path, IN_MODIFY);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mq_strdup(".");
	return slash == path ? mq_strdup("/") : mq_strf("%.*s", (int)(slash - path), path);
}

enum mq_rc mq_wake_open(const char *database, struct mq_wake **ret, struct mq_err *err)
{
	MQ_AUTO(mq_wake) struct mq_wake *wake = mq_alloc(1, sizeof *wake);
	MQ_AUTO_FREE
	char *folder = folder_of(database);

	wake->log_path = mq_strf("%s-wal", database);
	const char *slash = strrchr(wake->log_path, '/');

	wake->log_name = slash ? slash + 1 : wake->log_path;
	wake->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (wake->fd < 0)
		return mq_err_set(err, MQ_E_UNSUPPORTED, errno, "watch files for changes");
	wake->folder_watch = inotify_add_watch(wake->fd, folder,
					       IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_ONLYDIR);
	if (wake->folder_watch < 0)
		return mq_err_set(err, MQ_E_UNSUPPORTED, errno, "watch '%s' for changes", folder);
	watch_log(wake);
	*ret = MQ_STEAL(wake);
	return MQ_OK;
}

void mq_wake_close(struct mq_wake *wake)
{
	if (!wake)
		return;
	if (wake->fd >= 0)
		close(wake->fd);
	free(wake->log_path);
	free(wake);
}

int mq_wake_fd(const struct mq_wake *wake)
{
	return wake ? wake->fd : -1;
}

/* Whether the event can mean a commit. A new log is watched from here on; what was written to it
 * before is seen by the look that follows. */
static bool take_event(struct mq_wake *wake, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		watch_log(wake);
		return true;
	}
	if (event->wd == wake->folder_watch) {
		if (event->len == 0 || strcmp(event->name, wake->log_name) != 0)
			return false;
		watch_log(wake);
		return true;
	}
	return event->wd == wake->log_watch && (event->mask & IN_MODIFY);
}

bool mq_wake_read(struct mq_wake *wake)
{
	_Alignas(struct inotify_event) char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	bool may_have_changed = false;
	ssize_t n;

	while ((n = read(wake->fd, buf, sizeof buf)) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(buf + at);

			may_have_changed |= take_event(wake, event);
			at += (ssize_t)(sizeof *event + event->len);
		}
	}
	return may_have_changed;
}

static int64_t later(int64_t a_us, int64_t b_us)
{
	return a_us > b_us ? a_us : b_us;
}

void mq_look_event(struct mq_look *look, int64_t now_us)
{
	look->at_us = later(now_us, look->last_us + MQ_LOOK_MIN_US);
	look->step_us = MQ_LOOK_FIRST_US;
	look->step_max_us = MQ_LOOK_MAX_US;
	look->until_us = now_us + MQ_LOOK_GIVE_UP_US;
}

void mq_look_once(struct mq_look *look, int64_t now_us)
{
	look->at_us = look->until_us = now_us;
}

/*
 * What changed need not be what the event told of: another writer's commit may still be on its way
 * to the disk, and it has no second event. So the looks go on for a while, less and less often.
 */
static void look_on(struct mq_look *look, int64_t now_us)
{
	bool had_event = look->until_us > now_us;

	*look = (struct mq_look){ .last_us = now_us };
	if (!had_event)
		return;
	look->at_us = now_us + MQ_LOOK_MIN_US;
	look->step_us = 2 * MQ_LOOK_MIN_US;
	look->step_max_us = MQ_LOOK_TAIL_US;
	look->until_us = now_us + MQ_LOOK_TAIL_US;
}

void mq_look_done(struct mq_look *look, bool changed, int64_t now_us)
{
	if (changed) {
		look_on(look, now_us);
		return;
	}
	if (!look->at_us)
		return;
	look->at_us = now_us + look->step_us;
	look->step_us =
		look->step_us * 2 < look->step_max_us ? look->step_us * 2 : look->step_max_us;
	if (look->at_us > look->until_us)
		look->at_us = 0;
}
