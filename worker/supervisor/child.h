/* The fork: what must hold between fork(2) and a child's own code. */
#ifndef MQ_CHILD_H
#define MQ_CHILD_H

#include <mq/supervisor.h>
#include <sys/types.h>

/* A started child as the supervisor sees it. Both descriptors are the caller's. */
struct mq_child_handle {
	pid_t pid; /* also its process group */
	int pidfd;
	int channel_fd;
};

struct mq_child_start {
	int slot;
	int doorbell_fd;
	const char *role; /* for the log */
	int (*main)(void *ctx, const struct mq_child *child);
	void *ctx;
	/* Descriptors of the supervisor that the child must not keep: a sibling's channel held open
	 * here would hide the supervisor's death from that sibling. -1 entries are skipped. */
	const int *close_fds;
	size_t n_close_fds;
};

/*
 * Forks. The child leads its own process group, dies with the supervisor (whatever kills that), has
 * default signal handling and exits with what `main` returns.
 */
enum mq_rc mq_child_fork(const struct mq_child_start *start, struct mq_child_handle *ret,
			 struct mq_err *err);

#endif
