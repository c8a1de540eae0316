#include "scratch.h"

#include <mq/str.h>

#include <assert.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *scratch_make(void)
{
	char dir[] = "/tmp/mq-queue-XXXXXX";
	sqlite3 *db = NULL;

	if (!mkdtemp(dir))
		abort();
	char *path = mq_strf("%s/app.db", dir);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		abort();
	scratch_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE bookings (id INTEGER, v TEXT);");
	sqlite3_close(db);
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

void scratch_remove(const char *database)
{
	MQ_AUTO_FREE
	char *dir = mq_strdup(database);
	char *slash = strrchr(dir, '/');

	assert(slash && strncmp(dir, "/tmp/mq-queue-", 14) == 0);
	*slash = '\0';
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct sqlite3 *scratch_connect(const char *database)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(database, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		abort();
	sqlite3_wal_autocheckpoint(db, 0);
	return db;
}

void scratch_exec(struct sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		abort();
	}
}

int64_t scratch_int(struct sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		abort();
	}
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

struct mq_queue *scratch_queue(const char *database, int64_t busy_ms)
{
	const struct mq_queue_options options = { .database = database, .busy_ms = busy_ms };
	struct mq_queue *queue = NULL;
	struct mq_err err = { 0 };

	if (mq_queue_open(&mq_queue_driver_sqlite, &options, &queue, &err) != MQ_OK) {
		fprintf(stderr, "open: %s\n", err.text);
		abort();
	}
	return queue;
}
