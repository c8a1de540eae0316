#include "support/cmocka_all.h"

#include "checkpoint.h"

#define PAGE 4096

static void a_small_log_is_left_alone(void **state)
{
	struct mq_checkpoint_pace pace = { 0 };

	(void)state;
	mq_checkpoint_changed(&pace, 0, PAGE);
	mq_checkpoint_changed(&pace, MQ_CHECKPOINT_PAGES * PAGE, PAGE);
	assert_false(mq_checkpoint_is_due(&pace, INT64_MAX));
	mq_checkpoint_changed(&pace, MQ_CHECKPOINT_PAGES * PAGE + 1, PAGE);
	assert_true(mq_checkpoint_is_due(&pace, 1));
}

static void after_a_complete_one_nothing_is_due_until_somebody_writes(void **state)
{
	struct mq_checkpoint_pace pace = { .wanted = true };

	(void)state;
	mq_checkpoint_ran(&pace,
			  &(struct mq_checkpoint){ .done = true, .wal_frames = 700, .copied = 700 },
			  0);
	assert_false(mq_checkpoint_is_due(&pace, INT64_MAX));
}

static void one_that_a_reader_holds_up_is_repeated_ever_more_rarely(void **state)
{
	static const struct mq_checkpoint held_up = { .done = true,
						      .wal_frames = 5000,
						      .copied = 10 };
	struct mq_checkpoint_pace pace = { .wanted = true };
	int64_t now_us = 1000, tries = 0;

	(void)state;
	while (now_us < 60 * INT64_C(1000000)) {
		assert_true(mq_checkpoint_is_due(&pace, now_us));
		mq_checkpoint_ran(&pace, &held_up, now_us);
		assert_false(mq_checkpoint_is_due(&pace, now_us));
		now_us = pace.next_us;
		tries++;
	}
	/* 10 ms doubled up to 2 s: about one each 2 s in the long run. */
	assert_in_range(tries, 30, 45);
}

static void one_that_found_a_writer_is_tried_again_before_the_log_has_grown(void **state)
{
	struct mq_checkpoint_pace pace = { .wanted = true, .interval_us = MQ_CHECKPOINT_MAX_US };

	(void)state;
	for (int64_t now_us = 0; now_us < 10 * MQ_CHECKPOINT_MAX_US; now_us = pace.next_us) {
		mq_checkpoint_ran(&pace, &(struct mq_checkpoint){ .done = false }, now_us);
		assert_in_range(pace.next_us - now_us, MQ_CHECKPOINT_MIN_US, MQ_CHECKPOINT_BUSY_US);
		assert_true(mq_checkpoint_is_due(&pace, pace.next_us));
	}
}

static void the_pace_follows_the_writers_so_that_the_log_stays_small(void **state)
{
	static const int64_t frames_each_s[] = { 10, 1000, 20000, 90000 };

	(void)state;
	for (size_t i = 0; i < sizeof frames_each_s / sizeof frames_each_s[0]; i++) {
		struct mq_checkpoint_pace pace = { .wanted = true };
		int64_t now_us = 0, frames = 0, worst = 0;

		for (int n = 0; n < 50; n++) {
			int64_t passed_us = pace.next_us - now_us;

			now_us = pace.next_us;
			frames = frames_each_s[i] * passed_us / 1000000;
			/* The first few find the pace. */
			if (n >= 20 && frames > worst)
				worst = frames;
			mq_checkpoint_ran(&pace,
					  &(struct mq_checkpoint){ .done = true,
								   .wal_frames = frames,
								   .copied = frames },
					  now_us);
			mq_checkpoint_changed(&pace, INT64_MAX / 2, PAGE);
		}
		assert_true(worst < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_log_is_left_alone),
		cmocka_unit_test(after_a_complete_one_nothing_is_due_until_somebody_writes),
		cmocka_unit_test(one_that_a_reader_holds_up_is_repeated_ever_more_rarely),
		cmocka_unit_test(one_that_found_a_writer_is_tried_again_before_the_log_has_grown),
		cmocka_unit_test(the_pace_follows_the_writers_so_that_the_log_stays_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
