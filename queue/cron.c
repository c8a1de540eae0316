#include "cron.h"

#include <ctype.h>
#include <mq/str.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul",
					   "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const weekday_names[] = {
	"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL
};

static const struct field {
	const char *name;
	int min, max;
	const char *const *names; /* of min, min + 1, ... */
	const char *help;
} fields[] = {
	{ "minute", 0, 59, NULL, "0-59" },
	{ "hour", 0, 23, NULL, "0-23" },
	{ "day", 1, 31, NULL, "1-31" },
	{ "month", 1, 12, month_names, "1-12 or jan-dec" },
	{ "weekday", 0, 7, weekday_names, "0-7 or sun-sat, 0 and 7 are Sunday" },
};
#define N_FIELDS (sizeof fields / sizeof fields[0])

static const struct {
	const char *name, *meaning;
} nicknames[] = {
	{ "@hourly", "0 * * * *" },   { "@daily", "0 0 * * *" },   { "@midnight", "0 0 * * *" },
	{ "@weekly", "0 0 * * 0" },   { "@monthly", "0 0 1 * *" }, { "@yearly", "0 0 1 1 *" },
	{ "@annually", "0 0 1 1 *" },
};

static bool take_name(const char **at, const struct field *field, int *ret)
{
	for (int i = 0; field->names && field->names[i]; i++) {
		if (strncasecmp(*at, field->names[i], 3) == 0 &&
		    !isalnum((unsigned char)(*at)[3])) {
			*at += 3;
			*ret = field->min + i;
			return true;
		}
	}
	return false;
}

static bool take_value(const char **at, const struct field *field, int *ret)
{
	int value = 0;

	if (take_name(at, field, ret))
		return true;
	if (!isdigit((unsigned char)**at))
		return false;
	while (isdigit((unsigned char)**at)) {
		value = value * 10 + (*(*at)++ - '0');
		if (value > field->max)
			return false;
	}
	*ret = value;
	return value >= field->min;
}

/* `*`, a value or a range, each with an optional step; a step behind a single value runs to the
 * field's end. */
static bool take_item(const char **at, const struct field *field, uint64_t *bits)
{
	int first = field->min, last = field->max, step = 1;
	bool star = **at == '*';

	if (star)
		(*at)++;
	else if (!take_value(at, field, &first))
		return false;
	else
		last = first;
	if (!star && **at == '-' && (++*at, !take_value(at, field, &last) || last < first))
		return false;
	if (**at == '/') {
		static const struct field steps = { .min = 1, .max = 59 };

		(*at)++;
		if (!take_value(at, &steps, &step))
			return false;
		if (!star && first == last)
			last = field->max;
	}
	for (int i = first; i <= last; i += step)
		*bits |= UINT64_C(1) << i;
	return true;
}

static bool parse_field(const char *text, const struct field *field, uint64_t *ret)
{
	uint64_t bits = 0;

	for (;;) {
		if (!take_item(&text, field, &bits))
			return false;
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return false;
	}
	*ret = bits;
	return true;
}

static const char *expand_nickname(const char *text)
{
	for (size_t i = 0; i < sizeof nicknames / sizeof nicknames[0]; i++)
		if (strcmp(text, nicknames[i].name) == 0)
			return nicknames[i].meaning;
	return text;
}

enum mq_rc mq_cron_parse(const char *text, struct mq_cron *ret, struct mq_err *err)
{
	char words[N_FIELDS][64];
	uint64_t bits[N_FIELDS];
	int used = 0;

	text = expand_nickname(text);
	if (sscanf(text, "%63s %63s %63s %63s %63s %n", words[0], words[1], words[2], words[3],
		   words[4], &used) != (int)N_FIELDS ||
	    text[used] != '\0')
		return mq_err_set(err, MQ_E_INVALID, 0,
				  "'%s' is no schedule: write five fields (minute hour day month "
				  "weekday) such as "
				  "'0 2 * * *', or @hourly, @daily, @weekly, @monthly, @yearly",
				  text);
	for (size_t i = 0; i < N_FIELDS; i++)
		if (!parse_field(words[i], &fields[i], &bits[i]))
			return mq_err_set(err, MQ_E_INVALID, 0,
					  "schedule '%s': %s '%s' must be %s, *, a range a-b, a "
					  "list a,b or a step */n",
					  text, fields[i].name, words[i], fields[i].help);
	*ret = (struct mq_cron){
		.minutes = bits[0],
		.hours = (uint32_t)bits[1],
		.days = (uint32_t)bits[2],
		.months = (uint16_t)bits[3],
		.weekdays = (uint8_t)((bits[4] | bits[4] >> 7) & 0x7f),
		.any_day = words[2][0] == '*',
		.any_weekday = words[4][0] == '*',
		.wildcard = words[0][0] == '*' || words[1][0] == '*',
	};
	return MQ_OK;
}

