#include "workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mq/str.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER "processing"
/* A tree deeper than this was built to exhaust something; it stays for an operator to look at. */
#define DEPTH_MAX 200

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void remove_at(int folder_fd, const char *name, int depth);

/* Takes over fd. */
static void empty(int fd, int depth)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		close(fd);
		return;
	}
	for (const struct dirent *entry; (entry = readdir(dir));)
		if (!is_dots(entry->d_name))
			remove_at(dirfd(dir), entry->d_name, depth + 1);
	closedir(dir);
}

static void remove_at(int folder_fd, const char *name, int depth)
{
	if (unlinkat(folder_fd, name, 0) == 0 || depth > DEPTH_MAX)
		return;
	int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	empty(fd, depth);
	unlinkat(folder_fd, name, AT_REMOVEDIR);
}

void mq_workdir_remove(const char *path)
{
	remove_at(AT_FDCWD, path, 0);
}

static enum mq_rc make_folder(const char *path, mode_t mode, struct mq_err *err)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return mq_err_sys(err, errno, "make the directory '%s' ([data] temp_dir)", path);
	return MQ_OK;
}

enum mq_rc mq_workdir_make(const char *temp_dir, int64_t job_id, int64_t token, char **ret_path,
			   struct mq_err *err)
{
	MQ_AUTO_FREE
	char *folder = mq_strf("%s/" FOLDER, temp_dir);
	MQ_AUTO_FREE
	char *path = mq_strf("%s/job-%lld-%lld", folder, (long long)job_id, (long long)token);

	if (make_folder(temp_dir, 0750, err) != MQ_OK || make_folder(folder, 0750, err) != MQ_OK)
		return err->rc;
	mq_workdir_remove(path);
	if (mkdir(path, 0700) < 0)
		return mq_err_sys(err, errno, "make the directory '%s' ([data] temp_dir)", path);
	*ret_path = MQ_STEAL(path);
	return MQ_OK;
}

void mq_workdir_sweep(const char *temp_dir, int64_t job_id, int64_t token)
{
	MQ_AUTO_FREE
	char *folder = mq_strf("%s/" FOLDER, temp_dir);
	DIR *dir = opendir(folder);
	long long id, other;
	char end;

	if (!dir)
		return;
	for (const struct dirent *entry; (entry = readdir(dir));)
		if (sscanf(entry->d_name, "job-%lld-%lld%c", &id, &other, &end) == 2 &&
		    id == job_id && other < token)
			remove_at(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}
