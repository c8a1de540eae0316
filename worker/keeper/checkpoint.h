/*
 * When the keeper copies the write-ahead log back. Pure: a small controller that aims at
 * MQ_CHECKPOINT_PAGES a time, so that the log stays under the 1000 pages at which the application's
 * own automatic checkpoint would start.
 */
#ifndef MQ_CHECKPOINT_H
#define MQ_CHECKPOINT_H

#include <mq/queue.h>
#include <stdbool.h>
#include <stdint.h>

#define MQ_CHECKPOINT_PAGES   500
#define MQ_CHECKPOINT_MIN_US  INT64_C(5000)
#define MQ_CHECKPOINT_MAX_US  INT64_C(2000000)
#define MQ_CHECKPOINT_BUSY_US INT64_C(50000)

struct mq_checkpoint_pace {
	bool wanted;	     /* something was committed since the last complete one */
	int64_t interval_us; /* between two */
	int64_t next_us;     /* monotonic: not before */
};

/* Somebody committed. The file's size tells only how large the log has been: it does not shrink
 * when it is reused. */
void mq_checkpoint_changed(struct mq_checkpoint_pace *pace, int64_t wal_bytes, int64_t page_size);
bool mq_checkpoint_is_due(const struct mq_checkpoint_pace *pace, int64_t now_us);
void mq_checkpoint_ran(struct mq_checkpoint_pace *pace, const struct mq_checkpoint *result,
		       int64_t now_us);

#endif
