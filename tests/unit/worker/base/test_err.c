#include "support/cmocka_all.h"

#include <errno.h>
#include <mq/err.h>
#include <string.h>

static void an_error_says_the_thing_and_the_reason(void **state)
{
	(void)state;
	struct mq_err err;

	assert_int_equal(mq_err_set(&err, MQ_E_IO, ENOSPC, "write '%s'", "a/b"), MQ_E_IO);
	assert_string_equal(err.text, "write 'a/b': No space left on device");
	assert_int_equal(err.sys_errno, ENOSPC);
}

static void context_is_put_in_front_and_the_code_stays(void **state)
{
	(void)state;
	struct mq_err err;

	mq_err_set(&err, MQ_E_NOTFOUND, 0, "no table 'x'");
	assert_int_equal(mq_err_wrap(&err, "report '%s'", "r"), MQ_E_NOTFOUND);
	assert_string_equal(err.text, "report 'r': no table 'x'");
}

static void an_argument_may_be_the_old_text(void **state)
{
	(void)state;
	struct mq_err err;

	mq_err_set(&err, MQ_E_IO, 0, "old");
	mq_err_set(&err, MQ_E_DB, 0, "new after %s", err.text);
	assert_string_equal(err.text, "new after old");
	mq_err_wrap(&err, "%s", err.text);
	assert_string_equal(err.text, "new after old: new after old");
}

static void a_text_that_does_not_fit_ends_with_dots(void **state)
{
	(void)state;
	struct mq_err err;
	char longer[2 * sizeof err.text];

	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	mq_err_set(&err, MQ_E_IO, EIO, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_string_equal(err.text + strlen(err.text) - 4, "x...");
	mq_err_set(&err, MQ_E_IO, 0, "short");
	mq_err_wrap(&err, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_string_equal(err.text + strlen(err.text) - 3, "...");
}

static void errnos_map_to_codes(void **state)
{
	(void)state;
	struct mq_err err;

	assert_int_equal(mq_err_sys(&err, ENOSPC, "x"), MQ_E_NOSPACE);
	assert_int_equal(mq_err_sys(&err, EACCES, "x"), MQ_E_DENIED);
	assert_int_equal(mq_err_sys(&err, EROFS, "x"), MQ_E_DENIED);
	assert_int_equal(mq_err_sys(&err, ENOENT, "x"), MQ_E_NOTFOUND);
	assert_int_equal(mq_err_sys(&err, EIO, "x"), MQ_E_IO);
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(mq_err_set(NULL, MQ_E_IO, 0, "x"), MQ_E_IO);
	assert_int_equal(mq_err_sys(NULL, ENOSPC, "x"), MQ_E_NOSPACE);
	assert_int_equal(mq_err_wrap(NULL, "x"), MQ_E_BUG);
}

static void every_code_has_a_name_and_its_own_exit_status(void **state)
{
	(void)state;
	for (enum mq_rc a = MQ_OK; a < MQ_RC_COUNT; a++) {
		assert_non_null(mq_rc_info(a)->name);
		for (enum mq_rc b = MQ_OK; b < a; b++)
			assert_int_not_equal(mq_rc_info(a)->exit_status,
					     mq_rc_info(b)->exit_status);
	}
	assert_false(mq_rc_info(MQ_E_INVALID)->retry);
	assert_true(mq_rc_info(MQ_E_NOSPACE)->retry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_says_the_thing_and_the_reason),
		cmocka_unit_test(context_is_put_in_front_and_the_code_stays),
		cmocka_unit_test(an_argument_may_be_the_old_text),
		cmocka_unit_test(a_text_that_does_not_fit_ends_with_dots),
		cmocka_unit_test(errnos_map_to_codes),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(every_code_has_a_name_and_its_own_exit_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
