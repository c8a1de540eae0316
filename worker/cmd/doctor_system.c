#include "doctor.h"
#include <dirent.h>
#include <mq/str.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * First version that is damaged, first one that is not any more; fixes were carried back to two
 * older series.
 */
static const struct {
	int from, to;
} wal_reset_bug[] = {
	{ 3007000, 3044006 },
	{ 3045000, 3050007 },
	{ 3051000, 3051003 },
};

bool mq_doctor_has_wal_reset_bug(int number)
{
	for (size_t i = 0; i < sizeof wal_reset_bug / sizeof wal_reset_bug[0]; i++)
		if (number >= wal_reset_bug[i].from && number < wal_reset_bug[i].to)
			return true;
	return false;
}

static void check_libraries(struct mq_doctor *doctor)
{
	if (mq_doctor_has_wal_reset_bug(sqlite3_libversion_number()))
		mq_doctor_say(
			doctor, MQ_DOCTOR_WARN, "sqlite",
			"in the application run PRAGMA wal_autocheckpoint=0 on every connection: "
			"mq-worker does the checkpoints",
			"%s: from 3.7.0 to 3.51.2 a checkpoint beside a commit can damage the "
			"database; mq-worker avoids it, the application may not",
			sqlite3_libversion());
	else
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "sqlite", NULL, "%s", sqlite3_libversion());
	mq_doctor_say(doctor, MQ_DOCTOR_OK, "openssl", NULL, "%s",
		      OpenSSL_version(OPENSSL_VERSION_STRING));
}

/* The first such program of PATH. Freed by the caller; NULL: none. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	MQ_AUTO_FREE char *copy = mq_strdup(path ? path : "/usr/bin:/bin");
	char *rest = copy;
	for (char *dir; (dir = strsep(&rest, ":"));) {
		MQ_AUTO_FREE char *file = mq_strf("%s/%s", dir[0] ? dir : ".", name);
		if (access(file, X_OK) == 0)
			return MQ_STEAL(file);
	}
	return NULL;
}

static void check_programs(struct mq_doctor *doctor)
{
	static const struct {
		const char *name, *package, *use;
	} programs[] = {
		{ "ffmpeg", "ffmpeg", "videos" },
		{ "pdftocairo", "poppler-utils", "previews of PDF files" },
	};
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		MQ_AUTO_FREE char *file = find_program(programs[i].name);
		MQ_AUTO_FREE char *todo = mq_strf("install the package %s where they are wanted",
						  programs[i].package);
		if (file)
			mq_doctor_say(doctor, MQ_DOCTOR_OK, programs[i].name, NULL, "%s", file);
		else
			mq_doctor_say(doctor, MQ_DOCTOR_INFO, programs[i].name, todo,
				      "not found: no jobs for %s on this machine", programs[i].use);
	}
}

void mq_doctor_system(struct mq_doctor *doctor)
{
	check_libraries(doctor);
	check_programs(doctor);
}

/* ---------------------------------------------------------------- who maps the database */

/* Whether /proc/PID/maps names this device and inode. */
static bool maps_file(const char *pid, unsigned major, unsigned minor, unsigned long inode)
{
	MQ_AUTO_FREE char *path = mq_strf("/proc/%s/maps", pid);
	FILE *maps = fopen(path, "re");
	char line[8192];
	bool found = false;
	while (maps && !found && fgets(line, sizeof line, maps)) {
		unsigned have_major, have_minor;
		unsigned long have_inode;
		found = sscanf(line, "%*s %*s %*s %x:%x %lu", &have_major, &have_minor,
			       &have_inode) == 3 &&
			have_major == major && have_minor == minor && have_inode == inode;
	}
	if (maps)
		fclose(maps);
	return found;
}

static bool is_pid(const char *name)
{
	return name[0] != '\0' && name[strspn(name, "0123456789")] == '\0';
}

/* Mapped pages bypass the locks' order: a truncated WAL database kills the reader with SIGBUS. */
void mq_doctor_mmap(struct mq_doctor *doctor)
{
	struct stat st;
	DIR *proc = opendir("/proc");
	int found = 0;
	if (proc && stat(doctor->config->database, &st) == 0)
		for (struct dirent *entry; (entry = readdir(proc));) {
			if (!is_pid(entry->d_name) || !maps_file(entry->d_name, major(st.st_dev),
								 minor(st.st_dev), st.st_ino))
				continue;
			found++;
			mq_doctor_say(doctor, MQ_DOCTOR_WARN, "mmap",
				      "set PRAGMA mmap_size=0 in the application: an error while "
				      "reading a "
				      "mapped page ends the process instead of the statement",
				      "process %s maps the database into its memory",
				      entry->d_name);
		}
	if (proc)
		closedir(proc);
	if (proc && found == 0)
		mq_doctor_say(doctor, MQ_DOCTOR_OK, "mmap", NULL,
			      "no process that can be seen from here maps the database");
}
