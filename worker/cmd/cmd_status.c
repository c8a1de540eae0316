#include "cmd.h"
#include "table.h"
#include "view.h"
#include <mq/clock.h>
#include <mq/str.h>

static const struct mq_table_column kind_columns[] = {
	{ "KIND", false, false },     { "READY", true, false },	       { "SCHEDULED", true, false },
	{ "RUNNING", true, false },   { "SUCCEEDED", true, false },    { "FAILED", true, false },
	{ "CANCELLED", true, false }, { "OLDEST WAITS", true, false }, { NULL, false, false },
};

static const struct mq_table_column worker_columns[] = {
	{ "WORKER", true, false },
	{ "PID", true, false },
	{ "HOST", false, false },
	{ "STATE", false, false },
	{ "STARTED (UTC)", false, false },
	{ "JOB", true, false },
	{ NULL, false, false },
};

struct status {
	const struct mq_cmd *cmd;
	struct mq_table *table;
	int64_t now_us;
	int64_t kinds, workers;
};

/* Seconds since then; -1 for 0, which stands for nothing. */
static int64_t age_s(const struct status *status, int64_t since_us)
{
	if (since_us == 0)
		return -1;
	return since_us > status->now_us ? 0 : (status->now_us - since_us) / MQ_US_PER_S;
}

static int64_t ready(const struct mq_kind_stats *stats)
{
	return stats->count[MQ_JOB_QUEUED] - stats->scheduled;
}

static void kind_json(const struct status *status, const struct mq_kind_stats *stats)
{
	int64_t age = age_s(status, stats->oldest_ready_us);
	json_t *object = json_object();
	json_object_set_new(object, "type", json_string("kind"));
	json_object_set_new(object, "kind", mq_view_json_text(stats->kind));
	json_object_set_new(object, "ready", json_integer(ready(stats)));
	json_object_set_new(object, "scheduled", json_integer(stats->scheduled));
	for (int s = 0; s < MQ_JOB_STATUS_COUNT; s++)
		json_object_set_new(object, mq_status_name((enum mq_status)s),
				    json_integer(stats->count[s]));
	json_object_set_new(object, "oldest_ready_s", age < 0 ? json_null() : json_integer(age));
	mq_cmd_json(object);
}

static bool take_kind(void *ctx, const struct mq_kind_stats *stats)
{
	struct status *status = ctx;
	int64_t age = age_s(status, stats->oldest_ready_us);
	char text[MQ_DURATION_TEXT_SIZE] = "";
	status->kinds++;
	if (status->cmd->json) {
		kind_json(status, stats);
		return true;
	}
	if (age >= 0 && status->cmd->terminal)
		mq_duration_format(age * 1000, text);
	else if (age >= 0)
		snprintf(text, sizeof text, "%lld", (long long)age);
	MQ_AUTO_FREE char *failed = mq_strf("%lld", (long long)stats->count[MQ_JOB_FAILED]);
	mq_table_cell(status->table, stats->kind);
	mq_table_int(status->table, ready(stats));
	mq_table_int(status->table, stats->scheduled);
	mq_table_int(status->table, stats->count[MQ_JOB_RUNNING]);
	mq_table_int(status->table, stats->count[MQ_JOB_SUCCEEDED]);
	mq_table_cell_in(status->table, failed, stats->count[MQ_JOB_FAILED] ? "31" : NULL);
	mq_table_int(status->table, stats->count[MQ_JOB_CANCELLED]);
	mq_table_cell(status->table, text);
	return true;
}

static const char *state_of(const struct mq_worker *worker)
{
	if (!worker->alive)
		return "dead";
	return worker->job_id ? "busy" : "idle";
}

static void worker_json(const struct mq_worker *worker)
{
	json_t *object = json_object();
	json_object_set_new(object, "type", json_string("worker"));
	json_object_set_new(object, "id", json_integer(worker->id));
	json_object_set_new(object, "pid", json_integer(worker->pid));
	json_object_set_new(object, "host", mq_view_json_text(worker->host));
	json_object_set_new(object, "state", json_string(state_of(worker)));
	json_object_set_new(object, "started_at", mq_view_json_time(worker->started_at_us));
	json_object_set_new(object, "job",
			    worker->job_id ? json_integer(worker->job_id) : json_null());
	json_object_set_new(object, "kinds", mq_view_json_embedded(worker->kinds));
	mq_cmd_json(object);
}

