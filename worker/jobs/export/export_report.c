/*
 * export.report: one report file, read over one snapshot, as CSV below exports.
 *
 * Order of publishing. The manifest names the sum of the data, so the data is complete before the
 * manifest is written; but the manifest gets its name first: a data file under its final name is
 * always complete and described. Whoever finds a manifest without its file sees an export that has
 * not happened (yet). So that a second attempt keeps to this too, it begins by removing what an
 * earlier one had published; nobody was told about that, because the job's result names a file only
 * after the job has succeeded.
 */
#include "export_rows.h"
#include "report_values.h"

#include <inttypes.h>
#include <mq/clock.h>
#include <mq/handler.h>
#include <stdio.h>
#include <string.h>

#define US_PER_DAY (INT64_C(86400) * MQ_US_PER_S)
#define DIR_MODE   0755

struct params {
	const char *report;
	const char *format;
	const char *dialect;
	const char *locale;
	const char *compress;
	const json_t *params;
};

static const char *const formats[] = { "csv", NULL };
static const char *const dialects[] = { "auto", "rfc4180", "excel-de", "excel-en", "tsv", NULL };
static const char *const locales[] = { "en", "de", NULL };
static const char *const compressions[] = { "none", "gzip", "zstd", NULL };

static const struct mq_field fields[] = {
	{ .name = "report",
	  .type = MQ_FIELD_STR,
	  .offset = offsetof(struct params, report),
	  .required = true,
	  .help = "name of the report, one of 'mq-worker reports'" },
	{ .name = "format",
	  .type = MQ_FIELD_ENUM,
	  .offset = offsetof(struct params, format),
	  .help = "form of the file",
	  .choices = formats },
	{ .name = "params",
	  .type = MQ_FIELD_OBJ,
	  .offset = offsetof(struct params, params),
	  .help = "parameters of the report, such as {\"from\": \"2025-01-01\"}" },
	{ .name = "dialect",
	  .type = MQ_FIELD_ENUM,
	  .offset = offsetof(struct params, dialect),
	  .help = "separators of the CSV; auto: as the locale asks for",
	  .choices = dialects },
	{ .name = "locale",
	  .type = MQ_FIELD_ENUM,
	  .offset = offsetof(struct params, locale),
	  .help = "language of the headers, form of dates",
	  .choices = locales },
	{ .name = "compress",
	  .type = MQ_FIELD_ENUM,
	  .offset = offsetof(struct params, compress),
	  .help = "compress the file",
	  .choices = compressions },
	{ 0 },
};

static const struct compression {
	const char *name;
	const char *suffix;
	enum mq_rc (*stack)(struct mq_sink *next, struct mq_sink **ret, struct mq_err *err);
} stacks[] = {
	{ "none", "", NULL },
	{ "gzip", ".gz", mq_sink_gzip },
	{ "zstd", ".zst", mq_sink_zstd },
};

struct export
{
	struct mq_run *run;
	const struct params *params;
	struct mq_report *report;
	struct mq_report_values *values;
	const struct compression *compression;
	const char *dialect;
	char *name;	/* below exports */
	char *manifest; /* likewise */
	int keep_days;
	int64_t snapshot_us;
	int64_t rows;
	int64_t created_us;
	struct mq_sink_summary summary;
	bool described; /* the manifest is published */
};

static void export_cleanup(struct export *x)
{
	mq_report_values_free(x->values);
	mq_report_free(x->report);
	free(x->name);
	free(x->manifest);
}

/* ---------------------------------------------------------------- what and where */

static const struct compression *compression_find(const char *name)
{
	size_t i = 0;

	while (strcmp(stacks[i].name, name) != 0)
		i++;
	return &stacks[i];
}

static const char *choose_dialect(const struct params *p)
{
	if (strcmp(p->dialect, "auto") != 0)
		return p->dialect;
	return strcmp(p->locale, "de") == 0 ? "excel-de" : "rfc4180";
}

static bool is_secret(const struct export *x)
{
	return mq_sensitivity_info(x->report->sensitivity)->secret;
}

static enum mq_rc check_policy(const struct export *x, struct mq_err *err)
{
	if (!is_secret(x) || !mq_run_policy(x->run)->sealing_required)
		return MQ_OK;
	return mq_err_set(
		err, MQ_E_DENIED, 0,
		"report '%s' holds %s data, which ENCRYPTION_ENABLED=true wants sealed, and "
		"this version cannot seal exports: export it where encryption is not "
		"demanded (ENCRYPTION_ENABLED=false)",
		x->report->name, mq_sensitivity_info(x->report->sensitivity)->name);
}

