#include "keeper.h"

#include "checkpoint.h"
#include "rescue.h"
#include "wake.h"

#include <errno.h>
#include <mq/clock.h>
#include <mq/log.h>
#include <mq/str.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define MODULE "keeper"

#define SAFETY_LOOK_US MQ_US_PER_S
/* Where inotify is not to be had, commits are seen by asking. */
#define POLL_LOOK_US INT64_C(20000)
#define RETRY_US     INT64_C(200000)

struct keeper {
	const struct mq_keeper_options *options;
	const struct mq_child *child;
	struct mq_queue *queue;
	struct mq_wake *wake; /* NULL: polling */
	struct mq_look look;
	struct mq_rescue_deaths deaths;
	struct mq_rescue_suspects suspects;
	struct mq_checkpoint_pace checkpoint;
	int64_t page_size;
	char *wal_path;
	int64_t safety_at_us; /* monotonic */
	int64_t due_at_us;    /* monotonic, of the next scheduled row; 0: none */
	bool ending;
	bool gone; /* the supervisor */
	bool said_empty;
};

/* ---------------------------------------------------------------- messages */

static void log_failure(const struct mq_err *err)
{
	mq_log(MQ_LOG_WARNING, MODULE, "%s", err->text);
}

static void read_messages(struct keeper *k)
{
	struct mq_msg msg;
	int got;

	while ((got = mq_channel_recv(k->child->channel_fd, &msg)) == 1) {
		if (msg.type == MQ_MSG_DRAIN)
			k->ending = true;
		else if (msg.type == MQ_MSG_DIED)
			mq_rescue_note(&k->deaths, &msg, mq_clock_mono_us());
	}
	if (got < 0)
		k->gone = true;
}

static void rescued(void *ctx, const struct mq_death *death, int jobs)
{
	struct keeper *k = ctx;
	const struct mq_msg answer = { .type = MQ_MSG_FINISHED, .a = death->worker_id };

	mq_channel_send(k->child->channel_fd, &answer, NULL);
	if (jobs > 0)
		mq_log(MQ_LOG_INFO, MODULE, "took back %d job%s of worker %lld (%s)", jobs,
		       jobs == 1 ? "" : "s", (long long)death->worker_id,
		       mq_outcome_name(death->outcome));
	/* Own commits raise no change: what was put back must be looked for. */
	k->due_at_us = mq_clock_mono_us();
}

/* A rescue waits for the write lock as long as the pool lives. */
static bool keep_waiting(void *ctx)
{
	const struct keeper *k = ctx;
	struct pollfd channel = { .fd = k->child->channel_fd };

	return poll(&channel, 1, 0) <= 0 || !(channel.revents & (POLLHUP | POLLERR));
}

/* ---------------------------------------------------------------- looking */

/* Sets the bell to exactly `n` rings: what nobody has heard yet is taken back first. */
static void ring(const struct keeper *k, int64_t n)
{
	uint64_t rings;

	while (read(k->child->doorbell_fd, &rings, sizeof rings) > 0)
		;
	rings = (uint64_t)n;
	if (n > 0)
		(void)!write(k->child->doorbell_fd, &rings, sizeof rings);
}

/* A row that has become due since the outlook was made is not among the ready ones: it is looked
 * for at once. */
static void set_due_timer(struct keeper *k, int64_t next_due_us)
{
	int64_t left_us = next_due_us - mq_clock_wall_us();

	k->due_at_us = next_due_us ? mq_clock_mono_us() + (left_us > 0 ? left_us : 0) : 0;
}

static void say_when_empty(struct keeper *k, const struct mq_outlook *outlook)
{
	const struct mq_msg empty = { .type = MQ_MSG_EMPTY };

	if (!k->options->drain_when_empty || k->said_empty || outlook->ready || outlook->waiting ||
	    outlook->running)
		return;
	k->said_empty = mq_channel_send(k->child->channel_fd, &empty, NULL) == MQ_OK;
}

static enum mq_rc look_for_work(struct keeper *k, struct mq_err *err)
{
	const struct mq_claim claim = {
		.serves = k->options->serves,
		.ctx = k->options->ctx,
		.max = (size_t)k->options->workers,
	};
	struct mq_outlook outlook;

	if (mq_queue_outlook(k->queue, &claim, &outlook, err) != MQ_OK)
		return err->rc;
	ring(k, outlook.ready);
	set_due_timer(k, outlook.next_due_us);
	say_when_empty(k, &outlook);
	return MQ_OK;
}

