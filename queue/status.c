#include "status.h"

#include <mq/str.h>
#include <string.h>

#define BIT(status) (1u << (status))

/*
 * queued -> running -> succeeded
 *   ^  '-> cancelled <-'  '-> failed -.
 *   '-- back-off, rescue --'          |
 *   '------------- retry -------------'
 */
static const struct {
	const char *name;
	unsigned may_become;
} statuses[MQ_JOB_STATUS_COUNT] = {
	[MQ_JOB_QUEUED] = { "queued", BIT(MQ_JOB_RUNNING) | BIT(MQ_JOB_CANCELLED) },
	[MQ_JOB_RUNNING] = { "running", BIT(MQ_JOB_QUEUED) | BIT(MQ_JOB_SUCCEEDED) |
						BIT(MQ_JOB_FAILED) | BIT(MQ_JOB_CANCELLED) },
	[MQ_JOB_SUCCEEDED] = { "succeeded", 0 },
	[MQ_JOB_FAILED] = { "failed", BIT(MQ_JOB_QUEUED) },
	[MQ_JOB_CANCELLED] = { "cancelled", 0 },
};

static const struct {
	const char *name;
	unsigned settles_as;
	bool crash; /* counts towards the quarantine */
} outcomes[MQ_OUTCOME_COUNT] = {
	[MQ_OUTCOME_SUCCEEDED] = { "succeeded", BIT(MQ_JOB_SUCCEEDED), false },
	[MQ_OUTCOME_FAILED] = { "failed", BIT(MQ_JOB_QUEUED) | BIT(MQ_JOB_FAILED), false },
	[MQ_OUTCOME_TIMEOUT] = { "timeout", BIT(MQ_JOB_QUEUED) | BIT(MQ_JOB_FAILED), true },
	[MQ_OUTCOME_CRASHED] = { "crashed", BIT(MQ_JOB_QUEUED) | BIT(MQ_JOB_FAILED), true },
	[MQ_OUTCOME_INTERRUPTED] = { "interrupted", BIT(MQ_JOB_QUEUED), false },
	[MQ_OUTCOME_CANCELLED] = { "cancelled", BIT(MQ_JOB_CANCELLED), false },
};

const char *mq_status_name(enum mq_status status)
{
	return status < MQ_JOB_STATUS_COUNT ? statuses[status].name : "unknown";
}

bool mq_status_parse(const char *text, enum mq_status *ret_status)
{
	for (int i = 0; text && i < MQ_JOB_STATUS_COUNT; i++) {
		if (strcmp(text, statuses[i].name) == 0) {
			*ret_status = (enum mq_status)i;
			return true;
		}
	}
	return false;
}

const char *mq_outcome_name(enum mq_outcome outcome)
{
	return outcome < MQ_OUTCOME_COUNT ? outcomes[outcome].name : "unknown";
}

bool mq_outcome_parse(const char *text, enum mq_outcome *ret_outcome)
{
	for (int i = 0; text && i < MQ_OUTCOME_COUNT; i++) {
		if (strcmp(text, outcomes[i].name) == 0) {
			*ret_outcome = (enum mq_outcome)i;
			return true;
		}
	}
	return false;
}

bool mq_status_may_become(enum mq_status from, enum mq_status to)
{
	return from < MQ_JOB_STATUS_COUNT && to < MQ_JOB_STATUS_COUNT &&
	       (statuses[from].may_become & BIT(to)) != 0;
}

bool mq_status_settle_fits(enum mq_outcome outcome, enum mq_status to)
{
	return outcome < MQ_OUTCOME_COUNT && to < MQ_JOB_STATUS_COUNT &&
	       (outcomes[outcome].settles_as & BIT(to)) != 0;
}

bool mq_status_is_crash(enum mq_outcome outcome)
{
	return outcome < MQ_OUTCOME_COUNT && outcomes[outcome].crash;
}

enum mq_status mq_status_settled(enum mq_status to, bool cancel_requested)
{
	return to == MQ_JOB_QUEUED && cancel_requested ? MQ_JOB_CANCELLED : to;
}

enum mq_status mq_status_rescued(enum mq_outcome outcome, bool cancel_requested, int64_t crashes)
{
	if (cancel_requested || outcome == MQ_OUTCOME_CANCELLED)
		return MQ_JOB_CANCELLED;
	if (mq_status_is_crash(outcome) && crashes >= MQ_QUARANTINE_CRASHES)
		return MQ_JOB_FAILED;
	return MQ_JOB_QUEUED;
}

char *mq_status_death_text(const struct mq_death *death, enum mq_status to)
{
	struct mq_str text = { 0 };

	mq_str_printf(&text, "%s: worker %lld ", mq_outcome_name(death->outcome),
		      (long long)death->worker_id);
	const char *signal_name = death->signal > 0 ? sigabbrev_np(death->signal) : NULL;
	if (death->signal > 0)
		mq_str_printf(&text, "was ended by signal %d (%s)", death->signal,
			      signal_name ? signal_name : "unknown");
	else if (death->exit_status >= 0)
		mq_str_printf(&text, "exited with status %d in the middle of the job",
			      death->exit_status);
	else
		mq_str_puts(&text, "died in the middle of the job");
	if (to == MQ_JOB_FAILED)
		mq_str_printf(&text, "; given up after %d such attempts within %d h",
			      MQ_QUARANTINE_CRASHES, MQ_QUARANTINE_WINDOW_S / 3600);
	return text.data;
}
