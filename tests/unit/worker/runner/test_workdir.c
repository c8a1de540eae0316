#include "support/cmocka_all.h"

#include "workdir.h"

#include <fcntl.h>
#include <ftw.h>
#include <mq/str.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_up(void **state)
{
	char *dir = mq_strdup("/tmp/mq-workdir-XXXXXX");

	assert_non_null(mkdtemp(dir));
	*state = dir;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static char *make(const char *temp_dir, int64_t job, int64_t token)
{
	struct mq_err err;
	char *path = NULL;

	if (mq_workdir_make(temp_dir, job, token, &path, &err) != MQ_OK)
		fail_msg("%s", err.text);
	return path;
}

static void put(const char *dir, const char *name)
{
	MQ_AUTO_FREE char *path = mq_strf("%s/%s", dir, name);
	MQ_AUTO_FD int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void it_is_private_and_goes_with_all_it_holds(void **state)
{
	MQ_AUTO_FREE char *path = make(*state, 42, 7);
	MQ_AUTO_FREE char *want = mq_strf("%s/processing/job-42-7", (const char *)*state);
	MQ_AUTO_FREE char *deep = mq_strf("%s/a", path);
	struct stat st;

	assert_string_equal(path, want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	put(path, "file");
	for (int i = 0; i < 5; i++) {
		assert_int_equal(mkdir(deep, 0700), 0);
		put(deep, ".hidden");
		char *deeper = mq_strf("%s/a", deep);

		free(deep);
		deep = deeper;
	}
	mq_workdir_remove(path);
	assert_false(exists(path));
}

static void what_a_link_leads_to_stays(void **state)
{
	MQ_AUTO_FREE char *path = make(*state, 1, 1);
	MQ_AUTO_FREE char *outside = mq_strf("%s/outside", (const char *)*state);
	MQ_AUTO_FREE char *inside = mq_strf("%s/link", path);
	MQ_AUTO_FREE char *file = mq_strf("%s/precious", outside);

	assert_int_equal(mkdir(outside, 0700), 0);
	put(outside, "precious");
	assert_int_equal(symlink(outside, inside), 0);
	mq_workdir_remove(path);
	assert_false(exists(path));
	assert_true(exists(file));
}

static void leftovers_of_older_attempts_of_the_same_job_are_swept(void **state)
{
	static const char *const strangers[] = { "job-42-x", "job-42-", "job-42-1-2",
						 "job--",    "other",	"xjob-42-1" };
	MQ_AUTO_FREE char *old = make(*state, 42, 1);
	MQ_AUTO_FREE char *newer = make(*state, 42, 9);
	MQ_AUTO_FREE char *own = make(*state, 42, 3);
	MQ_AUTO_FREE char *other = make(*state, 421, 1);
	MQ_AUTO_FREE char *folder = mq_strf("%s/processing", (const char *)*state);

	put(old, "left-behind");
	for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
		put(folder, strangers[i]);
	mq_workdir_sweep(*state, 42, 3);
	assert_false(exists(old));
	assert_true(exists(own));
	assert_true(exists(newer));
	assert_true(exists(other));
	for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
		MQ_AUTO_FREE char *path = mq_strf("%s/%s", folder, strangers[i]);

		assert_true(exists(path));
	}
	mq_workdir_sweep("/nonexistent", 42, 3);
}

static void a_place_that_cannot_be_used_is_named(void **state)
{
	MQ_AUTO_FREE char *file = mq_strf("%s/file", (const char *)*state);
	struct mq_err err;
	char *path = NULL;

	put(*state, "file");
	assert_int_not_equal(mq_workdir_make(file, 1, 1, &path, &err), MQ_OK);
	assert_non_null(strstr(err.text, file));
	assert_non_null(strstr(err.text, "temp_dir"));
	assert_null(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_private_and_goes_with_all_it_holds),
		TEST(what_a_link_leads_to_stays),
		TEST(leftovers_of_older_attempts_of_the_same_job_are_swept),
		TEST(a_place_that_cannot_be_used_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
