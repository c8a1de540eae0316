#include "cmd.h"
#include "table.h"
#include "view.h"
#include <mq/str.h>

static const struct mq_table_column columns[] = {
	{ "ID", true, false },	  { "KIND", false, false }, { "FAILED (UTC)", false, false },
	{ "ERROR", false, true }, { NULL, false, false },
};

struct retrying {
	const struct mq_cmd *cmd;
	struct mq_table *table;
};

static bool show_row(void *ctx, const struct mq_job *job)
{
	struct retrying *retrying = ctx;
	char failed[MQ_VIEW_TIME_SIZE];
	if (retrying->cmd->json) {
		json_t *object = json_object();
		json_object_set_new(object, "id", json_integer(job->id));
		json_object_set_new(object, "kind", mq_view_json_text(job->kind));
		json_object_set_new(object, "finished_at", mq_view_json_time(job->finished_at_us));
		json_object_set_new(object, "error", mq_view_json_text(job->error));
		mq_cmd_json(object);
		return true;
	}
	mq_view_time(job->finished_at_us, failed);
	mq_table_int(retrying->table, job->id);
	mq_table_cell(retrying->table, job->kind);
	mq_table_cell(retrying->table, failed);
	mq_table_cell(retrying->table, job->error);
	return true;
}

static void tell(int64_t requeued, int64_t skipped, bool dry_run)
{
	fprintf(stderr, "%lld failed job%s %s.\n", (long long)requeued, requeued == 1 ? "" : "s",
		dry_run ? "would run again" : "queued again");
	if (skipped > 0)
		fprintf(stderr,
			"%lld left alone: another job with the same unique key is on its way.\n",
			(long long)skipped);
}

static int retry(const struct mq_cmd *cmd, const struct mq_job_filter *filter, bool dry_run)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	MQ_AUTO(mq_table) struct mq_table *table = mq_cmd_table(cmd, columns, NULL);
	struct retrying retrying = { .cmd = cmd, .table = table };
	struct mq_err err = { 0 };
	int64_t requeued = 0, skipped = 0;
	if (mq_cmd_queue(cmd, dry_run, &queue, &err) != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	enum mq_rc rc = mq_queue_retry(queue, filter, dry_run, show_row, &retrying, &requeued,
				       &skipped, &err);
	mq_table_end(table);
	if (rc != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	if (!cmd->json)
		tell(requeued, skipped, dry_run);
	return 0;
}

static int run(struct mq_cmd *cmd)
{
	MQ_AUTO_FREE int64_t *ids = NULL;
	struct mq_job_filter filter = { .kinds = mq_cmd_value(cmd, "--kind") };
	if (!mq_cmd_time(cmd, "--since", -1, &filter.since_us) || !mq_cmd_ids(cmd, &ids))
		return MQ_EXIT_USAGE;
	if (cmd->argc > 0) {
		filter.ids = ids;
		filter.n_ids = (size_t)cmd->argc;
	}
	return retry(cmd, &filter, mq_cmd_value(cmd, "--dry-run") != NULL);
}

static const struct mq_cmd_option options[] = {
	{ "--kind", "GLOB", "only these kinds, such as 'export.*'", NULL },
	{ "--since", "TIME", "that failed not before: 2h, 7d, 2025-11-03", NULL },
	{ "--dry-run", NULL, "only show which ones", NULL },
	{ 0 },
};

const struct mq_command mq_cmd_retry = {
	.name = "retry",
	.args = "[ID..]",
	.summary = "Run failed jobs again: all, or those named",
	.examples = "mq-worker retry --dry-run\n"
		    "mq-worker retry 42 43\n"
		    "mq-worker --retry --kind 'export.*' --since 1d\n",
	.details = "They start with a full count of attempts. Earlier attempts stay in mq-worker "
		   "show.\n",
	.options = options,
	.run = run,
};
