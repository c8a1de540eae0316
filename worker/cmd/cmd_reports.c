#include "cmd.h"
#include "table.h"
#include "view.h"
#include <mq/report.h>
#include <mq/str.h>

static const struct mq_table_column columns[] = {
	{ "REPORT", false, false }, { "FOLDER", false, false }, { "DATA", false, false },
	{ "HERE", false, false },   { "TITLE", false, true },	{ NULL, false, false },
};

struct listing {
	const struct mq_cmd *cmd;
	struct sqlite3 *db; /* NULL: none to ask for tables */
	struct mq_table *table;
	bool details; /* second pass for people: the parameters */
	int shown;
	struct mq_err wrong; /* first file that is no report */
};

/* ---------------------------------------------------------------- parameters */

static void put_param(const struct mq_report_param *param)
{
	printf("    %-12s %s", param->name, mq_report_param_type_name(param->type));
	for (size_t i = 0; param->choices && param->choices[i]; i++)
		printf("%s%s", i ? ", " : " of ", param->choices[i]);
	if (param->type == MQ_REPORT_PARAM_INT)
		printf(" from %lld to %lld", (long long)param->min, (long long)param->max);
	if (param->fallback)
		printf(", else %s", param->fallback);
	else if (!param->optional)
		printf(", required");
	printf("%s%s\n", param->help ? ": " : "", param->help ? param->help : "");
}

static json_t *param_json(const struct mq_report_param *param)
{
	json_t *object = json_object();
	json_object_set_new(object, "name", mq_view_json_text(param->name));
	json_object_set_new(object, "type", json_string(mq_report_param_type_name(param->type)));
	json_object_set_new(object, "required", json_boolean(!param->optional && !param->fallback));
	json_object_set_new(object, "default", mq_view_json_text(param->fallback));
	json_object_set_new(object, "help", mq_view_json_text(param->help));
	if (param->choices) {
		json_t *choices = json_array();
		for (size_t i = 0; param->choices[i]; i++)
			json_array_append_new(choices, mq_view_json_text(param->choices[i]));
		json_object_set_new(object, "choices", choices);
	}
	return object;
}

/* ---------------------------------------------------------------- one report */

/* "yes", "needs table.column", or nothing when there is no database to ask. Freed by the caller. */
static char *here(const struct listing *listing, const struct mq_report *report, bool *ret_runs)
{
	struct mq_str missing = { 0 };
	*ret_runs = false;
	if (!listing->db)
		return mq_strdup("");
	enum mq_rc rc = mq_report_missing(report, listing->db, &missing, NULL);
	*ret_runs = rc == MQ_OK && missing.len == 0;
	char *text = rc != MQ_OK	? mq_strdup("unknown")
		     : missing.len == 0 ? mq_strdup("yes")
					: mq_strf("needs %s", missing.data);
	mq_str_free(&missing);
	return text;
}

static void put_json(const struct listing *listing, const struct mq_report *report)
{
	bool runs;
	MQ_AUTO_FREE char *state = here(listing, report, &runs);
	json_t *object = json_object(), *params = json_array();
	for (size_t i = 0; i < report->n_params; i++)
		json_array_append_new(params, param_json(&report->params[i]));
	json_object_set_new(object, "report", mq_view_json_text(report->name));
	json_object_set_new(object, "title", mq_view_json_text(report->title));
	json_object_set_new(object, "title_de", mq_view_json_text(report->title_de));
	json_object_set_new(object, "folder", mq_view_json_text(report->folder));
	json_object_set_new(object, "sensitivity",
			    json_string(mq_sensitivity_info(report->sensitivity)->name));
	json_object_set_new(object, "here", listing->db ? json_boolean(runs) : json_null());
	json_object_set_new(object, "note", mq_view_json_text(state));
	json_object_set_new(object, "parameters", params);
	json_object_set_new(object, "file", mq_view_json_text(report->path));
	mq_cmd_json(object);
}

