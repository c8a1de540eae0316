/* A folder with an empty WAL database in it, made before each test and removed after it. */
#ifndef MQ_TESTS_QUEUE_SCRATCH_H
#define MQ_TESTS_QUEUE_SCRATCH_H

#include <mq/queue.h>

struct sqlite3;

/* Path of a fresh database, as an application leaves it. Freed by the caller. */
char *scratch_make(void);
/* Removes the database's folder with all in it. */
void scratch_remove(const char *database);

/* A connection as the application has it: no waiting, autocommit. */
struct sqlite3 *scratch_connect(const char *database);
/* Runs SQL that must work. */
void scratch_exec(struct sqlite3 *db, const char *sql);
/* The first column of the first row. */
int64_t scratch_int(struct sqlite3 *db, const char *sql);

/* A queue of its own on the file, with a lease of its own. */
struct mq_queue *scratch_queue(const char *database, int64_t busy_ms);

#endif
