#include "support/cmocka_all.h"

#include <mq/handler.h>
#include <mq/str.h>
#include <string.h>

struct params {
	const char *name;
	const char *color;
	int64_t days;
	int64_t any;
	bool dry_run;
	const json_t *extra;
};

static const char *const colors[] = { "red", "green", NULL };
static const struct mq_field fields[] = {
	{ .name = "name",
	  .type = MQ_FIELD_STR,
	  .offset = offsetof(struct params, name),
	  .required = true,
	  .help = "what it is called" },
	{ .name = "color",
	  .type = MQ_FIELD_ENUM,
	  .offset = offsetof(struct params, color),
	  .choices = colors },
	{ .name = "days",
	  .type = MQ_FIELD_INT,
	  .offset = offsetof(struct params, days),
	  .min = 1,
	  .max = 365 },
	{ .name = "any", .type = MQ_FIELD_INT, .offset = offsetof(struct params, any) },
	{ .name = "dry_run", .type = MQ_FIELD_BOOL, .offset = offsetof(struct params, dry_run) },
	{ .name = "extra", .type = MQ_FIELD_OBJ, .offset = offsetof(struct params, extra) },
	{ 0 },
};
static const struct mq_handler handler = {
	.kind = "test.params",
	.params_size = sizeof(struct params),
	.fields = fields,
};
static const struct mq_handler bare = { .kind = "test.bare" };

static void all_fields_reach_the_struct(void **state)
{
	(void)state;
	struct mq_params p = { 0 };

	assert_int_equal(
		mq_params_parse(
			&handler,
			"{\"name\":\"\\u00dc\\ud83d\\ude80\",\"color\":\"green\",\"days\":"
			"365,\"any\":-9223372036854775808,\"dry_run\":true,\"extra\":{\"a\":1}}",
			&p, NULL),
		MQ_OK);
	const struct params *v = p.data;
	assert_string_equal(v->name, "\xc3\x9c\xf0\x9f\x9a\x80");
	assert_string_equal(v->color, "green");
	assert_int_equal(v->days, 365);
	assert_true(v->any == INT64_MIN);
	assert_true(v->dry_run);
	assert_int_equal(json_integer_value(json_object_get(v->extra, "a")), 1);
	mq_params_free(&p);
	assert_null(p.data);
}

static void what_is_absent_or_null_has_its_default(void **state)
{
	(void)state;
	struct mq_params p = { 0 };

	assert_int_equal(mq_params_parse(&handler, "{\"name\":\"\",\"color\":null,\"extra\":null}",
					 &p, NULL),
			 MQ_OK);
	const struct params *v = p.data;
	assert_string_equal(v->name, "");
	assert_string_equal(v->color, "red");
	assert_int_equal(v->days, 0);
	assert_false(v->dry_run);
	assert_null(v->extra);
	mq_params_free(&p);
}

