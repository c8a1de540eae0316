#include "support/cmocka_all.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mq/storage.h>
#include <mq/str.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

struct fixture {
	char dir[64]; /* holds the root and what lies outside */
	char root[80];
	struct mq_storage *st;
	struct mq_err err;
};

static int setup(void **state)
{
	struct fixture *f = mq_alloc(1, sizeof *f);

	snprintf(f->dir, sizeof f->dir, "/tmp/mq-storage-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->root, sizeof f->root, "%s/root", f->dir);
	if (mkdir(f->root, 0755) != 0)
		return -1;
	*state = f;
	return mq_storage_open_file(f->root, &f->st, NULL) == MQ_OK ? 0 : -1;
}

static void remove_tree(const char *path)
{
	char command[200];

	snprintf(command, sizeof command, "chmod -R u+rwx '%s' && rm -rf '%s'", path, path);
	assert_int_equal(system(command), 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mq_storage_close(f->st);
	remove_tree(f->dir);
	free(f);
	return 0;
}

static enum mq_rc put_text(struct fixture *f, const char *name, const char *text)
{
	MQ_AUTO(mq_sink) struct mq_sink *sink = NULL;
	enum mq_rc rc = mq_storage_put(f->st, name, &(struct mq_storage_put){ .mode = 0644 }, &sink,
				       &f->err);

	if (rc == MQ_OK)
		rc = mq_sink_puts(sink, text, &f->err);
	return rc == MQ_OK ? mq_sink_finish(sink, &f->err) : rc;
}

static void in_root(const struct fixture *f, const char *name, char path[static 512])
{
	snprintf(path, 512, "%s/%s", f->root, name);
}

/* NULL when there is no such file; freed by the caller. */
static char *content(const struct fixture *f, const char *name)
{
	char path[512];
	char buf[4096];
	struct mq_str text = { 0 };

	in_root(f, name, path);
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	for (size_t n; (n = fread(buf, 1, sizeof buf, file)) > 0;)
		mq_str_append(&text, buf, n);
	fclose(file);
	return text.data ? text.data : mq_strdup("");
}

static void assert_content(const struct fixture *f, const char *name, const char *expected)
{
	MQ_AUTO_FREE char *text = content(f, name);

	if (!expected) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_string_equal(text, expected);
}

/* Names in the folder, hidden ones included, without "." and "..". */
static int entries(const struct fixture *f, const char *folder)
{
	char path[512];
	int n = 0;

	in_root(f, folder, path);
	DIR *dir = opendir(path);
	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static mode_t mode_of(const struct fixture *f, const char *name)
{
	char path[512];
	struct stat st;

	in_root(f, name, path);
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---------------------------------------------------------------- publishing */

static void an_output_appears_at_finish_with_its_sum(void **state)
{
	struct fixture *f = *state;
	struct mq_sink_summary sum;
	struct mq_sink *sink = NULL;

	assert_int_equal(mq_storage_put(f->st, "a/b/x.csv",
					&(struct mq_storage_put){ .summary = &sum }, &sink,
					&f->err),
			 MQ_OK);
	assert_int_equal(mq_sink_puts(sink, "ab", NULL), MQ_OK);
	assert_int_equal(mq_sink_puts(sink, "c", NULL), MQ_OK);
	assert_int_equal(entries(f, "a/b"), 0);
	assert_int_equal(mq_sink_finish(sink, &f->err), MQ_OK);
	mq_sink_free(sink);
	assert_content(f, "a/b/x.csv", "abc");
	assert_int_equal(entries(f, "a/b"), 1);
	assert_int_equal(sum.bytes, 3);
	assert_string_equal(sum.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
					"f20015ad");
}

static void modes_do_not_depend_on_the_umask(void **state)
{
	struct fixture *f = *state;
	struct mq_sink *sink = NULL;
	mode_t old = umask(077);

	assert_int_equal(mq_storage_put(f->st, "d/e/x",
					&(struct mq_storage_put){ .mode = 0644, .dir_mode = 0755 },
					&sink, &f->err),
			 MQ_OK);
	assert_int_equal(mq_sink_finish(sink, &f->err), MQ_OK);
	mq_sink_free(sink);
	umask(0);
	assert_int_equal(mq_storage_put(f->st, "s/x", &(struct mq_storage_put){ .dir_mode = 0700 },
					&sink, &f->err),
			 MQ_OK);
	assert_int_equal(mq_sink_finish(sink, &f->err), MQ_OK);
	mq_sink_free(sink);
	umask(old);
	assert_int_equal(mode_of(f, "d"), 0755);
	assert_int_equal(mode_of(f, "d/e"), 0755);
	assert_int_equal(mode_of(f, "d/e/x"), 0644);
	assert_int_equal(mode_of(f, "s"), 0700);
	assert_int_equal(mode_of(f, "s/x"), 0600);
}

static void folders_that_exist_keep_their_mode(void **state)
{
	struct fixture *f = *state;
	char path[512];

	in_root(f, "d", path);
	assert_int_equal(mkdir(path, 0710), 0);
	assert_int_equal(put_text(f, "d/x", "1"), MQ_OK);
	assert_int_equal(mode_of(f, "d"), 0710);
}

static void an_existing_object_is_replaced(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put_text(f, "x", "old and longer"), MQ_OK);
	assert_int_equal(put_text(f, "x", "new"), MQ_OK);
	assert_content(f, "x", "new");
	assert_int_equal(entries(f, "."), 1);
}

static void an_unfinished_output_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct mq_sink *sink = NULL;

	assert_int_equal(put_text(f, "x", "old"), MQ_OK);
	assert_int_equal(mq_storage_put(f->st, "x", &(struct mq_storage_put){ 0 }, &sink, &f->err),
			 MQ_OK);
	assert_int_equal(mq_sink_puts(sink, "half", NULL), MQ_OK);
	mq_sink_free(sink);
	assert_content(f, "x", "old");
	assert_int_equal(entries(f, "."), 1);
}

static enum mq_rc refuse(void *ctx, struct mq_err *err)
{
	const struct mq_sink_summary *sum = ctx;

	assert_int_equal(sum->bytes, 4);
	assert_int_equal(strlen(sum->sha256), 64);
	return mq_err_set(err, MQ_E_STALE, 0, "not yours");
}

static void who_may_not_publish_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct mq_sink_summary sum = { 0 };
	struct mq_storage_put how = { .may_publish = refuse, .ctx = &sum, .summary = &sum };

	assert_int_equal(put_text(f, "x", "old"), MQ_OK);
	static const char *const names[] = { "x", "y" };
	for (int i = 0; i < 2; i++) {
		struct mq_sink *sink = NULL;

		assert_int_equal(mq_storage_put(f->st, names[i], &how, &sink, &f->err), MQ_OK);
		assert_int_equal(mq_sink_puts(sink, "late", NULL), MQ_OK);
		assert_int_equal(mq_sink_finish(sink, &f->err), MQ_E_STALE);
		mq_sink_free(sink);
	}
	assert_content(f, "x", "old");
	assert_int_equal(entries(f, "."), 1);
}

static void a_sink_outlives_its_storage(void **state)
{
	struct fixture *f = *state;
	struct mq_storage *st = NULL;
	struct mq_sink *sink = NULL;

	assert_int_equal(mq_storage_open_file(f->root, &st, &f->err), MQ_OK);
	assert_int_equal(mq_storage_put(st, "x", &(struct mq_storage_put){ 0 }, &sink, &f->err),
			 MQ_OK);
	mq_storage_close(st);
	assert_int_equal(mq_sink_finish(sink, &f->err), MQ_OK);
	mq_sink_free(sink);
	assert_content(f, "x", "");
}

/* ---------------------------------------------------------------- refusing */

static void links_are_not_followed(void **state)
{
	struct fixture *f = *state;
	char path[512];
	int64_t bytes;

	in_root(f, "out", path);
	assert_int_equal(symlink(f->dir, path), 0);
	in_root(f, "here", path);
	assert_int_equal(symlink("sub", path), 0);
	assert_int_equal(put_text(f, "sub/x", "inside"), MQ_OK);

	assert_int_equal(put_text(f, "out/x", "escaped"), MQ_E_DENIED);
	assert_non_null(strstr(f->err.text, "root/out"));
	assert_int_equal(put_text(f, "out/new/x", "escaped"), MQ_E_DENIED);
	assert_int_equal(put_text(f, "here/x", "by link"), MQ_E_DENIED);
	assert_int_equal(mq_storage_remove(f->st, "here/x", NULL), MQ_E_DENIED);
	assert_int_equal(mq_storage_size(f->st, "here/x", &bytes, NULL), MQ_E_DENIED);
	assert_int_equal(entries(f, ".."), 1);
	assert_content(f, "sub/x", "inside");
}

static void a_link_in_the_place_of_the_object_is_replaced_not_followed(void **state)
{
	struct fixture *f = *state;
	char path[512], victim[512];
	int64_t bytes;

	in_root(f, "../victim", victim);
	FILE *file = fopen(victim, "w");
	assert_non_null(file);
	fputs("untouched", file);
	fclose(file);
	in_root(f, "x", path);
	assert_int_equal(symlink(victim, path), 0);
	assert_int_equal(mq_storage_size(f->st, "x", &bytes, NULL), MQ_E_DENIED);
	assert_int_equal(put_text(f, "x", "mine"), MQ_OK);
	assert_content(f, "x", "mine");
	assert_content(f, "../victim", "untouched");
}

static void a_folder_in_the_place_of_the_object_is_an_error(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put_text(f, "d/x", "1"), MQ_OK);
	assert_int_equal(put_text(f, "d", "2"), MQ_E_DENIED);
	assert_non_null(strstr(f->err.text, "root/d"));
	assert_int_equal(put_text(f, "d/x/y", "3"), MQ_E_DENIED);
	assert_int_equal(entries(f, "."), 1);
	assert_content(f, "d/x", "1");
}

