/*
 * The keeper: one process a pool, beside the workers. It sees commits of others and wakes as many
 * workers as there is work for, takes back what dead workers held, and copies the write-ahead log
 * back. While nothing happens it writes nothing and looks once a second.
 */
#ifndef MQ_KEEPER_H
#define MQ_KEEPER_H

#include <mq/queue.h>
#include <mq/supervisor.h>

struct mq_keeper_options {
	const struct mq_queue_driver *driver;
	const char *database;
	const char *key_file;
	int64_t workers;
	bool (*serves)(void *ctx, const char *kind); /* by any worker of this pool */
	void *ctx;
	bool drain_when_empty; /* say so (MQ_MSG_EMPTY) when nothing is left */
};

/* Runs until the supervisor asks for its end; returns the exit status of the process. */
int mq_keeper_main(const struct mq_keeper_options *options, const struct mq_child *child);

#endif
