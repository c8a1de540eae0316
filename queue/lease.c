#include <mq/lease.h>
#include <mq/str.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * OFD locks of one description never conflict with themselves, so the kernel does not tell us about
 * our own bytes: `held` remembers them.
 */
struct file_lease {
	struct mq_lease base;
	int fd;
	char *path;
	int64_t *held;
	size_t n_held;
};

static struct file_lease *of(struct mq_lease *lease)
{
	return (struct file_lease *)lease;
}

static struct flock lock_of(short type, int64_t byte)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
}

static bool holds(const struct file_lease *l, int64_t byte)
{
	for (size_t i = 0; i < l->n_held; i++)
		if (l->held[i] == byte)
			return true;
	return false;
}

static void remember(struct file_lease *l, int64_t byte)
{
	if (holds(l, byte))
		return;
	int64_t *grown = mq_alloc(l->n_held + 1, sizeof *grown);
	for (size_t i = 0; i < l->n_held; i++)
		grown[i] = l->held[i];
	grown[l->n_held++] = byte;
	free(l->held);
	l->held = grown;
}

static void forget(struct file_lease *l, int64_t byte)
{
	for (size_t i = 0; i < l->n_held; i++)
		if (l->held[i] == byte)
			l->held[i--] = l->held[--l->n_held];
}

static enum mq_rc lock_failed(const struct file_lease *l, int64_t byte, int code,
			      struct mq_err *err)
{
	if (byte < 0)
		return mq_err_set(err, MQ_E_INVALID, 0, "lease: no byte %lld in '%s'",
				  (long long)byte, l->path);
	return mq_err_sys(err, code, "lock byte %lld of '%s'", (long long)byte, l->path);
}

static enum mq_rc file_try_hold(struct mq_lease *lease, int64_t byte, bool *ret_held,
				struct mq_err *err)
{
	struct file_lease *l = of(lease);
	struct flock lock = lock_of(F_WRLCK, byte);

	if (fcntl(l->fd, F_OFD_SETLK, &lock) == 0) {
		remember(l, byte);
		*ret_held = true;
		return MQ_OK;
	}
	if (errno != EAGAIN && errno != EACCES)
		return lock_failed(l, byte, errno, err);
	*ret_held = false;
	return MQ_OK;
}

static enum mq_rc file_hold(struct mq_lease *lease, int64_t byte, struct mq_err *err)
{
	struct file_lease *l = of(lease);
	struct flock lock = lock_of(F_WRLCK, byte);

	if (fcntl(l->fd, F_OFD_SETLKW, &lock) == 0) {
		remember(l, byte);
		return MQ_OK;
	}
	if (errno == EINTR)
		return mq_err_set(err, MQ_E_INTERRUPTED, 0,
				  "waiting for byte %lld of '%s': a signal came first",
				  (long long)byte, l->path);
	return lock_failed(l, byte, errno, err);
}

static void file_drop(struct mq_lease *lease, int64_t byte)
{
	struct file_lease *l = of(lease);
	struct flock lock = lock_of(F_UNLCK, byte);

	fcntl(l->fd, F_OFD_SETLK, &lock);
	forget(l, byte);
}

static enum mq_rc file_is_held(struct mq_lease *lease, int64_t byte, bool *ret_held,
			       struct mq_err *err)
{
	struct file_lease *l = of(lease);
	struct flock lock = lock_of(F_WRLCK, byte);

	if (fcntl(l->fd, F_OFD_GETLK, &lock) != 0)
		return lock_failed(l, byte, errno, err);
	*ret_held = lock.l_type != F_UNLCK || holds(l, byte);
	return MQ_OK;
}

static void file_close(struct mq_lease *lease)
{
	struct file_lease *l = of(lease);

	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	free(l->held);
	free(l);
}

static const struct mq_lease_ops file_ops = {
	.try_hold = file_try_hold,
	.hold = file_hold,
	.drop = file_drop,
	.is_held = file_is_held,
	.close = file_close,
};

/* Like the database's, so that root may start it once and the service's user can go on. */
static void take_after(int fd, const struct stat *db)
{
	if (fchown(fd, db->st_uid, db->st_gid) != 0)
		errno = 0; /* only root may give files away, and only root needs to */
	fchmod(fd, db->st_mode & 0666);
}

static int open_file(const char *path, const struct stat *db)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path, flags | O_CREAT | O_EXCL, 0600);

	if (fd >= 0)
		take_after(fd, db);
	else if (errno == EEXIST)
		fd = open(path, flags);
	return fd;
}

enum mq_rc mq_lease_open(const char *database_path, struct mq_lease **ret, struct mq_err *err)
{
	/* One lock file however the database is named: SQLite follows symbolic links, too. */
	MQ_AUTO_FREE
	char *real = realpath(database_path, NULL);
	struct stat db;

	if (!real || stat(real, &db) != 0)
		return mq_err_sys(err, errno, "database '%s'", database_path);
	MQ_AUTO(mq_lease) struct mq_lease *lease = mq_alloc(1, sizeof(struct file_lease));
	struct file_lease *l = of(lease);
	lease->ops = &file_ops;
	l->path = mq_strf("%s-workers", real);
	l->fd = open_file(l->path, &db);
	if (l->fd < 0)
		return mq_err_sys(err, errno, "open the workers' lock file '%s'", l->path);
	*ret = MQ_STEAL(lease);
	return MQ_OK;
}
