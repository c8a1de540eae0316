/*
 * Settings: options, then environment, then file, then defaults. One table in worker/base/config.c
 * names every setting with its section, key, environment variable, type, default and help; the
 * file's checks, `mq-worker config` and the manual page's list all come from it.
 *
 * A wrong section, key, unit or value stops the start with file, line and what would be right.
 */
#ifndef MQ_CONFIG_H
#define MQ_CONFIG_H

#include <mq/err.h>
#include <mq/log.h>
#include <stdint.h>

#define MQ_CONFIG_DEFAULT_FILE "/etc/mq-worker/mq-worker.conf"

/* [kind.NAME-OR-GLOB]; fields that the section leaves out are -1 or NULL. */
struct mq_config_kind {
	const char *glob;
	int64_t timeout_ms;
	int64_t max_attempts;
	int64_t backoff_min_ms; /* backoff = BASE or BASE..MAX */
	int64_t backoff_max_ms;
};

/* Read-only after loading. Paths are absolute. */
struct mq_config {
	/* [pool] */
	int64_t workers;
	int64_t drain_ms;
	const char *only;   /* NULL: every kind */
	const char *except; /* NULL: none */
	/* [database] */
	const char *database_url;
	const char *database; /* the file that the URL means */
	const char
		*working_dir; /* of the application: relative names in url and [data] start here */
	const char *key_file; /* NULL: plain database */
	/* [data] */
	const char *data_dir;
	const char *uploads_dir;
	const char *exports_dir;
	const char *backups_dir;
	const char *logs_dir;
	const char *cache_dir;
	const char *temp_dir;
	const char *reports_dir; /* further report files of the operator, NULL: only those that came
				    with the program */
	bool cache_enabled;	 /* [cache] enabled */
	bool backup_enabled;
	bool encryption_enabled;     /* sealing is demanded: plaintext is refused where policy says
					sealed */
	enum mq_log_level log_level; /* [logs] level */

	const struct mq_config_kind *kinds; /* in the order of the file */
	size_t n_kinds;

	const char *file; /* that was read, NULL: none */
	struct mq_config_private *priv;
};

/* What the caller of the program said. */
struct mq_config_sources {
	const char *file; /* --config; NULL: MQ_CONFIG, then the default file if it exists */
	const char *const *assigns; /* "pool.workers=4" from --set and from options that mean a
				       setting; ends with NULL */
	char *const *environ_;	    /* NULL: none */
};

/*
 * Loads and checks. MQ_E_INVALID names file and line, variable or option, and what would be right.
 * On success the database's place is resolved and checked by rule (inside the data directory); its
 * existence is not.
 */
enum mq_rc mq_config_load(const struct mq_config_sources *sources, struct mq_config **ret,
			  struct mq_err *err);
void mq_config_free(struct mq_config *config);
MQ_CLEANUP(mq_config, struct mq_config *, mq_config_free)

/* What holds for one kind: later matching sections win, field by field, over the handler's values
 * in *policy. */
struct mq_kind_policy {
	int64_t timeout_ms; /* 0: none */
	int64_t max_attempts;
	int64_t backoff_min_ms;
	int64_t backoff_max_ms;
};
void mq_config_kind_policy(const struct mq_config *config, const char *kind,
			   struct mq_kind_policy *policy);

/* Whether [pool] only/except let this pool run the kind. */
bool mq_config_serves(const struct mq_config *config, const char *kind);

/* Every setting with its value as text and where it comes from ("default", "environment DATA_DIR",
 * "FILE:12", "option"). */
struct mq_config_item {
	const char *name; /* "pool.workers" */
	const char *value;
	const char *origin;
	const char *help;
};
typedef void (*mq_config_item_fn)(void *ctx, const struct mq_config_item *item);
void mq_config_each(const struct mq_config *config, mq_config_item_fn fn, void *ctx);

/*
 * The file that a DATABASE_URL means, read exactly as SQLAlchemy 2.0 reads it:
 * scheme://[user[:password]@][host][:port][/database][?query]. Schemes sqlite, sqlite+pysqlite,
 * sqlite+aiosqlite; the name is all after the third slash up to the first '?', not percent-decoded,
 * made absolute against working_dir. MQ_E_INVALID explains three against four slashes where that is
 * the likely slip.
 */
enum mq_rc mq_database_url_path(const char *url, const char *working_dir, char **ret_path,
				struct mq_err *err);

/* Whether `path` is below `dir`; both absolute, compared as text after removing "." and "..". */
bool mq_path_is_below(const char *path, const char *dir);
/* Absolute, with "." and ".." removed as text. Freed by the caller. */
char *mq_path_absolute(const char *path, const char *base_dir);

#endif
