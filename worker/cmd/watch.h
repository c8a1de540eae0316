/* Waiting for commits of others on the database, and for the person who waits with us. */
#ifndef MQ_CMD_WATCH_H
#define MQ_CMD_WATCH_H

#include <mq/queue.h>

struct mq_watch;

/* Blocks SIGINT and SIGTERM for this process: they arrive through mq_watch_wait(). */
enum mq_rc mq_watch_open(struct mq_queue *queue, const char *database, struct mq_watch **ret,
			 struct mq_err *err);
void mq_watch_close(struct mq_watch *watch); /* accepts NULL */
MQ_CLEANUP(mq_watch, struct mq_watch *, mq_watch_close)

/*
 * Until somebody commits: MQ_OK. MQ_E_TIMEOUT: `deadline_us` (mq_clock_mono_us(); 0: none) has
 * passed. MQ_E_INTERRUPTED: *ret_signal came.
 */
enum mq_rc mq_watch_wait(struct mq_watch *watch, int64_t deadline_us, int *ret_signal,
			 struct mq_err *err);

#endif
