#include "fake_lease.h"

#include <assert.h>
#include <stdlib.h>

#define BYTES 256

struct fake {
	struct mq_lease base;
	struct {
		int64_t byte;
		bool foreign;
	} held[BYTES];
	size_t n;
};

static size_t place_of(const struct fake *f, int64_t byte)
{
	size_t i = 0;

	while (i < f->n && f->held[i].byte != byte)
		i++;
	return i;
}

static void put(struct fake *f, int64_t byte, bool foreign)
{
	size_t i = place_of(f, byte);

	assert(i < BYTES);
	f->held[i].byte = byte;
	f->held[i].foreign = foreign;
	if (i == f->n)
		f->n++;
}

static enum mq_rc fake_try_hold(struct mq_lease *lease, int64_t byte, bool *ret_held,
				struct mq_err *err)
{
	struct fake *f = (struct fake *)lease;
	size_t i = place_of(f, byte);

	(void)err;
	*ret_held = i == f->n || !f->held[i].foreign;
	if (*ret_held)
		put(f, byte, false);
	return MQ_OK;
}

static enum mq_rc fake_hold(struct mq_lease *lease, int64_t byte, struct mq_err *err)
{
	bool held;
	enum mq_rc rc = fake_try_hold(lease, byte, &held, err);

	return rc == MQ_OK && !held ? mq_err_set(err, MQ_E_INTERRUPTED, 0, "fake signal") : rc;
}

void fake_lease_drop(struct mq_lease *lease, int64_t byte)
{
	struct fake *f = (struct fake *)lease;
	size_t i = place_of(f, byte);

	if (i < f->n)
		f->held[i] = f->held[--f->n];
}

void fake_lease_take(struct mq_lease *lease, int64_t byte)
{
	put((struct fake *)lease, byte, true);
}

bool fake_lease_holds(const struct mq_lease *lease, int64_t byte)
{
	const struct fake *f = (const struct fake *)lease;

	return place_of(f, byte) < f->n;
}

static enum mq_rc fake_is_held(struct mq_lease *lease, int64_t byte, bool *ret_held,
			       struct mq_err *err)
{
	(void)err;
	*ret_held = fake_lease_holds(lease, byte);
	return MQ_OK;
}

static void fake_close(struct mq_lease *lease)
{
	free(lease);
}

static const struct mq_lease_ops fake_ops = {
	.try_hold = fake_try_hold,
	.hold = fake_hold,
	.drop = fake_lease_drop,
	.is_held = fake_is_held,
	.close = fake_close,
};

struct mq_lease *fake_lease_new(void)
{
	struct fake *f = calloc(1, sizeof *f);

	assert(f);
	f->base.ops = &fake_ops;
	return &f->base;
}
