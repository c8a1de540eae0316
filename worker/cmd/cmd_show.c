#include "cmd.h"
#include "table.h"
#include "view.h"
#include <mq/clock.h>
#include <mq/str.h>
#include <string.h>

#define LABEL_WIDTH   13
#define JSON_LINE_MAX 80

static const struct mq_table_column columns[] = {
	{ "TRY", true, false },	     { "STARTED (UTC)", false, false },
	{ "TOOK", true, false },     { "WORKER", true, false },
	{ "CPU", true, false },	     { "MEMORY", true, false },
	{ "OUTCOME", false, false }, { "ERROR", false, true },
	{ NULL, false, false },
};

struct showing {
	const struct mq_cmd *cmd;
	struct mq_table *table;
	json_t *attempts;
};

/* ---------------------------------------------------------------- text */

/* Further lines stand below the first; no value steers the terminal. */
static void put(const char *label, const char *value)
{
	if (!value || !value[0])
		return;
	printf("%-*s ", LABEL_WIDTH, label);
	while (*value) {
		size_t control = mq_control_len(value);
		if (*value == '\n')
			printf("\n%*s", LABEL_WIDTH + 1, "");
		else
			putchar(control ? ' ' : *value);
		value += control ? control : 1;
	}
	putchar('\n');
}

static void put_int(const char *label, int64_t value)
{
	MQ_AUTO_FREE char *text = mq_strf("%lld", (long long)value);
	if (value != 0)
		put(label, text);
}

static void put_time(const char *label, int64_t wall_us)
{
	char text[MQ_VIEW_TIME_SIZE];
	mq_view_time(wall_us, text);
	put(label, text);
}

/* On one line while it fits there. */
static void put_json(const char *label, const char *json)
{
	if (!json)
		return;
	json_t *value = mq_view_json_embedded(json);
	MQ_AUTO_FREE char *line = json_dumps(value, JSON_ENCODE_ANY);
	MQ_AUTO_FREE char *lines = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
	bool fits = line && strlen(line) <= JSON_LINE_MAX;
	put(label, json_is_string(value) || !line ? json : fits ? line : lines);
	json_decref(value);
}

static void put_status(const struct mq_cmd *cmd, const struct mq_job *job, const char *note)
{
	const char *color = cmd->color ? mq_view_status_color(job->status) : NULL;
	const char *name = mq_status_name(job->status);
	bool told_below = job->status == MQ_JOB_FAILED || job->status == MQ_JOB_CANCELLED;
	printf("%-*s %s%s%s%s%s", LABEL_WIDTH, "status", color ? "\033[" : "", color ? color : "",
	       color ? "m" : "", name, color ? "\033[0m" : "");
	if (told_below)
		putchar('\n');
	else
		printf(", %s\n", note);
}

/* What a person can do now. */
static void put_next(const struct mq_job *job)
{
	MQ_AUTO_FREE char *retry = mq_strf("mq-worker retry %lld", (long long)job->id);
	MQ_AUTO_FREE char *cancel = mq_strf("mq-worker cancel %lld", (long long)job->id);
	if (job->status == MQ_JOB_FAILED)
		put("try again", retry);
	else if (job->status == MQ_JOB_QUEUED || job->status == MQ_JOB_RUNNING)
		put("stop it", cancel);
}

static void put_job(const struct mq_cmd *cmd, const struct mq_job *job,
		    const struct mq_view_workers *workers)
{
	MQ_AUTO_FREE char *note = mq_view_note(job, workers);
	mq_control_blank(note);
	put_int("job", job->id);
	put("kind", job->kind);
	put_status(cmd, job, note);
	put("error", job->error);
	put_next(job);
	put_int("priority", job->priority);
	put_time("run at", job->run_at_us);
	put_int("attempts", job->attempt);
	put_int("at most", job->max_attempts);
	put("unique key", job->unique_key);
	put("requested by", job->requested_by);
	put_time("created", job->created_at_us);
	put_time("started", job->started_at_us);
	put_time("finished", job->finished_at_us);
	put_json("payload", job->payload);
	put_json("result", job->result);
}

/* ---------------------------------------------------------------- attempts */

/* "crashed (signal 9)" */
static char *outcome_text(const struct mq_attempt *a)
{
	const char *name = mq_outcome_name(a->outcome);
	if (a->signal)
		return mq_strf("%s (signal %d)", name, a->signal);
	if (a->exit_status >= 0)
		return mq_strf("%s (exit %d)", name, a->exit_status);
	return mq_strdup(name);
}

