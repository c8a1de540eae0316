#include "pool.h"

#include <errno.h>
#include <mq/clock.h>
#include <mq/log.h>
#include <mq/str.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#define MODULE "supervisor"

struct supervisor {
	struct pool pool;
	struct mq_notify notify;
	int64_t next_watchdog_us;
};

/* ---------------------------------------------------------------- signals */

static void on_stop(struct supervisor *sup, int64_t now_us)
{
	static const char *const meaning[] = {
		[POOL_RUNNING] = "running jobs finish, nothing new is started",
		[POOL_DRAINING] = "running jobs are interrupted",
		[POOL_INTERRUPTING] = "what is left is killed",
		[POOL_ENDING] = "what is left is killed",
		[POOL_ENDED] = "the pool has ended",
	};

	mq_log(MQ_LOG_INFO, MODULE, "asked to stop: %s", meaning[sup->pool.phase]);
	mq_pool_stop(&sup->pool, now_us);
}

static void on_reload(struct supervisor *sup, int64_t now_us)
{
	struct pool *pool = &sup->pool;
	int workers = pool->workers;
	struct mq_err err;

	if (pool->phase != POOL_RUNNING)
		return;
	mq_notify_send(&sup->notify, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now_us);
	if (pool->options->ops->reload(pool->options->ctx, &workers, &pool->drain_ms, &err) ==
	    MQ_OK) {
		mq_log(MQ_LOG_INFO, MODULE, "configuration read again: replacing all workers");
		mq_pool_renew(pool);
		mq_pool_resize(pool, workers);
	} else {
		mq_log(MQ_LOG_ERROR, MODULE, "the configuration stays as it was: %s", err.text);
	}
	mq_notify_send(&sup->notify, "READY=1");
}

static void on_more(struct supervisor *sup, int64_t now_us)
{
	(void)now_us;
	if (sup->pool.phase == POOL_RUNNING)
		mq_pool_resize(&sup->pool, sup->pool.workers + 1);
}

static void on_fewer(struct supervisor *sup, int64_t now_us)
{
	(void)now_us;
	if (sup->pool.phase == POOL_RUNNING)
		mq_pool_resize(&sup->pool, sup->pool.workers - 1);
}

static const struct {
	int signal;
	void (*act)(struct supervisor *sup, int64_t now_us);
} orders[] = {
	{ SIGTERM, on_stop }, { SIGINT, on_stop },   { SIGHUP, on_reload },
	{ SIGTTIN, on_more }, { SIGTTOU, on_fewer },
};

#define N_ORDERS (sizeof orders / sizeof orders[0])

