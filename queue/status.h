/* Where a job goes next: tables and pure functions, the same for every driver. */
#ifndef MQ_QUEUE_STATUS_H
#define MQ_QUEUE_STATUS_H

#include <mq/queue.h>

bool mq_status_may_become(enum mq_status from, enum mq_status to);

/* Whether a worker may end an attempt of this outcome by giving the job this status. */
bool mq_status_settle_fits(enum mq_outcome outcome, enum mq_status to);

/* What a settle that wants `to` makes of a job whose end was (not) asked for meanwhile. */
enum mq_status mq_status_settled(enum mq_status to, bool cancel_requested);

/*
 * What becomes of a job whose worker died. `crashes` counts its attempts within the quarantine's
 * window that crashed or ran out of time, this one included.
 */
enum mq_status mq_status_rescued(enum mq_outcome outcome, bool cancel_requested, int64_t crashes);

/* Whether attempts of this outcome count towards the quarantine. */
bool mq_status_is_crash(enum mq_outcome outcome);

/*
 * The sentence for jobs.error and mq_attempts.error, "crashed: worker 7 was ended by signal 9
 * (KILL)"; the whole story when the job goes to quarantine. Freed by the caller.
 */
char *mq_status_death_text(const struct mq_death *death, enum mq_status to);

bool mq_outcome_parse(const char *text, enum mq_outcome *ret_outcome);

#endif
