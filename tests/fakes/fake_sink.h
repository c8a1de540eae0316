/* A sink into memory that fails where a test wants it to. */
#ifndef MQ_TESTS_FAKE_SINK_H
#define MQ_TESTS_FAKE_SINK_H

#include <mq/sink.h>
#include <mq/str.h>

/* What a sink leaves behind; the test's, outlives the sink. */
struct fake_sink_log {
	struct mq_str written;
	int writes;
	int fail_write; /* the n-th write fails, 1 is the first; 0: none */
	bool fail_finish;
	bool finished;
	bool freed;
};

/* Freed through the sink interface. */
struct mq_sink *fake_sink_new(struct fake_sink_log *log);

#endif
