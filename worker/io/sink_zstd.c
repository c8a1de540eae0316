#include <mq/sink.h>
#include <mq/str.h>
#include <zstd.h>

#define OUT_SIZE (128 * 1024)
#define LEVEL	 3

struct zstd_sink {
	struct mq_sink base;
	struct mq_sink *next;
	ZSTD_CCtx *ctx;
	unsigned char out[OUT_SIZE];
};

static enum mq_rc pump(struct zstd_sink *s, ZSTD_inBuffer *in, ZSTD_EndDirective how,
		       struct mq_err *err)
{
	size_t left;

	do {
		ZSTD_outBuffer out = { s->out, sizeof s->out, 0 };

		left = ZSTD_compressStream2(s->ctx, &out, in, how);
		if (ZSTD_isError(left))
			return mq_err_set(err, MQ_E_NOMEM, 0, "zstd: %s", ZSTD_getErrorName(left));
		enum mq_rc rc = mq_sink_write(s->next, s->out, out.pos, err);
		if (rc != MQ_OK)
			return rc;
	} while (how == ZSTD_e_end ? left > 0 : in->pos < in->size);
	return MQ_OK;
}

static enum mq_rc zstd_write(struct mq_sink *sink, const void *data, size_t len, struct mq_err *err)
{
	ZSTD_inBuffer in = { data, len, 0 };

	return pump((struct zstd_sink *)sink, &in, ZSTD_e_continue, err);
}

static enum mq_rc zstd_finish(struct mq_sink *sink, struct mq_err *err)
{
	struct zstd_sink *s = (struct zstd_sink *)sink;
	ZSTD_inBuffer in = { "", 0, 0 };
	enum mq_rc rc = pump(s, &in, ZSTD_e_end, err);

	return rc == MQ_OK ? mq_sink_finish(s->next, err) : rc;
}

static void zstd_free(struct mq_sink *sink)
{
	struct zstd_sink *s = (struct zstd_sink *)sink;

	ZSTD_freeCCtx(s->ctx);
	mq_sink_free(s->next);
	free(s);
}

static const struct mq_sink_ops zstd_ops = {
	.name = "zstd",
	.write = zstd_write,
	.finish = zstd_finish,
	.free = zstd_free,
};

enum mq_rc mq_sink_zstd(struct mq_sink *next, struct mq_sink **ret, struct mq_err *err)
{
	struct zstd_sink *s = mq_alloc(1, sizeof *s);

	s->base.ops = &zstd_ops;
	s->next = next;
	s->ctx = ZSTD_createCCtx();
	if (!s->ctx ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->ctx, ZSTD_c_compressionLevel, LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->ctx, ZSTD_c_checksumFlag, 1))) {
		zstd_free(&s->base);
		return mq_err_set(err, MQ_E_NOMEM, 0, "zstd: no memory for the compressor");
	}
	*ret = &s->base;
	return MQ_OK;
}
