#include "pool.h"

#include "slots.h"

#include <errno.h>
#include <mq/clock.h>
#include <mq/log.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define MODULE "supervisor"

/* It may have to wait for the application's write lock before it can put back what was killed. */
#define KEEPER_GRACE_MS 10000

static int64_t in_ms(int64_t now_us, int64_t ms)
{
	return now_us + ms * (MQ_US_PER_S / MQ_MS_PER_S);
}

static const char *role_of(int slot, char text[static 24])
{
	if (slot == MQ_POOL_KEEPER)
		strcpy(text, "keeper");
	else
		snprintf(text, 24, "worker %d", slot);
	return text;
}

static int alive_workers(const struct pool *pool)
{
	int n = 0;

	for (int slot = 1; slot < MQ_POOL_SLOTS; slot++)
		n += mq_pool_is_alive(&pool->children[slot]);
	return n;
}

/* ---------------------------------------------------------------- messages */

/* A child that is gone says so through its pidfd; here nothing is lost by not sending. */
static void tell(const struct child *child, enum mq_msg_type type, int64_t a, int64_t b)
{
	const struct mq_msg msg = { .type = (int32_t)type, .a = a, .b = b };

	if (child->process.channel_fd >= 0)
		mq_channel_send(child->process.channel_fd, &msg, NULL);
}

static void ask_to_end(struct child *child)
{
	if (!mq_pool_is_alive(child) || child->asked)
		return;
	child->asked = true;
	tell(child, MQ_MSG_DRAIN, 0, 0);
}

/* Asks for the end of the job and sets the moment after which asking is over. */
static void stop_job(const struct pool *pool, struct child *child, enum mq_stop_reason reason,
		     int64_t now_us)
{
	child->stop = reason;
	child->deadline_us = 0;
	child->kill_at_us = in_ms(now_us, pool->options->grace_ms);
	if (child->job_id)
		tell(child, MQ_MSG_STOP_JOB, child->job_id, (int64_t)reason);
}

/* A keeper that dies has lost what it was told: the next one is told again. */
static void tell_deaths(struct pool *pool)
{
	const struct child *keeper = &pool->children[MQ_POOL_KEEPER];

	if (!mq_pool_is_alive(keeper) || keeper->process.channel_fd < 0)
		return;
	while (pool->n_told < pool->n_deaths &&
	       mq_channel_send(keeper->process.channel_fd, &pool->deaths[pool->n_told], NULL) ==
		       MQ_OK)
		pool->n_told++;
}

static void forget_death(struct pool *pool, int64_t worker_id)
{
	for (size_t i = 0; i < pool->n_told; i++) {
		if (pool->deaths[i].a != worker_id)
			continue;
		pool->n_deaths--;
		pool->n_told--;
		memmove(&pool->deaths[i], &pool->deaths[i + 1],
			(pool->n_deaths - i) * sizeof pool->deaths[0]);
		return;
	}
}

static void say_ready_once(struct pool *pool)
{
	bool any_worker = false;

	for (int slot = 1; slot < MQ_POOL_SLOTS; slot++)
		any_worker |= pool->children[slot].state == CHILD_READY;
	if (pool->said_ready || !any_worker || pool->children[MQ_POOL_KEEPER].state != CHILD_READY)
		return;
	pool->said_ready = true;
	mq_log(MQ_LOG_INFO, MODULE, "ready: %d worker%s", pool->workers,
	       pool->workers == 1 ? "" : "s");
	mq_notify_send(pool->notify, "READY=1\nSTATUS=%d workers", pool->workers);
}

static void on_ready(struct pool *pool, struct child *child, const struct mq_msg *msg,
		     int64_t now_us)
{
	child->state = CHILD_READY;
	child->worker_id = msg->a;
	child->ready_at_us = now_us;
	say_ready_once(pool);
}

static void on_started(struct pool *pool, struct child *child, const struct mq_msg *msg,
		       int64_t now_us)
{
	child->job_id = msg->a;
	child->had_job = true;
	child->deadline_us = msg->b > 0 ? in_ms(now_us, msg->b) : 0;
	if (pool->phase >= POOL_INTERRUPTING) {
		stop_job(pool, child, MQ_STOP_DRAIN, now_us);
		return;
	}
	child->stop = MQ_STOP_NONE;
	child->kill_at_us = 0;
}

static void on_finished(struct pool *pool, struct child *child, const struct mq_msg *msg,
			int64_t now_us)
{
	(void)now_us;
	if (child == &pool->children[MQ_POOL_KEEPER]) {
		forget_death(pool, msg->a);
		return;
	}
	child->job_id = 0;
	child->deadline_us = 0;
	/* A worker that is being ended keeps its last moment: it may still hang on its way out. */
	if (pool->phase < POOL_INTERRUPTING) {
		child->stop = MQ_STOP_NONE;
		child->kill_at_us = 0;
	}
}

