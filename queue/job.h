/* Jobs in memory: what every driver needs besides the columns. */
#ifndef MQ_QUEUE_JOB_H
#define MQ_QUEUE_JOB_H

#include <mq/queue.h>

/* Whether the filter, its limit aside, takes a job of this id, kind, status and time (see
 * since_us). */
bool mq_job_matches(const struct mq_job_filter *filter, int64_t id, const char *kind,
		    enum mq_status status, int64_t time_us);

#endif
