/*
 * Messages between the supervisor and its children: fixed-size records over one SOCK_SEQPACKET pair
 * a child. A record arrives whole or not at all; end of file means that the other side is gone.
 */
#ifndef MQ_CHANNEL_H
#define MQ_CHANNEL_H

#include <mq/err.h>
#include <stdint.h>

enum mq_msg_type {
	/* child to supervisor */
	MQ_MSG_READY = 1, /* worker: registered, a = worker id; keeper: a = 0 */
	MQ_MSG_STARTED,	 /* worker: a = job id, b = deadline in milliseconds from now, 0 for none */
	MQ_MSG_FINISHED, /* worker: a = job id, its deadline no longer counts; keeper: a = worker of
			    MQ_MSG_DIED, rescued */
	MQ_MSG_EMPTY,	 /* keeper, with --drain: nothing is left to do */
	/* supervisor to child */
	MQ_MSG_DRAIN,	 /* finish the job at hand, claim nothing more, exit 0 */
	MQ_MSG_STOP_JOB, /* stop job a now, b = enum mq_stop_reason; ignored when a is not the job
			    at hand */
	MQ_MSG_DIED,	 /* keeper: worker a died, b = wait status, c = enum mq_stop_reason or 0 */
};

/* Why a job is stopped from outside. Decides the attempt's outcome. */
enum mq_stop_reason {
	MQ_STOP_NONE,
	MQ_STOP_DRAIN,	 /* the pool stops: back to the queue, uncounted */
	MQ_STOP_TIMEOUT, /* its deadline passed */
	MQ_STOP_CANCEL,	 /* asked for */
};

struct mq_msg {
	int32_t type; /* enum mq_msg_type */
	int32_t c;
	int64_t a;
	int64_t b;
};

/* A close-on-exec, non-blocking pair; both ends are the caller's. */
enum mq_rc mq_channel_pair(int ret_fds[static 2], struct mq_err *err);

/* MQ_E_IO when the other side is gone or its buffer stays full for a second. */
enum mq_rc mq_channel_send(int fd, const struct mq_msg *msg, struct mq_err *err);

/* 1: *ret_msg filled; 0: nothing there now; -1: the other side is gone. */
int mq_channel_recv(int fd, struct mq_msg *ret_msg);

#endif
