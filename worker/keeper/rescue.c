#include "rescue.h"

#include <mq/str.h>
#include <stdlib.h>
#include <sys/wait.h>

static const enum mq_outcome outcome_of_reason[] = {
	[MQ_STOP_NONE] = MQ_OUTCOME_CRASHED,
	[MQ_STOP_DRAIN] = MQ_OUTCOME_INTERRUPTED,
	[MQ_STOP_TIMEOUT] = MQ_OUTCOME_TIMEOUT,
	[MQ_STOP_CANCEL] = MQ_OUTCOME_CANCELLED,
};

struct mq_death mq_rescue_death(const struct mq_msg *died)
{
	int status = (int)died->b;
	size_t n = sizeof outcome_of_reason / sizeof outcome_of_reason[0];
	bool known = died->c >= 0 && (size_t)died->c < n;

	return (struct mq_death){
		.worker_id = died->a,
		.outcome = known ? outcome_of_reason[died->c] : MQ_OUTCOME_CRASHED,
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	};
}

void mq_rescue_note(struct mq_rescue_deaths *deaths, const struct mq_msg *died, int64_t now_us)
{
	struct mq_msg *list = mq_alloc(deaths->n + 1, sizeof *list);

	for (size_t i = 0; i < deaths->n; i++)
		list[i] = deaths->list[i];
	list[deaths->n] = *died;
	free(deaths->list);
	deaths->list = list;
	deaths->n++;
	deaths->next_us = now_us;
	deaths->step_us = MQ_RESCUE_STEP_MIN_US;
}

void mq_rescue_drop(struct mq_rescue_deaths *deaths)
{
	free(deaths->list);
	*deaths = (struct mq_rescue_deaths){ 0 };
}

struct search {
	int64_t worker_id;
	bool found;
};

static bool is_it(void *ctx, const struct mq_worker *worker)
{
	struct search *search = ctx;

	search->found |= worker->id == search->worker_id;
	return !search->found;
}

/* *ret_over: its row is gone. */
static enum mq_rc try_one(struct mq_queue *queue, const struct mq_death *death, int *ret_jobs,
			  bool *ret_over, struct mq_err *err)
{
	struct search search = { .worker_id = death->worker_id };
	enum mq_rc rc = mq_queue_rescue(queue, death, ret_jobs, err);

	if (rc == MQ_OK && *ret_jobs == 0)
		rc = mq_queue_workers(queue, is_it, &search, err);
	*ret_over = rc == MQ_OK && !search.found;
	return rc;
}

enum mq_rc mq_rescue_try(struct mq_queue *queue, struct mq_rescue_deaths *deaths, int64_t now_us,
			 mq_rescue_fn done, void *ctx, struct mq_err *err)
{
	enum mq_rc rc = MQ_OK;
	size_t left = 0;

	for (size_t i = 0; i < deaths->n; i++) {
		struct mq_death death = mq_rescue_death(&deaths->list[i]);
		bool over = false;
		int jobs = 0;

		if (rc == MQ_OK)
			rc = try_one(queue, &death, &jobs, &over, err);
		if (over)
			done(ctx, &death, jobs);
		else
			deaths->list[left++] = deaths->list[i];
	}
	deaths->n = left;
	deaths->next_us = now_us + deaths->step_us;
	if (deaths->step_us < MQ_RESCUE_STEP_MAX_US)
		deaths->step_us *= 2;
	return rc;
}

void mq_rescue_forget(struct mq_rescue_suspects *suspects)
{
	free(suspects->ids);
	*suspects = (struct mq_rescue_suspects){ 0 };
}

static void add(struct mq_rescue_suspects *suspects, int64_t id)
{
	int64_t *ids = mq_alloc(suspects->n + 1, sizeof *ids);

	for (size_t i = 0; i < suspects->n; i++)
		ids[i] = suspects->ids[i];
	ids[suspects->n] = id;
	free(suspects->ids);
	suspects->ids = ids;
	suspects->n++;
}

static bool note_dead(void *ctx, const struct mq_worker *worker)
{
	if (!worker->alive)
		add(ctx, worker->id);
	return true;
}

static bool contains(const struct mq_rescue_suspects *suspects, int64_t id)
{
	for (size_t i = 0; i < suspects->n; i++)
		if (suspects->ids[i] == id)
			return true;
	return false;
}

enum mq_rc mq_rescue_look(struct mq_queue *queue, struct mq_rescue_suspects *suspects,
			  int *ret_jobs, struct mq_err *err)
{
	struct mq_rescue_suspects dead = { 0 };
	enum mq_rc rc = mq_queue_workers(queue, note_dead, &dead, err);
	int total = 0;

	for (size_t i = 0; rc == MQ_OK && i < dead.n; i++) {
		const struct mq_death death = {
			.worker_id = dead.ids[i],
			.outcome = MQ_OUTCOME_CRASHED,
			.exit_status = -1,
		};
		int jobs = 0;

		if (contains(suspects, dead.ids[i]))
			rc = mq_queue_rescue(queue, &death, &jobs, err);
		total += jobs;
	}
	mq_rescue_forget(suspects);
	*suspects = dead;
	*ret_jobs = total;
	return rc;
}