static void note_log_size(struct keeper *k)
{
	struct stat st;

	if (stat(k->wal_path, &st) == 0)
		mq_checkpoint_changed(&k->checkpoint, st.st_size, k->page_size);
}

/* After an event: has anything been committed? Only then is it worth to look for work. */
static enum mq_rc look_after_event(struct keeper *k, int64_t now_us, struct mq_err *err)
{
	bool changed = false;

	if (mq_queue_changed(k->queue, &changed, err) != MQ_OK)
		return err->rc;
	mq_look_done(&k->look, changed, now_us);
	if (!changed)
		return MQ_OK;
	note_log_size(k);
	return look_for_work(k, err);
}

static enum mq_rc safety_look(struct keeper *k, int64_t now_us, struct mq_err *err)
{
	int jobs = 0;

	k->safety_at_us = now_us + SAFETY_LOOK_US;
	if (mq_rescue_look(k->queue, &k->suspects, &jobs, err) != MQ_OK)
		return err->rc;
	if (jobs > 0)
		mq_log(MQ_LOG_INFO, MODULE, "took back %d job%s of workers that died unseen", jobs,
		       jobs == 1 ? "" : "s");
	return look_for_work(k, err);
}

static enum mq_rc checkpoint(struct keeper *k, int64_t now_us, struct mq_err *err)
{
	struct mq_checkpoint result = { 0 };
	enum mq_rc rc = mq_queue_checkpoint(k->queue, &result, err);

	mq_checkpoint_ran(&k->checkpoint, &result, now_us);
	if (rc == MQ_OK)
		mq_log(MQ_LOG_DEBUG, MODULE, "checkpoint: %s, %lld of %lld frames copied",
		       result.done ? "done" : "not now", (long long)result.copied,
		       (long long)result.wal_frames);
	return rc;
}

/* ---------------------------------------------------------------- the loop */

static void earliest(int64_t *due_us, int64_t candidate_us)
{
	if (candidate_us && candidate_us < *due_us)
		*due_us = candidate_us;
}

static int64_t next_due_us(const struct keeper *k, int64_t now_us)
{
	int64_t due_us = k->safety_at_us;

	if (k->deaths.n > 0)
		earliest(&due_us, k->deaths.next_us);
	earliest(&due_us, k->look.at_us);
	earliest(&due_us, k->due_at_us);
	if (k->checkpoint.wanted)
		earliest(&due_us, k->checkpoint.next_us ? k->checkpoint.next_us : now_us);
	if (!k->wake)
		earliest(&due_us, now_us + POLL_LOOK_US);
	return due_us;
}

static void wait_for_event(struct keeper *k)
{
	int64_t now_us = mq_clock_mono_us(), left_us = next_due_us(k, now_us) - now_us;
	struct pollfd fds[] = {
		{ .fd = k->child->channel_fd, .events = POLLIN },
		{ .fd = mq_wake_fd(k->wake), .events = POLLIN },
	};
	struct timespec timeout;

	if (left_us < 0)
		left_us = 0;
	timeout.tv_sec = left_us / MQ_US_PER_S;
	timeout.tv_nsec = left_us % MQ_US_PER_S * 1000;
	if (ppoll(fds, sizeof fds / sizeof fds[0], &timeout, NULL) < 0)
		return;
	if (fds[0].revents)
		read_messages(k);
	if (!k->wake)
		mq_look_once(&k->look, mq_clock_mono_us());
	else if (fds[1].revents && mq_wake_read(k->wake))
		mq_look_event(&k->look, mq_clock_mono_us());
}

static bool is_due(int64_t at_us, int64_t now_us)
{
	return at_us && at_us <= now_us;
}

static enum mq_rc do_what_is_due(struct keeper *k, int64_t now_us, struct mq_err *err)
{
	enum mq_rc rc = MQ_OK;

	if (k->deaths.n > 0 && k->deaths.next_us <= now_us)
		rc = mq_rescue_try(k->queue, &k->deaths, now_us, rescued, k, err);
	if (rc == MQ_OK && is_due(k->look.at_us, now_us))
		rc = look_after_event(k, now_us, err);
	if (rc == MQ_OK && is_due(k->due_at_us, now_us))
		rc = look_for_work(k, err);
	if (rc == MQ_OK && k->safety_at_us <= now_us)
		rc = safety_look(k, now_us, err);
	if (rc == MQ_OK && mq_checkpoint_is_due(&k->checkpoint, now_us))
		rc = checkpoint(k, now_us, err);
	return rc;
}

