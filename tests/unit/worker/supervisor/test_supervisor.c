/*
 * The whole supervisor with children that only play their parts: a process for the supervisor,
 * which forks scripted children; every one of them writes what it sees as one line into a pipe that
 * the test reads.
 */
#include "support/cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <mq/log.h>
#include <mq/str.h>
#include <mq/supervisor.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define NEVER_MS    600000

struct script {
	int event_fd;
	int (*worker)(const struct script *script, const struct mq_child *child);
	int (*keeper)(const struct script *script, const struct mq_child *child);
	int64_t deadline_ms;
	bool reload_fails;
	int reload_workers;
};

struct rig {
	struct script script;
	int read_fd;
	FILE *events;
	pid_t supervisor;
	int pidfd;
};

/* ---------------------------------------------------------------- children */

static void event(const struct script *script, const char *fmt, ...) MQ_PRINTF(2, 3);

static void event(const struct script *script, const char *fmt, ...)
{
	char line[200];
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(line, sizeof line - 1, fmt, args);
	va_end(args);
	line[len++] = '\n';
	assert_int_equal(write(script->event_fd, line, (size_t)len), len);
}

static void say(const struct mq_child *child, enum mq_msg_type type, int64_t a, int64_t b)
{
	const struct mq_msg msg = { .type = (int32_t)type, .a = a, .b = b };

	mq_channel_send(child->channel_fd, &msg, NULL);
}

/* The next order; false when the supervisor is gone. */
static bool order(const struct mq_child *child, struct mq_msg *msg)
{
	for (;;) {
		struct pollfd in = { .fd = child->channel_fd, .events = POLLIN };
		int got = mq_channel_recv(child->channel_fd, msg);

		if (got != 0)
			return got > 0;
		poll(&in, 1, -1);
	}
}

static void ready(const struct script *script, const struct mq_child *child)
{
	say(child, MQ_MSG_READY, child->slot ? 1000 + child->slot : 0, 0);
	event(script, "ready %d %d", child->slot, (int)getpid());
}

static int obedient_worker(const struct script *script, const struct mq_child *child)
{
	struct mq_msg msg;

	ready(script, child);
	while (order(child, &msg) && msg.type != MQ_MSG_DRAIN)
		;
	event(script, "drained %d", child->slot);
	return 0;
}

/* Has job 7 at hand until it is told to stop it. */
static int busy_worker(const struct script *script, const struct mq_child *child)
{
	struct mq_msg msg;
	bool draining = false, stopped = false;

	ready(script, child);
	say(child, MQ_MSG_STARTED, 7, script->deadline_ms);
	event(script, "started %d", child->slot);
	while (!(draining && stopped) && order(child, &msg)) {
		draining |= msg.type == MQ_MSG_DRAIN;
		if (msg.type != MQ_MSG_STOP_JOB)
			continue;
		stopped = true;
		event(script, "stop %d %d", (int)msg.a, (int)msg.b);
		say(child, MQ_MSG_FINISHED, 7, 0);
	}
	event(script, "drained %d", child->slot);
	return 0;
}

static _Noreturn void hang(void)
{
	for (;;)
		pause();
}

/* Has a job, and a child of its own, and listens to nobody. */
static int deaf_worker(const struct script *script, const struct mq_child *child)
{
	ready(script, child);
	pid_t tool = fork();

	if (tool == 0)
		hang();
	event(script, "tool %d", (int)tool);
	say(child, MQ_MSG_STARTED, 7, script->deadline_ms);
	hang();
}

static int stillborn_worker(const struct script *script, const struct mq_child *child)
{
	event(script, "stillborn %d", child->slot);
	return 1;
}

static int fatal_worker(const struct script *script, const struct mq_child *child)
{
	event(script, "fatal %d", child->slot);
	return MQ_CHILD_EXIT_FATAL;
}

static int inspecting_worker(const struct script *script, const struct mq_child *child)
{
	int sockets = 0;
	DIR *dir = opendir("/proc/self/fd");

	for (const struct dirent *entry; (entry = readdir(dir));) {
		struct stat st;

		if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISSOCK(st.st_mode))
			sockets++;
	}
	closedir(dir);
	event(script, "sockets %d", sockets);
	return obedient_worker(script, child);
}

