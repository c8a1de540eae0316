#include "support/cmocka_all.h"

#include <fcntl.h>
#include <mq/channel.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_message_arrives_whole_and_in_order(void **state)
{
	(void)state;
	int fds[2];
	struct mq_err err;
	struct mq_msg got;

	assert_int_equal(mq_channel_pair(fds, &err), MQ_OK);
	assert_int_equal(mq_channel_recv(fds[1], &got), 0);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(mq_channel_send(fds[0],
						 &(struct mq_msg){ .type = MQ_MSG_STARTED, .a = i },
						 &err),
				 MQ_OK);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(mq_channel_recv(fds[1], &got), 1);
		assert_int_equal(got.type, MQ_MSG_STARTED);
		assert_int_equal(got.a, i);
	}
	close(fds[0]);
	assert_int_equal(mq_channel_recv(fds[1], &got), -1);
	assert_int_equal(mq_channel_send(fds[1], &got, &err), MQ_E_IO);
	close(fds[1]);
}

static void both_ends_are_close_on_exec(void **state)
{
	(void)state;
	int fds[2];

	assert_int_equal(mq_channel_pair(fds, NULL), MQ_OK);
	for (int i = 0; i < 2; i++) {
		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		close(fds[i]);
	}
}

static void a_record_of_another_size_is_no_message(void **state)
{
	(void)state;
	int fds[2];
	struct mq_msg got;

	assert_int_equal(mq_channel_pair(fds, NULL), MQ_OK);
	assert_int_equal(send(fds[0], "x", 1, 0), 1);
	assert_int_equal(mq_channel_recv(fds[1], &got), -1);
	close(fds[0]);
	close(fds[1]);
}

static void a_reader_that_never_reads_is_an_error_and_no_hang(void **state)
{
	(void)state;
	int fds[2];
	struct mq_err err = { 0 };
	enum mq_rc rc = MQ_OK;

	assert_int_equal(mq_channel_pair(fds, NULL), MQ_OK);
	for (int i = 0; i < 100000 && rc == MQ_OK; i++)
		rc = mq_channel_send(fds[0], &(struct mq_msg){ .type = MQ_MSG_DRAIN }, &err);
	assert_int_equal(rc, MQ_E_IO);
	assert_non_null(strstr(err.text, "does not read"));
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_arrives_whole_and_in_order),
		cmocka_unit_test(both_ends_are_close_on_exec),
		cmocka_unit_test(a_record_of_another_size_is_no_message),
		cmocka_unit_test(a_reader_that_never_reads_is_an_error_and_no_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
