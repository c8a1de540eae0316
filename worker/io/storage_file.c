/*
 * Files below one root. An output is written to a file without a name (O_TMPFILE) and linked into
 * its folder when it is complete: a writer that is killed leaves nothing. Only replacing an
 * existing file needs a second name for the moment between linkat() and rename(). That name is made
 * from the object's own, so the next put of the object finds what a writer killed in that moment
 * left, and takes it away; a lock on the file tells a dead writer from a living one. File systems
 * without O_TMPFILE keep the temporary name from the beginning, under the same lock.
 */
#include <mq/storage.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <mq/str.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define TEMP_TRIES     8
#define TEMP_LEAF_MAX  200
#define FILE_MODE_NONE 0600
#define DIR_MODE_NONE  0755
#define WRITE_MAX      (size_t)(1 << 30)

struct file_storage {
	struct mq_storage base;
	int root_fd;
};

struct file_sink {
	struct mq_sink base;
	struct mq_storage_put how;
	char *path; /* for messages */
	char *leaf;
	char *temp;
	bool at_temp; /* the file is in the folder under `temp` */
	int dir_fd;
	int fd;
	EVP_MD_CTX *sha;
};

/* ---------------------------------------------------------------- folders */

/* One path component that is no link, whatever somebody makes of it meanwhile. */
static int open_part(int dir_fd, const char *part, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dir_fd, part, &how, sizeof how);

	/* Kernels before 5.6 and filters of containers; one component without ".." cannot leave the
	 * folder either. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(dir_fd, part, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd;
}

static int make_dir(int parent_fd, const char *part, mode_t mode)
{
	bool made = mkdirat(parent_fd, part, mode) == 0;

	if (!made && errno != EEXIST)
		return -1;
	int fd = open_part(parent_fd, part, O_RDONLY | O_DIRECTORY);
	/* The umask may have taken something away. */
	if (fd >= 0 && made && (fchmod(fd, mode) != 0 || fsync(parent_fd) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The folder of `name`, made on the way when make_mode is not 0; *ret_leaf points into `name`. */
static enum mq_rc open_folder(struct file_storage *st, const char *name, mode_t make_mode,
			      int *ret_fd, const char **ret_leaf, struct mq_err *err)
{
	MQ_AUTO_FD int fd = fcntl(st->root_fd, F_DUPFD_CLOEXEC, 0);
	const char *part = name;

	if (fd < 0)
		return mq_err_sys(err, errno, "open '%s'", st->base.root);
	for (size_t n; part[n = strcspn(part, "/")] == '/'; part += n + 1) {
		char dir[NAME_MAX + 1];

		snprintf(dir, sizeof dir, "%.*s", (int)n, part);
		int next = open_part(fd, dir, O_RDONLY | O_DIRECTORY);
		if (next < 0 && errno == ENOENT && make_mode != 0)
			next = make_dir(fd, dir, make_mode);
		if (next < 0)
			return mq_err_sys(err, errno, "folder '%s/%.*s'", st->base.root,
					  (int)(part + n - name), name);
		close(fd);
		fd = next;
	}
	*ret_fd = fd;
	fd = -1;
	*ret_leaf = part;
	return MQ_OK;
}

/* ---------------------------------------------------------------- the temporary name */

static char *temp_name(const char *leaf)
{
	uint64_t hash =
		UINT64_C(0xcbf29ce484222325); /* FNV-1a: the cut name alone may be another's, too */

	for (const char *c = leaf; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	return mq_strf(MQ_STORAGE_TEMP_PREFIX "%016" PRIx64 "-%.*s", hash, TEMP_LEAF_MAX, leaf);
}

/*
 * Removes what a dead writer left; false: a living one is at work. While the lock is held nobody
 * else takes the name away from the file, so it is still the same file that is unlinked.
 */
static bool remove_leftover(int dir_fd, const char *temp)
{
	struct stat file, name;
	MQ_AUTO_FD int fd = open_part(dir_fd, temp, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return false;
	if (fstat(fd, &file) == 0 && fstatat(dir_fd, temp, &name, AT_SYMLINK_NOFOLLOW) == 0 &&
	    file.st_ino == name.st_ino)
		unlinkat(dir_fd, temp, 0);
	return true;
}

static enum mq_rc temp_busy(const struct file_sink *s, struct mq_err *err)
{
	return mq_err_set(err, MQ_E_BUSY, 0, "another process is writing '%s' at this moment",
			  s->path);
}

static int open_nameless(int dir_fd)
{
	if (access("/proc/self/fd", F_OK) != 0)
		return -1;
	int fd = openat(dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, FILE_MODE_NONE);

	if (fd >= 0)
		flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

/* The lock comes a moment after the name: whoever took the file for a leftover in between has
 * unlinked it. */
static bool lock_named(int fd)
{
	struct stat st;

	return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static enum mq_rc open_named(struct file_sink *s, struct mq_err *err)
{
	for (int i = 0; i < TEMP_TRIES; i++) {
		int fd = openat(s->dir_fd, s->temp,
				O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				FILE_MODE_NONE);

		if (fd < 0 && errno != EEXIST)
			return mq_err_sys(err, errno, "create '%s'", s->path);
		if (fd < 0 && !remove_leftover(s->dir_fd, s->temp))
			return temp_busy(s, err);
		if (fd >= 0 && lock_named(fd)) {
			s->fd = fd;
			s->at_temp = true;
			return MQ_OK;
		}
		if (fd >= 0)
			close(fd);
	}
	return temp_busy(s, err);
}

static enum mq_rc open_output(struct file_sink *s, struct mq_err *err)
{
	remove_leftover(s->dir_fd, s->temp);
	s->fd = open_nameless(s->dir_fd);
	if (s->fd >= 0)
		return MQ_OK;
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)
		return open_named(s, err);
	return mq_err_sys(err, errno, "create '%s'", s->path);
}

/* ---------------------------------------------------------------- the sink */

static enum mq_rc file_write(struct mq_sink *sink, const void *data, size_t len, struct mq_err *err)
{
	struct file_sink *s = (struct file_sink *)sink;
	const char *at = data;

	if (EVP_DigestUpdate(s->sha, data, len) != 1)
		return mq_err_set(err, MQ_E_BUG, 0, "sha256 of '%s'", s->path);
	while (len > 0) {
		ssize_t n = write(s->fd, at, len < WRITE_MAX ? len : WRITE_MAX);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return mq_err_sys(err, n < 0 ? errno : EIO, "write '%s'", s->path);
		at += n;
		len -= (size_t)n;
	}
	return MQ_OK;
}

static enum mq_rc summarize(struct file_sink *s, struct mq_err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (EVP_DigestFinal_ex(s->sha, sum, &n) != 1)
		return mq_err_set(err, MQ_E_BUG, 0, "sha256 of '%s'", s->path);
	if (!s->how.summary)
		return MQ_OK;
	s->how.summary->bytes = s->base.bytes;
	for (unsigned int i = 0; i < n; i++)
		snprintf(s->how.summary->sha256 + 2 * i, 3, "%02x", sum[i]);
	return MQ_OK;
}

static int link_as(const struct file_sink *s, const char *name)
{
	char self[32];

	snprintf(self, sizeof self, "/proc/self/fd/%d", s->fd);
	return linkat(AT_FDCWD, self, s->dir_fd, name, AT_SYMLINK_FOLLOW);
}

static enum mq_rc link_temp(struct file_sink *s, struct mq_err *err)
{
	for (int i = 0; i < TEMP_TRIES; i++) {
		if (link_as(s, s->temp) == 0) {
			s->at_temp = true;
			return MQ_OK;
		}
		if (errno != EEXIST)
			return mq_err_sys(err, errno, "publish '%s'", s->path);
		if (!remove_leftover(s->dir_fd, s->temp))
			break;
	}
	return temp_busy(s, err);
}

static enum mq_rc publish(struct file_sink *s, struct mq_err *err)
{
	if (!s->at_temp) {
		if (link_as(s, s->leaf) == 0)
			return MQ_OK;
		if (errno != EEXIST)
			return mq_err_sys(err, errno, "publish '%s'", s->path);
		enum mq_rc rc = link_temp(s, err);
		if (rc != MQ_OK)
			return rc;
	}
	if (renameat(s->dir_fd, s->temp, s->dir_fd, s->leaf) != 0)
		return mq_err_sys(err, errno, "publish '%s'", s->path);
	s->at_temp = false;
	return MQ_OK;
}

static enum mq_rc file_finish(struct mq_sink *sink, struct mq_err *err)
{
	struct file_sink *s = (struct file_sink *)sink;
	enum mq_rc rc;

	if (fchmod(s->fd, s->how.mode ? s->how.mode : FILE_MODE_NONE) != 0)
		return mq_err_sys(err, errno, "set the mode of '%s'", s->path);
	if (fsync(s->fd) != 0)
		return mq_err_sys(err, errno, "sync '%s'", s->path);
	if ((rc = summarize(s, err)) != MQ_OK)
		return rc;
	if (s->how.may_publish && (rc = s->how.may_publish(s->how.ctx, err)) != MQ_OK)
		return rc;
	if ((rc = publish(s, err)) != MQ_OK)
		return rc;
	if (fsync(s->dir_fd) != 0)
		return mq_err_sys(err, errno, "sync the folder of '%s'", s->path);
	return MQ_OK;
}

static void file_free(struct mq_sink *sink)
{
	struct file_sink *s = (struct file_sink *)sink;

	if (s->at_temp)
		unlinkat(s->dir_fd, s->temp, 0);
	if (s->fd >= 0)
		close(s->fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	EVP_MD_CTX_free(s->sha);
	free(s->temp);
	free(s->leaf);
	free(s->path);
	free(s);
}

static const struct mq_sink_ops file_ops = {
	.name = "file",
	.write = file_write,
	.finish = file_finish,
	.free = file_free,
};

/* ---------------------------------------------------------------- the driver */

static enum mq_rc check_space(const struct file_sink *s, struct mq_err *err)
{
	struct statvfs fs;

	if (s->how.expect_bytes <= 0)
		return MQ_OK;
	if (fstatvfs(s->dir_fd, &fs) != 0)
		return mq_err_sys(err, errno, "free space for '%s'", s->path);
	uint64_t available = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;

	if (available >= (uint64_t)s->how.expect_bytes)
		return MQ_OK;
	char want[MQ_DURATION_TEXT_SIZE], have[MQ_DURATION_TEXT_SIZE];

	mq_size_format(s->how.expect_bytes, want);
	mq_size_format((int64_t)available, have);
	return mq_err_set(err, MQ_E_NOSPACE, 0, "'%s' needs %s, its file system has %s free",
			  s->path, want, have);
}

static enum mq_rc start_sha(struct file_sink *s, struct mq_err *err)
{
	s->sha = EVP_MD_CTX_new();
	if (!s->sha || EVP_DigestInit_ex(s->sha, EVP_sha256(), NULL) != 1)
		return mq_err_set(err, MQ_E_NOMEM, 0, "sha256 of '%s'", s->path);
	return MQ_OK;
}

static enum mq_rc file_put(struct mq_storage *base, const char *name,
			   const struct mq_storage_put *how, struct mq_sink **ret,
			   struct mq_err *err)
{
	struct file_storage *st = (struct file_storage *)base;
	const char *leaf;
	int dir_fd;
	enum mq_rc rc = open_folder(st, name, how->dir_mode ? how->dir_mode : DIR_MODE_NONE,
				    &dir_fd, &leaf, err);

	if (rc != MQ_OK)
		return rc;
	struct file_sink *s = mq_alloc(1, sizeof *s);
	MQ_AUTO(mq_sink) struct mq_sink *owner = &s->base;

	s->base.ops = &file_ops;
	s->how = *how;
	s->dir_fd = dir_fd;
	s->fd = -1;
	s->path = mq_strf("%s/%s", base->root, name);
	s->leaf = mq_strdup(leaf);
	s->temp = temp_name(leaf);
	if ((rc = check_space(s, err)) != MQ_OK || (rc = start_sha(s, err)) != MQ_OK ||
	    (rc = open_output(s, err)) != MQ_OK)
		return rc;
	*ret = MQ_STEAL(owner);
	return MQ_OK;
}

static enum mq_rc file_remove(struct mq_storage *base, const char *name, struct mq_err *err)
{
	MQ_AUTO_FD int dir_fd = -1;
	const char *leaf;
	enum mq_rc rc = open_folder((struct file_storage *)base, name, 0, &dir_fd, &leaf, err);

	if (rc != MQ_OK)
		return rc;
	if (unlinkat(dir_fd, leaf, 0) != 0)
		return mq_err_sys(err, errno, "remove '%s/%s'", base->root, name);
	if (fsync(dir_fd) != 0)
		return mq_err_sys(err, errno, "sync the folder of '%s/%s'", base->root, name);
	return MQ_OK;
}

static enum mq_rc file_size(struct mq_storage *base, const char *name, int64_t *ret_bytes,
			    struct mq_err *err)
{
	MQ_AUTO_FD int dir_fd = -1;
	const char *leaf;
	struct stat st;
	enum mq_rc rc = open_folder((struct file_storage *)base, name, 0, &dir_fd, &leaf, err);

	if (rc != MQ_OK)
		return rc;
	if (fstatat(dir_fd, leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return mq_err_sys(err, errno, "'%s/%s'", base->root, name);
	if (!S_ISREG(st.st_mode))
		return mq_err_set(err, MQ_E_DENIED, 0, "'%s/%s' is no regular file", base->root,
				  name);
	*ret_bytes = st.st_size;
	return MQ_OK;
}

static void file_close(struct mq_storage *base)
{
	struct file_storage *st = (struct file_storage *)base;

	close(st->root_fd);
	free(base->root);
	free(st);
}

enum mq_rc mq_storage_open_file(const char *root, struct mq_storage **ret, struct mq_err *err)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return mq_err_set(err, MQ_E_NOTFOUND, 0,
				  "there is no folder '%s': mq-worker init makes it", root);
	if (fd < 0)
		return mq_err_sys(err, errno, "open folder '%s'", root);
	struct file_storage *st = mq_alloc(1, sizeof *st);

	st->base.driver = &mq_storage_driver_file;
	st->base.root = mq_strdup(root);
	st->root_fd = fd;
	*ret = &st->base;
	return MQ_OK;
}

const struct mq_storage_driver mq_storage_driver_file = {
	.name = "file",
	.put = file_put,
	.remove = file_remove,
	.size = file_size,
	.close = file_close,
};
