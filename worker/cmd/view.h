/* Jobs as people and programs see them. */
#ifndef MQ_CMD_VIEW_H
#define MQ_CMD_VIEW_H

#include "cmd.h"

/* The kinds that living workers run. */
struct mq_view_workers {
	int alive;
	json_t *kinds; /* object, one key a kind */
};
enum mq_rc mq_view_workers_load(struct mq_queue *queue, struct mq_view_workers *ret,
				struct mq_err *err);
void mq_view_workers_free(struct mq_view_workers *workers);

static inline void mq_view_workers_cleanup(struct mq_view_workers *workers)
{
	mq_view_workers_free(workers);
}

/* "2025-11-03 12:00:00", empty for 0. */
#define MQ_VIEW_TIME_SIZE 20
void mq_view_time(int64_t wall_us, char out[static MQ_VIEW_TIME_SIZE]);
/* Colour of the terminal for a status, NULL for none. */
const char *mq_view_status_color(enum mq_status status);
/* One sentence about what happens next, or what went wrong. Freed by the caller. */
char *mq_view_note(const struct mq_job *job, const struct mq_view_workers *workers);

/* JSON values; every one is a new reference. */
json_t *mq_view_json_text(const char *text); /* invalid UTF-8 becomes U+FFFD; NULL becomes null */
json_t *mq_view_json_time(int64_t wall_us);  /* RFC 3339, null for 0 */
json_t *mq_view_json_embedded(const char *json); /* JSON text as the value it is */
json_t *mq_view_json_job(const struct mq_job *job, const struct mq_view_workers *workers);

#endif
