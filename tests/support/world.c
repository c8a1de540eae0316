#include "cmocka_all.h"

#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <mq/clock.h>
#include <mq/str.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const folders[] = { "data",	    "data/exports", "data/uploads", "data/backups",
				       "data/logs", "data/cache",   "data/temp" };

/* ---------------------------------------------------------------- the place */

static char *program(void)
{
	const char *build = getenv("MQ_BINARY_DIR");

	assert_non_null(build);
	return mq_strf("%s/tests/system/mq-worker-test", build);
}

void world_configure(const struct world *world, const char *settings)
{
	MQ_AUTO_FREE char *path = mq_strf("%s/mq-worker.conf", world->dir);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "[data]\ndir = %s/data\n[database]\nurl = sqlite:///%s\n%s", world->dir,
		world->database, settings ?: "");
	assert_int_equal(fclose(file), 0);
}

static void make_database(struct world *world)
{
	assert_int_equal(sqlite3_open(world->database, &world->db), SQLITE_OK);
	sqlite3_busy_timeout(world->db, WORLD_PATIENCE_MS);
	world_sql(world, "PRAGMA journal_mode = WAL");
	world_sql(world, "PRAGMA synchronous = OFF");
	world_sql(world, "CREATE TABLE bookings (id TEXT PRIMARY KEY, amount REAL)");
	world_sql(world, "CREATE TABLE test_effects (job_id INTEGER, attempt INTEGER)");
}