static void a_root_that_is_missing_is_named(void **state)
{
	struct fixture *f = *state;
	struct mq_storage *st = NULL;

	assert_int_equal(mq_storage_open_file("/nonexistent/exports", &st, &f->err), MQ_E_NOTFOUND);
	assert_non_null(strstr(f->err.text, "/nonexistent/exports"));
	assert_null(st);
}

static void what_cannot_fit_is_refused_before_the_first_byte(void **state)
{
	struct fixture *f = *state;
	struct mq_sink *sink = NULL;

	assert_int_equal(mq_storage_put(f->st, "x",
					&(struct mq_storage_put){ .expect_bytes = INT64_MAX },
					&sink, &f->err),
			 MQ_E_NOSPACE);
	assert_non_null(strstr(f->err.text, "root/x"));
	assert_int_equal(entries(f, "."), 0);
}

static void a_full_disk_is_told_with_the_path_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small = { 1000, RLIM_INFINITY };
	static char block[1500];
	struct mq_sink *sink = NULL;

	assert_int_equal(put_text(f, "x", "old"), MQ_OK);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(mq_storage_put(f->st, "x", &(struct mq_storage_put){ 0 }, &sink, &f->err),
			 MQ_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	enum mq_rc rc = mq_sink_write(sink, block, sizeof block, &f->err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, MQ_E_NOSPACE);
	assert_non_null(strstr(f->err.text, "root/x"));
	mq_sink_free(sink);
	assert_content(f, "x", "old");
	assert_int_equal(entries(f, "."), 1);
}

