#include "support/cmocka_all.h"

#include "notify.h"

#include <mq/str.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A service manager's end; the name is bound as NOTIFY_SOCKET says it. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	return fd;
}

static void receive(int fd, char *text, size_t size)
{
	ssize_t n = recv(fd, text, size - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
}

static void messages_arrive_at(const char *name)
{
	struct mq_notify notify;
	char text[256];
	int fd = listen_at(name);

	setenv("NOTIFY_SOCKET", name, 1);
	mq_notify_open(&notify);
	mq_notify_send(&notify, "READY=1\nSTATUS=%d workers", 4);
	receive(fd, text, sizeof text);
	assert_string_equal(text, "READY=1\nSTATUS=4 workers");
	assert_null(getenv("NOTIFY_SOCKET"));
	mq_notify_close(&notify);
	close(fd);
}

static void a_socket_in_the_file_system_is_reached(void **state)
{
	char dir[] = "/tmp/mq-notify-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	MQ_AUTO_FREE
	char *name = mq_strf("%s/socket", dir);

	messages_arrive_at(name);
	unlink(name);
	rmdir(dir);
}

static void an_abstract_socket_is_reached(void **state)
{
	MQ_AUTO_FREE
	char *name = mq_strf("@mq-notify-test-%d", (int)getpid());

	(void)state;
	messages_arrive_at(name);
}

static void nobody_listening_is_no_error(void **state)
{
	static const char *const names[] = { "",	 "@",	      "/",
					     "relative", "vsock:2:3", "/nonexistent/socket" };
	struct mq_notify notify;
	char long_name[300];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		mq_notify_open(&notify);
		assert_int_equal(notify.fd, -1);
		mq_notify_send(&notify, "READY=1");
	}
	memset(long_name, 'a', sizeof long_name - 1);
	long_name[0] = '/';
	long_name[sizeof long_name - 1] = '\0';
	setenv("NOTIFY_SOCKET", long_name, 1);
	mq_notify_open(&notify);
	assert_int_equal(notify.fd, -1);
	unsetenv("NOTIFY_SOCKET");
	mq_notify_open(&notify);
	assert_int_equal(notify.fd, -1);
}

static void the_watchdog_is_fed_at_half_its_time_when_it_means_this_process(void **state)
{
	char own[32];
	MQ_AUTO_FREE
	char *name = mq_strf("@mq-notify-dog-%d", (int)getpid());
	int fd = listen_at(name);
	struct {
		const char *usec, *pid;
		int64_t want_us;
	} cases[] = {
		{ "30000000", NULL, 15000000 },
		{ "30000000", own, 15000000 },
		{ "30000000", "1", 0 },
		{ "0", NULL, 0 },
		{ "-5", NULL, 0 },
		{ "soon", NULL, 0 },
		{ "30000000", "me", 0 },
		{ NULL, NULL, 0 },
	};

	(void)state;
	snprintf(own, sizeof own, "%d", (int)getpid());
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mq_notify notify;

		setenv("NOTIFY_SOCKET", name, 1);
		if (cases[i].usec)
			setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid)
			setenv("WATCHDOG_PID", cases[i].pid, 1);
		mq_notify_open(&notify);
		assert_int_equal(notify.watchdog_us, cases[i].want_us);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
		mq_notify_close(&notify);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_in_the_file_system_is_reached),
		cmocka_unit_test(an_abstract_socket_is_reached),
		cmocka_unit_test(nobody_listening_is_no_error),
		cmocka_unit_test(the_watchdog_is_fed_at_half_its_time_when_it_means_this_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
