/*
 * A job's payload, checked against the fields that its handler declares. Messages name fields and
 * what they must be, never the values: a payload may hold anything, and messages go into logs.
 */
#include <mq/handler.h>

#include <inttypes.h>
#include <mq/str.h>
#include <stdio.h>
#include <string.h>

#define PAYLOAD_MAX    (1024 * 1024)
#define STR_MAX	       4096
#define NAME_SHOWN_MAX 60
#define FIELDS_MAX     64

static enum mq_rc refuse(struct mq_err *err, const struct mq_field *field, const char *must)
{
	return mq_err_set(err, MQ_E_INVALID, 0, "payload field '%s' must be %s", field->name, must);
}

/* ---------------------------------------------------------------- one reader a type */

static enum mq_rc read_str(const struct mq_field *field, const json_t *value, void *at,
			   struct mq_err *err)
{
	char must[80];
	size_t max = field->max > 0 ? (size_t)field->max : STR_MAX;

	if (!json_is_string(value))
		return refuse(err, field, "text");
	if (json_string_length(value) > max) {
		snprintf(must, sizeof must, "text of at most %zu bytes", max);
		return refuse(err, field, must);
	}
	*(const char **)at = json_string_value(value);
	return MQ_OK;
}

static enum mq_rc read_int(const struct mq_field *field, const json_t *value, void *at,
			   struct mq_err *err)
{
	char must[100] = "a whole number";
	bool limited = field->min != 0 || field->max != 0;
	json_int_t n = json_integer_value(value);

	if (limited)
		snprintf(must, sizeof must, "a whole number from %" PRId64 " to %" PRId64,
			 field->min, field->max);
	if (!json_is_integer(value) || (limited && (n < field->min || n > field->max)))
		return refuse(err, field, must);
	*(int64_t *)at = n;
	return MQ_OK;
}

static enum mq_rc read_bool(const struct mq_field *field, const json_t *value, void *at,
			    struct mq_err *err)
{
	if (!json_is_boolean(value))
		return refuse(err, field, "true or false");
	*(bool *)at = json_is_true(value);
	return MQ_OK;
}

static enum mq_rc read_enum(const struct mq_field *field, const json_t *value, void *at,
			    struct mq_err *err)
{
	const char *text = json_string_value(value);
	MQ_AUTO(mq_str) struct mq_str must = { 0 };

	for (const char *const *choice = field->choices; *choice; choice++) {
		if (text && strcmp(text, *choice) == 0) {
			*(const char **)at = *choice;
			return MQ_OK;
		}
		mq_str_printf(&must, "%s%s", choice == field->choices ? "one of " : ", ", *choice);
	}
	return refuse(err, field, must.data);
}

static enum mq_rc read_obj(const struct mq_field *field, const json_t *value, void *at,
			   struct mq_err *err)
{
	if (!json_is_object(value))
		return refuse(err, field, "an object, such as {}");
	*(const json_t **)at = value;
	return MQ_OK;
}

static enum mq_rc (*const readers[])(const struct mq_field *, const json_t *, void *,
				     struct mq_err *) = {
	[MQ_FIELD_STR] = read_str,   [MQ_FIELD_INT] = read_int, [MQ_FIELD_BOOL] = read_bool,
	[MQ_FIELD_ENUM] = read_enum, [MQ_FIELD_OBJ] = read_obj,
};

/* ---------------------------------------------------------------- the whole */

static const struct mq_field *find_field(const struct mq_field *fields, const char *name)
{
	for (const struct mq_field *f = fields; f && f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static enum mq_rc unknown_field(const struct mq_handler *handler, const char *name,
				struct mq_err *err)
{
	const char *names[FIELDS_MAX + 1] = { NULL };
	MQ_AUTO(mq_str) struct mq_str known = { 0 };
	size_t n = 0;

	for (const struct mq_field *f = handler->fields; f && f->name && n < FIELDS_MAX; f++) {
		names[n++] = f->name;
		mq_str_printf(&known, "%s%s", n > 1 ? ", " : "", f->name);
	}
	const char *near = mq_suggest(name, names);

	if (near)
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "unknown payload field '%.*s': did you mean '%s'?",
				  NAME_SHOWN_MAX, name, near);
	return mq_err_set(err, MQ_E_INVALID, 0, "unknown payload field '%.*s': %s takes %s",
			  NAME_SHOWN_MAX, name, handler->kind, known.data ? known.data : "none");
}

static enum mq_rc read_field(const struct mq_field *field, const json_t *json, char *data,
			     struct mq_err *err)
{
	const json_t *value = json_object_get(json, field->name);

	/* A producer's None for "not given". */
	if (value && !json_is_null(value))
		return readers[field->type](field, value, data + field->offset, err);
	if (field->required)
		return mq_err_set(err, MQ_E_INVALID, 0, "payload field '%s' is missing: %s",
				  field->name, field->help);
	if (field->type == MQ_FIELD_ENUM)
		*(const char **)(void *)(data + field->offset) = field->choices[0];
	return MQ_OK;
}

static enum mq_rc read_fields(const struct mq_handler *handler, json_t *json, char *data,
			      struct mq_err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(json, name,
			    value) if (!find_field(handler->fields,
						   name)) return unknown_field(handler, name, err);
	for (const struct mq_field *f = handler->fields; f && f->name; f++) {
		enum mq_rc rc = read_field(f, json, data, err);

		if (rc != MQ_OK)
			return rc;
	}
	return MQ_OK;
}

/* The parser's own words may quote the payload; these do not. */
static const struct {
	enum json_error_code code;
	const char *text;
} troubles[] = {
	{ json_error_duplicate_key, "a field occurs twice" },
	{ json_error_numeric_overflow, "a number is too large" },
	{ json_error_null_character, "a text holds a NUL character" },
	{ json_error_null_byte_in_key, "a name holds a NUL character" },
	{ json_error_invalid_utf8, "a text is not UTF-8" },
	{ json_error_stack_overflow, "it is nested too deeply" },
};

static const char *parse_trouble(const json_error_t *error)
{
	for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
		if (troubles[i].code == json_error_code(error))
			return troubles[i].text;
	return "it is not valid JSON";
}

static enum mq_rc parse(const char *payload, json_t **ret, struct mq_err *err)
{
	json_error_t error;
	size_t len = strlen(payload);

	if (len > PAYLOAD_MAX)
		return mq_err_set(err, MQ_E_INVALID, 0, "the payload is longer than 1 MiB");
	json_t *json = json_loadb(payload, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (!json)
		return mq_err_set(err, MQ_E_INVALID, 0, "the payload cannot be read: %s (byte %d)",
				  parse_trouble(&error), error.position);
	if (!json_is_object(json)) {
		json_decref(json);
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "the payload must be a JSON object, such as {}");
	}
	*ret = json;
	return MQ_OK;
}

enum mq_rc mq_params_parse(const struct mq_handler *handler, const char *payload,
			   struct mq_params *ret, struct mq_err *err)
{
	MQ_AUTO(mq_params) struct mq_params params = { 0 };
	enum mq_rc rc = parse(payload, &params.json, err);

	if (rc != MQ_OK)
		return rc;
	params.data = mq_alloc(1, handler->params_size ? handler->params_size : 1);
	rc = read_fields(handler, params.json, params.data, err);
	if (rc != MQ_OK)
		return rc;
	*ret = params;
	params = (struct mq_params){ 0 };
	return MQ_OK;
}

void mq_params_free(struct mq_params *params)
{
	free(params->data);
	json_decref(params->json);
	*params = (struct mq_params){ 0 };
}