/* What somebody asked for by hand goes to `manual`, with the short life of that folder. */
static void name_files(struct export *x)
{
	char stamp[MQ_TIME_STAMP_SIZE];
	const char *folder = mq_run_requested_by(x->run) ? "manual" : x->report->folder;

	mq_time_stamp(mq_run_created_us(x->run), stamp);
	x->keep_days = mq_report_keep_days(folder);
	x->name = mq_strf("%s/%s_%s_job%" PRId64 ".csv%s", folder, x->report->name, stamp,
			  mq_run_job_id(x->run), x->compression->suffix);
	x->manifest = mq_strf("%s.manifest.json", x->name);
}

static enum mq_rc prepare(struct export *x, struct mq_err *err)
{
	enum mq_rc rc = mq_report_find(mq_run_policy(x->run)->report_dirs, x->params->report,
				       &x->report, err);

	if (rc == MQ_OK)
		rc = mq_report_values_read(x->report, x->params->params, mq_clock_wall_us(),
					   &x->values, err);
	if (rc == MQ_OK)
		rc = check_policy(x, err);
	if (rc != MQ_OK)
		return rc;
	x->compression = compression_find(x->params->compress);
	x->dialect = choose_dialect(x->params);
	name_files(x);
	return MQ_OK;
}

static enum mq_rc remove_one(struct export *x, const char *name, struct mq_err *err)
{
	enum mq_rc rc = mq_run_remove(x->run, MQ_ROOT_EXPORTS, name, err);

	return rc == MQ_E_NOTFOUND ? MQ_OK : rc;
}

static enum mq_rc remove_earlier(struct export *x, struct mq_err *err)
{
	enum mq_rc rc = remove_one(x, x->name, err);

	return rc == MQ_OK ? remove_one(x, x->manifest, err) : rc;
}

/* ---------------------------------------------------------------- the manifest */

static void set_time(json_t *object, const char *key, int64_t us)
{
	char text[MQ_TIME_RFC3339_SIZE];

	mq_time_rfc3339(us, text);
	json_object_set_new(object, key, json_string(text));
}

static void set_expiry(json_t *object, const struct export *x)
{
	if (x->keep_days > 0)
		set_time(object, "expires_at", x->created_us + x->keep_days * US_PER_DAY);
	else
		json_object_set_new(object, "expires_at", json_null());
}

static json_t *columns_json(const struct export *x)
{
	json_t *list = json_array();

	for (size_t i = 0; i < x->report->n_columns; i++) {
		const struct mq_report_column *c = &x->report->columns[i];
		json_t *column = json_object();

		json_object_set_new(column, "name", json_string(c->name));
		json_object_set_new(column, "type",
				    json_string(mq_report_column_type_name(c->type)));
		if (c->currency)
			json_object_set_new(column, "currency_column", json_string(c->currency));
		json_array_append_new(list, column);
	}
	return list;
}

/* What the result and the manifest have in common. */
static json_t *facts_json(const struct export *x)
{
	json_t *object = json_object();

	json_object_set_new(object, "path", json_sprintf("exports/%s", x->name));
	json_object_set_new(object, "bytes", json_integer(x->summary.bytes));
	json_object_set_new(object, "sha256", json_string(x->summary.sha256));
	json_object_set_new(object, "rows", json_integer(x->rows));
	set_expiry(object, x);
	return object;
}

static json_t *manifest_json(const struct export *x)
{
	json_t *object = facts_json(x);

	json_object_set_new(object, "report", json_string(x->report->name));
	json_object_set_new(object, "title", json_string(x->report->title));
	json_object_set_new(object, "sensitivity",
			    json_string(mq_sensitivity_info(x->report->sensitivity)->name));
	json_object_set_new(object, "parameters", mq_report_values_json(x->values));
	json_object_set_new(object, "columns", columns_json(x));
	json_object_set_new(object, "format", json_string(x->params->format));
	json_object_set_new(object, "dialect", json_string(x->dialect));
	json_object_set_new(object, "locale", json_string(x->params->locale));
	json_object_set_new(object, "compress", json_string(x->params->compress));
	set_time(object, "snapshot", x->snapshot_us);
	set_time(object, "created", x->created_us);
	json_object_set_new(object, "version", json_string(mq_run_policy(x->run)->version));
	json_object_set_new(object, "job", json_integer(mq_run_job_id(x->run)));
	return object;
}

static struct mq_storage_put how_to_put(const struct export *x)
{
	return (struct mq_storage_put){ .mode = is_secret(x) ? 0600 : 0644, .dir_mode = DIR_MODE };
}