static int obedient_keeper(const struct script *script, const struct mq_child *child)
{
	struct mq_msg msg;

	ready(script, child);
	while (order(child, &msg) && msg.type != MQ_MSG_DRAIN) {
		if (msg.type != MQ_MSG_DIED)
			continue;
		event(script, "died %d %d %d", (int)msg.a, (int)msg.b, (int)msg.c);
		say(child, MQ_MSG_FINISHED, msg.a, 0);
	}
	event(script, "drained 0");
	return 0;
}

/* Reads of a death and does nothing about it. */
static int forgetful_keeper(const struct script *script, const struct mq_child *child)
{
	struct mq_msg msg;

	ready(script, child);
	while (order(child, &msg) && msg.type != MQ_MSG_DRAIN)
		if (msg.type == MQ_MSG_DIED)
			event(script, "heard %d", (int)msg.a);
	return 0;
}

static int idle_keeper(const struct script *script, const struct mq_child *child)
{
	ready(script, child);
	say(child, MQ_MSG_EMPTY, 0, 0);
	struct mq_msg msg;

	while (order(child, &msg) && msg.type != MQ_MSG_DRAIN)
		;
	return 0;
}

static int worker_main(void *ctx, const struct mq_child *child)
{
	const struct script *script = ctx;

	return script->worker(script, child);
}

static int keeper_main(void *ctx, const struct mq_child *child)
{
	const struct script *script = ctx;

	return script->keeper(script, child);
}

static enum mq_rc reload(void *ctx, int *ret_workers, int64_t *ret_drain_ms, struct mq_err *err)
{
	const struct script *script = ctx;

	event(script, "reload");
	if (script->reload_fails)
		return mq_err_set(err, MQ_E_INVALID, 0, "line 3: no such setting");
	*ret_workers = script->reload_workers;
	*ret_drain_ms = NEVER_MS;
	return MQ_OK;
}

/* ---------------------------------------------------------------- the rig */

static const struct mq_supervisor_ops ops = {
	.keeper_main = keeper_main,
	.worker_main = worker_main,
	.reload = reload,
};

static void start(struct rig *rig, struct mq_supervisor_options options)
{
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	rig->script.event_fd = pair[1];
	if (!rig->script.keeper)
		rig->script.keeper = obedient_keeper;
	options.ops = &ops;
	options.ctx = &rig->script;
	fflush(NULL);
	rig->supervisor = fork();
	if (rig->supervisor == 0) {
		close(pair[0]);
		mq_log_set_level(MQ_LOG_ERROR);
		exit(mq_supervisor_run(&options));
	}
	rig->pidfd = pidfd_open(rig->supervisor, 0);
	close(pair[1]);
	rig->read_fd = pair[0];
	rig->events = fdopen(pair[0], "r");
	setvbuf(rig->events, NULL, _IONBF, 0);
}

