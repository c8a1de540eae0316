#include "cmd.h"
#include "table.h"
#include "view.h"
#include <mq/handler.h>
#include <mq/str.h>
#include <string.h>

static const struct mq_table_column columns[] = {
	{ "KIND", false, false },   { "TRIES", true, false },	{ "TIMEOUT", true, false },
	{ "WAITING", true, false }, { "RUNNING", true, false }, { "FAILED", true, false },
	{ "SUMMARY", false, true }, { NULL, false, false },
};

struct counts {
	json_t *kinds; /* object: kind -> array of counts by status; NULL: no queue to count in */
};

static bool take_stats(void *ctx, const struct mq_kind_stats *stats)
{
	struct counts *counts = ctx;
	json_t *list = json_array();
	for (int s = 0; s < MQ_JOB_STATUS_COUNT; s++)
		json_array_append_new(list, json_integer(stats->count[s]));
	json_object_set_new(counts->kinds, stats->kind, list);
	return true;
}

/*
 * Kinds can be looked up before there is a database; the reason is told, the counts are left out.
 */
static void counts_load(const struct mq_cmd *cmd, struct counts *counts)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	struct mq_err err = { 0 };
	counts->kinds = json_object();
	if (mq_cmd_queue(cmd, true, &queue, &err) == MQ_OK &&
	    mq_queue_stats(queue, take_stats, counts, &err) == MQ_OK)
		return;
	if (!cmd->json)
		fprintf(stderr, "mq-worker: without counts: %s\n", err.text);
	json_decref(counts->kinds);
	counts->kinds = NULL;
}

static json_int_t count_of(const struct counts *counts, const char *kind, enum mq_status status)
{
	const json_t *list = json_object_get(counts->kinds, kind);
	return json_integer_value(json_array_get(list, status));
}

/* The handler's own values, then what the configuration says. */
static struct mq_kind_policy policy_of(const struct mq_cmd *cmd, const struct mq_handler *handler)
{
	struct mq_kind_policy policy = { .timeout_ms = handler->timeout_s * 1000,
					 .max_attempts = handler->max_attempts,
					 .backoff_min_ms = handler->backoff_min_s * 1000,
					 .backoff_max_ms = handler->backoff_max_s * 1000 };
	mq_config_kind_policy(cmd->config, handler->kind, &policy);
	return policy;
}

static void count_cell(struct mq_table *table, const struct counts *counts, const char *kind,
		       enum mq_status status)
{
	if (counts->kinds)
		mq_table_int(table, count_of(counts, kind, status));
	else
		mq_table_cell(table, "");
}

static void put_row(const struct mq_cmd *cmd, struct mq_table *table, const struct counts *counts,
		    const struct mq_handler *handler)
{
	const struct mq_kind_policy policy = policy_of(cmd, handler);
	char timeout[MQ_DURATION_TEXT_SIZE] = "none";
	if (policy.timeout_ms > 0)
		mq_duration_format(policy.timeout_ms, timeout);
	mq_table_cell(table, handler->kind);
	mq_table_int(table, policy.max_attempts);
	mq_table_cell(table, timeout);
	count_cell(table, counts, handler->kind, MQ_JOB_QUEUED);
	count_cell(table, counts, handler->kind, MQ_JOB_RUNNING);
	count_cell(table, counts, handler->kind, MQ_JOB_FAILED);
	mq_table_cell(table, handler->summary);
}

/* ---------------------------------------------------------------- one field */

static const char *type_name(enum mq_field_type type)
{
	static const char *const names[] = {
		[MQ_FIELD_STR] = "text",	   [MQ_FIELD_INT] = "whole number",
		[MQ_FIELD_BOOL] = "true or false", [MQ_FIELD_ENUM] = "choice",
		[MQ_FIELD_OBJ] = "object",
	};
	return names[type];
}

static char *choices_text(const char *const *choices)
{
	struct mq_str text = { 0 };
	for (size_t i = 0; choices[i]; i++)
		mq_str_printf(&text, "%s%s", i ? ", " : "", choices[i]);
	return text.data;
}

static void put_field(const struct mq_field *field)
{
	MQ_AUTO_FREE char *choices = field->type == MQ_FIELD_ENUM
					     ? choices_text(field->choices)
					     : mq_strdup(type_name(field->type));
	printf("    %-12s %s%s", field->name, choices, field->required ? ", required" : "");
	if (field->type == MQ_FIELD_INT && (field->min != 0 || field->max != 0))
		printf(" from %lld to %lld", (long long)field->min, (long long)field->max);
	printf(": %s\n", field->help);
}

