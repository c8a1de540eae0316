#include "cmd.h"
#include "view.h"
#include "watch.h"
#include <errno.h>
#include <mq/clock.h>
#include <mq/handler.h>
#include <mq/str.h>
#include <string.h>

#define PAYLOAD_MAX (16 << 20)
#define BAR_WIDTH   24

/*
 * What a job that ended does to the exit status of --wait; 128 + signal when a person stopped
 * waiting.
 */
#define EXIT_FAILED 1

/* ---------------------------------------------------------------- before it is queued */

static enum mq_rc read_stdin(struct mq_str *ret, struct mq_err *err)
{
	char block[65536];
	size_t n;
	while ((n = fread(block, 1, sizeof block, stdin)) > 0) {
		mq_str_append(ret, block, n);
		if (ret->len > PAYLOAD_MAX)
			return mq_err_set(
				err, MQ_E_INVALID, 0,
				"the payload on standard input is larger than 16 MiB: put "
				"the data into a file and its path into the payload");
	}
	if (ferror(stdin))
		return mq_err_sys(err, errno, "standard input");
	if (ret->len == 0 || strlen(ret->data) != ret->len)
		return mq_err_set(err, MQ_E_INVALID, 0, "the payload on standard input is %s",
				  ret->len == 0 ? "empty: write {} for no parameters"
						: "no text: it holds NUL bytes");
	return MQ_OK;
}

static enum mq_rc payload_check(const char *payload, struct mq_err *err)
{
	json_error_t where;
	json_t *value = json_loads(payload, JSON_DECODE_ANY, &where);
	bool is_object = json_is_object(value);
	json_decref(value);
	if (!value)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "the payload is no JSON: line %d, column %d: %s", where.line,
				  where.column, where.text);
	if (!is_object)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "the payload must be a JSON object such as "
				  "{\"report\":\"financial_summary\"}");
	return MQ_OK;
}

static enum mq_rc params_check(const char *kind, const char *payload, struct mq_err *err)
{
	const struct mq_handler *handler = mq_handler_find(kind);
	struct mq_params params = { 0 };
	if (!handler)
		return MQ_OK;
	enum mq_rc rc = mq_params_parse(handler, payload, &params, err);
	mq_params_free(&params);
	return rc == MQ_OK ? MQ_OK : mq_err_wrap(err, "%s", kind);
}

/* Another pool may know a kind that this program does not: only a warning. */
static void warn_unknown(struct mq_queue *queue, const char *kind)
{
	MQ_AUTO(mq_view_workers) struct mq_view_workers workers = { 0 };
	const struct mq_handler *const *handlers = mq_handlers();
	const char *names[256] = { NULL };
	if (mq_handler_find(kind) || (mq_view_workers_load(queue, &workers, NULL) == MQ_OK &&
				      json_object_get(workers.kinds, kind)))
		return;
	for (size_t i = 0; handlers[i] && i + 1 < sizeof names / sizeof names[0]; i++)
		names[i] = handlers[i]->kind;
	const char *near = mq_suggest(kind, names);
	fprintf(stderr,
		"mq-worker: no worker here knows the kind '%s'%s%s%s It waits for one that does.\n",
		kind, near ? "; did you mean '" : ".", near ? near : "", near ? "'?" : "");
}

/* ---------------------------------------------------------------- waiting */

struct waiting {
	const struct mq_cmd *cmd;
	struct mq_queue *queue;
	int64_t id;
	bool bar;    /* standard error is a terminal */
	char *drawn; /* what stands there now */
	bool told_no_worker;
};

/* ", about 3 s left" from the pace so far. */
static void time_left(const struct mq_job *job, char *text, size_t size)
{
	char left[MQ_DURATION_TEXT_SIZE];
	int64_t spent_ms = (mq_clock_wall_us() - job->started_at_us) / 1000;
	text[0] = '\0';
	if (job->progress <= 0 || job->progress >= 100 || spent_ms <= 0)
		return;
	mq_duration_format(spent_ms * (100 - job->progress) / job->progress, left);
	snprintf(text, size, ", about %s left", left);
}

static char *bar_text(const struct mq_job *job, const struct mq_view_workers *workers)
{
	MQ_AUTO_FREE char *note = mq_view_note(job, workers);
	char left[64], bar[BAR_WIDTH + 1];
	mq_control_blank(note);
	if (job->status != MQ_JOB_RUNNING || job->progress < 0)
		return mq_strf("job %lld %s: %s", (long long)job->id, mq_status_name(job->status),
			       note);
	int full = job->progress * BAR_WIDTH / 100;
	memset(bar, '-', BAR_WIDTH);
	memset(bar, '#', (size_t)full);
	bar[BAR_WIDTH] = '\0';
	time_left(job, left, sizeof left);
	return mq_strf("job %lld [%s] %s%s", (long long)job->id, bar, note, left);
}

