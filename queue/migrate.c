#include "migrate.h"

#include "sqlite_open.h"

#include <mq/clock.h>
#include <sqlite3.h>

static const char schema_table[] = "CREATE TABLE IF NOT EXISTS mq_schema ("
				   " version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
				   " applied_at TEXT NOT NULL, program TEXT NOT NULL)";

int mq_migrate_newest(const struct mq_migration *list)
{
	int newest = 0;

	for (; list->version; list++)
		newest = list->version;
	return newest;
}

enum mq_rc mq_migrate_found(struct sqlite3 *db, int *ret_version, struct mq_err *err)
{
	int64_t ours, others = 0, version = 0;
	enum mq_rc rc = mq_sqlite_int(
		db, "SELECT count(*) FROM sqlite_schema WHERE name = 'mq_schema'", &ours, err);

	if (rc == MQ_OK && ours)
		rc = mq_sqlite_int(db, "SELECT max(version) FROM mq_schema", &version, err);
	else if (rc == MQ_OK)
		rc = mq_sqlite_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'jobs'",
				   &others, err);
	if (rc == MQ_OK && others)
		return mq_err_set(err, MQ_E_EXISTS, 0,
				  "the database has a table 'jobs' of another program: rename it, "
				  "the queue needs that name");
	if (rc == MQ_OK)
		*ret_version = (int)version;
	return rc;
}

enum mq_rc mq_migrate_check(const struct mq_migration *list, int found, struct mq_err *err)
{
	int newest = mq_migrate_newest(list);

	if (found > newest)
		return mq_err_set(err, MQ_E_UNSUPPORTED, 0,
				  "the queue's schema has version %d, this program knows up to %d: "
				  "install the newer mq-worker that made it",
				  found, newest);
	return MQ_OK;
}

static enum mq_rc apply_one(struct sqlite3 *db, const struct mq_migration *m, struct mq_err *err)
{
	char now[MQ_TIME_TEXT_SIZE];

	mq_time_format(mq_clock_wall_us(), now);
	if (mq_sqlite_exec(db, m->sql, err) != MQ_OK)
		return mq_err_wrap(err, "migration %04d_%s", m->version, m->name);
	char *sql = sqlite3_mprintf("INSERT INTO mq_schema (version, name, applied_at, program)"
				    " VALUES (%d, %Q, %Q, %Q)",
				    m->version, m->name, now, "mq-worker " MQ_PROGRAM_VERSION);
	enum mq_rc rc = mq_sqlite_exec(db, sql, err);
	sqlite3_free(sql);
	return rc;
}

/* Inside the transaction: another process may have been first. */
static enum mq_rc apply_missing(struct sqlite3 *db, const struct mq_migration *list,
				struct mq_err *err)
{
	int found;
	enum mq_rc rc = mq_migrate_found(db, &found, err);

	if (rc == MQ_OK)
		rc = mq_migrate_check(list, found, err);
	if (rc == MQ_OK)
		rc = mq_sqlite_exec(db, schema_table, err);
	for (; rc == MQ_OK && list->version; list++)
		if (list->version > found)
			rc = apply_one(db, list, err);
	return rc;
}

enum mq_rc mq_migrate_apply(struct sqlite3 *db, const struct mq_migration *list, struct mq_err *err)
{
	int found;
	enum mq_rc rc = mq_migrate_found(db, &found, err);

	if (rc == MQ_OK)
		rc = mq_migrate_check(list, found, err);
	if (rc != MQ_OK || found == mq_migrate_newest(list))
		return rc;
	rc = mq_sqlite_exec(db, "BEGIN IMMEDIATE", err);
	if (rc != MQ_OK)
		return rc;
	rc = apply_missing(db, list, err);
	if (rc == MQ_OK)
		rc = mq_sqlite_exec(db, "COMMIT", err);
	if (rc != MQ_OK && !sqlite3_get_autocommit(db))
		mq_sqlite_exec(db, "ROLLBACK", NULL);
	return rc;
}