static json_t *field_json(const struct mq_field *field)
{
	json_t *object = json_object();
	json_object_set_new(object, "name", json_string(field->name));
	json_object_set_new(object, "type", json_string(type_name(field->type)));
	json_object_set_new(object, "required", json_boolean(field->required));
	json_object_set_new(object, "help", json_string(field->help));
	if (field->type == MQ_FIELD_ENUM) {
		json_t *choices = json_array();
		for (size_t i = 0; field->choices[i]; i++)
			json_array_append_new(choices, json_string(field->choices[i]));
		json_object_set_new(object, "choices", choices);
	}
	if (field->type == MQ_FIELD_INT && (field->min != 0 || field->max != 0)) {
		json_object_set_new(object, "min", json_integer(field->min));
		json_object_set_new(object, "max", json_integer(field->max));
	}
	return object;
}

/* ---------------------------------------------------------------- one kind */

static void put_json(const struct mq_cmd *cmd, const struct counts *counts,
		     const struct mq_handler *handler)
{
	const struct mq_kind_policy policy = policy_of(cmd, handler);
	json_t *object = json_object(), *fields = json_array();
	for (const struct mq_field *f = handler->fields; f && f->type != MQ_FIELD_END; f++)
		json_array_append_new(fields, field_json(f));
	json_object_set_new(object, "kind", json_string(handler->kind));
	json_object_set_new(object, "summary", json_string(handler->summary));
	json_object_set_new(object, "max_attempts", json_integer(policy.max_attempts));
	json_object_set_new(object, "timeout_s",
			    policy.timeout_ms ? json_real((double)policy.timeout_ms / 1000)
					      : json_null());
	json_object_set_new(object, "served",
			    json_boolean(mq_config_serves(cmd->config, handler->kind)));
	json_object_set_new(object, "parameters", fields);
	for (int s = 0; counts->kinds && s < MQ_JOB_STATUS_COUNT; s++)
		json_object_set_new(
			object, mq_status_name((enum mq_status)s),
			json_integer(count_of(counts, handler->kind, (enum mq_status)s)));
	mq_cmd_json(object);
}

static void put_details(const struct mq_handler *handler)
{
	printf("\n%s\n", handler->kind);
	if (!handler->fields || handler->fields->type == MQ_FIELD_END)
		puts("    takes no parameters");
	for (const struct mq_field *f = handler->fields; f && f->type != MQ_FIELD_END; f++)
		put_field(f);
}

static int show(const struct mq_cmd *cmd, const char *globs)
{
	MQ_AUTO(mq_table) struct mq_table *table = mq_cmd_table(cmd, columns, NULL);
	const struct mq_handler *const *handlers = mq_handlers();
	struct counts counts;
	int shown = 0;
	counts_load(cmd, &counts);
	for (size_t i = 0; handlers[i]; i++) {
		if (!mq_glob_list_match(globs, handlers[i]->kind))
			continue;
		shown++;
		if (cmd->json)
			put_json(cmd, &counts, handlers[i]);
		else
			put_row(cmd, table, &counts, handlers[i]);
	}
	mq_table_end(table);
	for (size_t i = 0; cmd->terminal && !cmd->json && handlers[i]; i++)
		if (mq_glob_list_match(globs, handlers[i]->kind))
			put_details(handlers[i]);
	json_decref(counts.kinds);
	return shown;
}

static int run(struct mq_cmd *cmd)
{
	const struct mq_handler *const *handlers = mq_handlers();
	const char *names[256] = { NULL };
	if (cmd->argc > 1)
		return mq_cmd_usage(cmd, "'%s' is too much: one kind or glob", cmd->argv[1]);
	const char *globs = cmd->argc ? cmd->argv[0] : "*";
	if (show(cmd, globs) > 0)
		return 0;
	for (size_t i = 0; handlers[i] && i + 1 < sizeof names / sizeof names[0]; i++)
		names[i] = handlers[i]->kind;
	const char *near = mq_suggest(globs, names);
	struct mq_err err = { 0 };
	mq_err_set(&err, MQ_E_NOTFOUND, 0, "this program has no kind '%s'%s%s%s", globs,
		   near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	return mq_cmd_fail(cmd, &err);
}

const struct mq_command mq_cmd_kinds = {
	.name = "kinds",
	.args = "[GLOB]",
	.summary = "What kinds of job there are, their parameters and limits",
	.examples = "mq-worker kinds\n"
		    "mq-worker kinds export.report\n"
		    "mq-worker kinds 'export.*' --json\n",
	.details = "Without a terminal: tab-separated kind, attempts, timeout, waiting, running, "
		   "failed, summary;\n"
		   "--json has the parameters too.\n",
	.run = run,
};
