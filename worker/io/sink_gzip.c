#define ZLIB_CONST

#include <mq/sink.h>
#include <mq/str.h>
#include <zlib.h>

#define OUT_SIZE   (64 * 1024)
#define CHUNK_MAX  (1u << 30) /* zlib counts in unsigned int */
#define LEVEL	   6
#define GZIP_WBITS (15 + 16) /* largest window, gzip header without name and time */
#define MEM_LEVEL  8

struct gzip_sink {
	struct mq_sink base;
	struct mq_sink *next;
	z_stream z;
	unsigned char out[OUT_SIZE];
};

/* Feeds what z.next_in holds; with Z_FINISH until the trailer is out. */
static enum mq_rc pump(struct gzip_sink *s, int flush, struct mq_err *err)
{
	int state;

	do {
		s->z.next_out = s->out;
		s->z.avail_out = sizeof s->out;
		state = deflate(&s->z, flush);
		if (state == Z_STREAM_ERROR)
			return mq_err_set(err, MQ_E_BUG, 0, "gzip: zlib refused its own state");
		enum mq_rc rc = mq_sink_write(s->next, s->out, sizeof s->out - s->z.avail_out, err);
		if (rc != MQ_OK)
			return rc;
	} while (s->z.avail_out == 0 || (flush == Z_FINISH && state != Z_STREAM_END));
	return MQ_OK;
}

static enum mq_rc gzip_write(struct mq_sink *sink, const void *data, size_t len, struct mq_err *err)
{
	struct gzip_sink *s = (struct gzip_sink *)sink;
	const unsigned char *at = data;

	while (len > 0) {
		uInt part = len < CHUNK_MAX ? (uInt)len : CHUNK_MAX;

		s->z.next_in = at;
		s->z.avail_in = part;
		enum mq_rc rc = pump(s, Z_NO_FLUSH, err);
		if (rc != MQ_OK)
			return rc;
		at += part;
		len -= part;
	}
	return MQ_OK;
}

static enum mq_rc gzip_finish(struct mq_sink *sink, struct mq_err *err)
{
	struct gzip_sink *s = (struct gzip_sink *)sink;

	s->z.avail_in = 0;
	enum mq_rc rc = pump(s, Z_FINISH, err);
	return rc == MQ_OK ? mq_sink_finish(s->next, err) : rc;
}

static void gzip_free(struct mq_sink *sink)
{
	struct gzip_sink *s = (struct gzip_sink *)sink;

	deflateEnd(&s->z);
	mq_sink_free(s->next);
	free(s);
}

static const struct mq_sink_ops gzip_ops = {
	.name = "gzip",
	.write = gzip_write,
	.finish = gzip_finish,
	.free = gzip_free,
};

enum mq_rc mq_sink_gzip(struct mq_sink *next, struct mq_sink **ret, struct mq_err *err)
{
	struct gzip_sink *s = mq_alloc(1, sizeof *s);

	s->base.ops = &gzip_ops;
	s->next = next;
	if (deflateInit2(&s->z, LEVEL, Z_DEFLATED, GZIP_WBITS, MEM_LEVEL, Z_DEFAULT_STRATEGY) !=
	    Z_OK) {
		mq_sink_free(next);
		free(s);
		return mq_err_set(err, MQ_E_NOMEM, 0, "gzip: no memory for the compressor");
	}
	*ret = &s->base;
	return MQ_OK;
}