static enum mq_rc write_json(struct mq_sink *sink, const json_t *json, struct mq_err *err)
{
	MQ_AUTO_FREE char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	if (!text)
		return mq_err_set(err, MQ_E_NOMEM, 0, "write the manifest");
	enum mq_rc rc = mq_sink_puts(sink, text, err);

	return rc == MQ_OK ? mq_sink_puts(sink, "\n", err) : rc;
}

/* Asked by the storage when the data is complete and before it gets its name. */
static enum mq_rc publish_manifest(void *ctx, struct mq_err *err)
{
	struct export *x = ctx;
	struct mq_storage_put how = how_to_put(x);
	MQ_AUTO(mq_sink) struct mq_sink *sink = NULL;

	x->created_us = mq_clock_wall_us();
	/* Through the run, which asks whether the job is still this worker's: for both files. */
	enum mq_rc rc = mq_run_put(x->run, MQ_ROOT_EXPORTS, x->manifest, &how, &sink, err);

	if (rc != MQ_OK)
		return rc;
	json_t *json = manifest_json(x);

	rc = write_json(sink, json, err);
	json_decref(json);
	if (rc == MQ_OK)
		rc = mq_sink_finish(sink, err);
	x->described = rc == MQ_OK;
	return rc;
}

/* ---------------------------------------------------------------- the data */

static enum mq_rc open_output(struct export *x, struct mq_sink **ret, struct mq_err *err)
{
	struct mq_storage_put how = how_to_put(x);
	struct mq_storage *exports = NULL;
	struct mq_sink *file = NULL;
	enum mq_rc rc = mq_run_storage(x->run, MQ_ROOT_EXPORTS, &exports, err);

	how.may_publish = publish_manifest;
	how.ctx = x;
	how.summary = &x->summary;
	if (rc == MQ_OK)
		rc = mq_storage_put(exports, x->name, &how, &file, err);
	if (rc != MQ_OK)
		return rc;
	if (x->compression->stack)
		return x->compression->stack(file, ret, err);
	*ret = file;
	return MQ_OK;
}

static enum mq_rc write_data(struct export *x, sqlite3_stmt *stmt, struct mq_err *err)
{
	MQ_AUTO(mq_sink) struct mq_sink *out = NULL;
	bool german = strcmp(x->params->locale, "de") == 0;
	enum mq_rc rc = open_output(x, &out, err);

	if (rc == MQ_OK)
		rc = mq_export_rows_write(x->run, x->report, stmt, german,
					  mq_csv_dialect(x->dialect), out, &x->rows, err);
	return rc == MQ_OK ? mq_sink_finish(out, err) : rc;
}

static enum mq_rc query(struct export *x, struct mq_err *err)
{
	MQ_AUTO(mq_report_query) struct mq_report_query *q = NULL;
	sqlite3 *db = NULL;
	enum mq_rc rc = mq_run_snapshot(x->run, &db, err);

	if (rc != MQ_OK)
		return rc;
	x->snapshot_us = mq_clock_wall_us();
	rc = mq_report_query_open(x->report, db, &q, err);
	if (rc == MQ_E_DB)
		return mq_run_db_error(x->run, err, x->report->name);
	if (rc == MQ_OK)
		rc = mq_report_values_bind(x->values, mq_report_query_stmt(q), err);
	return rc == MQ_OK ? write_data(x, mq_report_query_stmt(q), err) : rc;
}

/* A failure after the manifest must not leave it: there is no file that it describes. */
static void take_back(struct export *x)
{
	if (x->described)
		remove_earlier(x, NULL);
}

static enum mq_rc run_export(struct mq_run *run, const void *params, struct mq_err *err)
{
	__attribute__((cleanup(export_cleanup))) struct export x = { .run = run, .params = params };
	enum mq_rc rc = prepare(&x, err);

	if (rc == MQ_OK)
		rc = remove_earlier(&x, err);
	if (rc != MQ_OK)
		return rc;
	rc = query(&x, err);
	if (rc != MQ_OK) {
		take_back(&x);
		return rc;
	}
	json_t *result = facts_json(&x);

	json_object_set_new(result, "manifest", json_sprintf("exports/%s", x.manifest));
	mq_run_result(run, result);
	return MQ_OK;
}

const struct mq_handler mq_handler_export_report = {
	.kind = "export.report",
	.summary = "Write a report as a file below exports",
	.max_attempts = 5,
	.timeout_s = 3600,
	.params_size = sizeof(struct params),
	.fields = fields,
	.run = run_export,
};
