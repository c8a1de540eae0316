/*
 * A place for one system test: a directory with the application's folders, a configuration, a
 * database with a table of the application and test_effects, and the real program (mq-worker-test)
 * started in it.
 *
 * Nothing here returns an error: what does not work fails the test.
 */
#ifndef MQ_TESTS_WORLD_H
#define MQ_TESTS_WORLD_H

#include <mq/cleanup.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sqlite3;

/* Far more than anything takes on a slow machine; reached only by what hangs. */
#define WORLD_PATIENCE_MS 120000

struct world {
	char dir[64];
	char *database; /* <dir>/data/app.db */
	char *fifo;	/* test.block and test.deaf announce themselves here */
	char *release;	/* one byte ends one test.block */
	struct sqlite3 *db;
	int fifo_fd; /* both ends, so that nobody waits in open(2) */
	int release_fd;
};

struct proc {
	pid_t pid;
	int pidfd;
	int notify_fd; /* NOTIFY_SOCKET of the process */
	char *log;     /* its standard error goes here */
};

/* `settings`: lines of the configuration file beyond the places, or NULL. */
struct world *world_new(const char *settings);
void world_free(struct world *world); /* the directory is removed */
void world_configure(const struct world *world, const char *settings);

void world_sql(const struct world *world, const char *fmt, ...) MQ_PRINTF(2, 3);
int64_t world_int(const struct world *world, const char *fmt, ...) MQ_PRINTF(2, 3);
char *world_text(const struct world *world, const char *fmt, ...)
	MQ_PRINTF(2, 3); /* freed by the caller */
/* Returns the job's id. The payload may name %FIFO% and %RELEASE%. */
int64_t world_enqueue(const struct world *world, const char *kind, const char *payload);
/* So many in one transaction. */
void world_enqueue_many(const struct world *world, const char *kind, int n);

/* Waits until the query gives `wanted`, looking whenever the database may have changed. */
void world_await(const struct world *world, int64_t wanted, const char *sql);

/* The next line of the FIFO: which job runs in which process. */
struct announcement {
	int64_t job, attempt;
	pid_t pid, tool;
};
struct announcement world_announced(const struct world *world);
void world_release(const struct world *world, int jobs);

/* The program with arguments, ends with NULL; standard error is kept in a file. */
struct proc *proc_start(const struct world *world, ...) __attribute__((sentinel));
void proc_await_notice(const struct proc *proc, const char *text); /* "READY=1", ... */
int proc_wait(struct proc *proc);				   /* wait status; frees */
int proc_stop(struct proc *proc);	/* SIGTERM, then as proc_wait() */
void proc_kill_pool(struct proc *proc); /* SIGKILL of the supervisor, waits until all of the pool is
					   gone; frees */
bool proc_logged(const struct proc *proc, const char *text);

#define PROC_EXITED(status) ((status) << 8)

#endif
