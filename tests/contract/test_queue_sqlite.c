#include "contract_queue.h"

#include <unit/queue/scratch.h>

int main(void)
{
	return contract_queue_run(&mq_queue_driver_sqlite, scratch_make, scratch_remove);
}
