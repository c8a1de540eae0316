/*
 * What a service manager is told: the sd_notify(3) protocol, datagrams "KEY=value\n" to the socket
 * that NOTIFY_SOCKET names. Without one everything here does nothing.
 */
#ifndef MQ_NOTIFY_H
#define MQ_NOTIFY_H

#include <mq/cleanup.h>
#include <stdint.h>

struct mq_notify {
	int fd;		     /* -1: nobody listens */
	int64_t watchdog_us; /* how often WATCHDOG=1 is due; 0: never */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and takes them out of the environment:
 * children must not answer. */
void mq_notify_open(struct mq_notify *notify);
void mq_notify_close(struct mq_notify *notify);

/* A failure is not the pool's business: nothing is reported. */
void mq_notify_send(const struct mq_notify *notify, const char *fmt, ...) MQ_PRINTF(2, 3);

#endif
