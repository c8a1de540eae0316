#include "doctor.h"
#include <errno.h>
#include <fcntl.h>
#include <mq/str.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DISK_WARN_PERCENT 85
#define KEY_BYTES	  32

/* ---------------------------------------------------------------- the database */

static bool is_plain(const char *path)
{
	char head[16] = { 0 };
	MQ_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head &&
	       memcmp(head, "SQLite format 3", sizeof head) == 0;
}

static void missing_database(struct mq_doctor *doctor)
{
	mq_doctor_say(
		doctor, MQ_DOCTOR_FAIL, "database",
		"start the application once, it makes it; or set DATABASE_URL and DATA_DIR as the "
		"application has them. mq-worker never makes a database",
		"%s does not exist", doctor->config->database);
}

/*
 * The files that stand beside the database: where one is something else, or another user's, nothing
 * can be written.
 */
static void check_companions(struct mq_doctor *doctor)
{
	static const char *const suffixes[] = { "-wal", "-shm", "-workers" };
	MQ_AUTO_FREE char *database = realpath(doctor->config->database, NULL);
	for (size_t i = 0; database && i < sizeof suffixes / sizeof suffixes[0]; i++) {
		MQ_AUTO_FREE char *path = mq_strf("%s%s", database, suffixes[i]);
		struct stat st;
		if (lstat(path, &st) != 0)
			continue;
		if (!S_ISREG(st.st_mode))
			mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "database",
				      "stop whoever uses the database, then take it away",
				      "%s is no regular file", path);
		else if (access(path, R_OK | W_OK) != 0)
			mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "database",
				      "give it the owner and the mode of the database",
				      "%s cannot be read and written: %s", path, strerror(errno));
	}
}

bool mq_doctor_database_file(struct mq_doctor *doctor)
{
	const char *path = doctor->config->database;
	char size[MQ_DURATION_TEXT_SIZE];
	struct stat st;
	if (stat(path, &st) != 0 && errno == ENOENT) {
		missing_database(doctor);
		return false;
	}
	if (stat(path, &st) != 0 || access(path, R_OK | W_OK) != 0) {
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "database",
			      "run as the user that the application runs as, or share its group",
			      "%s cannot be read and written: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "database", "correct DATABASE_URL",
			      "%s is no regular file", path);
		return false;
	}
	check_companions(doctor);
	mq_size_format(st.st_size, size);
	bool plain = is_plain(path), keyed = doctor->config->key_file != NULL;
	if (st.st_size > 0 && plain && keyed)
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "database",
			      "remove database.key_file, or encrypt the database",
			      "%s, %s, is not encrypted, but a key is set", path, size);
	else if (st.st_size > 0 && !plain && !keyed)
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "database",
			      "set database.key_file if it is encrypted; if not, restore a backup",
			      "%s, %s, does not begin as a SQLite database: encrypted or damaged",
			      path, size);
	else
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "database", NULL, "%s, %s, %s", path, size,
			      keyed ? "encrypted" : "plain");
	return st.st_size == 0 || plain != keyed;
}

/* ---------------------------------------------------------------- where it lies */

static void check_file_system(struct mq_doctor *doctor, const char *dir)
{
	struct statfs fs;
	const char *network =
		statfs(dir, &fs) == 0 ? mq_sqlite_network_fs((unsigned long)fs.f_type) : NULL;
	if (network)
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "file system",
			      "move the data directory to a local disk: WAL needs shared memory "
			      "and exact locks",
			      "%s is on %s", dir, network);
	else
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "file system", NULL, "local");
}

static int lock_byte(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1 };
	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* A file without a name: nothing is left behind, even when this program is killed. */
static void check_locks(struct mq_doctor *doctor, const char *dir)
{
	MQ_AUTO_FD int first = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	MQ_AUTO_FREE char *same = mq_strf("/proc/self/fd/%d", first);
	MQ_AUTO_FD int second = first >= 0 ? open(same, O_RDWR | O_CLOEXEC) : -1;
	if (second < 0)
		mq_doctor_say(doctor, MQ_DOCTOR_INFO, "locks", NULL,
			      "not tried: no temporary file without a name in %s (%s)", dir,
			      strerror(errno));
	else if (lock_byte(first) == 0 && lock_byte(second) != 0 &&
		 (errno == EAGAIN || errno == EACCES))
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "locks", NULL, "the kernel tells who is alive");
	else
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "locks",
			      "move the data directory to a local disk",
			      "two open files got the same lock in %s", dir);
}

static void check_inotify(struct mq_doctor *doctor, const char *dir)
{
	MQ_AUTO_FD int fd = inotify_init1(IN_CLOEXEC);
	if (fd >= 0 && inotify_add_watch(fd, dir, IN_MODIFY) >= 0)
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "inotify", NULL, "new jobs are seen at once");
	else
		mq_doctor_say(
			doctor, MQ_DOCTOR_WARN, "inotify",
			errno == EACCES ? "give the worker's user the right to read the folder"
					: "raise fs.inotify.max_user_instances and "
					  "fs.inotify.max_user_watches",
			"%s cannot be watched (%s): new jobs are seen later", dir, strerror(errno));
}

/* ---------------------------------------------------------------- owners and modes */