static void bad_payloads_are_refused_with_what_would_be_right(void **state)
{
	(void)state;
	static const struct {
		const char *payload, *text;
	} cases[] = {
		{ "", "not valid JSON" },
		{ "{", "not valid JSON" },
		{ "[]", "must be a JSON object" },
		{ "null", "must be a JSON object" },
		{ "{} x", "not valid JSON" },
		{ "{\"name\":\"a\",\"name\":\"b\"}", "a field occurs twice" },
		{ "{\"name\":\"a\\u0000b\"}", "NUL" },
		{ "{\"na\\u0000me\":\"b\"}", "NUL" },
		{ "{\"name\":\"\xff\"}", "not UTF-8" },
		{ "{\"any\":9223372036854775808,\"name\":\"a\"}", "too large" },
		{ "{\"any\":1e400,\"name\":\"a\"}", "too large" },
		{ "{\"name\":\"a\",\"any\":NaN}", "not valid JSON" },
		{ "{}", "'name' is missing: what it is called" },
		{ "{\"name\":null}", "'name' is missing" },
		{ "{\"name\":1}", "'name' must be text" },
		{ "{\"name\":\"a\",\"days\":\"7\"}",
		  "'days' must be a whole number from 1 to 365" },
		{ "{\"name\":\"a\",\"days\":7.0}", "'days' must be a whole number from 1 to 365" },
		{ "{\"name\":\"a\",\"days\":0}", "from 1 to 365" },
		{ "{\"name\":\"a\",\"days\":366}", "from 1 to 365" },
		{ "{\"name\":\"a\",\"any\":true}", "'any' must be a whole number" },
		{ "{\"name\":\"a\",\"dry_run\":1}", "'dry_run' must be true or false" },
		{ "{\"name\":\"a\",\"color\":\"blue\"}", "'color' must be one of red, green" },
		{ "{\"name\":\"a\",\"color\":7}", "'color' must be one of red, green" },
		{ "{\"name\":\"a\",\"extra\":[]}", "'extra' must be an object" },
		{ "{\"name\":\"a\",\"dayz\":1}",
		  "unknown payload field 'dayz': did you mean 'days'?" },
		{ "{\"name\":\"a\",\"zzzzzz\":1}",
		  "unknown payload field 'zzzzzz': test.params takes name, color, days" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mq_params p = { 0 };
		struct mq_err err = { 0 };

		assert_int_equal(mq_params_parse(&handler, cases[i].payload, &p, &err),
				 MQ_E_INVALID);
		if (!strstr(err.text, cases[i].text))
			fail_msg("'%s' gives '%s', without '%s'", cases[i].payload, err.text,
				 cases[i].text);
		assert_null(p.data);
		assert_null(p.json);
	}
}

static void messages_do_not_repeat_values(void **state)
{
	(void)state;
	static const char *const payloads[] = {
		"{\"name\":\"a\",\"color\":\"secret\"}",
		"{\"name\":\"a\",\"days\":\"secret\"}",
		"{\"name\":\"secret\",\"extra\":\"secret\"}",
		"{\"name\":\"secret\" secret",
		"{\"name\":\"a\",\"dry_run\":\"secret\"}",
	};

	for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
		struct mq_params p = { 0 };
		struct mq_err err = { 0 };

		assert_int_equal(mq_params_parse(&handler, payloads[i], &p, &err), MQ_E_INVALID);
		assert_null(strstr(err.text, "secret"));
	}
}

/* prefix, then `n` times c, then suffix */
static char *repeat(const char *prefix, char c, size_t n, const char *suffix)
{
	char *text = mq_alloc(strlen(prefix) + n + strlen(suffix) + 1, 1);

	memcpy(text, prefix, strlen(prefix));
	memset(text + strlen(prefix), c, n);
	memcpy(text + strlen(prefix) + n, suffix, strlen(suffix));
	return text;
}

static void large_and_deep_payloads_are_refused(void **state)
{
	(void)state;
	char *texts[] = {
		repeat("{\"name\":\"", 'a', 5000, "\"}"),
		repeat("{\"name\":\"", 'a', 2 << 20, "\"}"),
		repeat("{\"extra\":", '[', 100000, ""),
		repeat("{\"", 'k', 100000, "\":1}"),
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct mq_params p = { 0 };
		struct mq_err err = { 0 };

		assert_int_equal(mq_params_parse(&handler, texts[i], &p, &err), MQ_E_INVALID);
		assert_true(strlen(err.text) < 300);
		free(texts[i]);
	}
}

static void a_kind_without_fields_takes_only_the_empty_object(void **state)
{
	(void)state;
	struct mq_params p = { 0 };
	struct mq_err err = { 0 };

	assert_int_equal(mq_params_parse(&bare, " {} ", &p, NULL), MQ_OK);
	mq_params_free(&p);
	assert_int_equal(mq_params_parse(&bare, "{\"a\":1}", &p, &err), MQ_E_INVALID);
	assert_string_equal(err.text, "unknown payload field 'a': test.bare takes none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fields_reach_the_struct),
		cmocka_unit_test(what_is_absent_or_null_has_its_default),
		cmocka_unit_test(bad_payloads_are_refused_with_what_would_be_right),
		cmocka_unit_test(messages_do_not_repeat_values),
		cmocka_unit_test(large_and_deep_payloads_are_refused),
		cmocka_unit_test(a_kind_without_fields_takes_only_the_empty_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
