/* What a queue driver implements. queue.c has checked the arguments before any of these is called.
 */
#ifndef MQ_QUEUE_DRIVER_H
#define MQ_QUEUE_DRIVER_H

#include <mq/queue.h>

/* The first member of every driver's own handle. */
struct mq_queue {
	const struct mq_queue_driver *driver;
	bool read_only;
	int schema_found;
};

struct mq_queue_driver {
	const char *name;
	enum mq_rc (*open)(const struct mq_queue_options *options, struct mq_queue **ret,
			   struct mq_err *err);
	void (*close)(struct mq_queue *queue);
	enum mq_rc (*enqueue)(struct mq_queue *queue, const struct mq_job_new *job, int64_t *ret_id,
			      struct mq_err *err);
	enum mq_rc (*worker_add)(struct mq_queue *queue, const struct mq_worker *worker,
				 int64_t *ret_id, struct mq_err *err);
	enum mq_rc (*worker_remove)(struct mq_queue *queue, int64_t worker_id, struct mq_err *err);
	enum mq_rc (*turn)(struct mq_queue *queue, struct mq_settle *done, size_t n_done,
			   const struct mq_claim *claim, struct mq_job **ret_jobs, size_t *ret_n,
			   struct mq_err *err);
	enum mq_rc (*progress)(struct mq_queue *queue, const struct mq_job *job, int percent,
			       const char *note, struct mq_err *err);
	enum mq_rc (*check)(struct mq_queue *queue, const struct mq_job *job,
			    bool *ret_cancel_requested, struct mq_err *err);
	enum mq_rc (*failures)(struct mq_queue *queue, const struct mq_job *job,
			       int64_t *ret_failed, struct mq_err *err);
	enum mq_rc (*crashes)(struct mq_queue *queue, const struct mq_job *job,
			      int64_t *ret_crashed, struct mq_err *err);
	enum mq_rc (*rescue)(struct mq_queue *queue, const struct mq_death *death, int *ret_jobs,
			     struct mq_err *err);
	enum mq_rc (*rescue_all)(struct mq_queue *queue, int *ret_jobs, struct mq_err *err);
	enum mq_rc (*changed)(struct mq_queue *queue, bool *ret_changed, struct mq_err *err);
	enum mq_rc (*outlook)(struct mq_queue *queue, const struct mq_claim *claim,
			      struct mq_outlook *ret, struct mq_err *err);
	enum mq_rc (*list)(struct mq_queue *queue, const struct mq_job_filter *filter, mq_job_fn fn,
			   void *ctx, struct mq_err *err);
	enum mq_rc (*get)(struct mq_queue *queue, int64_t id, struct mq_job **ret,
			  struct mq_err *err);
	enum mq_rc (*attempts)(struct mq_queue *queue, int64_t job_id, mq_attempt_fn fn, void *ctx,
			       struct mq_err *err);
	enum mq_rc (*workers)(struct mq_queue *queue, mq_worker_fn fn, void *ctx,
			      struct mq_err *err);
	enum mq_rc (*stats)(struct mq_queue *queue, mq_kind_stats_fn fn, void *ctx,
			    struct mq_err *err);
	enum mq_rc (*retry)(struct mq_queue *queue, const struct mq_job_filter *filter,
			    bool dry_run, mq_job_fn fn, void *ctx, int64_t *ret_requeued,
			    int64_t *ret_skipped, struct mq_err *err);
	enum mq_rc (*cancel)(struct mq_queue *queue, int64_t id, enum mq_status *ret_before,
			     struct mq_err *err);
	enum mq_rc (*snapshot_open)(struct mq_queue *queue, struct sqlite3 **ret,
				    struct mq_err *err);
	enum mq_rc (*checkpoint)(struct mq_queue *queue, struct mq_checkpoint *ret,
				 struct mq_err *err);
	enum mq_rc (*facts)(struct mq_queue *queue, struct mq_queue_facts *ret, struct mq_err *err);
};

#endif