static void check_data_dir(struct mq_doctor *doctor, const char *dir)
{
	struct stat st, db;
	if (stat(dir, &st) != 0) {
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "data directory",
			      "set DATA_DIR as the application has it", "%s: %s", dir,
			      strerror(errno));
		return;
	}
	MQ_AUTO_FREE char *chmod_text = mq_strf("chmod 0750 '%s'", dir);
	if (access(dir, W_OK | X_OK) != 0)
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "data directory",
			      "run as the user that the application runs as, or share its group",
			      "%s cannot be written: %s", dir, strerror(errno));
	else if ((st.st_mode & 0007) != 0)
		mq_doctor_say(doctor, MQ_DOCTOR_WARN, "data directory", chmod_text,
			      "%s has mode %04o: everybody on this machine can look inside", dir,
			      (unsigned)st.st_mode & 07777);
	else if (stat(doctor->config->database, &db) == 0 && db.st_uid != st.st_uid)
		mq_doctor_say(doctor, MQ_DOCTOR_WARN, "data directory", "let one user own both",
			      "%s belongs to uid %u, the database to uid %u", dir,
			      (unsigned)st.st_uid, (unsigned)db.st_uid);
	else
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "data directory", NULL, "%s, mode %04o", dir,
			      (unsigned)st.st_mode & 07777);
}

static void check_key_file(struct mq_doctor *doctor)
{
	const char *path = doctor->config->key_file;
	struct stat st;
	if (!path)
		return;
	MQ_AUTO_FREE char *chmod_text = mq_strf("chmod 0400 '%s'", path);
	if (stat(path, &st) != 0 || access(path, R_OK) != 0)
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "key file",
			      "give the worker's user the right to read it", "%s: %s", path,
			      strerror(errno));
	else if (st.st_size != KEY_BYTES)
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "key file",
			      "it holds the raw key and nothing else: no text, no line end",
			      "%s has %lld bytes instead of %d", path, (long long)st.st_size,
			      KEY_BYTES);
	else if ((st.st_mode & 0077) != 0)
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, "key file", chmod_text,
			      "%s has mode %04o: others can read it", path,
			      (unsigned)st.st_mode & 07777);
	else
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "key file", NULL, "%s, mode %04o", path,
			      (unsigned)st.st_mode & 07777);
}

/* Missing ones are collected: one command makes them all. */
static void check_writable(struct mq_doctor *doctor, const char *name, const char *dir,
			   struct mq_str *missing)
{
	struct stat st;
	if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode))
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, name,
			      "take the file away, then mq-worker init", "%s is no folder", dir);
	else if (access(dir, W_OK | X_OK) == 0)
		return;
	else if (errno == ENOENT)
		mq_str_printf(missing, "%s%s", missing->len ? ", " : "", name);
	else
		mq_doctor_say(doctor, MQ_DOCTOR_FAIL, name,
			      "give it to the user that runs the worker",
			      "%s cannot be written: %s", dir, strerror(errno));
}

static void check_folders(struct mq_doctor *doctor)
{
	const struct mq_config *config = doctor->config;
	const struct {
		const char *name, *dir;
	} folders[] = {
		{ "uploads", config->uploads_dir }, { "exports", config->exports_dir },
		{ "backups", config->backups_dir }, { "logs", config->logs_dir },
		{ "cache", config->cache_dir },	    { "temp", config->temp_dir },
	};
	int before = doctor->count[MQ_DOCTOR_FAIL];
	struct mq_str missing = { 0 };
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
		check_writable(doctor, folders[i].name, folders[i].dir, &missing);
	if (missing.len > 0)
		mq_doctor_say(doctor, MQ_DOCTOR_WARN, "folders", "mq-worker init",
			      "there is no folder for %s", missing.data);
	else if (doctor->count[MQ_DOCTOR_FAIL] == before)
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "folders", NULL,
			      "uploads, exports, backups, logs, cache and temp can be written");
	mq_str_free(&missing);
}

static void check_disk(struct mq_doctor *doctor, const char *name, const char *dir)
{
	struct statvfs fs;
	char space[MQ_DURATION_TEXT_SIZE];
	if (statvfs(dir, &fs) != 0 || fs.f_blocks == 0)
		return;
	unsigned percent = (unsigned)(100 - fs.f_bavail * 100 / fs.f_blocks);
	mq_size_format((int64_t)(fs.f_bavail * fs.f_frsize), space);
	if (percent > DISK_WARN_PERCENT)
		mq_doctor_say(doctor, MQ_DOCTOR_WARN, name,
			      "make room before exports and backups fail",
			      "%u %% used at %s, %s free", percent, dir, space);
	else
		mq_doctor_say(doctor, MQ_DOCTOR_OK, name, NULL, "%u %% used, %s free", percent,
			      space);
}

static void check_space(struct mq_doctor *doctor)
{
	struct stat data, temp;
	check_disk(doctor, "disk", doctor->config->data_dir);
	if (stat(doctor->config->data_dir, &data) == 0 &&
	    stat(doctor->config->temp_dir, &temp) == 0 && data.st_dev != temp.st_dev)
		check_disk(doctor, "disk of temp", doctor->config->temp_dir);
}

void mq_doctor_folders(struct mq_doctor *doctor)
{
	const char *database = doctor->config->database;
	MQ_AUTO_FREE char *dir =
		mq_strf("%.*s", (int)(strrchr(database, '/') - database), database);
	check_data_dir(doctor, doctor->config->data_dir);
	check_key_file(doctor);
	if (access(doctor->config->data_dir, F_OK) != 0)
		return;
	check_folders(doctor);
	check_space(doctor);
	if (access(dir, F_OK) != 0)
		return;
	check_file_system(doctor, dir);
	check_locks(doctor, dir);
	check_inotify(doctor, dir);
}