/* The next line, within patience. */
static char *next_event(struct rig *rig)
{
	struct pollfd in = { .fd = rig->read_fd, .events = POLLIN };
	static char line[200];

	assert_int_equal(poll(&in, 1, PATIENCE_MS), 1);
	if (!fgets(line, sizeof line, rig->events))
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* Reads on until a line begins so; returns the rest of it. */
static const char *wait_event(struct rig *rig, const char *prefix)
{
	const char *line;

	while ((line = next_event(rig)))
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			return line + strlen(prefix);
	fail_msg("'%s' did not happen", prefix);
	return "";
}

/* Waits until keeper and workers 1..n are ready; their pids by slot. */
static void wait_ready(struct rig *rig, int workers, pid_t *pids)
{
	for (int i = 0; i <= workers; i++) {
		int slot = -1, pid = 0;

		assert_int_equal(sscanf(wait_event(rig, "ready "), "%d %d", &slot, &pid), 2);
		assert_in_range(slot, 0, workers);
		pids[slot] = pid;
	}
}

static int end_status(struct rig *rig)
{
	struct pollfd end = { .fd = rig->pidfd, .events = POLLIN };
	int status = 0;

	while (next_event(rig))
		;
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	assert_int_equal(waitpid(rig->supervisor, &status, 0), rig->supervisor);
	assert_true(WIFEXITED(status));
	close(rig->pidfd);
	fclose(rig->events);
	return WEXITSTATUS(status);
}

static int stop(struct rig *rig)
{
	kill(rig->supervisor, SIGTERM);
	return end_status(rig);
}

/* Two different signals: equal ones that wait merge into one. */
static int interrupt(struct rig *rig)
{
	kill(rig->supervisor, SIGTERM);
	kill(rig->supervisor, SIGINT);
	return end_status(rig);
}

static const struct mq_supervisor_options patient = { .workers = 2,
						      .drain_ms = NEVER_MS,
						      .grace_ms = NEVER_MS };

/* ---------------------------------------------------------------- tests */

static void a_killed_worker_is_replaced_and_the_keeper_is_told(void **state)
{
	struct rig rig = { .script.worker = busy_worker };
	pid_t pids[3];
	int slot = 0, pid = 0;

	(void)state;
	start(&rig, patient);
	wait_ready(&rig, 2, pids);
	kill(pids[2], SIGKILL);
	bool died = false, replaced = false;

	while (!died || !replaced) {
		const char *line = next_event(&rig);

		assert_non_null(line);
		died |= strcmp(line, "died 1002 9 0") == 0;
		replaced |= sscanf(line, "ready %d %d", &slot, &pid) == 2 && slot == 2 &&
			    pid != pids[2];
	}
	assert_int_equal(interrupt(&rig), 0);
}

static void term_lets_workers_finish_and_the_keeper_ends_last(void **state)
{
	struct rig rig = { .script.worker = obedient_worker };
	pid_t pids[3];
	char last[200] = "";

	(void)state;
	start(&rig, patient);
	wait_ready(&rig, 2, pids);
	kill(rig.supervisor, SIGTERM);
	for (const char *line; (line = next_event(&rig));)
		strcpy(last, line);
	assert_string_equal(last, "drained 0");
	assert_int_equal(end_status(&rig), 0);
}

static void a_job_past_its_deadline_is_asked_to_stop(void **state)
{
	struct rig rig = { .script = { .worker = busy_worker, .deadline_ms = 20 } };

	(void)state;
	start(&rig, patient);
	assert_string_equal(wait_event(&rig, "stop 7 "), "2");
	assert_int_equal(stop(&rig), 0);
}

static void a_deaf_job_past_its_deadline_is_killed_with_its_tools(void **state)
{
	struct rig rig = { .script = { .worker = deaf_worker, .deadline_ms = 20 } };
	struct mq_supervisor_options options = { .workers = 1, .drain_ms = 0, .grace_ms = 20 };

	(void)state;
	start(&rig, options);
	pid_t tool = (pid_t)atoi(wait_event(&rig, "tool "));
	struct pollfd tool_end = { .fd = pidfd_open(tool, 0), .events = POLLIN };

	assert_string_equal(wait_event(&rig, "died 1001 "), "9 2");
	/* It was in the worker's group, which was killed before the keeper was told. */
	assert_int_equal(poll(&tool_end, 1, PATIENCE_MS), 1);
	close(tool_end.fd);
	assert_int_equal(stop(&rig), 0);
}

static void after_the_drain_time_jobs_are_interrupted(void **state)
{
	struct rig rig = { .script.worker = busy_worker };
	struct mq_supervisor_options options = { .workers = 1,
						 .drain_ms = 20,
						 .grace_ms = NEVER_MS };

	(void)state;
	start(&rig, options);
	wait_event(&rig, "started 1");
	kill(rig.supervisor, SIGTERM);
	assert_string_equal(wait_event(&rig, "stop 7 "), "1");
	assert_int_equal(end_status(&rig), 0);
}

static void what_does_not_stop_is_killed_and_the_keeper_learns_why(void **state)
{
	struct rig rig = { .script.worker = deaf_worker };
	struct mq_supervisor_options options = { .workers = 1, .drain_ms = 10, .grace_ms = 10 };

	(void)state;
	start(&rig, options);
	wait_event(&rig, "tool ");
	kill(rig.supervisor, SIGTERM);
	assert_string_equal(wait_event(&rig, "died 1001 "), "9 1");
	wait_event(&rig, "drained 0");
	assert_int_equal(end_status(&rig), 0);
}

static void a_second_term_interrupts_at_once(void **state)
{
	struct rig rig = { .script.worker = busy_worker };

	(void)state;
	start(&rig, (struct mq_supervisor_options){
			    .workers = 1, .drain_ms = NEVER_MS, .grace_ms = NEVER_MS });
	wait_event(&rig, "started 1");
	kill(rig.supervisor, SIGTERM);
	kill(rig.supervisor, SIGINT);
	assert_string_equal(wait_event(&rig, "stop 7 "), "1");
	assert_int_equal(end_status(&rig), 0);
}

static void a_third_term_kills(void **state)
{
	struct rig rig = { .script.worker = deaf_worker };

	(void)state;
	start(&rig, (struct mq_supervisor_options){
			    .workers = 1, .drain_ms = NEVER_MS, .grace_ms = NEVER_MS });
	wait_event(&rig, "tool ");
	struct pollfd in = { .fd = rig.read_fd, .events = POLLIN };

	bool died = false;

	/* Equal signals that wait merge into one: asked until it shows. */
	while (!died) {
		kill(rig.supervisor, SIGTERM);
		if (poll(&in, 1, 10) == 1)
			died = strcmp(next_event(&rig), "died 1001 9 1") == 0;
	}
	assert_int_equal(end_status(&rig), 0);
}

static void ttin_adds_a_worker_and_ttou_removes_the_last_one(void **state)
{
	struct rig rig = { .script.worker = obedient_worker };
	pid_t pids[4];

	(void)state;
	start(&rig, patient);
	wait_ready(&rig, 2, pids);
	kill(rig.supervisor, SIGTTIN);
	assert_int_equal(atoi(wait_event(&rig, "ready ")), 3);
	kill(rig.supervisor, SIGTTOU);
	assert_string_equal(wait_event(&rig, "drained "), "3");
	kill(rig.supervisor, SIGTTOU);
	assert_string_equal(wait_event(&rig, "drained "), "2");
	kill(rig.supervisor, SIGTTOU);
	kill(rig.supervisor, SIGTERM);
	assert_string_equal(wait_event(&rig, "drained "), "1");
	assert_int_equal(end_status(&rig), 0);
}

static void hup_replaces_every_child_with_the_new_configuration(void **state)
{
	struct rig rig = { .script = { .worker = obedient_worker, .reload_workers = 3 } };
	pid_t before[4] = { 0 }, after[4] = { 0 };

	(void)state;
	start(&rig, patient);
	wait_ready(&rig, 2, before);
	kill(rig.supervisor, SIGHUP);
	wait_event(&rig, "reload");
	wait_ready(&rig, 3, after);
	for (int slot = 0; slot <= 3; slot++) {
		assert_true(after[slot] > 0);
		assert_int_not_equal(after[slot], before[slot]);
	}
	assert_int_equal(stop(&rig), 0);
}

static void hup_with_a_broken_configuration_changes_nothing(void **state)
{
	struct rig rig = { .script = { .worker = obedient_worker, .reload_fails = true } };
	pid_t pids[3];

	(void)state;
	start(&rig, patient);
	wait_ready(&rig, 2, pids);
	kill(rig.supervisor, SIGHUP);
	wait_event(&rig, "reload");
	for (int slot = 0; slot <= 2; slot++)
		assert_int_equal(kill(pids[slot], 0), 0);
	kill(rig.supervisor, SIGTERM);
	for (const char *line; (line = next_event(&rig));)
		assert_int_not_equal(strncmp(line, "ready", 5), 0);
	assert_int_equal(end_status(&rig), 0);
}

static void a_child_that_says_fatal_ends_the_pool_with_its_status(void **state)
{
	struct rig rig = { .script.worker = fatal_worker };

	(void)state;
	start(&rig, patient);
	wait_event(&rig, "fatal");
	assert_int_equal(end_status(&rig), MQ_CHILD_EXIT_FATAL);
}

static void workers_that_die_before_ready_come_back_slowly(void **state)
{
	struct rig rig = { .script.worker = stillborn_worker };
	int seen = 0;

	(void)state;
	start(&rig, (struct mq_supervisor_options){ .workers = 1, .drain_ms = 0, .grace_ms = 0 });
	while (seen < 3)
		seen += strncmp(next_event(&rig), "stillborn", 9) == 0;
	assert_int_equal(stop(&rig), 0);
}

static void when_nothing_is_left_a_draining_pool_ends(void **state)
{
	struct rig rig = { .script = { .worker = obedient_worker, .keeper = idle_keeper } };
	struct mq_supervisor_options options = patient;

	(void)state;
	options.drain_when_empty = true;
	start(&rig, options);
	assert_int_equal(end_status(&rig), 0);
}

static void a_new_keeper_is_told_what_the_old_one_did_not_do(void **state)
{
	struct rig rig = { .script = { .worker = busy_worker, .keeper = forgetful_keeper } };
	pid_t pids[3];

	(void)state;
	start(&rig, patient);
	wait_ready(&rig, 2, pids);
	kill(pids[1], SIGKILL);
	assert_string_equal(wait_event(&rig, "heard "), "1001");
	kill(pids[0], SIGKILL);
	assert_string_equal(wait_event(&rig, "heard "), "1001");
	assert_int_equal(interrupt(&rig), 0);
}

static void a_child_holds_no_channel_but_its_own(void **state)
{
	struct rig rig = { .script.worker = inspecting_worker };

	(void)state;
	start(&rig, (struct mq_supervisor_options){
			    .workers = 3, .drain_ms = NEVER_MS, .grace_ms = NEVER_MS });
	for (int i = 0; i < 3; i++)
		assert_string_equal(wait_event(&rig, "sockets "), "1");
	assert_int_equal(stop(&rig), 0);
}

static void nothing_outlives_a_killed_supervisor(void **state)
{
	struct rig rig = { .script.worker = obedient_worker };
	pid_t pids[3];
	int pidfds[3];

	(void)state;
	start(&rig, patient);
	wait_ready(&rig, 2, pids);
	for (int i = 0; i < 3; i++)
		pidfds[i] = pidfd_open(pids[i], 0);
	kill(rig.supervisor, SIGKILL);
	waitpid(rig.supervisor, NULL, 0);
	for (int i = 0; i < 3; i++) {
		struct pollfd end = { .fd = pidfds[i], .events = POLLIN };

		assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
		close(pidfds[i]);
	}
	close(rig.pidfd);
	fclose(rig.events);
}

static void expect_notice(int fd, const char *part)
{
	char text[300];

	do {
		struct pollfd in = { .fd = fd, .events = POLLIN };

		assert_int_equal(poll(&in, 1, PATIENCE_MS), 1);
		ssize_t n = recv(fd, text, sizeof text - 1, 0);

		assert_true(n >= 0);
		text[n] = '\0';
	} while (!strstr(text, part));
}

static void a_service_manager_hears_of_every_step(void **state)
{
	struct rig rig = { .script = { .worker = obedient_worker, .reload_workers = 2 } };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	MQ_AUTO_FREE
	char *name = mq_strf("@mq-supervisor-test-%d", (int)getpid());
	MQ_AUTO_FD
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	memcpy(address.sun_path + 1, name + 1, strlen(name + 1));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "20000", 1);
	start(&rig, patient);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	expect_notice(fd, "READY=1");
	expect_notice(fd, "WATCHDOG=1");
	expect_notice(fd, "WATCHDOG=1");
	kill(rig.supervisor, SIGHUP);
	expect_notice(fd, "RELOADING=1\nMONOTONIC_USEC=");
	expect_notice(fd, "READY=1");
	kill(rig.supervisor, SIGTERM);
	expect_notice(fd, "STOPPING=1");
	assert_int_equal(end_status(&rig), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_worker_is_replaced_and_the_keeper_is_told),
		cmocka_unit_test(term_lets_workers_finish_and_the_keeper_ends_last),
		cmocka_unit_test(a_job_past_its_deadline_is_asked_to_stop),
		cmocka_unit_test(a_deaf_job_past_its_deadline_is_killed_with_its_tools),
		cmocka_unit_test(after_the_drain_time_jobs_are_interrupted),
		cmocka_unit_test(what_does_not_stop_is_killed_and_the_keeper_learns_why),
		cmocka_unit_test(a_second_term_interrupts_at_once),
		cmocka_unit_test(a_third_term_kills),
		cmocka_unit_test(ttin_adds_a_worker_and_ttou_removes_the_last_one),
		cmocka_unit_test(hup_replaces_every_child_with_the_new_configuration),
		cmocka_unit_test(hup_with_a_broken_configuration_changes_nothing),
		cmocka_unit_test(a_child_that_says_fatal_ends_the_pool_with_its_status),
		cmocka_unit_test(workers_that_die_before_ready_come_back_slowly),
		cmocka_unit_test(when_nothing_is_left_a_draining_pool_ends),
		cmocka_unit_test(a_new_keeper_is_told_what_the_old_one_did_not_do),
		cmocka_unit_test(a_child_holds_no_channel_but_its_own),
		cmocka_unit_test(nothing_outlives_a_killed_supervisor),
		cmocka_unit_test(a_service_manager_hears_of_every_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
