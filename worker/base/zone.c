#include <mq/zone.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <mq/str.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DAY_S	      INT64_C(86400)
#define FILE_MAX_SIZE (1 << 20)
#define ABBR_SIZE     sizeof(((struct mq_zone_span *)NULL)->abbreviation)

struct type {
	int32_t offset_s;
	bool dst;
	uint8_t abbr;
};

/* One end of daylight-saving time in a POSIX rule: Jn, n, or Mm.w.d, and a time of day. */
struct rule_date {
	char form; /* 'J', 'D' (zero-based day) or 'M' */
	int day, week, month;
	int32_t time_s; /* may be negative or beyond a day (RFC 9636, 3.3.1) */
};

struct rule {
	bool valid, has_dst;
	int32_t std_offset_s, dst_offset_s;
	char std_abbr[ABBR_SIZE], dst_abbr[ABBR_SIZE];
	struct rule_date begin, end;
};

struct mq_zone {
	char *name;
	uint8_t *bytes;
	size_t n_times, n_types, n_chars;
	int64_t *times;
	uint8_t *time_types;
	struct type *types;
	const char *chars;
	struct rule rule;
};

void mq_zone_free(struct mq_zone *zone)
{
	if (!zone)
		return;
	free(zone->name);
	free(zone->bytes);
	free(zone->times);
	free(zone->types);
	free(zone);
}

const char *mq_zone_name(const struct mq_zone *zone)
{
	return zone->name;
}

/* ---------------------------------------------------------------- the footer: a POSIX TZ string */

static bool take_abbr(const char **at, char out[static ABBR_SIZE])
{
	bool quoted = **at == '<';
	size_t n = 0;

	*at += quoted;
	while (quoted ? (isalnum((unsigned char)**at) || **at == '+' || **at == '-')
		      : isalpha((unsigned char)**at)) {
		if (n + 1 >= ABBR_SIZE)
			return false;
		out[n++] = *(*at)++;
	}
	out[n] = '\0';
	if (quoted && *(*at)++ != '>')
		return false;
	return n >= 3;
}