static void on_empty(struct pool *pool, struct child *child, const struct mq_msg *msg,
		     int64_t now_us)
{
	(void)child;
	(void)msg;
	if (pool->phase != POOL_RUNNING || !pool->options->drain_when_empty)
		return;
	mq_log(MQ_LOG_INFO, MODULE, "nothing is left to do");
	mq_pool_stop(pool, now_us);
}

typedef void (*message_fn)(struct pool *pool, struct child *child, const struct mq_msg *msg,
			   int64_t now_us);

static const message_fn on_message[] = {
	[MQ_MSG_READY] = on_ready,
	[MQ_MSG_STARTED] = on_started,
	[MQ_MSG_FINISHED] = on_finished,
	[MQ_MSG_EMPTY] = on_empty,
};

void mq_pool_receive(struct pool *pool, int slot, int64_t now_us)
{
	struct child *child = &pool->children[slot];
	struct mq_msg msg;
	int got = 0;

	if (child->process.channel_fd < 0)
		return;
	while ((got = mq_channel_recv(child->process.channel_fd, &msg)) == 1)
		if (msg.type > 0 && (size_t)msg.type < sizeof on_message / sizeof on_message[0])
			on_message[msg.type](pool, child, &msg, now_us);
	if (got == 0)
		return;
	/* It ends, and its pidfd will say so; one that closed its channel and stays is of no use.
	 */
	close(child->process.channel_fd);
	child->process.channel_fd = -1;
	child->kill_at_us = in_ms(now_us, pool->options->grace_ms);
}

/* ---------------------------------------------------------------- ends */

static void log_end(int slot, const struct child *child, int wait_status)
{
	char role[24], job[40] = "";

	role_of(slot, role);
	if (child->job_id)
		snprintf(job, sizeof job, " while it ran job %lld", (long long)child->job_id);
	if (WIFSIGNALED(wait_status))
		mq_log(MQ_LOG_WARNING, MODULE, "%s (pid %d) was ended by signal %d (%s)%s", role,
		       (int)child->process.pid, WTERMSIG(wait_status),
		       sigdescr_np(WTERMSIG(wait_status)) ?: "unknown", job);
	else
		mq_log(MQ_LOG_WARNING, MODULE, "%s (pid %d) ended by itself with status %d%s", role,
		       (int)child->process.pid, WEXITSTATUS(wait_status), job);
}

/* Somebody who signals the whole program, not only its supervisor, means the pool's end, not the
 * job's. */
static bool is_pool_signal(const struct pool *pool, int wait_status)
{
	return pool->phase != POOL_RUNNING && WIFSIGNALED(wait_status) &&
	       (WTERMSIG(wait_status) == SIGTERM || WTERMSIG(wait_status) == SIGINT);
}

static void note_death(struct pool *pool, const struct child *child, int wait_status)
{
	enum mq_stop_reason reason = child->stop;

	if (!child->worker_id || pool->n_deaths == MQ_POOL_SLOTS)
		return;
	if (reason == MQ_STOP_NONE && is_pool_signal(pool, wait_status))
		reason = MQ_STOP_DRAIN;
	pool->deaths[pool->n_deaths++] = (struct mq_msg){
		.type = MQ_MSG_DIED,
		.a = child->worker_id,
		.b = wait_status,
		.c = (int32_t)reason,
	};
	tell_deaths(pool);
}

static void close_process(struct child *child)
{
	if (child->process.channel_fd >= 0)
		close(child->process.channel_fd);
	close(child->process.pidfd);
}

void mq_pool_reap(struct pool *pool, int slot, int64_t now_us)
{
	struct child *child = &pool->children[slot];
	int wait_status = 0;

	mq_pool_receive(pool, slot, now_us);
	/* Its tools end before its job is given to another; until it is reaped the group's number
	 * is still its own. */
	killpg(child->process.pid, SIGKILL);
	if (waitpid(child->process.pid, &wait_status, 0) < 0)
		return;

	const struct mq_slot_life life = {
		.asked = child->asked,
		.ready = child->state == CHILD_READY,
		.had_job = child->had_job,
		.lived_ms = (now_us - child->ready_at_us) * MQ_MS_PER_S / MQ_US_PER_S,
		.wait_status = wait_status,
	};
	struct mq_slot_verdict verdict = mq_slots_judge(&life, child->failures);

	if (verdict.died) {
		log_end(slot, child, wait_status);
		note_death(pool, child, wait_status);
	}
	pool->keeper_tried |= slot == MQ_POOL_KEEPER && pool->phase == POOL_ENDING && child->asked;
	close_process(child);
	*child = (struct child){
		.failures = verdict.failures,
		.start_at_us = in_ms(now_us, verdict.delay_ms),
	};
	if (verdict.fatal) {
		pool->exit_status = MQ_CHILD_EXIT_FATAL;
		if (pool->phase == POOL_RUNNING)
			mq_pool_stop(pool, now_us);
	}
}

