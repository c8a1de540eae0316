#include <sqlite_open.h>

#include "scratch.h"

#include <mq/clock.h>
#include <mq/str.h>
#include <sqlite3.h>
#include <support/cmocka_all.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct fixture {
	char *database;
	char *key_file;
	struct mq_patience patience;
	struct mq_err err;
};

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	f->database = scratch_make();
	f->key_file = mq_strf("%s.key", f->database);
	write_file(f->key_file, "0123456789abcdef0123456789ABC\0\n\xff", 32);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	scratch_remove(f->database);
	free(f->database);
	free(f->key_file);
	free(f);
	return 0;
}

static enum mq_rc open_as(struct fixture *f, const char *key_file, enum mq_sqlite_access access,
			  struct sqlite3 **ret)
{
	const struct mq_sqlite_how how = { .path = f->database,
					   .key_file = key_file,
					   .access = access,
					   .patience = &f->patience };

	return mq_sqlite_open(&how, ret, &f->err);
}

/* Neither opening as driver nor as queue works, both for the same reason, and the file stays as it
 * is. */
static void assert_refused(struct fixture *f, const char *key_file, enum mq_rc rc, const char *text)
{
	const struct mq_queue_options options = { .database = f->database, .key_file = key_file };
	MQ_AUTO_FREE char *lock = mq_strf("%s-workers", f->database);
	struct sqlite3 *db = NULL;
	struct mq_queue *queue = NULL;
	struct stat before, after;

	assert_int_equal(stat(f->database, &before), 0);
	assert_int_equal(open_as(f, key_file, MQ_SQLITE_WRITE, &db), rc);
	assert_null(db);
	if (!strstr(f->err.text, text))
		fail_msg("'%s' does not say '%s'", f->err.text, text);
	assert_int_equal(mq_queue_open(&mq_queue_driver_sqlite, &options, &queue, &f->err), rc);
	assert_null(queue);
	assert_int_equal(stat(f->database, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof after.st_mtim);
	assert_int_equal(access(lock, F_OK), -1);
}

static void every_connection_has_our_settings(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *db = NULL;
	static const struct {
		const char *sql;
		int64_t value;
	} settings[] = {
		{ "PRAGMA synchronous", 2 },	{ "PRAGMA wal_autocheckpoint", 0 },
		{ "PRAGMA foreign_keys", 1 },	{ "PRAGMA temp_store", 2 },
		{ "PRAGMA trusted_schema", 0 }, { "PRAGMA query_only", 0 },
		{ "PRAGMA cache_size", -2000 },
	};

	assert_int_equal(open_as(f, NULL, MQ_SQLITE_WRITE, &db), MQ_OK);
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
		assert_int_equal(scratch_int(db, settings[i].sql), settings[i].value);
	/* 0, or no row at all where the library has no mmap */
	assert_true(scratch_int(db, "PRAGMA mmap_size") <= 0);
	mq_sqlite_close(db);
}

static void a_reading_connection_writes_nothing(void **state)
{
	struct fixture *f = *state;

	for (int access = MQ_SQLITE_QUERY; access <= MQ_SQLITE_READ; access++) {
		struct sqlite3 *db = NULL;
		assert_int_equal(open_as(f, NULL, (enum mq_sqlite_access)access, &db), MQ_OK);
		assert_int_equal(
			mq_sqlite_exec(db, "INSERT INTO bookings VALUES (1, 'x')", &f->err),
			MQ_E_DENIED);
		mq_sqlite_close(db);
	}
}

static void a_missing_file_is_not_found_and_not_made(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *db = NULL;

	assert_int_equal(unlink(f->database), 0);
	assert_int_equal(open_as(f, NULL, MQ_SQLITE_WRITE, &db), MQ_E_NOTFOUND);
	assert_non_null(strstr(f->err.text, f->database));
	assert_int_equal(access(f->database, F_OK), -1);
}

static void what_is_no_database_is_refused_untouched(void **state)
{
	struct fixture *f = *state;
	char noise[8192];

	memset(noise, 0x5a, sizeof noise);
	write_file(f->database, noise, sizeof noise);
	assert_refused(f, NULL, MQ_E_CORRUPT, "not an SQLite database");
	write_file(f->database, "SQLite", 6);
	assert_refused(f, NULL, MQ_E_CORRUPT, "too short");
	/* the right beginning, and nothing right behind it */
	memcpy(noise, "SQLite format 3", 16);
	write_file(f->database, noise, sizeof noise);
	assert_refused(f, NULL, MQ_E_CORRUPT, f->database);
}

static void a_cut_database_is_refused_untouched(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *db = scratch_connect(f->database);

	scratch_exec(db, "PRAGMA journal_mode = DELETE; CREATE TABLE big (a);"
			 "INSERT INTO big SELECT zeroblob(90000);");
	sqlite3_close(db);
	assert_int_equal(truncate(f->database, 8192), 0);
	assert_refused(f, NULL, MQ_E_CORRUPT, "damaged");
}

static void a_folder_and_a_pipe_are_no_databases(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *db = NULL;

	assert_int_equal(unlink(f->database), 0);
	assert_int_equal(mkdir(f->database, 0700), 0);
	assert_int_equal(open_as(f, NULL, MQ_SQLITE_WRITE, &db), MQ_E_CORRUPT);
	assert_int_equal(rmdir(f->database), 0);
	assert_int_equal(mkfifo(f->database, 0600), 0);
	assert_int_equal(open_as(f, NULL, MQ_SQLITE_WRITE, &db), MQ_E_CORRUPT);
}

static void an_empty_file_is_a_fresh_database(void **state)
{
	struct fixture *f = *state;

	write_file(f->database, "", 0);
	struct mq_queue *queue = scratch_queue(f->database, 0);
	assert_int_equal(mq_queue_schema_found(queue), 0);
	mq_queue_close(queue);
}

/* ---------------------------------------------------------------- keys */

/* Rewrites the scratch database encrypted with the key file's key, in WAL mode. */
static void encrypt(struct fixture *f)
{
	unsigned char key[32];
	char sql[2 + 64 + 2], *at = stpcpy(sql, "x'");
	sqlite3 *db = NULL;
	FILE *file = fopen(f->key_file, "r");

	assert_non_null(file);
	assert_int_equal(fread(key, 1, sizeof key, file), sizeof key);
	fclose(file);
	for (size_t i = 0; i < sizeof key; i++, at += 2)
		snprintf(at, 3, "%02x", key[i]);
	stpcpy(at, "'");
	assert_int_equal(unlink(f->database), 0);
	assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_key(db, sql, (int)strlen(sql)), SQLITE_OK);
	scratch_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE bookings (id INTEGER, v TEXT);");
	sqlite3_close(db);
}

