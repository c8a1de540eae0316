#include <mq/sink.h>

#include <assert.h>
#include <string.h>

enum mq_rc mq_sink_write(struct mq_sink *sink, const void *data, size_t len, struct mq_err *err)
{
	assert(!sink->finished);
	if (len == 0)
		return MQ_OK;
	enum mq_rc rc = sink->ops->write(sink, data, len, err);

	if (rc == MQ_OK)
		sink->bytes += (int64_t)len;
	return rc;
}

enum mq_rc mq_sink_puts(struct mq_sink *sink, const char *text, struct mq_err *err)
{
	return mq_sink_write(sink, text, strlen(text), err);
}

enum mq_rc mq_sink_finish(struct mq_sink *sink, struct mq_err *err)
{
	assert(!sink->finished);
	enum mq_rc rc = sink->ops->finish(sink, err);

	if (rc == MQ_OK)
		sink->finished = true;
	return rc;
}

void mq_sink_free(struct mq_sink *sink)
{
	if (sink)
		sink->ops->free(sink);
}
