#include "control.h"

#include <mq/clock.h>
#include <poll.h>

void mq_control_read(struct mq_control *control)
{
	struct mq_msg msg;
	int got;

	while ((got = mq_channel_recv(control->fd, &msg)) == 1) {
		if (msg.type == MQ_MSG_DRAIN)
			control->draining = true;
		else if (msg.type == MQ_MSG_STOP_JOB && msg.a != 0 && msg.a == control->job_id &&
			 msg.b >= MQ_STOP_NONE && msg.b <= MQ_STOP_CANCEL)
			control->stop = (enum mq_stop_reason)msg.b;
	}
	if (got < 0)
		control->gone = true;
}

void mq_control_wait(struct mq_control *control, int other_fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = control->fd, .events = POLLIN },
		{ .fd = other_fd, .events = POLLIN },
	};

	if (poll(fds, sizeof fds / sizeof fds[0], timeout_ms) > 0 && fds[0].revents)
		mq_control_read(control);
}

bool mq_control_keep_waiting(void *ctx)
{
	struct mq_control *control = ctx;

	mq_control_read(control);
	if (control->gone || control->stop == MQ_STOP_DRAIN)
		return false;
	if (control->patience_until_us && mq_clock_mono_us() >= control->patience_until_us)
		return false;
	return !control->draining || control->settling || control->job_id != 0;
}

bool mq_control_say(struct mq_control *control, enum mq_msg_type type, int64_t a, int64_t b)
{
	const struct mq_msg msg = { .type = (int32_t)type, .a = a, .b = b };

	while (mq_channel_send(control->fd, &msg, NULL) != MQ_OK) {
		mq_control_read(control);
		if (control->gone)
			return false;
	}
	return true;
}

bool mq_control_started(struct mq_control *control, int64_t job_id, int64_t timeout_ms)
{
	control->job_id = 0;
	mq_control_read(control);
	control->job_id = job_id;
	control->stop = MQ_STOP_NONE;
	return mq_control_say(control, MQ_MSG_STARTED, job_id, timeout_ms);
}

bool mq_control_finished(struct mq_control *control)
{
	int64_t job_id = control->job_id;

	control->job_id = 0;
	control->stop = MQ_STOP_NONE;
	return job_id == 0 || mq_control_say(control, MQ_MSG_FINISHED, job_id, 0);
}
