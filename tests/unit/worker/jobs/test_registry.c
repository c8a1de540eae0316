#include "support/cmocka_all.h"

#include <mq/handler.h>
#include <string.h>

static void kinds_are_found_by_their_whole_name(void **state)
{
	(void)state;
	const struct mq_handler *handler = mq_handler_find("export.report");

	assert_non_null(handler);
	assert_string_equal(handler->kind, "export.report");
	assert_null(mq_handler_find("export.repor"));
	assert_null(mq_handler_find("export.report2"));
	assert_null(mq_handler_find(""));
}

static void every_kind_is_complete_and_listed_once(void **state)
{
	(void)state;
	const struct mq_handler *const *all = mq_handlers();

	for (size_t i = 0; all[i]; i++) {
		assert_non_null(all[i]->summary);
		assert_non_null(all[i]->run);
		assert_true(all[i]->max_attempts > 0);
		assert_ptr_equal(mq_handler_find(all[i]->kind), all[i]);
		for (const struct mq_field *f = all[i]->fields; f && f->name; f++) {
			assert_non_null(f->help);
			assert_true(f->type > MQ_FIELD_END && f->type <= MQ_FIELD_OBJ);
			assert_true(f->offset < all[i]->params_size);
			assert_true((f->type == MQ_FIELD_ENUM) == (f->choices != NULL));
		}
	}
	assert_non_null(all[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_found_by_their_whole_name),
		cmocka_unit_test(every_kind_is_complete_and_listed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
