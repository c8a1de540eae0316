/*
 * Who is alive, answered by the kernel: open-file-description locks (F_OFD_SETLK, fcntl(2)) on
 * single bytes of
 * `<database>-workers`, a file beside the database. A process that dies lets go of its bytes at
 * that moment.
 *
 * The file is never the database itself: closing any descriptor of that one drops SQLite's own
 * POSIX locks. The descriptor is close-on-exec; it must not be inherited by a forked process that
 * outlives its parent.
 */
#ifndef MQ_LEASE_H
#define MQ_LEASE_H

#include <mq/err.h>
#include <stdint.h>

/* Bytes above all worker ids. */
#define MQ_LEASE_GATE	    (INT64_C(1) << 60) /* writers of ours queue here before BEGIN IMMEDIATE */
#define MQ_LEASE_CHECKPOINT ((INT64_C(1) << 60) + 1)

struct mq_lease;

/* A driver table, so that tests can decide who lives. */
struct mq_lease_ops {
	/* Takes the byte if it is free; false when another open file description holds it. */
	enum mq_rc (*try_hold)(struct mq_lease *lease, int64_t byte, bool *ret_held,
			       struct mq_err *err);
	/* Waits for the byte. MQ_E_INTERRUPTED when a signal came first. */
	enum mq_rc (*hold)(struct mq_lease *lease, int64_t byte, struct mq_err *err);
	void (*drop)(struct mq_lease *lease, int64_t byte);
	/* Whether anybody holds the byte, this lease included. */
	enum mq_rc (*is_held)(struct mq_lease *lease, int64_t byte, bool *ret_held,
			      struct mq_err *err);
	void (*close)(struct mq_lease *lease); /* drops everything; accepts NULL */
};

struct mq_lease {
	const struct mq_lease_ops *ops;
};

/* Opens or creates `<database>-workers` with owner and mode of the database. */
enum mq_rc mq_lease_open(const char *database_path, struct mq_lease **ret, struct mq_err *err);

static inline void mq_lease_close(struct mq_lease *lease)
{
	if (lease)
		lease->ops->close(lease);
}
MQ_CLEANUP(mq_lease, struct mq_lease *, mq_lease_close)

#endif
