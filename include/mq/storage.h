/*
 * Named objects below one root. Names are relative paths; however crafted, none leads outside:
 * every access goes through the root's descriptor with openat2(RESOLVE_BENEATH |
 * RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS).
 */
#ifndef MQ_STORAGE_H
#define MQ_STORAGE_H

#include <mq/sink.h>
#include <sys/types.h>

struct mq_storage;

struct mq_storage_put {
	mode_t mode;	 /* of the file; 0: 0600 */
	mode_t dir_mode; /* of folders that have to be made on the way; 0: 0755 */
	/* Refuse at once (MQ_E_NOSPACE) when the file system has not this much; 0: unknown. */
	int64_t expect_bytes;
	/*
	 * Asked immediately before the name appears, when everything is written and *summary is
	 * filled; an error keeps the old state. NULL: not asked.
	 */
	enum mq_rc (*may_publish)(void *ctx, struct mq_err *err);
	void *ctx;
	struct mq_sink_summary *summary; /* must outlive the sink; may be NULL */
};

struct mq_storage_driver {
	const char *name;
	enum mq_rc (*put)(struct mq_storage *st, const char *name, const struct mq_storage_put *how,
			  struct mq_sink **ret, struct mq_err *err);
	enum mq_rc (*remove)(struct mq_storage *st, const char *name, struct mq_err *err);
	enum mq_rc (*size)(struct mq_storage *st, const char *name, int64_t *ret_bytes,
			   struct mq_err *err);
	void (*close)(struct mq_storage *st);
};
extern const struct mq_storage_driver mq_storage_driver_file;

struct mq_storage {
	const struct mq_storage_driver *driver;
	char *root; /* absolute, for messages */
};

/* The root must exist. */
enum mq_rc mq_storage_open_file(const char *root, struct mq_storage **ret, struct mq_err *err);
void mq_storage_close(struct mq_storage *st); /* accepts NULL */
MQ_CLEANUP(mq_storage, struct mq_storage *, mq_storage_close)

/* Names that begin so are the storage's own, for the moment in which an object is replaced. */
#define MQ_STORAGE_TEMP_PREFIX ".mq-"

/*
 * A sink whose output appears under `name` at finish, whole or not at all; a process that is killed
 * on the way leaves nothing. Folders are made on the way. An existing object is replaced in one
 * step. MQ_E_INVALID: the name leads outside, is empty or too long. MQ_E_BUSY: another process
 * replaces the same object at this moment. MQ_E_NOSPACE, MQ_E_DENIED, MQ_E_IO name the path.
 */
enum mq_rc mq_storage_put(struct mq_storage *st, const char *name, const struct mq_storage_put *how,
			  struct mq_sink **ret, struct mq_err *err);
enum mq_rc mq_storage_remove(struct mq_storage *st, const char *name, struct mq_err *err);
enum mq_rc mq_storage_size(struct mq_storage *st, const char *name, int64_t *ret_bytes,
			   struct mq_err *err);

#endif
