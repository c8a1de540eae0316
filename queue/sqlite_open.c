#include "sqlite_open.h"

#include <mq/clock.h>
#include <mq/queue.h>

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#define KEY_BYTES    32
#define KEY_SQL_SIZE (2 + 2 * KEY_BYTES + 2) /* x'<hex>' and the NUL */

/* ---------------------------------------------------------------- patience */

#define ASK_EVERY_US (100 * 1000)

bool mq_patience_goes_on(struct mq_patience *patience, int64_t since_us)
{
	int64_t now = mq_clock_mono_us();

	if (patience->busy_ms >= 0)
		return now - since_us < patience->busy_ms * 1000;
	if (!patience->keep_waiting || now - patience->asked_us < ASK_EVERY_US)
		return true;
	patience->asked_us = now;
	return patience->keep_waiting(patience->ctx);
}

void mq_patience_sleep(void)
{
	/* SQLite's own handler waits longer and longer, so that newcomers win and old waiters
	 * starve. */
	long jitter = (long)(mq_clock_mono_us() % 400) * 1000;
	struct timespec t = { .tv_nsec = 800 * 1000 + jitter };

	nanosleep(&t, NULL);
}

static int on_busy(void *ctx, int count)
{
	struct mq_patience *patience = ctx;
	int64_t now = mq_clock_mono_us();

	if (count == 0)
		patience->since_us = now;
	if (patience->slice_ms && now - patience->since_us >= patience->slice_ms * 1000)
		return 0;
	if (!mq_patience_goes_on(patience, patience->since_us))
		return 0;
	mq_patience_sleep();
	return 1;
}

/* ---------------------------------------------------------------- errors */

static const struct {
	int code;
	enum mq_rc rc;
	const char *text; /* NULL: the library's own words */
} codes[] = {
	{ SQLITE_BUSY, MQ_E_BUSY, "another program keeps the database locked" },
	{ SQLITE_LOCKED, MQ_E_BUSY, "another connection keeps the database locked" },
	{ SQLITE_PROTOCOL, MQ_E_BUSY, "too many programs open the database at once" },
	{ SQLITE_FULL, MQ_E_NOSPACE, "no space is left for the database" },
	{ SQLITE_IOERR, MQ_E_IO, NULL },
	{ SQLITE_CANTOPEN, MQ_E_IO, NULL },
	{ SQLITE_CORRUPT, MQ_E_CORRUPT, "the database is damaged: restore it from a backup" },
	{ SQLITE_NOTADB, MQ_E_CORRUPT, "the file is no database, or needs another key" },
	{ SQLITE_READONLY, MQ_E_DENIED,
	  "the database cannot be written: check owner and mode of "
	  "the file and of its directory" },
	{ SQLITE_PERM, MQ_E_DENIED, NULL },
	{ SQLITE_AUTH, MQ_E_DENIED, NULL },
	{ SQLITE_NOMEM, MQ_E_NOMEM, NULL },
	{ SQLITE_TOOBIG, MQ_E_INVALID, NULL },
	{ SQLITE_INTERRUPT, MQ_E_INTERRUPTED, NULL },
};

/* "CHECK constraint failed: <name>": our names say what to write instead. */
static enum mq_rc constraint_err(struct mq_err *err, sqlite3 *db, const char *what)
{
	static const char prefix[] = "CHECK constraint failed: ";
	int code = sqlite3_extended_errcode(db);
	const char *text = sqlite3_errmsg(db);

	/* Triggers of ours begin like that, too. */
	if (strncmp(text, prefix, strlen(prefix)) == 0)
		return mq_err_set(err, MQ_E_INVALID, 0, "%s: %s", what, text + strlen(prefix));
	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
		return mq_err_set(err, MQ_E_EXISTS, 0, "%s: %s", what, text);
	return mq_err_set(err, MQ_E_INVALID, 0, "%s: %s", what, text);
}

enum mq_rc mq_sqlite_err(struct mq_err *err, sqlite3 *db, const char *what)
{
	int code = sqlite3_errcode(db) & 0xff;
	int sys = sqlite3_system_errno(db);

	if (code == SQLITE_CONSTRAINT)
		return constraint_err(err, db, what);
	if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && sys)
		return mq_err_sys(err, sys, "%s: %s", what, sqlite3_errmsg(db));
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].code == code)
			return mq_err_set(err, codes[i].rc, 0, "%s: %s", what,
					  codes[i].text ? codes[i].text : sqlite3_errmsg(db));
	return mq_err_set(err, MQ_E_DB, 0, "%s: %s", what, sqlite3_errmsg(db));
}

/* ---------------------------------------------------------------- small statements */

enum mq_rc mq_sqlite_exec(sqlite3 *db, const char *sql, struct mq_err *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return mq_sqlite_err(err, db, "SQLite");
	return MQ_OK;
}

