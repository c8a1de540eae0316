/*
 * Where output goes, byte by byte. Sinks stack: csv writes into gzip, gzip into a file; each owns
 * the next one. A sink is finished exactly once, and only then does its output exist under its
 * name; freeing an unfinished sink discards everything it wrote. After any error only
 * mq_sink_free() is allowed.
 */
#ifndef MQ_SINK_H
#define MQ_SINK_H

#include <mq/err.h>
#include <stdint.h>

#define MQ_SHA256_HEX_SIZE 65

struct mq_sink;

struct mq_sink_ops {
	const char *name;
	enum mq_rc (*write)(struct mq_sink *sink, const void *data, size_t len, struct mq_err *err);
	enum mq_rc (*finish)(struct mq_sink *sink, struct mq_err *err);
	void (*free)(struct mq_sink *sink); /* discards when not finished */
};

struct mq_sink {
	const struct mq_sink_ops *ops;
	int64_t bytes; /* accepted by mq_sink_write() so far */
	bool finished;
};

enum mq_rc mq_sink_write(struct mq_sink *sink, const void *data, size_t len, struct mq_err *err);
enum mq_rc mq_sink_puts(struct mq_sink *sink, const char *text, struct mq_err *err);
enum mq_rc mq_sink_finish(struct mq_sink *sink, struct mq_err *err);
void mq_sink_free(struct mq_sink *sink); /* accepts NULL */
MQ_CLEANUP(mq_sink, struct mq_sink *, mq_sink_free)

/* What a file sink publishes; filled by mq_sink_finish(). */
struct mq_sink_summary {
	int64_t bytes;
	char sha256[MQ_SHA256_HEX_SIZE];
};

/* Compression in front of `next`, which the new sink owns from here on, also when this fails. */
enum mq_rc mq_sink_gzip(struct mq_sink *next, struct mq_sink **ret,
			struct mq_err *err); /* RFC 1952, no name, no time */
enum mq_rc mq_sink_zstd(struct mq_sink *next, struct mq_sink **ret,
			struct mq_err *err); /* RFC 8878, with checksum */

#endif