/* Nothing that another look can mend: the file is gone, damaged or of a newer program. */
static bool is_hopeless(enum mq_rc rc)
{
	return rc == MQ_E_CORRUPT || rc == MQ_E_NOTFOUND || rc == MQ_E_UNSUPPORTED;
}

static int loop(struct keeper *k)
{
	struct mq_err err = { 0 };

	/* What is known of the dead is put down before the end; how long that may take is the
	 * supervisor's business. */
	while (!k->gone && !(k->ending && k->deaths.n == 0)) {
		int64_t now_us = mq_clock_mono_us();
		enum mq_rc rc = do_what_is_due(k, now_us, &err);

		if (is_hopeless(rc)) {
			mq_log(MQ_LOG_ERROR, MODULE, "%s", err.text);
			return MQ_CHILD_EXIT_FATAL;
		}
		if (rc != MQ_OK) {
			log_failure(&err);
			k->look = (struct mq_look){ 0 };
			k->due_at_us = 0;
			k->safety_at_us = now_us + RETRY_US;
		}
		wait_for_event(k);
	}
	return EXIT_SUCCESS;
}

/* ---------------------------------------------------------------- begin and end */

static enum mq_rc open_queue(struct keeper *k, struct mq_err *err)
{
	const struct mq_queue_options options = {
		.database = k->options->database,
		.key_file = k->options->key_file,
		.busy_ms = -1,
		.keep_waiting = keep_waiting,
		.ctx = k,
	};
	struct mq_queue_facts facts;

	if (mq_queue_open(k->options->driver, &options, &k->queue, err) != MQ_OK ||
	    mq_queue_facts(k->queue, &facts, err) != MQ_OK)
		return err->rc;
	k->page_size = facts.page_size;
	return MQ_OK;
}

/* What the supervisor knows is told first: it says why a worker died, the lock file only that it
 * did. */
static enum mq_rc begin(struct keeper *k, struct mq_err *err)
{
	const struct mq_msg ready = { .type = MQ_MSG_READY };
	struct mq_err no_events;
	int jobs = 0;

	if (open_queue(k, err) != MQ_OK)
		return mq_err_wrap(err, "cannot use the queue");
	read_messages(k);
	if (k->deaths.n > 0 &&
	    mq_rescue_try(k->queue, &k->deaths, mq_clock_mono_us(), rescued, k, err) != MQ_OK)
		return err->rc;
	if (mq_queue_rescue_all(k->queue, &jobs, err) != MQ_OK)
		return err->rc;
	if (jobs > 0)
		mq_log(MQ_LOG_INFO, MODULE, "took back %d job%s that an earlier pool left", jobs,
		       jobs == 1 ? "" : "s");
	if (mq_wake_open(k->options->database, &k->wake, &no_events) != MQ_OK)
		mq_log(MQ_LOG_WARNING, MODULE, "%s: looking each %lld ms instead", no_events.text,
		       (long long)(POLL_LOOK_US / 1000));
	/* Looks follow each other after 30 us; the usual slack of timers is longer than that. */
	prctl(PR_SET_TIMERSLACK, 1000UL);
	return mq_channel_send(k->child->channel_fd, &ready, err);
}

static void end(struct keeper *k)
{
	struct mq_err err;

	if (!k->gone && k->queue && checkpoint(k, mq_clock_mono_us(), &err) != MQ_OK)
		log_failure(&err);
	mq_rescue_drop(&k->deaths);
	mq_rescue_forget(&k->suspects);
	mq_wake_close(k->wake);
	mq_queue_close(k->queue);
	free(k->wal_path);
}

int mq_keeper_main(const struct mq_keeper_options *options, const struct mq_child *child)
{
	struct keeper k = { .options = options, .child = child };
	struct mq_err err = { 0 };
	int status;

	k.wal_path = mq_strf("%s-wal", options->database);
	if (begin(&k, &err) == MQ_OK) {
		status = loop(&k);
	} else {
		mq_log(MQ_LOG_ERROR, MODULE, "%s", err.text);
		status = is_hopeless(err.rc) ? MQ_CHILD_EXIT_FATAL : EXIT_FAILURE;
	}
	end(&k);
	return status;
}
