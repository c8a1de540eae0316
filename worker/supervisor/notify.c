#include "notify.h"

#include <mq/str.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int connect_to(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof address.sun_path)
		return -1;
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	/* The length decides where an abstract name ends. */
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int64_t watchdog_interval_us(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t interval_us = 0, wanted_pid = 0;

	if (!usec || !mq_int_parse(usec, &interval_us) || interval_us <= 0)
		return 0;
	if (pid && (!mq_int_parse(pid, &wanted_pid) || wanted_pid != getpid()))
		return 0;
	return interval_us / 2;
}

void mq_notify_open(struct mq_notify *notify)
{
	const char *name = getenv("NOTIFY_SOCKET");

	notify->fd = name ? connect_to(name) : -1;
	notify->watchdog_us = notify->fd >= 0 ? watchdog_interval_us() : 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void mq_notify_close(struct mq_notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

void mq_notify_send(const struct mq_notify *notify, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (notify->fd < 0)
		return;
	va_start(args, fmt);
	int len = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (len > 0 && (size_t)len < sizeof text)
		(void)!send(notify->fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
}
