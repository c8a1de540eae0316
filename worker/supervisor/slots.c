#include "slots.h"

#include <mq/supervisor.h>
#include <sys/wait.h>

static int64_t throttle_ms(int failures)
{
	int64_t delay_ms = MQ_SLOT_DELAY_MIN_MS;

	for (int i = 1; i < failures && delay_ms < MQ_SLOT_DELAY_MAX_MS; i++)
		delay_ms *= 2;
	return delay_ms < MQ_SLOT_DELAY_MAX_MS ? delay_ms : MQ_SLOT_DELAY_MAX_MS;
}

static bool has_worked(const struct mq_slot_life *life)
{
	return life->ready && (life->had_job || life->lived_ms >= MQ_SLOT_PROVEN_MS);
}

struct mq_slot_verdict mq_slots_judge(const struct mq_slot_life *life, int failures)
{
	bool exited = WIFEXITED(life->wait_status);
	int status = exited ? WEXITSTATUS(life->wait_status) : -1;
	struct mq_slot_verdict verdict = {
		.fatal = status == MQ_CHILD_EXIT_FATAL,
		.died = !(life->asked && status == 0),
	};

	/* A job that kills its worker does not slow the others down: the queue counts its crashes.
	 */
	if (verdict.died && !has_worked(life)) {
		verdict.failures = failures + 1;
		verdict.delay_ms = throttle_ms(verdict.failures);
	}
	return verdict;
}
