/*
 * Schedules as text: five fields (minute hour day month weekday) as crontab(5) of Debian's cron
 * reads them, or
 * @hourly, @daily (@midnight), @weekly, @monthly, @yearly (@annually).
 *
 * Fields take numbers, names of months and weekdays (three letters), `*`, ranges, lists and steps;
 * 7 is Sunday, too. When both day and weekday are restricted, either is enough. Pure: the zone is
 * the caller's.
 */
#ifndef MQ_CRON_H
#define MQ_CRON_H

#include <mq/err.h>
#include <mq/zone.h>
#include <stdint.h>

struct mq_cron {
	uint64_t minutes; /* bits 0..59 */
	uint32_t hours;	  /* bits 0..23 */
	uint32_t days;	  /* bits 1..31 */
	uint16_t months;  /* bits 1..12 */
	uint8_t weekdays; /* bits 0..6, 0 is Sunday */
	bool any_day;	  /* the day field begins with `*` */
	bool any_weekday;
	bool wildcard; /* minute or hour begins with `*`: follows the interval across changes of the
			  clock */
};

/* MQ_E_INVALID names the field, what stands there and what may. */
enum mq_rc mq_cron_parse(const char *text, struct mq_cron *ret, struct mq_err *err);

/*
 * The first instant after after_s at which the schedule fires, or INT64_MAX when there is none
 * within 30 years (the 30th of February).
 *
 * Daylight saving as in Debian's cron: a wildcard schedule fires whenever the local clock shows a
 * matching minute, so twice in a repeated hour and not at all in a skipped one. Another one whose
 * time is skipped fires right after the gap, and not again when an hour is repeated. A change of
 * three hours or more is a correction of the clock: what it skips is not made up for.
 */
int64_t mq_cron_next(const struct mq_cron *cron, const struct mq_zone *zone, int64_t after_s);

#endif
