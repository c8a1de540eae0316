#include <mq/log.h>

#include <mq/clock.h>
#include <mq/str.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static enum mq_log_level threshold = MQ_LOG_INFO;
static char role[32] = "mq-worker";
static int log_fd = STDERR_FILENO;

/* A paused terminal or a pipe that nobody reads must not make the pool stand still. */
#define PATIENCE_MS 1000
static long long lost; /* lines, since the last one that was taken */

static const struct {
	const char *name;
	const char *padded;
	int syslog_priority; /* sd-daemon(3): "<N>" in front of a line */
} levels[MQ_LOG_LEVEL_COUNT] = {
	[MQ_LOG_DEBUG] = { "debug", "DEBUG", 7 },
	[MQ_LOG_INFO] = { "info", "INFO ", 6 },
	[MQ_LOG_WARNING] = { "warning", "WARN ", 4 },
	[MQ_LOG_ERROR] = { "error", "ERROR", 3 },
};

static const struct {
	const char *word;
	enum mq_log_level level;
} words[] = {
	{ "debug", MQ_LOG_DEBUG },  { "info", MQ_LOG_INFO },   { "warning", MQ_LOG_WARNING },
	{ "warn", MQ_LOG_WARNING }, { "error", MQ_LOG_ERROR }, { "critical", MQ_LOG_ERROR },
};

bool mq_log_level_parse(const char *text, enum mq_log_level *ret_level)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcasecmp(text, words[i].word) == 0) {
			*ret_level = words[i].level;
			return true;
		}
	}
	return false;
}

const char *mq_log_level_name(enum mq_log_level level)
{
	return levels[level].name;
}

void mq_log_set_level(enum mq_log_level level)
{
	threshold = level;
}

void mq_log_set_role(const char *text)
{
	snprintf(role, sizeof role, "%s", text);
	lost = 0;
}

void mq_log_set_fd(int fd)
{
	log_fd = fd;
}

/* A text from outside must not forge a second line or move the reader's cursor. */
static void put_escaped(struct mq_str *line, const char *text)
{
	while (*text) {
		size_t control = mq_control_len(text);

		for (size_t i = 0; i < control; i++)
			mq_str_printf(line, "\\x%02x", (unsigned char)text[i]);
		if (control == 0)
			mq_str_append(line, text, 1);
		text += control ? control : 1;
	}
}

static void put_head(struct mq_str *line, enum mq_log_level level, const char *module)
{
	if (getenv("JOURNAL_STREAM")) {
		mq_str_printf(line, "<%d>", levels[level].syslog_priority);
	} else {
		char when[MQ_TIME_RFC3339_SIZE];

		mq_time_rfc3339(mq_clock_wall_us(), when);
		mq_str_printf(line, "%s %s ", when, levels[level].padded);
	}
	mq_str_printf(line, "%s[%s] ", module, role);
}

/* After the first line that was not taken, the next ones are only offered. */
static bool is_writable(void)
{
	struct pollfd out = { .fd = log_fd, .events = POLLOUT };

	return poll(&out, 1, lost > 0 ? 0 : PATIENCE_MS) != 0;
}

static void put_line(const struct mq_str *line)
{
	ssize_t n = write(log_fd, line->data, line->len);

	(void)n; /* a log that cannot be written has nowhere to say so */
}

static void tell_lost(const char *module)
{
	MQ_AUTO(mq_str) struct mq_str line = { 0 };

	put_head(&line, MQ_LOG_WARNING, module);
	mq_str_printf(&line, "%lld lines are missing here: nobody took them\n", lost);
	lost = 0;
	put_line(&line);
}

void mq_log(enum mq_log_level level, const char *module, const char *fmt, ...)
{
	if (level < threshold)
		return;
	MQ_AUTO(mq_str) struct mq_str line = { 0 };
	MQ_AUTO_FREE
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	put_head(&line, level, module);
	put_escaped(&line, text ? text : fmt);
	mq_str_append(&line, "\n", 1);
	if (!is_writable()) {
		lost++;
		return;
	}
	if (lost > 0)
		tell_lost(module);
	put_line(&line);
}
