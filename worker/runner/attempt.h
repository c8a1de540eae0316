/* One attempt at a job: the runner's side of struct mq_run (run.h). */
#ifndef MQ_ATTEMPT_H
#define MQ_ATTEMPT_H

#include "control.h"
#include "effects.h"

#include <mq/config.h>
#include <mq/queue.h>
#include <mq/run.h>

/* What all attempts of a worker share; borrowed. */
struct mq_run_env {
	const struct mq_config *config;
	struct mq_queue *queue;
	struct mq_control *control;
	struct mq_run_policy policy;
};

/* The job must outlive the run. */
struct mq_run *mq_run_begin(const struct mq_run_env *env, const struct mq_job *job);

/* The handler has returned: closes what it used, the snapshot above all, and removes the work
 * directory. */
void mq_run_finish(struct mq_run *run);

void mq_run_free(struct mq_run *run); /* accepts NULL */
MQ_CLEANUP(mq_run, struct mq_run *, mq_run_free)

/* MQ_OK, or why this attempt was told to stop. */
enum mq_rc mq_run_stop_rc(const struct mq_run *run);
/* Fills *err with the reason that mq_run_stop_rc() names. */
enum mq_rc mq_run_stop_error(const struct mq_run *run, struct mq_err *err);

struct mq_effects *mq_run_effects(struct mq_run *run); /* NULL: none */
char *mq_run_result_text(const struct mq_run *run);    /* JSON, freed by the caller; NULL: none */

#endif
