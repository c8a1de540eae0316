/* Every fixed statement of the driver, prepared once a connection; binding and reading rows. */
#ifndef MQ_QUEUE_SQL_H
#define MQ_QUEUE_SQL_H

#include <mq/queue.h>

struct sqlite3_stmt;
struct mq_sqlite;

enum mq_sql {
	MQ_SQL_BEGIN,
	MQ_SQL_COMMIT,
	MQ_SQL_ROLLBACK,
	MQ_SQL_SAVE,
	MQ_SQL_RELEASE,
	MQ_SQL_UNDO,
	MQ_SQL_DATA_VERSION,
	MQ_SQL_ENQUEUE,
	MQ_SQL_KEY_HOLDER,
	MQ_SQL_HOLDS,
	MQ_SQL_JSON_VALID,
	MQ_SQL_SETTLE,
	MQ_SQL_ATTEMPT_ADD,
	MQ_SQL_ATTEMPTS,
	MQ_SQL_FAILURES,
	MQ_SQL_CRASHES,
	MQ_SQL_PROGRESS,
	MQ_SQL_PROMOTE,
	MQ_SQL_NEXT_KIND,
	MQ_SQL_HEAD,
	MQ_SQL_CLAIM,
	MQ_SQL_CLAIM_CANCELLED,
	MQ_SQL_READY_COUNT,
	MQ_SQL_DUE_KINDS,
	MQ_SQL_NEXT_DUE,
	MQ_SQL_RUNNING_COUNT,
	MQ_SQL_WAITING,
	MQ_SQL_WORKER_ADD,
	MQ_SQL_WORKER_REMOVE,
	MQ_SQL_WORKERS,
	MQ_SQL_ORPHANS,
	MQ_SQL_RUNNING_OF,
	MQ_SQL_RESCUE,
	MQ_SQL_GET,
	MQ_SQL_PAGE,
	MQ_SQL_STATS,
	MQ_SQL_FAILED,
	MQ_SQL_RETRY,
	MQ_SQL_CANCEL_QUEUED,
	MQ_SQL_CANCEL_RUNNING,
	MQ_SQL_COUNT
};

struct mq_sql_text {
	const char *name;
	const char *text;
	bool cold; /* may look at every row of jobs: only an operator's command runs it */
};
extern const struct mq_sql_text mq_sql_texts[MQ_SQL_COUNT];

/* What is bound to ?1, ?2, ...: made by the macros below. */
struct mq_sql_arg {
	enum { MQ_SQL_END, MQ_SQL_INT, MQ_SQL_REAL, MQ_SQL_STR, MQ_SQL_NULL } type;
	int64_t i;
	double d;
	const char *s;
	size_t len;
	bool is_time;
};
#define MQ_INT(v)		((struct mq_sql_arg){ .type = MQ_SQL_INT, .i = (v) })
#define MQ_REAL(v)		((struct mq_sql_arg){ .type = MQ_SQL_REAL, .d = (v) })
#define MQ_STR(v)		mq_sql_str(v)
#define MQ_BYTES(v, n)		((struct mq_sql_arg){ .type = MQ_SQL_STR, .s = (v), .len = (n) })
#define MQ_TIME(v)		mq_sql_time(v) /* NULL for 0 */
#define MQ_INT_OR_NULL(v, none) mq_sql_int_or_null(v, none)
#define MQ_ARGS(...)		((const struct mq_sql_arg[]){ __VA_ARGS__, { .type = MQ_SQL_END } })

struct mq_sql_arg mq_sql_str(const char *text);
struct mq_sql_arg mq_sql_time(int64_t wall_us);
struct mq_sql_arg mq_sql_int_or_null(int64_t value, int64_t none);

/* A bound statement to step. Whoever starts one stops it, before anything that may wait. */
enum mq_rc mq_sql_start(struct mq_sqlite *q, enum mq_sql id, const struct mq_sql_arg *args,
			struct sqlite3_stmt **ret, struct mq_err *err);
/* One step; *ret_row is false after the last row. */
enum mq_rc mq_sql_step(struct mq_sqlite *q, struct sqlite3_stmt *stmt, bool *ret_row,
		       struct mq_err *err);
void mq_sql_stop(struct sqlite3_stmt *stmt);

/* Runs a statement to its end. ret_changes may be NULL. */
enum mq_rc mq_sql_run(struct mq_sqlite *q, enum mq_sql id, const struct mq_sql_arg *args,
		      int64_t *ret_changes, struct mq_err *err);
/* The first row's first column; *ret_found is false when there is no row. ret_found may be NULL. */
enum mq_rc mq_sql_int(struct mq_sqlite *q, enum mq_sql id, const struct mq_sql_arg *args,
		      int64_t *ret, bool *ret_found, struct mq_err *err);
/* The first row as a job, NULL when there is none. */
enum mq_rc mq_sql_job(struct mq_sqlite *q, enum mq_sql id, const struct mq_sql_arg *args,
		      struct mq_job **ret, struct mq_err *err);

/* Columns of the row at hand. */
char *mq_sql_column_dup(struct sqlite3_stmt *stmt, int column); /* NULL stays NULL */
int64_t mq_sql_column_time(struct sqlite3_stmt *stmt, int column);

void mq_sql_close(struct mq_sqlite *q);

#endif
