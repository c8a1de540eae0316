#include "support/cmocka_all.h"

#include "control.h"

#include <mq/clock.h>
#include <mq/str.h>

struct fixture {
	struct mq_control control;
	int supervisor_fd;
};

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);
	int pair[2];

	assert_int_equal(mq_channel_pair(pair, NULL), MQ_OK);
	f->control.fd = pair[0];
	f->supervisor_fd = pair[1];
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close(f->control.fd);
	close(f->supervisor_fd);
	free(f);
	return 0;
}

static void order(const struct fixture *f, enum mq_msg_type type, int64_t a, int64_t b)
{
	const struct mq_msg msg = { .type = (int32_t)type, .a = a, .b = b };

	assert_int_equal(mq_channel_send(f->supervisor_fd, &msg, NULL), MQ_OK);
}

static void expect(const struct fixture *f, enum mq_msg_type type, int64_t a, int64_t b)
{
	struct mq_msg msg;

	assert_int_equal(mq_channel_recv(f->supervisor_fd, &msg), 1);
	assert_int_equal(msg.type, type);
	assert_int_equal(msg.a, a);
	assert_int_equal(msg.b, b);
}

static void a_stop_reaches_the_job_at_hand_alone(void **state)
{
	struct fixture *f = *state;

	order(f, MQ_MSG_STOP_JOB, 0, MQ_STOP_DRAIN);
	mq_control_read(&f->control);
	assert_int_equal(f->control.stop, MQ_STOP_NONE);
	assert_true(mq_control_started(&f->control, 5, 1500));
	expect(f, MQ_MSG_STARTED, 5, 1500);
	order(f, MQ_MSG_STOP_JOB, 4, MQ_STOP_TIMEOUT);
	mq_control_read(&f->control);
	assert_int_equal(f->control.stop, MQ_STOP_NONE);
	order(f, MQ_MSG_STOP_JOB, 5, MQ_STOP_TIMEOUT);
	mq_control_read(&f->control);
	assert_int_equal(f->control.stop, MQ_STOP_TIMEOUT);
}

static void a_new_attempt_at_the_same_job_does_not_inherit_its_stop(void **state)
{
	struct fixture *f = *state;

	mq_control_started(&f->control, 5, 0);
	/* Sent before the supervisor knew that the first attempt had ended. */
	order(f, MQ_MSG_STOP_JOB, 5, MQ_STOP_TIMEOUT);
	mq_control_started(&f->control, 5, 0);
	mq_control_read(&f->control);
	assert_int_equal(f->control.stop, MQ_STOP_NONE);
}

static void the_end_of_a_job_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct mq_msg msg;

	mq_control_started(&f->control, 5, 0);
	assert_true(mq_control_finished(&f->control));
	assert_true(mq_control_finished(&f->control));
	expect(f, MQ_MSG_STARTED, 5, 0);
	expect(f, MQ_MSG_FINISHED, 5, 0);
	assert_int_equal(mq_channel_recv(f->supervisor_fd, &msg), 0);
}

static void a_supervisor_that_is_gone_is_noticed(void **state)
{
	struct fixture *f = *state;

	close(f->supervisor_fd);
	f->supervisor_fd = -1;
	assert_false(mq_control_started(&f->control, 5, 0));
	assert_true(f->control.gone);
	assert_false(mq_control_keep_waiting(&f->control));
}

static int64_t now_us = 1000;

static int64_t test_mono(void)
{
	return now_us;
}

static void waiting_for_the_database_ends_for_the_right_reasons(void **state)
{
	static const struct mq_clock clock = { test_mono, test_mono };
	static const struct {
		bool draining, settling;
		int64_t job_id, patience_until_us;
		enum mq_stop_reason stop;
		bool want;
	} cases[] = {
		{ .want = true },
		{ .job_id = 5, .want = true },
		/* Nothing to write down, nothing more to claim. */
		{ .draining = true, .want = false },
		{ .draining = true, .settling = true, .want = true },
		{ .draining = true, .job_id = 5, .want = true },
		{ .draining = true,
		  .job_id = 5,
		  .settling = true,
		  .stop = MQ_STOP_DRAIN,
		  .want = false },
		{ .job_id = 5, .settling = true, .stop = MQ_STOP_TIMEOUT, .want = true },
		{ .job_id = 5, .patience_until_us = 1001, .want = true },
		{ .job_id = 5, .patience_until_us = 1000, .want = false },
	};
	struct fixture *f = *state;

	mq_clock_use(&clock);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		f->control.draining = cases[i].draining;
		f->control.settling = cases[i].settling;
		f->control.job_id = cases[i].job_id;
		f->control.patience_until_us = cases[i].patience_until_us;
		f->control.stop = cases[i].stop;
		print_message("case %zu\n", i);
		assert_int_equal(mq_control_keep_waiting(&f->control), cases[i].want);
	}
	mq_clock_use(NULL);
}

static void strange_messages_are_ignored(void **state)
{
	struct fixture *f = *state;
	static const int32_t types[] = { 0, -1, 99, MQ_MSG_READY, MQ_MSG_DIED };

	mq_control_started(&f->control, 5, 0);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		order(f, (enum mq_msg_type)types[i], 5, 1);
	order(f, MQ_MSG_STOP_JOB, 5, 77);
	mq_control_read(&f->control);
	assert_false(f->control.draining);
	assert_int_equal(f->control.stop, MQ_STOP_NONE);
	assert_false(f->control.gone);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stop_reaches_the_job_at_hand_alone),
		TEST(a_new_attempt_at_the_same_job_does_not_inherit_its_stop),
		TEST(the_end_of_a_job_is_told_once),
		TEST(a_supervisor_that_is_gone_is_noticed),
		TEST(waiting_for_the_database_ends_for_the_right_reasons),
		TEST(strange_messages_are_ignored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
