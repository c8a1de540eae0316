/* A lease in memory: the test decides who lives. One process, one thread. */
#ifndef MQ_TESTS_FAKE_LEASE_H
#define MQ_TESTS_FAKE_LEASE_H

#include <mq/lease.h>

struct mq_lease *fake_lease_new(void); /* freed by mq_lease_close() */

/* The holder of the byte, whoever it is, dies. */
void fake_lease_drop(struct mq_lease *lease, int64_t byte);
/* Another process takes the byte: try_hold() finds it taken, hold() is interrupted. */
void fake_lease_take(struct mq_lease *lease, int64_t byte);
bool fake_lease_holds(const struct mq_lease *lease, int64_t byte);

#endif