enum mq_rc mq_sqlite_text(sqlite3 *db, const char *sql, char *buf, size_t size, struct mq_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	buf[0] = '\0';
	if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(stmt, 0);
		snprintf(buf, size, "%s", text ? (const char *)text : "");
	}
	enum mq_rc rc = code == SQLITE_ROW || code == SQLITE_DONE
				? MQ_OK
				: mq_sqlite_err(err, db, "SQLite");
	sqlite3_finalize(stmt);
	return rc;
}

enum mq_rc mq_sqlite_int(sqlite3 *db, const char *sql, int64_t *ret, struct mq_err *err)
{
	char text[32];
	enum mq_rc rc = mq_sqlite_text(db, sql, text, sizeof text, err);

	if (rc == MQ_OK)
		*ret = strtoll(text, NULL, 10);
	return rc;
}

/* ---------------------------------------------------------------- the file */

/* statfs(2) magics; neither WAL's shared memory nor locks can be trusted across machines. */
static const struct {
	unsigned long magic;
	const char *name;
} network_file_systems[] = {
	{ 0x6969, "NFS" },	    { 0x517b, "SMB" },	      { 0xfe534d42, "SMB" },
	{ 0xff534d42, "CIFS" },	    { 0x564c, "NCP" },	      { 0x5346414f, "AFS" },
	{ 0x6b414653, "AFS" },	    { 0x73757245, "Coda" },   { 0x01021997, "9p" },
	{ 0x00c36400, "Ceph" },	    { 0x0bd00bd0, "Lustre" }, { 0x47504653, "GPFS" },
	{ 0x7461636f, "OCFS2" },    { 0x01161970, "GFS2" },   { 0xaad7aaea, "PanFS" },
	{ 0x20030528, "OrangeFS" }, { 0x19830326, "BeeGFS" },
};

const char *mq_sqlite_network_fs(unsigned long magic)
{
	for (size_t i = 0; i < sizeof network_file_systems / sizeof network_file_systems[0]; i++)
		if (network_file_systems[i].magic == magic)
			return network_file_systems[i].name;
	return NULL;
}

static enum mq_rc check_place(const char *path, struct mq_err *err)
{
	struct stat st;
	struct statfs fs;

	if (stat(path, &st) != 0)
		return mq_err_sys(err, errno, "database '%s'", path);
	if (!S_ISREG(st.st_mode))
		return mq_err_set(err, MQ_E_CORRUPT, 0, "database '%s' is not a regular file",
				  path);
	if (statfs(path, &fs) != 0)
		return mq_err_sys(err, errno, "file system of '%s'", path);
	const char *network = mq_sqlite_network_fs((unsigned long)fs.f_type);
	if (network)
		return mq_err_set(
			err, MQ_E_UNSUPPORTED, 0,
			"database '%s' is on a network file system (%s), where WAL mode and "
			"locks are not safe: move it to a local disk",
			path, network);
	return MQ_OK;
}

/*
 * Reads through SQLite's own descriptor: opening the file beside it, and closing that again, would
 * drop the POSIX locks of every connection that this process has.
 */
static enum mq_rc check_header(sqlite3 *db, const struct mq_sqlite_how *how, struct mq_err *err)
{
	static const char magic[16] = "SQLite format 3";
	char header[sizeof magic] = { 0 };
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (!file || !file->pMethods || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
		return mq_err_set(err, MQ_E_IO, 0, "its size cannot be read");
	if (size == 0)
		return MQ_OK; /* an application that has only just made it */
	if (size < (int)sizeof header ||
	    file->pMethods->xRead(file, header, sizeof header, 0) != SQLITE_OK)
		return mq_err_set(err, MQ_E_CORRUPT, 0, "too short to be an SQLite database");
	bool plain = memcmp(header, magic, sizeof magic) == 0;
	if (!plain && !how->key_file)
		return mq_err_set(
			err, MQ_E_CORRUPT, 0,
			"not an SQLite database, or an encrypted one: set [database] key_file "
			"if it is");
	if (plain && how->key_file)
		return mq_err_set(
			err, MQ_E_INVALID, 0,
			"not encrypted, but [database] key_file is set: remove the setting, or "
			"encrypt the database first");
	return MQ_OK;
}

/* ---------------------------------------------------------------- the key */

static enum mq_rc read_key(const char *path, unsigned char key[static KEY_BYTES],
			   struct mq_err *err)
{
	unsigned char bytes[KEY_BYTES + 1];
	MQ_AUTO_FD
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return mq_err_sys(err, errno, "key file '%s'", path);
	ssize_t n = read(fd, bytes, sizeof bytes);
	if (n == KEY_BYTES)
		memcpy(key, bytes, KEY_BYTES);
	explicit_bzero(bytes, sizeof bytes);
	if (n < 0)
		return mq_err_sys(err, errno, "key file '%s'", path);
	if (n != KEY_BYTES)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "key file '%s' must be a file of exactly %d raw bytes", path,
				  KEY_BYTES);
	return MQ_OK;
}