static void removing_and_measuring_know_what_is_there(void **state)
{
	struct fixture *f = *state;
	int64_t bytes = -1;

	assert_int_equal(put_text(f, "d/x", "12345"), MQ_OK);
	assert_int_equal(mq_storage_size(f->st, "d/x", &bytes, &f->err), MQ_OK);
	assert_int_equal(bytes, 5);
	assert_int_equal(mq_storage_size(f->st, "d", &bytes, &f->err), MQ_E_DENIED);
	assert_int_equal(mq_storage_remove(f->st, "d/x", &f->err), MQ_OK);
	assert_int_equal(mq_storage_remove(f->st, "d/x", &f->err), MQ_E_NOTFOUND);
	assert_int_equal(mq_storage_size(f->st, "d/x", &bytes, &f->err), MQ_E_NOTFOUND);
	assert_int_equal(mq_storage_remove(f->st, "no/x", &f->err), MQ_E_NOTFOUND);
	assert_int_equal(entries(f, "."), 1); /* looking makes no folder */
}

/* ---------------------------------------------------------------- kernels, file systems and kills
 */

#define FILTER_SYSCALL(nr)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define FILTER_RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))

static void filter(const struct sock_filter *code, unsigned short len)
{
	struct sock_fprog prog = { len, (struct sock_filter *)(uintptr_t)code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		_exit(77);
}

/* A kernel without openat2() and a file system without O_TMPFILE. */
static void become_old(void)
{
	const struct sock_filter code[] = {
		FILTER_SYSCALL(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		FILTER_RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		FILTER_RETURN(SECCOMP_RET_ERRNO | EOPNOTSUPP),
		FILTER_RETURN(SECCOMP_RET_ALLOW),
	};

	filter(code, sizeof code / sizeof code[0]);
}

static void die_at(unsigned int nr)
{
	const struct sock_filter code[] = {
		FILTER_SYSCALL(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		FILTER_RETURN(SECCOMP_RET_KILL_PROCESS),
		FILTER_RETURN(SECCOMP_RET_ALLOW),
	};

	filter(code, sizeof code / sizeof code[0]);
}

/* Runs `child` in a process of its own; its wait status. */
static int in_child(void (*child)(struct fixture *), struct fixture *f)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		child(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* no seccomp filters here */
	return status;
}

static void expect(bool ok)
{
	if (!ok)
		_exit(1);
}

static bool temp_is_visible(const struct fixture *f)
{
	DIR *dir = opendir(f->root);
	bool seen = false;

	for (struct dirent *e; (e = readdir(dir));)
		seen = seen || strncmp(e->d_name, MQ_STORAGE_TEMP_PREFIX, 4) == 0;
	closedir(dir);
	return seen;
}

static void old_system_puts(struct fixture *f)
{
	struct mq_sink *sink = NULL;

	become_old();
	expect(put_text(f, "a/b", "1") == MQ_OK);
	expect(put_text(f, "a/b", "2") == MQ_OK);
	expect(put_text(f, "link/x", "3") == MQ_E_DENIED);
	expect(mq_storage_put(f->st, "x", &(struct mq_storage_put){ 0 }, &sink, NULL) == MQ_OK);
	expect(temp_is_visible(f)); /* else this test tests nothing */
	expect(put_text(f, "x", "4") == MQ_E_BUSY);
	mq_sink_free(sink);
	expect(!temp_is_visible(f));
	expect(put_text(f, "x", "5") == MQ_OK);
}

static void old_systems_are_served_too(void **state)
{
	struct fixture *f = *state;
	char path[512];

	in_root(f, "link", path);
	assert_int_equal(symlink(f->dir, path), 0);
	assert_int_equal(in_child(old_system_puts, f), 0);
	assert_content(f, "a/b", "2");
	assert_content(f, "x", "5");
	assert_int_equal(entries(f, "a"), 1);
	assert_int_equal(entries(f, "."), 3);
}

static void die_replacing(struct fixture *f)
{
	die_at(SYS_renameat);
	put_text(f, "x", "new");
}

static void die_replacing_on_an_old_system(struct fixture *f)
{
	become_old();
	die_replacing(f);
}

static void die_at_first_publishing(struct fixture *f)
{
	die_at(SYS_linkat);
	put_text(f, "y", "new");
}

static void what_a_killed_writer_left_goes_with_the_next_put(void **state)
{
	struct fixture *f = *state;
	static void (*const deaths[])(struct fixture *) = { die_replacing,
							    die_replacing_on_an_old_system };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(put_text(f, "x", "old"), MQ_OK);
		assert_true(WIFSIGNALED(in_child(deaths[i], f)));
		assert_content(f, "x", "old");
		assert_true(temp_is_visible(f));
		assert_int_equal(put_text(f, "x", "newer"), MQ_OK);
		assert_content(f, "x", "newer");
		assert_int_equal(entries(f, "."), 1);
	}
}

static void a_writer_killed_before_the_first_publishing_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	assert_true(WIFSIGNALED(in_child(die_at_first_publishing, f)));
	assert_int_equal(entries(f, "."), 0);
}

static void the_file_of_a_living_writer_is_not_taken_for_a_leftover(void **state)
{
	struct fixture *f = *state;
	char path[512];

	/* The name is the storage's secret: let a killed writer show it. */
	assert_int_equal(put_text(f, "x", "old"), MQ_OK);
	assert_true(WIFSIGNALED(in_child(die_replacing, f)));
	DIR *dir = opendir(f->root);
	for (struct dirent *e; (e = readdir(dir));)
		if (strncmp(e->d_name, MQ_STORAGE_TEMP_PREFIX, 4) == 0)
			in_root(f, e->d_name, path);
	closedir(dir);
	MQ_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(put_text(f, "x", "mine"), MQ_E_BUSY);
	assert_content(f, "x", "old");
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
	fd = -1;
	assert_int_equal(put_text(f, "x", "mine"), MQ_OK);
	assert_int_equal(entries(f, "."), 1);
}

#define WHOLE 20000 /* bytes of the object that the victims write */

static void write_for_ever(struct fixture *f)
{
	char part[500];

	for (unsigned int round = 0;; round++) {
		MQ_AUTO(mq_sink) struct mq_sink *sink = NULL;

		memset(part, 'a' + (int)(round % 26), sizeof part);
		expect(mq_storage_put(f->st, "d/x", &(struct mq_storage_put){ 0 }, &sink, NULL) ==
		       MQ_OK);
		for (int i = 0; i < WHOLE / 500; i++)
			expect(mq_sink_write(sink, part, sizeof part, NULL) == MQ_OK);
		expect(mq_sink_finish(sink, NULL) == MQ_OK);
	}
}

static void assert_whole_or_absent(const struct fixture *f, const char *name)
{
	MQ_AUTO_FREE char *text = content(f, name);

	if (!text)
		return;
	assert_int_equal(strlen(text), WHOLE);
	assert_int_equal(strspn(text, (char[]){ text[0], '\0' }), WHOLE);
}

static void writers_killed_at_any_moment_leave_whole_files_only(void **state)
{
	struct fixture *f = *state;
	unsigned int seed = 1;

	for (int i = 0; i < 150; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			write_for_ever(f);
			_exit(0);
		}
		struct timespec moment = { 0, rand_r(&seed) % (4 * 1000 * 1000) };
		nanosleep(&moment, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_whole_or_absent(f, "d/x");
		assert_true(entries(f, "d") <= 2);
	}
	assert_int_equal(put_text(f, "d/x", "last"), MQ_OK);
	assert_int_equal(entries(f, "d"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_output_appears_at_finish_with_its_sum),
		TEST(modes_do_not_depend_on_the_umask),
		TEST(folders_that_exist_keep_their_mode),
		TEST(an_existing_object_is_replaced),
		TEST(an_unfinished_output_leaves_nothing),
		TEST(who_may_not_publish_changes_nothing),
		TEST(a_sink_outlives_its_storage),
		TEST(links_are_not_followed),
		TEST(a_link_in_the_place_of_the_object_is_replaced_not_followed),
		TEST(a_folder_in_the_place_of_the_object_is_an_error),
		TEST(a_root_that_is_missing_is_named),
		TEST(what_cannot_fit_is_refused_before_the_first_byte),
		TEST(a_full_disk_is_told_with_the_path_and_leaves_nothing),
		TEST(removing_and_measuring_know_what_is_there),
		TEST(old_systems_are_served_too),
		TEST(what_a_killed_writer_left_goes_with_the_next_put),
		TEST(a_writer_killed_before_the_first_publishing_leaves_nothing),
		TEST(the_file_of_a_living_writer_is_not_taken_for_a_leftover),
		TEST(writers_killed_at_any_moment_leave_whole_files_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
