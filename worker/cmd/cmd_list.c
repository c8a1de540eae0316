#include "cmd.h"
#include "table.h"
#include "view.h"
#include <mq/str.h>
#include <string.h>

#define LIMIT_STANDARD 50

static const struct mq_table_column columns[] = {
	{ "ID", true, false },	{ "KIND", false, false },	   { "STATUS", false, false },
	{ "TRY", true, false }, { "CREATED (UTC)", false, false }, { "NOTE", false, true },
	{ NULL, false, false },
};

struct listing {
	const struct mq_cmd *cmd;
	const struct mq_view_workers *workers;
	struct mq_table *table;
	int64_t shown;
};

static bool show_row(void *ctx, const struct mq_job *job)
{
	struct listing *listing = ctx;
	listing->shown++;
	if (listing->cmd->json) {
		mq_cmd_json(mq_view_json_job(job, listing->workers));
		return !ferror(stdout);
	}
	char created[MQ_VIEW_TIME_SIZE];
	MQ_AUTO_FREE char *note = mq_view_note(job, listing->workers);
	mq_view_time(job->created_at_us, created);
	mq_table_int(listing->table, job->id);
	mq_table_cell(listing->table, job->kind);
	mq_table_cell_in(listing->table, mq_status_name(job->status),
			 mq_view_status_color(job->status));
	mq_table_int(listing->table, job->attempt);
	mq_table_cell(listing->table, created);
	mq_table_cell(listing->table, note);
	return !ferror(stdout);
}

static bool read_status(const struct mq_cmd *cmd, unsigned *ret_mask)
{
	const char *text = mq_cmd_value(cmd, "--status");
	MQ_AUTO_FREE char *copy = mq_strdup(text);
	char *rest = copy;
	*ret_mask = 0;
	for (char *name; rest && (name = strsep(&rest, ","));) {
		enum mq_status status;
		if (!mq_status_parse(name, &status)) {
			mq_cmd_usage(cmd,
				     "--status '%s' must be queued, running, succeeded, failed or "
				     "cancelled",
				     name);
			return false;
		}
		*ret_mask |= 1u << status;
	}
	return true;
}

static int print_jobs(const struct mq_cmd *cmd, const struct mq_job_filter *filter)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	MQ_AUTO(mq_view_workers) struct mq_view_workers workers = { 0 };
	struct mq_err err = { 0 };
	if (mq_cmd_queue(cmd, true, &queue, &err) != MQ_OK ||
	    mq_view_workers_load(queue, &workers, &err) != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	MQ_AUTO(mq_table) struct mq_table *table = mq_cmd_table(cmd, columns, NULL);
	struct listing listing = { .cmd = cmd, .workers = &workers, .table = table };
	if (mq_queue_list(queue, filter, show_row, &listing, &err) != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	mq_table_end(table);
	if (cmd->terminal && !cmd->json && listing.shown == 0)
		fputs("No jobs match.\n", stderr);
	if (cmd->terminal && filter->limit > 0 && listing.shown == filter->limit)
		fprintf(stderr, "The newest %lld; more with --limit N, all with --limit 0.\n",
			(long long)filter->limit);
	return 0;
}

static int run(struct mq_cmd *cmd)
{
	struct mq_job_filter filter = { .kinds = mq_cmd_value(cmd, "--kind") };
	if (cmd->argc > 0)
		return mq_cmd_usage(cmd, "'%s' is too much: a job is shown by mq-worker show ID",
				    cmd->argv[0]);
	if (!read_status(cmd, &filter.status_mask) ||
	    !mq_cmd_time(cmd, "--since", -1, &filter.since_us) ||
	    !mq_cmd_int(cmd, "--limit", LIMIT_STANDARD, 0, INT32_MAX, &filter.limit))
		return MQ_EXIT_USAGE;
	return print_jobs(cmd, &filter);
}

static const struct mq_cmd_option options[] = {
	{ "--status", "STATUS[,STATUS]", "queued, running, succeeded, failed, cancelled", NULL },
	{ "--kind", "GLOB", "only these kinds, such as 'export.*'", NULL },
	{ "--since", "TIME", "created not before: 2h, 7d, 2025-11-03", NULL },
	{ "--limit", "N", "at most N, newest first (50; 0: all)", NULL },
	{ 0 },
};

const struct mq_command mq_cmd_list = {
	.name = "list",
	.args = "",
	.summary = "Jobs, newest first",
	.examples = "mq-worker list\n"
		    "mq-worker list --status failed --since 1d\n"
		    "mq-worker list --kind 'export.*' --json\n",
	.details = "Without a terminal: tab-separated id, kind, status, attempts, created (UTC), "
		   "note.\n",
	.options = options,
	.run = run,
};
