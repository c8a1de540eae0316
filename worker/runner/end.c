#include "end.h"

#include <mq/clock.h>

static struct mq_end again_later(const struct mq_end_facts *facts, enum mq_outcome outcome,
				 int64_t times)
{
	int64_t delay_ms =
		mq_backoff_ms(facts->backoff_min_ms, facts->backoff_max_ms, times, facts->random);

	return (struct mq_end){
		.settle = true,
		.outcome = outcome,
		.to = MQ_JOB_QUEUED,
		.run_at_us = facts->now_us + delay_ms * (MQ_US_PER_S / MQ_MS_PER_S),
	};
}

static struct mq_end leave(const struct mq_end_facts *facts)
{
	(void)facts;
	return (struct mq_end){ .settle = false };
}

static struct mq_end succeeded(const struct mq_end_facts *facts)
{
	(void)facts;
	return (struct mq_end){ .settle = true,
				.outcome = MQ_OUTCOME_SUCCEEDED,
				.to = MQ_JOB_SUCCEEDED };
}

static struct mq_end cancelled(const struct mq_end_facts *facts)
{
	(void)facts;
	return (struct mq_end){ .settle = true,
				.outcome = MQ_OUTCOME_CANCELLED,
				.to = MQ_JOB_CANCELLED };
}

static struct mq_end interrupted(const struct mq_end_facts *facts)
{
	(void)facts;
	return (struct mq_end){ .settle = true,
				.outcome = MQ_OUTCOME_INTERRUPTED,
				.to = MQ_JOB_QUEUED };
}

/* Counted as a crash is: a handler that listens when its time is over is still one that takes too
 * long. */
static struct mq_end timed_out(const struct mq_end_facts *facts)
{
	if (facts->crashed + 1 < MQ_QUARANTINE_CRASHES)
		return again_later(facts, MQ_OUTCOME_TIMEOUT, facts->crashed + 1);
	return (struct mq_end){ .settle = true,
				.outcome = MQ_OUTCOME_TIMEOUT,
				.to = MQ_JOB_FAILED };
}

static struct mq_end failed(const struct mq_end_facts *facts)
{
	if (mq_rc_info(facts->rc)->retry && facts->failed + 1 < facts->max_attempts)
		return again_later(facts, MQ_OUTCOME_FAILED, facts->failed + 1);
	return (struct mq_end){ .settle = true, .outcome = MQ_OUTCOME_FAILED, .to = MQ_JOB_FAILED };
}

/* Every other code is a failure; whether another attempt can help is a column of the table in
 * err.h. */
static struct mq_end (*const ends[MQ_RC_COUNT])(const struct mq_end_facts *facts) = {
	[MQ_OK] = succeeded,	    [MQ_E_CANCELLED] = cancelled, [MQ_E_INTERRUPTED] = interrupted,
	[MQ_E_TIMEOUT] = timed_out, [MQ_E_STALE] = leave,
};

struct mq_end mq_end_decide(const struct mq_end_facts *facts)
{
	return ends[facts->rc] ? ends[facts->rc](facts) : failed(facts);
}
