#include <mq/clock.h>

#include <mq/str.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * MQ_US_PER_S + ts.tv_nsec / 1000;
}

static int64_t system_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

static int64_t system_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

static const struct mq_clock system_clock = { .wall_us = system_wall_us,
					      .mono_us = system_mono_us };
static const struct mq_clock *current = &system_clock;

int64_t mq_clock_wall_us(void)
{
	return current->wall_us();
}

int64_t mq_clock_mono_us(void)
{
	return current->mono_us();
}

void mq_clock_use(const struct mq_clock *clock)
{
	current = clock ? clock : &system_clock;
}

/* 0000-01-01 and 9999-12-31T23:59:59.999999: what four digits of year can say. */
#define WALL_MIN_US (INT64_C(-62167219200) * MQ_US_PER_S)
#define WALL_MAX_US (INT64_C(253402300800) * MQ_US_PER_S - 1)

/* Broken-down UTC time and the microseconds within the second. */
static int32_t split(int64_t wall_us, struct tm *tm)
{
	if (wall_us < WALL_MIN_US)
		wall_us = WALL_MIN_US;
	if (wall_us > WALL_MAX_US)
		wall_us = WALL_MAX_US;
	int64_t us = wall_us % MQ_US_PER_S;

	if (us < 0)
		us += MQ_US_PER_S;
	time_t s = (time_t)((wall_us - us) / MQ_US_PER_S);

	gmtime_r(&s, tm);
	return (int32_t)us;
}

/* Digits without printf: the range of each field is known to us but not to the compiler. */
static char *digits(char *at, int value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + width;
}

/* "YYYY<d>MM<d>DD<sep>HH<t>MM<t>SS"; a NUL character for a separator leaves it out. */
static char *date_time(char *at, const struct tm *tm, char d, char sep, char t)
{
	const struct {
		int value, width;
		char after;
	} parts[] = { { tm->tm_year + 1900, 4, d }, { tm->tm_mon + 1, 2, d },
		      { tm->tm_mday, 2, sep },	    { tm->tm_hour, 2, t },
		      { tm->tm_min, 2, t },	    { tm->tm_sec, 2, 0 } };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		at = digits(at, parts[i].value, parts[i].width);
		if (parts[i].after)
			*at++ = parts[i].after;
	}
	return at;
}

void mq_time_format(int64_t wall_us, char out[static MQ_TIME_TEXT_SIZE])
{
	struct tm tm;
	int us = split(wall_us, &tm);
	char *at = date_time(out, &tm, '-', ' ', ':');

	*at++ = '.';
	*digits(at, us, 6) = '\0';
}

void mq_time_stamp(int64_t wall_us, char out[static MQ_TIME_STAMP_SIZE])
{
	struct tm tm;

	split(wall_us, &tm);
	*date_time(out, &tm, 0, '_', 0) = '\0';
}

void mq_time_rfc3339(int64_t wall_us, char out[static MQ_TIME_RFC3339_SIZE])
{
	struct tm tm;
	int us = split(wall_us, &tm);
	char *at = date_time(out, &tm, '-', 'T', ':');

	*at++ = '.';
	at = digits(at, us / 1000, 3);
	*at++ = 'Z';
	*at = '\0';
}

/* Reads exactly `width` digits. */
static bool take(const char **at, int width, int *ret)
{
	int value = 0;

	for (int i = 0; i < width; i++) {
		char c = (*at)[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*at += width;
	*ret = value;
	return true;
}

static bool skip(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static bool take_date(const char **at, struct tm *tm)
{
	return take(at, 4, &tm->tm_year) && skip(at, '-') && take(at, 2, &tm->tm_mon) &&
	       skip(at, '-') && take(at, 2, &tm->tm_mday);
}

/* A date that exists: timegm() normalises, so what it changed did not. */
static bool to_wall(struct tm tm, int64_t us, int64_t *ret_wall_us)
{
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	struct tm back = tm;
	time_t s = timegm(&back);

	if (back.tm_year != tm.tm_year || back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday ||
	    back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
		return false;
	*ret_wall_us = (int64_t)s * MQ_US_PER_S + us;
	return true;
}

bool mq_time_parse(const char *text, int64_t *ret_wall_us)
{
	struct tm tm = { 0 };
	int us = 0;

	if (!take_date(&text, &tm) || !skip(&text, ' ') || !take(&text, 2, &tm.tm_hour) ||
	    !skip(&text, ':') || !take(&text, 2, &tm.tm_min) || !skip(&text, ':') ||
	    !take(&text, 2, &tm.tm_sec))
		return false;
	if (*text && (!skip(&text, '.') || !take(&text, 6, &us)))
		return false;
	return *text == '\0' && to_wall(tm, us, ret_wall_us);
}

/* A fraction of one to six digits, to microseconds. */
static bool take_fraction(const char **at, int *ret_us)
{
	int us = 0, n = 0;

	while (n < 6 && (*at)[n] >= '0' && (*at)[n] <= '9')
		us = us * 10 + ((*at)[n++] - '0');
	*at += n;
	for (int i = n; i < 6; i++)
		us *= 10;
	*ret_us = us;
	return n > 0;
}

/* Date alone, or with hours and minutes, seconds, a fraction, and Z; a T or a blank between. */
static bool parse_loose(const char *text, int64_t *ret_wall_us)
{
	struct tm tm = { 0 };
	int us = 0;

	if (!take_date(&text, &tm))
		return false;
	if (*text == '\0')
		return to_wall(tm, 0, ret_wall_us);
	if ((!skip(&text, ' ') && !skip(&text, 'T')) || !take(&text, 2, &tm.tm_hour) ||
	    !skip(&text, ':') || !take(&text, 2, &tm.tm_min))
		return false;
	if (skip(&text, ':') && !take(&text, 2, &tm.tm_sec))
		return false;
	if (skip(&text, '.') && !take_fraction(&text, &us))
		return false;
	skip(&text, 'Z');
	return *text == '\0' && to_wall(tm, us, ret_wall_us);
}

bool mq_time_parse_input(const char *text, int64_t now_us, int sign, int64_t *ret_wall_us)
{
	int64_t ms;

	if (strcmp(text, "now") == 0) {
		*ret_wall_us = now_us;
		return true;
	}
	if (parse_loose(text, ret_wall_us))
		return true;
	/* A number without a unit is more likely a slip (a year, an id) than a count of seconds. */
	if (strspn(text, "0123456789") == strlen(text) || !mq_duration_parse(text, &ms) ||
	    ms > INT64_MAX / 4000)
		return false;
	*ret_wall_us = now_us + sign * ms * 1000;
	return true;
}