static void an_encrypted_database_opens_with_its_key(void **state)
{
	struct fixture *f = *state;
	const struct mq_queue_options options = { .database = f->database,
						  .key_file = f->key_file };
	struct mq_queue *queue = NULL;
	struct mq_queue_facts facts;
	struct sqlite3 *snapshot = NULL;

	encrypt(f);
	assert_int_equal(mq_queue_open(&mq_queue_driver_sqlite, &options, &queue, &f->err), MQ_OK);
	assert_int_equal(mq_queue_facts(queue, &facts, &f->err), MQ_OK);
	assert_true(facts.encrypted);
	assert_true(facts.cipher_version[0] != '\0');
	assert_int_equal(mq_queue_snapshot_open(queue, &snapshot, &f->err), MQ_OK);
	assert_int_equal(scratch_int(snapshot, "SELECT count(*) FROM jobs"), 0);
	mq_queue_snapshot_close(snapshot);
	mq_queue_close(queue);

	char header[16];
	int fd = open(f->database, O_RDONLY);
	assert_int_equal(read(fd, header, sizeof header), sizeof header);
	close(fd);
	assert_memory_not_equal(header, "SQLite format 3", 16);
}

static void an_encrypted_database_without_the_right_key_is_refused(void **state)
{
	struct fixture *f = *state;

	encrypt(f);
	assert_refused(f, NULL, MQ_E_CORRUPT, "key_file");
	write_file(f->key_file, "wrong wrong wrong wrong wrong w!", 32);
	assert_refused(f, f->key_file, MQ_E_CORRUPT, "another key");
}

static void a_key_for_a_plain_database_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, f->key_file, MQ_E_INVALID, "not encrypted");
}

static void a_key_file_that_is_no_key_is_refused(void **state)
{
	struct fixture *f = *state;

	encrypt(f);
	write_file(f->key_file, "0123456789abcdef0123456789abcde", 31);
	assert_refused(f, f->key_file, MQ_E_INVALID, "32");
	assert_null(strstr(f->err.text, "0123456789abcdef"));
	write_file(f->key_file, "0123456789abcdef0123456789abcdef\n", 33);
	assert_refused(f, f->key_file, MQ_E_INVALID, "32");
	assert_int_equal(unlink(f->key_file), 0);
	assert_refused(f, f->key_file, MQ_E_NOTFOUND, ".key");
}

/* ---------------------------------------------------------------- modes, places, patience */

