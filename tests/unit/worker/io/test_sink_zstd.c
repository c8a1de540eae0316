#include "fakes/fake_sink.h"
#include "support/cmocka_all.h"

#include <string.h>
#include <zstd.h>

enum { SIZE = 900 * 1000 };

static unsigned char data[SIZE], back[SIZE + 1];

static int make_noise(void **state)
{
	(void)state;
	uint32_t x = 2463534242u;

	for (size_t i = 0; i < SIZE; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		data[i] = (unsigned char)x;
	}
	return 0;
}

static void pack(struct fake_sink_log *log, size_t len)
{
	struct mq_sink *sink;

	assert_int_equal(mq_sink_zstd(fake_sink_new(log), &sink, NULL), MQ_OK);
	assert_int_equal(mq_sink_write(sink, data, len / 3, NULL), MQ_OK);
	assert_int_equal(mq_sink_write(sink, data + len / 3, len - len / 3, NULL), MQ_OK);
	assert_int_equal(mq_sink_finish(sink, NULL), MQ_OK);
	mq_sink_free(sink);
}

static void what_is_packed_unpacks_to_the_same(void **state)
{
	(void)state;
	struct fake_sink_log log = { 0 };

	pack(&log, SIZE);
	assert_true(log.finished);
	assert_int_equal(ZSTD_decompress(back, sizeof back, log.written.data, log.written.len),
			 SIZE);
	assert_memory_equal(back, data, SIZE);
	mq_str_free(&log.written);
}

static void nothing_packs_to_a_valid_frame(void **state)
{
	(void)state;
	struct fake_sink_log log = { 0 };

	pack(&log, 0);
	assert_int_equal(ZSTD_decompress(back, sizeof back, log.written.data, log.written.len), 0);
	mq_str_free(&log.written);
}

static void a_changed_byte_is_noticed(void **state)
{
	(void)state;
	struct fake_sink_log log = { 0 };

	pack(&log, SIZE);
	log.written.data[log.written.len / 2] ^= 1;
	assert_true(ZSTD_isError(
		ZSTD_decompress(back, sizeof back, log.written.data, log.written.len)));
	mq_str_free(&log.written);
}

static void a_failure_below_comes_up_and_everything_is_freed(void **state)
{
	(void)state;
	struct fake_sink_log log = { .fail_write = 2 };
	struct mq_sink *sink;

	assert_int_equal(mq_sink_zstd(fake_sink_new(&log), &sink, NULL), MQ_OK);
	assert_int_equal(mq_sink_write(sink, data, SIZE, NULL), MQ_E_NOSPACE);
	mq_sink_free(sink);
	assert_true(log.freed);
	assert_false(log.finished);
	mq_str_free(&log.written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_unpacks_to_the_same),
		cmocka_unit_test(nothing_packs_to_a_valid_frame),
		cmocka_unit_test(a_changed_byte_is_noticed),
		cmocka_unit_test(a_failure_below_comes_up_and_everything_is_freed),
	};

	return cmocka_run_group_tests(tests, make_noise, NULL);
}