/* Jobs report at most once a second, so a line that changes with the row stays calm. */
static void draw(struct waiting *waiting, const struct mq_job *job,
		 const struct mq_view_workers *workers)
{
	if (!waiting->bar)
		return;
	MQ_AUTO_FREE char *text = bar_text(job, workers);
	int width = waiting->cmd->width > 1 ? waiting->cmd->width - 1 : 79;
	if (waiting->drawn && strcmp(waiting->drawn, text) == 0)
		return;
	fprintf(stderr, "\r\033[K%.*s", width, text);
	free(waiting->drawn);
	waiting->drawn = MQ_STEAL(text);
}

static void wipe(struct waiting *waiting)
{
	if (waiting->drawn)
		fputs("\r\033[K", stderr);
	free(waiting->drawn);
	waiting->drawn = NULL;
}

static void tell_no_worker(struct waiting *waiting, const struct mq_view_workers *workers)
{
	if (workers->alive > 0 || waiting->told_no_worker)
		return;
	waiting->told_no_worker = true;
	fputs("mq-worker: no worker runs on this database: start one with mq-worker run\n", stderr);
}

static bool has_ended(const struct mq_job *job)
{
	return job->status != MQ_JOB_QUEUED && job->status != MQ_JOB_RUNNING;
}

/* Reads the job until it has ended. */
static enum mq_rc follow(struct waiting *waiting, struct mq_watch *watch, int64_t deadline_us,
			 struct mq_job **ret, int *ret_signal, struct mq_err *err)
{
	for (;;) {
		MQ_AUTO(mq_job) struct mq_job *job = NULL;
		MQ_AUTO(mq_view_workers) struct mq_view_workers workers = { 0 };
		enum mq_rc rc = mq_queue_get(waiting->queue, waiting->id, &job, err);
		if (rc == MQ_OK)
			rc = mq_view_workers_load(waiting->queue, &workers, err);
		if (rc != MQ_OK)
			return rc;
		if (has_ended(job)) {
			*ret = MQ_STEAL(job);
			return MQ_OK;
		}
		tell_no_worker(waiting, &workers);
		draw(waiting, job, &workers);
		rc = mq_watch_wait(watch, deadline_us, ret_signal, err);
		if (rc != MQ_OK)
			return rc;
	}
}

static int exit_status_of(const struct mq_job *job)
{
	if (job->status == MQ_JOB_SUCCEEDED)
		return 0;
	return job->status == MQ_JOB_CANCELLED ? mq_rc_info(MQ_E_CANCELLED)->exit_status
					       : EXIT_FAILED;
}

/* The end of the job: people read a sentence, programs id, status and result or error. */
static void print_end(const struct mq_cmd *cmd, const struct mq_job *job)
{
	static const struct mq_view_workers nobody = { 0 };
	MQ_AUTO_FREE char *note = mq_view_note(job, &nobody);
	const char *status = mq_status_name(job->status);
	mq_control_blank(note);
	if (cmd->json) {
		mq_cmd_json(mq_view_json_job(job, &nobody));
	} else if (!cmd->terminal) {
		printf("%lld\t%s\t%s\n", (long long)job->id, status,
		       job->status == MQ_JOB_SUCCEEDED && job->result ? job->result : note);
	} else {
		json_t *result = mq_view_json_embedded(job->result);
		MQ_AUTO_FREE char *text = json_dumps(result, JSON_INDENT(2) | JSON_ENCODE_ANY);
		bool sentence = job->status == MQ_JOB_SUCCEEDED;
		printf("job %lld %s%s%s\n", (long long)job->id, status, sentence ? " " : ": ",
		       note);
		if (job->result)
			puts(text);
		json_decref(result);
	}
}

static int gave_up(const struct waiting *waiting, const struct mq_err *err, int signal)
{
	long long id = waiting->id;
	if (err->rc != MQ_E_INTERRUPTED && err->rc != MQ_E_TIMEOUT)
		return mq_cmd_fail(waiting->cmd, err);
	fprintf(stderr,
		"mq-worker: job %lld goes on. See mq-worker show %lld; stop it with mq-worker "
		"cancel %lld\n",
		id, id, id);
	if (waiting->cmd->json)
		mq_cmd_json(json_pack("{s:I}", "id", (json_int_t)id));
	else if (!waiting->cmd->terminal)
		printf("%lld\n", id);
	return err->rc == MQ_E_TIMEOUT ? mq_rc_info(MQ_E_TIMEOUT)->exit_status : 128 + signal;
}

static int wait_for(struct waiting *waiting, struct mq_watch *watch, int64_t timeout_ms)
{
	MQ_AUTO(mq_job) struct mq_job *job = NULL;
	int64_t deadline_us = timeout_ms < 0 ? 0 : mq_clock_mono_us() + timeout_ms * 1000 + 1;
	struct mq_err err = { 0 };
	int signal = 0;
	enum mq_rc rc = follow(waiting, watch, deadline_us, &job, &signal, &err);
	wipe(waiting);
	if (rc != MQ_OK)
		return gave_up(waiting, &err, signal);
	print_end(waiting->cmd, job);
	return exit_status_of(job);
}

/* ---------------------------------------------------------------- the command */

static void print_queued(const struct mq_cmd *cmd, const struct mq_job_new *job, int64_t id)
{
	if (cmd->json)
		mq_cmd_json(json_pack("{s:I, s:s}", "id", (json_int_t)id, "kind", job->kind));
	else
		printf(cmd->terminal ? "job %lld is queued\n" : "%lld\n", (long long)id);
}