static void put_row(const struct listing *listing, const struct mq_report *report)
{
	bool runs;
	MQ_AUTO_FREE char *state = here(listing, report, &runs);
	mq_table_cell(listing->table, report->name);
	mq_table_cell(listing->table, report->folder);
	mq_table_cell(listing->table, mq_sensitivity_info(report->sensitivity)->name);
	mq_table_cell_in(listing->table, state, runs || !listing->db ? NULL : "33");
	mq_table_cell(listing->table, report->title);
}

static void put_details(const struct mq_report *report)
{
	printf("\n%s\n", report->name);
	if (report->n_params == 0)
		puts("    takes no parameters");
	for (size_t i = 0; i < report->n_params; i++)
		put_param(&report->params[i]);
}

static bool take(void *ctx, const char *path, const struct mq_report *report,
		 const struct mq_err *why)
{
	struct listing *listing = ctx;
	(void)path;
	if (!report) {
		if (listing->wrong.rc == MQ_OK)
			listing->wrong = *why;
		return true;
	}
	listing->shown++;
	if (listing->details)
		put_details(report);
	else if (listing->cmd->json)
		put_json(listing, report);
	else
		put_row(listing, report);
	return true;
}

/* ---------------------------------------------------------------- the command */

static enum mq_rc list(struct listing *listing, struct mq_err *err)
{
	const struct mq_cmd *cmd = listing->cmd;
	const char *const *dirs = mq_cmd_report_dirs(cmd->config);
	MQ_AUTO(mq_table) struct mq_table *table = mq_cmd_table(cmd, columns, NULL);
	listing->table = table;
	enum mq_rc rc = mq_report_each(dirs, take, listing, err);
	if (rc != MQ_OK)
		return rc;
	mq_table_end(table);
	if (listing->shown == 0)
		fprintf(stderr, "mq-worker: no report files in %s: set data.reports_dir\n",
			dirs[0]);
	listing->details = true;
	return cmd->terminal && !cmd->json ? mq_report_each(dirs, take, listing, err) : MQ_OK;
}

/* Reports can be looked up before there is a queue: then without the column HERE. */
static void open_database(const struct mq_cmd *cmd, struct mq_queue **ret_queue,
			  struct sqlite3 **ret_db)
{
	struct mq_err err = { 0 };
	if (mq_cmd_queue(cmd, true, ret_queue, &err) == MQ_OK &&
	    mq_queue_snapshot_open(*ret_queue, ret_db, &err) == MQ_OK)
		return;
	if (!cmd->json)
		fprintf(stderr, "mq-worker: tables not checked: %s\n", err.text);
}

static int run(struct mq_cmd *cmd)
{
	MQ_AUTO(mq_queue) struct mq_queue *queue = NULL;
	struct listing listing = { .cmd = cmd };
	struct mq_err err = { 0 };
	if (cmd->argc > 0)
		return mq_cmd_usage(cmd, "'%s' is too much: all reports are shown", cmd->argv[0]);
	open_database(cmd, &queue, &listing.db);
	enum mq_rc rc = list(&listing, &err);
	mq_queue_snapshot_close(listing.db);
	if (rc != MQ_OK)
		return mq_cmd_fail(cmd, &err);
	return listing.wrong.rc == MQ_OK ? 0 : mq_cmd_fail(cmd, &listing.wrong);
}

const struct mq_command mq_cmd_reports = {
	.name = "reports",
	.args = "",
	.summary = "What export.report can write, and whether it can here",
	.examples = "mq-worker reports\n"
		    "mq-worker enqueue export.report "
		    "'{\"report\":\"financial_summary\",\"params\":{\"from\":\"2025-01-01\"}}'\n",
	.details = "Without a terminal: tab-separated report, folder, kind of data, whether it can "
		   "run "
		   "here, title.\n",
	.run = run,
};
