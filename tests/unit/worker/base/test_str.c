#include "support/cmocka_all.h"

#include <mq/str.h>
#include <string.h>

static void a_buffer_grows_and_is_terminated(void **state)
{
	(void)state;
	MQ_AUTO(mq_str) struct mq_str s = { 0 };

	for (int i = 0; i < 1000; i++)
		mq_str_printf(&s, "%d,", i);
	assert_int_equal(s.len, strlen(s.data));
	assert_string_equal(s.data + s.len - 4, "999,");
	mq_str_append(&s, "a\0b", 3);
	assert_int_equal(s.data[s.len], 0);
	mq_str_free(&s);
	mq_str_puts(&s, "again");
	assert_string_equal(s.data, "again");
}

static void json_strings_are_escaped_and_valid_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} table[] = {
		{ NULL, "null" },
		{ "", "\"\"" },
		{ "a\"b\\c\n\t\x01\x7f", "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"" },
		{ "Gro\xc3\x9f \xf0\x9f\x9a\x80", "\"Gro\xc3\x9f \xf0\x9f\x9a\x80\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ "\xc3", "\"\xef\xbf\xbd\"" },					/* cut off */
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* surrogate */
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },			/* overlong */
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		MQ_AUTO(mq_str) struct mq_str s = { 0 };

		mq_str_json(&s, table[i].in);
		assert_string_equal(s.data, table[i].out);
	}
}

static void globs_match_whole_names(void **state)
{
	(void)state;
	assert_true(mq_glob_match("media.*", "media.image"));
	assert_true(mq_glob_match("*", ""));
	assert_true(mq_glob_match("a?c", "abc"));
	assert_true(mq_glob_match("*.report", "export.report"));
	assert_false(mq_glob_match("media.*", "media"));
	assert_false(mq_glob_match("a?c", "ac"));
	assert_false(mq_glob_match("", "a"));
	assert_true(mq_glob_match("**a**b*", "xxaxxbxx"));
	assert_true(mq_glob_list_match("media.*, backup.?", "backup.x"));
	assert_true(mq_glob_list_match("  a b,c ", "c"));
	assert_false(mq_glob_list_match("a,b", "ab"));
	assert_false(mq_glob_list_match(" , ", ""));
}

static void a_hostile_glob_costs_little(void **state)
{
	(void)state;
	char glob[201], text[2001];

	for (size_t i = 0; i < 200; i += 2)
		memcpy(glob + i, "*a", 2);
	glob[199] = 'b';
	glob[200] = '\0';
	memset(text, 'a', 2000);
	text[2000] = '\0';
	assert_false(mq_glob_match(glob, text));
}

static void slips_find_the_name_that_was_meant(void **state)
{
	(void)state;
	static const char *const names[] = { "retry", "run", "list", "export.report", NULL };

	assert_string_equal(mq_suggest("rety", names), "retry");
	assert_string_equal(mq_suggest("rtery", names), "retry");
	assert_string_equal(mq_suggest("lsit", names), "list");
	assert_string_equal(mq_suggest("export.raport", names), "export.report");
	assert_string_equal(mq_suggest("ru", names), "run");
	assert_null(mq_suggest("zzz", names));
	assert_null(mq_suggest("", (const char *const[]){ "abcd", NULL }));
	assert_null(mq_suggest("x", (const char *const[]){ NULL }));
	char longer[500];

	memset(longer, 'r', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_null(mq_suggest(longer, names));
}

static void control_characters_are_found_and_blanked(void **state)
{
	(void)state;
	char text[] = "a\x1b[2Jb\n\x7f\xc2\x9b"
		      "31m\xc3\x9c \xc2\xa0.\xc2";

	assert_int_equal(mq_control_len("\t"), 1);
	assert_int_equal(mq_control_len("\xc2\x80"), 2);
	assert_int_equal(mq_control_len("\xc2\x9f"), 2);
	assert_int_equal(mq_control_len("\xc2\xa0"), 0);
	assert_int_equal(mq_control_len("\xc2"), 0);
	assert_int_equal(mq_control_len(" "), 0);
	assert_int_equal(mq_control_len(""), 0);
	mq_control_blank(text);
	assert_string_equal(text, "a [2Jb   31m\xc3\x9c \xc2\xa0.\xc2");
}

static void ownership_can_be_handed_on(void **state)
{
	(void)state;
	char *kept;

	{
		MQ_AUTO_FREE
		char *p = mq_strf("%d", 5);

		kept = MQ_STEAL(p);
		assert_null(p);
	}
	assert_string_equal(kept, "5");
	free(kept);
	assert_null(mq_strdup(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows_and_is_terminated),
		cmocka_unit_test(json_strings_are_escaped_and_valid_utf8),
		cmocka_unit_test(globs_match_whole_names),
		cmocka_unit_test(a_hostile_glob_costs_little),
		cmocka_unit_test(slips_find_the_name_that_was_meant),
		cmocka_unit_test(control_characters_are_found_and_blanked),
		cmocka_unit_test(ownership_can_be_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
