/* Taking back what dead workers held. */
#ifndef MQ_RESCUE_H
#define MQ_RESCUE_H

#include <mq/channel.h>
#include <mq/queue.h>

/* What MQ_MSG_DIED means for the attempt that the worker left behind. Pure. */
struct mq_death mq_rescue_death(const struct mq_msg *died);

/*
 * Deaths of this pool's own workers that are still to be dealt with. A worker's lock outlives it
 * for as long as a tool that it had just forked takes to die, so the first try may come too early.
 */
struct mq_rescue_deaths {
	struct mq_msg *list;
	size_t n;
	int64_t next_us; /* monotonic: when to try; meaningless without any */
	int64_t step_us;
};
#define MQ_RESCUE_STEP_MIN_US 500
#define MQ_RESCUE_STEP_MAX_US 100000

void mq_rescue_note(struct mq_rescue_deaths *deaths, const struct mq_msg *died, int64_t now_us);
void mq_rescue_drop(struct mq_rescue_deaths *deaths);

/*
 * Tries all of them. `done` is called for each one that is over, with the number of its jobs that
 * were taken back; the others, and after an error all that are left, stay for the next try.
 */
typedef void (*mq_rescue_fn)(void *ctx, const struct mq_death *death, int jobs);
enum mq_rc mq_rescue_try(struct mq_queue *queue, struct mq_rescue_deaths *deaths, int64_t now_us,
			 mq_rescue_fn done, void *ctx, struct mq_err *err);

/* Dead workers that one look has found; those of other pools have a keeper of their own, which
 * knows why they died. */
struct mq_rescue_suspects {
	int64_t *ids;
	size_t n;
};
void mq_rescue_forget(struct mq_rescue_suspects *suspects);

/*
 * Rescues the workers that are dead now and were so at the call before: by then nobody who knows
 * the reason is left. *ret_jobs counts the jobs that were taken back.
 */
enum mq_rc mq_rescue_look(struct mq_queue *queue, struct mq_rescue_suspects *suspects,
			  int *ret_jobs, struct mq_err *err);

#endif