/* The watch is there before the job, so that Ctrl-C finds it in any case. */
static enum mq_rc open_watch(const struct mq_cmd *cmd, struct mq_queue *queue,
			     struct mq_watch **ret, struct mq_err *err)
{
	if (!mq_cmd_value(cmd, "--wait"))
		return MQ_OK;
	return mq_watch_open(queue, cmd->config->database, ret, err);
}

static int enqueue(const struct mq_cmd *cmd, const struct mq_job_new *job, int64_t timeout_ms)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	MQ_AUTO(mq_watch) struct mq_watch *watch = NULL;
	struct mq_err err = { 0 };
	int64_t id = 0;
	if (payload_check(job->payload, &err) != MQ_OK ||
	    params_check(job->kind, job->payload, &err) != MQ_OK ||
	    mq_cmd_queue(cmd, false, &queue, &err) != MQ_OK ||
	    open_watch(cmd, queue, &watch, &err) != MQ_OK ||
	    mq_queue_enqueue(queue, job, &id, &err) != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	warn_unknown(queue, job->kind);
	if (watch) {
		struct waiting waiting = { .cmd = cmd,
					   .queue = queue,
					   .id = id,
					   .bar = isatty(STDERR_FILENO) == 1 && !cmd->json };
		return wait_for(&waiting, watch, timeout_ms);
	}
	print_queued(cmd, job, id);
	return 0;
}

static bool read_options(const struct mq_cmd *cmd, struct mq_job_new *job, int64_t *ret_timeout_ms)
{
	const char *timeout = mq_cmd_value(cmd, "--timeout");
	int64_t priority;
	if (!mq_cmd_int(cmd, "--priority", 0, -1000, 1000, &priority) ||
	    !mq_cmd_int(cmd, "--max-attempts", 0, 1, 100, &job->max_attempts) ||
	    !mq_cmd_time(cmd, "--run-at", 1, &job->run_at_us))
		return false;
	job->priority = (int)priority;
	job->unique_key = mq_cmd_value(cmd, "--unique");
	job->requested_by = mq_cmd_value(cmd, "--requested-by");
	*ret_timeout_ms = -1;
	if (timeout && !mq_cmd_value(cmd, "--wait")) {
		mq_cmd_usage(cmd, "--timeout limits --wait, which is missing");
		return false;
	}
	if (timeout && !mq_duration_parse(timeout, ret_timeout_ms)) {
		mq_cmd_usage(cmd, "--timeout '%s' is no duration: write 90s, 5min or 1h", timeout);
		return false;
	}
	return true;
}

static int run(struct mq_cmd *cmd)
{
	struct mq_job_new job = { .payload = "{}" };
	__attribute__((cleanup(mq_str_cleanup))) struct mq_str input = { 0 };
	struct mq_err err = { 0 };
	int64_t timeout_ms;
	if (cmd->argc == 0)
		return mq_cmd_usage(cmd, "which kind of job? They are listed by mq-worker kinds");
	if (cmd->argc > 2)
		return mq_cmd_usage(cmd, "'%s' is too much: put the JSON into one argument, '...'",
				    cmd->argv[2]);
	if (!read_options(cmd, &job, &timeout_ms))
		return MQ_EXIT_USAGE;
	job.kind = cmd->argv[0];
	if (cmd->argc == 2)
		job.payload = cmd->argv[1];
	if (strcmp(job.payload, "-") == 0) {
		if (read_stdin(&input, &err) != MQ_OK)
			return mq_cmd_fail(cmd, &err);
		job.payload = input.data;
	}
	return enqueue(cmd, &job, timeout_ms);
}

static const struct mq_cmd_option options[] = {
	{ "--priority", "N", "-1000 to 1000, larger runs first (0)", NULL },
	{ "--run-at", "TIME", "not before: 30min, 2h, '2025-11-03 12:00' (UTC)", NULL },
	{ "--unique", "KEY", "refuse while another job with this key is on its way", NULL },
	{ "--max-attempts", "N", "instead of the kind's own number", NULL },
	{ "--requested-by", "WHO", "id of the person who asks", NULL },
	{ "--wait", NULL, "until the job has ended, with a progress bar", NULL },
	{ "--timeout", "TIME", "with --wait: not longer than this", NULL },
	{ 0 },
};

const struct mq_command mq_cmd_enqueue = {
	.name = "enqueue",
	.args = "KIND [JSON|-]",
	.summary = "Queue a job",
	.examples = "mq-worker enqueue export.report '{\"report\":\"financial_summary\"}'\n"
		    "mq-worker enqueue export.report '{\"report\":\"analytics_summary\"}' --wait\n"
		    "mq-worker enqueue export.report - --run-at 2h < parameters.json\n",
	.details = "Prints the job's id. With --wait, exit status 0: succeeded, 1: failed, 15: "
		   "cancelled, 17: --timeout\n"
		   "has passed, 130: Ctrl-C; the job goes on after the last two.\n",
	.options = options,
	.run = run,
};