static void read_signals(struct supervisor *sup, int64_t now_us)
{
	struct signalfd_siginfo info;

	while (read(sup->pool.signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		for (size_t i = 0; i < N_ORDERS; i++)
			if ((uint32_t)orders[i].signal == info.ssi_signo)
				orders[i].act(sup, now_us);
}

/* ---------------------------------------------------------------- the loop */

/* What is watched: the signals, then of each child that lives its end and its messages. */
struct watch {
	nfds_t n;
	struct pollfd fds[1 + 2 * MQ_POOL_SLOTS];
	int slots[1 + 2 * MQ_POOL_SLOTS];
};

static void watch_fd(struct watch *watch, int fd, int slot)
{
	watch->slots[watch->n] = slot;
	watch->fds[watch->n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void watch_all(struct watch *watch, const struct pool *pool)
{
	watch->n = 0;
	watch_fd(watch, pool->signal_fd, -1);
	for (int slot = 0; slot < MQ_POOL_SLOTS; slot++) {
		const struct child *child = &pool->children[slot];

		if (!mq_pool_is_alive(child))
			continue;
		watch_fd(watch, child->process.pidfd, slot);
		watch_fd(watch, child->process.channel_fd, slot);
	}
}

static void wait_for_event(struct supervisor *sup, struct watch *watch)
{
	int64_t due_us = mq_pool_next_due_us(&sup->pool), now_us = mq_clock_mono_us();
	struct timespec timeout;

	if (sup->notify.watchdog_us && (!due_us || sup->next_watchdog_us < due_us))
		due_us = sup->next_watchdog_us;
	int64_t left_us = due_us > now_us ? due_us - now_us : 0;

	timeout.tv_sec = left_us / MQ_US_PER_S;
	timeout.tv_nsec = left_us % MQ_US_PER_S * 1000;
	if (ppoll(watch->fds, watch->n, due_us ? &timeout : NULL, NULL) < 0)
		watch->n = 0;
}

static void feed_watchdog(struct supervisor *sup, int64_t now_us)
{
	if (!sup->notify.watchdog_us || now_us < sup->next_watchdog_us)
		return;
	mq_notify_send(&sup->notify, "WATCHDOG=1");
	sup->next_watchdog_us = now_us + sup->notify.watchdog_us;
}

static void handle_events(struct supervisor *sup, const struct watch *watch, int64_t now_us)
{
	struct pool *pool = &sup->pool;

	if (watch->n > 0 && watch->fds[0].revents)
		read_signals(sup, now_us);
	for (nfds_t i = 1; i + 1 < watch->n; i += 2) {
		if (watch->fds[i].revents)
			mq_pool_reap(pool, watch->slots[i], now_us);
		else if (watch->fds[i + 1].revents)
			mq_pool_receive(pool, watch->slots[i], now_us);
	}
}

static void loop(struct supervisor *sup)
{
	struct watch watch;

	while (sup->pool.phase != POOL_ENDED) {
		watch_all(&watch, &sup->pool);
		wait_for_event(sup, &watch);
		int64_t now_us = mq_clock_mono_us();

		handle_events(sup, &watch, now_us);
		mq_pool_advance(&sup->pool, now_us);
		feed_watchdog(sup, now_us);
	}
}

/* ---------------------------------------------------------------- begin and end */

static enum mq_rc open_descriptors(struct pool *pool, sigset_t *ret_old_mask, struct mq_err *err)
{
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < N_ORDERS; i++)
		sigaddset(&ours, orders[i].signal);
	sigprocmask(SIG_BLOCK, &ours, ret_old_mask);
	pool->signal_fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	pool->doorbell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	if (pool->signal_fd < 0 || pool->doorbell_fd < 0)
		return mq_err_sys(err, errno, "prepare the supervisor");
	return MQ_OK;
}

static void close_descriptors(struct supervisor *sup, const sigset_t *old_mask)
{
	if (sup->pool.signal_fd >= 0)
		close(sup->pool.signal_fd);
	if (sup->pool.doorbell_fd >= 0)
		close(sup->pool.doorbell_fd);
	mq_notify_close(&sup->notify);
	sigprocmask(SIG_SETMASK, old_mask, NULL);
}

int mq_supervisor_run(const struct mq_supervisor_options *options)
{
	struct supervisor *sup = mq_alloc(1, sizeof *sup);
	struct mq_err err;
	sigset_t old_mask;

	mq_log_set_role("supervisor");
	mq_notify_open(&sup->notify);
	sup->pool.options = options;
	sup->pool.notify = &sup->notify;
	sup->pool.drain_ms = options->drain_ms;
	sup->pool.workers = options->workers;
	if (open_descriptors(&sup->pool, &old_mask, &err) == MQ_OK) {
		mq_pool_advance(&sup->pool, mq_clock_mono_us());
		loop(sup);
	} else {
		mq_log(MQ_LOG_ERROR, MODULE, "%s", err.text);
		sup->pool.exit_status = mq_rc_info(err.rc)->exit_status;
	}
	int status = sup->pool.exit_status;

	close_descriptors(sup, &old_mask);
	free(sup);
	mq_log(MQ_LOG_INFO, MODULE, "ended");
	return status;
}
