/*
 * All job kinds of this program. A build with MQ_TEST_KINDS adds those of test_handlers.def, which
 * is found by the include path.
 */
#include <mq/handler.h>

#include <string.h>

#define MQ_JOB(name, path) extern const struct mq_handler mq_handler_##name;
#include "handlers.def"
#ifdef MQ_TEST_KINDS
#include "test_handlers.def"
#endif
#undef MQ_JOB

static const struct mq_handler *const handlers[] = {
#define MQ_JOB(name, path) &mq_handler_##name,
#include "handlers.def"
#ifdef MQ_TEST_KINDS
#include "test_handlers.def"
#endif
#undef MQ_JOB
	NULL,
};

const struct mq_handler *const *mq_handlers(void)
{
	return handlers;
}

const struct mq_handler *mq_handler_find(const char *kind)
{
	for (size_t i = 0; handlers[i]; i++)
		if (strcmp(handlers[i]->kind, kind) == 0)
			return handlers[i];
	return NULL;
}
