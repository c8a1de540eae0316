/* A worker's end of the channel: what the supervisor wants of it now. */
#ifndef MQ_CONTROL_H
#define MQ_CONTROL_H

#include <mq/channel.h>

struct mq_control {
	int fd;
	int64_t job_id;		  /* at hand; 0: none */
	enum mq_stop_reason stop; /* of that job */
	bool draining;		  /* claim nothing more */
	bool gone;		  /* the supervisor: nobody watches this process any more */
	bool settling; /* an attempt has ended and is not written down yet: worth waiting for */
	int64_t patience_until_us; /* monotonic: a write that can be left out waits no longer; 0: no
				      limit */
};

/* Takes in all messages that are there. Does not wait. */
void mq_control_read(struct mq_control *control);

/* Waits for a message, or for `other_fd` (-1: none) to become readable, at most timeout_ms. */
void mq_control_wait(struct mq_control *control, int other_fd, int timeout_ms);

/* For mq_queue_options.keep_waiting; ctx is the control. */
bool mq_control_keep_waiting(void *ctx);

/*
 * Tells the supervisor, however long it takes to listen: an unseen start would be a job without a
 * deadline. False when it is gone.
 */
bool mq_control_say(struct mq_control *control, enum mq_msg_type type, int64_t a, int64_t b);

/* The job at hand from here on; orders about earlier ones no longer count. */
bool mq_control_started(struct mq_control *control, int64_t job_id, int64_t timeout_ms);
bool mq_control_finished(struct mq_control *control);

#endif
