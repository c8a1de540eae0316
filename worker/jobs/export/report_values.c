#include "report_values.h"

#include <inttypes.h>
#include <mq/clock.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX  200
#define SHOWN_MAX 60

struct value {
	bool is_int;
	int64_t number;
	char *text; /* NULL and no number: SQL NULL */
};

struct mq_report_values {
	const struct mq_report *report;
	struct value *list; /* one a parameter of the report */
};

static enum mq_rc refuse(const struct mq_report_param *param, const char *must, struct mq_err *err)
{
	return mq_err_set(err, MQ_E_INVALID, 0, "report parameter '%s' must be %s", param->name,
			  must);
}

/* ---------------------------------------------------------------- one reader a type */

static enum mq_rc read_date(const struct mq_report_param *param, const char *text, int64_t now_us,
			    struct value *ret, struct mq_err *err)
{
	char full[20];
	int64_t us;

	(void)now_us;
	snprintf(full, sizeof full, "%.10s 00:00:00", text);
	if (strlen(text) != 10 || !mq_time_parse(full, &us))
		return refuse(param, "a day that exists, such as 2025-11-03", err);
	ret->text = mq_strdup(text);
	return MQ_OK;
}

static enum mq_rc read_time(const struct mq_report_param *param, const char *text, int64_t now_us,
			    struct value *ret, struct mq_err *err)
{
	int64_t us;

	if (!mq_time_parse_input(text, now_us, -1, &us))
		return refuse(param, "a time in UTC, such as 2025-11-03T12:00:00Z, or now", err);
	ret->text = mq_alloc(MQ_TIME_TEXT_SIZE, 1);
	mq_time_format(us, ret->text);
	return MQ_OK;
}

static enum mq_rc read_text(const struct mq_report_param *param, const char *text, int64_t now_us,
			    struct value *ret, struct mq_err *err)
{
	(void)now_us;
	if (text[0] == '\0' || strlen(text) > TEXT_MAX)
		return refuse(param, "text of 1 to 200 bytes", err);
	ret->text = mq_strdup(text);
	return MQ_OK;
}

static enum mq_rc set_int(const struct mq_report_param *param, int64_t number, struct value *ret,
			  struct mq_err *err)
{
	char must[100];

	if (number < param->min || number > param->max) {
		snprintf(must, sizeof must, "a whole number from %" PRId64 " to %" PRId64,
			 param->min, param->max);
		return refuse(param, must, err);
	}
	ret->is_int = true;
	ret->number = number;
	return MQ_OK;
}

static enum mq_rc read_int(const struct mq_report_param *param, const char *text, int64_t now_us,
			   struct value *ret, struct mq_err *err)
{
	int64_t number;

	(void)now_us;
	if (!mq_int_parse(text, &number))
		return refuse(param, "a whole number", err);
	return set_int(param, number, ret, err);
}

static enum mq_rc read_enum(const struct mq_report_param *param, const char *text, int64_t now_us,
			    struct value *ret, struct mq_err *err)
{
	MQ_AUTO(mq_str) struct mq_str must = { 0 };

	(void)now_us;
	for (const char **choice = param->choices; *choice; choice++) {
		if (strcmp(*choice, text) == 0) {
			ret->text = mq_strdup(text);
			return MQ_OK;
		}
		mq_str_printf(&must, "%s%s", choice == param->choices ? "one of " : ", ", *choice);
	}
	return refuse(param, must.data, err);
}

static enum mq_rc (*const readers[MQ_REPORT_PARAM_TYPE_COUNT])(const struct mq_report_param *,
							       const char *, int64_t,
							       struct value *, struct mq_err *) = {
	[MQ_REPORT_PARAM_DATE] = read_date, [MQ_REPORT_PARAM_TIME] = read_time,
	[MQ_REPORT_PARAM_TEXT] = read_text, [MQ_REPORT_PARAM_INT] = read_int,
	[MQ_REPORT_PARAM_ENUM] = read_enum,
};

enum mq_rc mq_report_value_check(const struct mq_report_param *param, const char *text,
				 struct mq_err *err)
{
	struct value value = { 0 };
	enum mq_rc rc = readers[param->type](param, text, mq_clock_wall_us(), &value, err);

	free(value.text);
	return rc;
}

/* ---------------------------------------------------------------- all of them */

static enum mq_rc unknown(const struct mq_report *report, const char *name, struct mq_err *err)
{
	const char **names = mq_alloc(report->n_params + 1, sizeof *names);
	MQ_AUTO(mq_str) struct mq_str known = { 0 };

