#include "support/cmocka_all.h"

#include <mq/config.h>

static void paths_are_made_absolute_as_text(void **state)
{
	(void)state;
	static const struct {
		const char *path, *base, *want;
	} table[] = {
		{ "./data/x.db", "/app", "/app/data/x.db" },
		{ "/a/../b/./c", "/app", "/b/c" },
		{ "../../..", "/app", "/" },
		{ "", "/app", "/app" },
		{ "a//b/", "/app/", "/app/a/b" },
		{ "...", "/", "/..." },
		{ "/", "/app", "/" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		MQ_AUTO_FREE
		char *got = mq_path_absolute(table[i].path, table[i].base);

		assert_string_equal(got, table[i].want);
	}
}

static void below_means_inside_and_not_beside(void **state)
{
	(void)state;
	assert_true(mq_path_is_below("/app/data/x", "/app/data"));
	assert_true(mq_path_is_below("/app/data/x", "/app/data/"));
	assert_false(mq_path_is_below("/app/data", "/app/data"));
	assert_false(mq_path_is_below("/app/database/x", "/app/data"));
	assert_false(mq_path_is_below("/app/data/../x", "/app/data"));
	assert_true(mq_path_is_below("/x", "/"));
	assert_false(mq_path_is_below("/", "/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_made_absolute_as_text),
		cmocka_unit_test(below_means_inside_and_not_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
