/* Names: what no driver ever sees. */
#include "support/cmocka_all.h"

#include <mq/storage.h>
#include <mq/str.h>
#include <string.h>

static int seen;

static enum mq_rc spy_put(struct mq_storage *st, const char *name, const struct mq_storage_put *how,
			  struct mq_sink **ret, struct mq_err *err)
{
	(void)st, (void)name, (void)how, (void)ret, (void)err;
	seen++;
	return MQ_OK;
}

static enum mq_rc spy_remove(struct mq_storage *st, const char *name, struct mq_err *err)
{
	(void)st, (void)name, (void)err;
	seen++;
	return MQ_OK;
}

static enum mq_rc spy_size(struct mq_storage *st, const char *name, int64_t *ret_bytes,
			   struct mq_err *err)
{
	(void)st, (void)name, (void)ret_bytes, (void)err;
	seen++;
	return MQ_OK;
}

static const struct mq_storage_driver spy = {
	.name = "spy",
	.put = spy_put,
	.remove = spy_remove,
	.size = spy_size,
};

static void hostile_names_do_not_reach_the_driver(void **state)
{
	(void)state;
	static const char *const names[] = {
		"",	"/",	   "/etc/passwd", "..",	      "../x",	"a/../b", "a/..",
		".",	"a/./b",   "a//b",	  "a/",	      "./a",	"a\nb",	  "a\x01",
		"\x7f", ".mq-abc", "a/.mq-x",	  "a/.mq-/b", "a\tb/c",
	};
	struct mq_storage st = { .driver = &spy, .root = (char[]){ "/root" } };
	struct mq_err err;
	struct mq_sink *sink;
	int64_t bytes;

	seen = 0;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		err = (struct mq_err){ 0 };
		assert_int_equal(
			mq_storage_put(&st, names[i], &(struct mq_storage_put){ 0 }, &sink, &err),
			MQ_E_INVALID);
		assert_non_null(strstr(err.text, "/root"));
		assert_int_equal(mq_storage_remove(&st, names[i], NULL), MQ_E_INVALID);
		assert_int_equal(mq_storage_size(&st, names[i], &bytes, NULL), MQ_E_INVALID);
	}
	assert_int_equal(seen, 0);
}

static void names_too_long_are_refused(void **state)
{
	(void)state;
	struct mq_storage st = { .driver = &spy, .root = (char[]){ "/root" } };
	char part[300], path[5000];

	memset(part, 'a', sizeof part);
	part[256] = '\0';
	seen = 0;
	assert_int_equal(mq_storage_remove(&st, part, NULL), MQ_E_INVALID);
	part[255] = '\0';
	assert_int_equal(mq_storage_remove(&st, part, NULL), MQ_OK);
	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	for (size_t i = 100; i < sizeof path; i += 100)
		path[i] = '/';
	assert_int_equal(mq_storage_remove(&st, path, NULL), MQ_E_INVALID);
	assert_int_equal(seen, 1);
}

static void ordinary_names_pass(void **state)
{
	(void)state;
	static const char *const names[] = { "a", "a/b/c.csv", ".gitkeep", "...",  "a..b",
					     "-", "\xc3\x9c",  "a b",	   "..a/b" };
	struct mq_storage st = { .driver = &spy, .root = (char[]){ "/root" } };

	seen = 0;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(mq_storage_remove(&st, names[i], NULL), MQ_OK);
	assert_int_equal(seen, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_names_do_not_reach_the_driver),
		cmocka_unit_test(names_too_long_are_refused),
		cmocka_unit_test(ordinary_names_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
