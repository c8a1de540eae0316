#include <mq/channel.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define SEND_PATIENCE_MS 1000

enum mq_rc mq_channel_pair(int ret_fds[static 2], struct mq_err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return mq_err_sys(err, errno, "make a socket pair");
	return MQ_OK;
}

enum mq_rc mq_channel_send(int fd, const struct mq_msg *msg, struct mq_err *err)
{
	for (;;) {
		if (send(fd, msg, sizeof *msg, MSG_NOSIGNAL) == (ssize_t)sizeof *msg)
			return MQ_OK;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			break;
		struct pollfd room = { .fd = fd, .events = POLLOUT };
		int n = poll(&room, 1, SEND_PATIENCE_MS);

		if (n == 0)
			return mq_err_set(err, MQ_E_IO, 0,
					  "the other process does not read its messages");
		if (n < 0 && errno != EINTR)
			break;
	}
	return mq_err_set(err, MQ_E_IO, errno, "send a message to the other process");
}

int mq_channel_recv(int fd, struct mq_msg *ret_msg)
{
	for (;;) {
		ssize_t n = recv(fd, ret_msg, sizeof *ret_msg, MSG_DONTWAIT);

		if (n == (ssize_t)sizeof *ret_msg)
			return 1;
		if (n >= 0)
			return -1;
		if (errno == EAGAIN)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}