static int make_fifo(const char *path)
{
	assert_int_equal(mkfifo(path, 0600), 0);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

struct world *world_new(const char *settings)
{
	struct world *world = mq_alloc(1, sizeof *world);

	strcpy(world->dir, "/tmp/mq-world-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		MQ_AUTO_FREE char *path = mq_strf("%s/%s", world->dir, folders[i]);

		assert_int_equal(mkdir(path, 0755), 0);
	}
	world->database = mq_strf("%s/data/app.db", world->dir);
	world->fifo = mq_strf("%s/fifo", world->dir);
	world->release = mq_strf("%s/release", world->dir);
	world->fifo_fd = make_fifo(world->fifo);
	world->release_fd = make_fifo(world->release);
	world_configure(world, settings);
	make_database(world);
	/* The tables of the queue: made by the program itself. */
	assert_int_equal(proc_wait(proc_start(world, "init", NULL)), 0);
	return world;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void world_free(struct world *world)
{
	sqlite3_close(world->db);
	close(world->fifo_fd);
	close(world->release_fd);
	nftw(world->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(world->database);
	free(world->fifo);
	free(world->release);
	free(world);
}

/* ---------------------------------------------------------------- the database */

static char *vformat(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

static char *vformat(const char *fmt, va_list args)
{
	char *text = NULL;

	assert_true(vasprintf(&text, fmt, args) >= 0);
	return text;
}

static char *query(const struct world *world, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	char *text = NULL;

	if (sqlite3_prepare_v2(world->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(world->db));
	while (sqlite3_step(stmt) == SQLITE_ROW)
		if (!text)
			text = mq_strdup((const char *)sqlite3_column_text(stmt, 0));
	if (sqlite3_finalize(stmt) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(world->db));
	return text;
}

char *world_text(const struct world *world, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	MQ_AUTO_FREE char *sql = vformat(fmt, args);

	va_end(args);
	return query(world, sql);
}

void world_sql(const struct world *world, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	MQ_AUTO_FREE char *sql = vformat(fmt, args);

	va_end(args);
	free(query(world, sql));
}

int64_t world_int(const struct world *world, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	MQ_AUTO_FREE char *sql = vformat(fmt, args);

	va_end(args);
	MQ_AUTO_FREE char *text = query(world, sql);

	return text ? atoll(text) : 0;
}

static char *replace(const char *text, const char *name, const char *value)
{
	const char *at = strstr(text, name);

	if (!at)
		return mq_strdup(text);
	return mq_strf("%.*s%s%s", (int)(at - text), text, value, at + strlen(name));
}

int64_t world_enqueue(const struct world *world, const char *kind, const char *payload)
{
	MQ_AUTO_FREE char *with_fifo = replace(payload, "%FIFO%", world->fifo);
	MQ_AUTO_FREE char *full = replace(with_fifo, "%RELEASE%", world->release);

	world_sql(world, "INSERT INTO jobs (kind, payload) VALUES ('%s', '%s')", kind, full);
	return sqlite3_last_insert_rowid(world->db);
}

void world_enqueue_many(const struct world *world, const char *kind, int n)
{
	world_sql(world,
		  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		  "INSERT INTO jobs (kind) SELECT '%s' FROM n",
		  n, kind);
}

void world_await(const struct world *world, int64_t wanted, const char *sql)
{
	MQ_AUTO_FREE char *folder = mq_strf("%s/data", world->dir);
	MQ_AUTO_FD int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int64_t until_us = mq_clock_mono_us() + WORLD_PATIENCE_MS * 1000;
	struct pollfd in = { .fd = fd, .events = POLLIN };
	char events[4096];

	assert_true(inotify_add_watch(fd, folder, IN_MODIFY | IN_CREATE) >= 0);
	while (world_int(world, "%s", sql) != wanted) {
		if (mq_clock_mono_us() > until_us)
			fail_msg("%s: %lld is not %lld", sql,
				 (long long)world_int(world, "%s", sql), (long long)wanted);
		/* A commit can become visible shortly after the write that is seen here. */
		poll(&in, 1, 20);
		while (read(fd, events, sizeof events) > 0)
			;
	}
}

struct announcement world_announced(const struct world *world)
{
	struct announcement got;
	struct pollfd in = { .fd = world->fifo_fd, .events = POLLIN };
	long long job, attempt;
	char line[200];
	size_t len = 0;

	if (poll(&in, 1, WORLD_PATIENCE_MS) != 1)
		fail_msg("no job has started");
	/* Lines are written whole. */
	do
		assert_int_equal(read(world->fifo_fd, line + len, 1), 1);
	while (line[len++] != '\n');
	line[len] = '\0';
	assert_int_equal(sscanf(line, "%lld %lld %d %d", &job, &attempt, &got.pid, &got.tool), 4);
	got.job = job;
	got.attempt = attempt;
	return got;
}

void world_release(const struct world *world, int jobs)
{
	for (int i = 0; i < jobs; i++)
		assert_int_equal(write(world->release_fd, "x", 1), 1);
}

/* ---------------------------------------------------------------- processes */

static int listen_for_notices(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path + 1, name + 1, strlen(name + 1));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	return fd;
}

static _Noreturn void become(const char *const *argv, const char *dir, const char *log,
			     const char *notify)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	/* A test that fails leaves its pool running; it must not outlive the test program. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fd, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	setenv("NOTIFY_SOCKET", notify, 1);
	if (chdir(dir) == 0)
		execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

struct proc *proc_start(const struct world *world, ...)
{
	static int count;
	struct proc *proc = mq_alloc(1, sizeof *proc);
	MQ_AUTO_FREE char *binary = program();
	MQ_AUTO_FREE char *config = mq_strf("%s/mq-worker.conf", world->dir);
	MQ_AUTO_FREE char *notify = mq_strf("@mq-world-%d-%d", (int)getpid(), ++count);
	const char *argv[16] = { binary, "--config", config };
	va_list args;

	va_start(args, world);
	for (int i = 3; i < 15 && (argv[i] = va_arg(args, const char *)); i++)
		;
	va_end(args);
	proc->log = mq_strf("%s/log.%d", world->dir, count);
	proc->notify_fd = listen_for_notices(notify);
	fflush(NULL);
	proc->pid = fork();
	assert_true(proc->pid >= 0);
	if (proc->pid == 0)
		become(argv, world->dir, proc->log, notify);
	proc->pidfd = pidfd_open(proc->pid, 0);
	assert_true(proc->pidfd >= 0);
	return proc;
}

static void show_log(const struct proc *proc)
{
	FILE *file = fopen(proc->log, "r");
	char line[2000];

	while (file && fgets(line, sizeof line, file))
		print_message("  | %s", line);
	if (file)
		fclose(file);
}

void proc_await_notice(const struct proc *proc, const char *text)
{
	struct pollfd in = { .fd = proc->notify_fd, .events = POLLIN };
	char notice[300];

	do {
		if (poll(&in, 1, WORLD_PATIENCE_MS) != 1) {
			show_log(proc);
			fail_msg("'%s' was not said", text);
		}
		ssize_t n = recv(proc->notify_fd, notice, sizeof notice - 1, 0);

		assert_true(n >= 0);
		notice[n] = '\0';
	} while (!strstr(notice, text));
}

static void proc_free(struct proc *proc)
{
	close(proc->pidfd);
	close(proc->notify_fd);
	free(proc->log);
	free(proc);
}

int proc_wait(struct proc *proc)
{
	struct pollfd end = { .fd = proc->pidfd, .events = POLLIN };
	int status = 0;

	if (poll(&end, 1, WORLD_PATIENCE_MS) != 1) {
		show_log(proc);
		fail_msg("the program does not end");
	}
	assert_int_equal(waitpid(proc->pid, &status, 0), proc->pid);
	if (status != 0)
		show_log(proc);
	proc_free(proc);
	return status;
}

int proc_stop(struct proc *proc)
{
	kill(proc->pid, SIGTERM);
	return proc_wait(proc);
}

bool proc_logged(const struct proc *proc, const char *text)
{
	FILE *file = fopen(proc->log, "r");
	char line[4000];
	bool found = false;

	while (file && !found && fgets(line, sizeof line, file))
		found = strstr(line, text) != NULL;
	if (file)
		fclose(file);
	return found;
}

/* The pidfds of the processes whose parent is `parent`. */
static size_t children_of(pid_t parent, int *pidfds, size_t max)
{
	MQ_AUTO_FREE char *path = mq_strf("/proc/%d/task/%d/children", (int)parent, (int)parent);
	FILE *file = fopen(path, "r");
	size_t n = 0;
	int pid;

	while (file && n < max && fscanf(file, "%d", &pid) == 1) {
		pidfds[n] = pidfd_open(pid, 0);
		n += pidfds[n] >= 0;
	}
	if (file)
		fclose(file);
	return n;
}

void proc_kill_pool(struct proc *proc)
{
	int pidfds[300];

	/* Stopped first: what it would fork meanwhile could not be waited for. */
	kill(proc->pid, SIGSTOP);
	size_t n = children_of(proc->pid, pidfds, sizeof pidfds / sizeof pidfds[0]);

	kill(proc->pid, SIGKILL);
	assert_int_equal(waitpid(proc->pid, NULL, 0), proc->pid);
	for (size_t i = 0; i < n; i++) {
		struct pollfd end = { .fd = pidfds[i], .events = POLLIN };

		assert_int_equal(poll(&end, 1, WORLD_PATIENCE_MS), 1);
		close(pidfds[i]);
	}
	proc_free(proc);
}
