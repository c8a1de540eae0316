/*
 * The supervisor: forks the pool, watches it, replaces what dies, ends it in order. One loop over a
 * signalfd, a pidfd and one channel a child, and timers. It never opens the database and links no
 * library that keeps state across fork.
 *
 * Signals: TERM, INT drain (a second one interrupts the running jobs), HUP replaces every child
 * with the configuration re-read, TTIN adds a worker, TTOU removes one, CHLD is not used (pidfds).
 */
#ifndef MQ_SUPERVISOR_H
#define MQ_SUPERVISOR_H

#include <mq/channel.h>
#include <mq/err.h>
#include <stdint.h>

/* What a child gets. The descriptors are close-on-exec and belong to it. */
struct mq_child {
	int slot;	 /* 0: keeper, 1..: workers */
	int channel_fd;	 /* to the supervisor; end of file: the supervisor is gone */
	int doorbell_fd; /* eventfd, semaphore: the keeper adds one for each job a sleeping worker
			    should look for */
};

struct mq_supervisor_ops {
	/* Run in the child after the fork; the return value is its exit status. */
	int (*keeper_main)(void *ctx, const struct mq_child *child);
	int (*worker_main)(void *ctx, const struct mq_child *child);
	/*
	 * Re-reads the configuration for later forks; on error the old one stays. *ret_workers and
	 * *ret_drain_ms are the new pool's. Runs in the supervisor.
	 */
	enum mq_rc (*reload)(void *ctx, int *ret_workers, int64_t *ret_drain_ms,
			     struct mq_err *err);
};

struct mq_supervisor_options {
	const struct mq_supervisor_ops *ops;
	void *ctx;
	int workers;
	int64_t drain_ms; /* after TERM: running jobs have this long before they are interrupted */
	int64_t grace_ms; /* from asking a child to stop its job, or itself, to SIGKILL of its
			     process group */
	bool drain_when_empty; /* end when the keeper says that nothing is left */
};

/* An exit status of a child that says: do not start it again, the pool cannot run (the reason is
 * logged). */
#define MQ_CHILD_EXIT_FATAL 78

/* Runs until the pool has ended. Returns the exit status of the program: 0 after a drain. */
int mq_supervisor_run(const struct mq_supervisor_options *options);

#endif