/* ---------------------------------------------------------------- starts */

static bool is_wanted(const struct pool *pool, int slot)
{
	if (slot == MQ_POOL_KEEPER)
		return pool->phase <= POOL_INTERRUPTING ||
		       (pool->n_deaths > 0 && !pool->keeper_tried);
	return pool->phase == POOL_RUNNING && slot <= pool->workers;
}

static size_t own_descriptors(const struct pool *pool, int fds[static 2 * MQ_POOL_SLOTS + 2])
{
	size_t n = 0;

	fds[n++] = pool->signal_fd;
	fds[n++] = pool->notify->fd;
	for (int slot = 0; slot < MQ_POOL_SLOTS; slot++) {
		const struct child *child = &pool->children[slot];

		if (!mq_pool_is_alive(child))
			continue;
		fds[n++] = child->process.channel_fd;
		fds[n++] = child->process.pidfd;
	}
	return n;
}

static void start(struct pool *pool, int slot, int64_t now_us)
{
	const struct mq_supervisor_ops *ops = pool->options->ops;
	struct child *child = &pool->children[slot];
	int fds[2 * MQ_POOL_SLOTS + 2];
	char role[24];
	struct mq_err err;
	const struct mq_child_start how = {
		.slot = slot,
		.doorbell_fd = pool->doorbell_fd,
		.role = role_of(slot, role),
		.main = slot == MQ_POOL_KEEPER ? ops->keeper_main : ops->worker_main,
		.ctx = pool->options->ctx,
		.close_fds = fds,
		.n_close_fds = own_descriptors(pool, fds),
	};
	struct mq_child_handle process;

	if (mq_child_fork(&how, &process, &err) != MQ_OK) {
		mq_log(MQ_LOG_ERROR, MODULE, "%s; trying again in a second", err.text);
		child->start_at_us = in_ms(now_us, 1000);
		return;
	}
	*child = (struct child){
		.state = CHILD_STARTING,
		.process = process,
		.generation = pool->generation,
		.failures = child->failures,
	};
	if (slot == MQ_POOL_KEEPER) {
		pool->n_told = 0;
		tell_deaths(pool);
	}
}

static void start_due(struct pool *pool, int64_t now_us)
{
	for (int slot = 0; slot < MQ_POOL_SLOTS; slot++) {
		const struct child *child = &pool->children[slot];

		if (!mq_pool_is_alive(child) && is_wanted(pool, slot) &&
		    child->start_at_us <= now_us)
			start(pool, slot, now_us);
	}
}

/* ---------------------------------------------------------------- what is due */

static void enforce(struct pool *pool, int slot, int64_t now_us)
{
	struct child *child = &pool->children[slot];
	char role[24];

	if (!mq_pool_is_alive(child))
		return;
	if (child->deadline_us && child->deadline_us <= now_us) {
		mq_log(MQ_LOG_WARNING, MODULE, "job %lld has reached its time limit",
		       (long long)child->job_id);
		stop_job(pool, child, MQ_STOP_TIMEOUT, now_us);
	}
	if (child->kill_at_us && child->kill_at_us <= now_us) {
		child->kill_at_us = 0;
		mq_log(MQ_LOG_WARNING, MODULE, "%s (pid %d) does not stop: killed",
		       role_of(slot, role), (int)child->process.pid);
		killpg(child->process.pid, SIGKILL);
	}
}

/*
 * Renews children of an older configuration. One that comes up or is on its way out holds the next
 * one back, so a configuration with which nothing starts stops the roll; one that has a job to
 * finish does not.
 */
static void roll(struct pool *pool)
{
	for (int slot = 0; slot <= pool->workers; slot++) {
		struct child *child = &pool->children[slot];
		bool busy = child->job_id != 0;

		if (child->state != CHILD_READY || (child->asked && !busy))
			return;
		if (child->generation < pool->generation && !child->asked) {
			ask_to_end(child);
			if (!busy)
				return;
		}
	}
}