static bool take_int(const char **at, int max, int *ret)
{
	int value = 0;

	if (!isdigit((unsigned char)**at))
		return false;
	while (isdigit((unsigned char)**at)) {
		value = value * 10 + (*(*at)++ - '0');
		if (value > max)
			return false;
	}
	*ret = value;
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_hms(const char **at, int max_hours, int32_t *ret_s)
{
	int sign = **at == '-' ? -1 : 1;
	int h, m = 0, s = 0;

	if (**at == '-' || **at == '+')
		(*at)++;
	if (!take_int(at, max_hours, &h))
		return false;
	if (**at == ':' && (++*at, !take_int(at, 59, &m)))
		return false;
	if (**at == ':' && (++*at, !take_int(at, 59, &s)))
		return false;
	*ret_s = sign * (h * 3600 + m * 60 + s);
	return true;
}

static bool take_dot(const char **at)
{
	if (**at != '.')
		return false;
	(*at)++;
	return true;
}

static bool take_rule_date(const char **at, struct rule_date *ret)
{
	ret->time_s = 2 * 3600;
	if (**at == 'M') {
		(*at)++;
		ret->form = 'M';
		if (!take_int(at, 12, &ret->month) || !take_dot(at) ||
		    !take_int(at, 5, &ret->week) || !take_dot(at) || !take_int(at, 6, &ret->day) ||
		    ret->month < 1 || ret->week < 1)
			return false;
	} else {
		ret->form = **at == 'J' ? 'J' : 'D';
		*at += **at == 'J';
		if (!take_int(at, 365, &ret->day) || (ret->form == 'J' && ret->day < 1))
			return false;
	}
	if (**at == '/' && (++*at, !take_hms(at, 167, &ret->time_s)))
		return false;
	return true;
}

/* POSIX counts offsets west of Greenwich; everybody else counts east. */
static bool parse_rule(const char *text, struct rule *ret)
{
	if (!take_abbr(&text, ret->std_abbr) || !take_hms(&text, 24, &ret->std_offset_s))
		return false;
	ret->std_offset_s = -ret->std_offset_s;
	if (*text == '\0')
		return true;
	if (!take_abbr(&text, ret->dst_abbr))
		return false;
	ret->has_dst = true;
	ret->dst_offset_s = ret->std_offset_s + 3600;
	if (*text != ',') {
		if (!take_hms(&text, 24, &ret->dst_offset_s))
			return false;
		ret->dst_offset_s = -ret->dst_offset_s;
	}
	return *text++ == ',' && take_rule_date(&text, &ret->begin) && *text++ == ',' &&
	       take_rule_date(&text, &ret->end) && *text == '\0';
}

/* ---------------------------------------------------------------- days */

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of March-based year arithmetic (proleptic Gregorian). */
static int64_t days_from_civil(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t yoe = year - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t year_of(int64_t t_s)
{
	int64_t days = floor_div(t_s, DAY_S);
	int64_t year = 1970 + floor_div(days, 366);

	while (days_from_civil(year + 1, 1, 1) <= days)
		year++;
	return year;
}

static int64_t month_rule_day(const struct rule_date *date, int64_t year)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int length = lengths[date->month - 1] + (date->month == 2 && is_leap(year));
	int64_t first = days_from_civil(year, date->month, 1);
	int first_weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
	int day = (date->day - first_weekday + 7) % 7 + (date->week - 1) * 7;

	while (day >= length)
		day -= 7;
	return first + day;
}

/* The instant of a rule's date in a year; offset_s holds until then. */
static int64_t rule_instant(const struct rule_date *date, int64_t year, int32_t offset_s)
{
	int64_t days;

	if (date->form == 'M')
		days = month_rule_day(date, year);
	else if (date->form == 'D')
		days = days_from_civil(year, 1, 1) + date->day;
	else /* Jn never counts 29 February */
		days = days_from_civil(year, 1, 1) + date->day - 1 +
		       (is_leap(year) && date->day >= 60);
	return days * DAY_S + date->time_s - offset_s;
}

/* ---------------------------------------------------------------- the file */

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

struct header {
	size_t isut, isstd, leap, times, types, chars;
};

#define HEADER_SIZE 44

static bool read_header(const uint8_t *p, const uint8_t *end, struct header *ret)
{
	if (end - p < HEADER_SIZE || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	*ret = (struct header){ be32(p + 20), be32(p + 24), be32(p + 28),
				be32(p + 32), be32(p + 36), be32(p + 40) };
	/* Far above any real zone, and small enough that no sum below overflows. */
	return ret->isut < 1000 && ret->isstd < 1000 && ret->leap < 1000 && ret->times < 100000 &&
	       ret->types >= 1 && ret->types < 256 && ret->chars >= 1 && ret->chars < 1000;
}

static size_t data_size(const struct header *h, size_t time_size)
{
	return h->times * time_size + h->times + h->types * 6 + h->chars +
	       h->leap * (time_size + 4) + h->isstd + h->isut;
}

static bool read_types(struct mq_zone *zone, const uint8_t *p)
{
	for (size_t i = 0; i < zone->n_types; i++, p += 6) {
		zone->types[i] = (struct type){ (int32_t)be32(p), p[4] != 0, p[5] };
		if (p[5] >= zone->n_chars)
			return false;
	}
	return true;
}

static bool read_times(struct mq_zone *zone, const uint8_t *p)
{
	for (size_t i = 0; i < zone->n_times; i++) {
		zone->times[i] = be64(p + 8 * i);
		if (zone->time_types[i] >= zone->n_types ||
		    (i > 0 && zone->times[i] <= zone->times[i - 1]))
			return false;
	}
	return true;
}

static bool read_footer(struct mq_zone *zone, const uint8_t *p, const uint8_t *end)
{
	char text[128];
	const uint8_t *newline;

	if (p >= end || *p++ != '\n')
		return false;
	newline = memchr(p, '\n', (size_t)(end - p));
	if (!newline || (size_t)(newline - p) >= sizeof text)
		return false;
	memcpy(text, p, (size_t)(newline - p));
	text[newline - p] = '\0';
	/* An empty rule says that what comes after the last transition is not known: it stays as it
	 * was. */
	if (text[0] == '\0')
		return true;
	zone->rule.valid = parse_rule(text, &zone->rule);
	return zone->rule.valid;
}

/* The 64-bit block behind the 32-bit one. */
static bool parse(struct mq_zone *zone, size_t size)
{
	const uint8_t *p = zone->bytes, *end = p + size;
	struct header h;

	if (!read_header(p, end, &h) || (size_t)(end - p) < HEADER_SIZE + data_size(&h, 4))
		return false;
	p += HEADER_SIZE + data_size(&h, 4);
	if (!read_header(p, end, &h) || (size_t)(end - p) < HEADER_SIZE + data_size(&h, 8))
		return false;
	p += HEADER_SIZE;
	zone->n_times = h.times;
	zone->n_types = h.types;
	zone->n_chars = h.chars;
	zone->times = mq_alloc(h.times, sizeof *zone->times);
	zone->types = mq_alloc(h.types, sizeof *zone->types);
	zone->time_types = zone->bytes + (p - zone->bytes) + 8 * h.times;
	zone->chars = (const char *)(p + 9 * h.times + 6 * h.types);
	return zone->chars[h.chars - 1] == '\0' && read_types(zone, p + 9 * h.times) &&
	       read_times(zone, p) && read_footer(zone, p + data_size(&h, 8), end);
}

/* Letters, digits, `_ + -` and single slashes inside: no way out of the folder. */
static bool is_zone_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-";

	do {
		size_t n = strspn(name, letters);

		if (n == 0)
			return false;
		name += n;
	} while (*name++ == '/');
	return name[-1] == '\0';
}

static enum mq_rc read_file(const char *path, const char *name, struct mq_zone *zone,
			    struct mq_err *err)
{
	MQ_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return mq_err_set(err, MQ_E_NOTFOUND, 0,
				  "no time zone '%s' on this system: names are like Europe/Berlin "
				  "(package tzdata)",
				  name);
	if (st.st_size < HEADER_SIZE || st.st_size > FILE_MAX_SIZE)
		return mq_err_set(err, MQ_E_CORRUPT, 0, "'%s' is no time zone file", path);
	size_t size = (size_t)st.st_size;

	zone->bytes = mq_alloc(1, size);
	if (read(fd, zone->bytes, size) != (ssize_t)size)
		return mq_err_set(err, MQ_E_IO, errno, "read '%s'", path);
	if (!parse(zone, size))
		return mq_err_set(err, MQ_E_CORRUPT, 0,
				  "'%s' is no time zone file of version 2 or later", path);
	return MQ_OK;
}

enum mq_rc mq_zone_load(const char *name, struct mq_zone **ret, struct mq_err *err)
{
	if (!is_zone_name(name))
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "'%s' is no time zone: write a name like Europe/Berlin", name);
	const char *dir = getenv("TZDIR");
	MQ_AUTO_FREE char *path = mq_strf("%s/%s", dir && *dir ? dir : "/usr/share/zoneinfo", name);
	MQ_AUTO(mq_zone) struct mq_zone *zone = mq_alloc(1, sizeof *zone);

	zone->name = mq_strdup(name);
	if (read_file(path, name, zone, err) != MQ_OK)
		return err ? err->rc : MQ_E_CORRUPT;
	*ret = MQ_STEAL(zone);
	return MQ_OK;
}

