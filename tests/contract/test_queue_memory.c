#include "contract_queue.h"

#include <mq/str.h>

static char *no_file(void)
{
	return mq_strdup("/nowhere");
}

static void nothing(const char *database)
{
	(void)database;
}

int main(void)
{
	return contract_queue_run(&mq_queue_driver_memory, no_file, nothing);
}