	for (size_t i = 0; i < report->n_params; i++) {
		names[i] = report->params[i].name;
		mq_str_printf(&known, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	const char *near = mq_suggest(name, names);

	free(names);
	if (near)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "unknown report parameter '%.*s': did you mean '%s'?", SHOWN_MAX,
				  name, near);
	return mq_err_set(err, MQ_E_INVALID, 0, "unknown report parameter '%.*s': '%s' takes %s",
			  SHOWN_MAX, name, report->name, known.data ? known.data : "none");
}

static bool is_declared(const struct mq_report *report, const char *name)
{
	for (size_t i = 0; i < report->n_params; i++)
		if (strcmp(report->params[i].name, name) == 0)
			return true;
	return false;
}

static enum mq_rc read_json(const struct mq_report_param *param, const json_t *json, int64_t now_us,
			    struct value *ret, struct mq_err *err)
{
	if (json_is_integer(json) && param->type == MQ_REPORT_PARAM_INT)
		return set_int(param, json_integer_value(json), ret, err);
	if (!json_is_string(json))
		return refuse(param, param->type == MQ_REPORT_PARAM_INT ? "a whole number" : "text",
			      err);
	return readers[param->type](param, json_string_value(json), now_us, ret, err);
}

static enum mq_rc read_value(const struct mq_report_param *param, const json_t *json,
			     int64_t now_us, struct value *ret, struct mq_err *err)
{
	if (json && !json_is_null(json))
		return read_json(param, json, now_us, ret, err);
	if (param->fallback)
		return readers[param->type](param, param->fallback, now_us, ret, err);
	if (param->optional)
		return MQ_OK;
	return mq_err_set(err, MQ_E_INVALID, 0, "report parameter '%s' is missing: %s", param->name,
			  param->help);
}

static const char *value_of(const struct mq_report_values *values, const char *name)
{
	for (size_t i = 0; i < values->report->n_params; i++)
		if (strcmp(values->report->params[i].name, name) == 0 &&
		    values->report->params[i].type == MQ_REPORT_PARAM_DATE)
			return values->list[i].text;
	return NULL;
}

/* A period that ends before it begins would give an empty file that looks like an answer. */
static enum mq_rc check_period(const struct mq_report_values *values, struct mq_err *err)
{
	const char *from = value_of(values, "from");
	const char *to = value_of(values, "to");

	if (from && to && strcmp(from, to) > 0)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "report parameter 'from' must not be after 'to'");
	return MQ_OK;
}

enum mq_rc mq_report_values_read(const struct mq_report *report, const json_t *params,
				 int64_t now_us, struct mq_report_values **ret, struct mq_err *err)
{
	MQ_AUTO(mq_report_values) struct mq_report_values *values = mq_alloc(1, sizeof *values);
	const char *name;
	json_t *json;
	enum mq_rc rc;

	values->report = report;
	values->list = mq_alloc(report->n_params + 1, sizeof *values->list);
	/* The macro takes no const object, though it changes nothing. */
	json_object_foreach((json_t *)(uintptr_t)params, name,
			    json) if (!is_declared(report, name)) return unknown(report, name, err);
	for (size_t i = 0; i < report->n_params; i++) {
		rc = read_value(&report->params[i], json_object_get(params, report->params[i].name),
				now_us, &values->list[i], err);
		if (rc != MQ_OK)
			return rc;
	}
	if ((rc = check_period(values, err)) != MQ_OK)
		return rc;
	*ret = MQ_STEAL(values);
	return MQ_OK;
}

void mq_report_values_free(struct mq_report_values *values)
{
	if (!values)
		return;
	for (size_t i = 0; i < values->report->n_params; i++)
		free(values->list[i].text);
	free(values->list);
	free(values);
}

enum mq_rc mq_report_values_bind(const struct mq_report_values *values, sqlite3_stmt *stmt,
				 struct mq_err *err)
{
	for (size_t i = 0; i < values->report->n_params; i++) {
		char name[80];
		const struct value *v = &values->list[i];

		snprintf(name, sizeof name, ":%s", values->report->params[i].name);
		int at = sqlite3_bind_parameter_index(stmt, name);
		int rc = v->is_int ? sqlite3_bind_int64(stmt, at, v->number)
				   : sqlite3_bind_text(stmt, at, v->text, -1, SQLITE_TRANSIENT);

		if (rc != SQLITE_OK)
			return mq_err_set(err, MQ_E_DB, 0, "bind '%s': %s", name,
					  sqlite3_errstr(rc));
	}
	return MQ_OK;
}

json_t *mq_report_values_json(const struct mq_report_values *values)
{
	json_t *object = json_object();

	for (size_t i = 0; i < values->report->n_params; i++) {
		const struct value *v = &values->list[i];
		json_t *json = v->is_int ? json_integer(v->number)
			       : v->text ? json_string(v->text)
					 : json_null();

		json_object_set_new(object, values->report->params[i].name, json);
	}
	return object;
}