/* ---------------------------------------------------------------- local time as a count of minutes
 */

#define DAY_MIN	    INT64_C(1440)
#define HORIZON_MIN (INT64_C(30) * 366 * DAY_MIN)

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Month and day of a count of days since 1970 (proleptic Gregorian, years that begin in March). */
static void civil_from_days(int64_t days, int *ret_month, int *ret_day)
{
	days += 719468;
	int64_t doe = days - floor_div(days, 146097) * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
}

static bool day_matches(const struct mq_cron *cron, int64_t days)
{
	int month, day;

	civil_from_days(days, &month, &day);
	if (!(cron->months >> month & 1))
		return false;
	bool by_day = cron->days >> day & 1;
	bool by_weekday = cron->weekdays >> (int)(days + 4 - floor_div(days + 4, 7) * 7) & 1;

	return cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

/* First matching minute of the day at or after `from`, -1 when there is none. */
static int64_t minute_of_day(const struct mq_cron *cron, int64_t from)
{
	for (int64_t m = from; m < DAY_MIN; m++) {
		if (!(cron->hours >> (m / 60) & 1)) {
			m += 59 - m % 60;
			continue;
		}
		if (cron->minutes >> (m % 60) & 1)
			return m;
	}
	return -1;
}

/* First matching local minute in [from, to), INT64_MAX when there is none. */
static int64_t local_match(const struct mq_cron *cron, int64_t from, int64_t to)
{
	for (int64_t day = floor_div(from, DAY_MIN); day * DAY_MIN < to; day++) {
		if (!day_matches(cron, day))
			continue;
		int64_t start = day * DAY_MIN;
		int64_t m = minute_of_day(cron, from > start ? from - start : 0);

		if (m >= 0)
			return start + m < to ? start + m : INT64_MAX;
	}
	return INT64_MAX;
}

static int64_t ceil_minute(int64_t s)
{
	return -floor_div(-s, 60);
}

/* A change of the clock at the beginning of a span: how far it jumped, in seconds of local time. */
struct jump {
	int64_t at_s;
	int64_t before_s, after_s; /* local seconds on both sides */
};

#define CORRECTION_S (3 * 3600)

static struct jump jump_into(const struct mq_zone *zone, const struct mq_zone_span *span)
{
	struct mq_zone_span before;

	if (span->start_s == INT64_MIN)
		return (struct jump){ INT64_MIN, 0, 0 };
	mq_zone_span(zone, span->start_s - 1, &before);
	return (struct jump){ span->start_s, span->start_s + before.offset_s,
			      span->start_s + span->offset_s };
}

/* The first firing of a fixed-time schedule that the jump skipped, made up for at the jump itself.
 */
static bool fires_at_jump(const struct mq_cron *cron, const struct jump *jump)
{
	int64_t gap = jump->after_s - jump->before_s;

	return !cron->wildcard && gap > 0 && gap < CORRECTION_S &&
	       local_match(cron, ceil_minute(jump->before_s), ceil_minute(jump->after_s)) !=
		       INT64_MAX;
}

/* Where in the span's local time the schedule may fire first: what a repeated hour shows again is
 * past for it. */
static int64_t span_from(const struct mq_cron *cron, const struct mq_zone_span *span,
			 const struct jump *jump, int64_t after_s)
{
	int64_t from = floor_div(after_s + span->offset_s, 60) + 1;

	if (jump->at_s != INT64_MIN) {
		int64_t back = jump->before_s - jump->after_s;
		int64_t first = !cron->wildcard && back > 0 && back < CORRECTION_S ? jump->before_s
										   : jump->after_s;

		if (ceil_minute(first) > from)
			from = ceil_minute(first);
	}
	return from;
}

int64_t mq_cron_next(const struct mq_cron *cron, const struct mq_zone *zone, int64_t after_s)
{
	int64_t horizon_s = after_s + HORIZON_MIN * 60;

	for (int64_t t = after_s + 1; t < horizon_s;) {
		struct mq_zone_span span;

		mq_zone_span(zone, t, &span);
		struct jump jump = jump_into(zone, &span);

		if (jump.at_s > after_s && fires_at_jump(cron, &jump))
			return jump.at_s;
		int64_t end_s = span.end_s < horizon_s ? span.end_s : horizon_s;
		int64_t m = local_match(cron, span_from(cron, &span, &jump, after_s),
					ceil_minute(end_s + span.offset_s));

		if (m != INT64_MAX)
			return m * 60 - span.offset_s;
		t = end_s;
	}
	return INT64_MAX;
}