static bool take_worker(void *ctx, const struct mq_worker *worker)
{
	struct status *status = ctx;
	char started[MQ_VIEW_TIME_SIZE];
	status->workers++;
	if (status->cmd->json) {
		worker_json(worker);
		return true;
	}
	MQ_AUTO_FREE char *job = mq_strf("%lld", (long long)worker->job_id);
	mq_view_time(worker->started_at_us, started);
	mq_table_int(status->table, worker->id);
	mq_table_int(status->table, worker->pid);
	mq_table_cell(status->table, worker->host);
	mq_table_cell_in(status->table, state_of(worker), worker->alive ? NULL : "31");
	mq_table_cell(status->table, started);
	mq_table_cell(status->table, worker->job_id ? job : "");
	return true;
}

static void print_database(const struct mq_cmd *cmd, const struct mq_queue_facts *facts)
{
	char size[MQ_DURATION_TEXT_SIZE], wal[MQ_DURATION_TEXT_SIZE];
	const char *path = cmd->config->database;
	mq_size_format(facts->database_bytes, size);
	mq_size_format(facts->wal_bytes, wal);
	if (cmd->json) {
		json_t *object = json_object();
		json_object_set_new(object, "type", json_string("database"));
		json_object_set_new(object, "path", mq_view_json_text(path));
		json_object_set_new(object, "bytes", json_integer(facts->database_bytes));
		json_object_set_new(object, "wal_bytes", json_integer(facts->wal_bytes));
		mq_cmd_json(object);
	} else if (cmd->terminal) {
		printf("\n%s: %s, WAL %s\n", path, size, wal);
	} else {
		printf("database\t%s\t%lld\t%lld\n", path, (long long)facts->database_bytes,
		       (long long)facts->wal_bytes);
	}
}

static enum mq_rc print_kinds(struct status *status, struct mq_queue *queue, struct mq_err *err)
{
	MQ_AUTO(mq_table) struct mq_table *table = mq_cmd_table(status->cmd, kind_columns, "kind");
	status->table = table;
	enum mq_rc rc = mq_queue_stats(queue, take_kind, status, err);
	if (rc != MQ_OK)
		return rc;
	mq_table_end(table);
	if (status->kinds == 0 && status->cmd->terminal && !status->cmd->json)
		puts("No jobs yet: queue one with mq-worker enqueue");
	return MQ_OK;
}

static enum mq_rc print_workers(struct status *status, struct mq_queue *queue, struct mq_err *err)
{
	MQ_AUTO(mq_table)
	struct mq_table *table = mq_cmd_table(status->cmd, worker_columns, "worker");
	bool people = status->cmd->terminal && !status->cmd->json;
	status->table = table;
	enum mq_rc rc = mq_queue_workers(queue, take_worker, status, err);
	if (rc != MQ_OK)
		return rc;
	if (people)
		putchar('\n');
	mq_table_end(table);
	if (people && status->workers == 0)
		puts("No worker runs: start some with mq-worker run");
	return MQ_OK;
}

static int run(struct mq_cmd *cmd)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	struct status status = { .cmd = cmd, .now_us = mq_clock_wall_us() };
	struct mq_queue_facts facts;
	struct mq_err err = { 0 };
	if (cmd->argc > 0)
		return mq_cmd_usage(cmd, "'%s' is too much: one job is shown by mq-worker show ID",
				    cmd->argv[0]);
	if (mq_cmd_queue(cmd, true, &queue, &err) != MQ_OK ||
	    print_kinds(&status, queue, &err) != MQ_OK ||
	    print_workers(&status, queue, &err) != MQ_OK ||
	    mq_queue_facts(queue, &facts, &err) != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	print_database(cmd, &facts);
	return 0;
}

const struct mq_command mq_cmd_status = {
	.name = "status",
	.args = "",
	.summary = "How many jobs wait, run and failed; the workers; the WAL",
	.examples = "mq-worker status\n"
		    "mq-worker status --json\n",
	.details = "Without a terminal each line begins with its type and a tab: kind, worker, "
		   "database.\n",
	.run = run,
};
