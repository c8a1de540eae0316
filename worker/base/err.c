#include <mq/err.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Exit statuses are part of the command line's contract: mq-worker(1) lists the same numbers. */
static const struct mq_rc_info infos[MQ_RC_COUNT] = {
	[MQ_OK] = { "ok", false, 0 },
	[MQ_E_INVALID] = { "invalid", false, 3 },
	[MQ_E_NOTFOUND] = { "not-found", false, 4 },
	[MQ_E_EXISTS] = { "exists", false, 5 },
	[MQ_E_DENIED] = { "denied", false, 6 },
	[MQ_E_UNSUPPORTED] = { "unsupported", false, 7 },
	[MQ_E_CORRUPT] = { "corrupt", false, 8 },
	[MQ_E_IO] = { "io", true, 9 },
	[MQ_E_NOSPACE] = { "no-space", true, 10 },
	[MQ_E_NOMEM] = { "no-memory", true, 11 },
	[MQ_E_DB] = { "database", true, 12 },
	[MQ_E_BUSY] = { "busy", true, 13 },
	[MQ_E_STALE] = { "stale", false, 14 },
	[MQ_E_CANCELLED] = { "cancelled", false, 15 },
	[MQ_E_INTERRUPTED] = { "interrupted", true, 16 },
	[MQ_E_TIMEOUT] = { "timeout", true, 17 },
	[MQ_E_BUG] = { "bug", false, 70 },
};

const struct mq_rc_info *mq_rc_info(enum mq_rc rc)
{
	return &infos[rc < MQ_RC_COUNT ? rc : MQ_E_BUG];
}

static const struct {
	int sys_errno;
	enum mq_rc rc;
} errnos[] = {
	{ ENOENT, MQ_E_NOTFOUND },	  { EEXIST, MQ_E_EXISTS },
	{ EACCES, MQ_E_DENIED },	  { EPERM, MQ_E_DENIED },
	{ EROFS, MQ_E_DENIED },		  { ENOSPC, MQ_E_NOSPACE },
	{ EDQUOT, MQ_E_NOSPACE },	  { EFBIG, MQ_E_NOSPACE },
	{ ENOMEM, MQ_E_NOMEM },		  { ENOTDIR, MQ_E_DENIED },
	{ EISDIR, MQ_E_DENIED },	  { ELOOP, MQ_E_DENIED },
	{ EXDEV, MQ_E_DENIED },		  { EINVAL, MQ_E_INVALID },
	{ ENAMETOOLONG, MQ_E_INVALID },	  { ENOSYS, MQ_E_UNSUPPORTED },
	{ EOPNOTSUPP, MQ_E_UNSUPPORTED },
};

enum mq_rc mq_rc_from_errno(int sys_errno)
{
	for (size_t i = 0; i < sizeof errnos / sizeof errnos[0]; i++)
		if (errnos[i].sys_errno == sys_errno)
			return errnos[i].rc;
	return MQ_E_IO;
}

/* A cut text ends with "..." so that nobody takes it for the whole. */
static void mark_cut(struct mq_err *err, int wanted)
{
	if (wanted >= (int)sizeof err->text)
		memcpy(err->text + sizeof err->text - 4, "...", 4);
}

static enum mq_rc set(struct mq_err *err, enum mq_rc rc, int sys_errno, const char *fmt,
		      va_list args) MQ_PRINTF(4, 0);

static enum mq_rc set(struct mq_err *err, enum mq_rc rc, int sys_errno, const char *fmt,
		      va_list args)
{
	if (!err)
		return rc;
	/* Formatted aside: an argument may be the old text itself. */
	char text[sizeof err->text];
	int n = vsnprintf(text, sizeof text, fmt, args);

	if (sys_errno != 0 && n >= 0 && n < (int)sizeof text)
		n += snprintf(text + n, sizeof text - (size_t)n, ": %s", strerror(sys_errno));
	memcpy(err->text, text, sizeof text);
	mark_cut(err, n);
	err->rc = rc;
	err->sys_errno = sys_errno;
	return rc;
}

enum mq_rc mq_err_set(struct mq_err *err, enum mq_rc rc, int sys_errno, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(err, rc, sys_errno, fmt, args);
	va_end(args);
	return rc;
}

enum mq_rc mq_err_sys(struct mq_err *err, int sys_errno, const char *fmt, ...)
{
	va_list args;
	enum mq_rc rc = mq_rc_from_errno(sys_errno);

	va_start(args, fmt);
	set(err, rc, sys_errno, fmt, args);
	va_end(args);
	return rc;
}

enum mq_rc mq_err_wrap(struct mq_err *err, const char *fmt, ...)
{
	if (!err)
		return MQ_E_BUG;
	char context[sizeof err->text];
	char text[sizeof err->text];
	va_list args;

	va_start(args, fmt);
	vsnprintf(context, sizeof context, fmt, args);
	va_end(args);
	memcpy(text, err->text, sizeof text);
	mark_cut(err, snprintf(err->text, sizeof err->text, "%s: %s", context, text));
	return err->rc;
}
