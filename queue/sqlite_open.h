/* The only place that opens the database, and what every connection shares: patience, error texts.
 */
#ifndef MQ_QUEUE_SQLITE_OPEN_H
#define MQ_QUEUE_SQLITE_OPEN_H

#include <mq/err.h>
#include <stdint.h>

struct sqlite3;

/* How long a connection waits for a lock; see struct mq_queue_options. */
struct mq_patience {
	int64_t busy_ms; /* -1: until keep_waiting says no */
	bool (*keep_waiting)(void *ctx);
	void *ctx;
	int64_t slice_ms; /* 0: none; else the busy handler gives up after so long, whatever busy_ms
			     says */
	int64_t since_us; /* of the wait that goes on */
	int64_t asked_us; /* when keep_waiting was asked last */
};

/* Whether a wait that began at since_us may go on. */
bool mq_patience_goes_on(struct mq_patience *patience, int64_t since_us);
/* About one millisecond, never quite the same. */
void mq_patience_sleep(void);

enum mq_sqlite_access {
	MQ_SQLITE_WRITE,
	MQ_SQLITE_QUERY, /* query_only; SQLite may tidy up its own files */
	MQ_SQLITE_READ,	 /* the file is opened read-only */
};

struct mq_sqlite_how {
	const char *path;
	const char *key_file; /* NULL: plain */
	enum mq_sqlite_access access;
	struct mq_patience *patience; /* must outlive the connection */
};

/*
 * MQ_E_NOTFOUND, MQ_E_CORRUPT (not a database, encrypted without key, wrong key), MQ_E_DENIED,
 * MQ_E_INVALID (key file), MQ_E_UNSUPPORTED (network file system, library without encryption).
 * Nothing has been written then.
 */
enum mq_rc mq_sqlite_open(const struct mq_sqlite_how *how, struct sqlite3 **ret,
			  struct mq_err *err);
void mq_sqlite_close(struct sqlite3 *db); /* accepts NULL */

/* MQ_E_UNSUPPORTED when the file cannot be switched to WAL here. Writes nothing when it is in WAL
 * mode already. */
enum mq_rc mq_sqlite_use_wal(struct sqlite3 *db, struct mq_err *err);

/* Fills *err from the connection's last error: constraint names as MQ_E_INVALID, lock waits as
 * MQ_E_BUSY, ... */
enum mq_rc mq_sqlite_err(struct mq_err *err, struct sqlite3 *db, const char *what);

enum mq_rc mq_sqlite_exec(struct sqlite3 *db, const char *sql, struct mq_err *err);
/* First column of the first row as a number, 0 when there is none; as text in a buffer. */
enum mq_rc mq_sqlite_int(struct sqlite3 *db, const char *sql, int64_t *ret, struct mq_err *err);
enum mq_rc mq_sqlite_text(struct sqlite3 *db, const char *sql, char *buf, size_t size,
			  struct mq_err *err);

#endif