static void a_database_in_another_mode_is_switched_to_wal(void **state)
{
	struct fixture *f = *state;
	struct mq_queue_facts facts;
	struct sqlite3 *db = scratch_connect(f->database);

	scratch_exec(db, "PRAGMA journal_mode = DELETE");
	sqlite3_close(db);
	struct mq_queue *queue = scratch_queue(f->database, 0);
	assert_int_equal(mq_queue_facts(queue, &facts, &f->err), MQ_OK);
	assert_string_equal(facts.journal_mode, "wal");
	assert_false(facts.encrypted);
	assert_int_equal(facts.schema_version, mq_queue_schema_version());
	assert_true(facts.database_bytes > 0);
	mq_queue_close(queue);
}

static void network_file_systems_are_known_by_their_magic(void **state)
{
	(void)state;
	assert_string_equal(mq_sqlite_network_fs(0x6969), "NFS");
	assert_string_equal(mq_sqlite_network_fs(0xff534d42), "CIFS");
	assert_null(mq_sqlite_network_fs(0xef53));     /* ext4 */
	assert_null(mq_sqlite_network_fs(0x58465342)); /* xfs */
	assert_null(mq_sqlite_network_fs(0x9123683e)); /* btrfs */
	assert_null(mq_sqlite_network_fs(0x794c7630)); /* overlayfs */
	assert_null(mq_sqlite_network_fs(0x01021994)); /* tmpfs */
}

static bool never(void *ctx)
{
	++*(int *)ctx;
	return false;
}

static void patience_ends_when_it_is_told(void **state)
{
	struct fixture *f = *state;
	int asked = 0;
	struct sqlite3 *holder = scratch_connect(f->database), *db = NULL;

	scratch_exec(holder, "BEGIN IMMEDIATE");
	f->patience = (struct mq_patience){ .busy_ms = -1, .keep_waiting = never, .ctx = &asked };
	assert_int_equal(open_as(f, NULL, MQ_SQLITE_WRITE, &db), MQ_OK);
	assert_int_equal(mq_sqlite_exec(db, "BEGIN IMMEDIATE", &f->err), MQ_E_BUSY);
	assert_true(asked >= 1);
	f->patience = (struct mq_patience){ .busy_ms = 20 };
	int64_t since_us = mq_clock_mono_us();
	assert_int_equal(mq_sqlite_exec(db, "BEGIN IMMEDIATE", &f->err), MQ_E_BUSY);
	assert_true(mq_clock_mono_us() - since_us >= 20 * 1000);
	scratch_exec(holder, "ROLLBACK");
	assert_int_equal(mq_sqlite_exec(db, "BEGIN IMMEDIATE; ROLLBACK", &f->err), MQ_OK);
	mq_sqlite_close(db);
	sqlite3_close(holder);
}

/* Closing a descriptor of the file would drop the POSIX locks of all connections of the process. */
static void opening_a_second_connection_keeps_the_first_ones_locks(void **state)
{
	struct fixture *f = *state;
	struct sqlite3 *first = NULL, *second = NULL;
	MQ_AUTO_FREE char *locks = NULL;
	size_t cap = 0;
	ssize_t len = 0;
	struct stat st;
	bool found = false;

	assert_int_equal(open_as(f, NULL, MQ_SQLITE_WRITE, &first), MQ_OK);
	assert_int_equal(open_as(f, NULL, MQ_SQLITE_WRITE, &second), MQ_OK);
	mq_sqlite_close(second);
	assert_int_equal(stat(f->database, &st), 0);
	MQ_AUTO_FREE char *inode = mq_strf("%02x:%02x:%llu ", major(st.st_dev), minor(st.st_dev),
					   (unsigned long long)st.st_ino);
	FILE *file = fopen("/proc/locks", "r");
	while (file && (len = getline(&locks, &cap, file)) > 0)
		found = found || (strstr(locks, "POSIX") && strstr(locks, inode));
	if (file)
		fclose(file);
	assert_true(found);
	mq_sqlite_close(first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_connection_has_our_settings),
		TEST(a_reading_connection_writes_nothing),
		TEST(a_missing_file_is_not_found_and_not_made),
		TEST(what_is_no_database_is_refused_untouched),
		TEST(a_cut_database_is_refused_untouched),
		TEST(a_folder_and_a_pipe_are_no_databases),
		TEST(an_empty_file_is_a_fresh_database),
		TEST(an_encrypted_database_opens_with_its_key),
		TEST(an_encrypted_database_without_the_right_key_is_refused),
		TEST(a_key_for_a_plain_database_is_refused),
		TEST(a_key_file_that_is_no_key_is_refused),
		TEST(a_database_in_another_mode_is_switched_to_wal),
		TEST(network_file_systems_are_known_by_their_magic),
		TEST(patience_ends_when_it_is_told),
		TEST(opening_a_second_connection_keeps_the_first_ones_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