static void interrupt_jobs(struct pool *pool, int64_t now_us)
{
	pool->phase = POOL_INTERRUPTING;
	for (int slot = 1; slot < MQ_POOL_SLOTS; slot++) {
		struct child *child = &pool->children[slot];

		if (!mq_pool_is_alive(child))
			continue;
		if (child->job_id)
			mq_log(MQ_LOG_INFO, MODULE,
			       "job %lld is interrupted and goes back to the queue",
			       (long long)child->job_id);
		stop_job(pool, child, MQ_STOP_DRAIN, now_us);
	}
}

static void end_keeper(struct pool *pool, int64_t now_us)
{
	struct child *keeper = &pool->children[MQ_POOL_KEEPER];

	pool->phase = POOL_ENDING;
	if (mq_pool_is_alive(keeper) && !keeper->asked) {
		ask_to_end(keeper);
		keeper->kill_at_us = in_ms(now_us, KEEPER_GRACE_MS);
	}
}

/* A keeper that cannot do it is not waited for: whoever starts next takes back what is left. */
static bool has_ended(const struct pool *pool)
{
	const struct child *keeper = &pool->children[MQ_POOL_KEEPER];
	bool hopeless = pool->keeper_tried || keeper->failures > 0;

	return !mq_pool_is_alive(keeper) && (pool->n_deaths == 0 || hopeless);
}

static void advance_phase(struct pool *pool, int64_t now_us)
{
	if (pool->phase == POOL_RUNNING) {
		roll(pool);
		return;
	}
	if (pool->phase == POOL_DRAINING && pool->interrupt_at_us <= now_us)
		interrupt_jobs(pool, now_us);
	if (alive_workers(pool) > 0)
		return;
	end_keeper(pool, now_us);
	if (has_ended(pool))
		pool->phase = POOL_ENDED;
}

void mq_pool_advance(struct pool *pool, int64_t now_us)
{
	for (int slot = 0; slot < MQ_POOL_SLOTS; slot++)
		enforce(pool, slot, now_us);
	advance_phase(pool, now_us);
	if (pool->phase != POOL_ENDED)
		start_due(pool, now_us);
}

static void earliest(int64_t *due_us, int64_t candidate_us)
{
	if (candidate_us && (!*due_us || candidate_us < *due_us))
		*due_us = candidate_us;
}

int64_t mq_pool_next_due_us(const struct pool *pool)
{
	int64_t due_us = 0;

	if (pool->phase == POOL_DRAINING)
		earliest(&due_us, pool->interrupt_at_us);
	for (int slot = 0; slot < MQ_POOL_SLOTS; slot++) {
		const struct child *child = &pool->children[slot];

		if (!mq_pool_is_alive(child)) {
			if (is_wanted(pool, slot))
				earliest(&due_us, child->start_at_us);
			continue;
		}
		earliest(&due_us, child->deadline_us);
		earliest(&due_us, child->kill_at_us);
	}
	return due_us;
}

/* ---------------------------------------------------------------- orders */

static void begin_drain(struct pool *pool, int64_t now_us)
{
	pool->phase = POOL_DRAINING;
	pool->interrupt_at_us = in_ms(now_us, pool->drain_ms);
	mq_notify_send(pool->notify, "STOPPING=1\nSTATUS=finishing running jobs");
	for (int slot = 1; slot < MQ_POOL_SLOTS; slot++)
		ask_to_end(&pool->children[slot]);
}

static void kill_all(struct pool *pool, int64_t now_us)
{
	for (int slot = 0; slot < MQ_POOL_SLOTS; slot++)
		if (mq_pool_is_alive(&pool->children[slot]) && pool->children[slot].asked)
			pool->children[slot].kill_at_us = now_us;
}

void mq_pool_stop(struct pool *pool, int64_t now_us)
{
	switch (pool->phase) {
	case POOL_RUNNING:
		begin_drain(pool, now_us);
		break;
	case POOL_DRAINING:
		interrupt_jobs(pool, now_us);
		break;
	case POOL_INTERRUPTING:
	case POOL_ENDING:
	case POOL_ENDED:
		kill_all(pool, now_us);
		break;
	}
}

void mq_pool_renew(struct pool *pool)
{
	pool->generation++;
}

void mq_pool_resize(struct pool *pool, int workers)
{
	if (workers < 1)
		workers = 1;
	if (workers > MQ_POOL_WORKERS_MAX)
		workers = MQ_POOL_WORKERS_MAX;
	pool->workers = workers;
	for (int slot = workers + 1; slot < MQ_POOL_SLOTS; slot++)
		ask_to_end(&pool->children[slot]);
	mq_log(MQ_LOG_INFO, MODULE, "%d workers", workers);
	mq_notify_send(pool->notify, "STATUS=%d workers", workers);
}