static void attempt_row(struct mq_table *table, const struct mq_attempt *a)
{
	char started[MQ_VIEW_TIME_SIZE], took[MQ_DURATION_TEXT_SIZE] = "";
	char memory[MQ_DURATION_TEXT_SIZE] = "";
	MQ_AUTO_FREE char *outcome = outcome_text(a);
	MQ_AUTO_FREE char *cpu = mq_strf("%.2f s", a->cpu_s);
	mq_view_time(a->started_at_us, started);
	if (a->started_at_us && a->finished_at_us >= a->started_at_us)
		mq_duration_format((a->finished_at_us - a->started_at_us) / 1000, took);
	if (a->peak_kb > 0)
		mq_size_format(a->peak_kb * 1024, memory);
	mq_table_int(table, a->attempt);
	mq_table_cell(table, started);
	mq_table_cell(table, took);
	mq_table_int(table, a->worker_id);
	mq_table_cell(table, cpu);
	mq_table_cell(table, memory);
	mq_table_cell_in(table, outcome, a->outcome == MQ_OUTCOME_SUCCEEDED ? "32" : "31");
	mq_table_cell(table, a->error);
}

static json_t *attempt_json(const struct mq_attempt *a)
{
	json_t *object = json_object();
	json_object_set_new(object, "attempt", json_integer(a->attempt));
	json_object_set_new(object, "worker_id", json_integer(a->worker_id));
	json_object_set_new(object, "started_at", mq_view_json_time(a->started_at_us));
	json_object_set_new(object, "finished_at", mq_view_json_time(a->finished_at_us));
	json_object_set_new(object, "outcome", json_string(mq_outcome_name(a->outcome)));
	json_object_set_new(object, "error", mq_view_json_text(a->error));
	json_object_set_new(object, "signal", a->signal ? json_integer(a->signal) : json_null());
	json_object_set_new(object, "exit_status",
			    a->exit_status >= 0 ? json_integer(a->exit_status) : json_null());
	json_object_set_new(object, "cpu_s", json_real(a->cpu_s));
	json_object_set_new(object, "peak_kb", json_integer(a->peak_kb));
	return object;
}

static bool take_attempt(void *ctx, const struct mq_attempt *attempt)
{
	struct showing *showing = ctx;
	if (showing->attempts)
		json_array_append_new(showing->attempts, attempt_json(attempt));
	else
		attempt_row(showing->table, attempt);
	return true;
}

/* ---------------------------------------------------------------- */

static enum mq_rc show_json(struct mq_queue *queue, const struct mq_job *job,
			    const struct mq_view_workers *workers, struct mq_err *err)
{
	struct showing showing = { .attempts = json_array() };
	json_t *object = mq_view_json_job(job, workers);
	json_object_set_new(object, "attempts", showing.attempts);
	enum mq_rc rc = mq_queue_attempts(queue, job->id, take_attempt, &showing, err);
	if (rc == MQ_OK)
		mq_cmd_json(object);
	else
		json_decref(object);
	return rc;
}

static enum mq_rc show_text(const struct mq_cmd *cmd, struct mq_queue *queue,
			    const struct mq_job *job, const struct mq_view_workers *workers,
			    struct mq_err *err)
{
	put_job(cmd, job, workers);
	MQ_AUTO(mq_table) struct mq_table *table = mq_cmd_table(cmd, columns, "attempt");
	struct showing showing = { .table = table };
	if (cmd->terminal && job->attempt > 0)
		putchar('\n');
	enum mq_rc rc = mq_queue_attempts(queue, job->id, take_attempt, &showing, err);
	if (rc == MQ_OK)
		mq_table_end(table);
	return rc;
}

static enum mq_rc show(const struct mq_cmd *cmd, struct mq_queue *queue, int64_t id,
		       const struct mq_view_workers *workers, struct mq_err *err)
{
	MQ_AUTO(mq_job) struct mq_job *job = NULL;
	enum mq_rc rc = mq_queue_get(queue, id, &job, err);
	if (rc != MQ_OK)
		return rc;
	return cmd->json ? show_json(queue, job, workers, err)
			 : show_text(cmd, queue, job, workers, err);
}

static int run(struct mq_cmd *cmd)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	MQ_AUTO(mq_view_workers) struct mq_view_workers workers = { 0 };
	MQ_AUTO_FREE int64_t *ids = NULL;
	struct mq_err err = { 0 };
	if (cmd->argc == 0)
		return mq_cmd_usage(cmd, "which job? Ids are listed by mq-worker list");
	if (!mq_cmd_ids(cmd, &ids))
		return MQ_EXIT_USAGE;
	if (mq_cmd_queue(cmd, true, &queue, &err) != MQ_OK ||
	    mq_view_workers_load(queue, &workers, &err) != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	for (int i = 0; i < cmd->argc; i++) {
		if (i > 0 && !cmd->json)
			putchar('\n');
		if (show(cmd, queue, ids[i], &workers, &err) != MQ_OK)
			return mq_cmd_fail(cmd, &err);
	}
	return 0;
}

const struct mq_command mq_cmd_show = {
	.name = "show",
	.args = "ID..",
	.summary = "All about one job: parameters, result, every attempt",
	.examples = "mq-worker show 42\n"
		    "mq-worker show 42 --json\n",
	.details = "Times are UTC.\n",
	.run = run,
};
