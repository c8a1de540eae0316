#include "fakes/fake_sink.h"
#include "support/cmocka_all.h"

static void bytes_are_counted_as_accepted(void **state)
{
	(void)state;
	struct fake_sink_log log = { .fail_write = 3 };
	struct mq_sink *sink = fake_sink_new(&log);

	assert_int_equal(mq_sink_puts(sink, "abc", NULL), MQ_OK);
	assert_int_equal(mq_sink_write(sink, "\0x", 2, NULL), MQ_OK);
	assert_int_equal(sink->bytes, 5);
	assert_int_equal(mq_sink_puts(sink, "refused", NULL), MQ_E_NOSPACE);
	assert_int_equal(sink->bytes, 5);
	mq_sink_free(sink);
	mq_str_free(&log.written);
}

static void writing_nothing_does_not_reach_the_sink(void **state)
{
	(void)state;
	struct fake_sink_log log = { 0 };
	struct mq_sink *sink = fake_sink_new(&log);

	assert_int_equal(mq_sink_write(sink, NULL, 0, NULL), MQ_OK);
	assert_int_equal(log.writes, 0);
	mq_sink_free(sink);
}

static void a_failed_finish_leaves_the_sink_unfinished(void **state)
{
	(void)state;
	struct fake_sink_log log = { .fail_finish = true };
	struct mq_sink *sink = fake_sink_new(&log);

	assert_int_equal(mq_sink_finish(sink, NULL), MQ_E_IO);
	assert_false(sink->finished);
	mq_sink_free(sink);
	assert_true(log.freed);
	mq_sink_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_counted_as_accepted),
		cmocka_unit_test(writing_nothing_does_not_reach_the_sink),
		cmocka_unit_test(a_failed_finish_leaves_the_sink_unfinished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
