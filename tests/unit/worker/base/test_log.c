#include "support/cmocka_all.h"

#include <fcntl.h>
#include <mq/clock.h>
#include <mq/log.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static int64_t fixed_wall(void)
{
	return INT64_C(1762171200123456);
}

static const struct mq_clock fixed = { .wall_us = fixed_wall, .mono_us = fixed_wall };
static int fds[2];
static char line[16384];

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	unsetenv("JOURNAL_STREAM");
	mq_clock_use(&fixed);
	mq_log_set_fd(fds[1]);
	mq_log_set_level(MQ_LOG_INFO);
	mq_log_set_role("worker 3");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mq_log_set_fd(STDERR_FILENO);
	mq_clock_use(NULL);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

/* What was written since the last call; "" when nothing was. */
static const char *written(void)
{
	ssize_t n = read(fds[0], line, sizeof line - 1);

	line[n > 0 ? n : 0] = '\0';
	return line;
}

static void a_line_has_time_level_module_and_role(void **state)
{
	(void)state;
	mq_log(MQ_LOG_WARNING, "runner", "job %d", 42);
	assert_string_equal(written(), "2025-11-03T12:00:00.123Z WARN  runner[worker 3] job 42\n");
}

static void what_is_below_the_level_is_not_written(void **state)
{
	(void)state;
	mq_log(MQ_LOG_DEBUG, "m", "quiet");
	assert_string_equal(written(), "");
	mq_log_set_level(MQ_LOG_ERROR);
	mq_log(MQ_LOG_WARNING, "m", "quiet");
	assert_string_equal(written(), "");
	mq_log(MQ_LOG_ERROR, "m", "loud");
	assert_non_null(strstr(written(), "loud"));
}

static void a_text_cannot_forge_a_second_line(void **state)
{
	(void)state;
	mq_log(MQ_LOG_INFO, "m", "%s", "a\nb\x1b[2Jc\r");
	assert_non_null(strstr(written(), "a\\x0ab\\x1b[2Jc\\x0d\n"));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	mq_log(MQ_LOG_INFO, "m", "%s", "a\xc2\x9b\xc3\x9c");
	assert_non_null(strstr(written(), "a\\xc2\\x9b\xc3\x9c\n"));
}

static void the_journal_gets_a_priority_and_no_time(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	mq_log(MQ_LOG_ERROR, "m", "x");
	assert_string_equal(written(), "<3>m[worker 3] x\n");
	unsetenv("JOURNAL_STREAM");
}

/* Lines until the pipe takes no more; the last one is left out. */
static int fill(void)
{
	int n = 0;

	for (struct pollfd out = { .fd = fds[1], .events = POLLOUT }; poll(&out, 1, 0) == 1; n++)
		mq_log(MQ_LOG_INFO, "m", "line %d", n);
	mq_log(MQ_LOG_INFO, "m", "left out");
	return n;
}

static void a_reader_that_stands_still_holds_nobody_up(void **state)
{
	(void)state;
	assert_int_not_equal(fcntl(fds[1], F_SETFL, 0), -1);
	assert_int_not_equal(fcntl(fds[1], F_SETPIPE_SZ, 8192), -1);
	assert_in_range(fill(), 10, 4096);
	mq_log(MQ_LOG_INFO, "m", "left out, too");
	assert_null(strstr(written(), "left out"));
	mq_log(MQ_LOG_INFO, "m", "on we go");
	assert_non_null(strstr(written(), "m[worker 3] 2 lines are missing here"));
	assert_non_null(strstr(line, "on we go\n"));
	mq_log(MQ_LOG_INFO, "m", "as usual");
	assert_null(strstr(written(), "missing"));
}

static void levels_are_read_as_the_application_writes_them(void **state)
{
	(void)state;
	enum mq_log_level level;

	assert_true(mq_log_level_parse("WARNING", &level));
	assert_int_equal(level, MQ_LOG_WARNING);
	assert_true(mq_log_level_parse("critical", &level));
	assert_int_equal(level, MQ_LOG_ERROR);
	assert_false(mq_log_level_parse("", &level));
	assert_false(mq_log_level_parse("verbose", &level));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_has_time_level_module_and_role, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_below_the_level_is_not_written, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_text_cannot_forge_a_second_line, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_journal_gets_a_priority_and_no_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_reader_that_stands_still_holds_nobody_up, set_up,
						tear_down),
		cmocka_unit_test(levels_are_read_as_the_application_writes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
