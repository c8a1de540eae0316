#include "checkpoint.h"

static int64_t within(int64_t value, int64_t low, int64_t high)
{
	if (value < low)
		return low;
	return value > high ? high : value;
}

void mq_checkpoint_changed(struct mq_checkpoint_pace *pace, int64_t wal_bytes, int64_t page_size)
{
	if (wal_bytes > MQ_CHECKPOINT_PAGES * page_size)
		pace->wanted = true;
}

bool mq_checkpoint_is_due(const struct mq_checkpoint_pace *pace, int64_t now_us)
{
	return pace->wanted && now_us >= pace->next_us;
}

/*
 * The frames that were there are what one interval brought. What could not run, because somebody
 * wrote for long, is worth another try soon, before the log has grown; what a reader held up is
 * not.
 */
static int64_t next_interval_us(const struct mq_checkpoint_pace *pace,
				const struct mq_checkpoint *result)
{
	int64_t before_us = within(pace->interval_us, MQ_CHECKPOINT_MIN_US, MQ_CHECKPOINT_MAX_US);

	if (!result->done)
		return within(before_us, MQ_CHECKPOINT_MIN_US, MQ_CHECKPOINT_BUSY_US);
	if (result->copied < result->wal_frames || result->wal_frames == 0)
		return before_us * 2;
	return before_us * MQ_CHECKPOINT_PAGES / result->wal_frames;
}

void mq_checkpoint_ran(struct mq_checkpoint_pace *pace, const struct mq_checkpoint *result,
		       int64_t now_us)
{
	pace->interval_us =
		within(next_interval_us(pace, result), MQ_CHECKPOINT_MIN_US, MQ_CHECKPOINT_MAX_US);
	pace->next_us = now_us + pace->interval_us;
	pace->wanted = !(result->done && result->copied >= result->wal_frames);
}
