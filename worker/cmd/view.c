#include "view.h"
#include <mq/clock.h>
#include <mq/handler.h>
#include <mq/str.h>
#include <string.h>

static bool worker_kinds(void *ctx, const struct mq_worker *worker)
{
	struct mq_view_workers *workers = ctx;
	if (!worker->alive)
		return true;
	workers->alive++;
	json_t *list = json_loads(worker->kinds, 0, NULL);
	size_t i;
	json_t *kind;
	json_array_foreach(list, i, kind) if (json_is_string(kind))
		json_object_set_new(workers->kinds, json_string_value(kind), json_true());
	json_decref(list);
	return true;
}

enum mq_rc mq_view_workers_load(struct mq_queue *queue, struct mq_view_workers *ret,
				struct mq_err *err)
{
	*ret = (struct mq_view_workers){ .kinds = json_object() };
	return mq_queue_workers(queue, worker_kinds, ret, err);
}

void mq_view_workers_free(struct mq_view_workers *workers)
{
	json_decref(workers->kinds);
	workers->kinds = NULL;
}

void mq_view_time(int64_t wall_us, char out[static MQ_VIEW_TIME_SIZE])
{
	char text[MQ_TIME_TEXT_SIZE] = "";
	if (wall_us != 0)
		mq_time_format(wall_us, text);
	snprintf(out, MQ_VIEW_TIME_SIZE, "%.19s", text);
}

const char *mq_view_status_color(enum mq_status status)
{
	static const char *const colors[MQ_JOB_STATUS_COUNT] = {
		[MQ_JOB_RUNNING] = "36",
		[MQ_JOB_SUCCEEDED] = "32",
		[MQ_JOB_FAILED] = "31",
		[MQ_JOB_CANCELLED] = "33",
	};
	return colors[status];
}

static char *note_queued(const struct mq_job *job, const struct mq_view_workers *workers)
{
	char at[MQ_VIEW_TIME_SIZE];
	if (workers->alive > 0 && !json_object_get(workers->kinds, job->kind))
		return mq_strdup(mq_handler_find(job->kind)
					 ? "waits: no running worker takes this kind"
					 : "waits: no worker knows this kind");
	if (workers->alive == 0 && !mq_handler_find(job->kind))
		return mq_strdup("waits: no worker knows this kind");
	mq_view_time(job->run_at_us, at);
	if (job->run_at_us > mq_clock_wall_us())
		return job->error ? mq_strf("again at %s after: %s", at, job->error)
				  : mq_strf("not before %s", at);
	return mq_strdup(workers->alive == 0 ? "waits: no worker runs" : "waits for a free worker");
}

static char *note_running(const struct mq_job *job)
{
	const char *end = job->cancel_requested ? "; asked to stop" : "";
	const char *note = job->progress_note ? job->progress_note : "";
	if (job->progress >= 0)
		return mq_strf("%d %%%s%s%s", job->progress, note[0] ? ", " : "", note, end);
	return mq_strf("%s%s", note[0] ? note : "at work", end);
}

static char *note_succeeded(const struct mq_job *job)
{
	char took[MQ_DURATION_TEXT_SIZE];
	if (job->started_at_us == 0 || job->finished_at_us < job->started_at_us)
		return mq_strdup("done");
	mq_duration_format((job->finished_at_us - job->started_at_us) / 1000, took);
	return mq_strf("in %s", took);
}

char *mq_view_note(const struct mq_job *job, const struct mq_view_workers *workers)
{
	switch (job->status) {
	case MQ_JOB_QUEUED:
		return note_queued(job, workers);
	case MQ_JOB_RUNNING:
		return note_running(job);
	case MQ_JOB_SUCCEEDED:
		return note_succeeded(job);
	case MQ_JOB_FAILED:
		return mq_strdup(job->error ? job->error : "failed without a reason");
	case MQ_JOB_CANCELLED:
		return mq_strdup(job->error ? job->error : "cancelled on request");
	case MQ_JOB_STATUS_COUNT:
		break;
	}
	return mq_strdup("");
}

json_t *mq_view_json_text(const char *text)
{
	json_t *value = text ? json_string(text) : json_null();
	if (value)
		return value;
	struct mq_str clean = { 0 };
	mq_str_json(&clean, text);
	value = json_loads(clean.data, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	mq_str_free(&clean);
	return value ? value : json_null();
}

json_t *mq_view_json_time(int64_t wall_us)
{
	char text[MQ_TIME_RFC3339_SIZE];
	if (wall_us == 0)
		return json_null();
	mq_time_rfc3339(wall_us, text);
	return json_string(text);
}

json_t *mq_view_json_embedded(const char *json)
{
	json_t *value =
		json ? json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : json_null();
	/* SQLite takes numbers that jansson has no type for: then the text as it is. */
	return value ? value : mq_view_json_text(json);
}

static json_t *id_or_null(int64_t id)
{
	return id ? json_integer(id) : json_null();
}

json_t *mq_view_json_job(const struct mq_job *job, const struct mq_view_workers *workers)
{
	MQ_AUTO_FREE char *note = mq_view_note(job, workers);
	const struct {
		const char *name;
		json_t *value;
	} fields[] = {
		{ "id", json_integer(job->id) },
		{ "kind", mq_view_json_text(job->kind) },
		{ "status", json_string(mq_status_name(job->status)) },
		{ "note", mq_view_json_text(note) },
		{ "priority", json_integer(job->priority) },
		{ "run_at", mq_view_json_time(job->run_at_us) },
		{ "attempt", json_integer(job->attempt) },
		{ "max_attempts", id_or_null(job->max_attempts) },
		{ "worker_id", id_or_null(job->worker_id) },
		{ "cancel_requested", json_boolean(job->cancel_requested) },
		{ "progress", job->progress >= 0 ? json_integer(job->progress) : json_null() },
		{ "progress_note", mq_view_json_text(job->progress_note) },
		{ "unique_key", mq_view_json_text(job->unique_key) },
		{ "requested_by", mq_view_json_text(job->requested_by) },
		{ "created_at", mq_view_json_time(job->created_at_us) },
		{ "started_at", mq_view_json_time(job->started_at_us) },
		{ "finished_at", mq_view_json_time(job->finished_at_us) },
		{ "error", mq_view_json_text(job->error) },
		{ "payload", mq_view_json_embedded(job->payload) },
		{ "result", mq_view_json_embedded(job->result) },
	};
	json_t *object = json_object();
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		json_object_set_new(object, fields[i].name, fields[i].value);
	return object;
}
