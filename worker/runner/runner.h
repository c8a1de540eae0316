/* A worker process: claims a job, runs its handler, writes down how it ended, in a loop. */
#ifndef MQ_RUNNER_H
#define MQ_RUNNER_H

#include <mq/config.h>
#include <mq/queue.h>
#include <mq/supervisor.h>

struct mq_runner_options {
	const struct mq_queue_driver *driver;
	const struct mq_config *config;
	const char *const *report_dirs; /* for handlers, see run.h */
	const char *version;
};

/* Whether a worker with this configuration runs the kind; ctx is the struct mq_config. */
bool mq_runner_serves(void *ctx, const char *kind);

/* Runs until the supervisor asks for its end; returns the exit status of the process. */
int mq_runner_main(const struct mq_runner_options *options, const struct mq_child *child);

#endif
