/*
 * Something may have been committed: inotify on the write-ahead log of the database, which costs
 * nothing while nobody writes. The log comes and goes with the last connection, so its folder is
 * watched for its name as well.
 *
 * An event may come before the commit can be seen (the writer still syncs): the caller looks again,
 * see struct mq_look. Paths only: no descriptor of a database file is opened here, closing one
 * would drop SQLite's locks.
 */
#ifndef MQ_WAKE_H
#define MQ_WAKE_H

#include <mq/err.h>
#include <stdint.h>

struct mq_wake;

/* MQ_E_UNSUPPORTED, MQ_E_IO: no events here (no inotify, limits reached); the caller polls instead.
 */
enum mq_rc mq_wake_open(const char *database, struct mq_wake **ret, struct mq_err *err);
void mq_wake_close(struct mq_wake *wake); /* accepts NULL */
MQ_CLEANUP(mq_wake, struct mq_wake *, mq_wake_close)

int mq_wake_fd(const struct mq_wake *wake); /* readable when there are events; -1 for NULL */

/* Reads all events there are. True when one of them can mean a commit. */
bool mq_wake_read(struct mq_wake *wake);

/* When to look next. Pure; all-zero is "nothing happened". Times are monotonic microseconds. */
struct mq_look {
	int64_t at_us;	 /* the next look, 0: none is due */
	int64_t step_us; /* distance of the look after that */
	int64_t step_max_us;
	int64_t until_us; /* give up then: whatever was written was not committed */
	int64_t last_us; /* of the last look: under load there is at most one each MQ_LOOK_MIN_US */
};
#define MQ_LOOK_MIN_US	   500
#define MQ_LOOK_FIRST_US   30
#define MQ_LOOK_MAX_US	   2000
#define MQ_LOOK_GIVE_UP_US 500000
#define MQ_LOOK_TAIL_US	   65000 /* longer than a slow disk syncs */

void mq_look_event(struct mq_look *look, int64_t now_us);
void mq_look_once(struct mq_look *look, int64_t now_us); /* without an event to wait for */
void mq_look_done(struct mq_look *look, bool changed, int64_t now_us);

#endif
