#include <mq/queue.h>

/* The upper bound of the delay: doubled with each failure, without overflow however many there
 * were. */
static int64_t ceiling_ms(int64_t min_ms, int64_t max_ms, int64_t failures)
{
	int64_t ceiling = min_ms;

	for (int64_t i = 1; i < failures && ceiling > 0 && ceiling < max_ms; i++)
		ceiling = ceiling > max_ms / 2 ? max_ms : ceiling * 2;
	return ceiling < max_ms ? ceiling : max_ms;
}

int64_t mq_backoff_ms(int64_t min_ms, int64_t max_ms, int64_t failures, uint64_t random)
{
	int64_t ceiling = ceiling_ms(min_ms, max_ms, failures);

	if (ceiling <= 0)
		return 0;
	return (int64_t)(random % ((uint64_t)ceiling + 1));
}
