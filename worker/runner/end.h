/* What becomes of a job when an attempt ends. Pure. */
#ifndef MQ_END_H
#define MQ_END_H

#include <mq/queue.h>

struct mq_end_facts {
	enum mq_rc rc;	 /* of this attempt */
	int64_t failed;	 /* earlier attempts that count towards max_attempts */
	int64_t crashed; /* earlier attempts that count towards the quarantine */
	int64_t max_attempts;
	int64_t backoff_min_ms, backoff_max_ms;
	int64_t now_us; /* wall clock */
	uint64_t random;
};

struct mq_end {
	bool settle; /* false: the job is somebody else's, nothing is written */
	enum mq_outcome outcome;
	enum mq_status to;
	int64_t run_at_us; /* 0: at once */
};

struct mq_end mq_end_decide(const struct mq_end_facts *facts);

#endif
