#include "cmd.h"
#include <string.h>

static void tell(const struct mq_cmd *cmd, int64_t id, enum mq_status before)
{
	bool running = before == MQ_JOB_RUNNING;
	if (cmd->json)
		mq_cmd_json(json_pack("{s:I, s:s, s:s}", "id", (json_int_t)id, "before",
				      mq_status_name(before), "now",
				      running ? "asked to stop" : "cancelled"));
	else if (running)
		printf("job %lld is running and was asked to stop\n", (long long)id);
	else
		printf("job %lld is cancelled\n", (long long)id);
}

/* Goes on after one that cannot be cancelled: the first such reason is the exit status. */
static int run(struct mq_cmd *cmd)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	MQ_AUTO_FREE int64_t *ids = NULL;
	struct mq_err err = { 0 };
	int status = 0;
	if (cmd->argc == 0)
		return mq_cmd_usage(cmd, "which job? Ids are listed by mq-worker list");
	if (!mq_cmd_ids(cmd, &ids))
		return MQ_EXIT_USAGE;
	if (mq_cmd_queue(cmd, false, &queue, &err) != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	for (int i = 0; i < cmd->argc; i++) {
		enum mq_status before;
		if (mq_queue_cancel(queue, ids[i], &before, &err) == MQ_OK) {
			tell(cmd, ids[i], before);
			continue;
		}
		int failed = mq_cmd_fail(cmd, &err);
		status = status ? status : failed;
	}
	return status;
}

const struct mq_command mq_cmd_cancel = {
	.name = "cancel",
	.args = "ID..",
	.summary = "Stop queued or running jobs",
	.examples = "mq-worker cancel 42\n"
		    "mq-worker cancel 42 43 44\n",
	.details = "A queued job is cancelled at once. A running one is asked to stop, which it "
		   "does at its\n"
		   "next step; mq-worker show tells when it has. What it had not finished does not "
		   "appear.\n",
	.run = run,
};
