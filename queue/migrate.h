/* The schema: embedded files of schema/sqlite/, applied forward only. */
#ifndef MQ_QUEUE_MIGRATE_H
#define MQ_QUEUE_MIGRATE_H

#include <mq/err.h>

struct sqlite3;

struct mq_migration {
	int version;
	const char *name;
	const char *sql;
};
/* Versions 1, 2, ...; ends with an all-zero row. Generated from schema/sqlite/migrations.list. */
extern const struct mq_migration mq_migrations[];

/* The newest version of the list. */
int mq_migrate_newest(const struct mq_migration *list);

/* The version of the file, 0 when it has no queue. MQ_E_EXISTS: it has a table `jobs` that is not
 * ours. */
enum mq_rc mq_migrate_found(struct sqlite3 *db, int *ret_version, struct mq_err *err);

/*
 * Applies what is missing, in one transaction; writes nothing when nothing is.
 * MQ_E_UNSUPPORTED: the schema is newer than the list.
 */
enum mq_rc mq_migrate_apply(struct sqlite3 *db, const struct mq_migration *list,
			    struct mq_err *err);

/* MQ_E_UNSUPPORTED when `found` is newer than the list. */
enum mq_rc mq_migrate_check(const struct mq_migration *list, int found, struct mq_err *err);

#endif
