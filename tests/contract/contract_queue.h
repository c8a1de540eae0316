/* What every queue driver does. Each driver has a small main that names itself and runs the suite.
 */
#ifndef MQ_TESTS_CONTRACT_QUEUE_H
#define MQ_TESTS_CONTRACT_QUEUE_H

#include <mq/queue.h>

/* A file that the driver can open; called before each test. Freed by the suite. */
typedef char *(*contract_database_fn)(void);
/* After each test. */
typedef void (*contract_remove_fn)(const char *database);

int contract_queue_run(const struct mq_queue_driver *driver, contract_database_fn make,
		       contract_remove_fn remove);

#endif
