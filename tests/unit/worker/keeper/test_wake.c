#include "support/cmocka_all.h"

#include "wake.h"

#include <fcntl.h>
#include <mq/str.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
	char dir[40];
	char *database, *log, *other;
};

static int set_up(void **state)
{
	struct place *place = mq_alloc(1, sizeof *place);

	strcpy(place->dir, "/tmp/mq-wake-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	place->database = mq_strf("%s/app.db", place->dir);
	place->log = mq_strf("%s/app.db-wal", place->dir);
	place->other = mq_strf("%s/app.log", place->dir);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	unlink(place->log);
	unlink(place->other);
	rmdir(place->dir);
	free(place->database);
	free(place->log);
	free(place->other);
	free(place);
	return 0;
}

static void append(const char *path)
{
	MQ_AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, "x", 1), 1);
}

/* Events are there as soon as the write has returned. */
static bool is_readable(const struct mq_wake *wake)
{
	struct pollfd in = { .fd = mq_wake_fd(wake), .events = POLLIN };

	return poll(&in, 1, 0) == 1;
}

static struct mq_wake *open_wake(const struct place *place)
{
	struct mq_wake *wake = NULL;
	struct mq_err err;

	assert_int_equal(mq_wake_open(place->database, &wake, &err), MQ_OK);
	return wake;
}

static void a_write_to_the_log_wakes(void **state)
{
	const struct place *place = *state;

	append(place->log);
	MQ_AUTO(mq_wake) struct mq_wake *wake = open_wake(place);

	assert_false(is_readable(wake));
	append(place->log);
	assert_true(is_readable(wake));
	assert_true(mq_wake_read(wake));
	assert_false(is_readable(wake));
	assert_false(mq_wake_read(wake));
}

static void other_files_do_not_wake(void **state)
{
	const struct place *place = *state;

	append(place->log);
	append(place->other);
	MQ_AUTO(mq_wake) struct mq_wake *wake = open_wake(place);

	append(place->other);
	assert_false(is_readable(wake));
	unlink(place->other);
	append(place->other);
	assert_false(mq_wake_read(wake));
}

static void a_log_that_comes_and_goes_is_followed(void **state)
{
	const struct place *place = *state;
	MQ_AUTO(mq_wake) struct mq_wake *wake = open_wake(place);

	for (int i = 0; i < 3; i++) {
		append(place->log);
		assert_true(mq_wake_read(wake));
		append(place->log);
		assert_true(mq_wake_read(wake));
		unlink(place->log);
		mq_wake_read(wake);
		assert_false(is_readable(wake));
	}
}

static void a_folder_that_is_not_there_is_told(void **state)
{
	struct mq_wake *wake = NULL;
	struct mq_err err;

	(void)state;
	assert_int_equal(mq_wake_open("/nonexistent/app.db", &wake, &err), MQ_E_UNSUPPORTED);
	assert_null(wake);
	assert_non_null(strstr(err.text, "/nonexistent"));
	assert_int_equal(mq_wake_fd(NULL), -1);
}

static void a_look_that_came_too_early_is_repeated_until_the_change_is_seen(void **state)
{
	struct mq_look look = { 0 };
	int64_t now_us = 1000000, before_us = now_us;

	(void)state;
	mq_look_event(&look, now_us);
	assert_int_equal(look.at_us, now_us);
	for (int64_t step_us = MQ_LOOK_FIRST_US; step_us < 100000; step_us *= 2) {
		mq_look_done(&look, false, now_us);
		assert_int_equal(look.at_us - now_us,
				 step_us < MQ_LOOK_MAX_US ? step_us : MQ_LOOK_MAX_US);
		now_us = look.at_us;
	}
	/* A writer that syncs for 20 ms is still waited for. */
	assert_true(now_us - before_us > 10000);
}

static void after_a_change_the_looks_go_on_for_a_while(void **state)
{
	struct mq_look look = { 0 };
	int64_t now_us = 1000000;
	int looks = 0;

	(void)state;
	mq_look_event(&look, now_us);
	mq_look_done(&look, true, now_us);
	assert_int_equal(look.at_us, now_us + MQ_LOOK_MIN_US);
	while (look.at_us) {
		now_us = look.at_us;
		mq_look_done(&look, false, now_us);
		looks++;
	}
	/* Long enough for another writer's sync, rare enough to cost nothing. */
	assert_true(now_us - 1000000 >= MQ_LOOK_TAIL_US / 2);
	assert_in_range(looks, 5, 12);
}

static void what_was_never_committed_is_given_up(void **state)
{
	struct mq_look look = { 0 };
	int64_t now_us = 1000000;
	int looks = 0;

	(void)state;
	mq_look_event(&look, now_us);
	while (look.at_us) {
		now_us = look.at_us;
		mq_look_done(&look, false, now_us);
		looks++;
	}
	assert_true(now_us <= 1000000 + MQ_LOOK_GIVE_UP_US);
	assert_in_range(looks, 100, 300);
}

static void under_load_looks_keep_their_distance(void **state)
{
	struct mq_look look = { 0 };
	int64_t now_us = 1000000;

	(void)state;
	mq_look_event(&look, now_us);
	mq_look_done(&look, true, now_us);
	mq_look_event(&look, now_us + 10);
	assert_int_equal(look.at_us, now_us + MQ_LOOK_MIN_US);
	mq_look_done(&look, true, look.at_us);
	mq_look_event(&look, now_us + 1000000);
	assert_int_equal(look.at_us, now_us + 1000000);
}

static void a_single_look_is_not_repeated(void **state)
{
	struct mq_look look = { 0 };

	(void)state;
	mq_look_once(&look, 5000);
	assert_int_equal(look.at_us, 5000);
	mq_look_done(&look, false, 5001);
	assert_int_equal(look.at_us, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_write_to_the_log_wakes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_files_do_not_wake, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_log_that_comes_and_goes_is_followed, set_up,
						tear_down),
		cmocka_unit_test(a_folder_that_is_not_there_is_told),
		cmocka_unit_test(a_look_that_came_too_early_is_repeated_until_the_change_is_seen),
		cmocka_unit_test(after_a_change_the_looks_go_on_for_a_while),
		cmocka_unit_test(what_was_never_committed_is_given_up),
		cmocka_unit_test(under_load_looks_keep_their_distance),
		cmocka_unit_test(a_single_look_is_not_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
