#include "fakes/fake_sink.h"
#include "support/cmocka_all.h"

#include <string.h>
#include <zlib.h>

/* Not compressible, so that the output is larger than every buffer inside. */
static void noise(unsigned char *data, size_t len)
{
	uint32_t x = 2463534242u;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		data[i] = (unsigned char)x;
	}
}

static size_t unpack(struct mq_str *packed, unsigned char *out, size_t size)
{
	z_stream z = { 0 };

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (unsigned char *)packed->data;
	z.avail_in = (uInt)packed->len;
	z.next_out = out;
	z.avail_out = (uInt)size;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return size - z.avail_out;
}

static void what_is_packed_unpacks_to_the_same(void **state)
{
	(void)state;
	enum { SIZE = 700 * 1000 };
	static unsigned char data[SIZE], back[SIZE + 1];
	struct fake_sink_log log = { 0 };
	struct mq_sink *sink;

	noise(data, SIZE);
	assert_int_equal(mq_sink_gzip(fake_sink_new(&log), &sink, NULL), MQ_OK);
	for (size_t at = 0, part = 1; at < SIZE; at += part, part = part * 3 + 1) {
		if (part > SIZE - at)
			part = SIZE - at;
		assert_int_equal(mq_sink_write(sink, data + at, part, NULL), MQ_OK);
	}
	assert_int_equal(mq_sink_finish(sink, NULL), MQ_OK);
	assert_true(log.finished);
	assert_int_equal(sink->bytes, SIZE);
	assert_int_equal(unpack(&log.written, back, sizeof back), SIZE);
	assert_memory_equal(back, data, SIZE);
	mq_sink_free(sink);
	mq_str_free(&log.written);
}

static void nothing_packs_to_a_valid_file_without_name_and_time(void **state)
{
	(void)state;
	unsigned char back[1];
	struct fake_sink_log log = { 0 };
	struct mq_sink *sink;

	assert_int_equal(mq_sink_gzip(fake_sink_new(&log), &sink, NULL), MQ_OK);
	assert_int_equal(mq_sink_finish(sink, NULL), MQ_OK);
	assert_int_equal(unpack(&log.written, back, sizeof back), 0);
	assert_memory_equal(log.written.data, "\x1f\x8b\x08\0\0\0\0\0", 8);
	mq_sink_free(sink);
	mq_str_free(&log.written);
}

static void a_failure_below_comes_up_and_everything_is_freed(void **state)
{
	(void)state;
	enum { SIZE = 700 * 1000 };
	static unsigned char data[SIZE];
	struct fake_sink_log log = { .fail_write = 2 };
	struct mq_sink *sink;
	struct mq_err err = { 0 };

	noise(data, SIZE);
	assert_int_equal(mq_sink_gzip(fake_sink_new(&log), &sink, NULL), MQ_OK);
	assert_int_equal(mq_sink_write(sink, data, SIZE, &err), MQ_E_NOSPACE);
	assert_string_equal(err.text, "write 2 fails");
	mq_sink_free(sink);
	assert_true(log.freed);
	assert_false(log.finished);
	mq_str_free(&log.written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_unpacks_to_the_same),
		cmocka_unit_test(nothing_packs_to_a_valid_file_without_name_and_time),
		cmocka_unit_test(a_failure_below_comes_up_and_everything_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