/* ---------------------------------------------------------------- asking */

static void fill_type(const struct mq_zone *zone, const struct type *type, struct mq_zone_span *ret)
{
	ret->offset_s = type->offset_s;
	ret->dst = type->dst;
	snprintf(ret->abbreviation, sizeof ret->abbreviation, "%.*s",
		 (int)(zone->n_chars - type->abbr), zone->chars + type->abbr);
}

static void fill_rule(const struct rule *rule, bool dst, struct mq_zone_span *ret)
{
	ret->offset_s = dst ? rule->dst_offset_s : rule->std_offset_s;
	ret->dst = dst;
	memcpy(ret->abbreviation, dst ? rule->dst_abbr : rule->std_abbr, sizeof ret->abbreviation);
}

/* The rule's changes of the years around t, in order; t lies between two of them. */
static void span_by_rule(const struct mq_zone *zone, int64_t t_s, struct mq_zone_span *ret)
{
	const struct rule *rule = &zone->rule;
	int64_t floor_s = zone->n_times ? zone->times[zone->n_times - 1] : INT64_MIN;

	ret->start_s = floor_s;
	ret->end_s = INT64_MAX;
	if (!rule->has_dst) {
		fill_rule(rule, false, ret);
		return;
	}
	int64_t year = year_of(t_s);
	bool dst = false;

	for (int64_t y = year - 1; y <= year + 1; y++) {
		int64_t begin = rule_instant(&rule->begin, y, rule->std_offset_s);
		int64_t end = rule_instant(&rule->end, y, rule->dst_offset_s);
		bool begin_first = begin < end; /* false in the south */

		for (int k = 0; k < 2; k++) {
			bool to_dst = (k == 0) == begin_first;
			int64_t at = to_dst ? begin : end;

			if (at <= t_s) {
				dst = to_dst;
				ret->start_s = at > floor_s ? at : floor_s;
			} else {
				ret->end_s = at;
				fill_rule(rule, dst, ret);
				return;
			}
		}
	}
	fill_rule(rule, dst, ret);
}

void mq_zone_span(const struct mq_zone *zone, int64_t t_s, struct mq_zone_span *ret)
{
	size_t lo = 0, hi = zone->n_times; /* the first transition after t */

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (zone->times[mid] <= t_s)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == zone->n_times && zone->rule.valid) {
		span_by_rule(zone, t_s, ret);
		return;
	}
	ret->start_s = lo > 0 ? zone->times[lo - 1] : INT64_MIN;
	ret->end_s = lo < zone->n_times ? zone->times[lo] : INT64_MAX;
	fill_type(zone, lo > 0 ? &zone->types[zone->time_types[lo - 1]] : &zone->types[0], ret);
}
