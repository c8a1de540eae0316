#include "fakes/fake_sink.h"

struct fake_sink {
	struct mq_sink base;
	struct fake_sink_log *log;
};

static enum mq_rc fake_write(struct mq_sink *sink, const void *data, size_t len, struct mq_err *err)
{
	struct fake_sink_log *log = ((struct fake_sink *)sink)->log;

	if (++log->writes == log->fail_write)
		return mq_err_set(err, MQ_E_NOSPACE, 0, "write %d fails", log->writes);
	mq_str_append(&log->written, data, len);
	return MQ_OK;
}

static enum mq_rc fake_finish(struct mq_sink *sink, struct mq_err *err)
{
	struct fake_sink_log *log = ((struct fake_sink *)sink)->log;

	if (log->fail_finish)
		return mq_err_set(err, MQ_E_IO, 0, "finish fails");
	log->finished = true;
	return MQ_OK;
}

static void fake_free(struct mq_sink *sink)
{
	((struct fake_sink *)sink)->log->freed = true;
	free(sink);
}

static const struct mq_sink_ops fake_ops = {
	.name = "fake",
	.write = fake_write,
	.finish = fake_finish,
	.free = fake_free,
};

struct mq_sink *fake_sink_new(struct fake_sink_log *log)
{
	struct fake_sink *sink = mq_alloc(1, sizeof *sink);

	sink->base.ops = &fake_ops;
	sink->log = log;
	return &sink->base;
}
