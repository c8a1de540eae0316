/* When a slot whose process has ended gets another one. Pure: the caller knows the time and the
 * process. */
#ifndef MQ_SLOTS_H
#define MQ_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

/* A process that lived so long after READY has shown that it can work, even when there was no job
 * for it. */
#define MQ_SLOT_PROVEN_MS    1000
#define MQ_SLOT_DELAY_MIN_MS 100
#define MQ_SLOT_DELAY_MAX_MS 30000

/* How one process of a slot lived and ended. */
struct mq_slot_life {
	bool asked; /* it was told to end */
	bool ready; /* it said READY */
	bool had_job;
	int64_t lived_ms; /* since READY */
	int wait_status;  /* as waitpid(2) gives it */
};

struct mq_slot_verdict {
	bool fatal;	  /* MQ_CHILD_EXIT_FATAL: the pool cannot run */
	bool died;	  /* it ended against the plan: what it held must be rescued */
	int failures;	  /* deaths in a row without having worked, for the next verdict */
	int64_t delay_ms; /* until the next process */
};

/* `failures`: of the verdict before, 0 for the first process of the slot. */
struct mq_slot_verdict mq_slots_judge(const struct mq_slot_life *life, int failures);

#endif
