#include <mq/storage.h>

#include <limits.h>
#include <mq/str.h>
#include <string.h>

static enum mq_rc bad_name(const struct mq_storage *st, const char *why, struct mq_err *err)
{
	return mq_err_set(err, MQ_E_INVALID, 0, "a name below '%s' %s", st->root, why);
}

static bool is_dots(const char *part, size_t len)
{
	return (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.');
}

/* What no driver may be asked for, whatever it would make of it. The text itself may be anything:
 * it is not repeated. */
static enum mq_rc name_check(const struct mq_storage *st, const char *name, struct mq_err *err)
{
	size_t len = strlen(name);

	if (len == 0)
		return bad_name(st, "is empty", err);
	if (len >= PATH_MAX)
		return bad_name(st, "is longer than a path may be", err);
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return bad_name(st, "holds a control character", err);
	for (const char *part = name;; part++) {
		size_t n = strcspn(part, "/");

		if (n == 0)
			return bad_name(st, "must be relative and without empty parts", err);
		if (n > NAME_MAX)
			return bad_name(st, "has a part of more than 255 bytes", err);
		if (is_dots(part, n))
			return bad_name(st, "must not hold '.' or '..'", err);
		if (strncmp(part, MQ_STORAGE_TEMP_PREFIX, strlen(MQ_STORAGE_TEMP_PREFIX)) == 0)
			return bad_name(st, "must not begin like a temporary one (.mq-)", err);
		part += n;
		if (!*part)
			return MQ_OK;
	}
}

enum mq_rc mq_storage_put(struct mq_storage *st, const char *name, const struct mq_storage_put *how,
			  struct mq_sink **ret, struct mq_err *err)
{
	enum mq_rc rc = name_check(st, name, err);

	return rc == MQ_OK ? st->driver->put(st, name, how, ret, err) : rc;
}

enum mq_rc mq_storage_remove(struct mq_storage *st, const char *name, struct mq_err *err)
{
	enum mq_rc rc = name_check(st, name, err);

	return rc == MQ_OK ? st->driver->remove(st, name, err) : rc;
}

enum mq_rc mq_storage_size(struct mq_storage *st, const char *name, int64_t *ret_bytes,
			   struct mq_err *err)
{
	enum mq_rc rc = name_check(st, name, err);

	return rc == MQ_OK ? st->driver->size(st, name, ret_bytes, err) : rc;
}

void mq_storage_close(struct mq_storage *st)
{
	if (st)
		st->driver->close(st);
}