static enum mq_rc use_key(sqlite3 *db, const char *path, struct mq_err *err)
{
	unsigned char key[KEY_BYTES];
	char sql[KEY_SQL_SIZE], version[32];
	enum mq_rc rc = read_key(path, key, err);

	if (rc != MQ_OK)
		return rc;
	char *at = stpcpy(sql, "x'");
	for (size_t i = 0; i < KEY_BYTES; i++, at += 2)
		snprintf(at, 3, "%02x", key[i]);
	*at++ = '\'';
	/* A wrong key is told once, by the one who can act on it; the library would write to
	 * standard error, too. */
	sqlite3_exec(db, "PRAGMA cipher_log_level = NONE", NULL, NULL, NULL);
	int code = sqlite3_key(db, sql, (int)(at - sql));
	explicit_bzero(key, sizeof key);
	explicit_bzero(sql, sizeof sql);
	if (code != SQLITE_OK)
		return mq_sqlite_err(err, db, "database key");
	/* A library without encryption takes the key, and writes plain text. */
	rc = mq_sqlite_text(db, "PRAGMA cipher_version", version, sizeof version, err);
	if (rc == MQ_OK && !version[0])
		return mq_err_set(
			err, MQ_E_UNSUPPORTED, 0,
			"[database] key_file is set, but the SQLite library in use (%s) cannot "
			"encrypt: link libsqlcipher",
			sqlite3_libversion());
	return rc;
}

/* ---------------------------------------------------------------- opening */

static enum mq_rc harden(sqlite3 *db, struct mq_err *err)
{
	static const struct {
		int option, value;
	} options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
	};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (sqlite3_db_config(db, options[i].option, options[i].value, NULL) != SQLITE_OK)
			return mq_sqlite_err(err, db, "SQLite");
	return MQ_OK;
}

/* The operating system's cache does the work; a large one of our own would be one for each process.
 */
static const char settings[] = "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000;"
			       "PRAGMA mmap_size = 0; PRAGMA synchronous = FULL;"
			       "PRAGMA journal_size_limit = 4194304;";

static enum mq_rc set_up(sqlite3 *db, const struct mq_sqlite_how *how, struct mq_err *err)
{
	int64_t tables;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_handler(db, on_busy, how->patience);
	/* Only the checkpointer copies the WAL back: see mq_queue_checkpoint(). */
	sqlite3_wal_autocheckpoint(db, 0);
	enum mq_rc rc = check_header(db, how, err);
	if (rc == MQ_OK && how->access == MQ_SQLITE_WRITE && sqlite3_db_readonly(db, "main"))
		return mq_err_set(err, MQ_E_DENIED, 0, "no permission to write it");
	if (rc == MQ_OK && how->key_file)
		rc = use_key(db, how->key_file, err);
	if (rc == MQ_OK)
		rc = harden(db, err);
	if (rc == MQ_OK)
		rc = mq_sqlite_exec(db, settings, err);
	if (rc == MQ_OK && how->access != MQ_SQLITE_WRITE)
		rc = mq_sqlite_exec(db, "PRAGMA query_only = ON", err);
	/* The first real read: damage, a wrong key and missing rights show here. */
	if (rc == MQ_OK)
		rc = mq_sqlite_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
	return rc;
}

enum mq_rc mq_sqlite_open(const struct mq_sqlite_how *how, sqlite3 **ret, struct mq_err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX |
		    (how->access == MQ_SQLITE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	sqlite3 *db = NULL;
	enum mq_rc rc = check_place(how->path, err);

	if (rc != MQ_OK)
		return rc;
	if (sqlite3_open_v2(how->path, &db, flags, NULL) != SQLITE_OK)
		rc = db ? mq_sqlite_err(err, db, "open") : mq_err_set(err, MQ_E_NOMEM, 0, "open");
	else
		rc = set_up(db, how, err);
	if (rc != MQ_OK) {
		mq_sqlite_close(db);
		mq_err_wrap(err, "database '%s'", how->path);
		return rc;
	}
	*ret = db;
	return MQ_OK;
}

void mq_sqlite_close(sqlite3 *db)
{
	sqlite3_close_v2(db);
}

enum mq_rc mq_sqlite_use_wal(sqlite3 *db, struct mq_err *err)
{
	char mode[16];
	enum mq_rc rc = mq_sqlite_text(db, "PRAGMA journal_mode", mode, sizeof mode, err);

	if (rc != MQ_OK || strcmp(mode, "wal") == 0)
		return rc;
	rc = mq_sqlite_text(db, "PRAGMA journal_mode = WAL", mode, sizeof mode, err);
	if (rc == MQ_OK && strcmp(mode, "wal") != 0)
		return mq_err_set(
			err, MQ_E_UNSUPPORTED, 0,
			"the database cannot be switched to WAL mode here (it stays in '%s' "
			"mode): move it to a local disk",
			mode);
	return rc;
}
