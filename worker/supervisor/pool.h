/*
 * The supervisor's children: one slot each, what is known of the process in it, and what is due
 * when.
 *
 *            fork           READY          asked to end
 *   EMPTY ---------> STARTING -----> READY -----------> (still READY, `asked`)
 *     ^                  |             |                     |
 *     '------------------+-- reaped ---+---------------------'
 *
 * Phases of the pool: RUNNING, DRAINING (workers finish their jobs), INTERRUPTING (running jobs are
 * stopped), ENDING (only the keeper is left, it takes back what was killed), ENDED.
 */
#ifndef MQ_POOL_H
#define MQ_POOL_H

#include "child.h"
#include "notify.h"

#define MQ_POOL_WORKERS_MAX 256
#define MQ_POOL_SLOTS	    (MQ_POOL_WORKERS_MAX + 1)
#define MQ_POOL_KEEPER	    0

enum child_state { CHILD_EMPTY, CHILD_STARTING, CHILD_READY };

struct child {
	enum child_state state;
	struct mq_child_handle process;
	int64_t worker_id; /* from READY; 0: none yet */
	int64_t job_id;	   /* 0: idle */
	bool had_job;
	bool asked;		  /* to end */
	enum mq_stop_reason stop; /* sent for the job at hand */
	int generation;		  /* of the configuration it was forked with */
	int failures;		  /* of the slot, see slots.h */
	/* Monotonic microseconds; 0: not set. */
	int64_t start_at_us;
	int64_t ready_at_us;
	int64_t deadline_us; /* of the job */
	int64_t kill_at_us;
};

enum pool_phase { POOL_RUNNING, POOL_DRAINING, POOL_INTERRUPTING, POOL_ENDING, POOL_ENDED };

struct pool {
	const struct mq_supervisor_options *options;
	struct mq_notify *notify;
	enum pool_phase phase;
	int workers; /* wanted */
	int64_t drain_ms;
	int64_t interrupt_at_us; /* DRAINING: when patience ends */
	int generation;
	int signal_fd;
	int doorbell_fd;
	int exit_status;
	bool said_ready;
	bool keeper_tried; /* ENDING: one was told everything and has ended */
	/* No keeper has answered yet that it took back what they held; the first n_told were told
	 * to this one. */
	size_t n_deaths, n_told;
	struct mq_msg deaths[MQ_POOL_SLOTS];
	struct child children[MQ_POOL_SLOTS];
};

/* What the loop calls, in this order, each time something happened. */
void mq_pool_receive(struct pool *pool, int slot, int64_t now_us); /* all messages of one child */
void mq_pool_reap(struct pool *pool, int slot, int64_t now_us);	   /* its process has ended */
void mq_pool_advance(struct pool *pool, int64_t now_us); /* whatever is due: kills, phases, forks */

/* When mq_pool_advance() has to be called again without an event; 0: never. */
int64_t mq_pool_next_due_us(const struct pool *pool);

/* Ends the pool; a second call interrupts the running jobs, a third one kills. */
void mq_pool_stop(struct pool *pool, int64_t now_us);
/* Replaces every child with one of the configuration as it is now. */
void mq_pool_renew(struct pool *pool);
void mq_pool_resize(struct pool *pool, int workers);

static inline bool mq_pool_is_alive(const struct child *child)
{
	return child->state != CHILD_EMPTY;
}

#endif
