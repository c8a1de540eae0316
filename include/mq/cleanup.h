/* Scope-bound ownership: MQ_AUTO(mq_sink) struct mq_sink *s = NULL; is freed on every path out of
 * the block. */
#ifndef MQ_CLEANUP_H
#define MQ_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

/* Makes MQ_AUTO(name) call free_fn on a variable of type `type` (a pointer; free_fn accepts NULL).
 */
#define MQ_CLEANUP(name, type, free_fn)                  \
	static inline void name##_cleanup(type *ptr_to_) \
	{                                                \
		free_fn(*ptr_to_);                       \
	}

#define MQ_AUTO(name) __attribute__((cleanup(name##_cleanup)))

/* Hands ownership on: yields the pointer and leaves NULL behind. */
#define MQ_STEAL(ptr)                           \
	__extension__({                         \
		__typeof__(ptr) taken_ = (ptr); \
		(ptr) = NULL;                   \
		taken_;                         \
	})

static inline void mq_free_cleanup(void *ptr_to)
{
	free(*(void **)ptr_to);
}

static inline void mq_fd_cleanup(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define MQ_AUTO_FREE __attribute__((cleanup(mq_free_cleanup)))
#define MQ_AUTO_FD   __attribute__((cleanup(mq_fd_cleanup)))

#define MQ_PRINTF(fmt_at, first_arg) __attribute__((format(printf, fmt_at, first_arg)))

#endif
