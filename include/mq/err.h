/*
 * Errors: a code that decides what happens next, and one sentence that names the thing and the way
 * out.
 *
 * The function that detects a failure fills `struct mq_err`; callers may add context in front with
 * mq_err_wrap(); only the runner, the supervisor and the commands log. `err` may be NULL wherever a
 * function takes one.
 */
#ifndef MQ_ERR_H
#define MQ_ERR_H

#include <mq/cleanup.h>
#include <stdbool.h>
#include <stddef.h>

enum mq_rc {
	MQ_OK,
	MQ_E_INVALID,	  /* wrong input: can never succeed as it is */
	MQ_E_NOTFOUND,	  /* no such job, file, report, table */
	MQ_E_EXISTS,	  /* the thing is there already */
	MQ_E_DENIED,	  /* permission refused by the system or by policy */
	MQ_E_UNSUPPORTED, /* known, but not possible here */
	MQ_E_CORRUPT,	  /* data that is not what it must be */
	MQ_E_IO,	  /* a system call failed for a reason that may pass */
	MQ_E_NOSPACE,	  /* disk or quota full */
	MQ_E_NOMEM,
	MQ_E_DB,	  /* the database library reported an error */
	MQ_E_BUSY,	  /* somebody else holds the lock and the caller's patience is over */
	MQ_E_STALE,	  /* the job was taken away: stop quietly, change nothing */
	MQ_E_CANCELLED,	  /* somebody asked for the job to stop */
	MQ_E_INTERRUPTED, /* the pool stops: the job goes back uncounted */
	MQ_E_TIMEOUT,	  /* the job's own deadline passed */
	MQ_E_BUG,	  /* an assumption of the program itself failed */
	MQ_RC_COUNT
};

struct mq_err {
	enum mq_rc rc;
	int sys_errno; /* 0 when no system call was involved */
	char text[1000];
};

/* What each code means to others, one row a code. */
struct mq_rc_info {
	const char *name; /* as it appears in JSON output: "invalid", "no-space", ... */
	bool retry;	  /* whether running the same job again later can help */
	int exit_status;  /* of a command that ends with it; listed in mq-worker(1) */
};
const struct mq_rc_info *mq_rc_info(enum mq_rc rc);

/*
 * Fills *err and returns rc. sys_errno other than 0 appends ": <strerror>" to the text.
 * A text that does not fit is cut with "..." at its end.
 */
enum mq_rc mq_err_set(struct mq_err *err, enum mq_rc rc, int sys_errno, const char *fmt, ...)
	MQ_PRINTF(4, 5);

/* As mq_err_set(), with the code that belongs to the errno (ENOSPC: no space, EACCES: denied, ...).
 */
enum mq_rc mq_err_sys(struct mq_err *err, int sys_errno, const char *fmt, ...) MQ_PRINTF(3, 4);

/* Puts "<context>: " in front of the text and returns the code that is already in *err (MQ_E_BUG
 * for NULL). */
enum mq_rc mq_err_wrap(struct mq_err *err, const char *fmt, ...) MQ_PRINTF(2, 3);

/* The code for an errno: the mapping mq_err_sys() uses. */
enum mq_rc mq_rc_from_errno(int sys_errno);

#endif
