#include "support/cmocka_all.h"

#include "cron.h"

#include <string.h>
#include <time.h>

#define MINUTE 60

static int64_t utc(const char *text)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return timegm(&tm);
}

static void parse(const char *text, struct mq_cron *ret)
{
	struct mq_err err;

	if (mq_cron_parse(text, ret, &err) != MQ_OK)
		fail_msg("%s", err.text);
}

static struct mq_zone *zone_of(const char *name)
{
	struct mq_zone *zone;
	struct mq_err err;

	if (mq_zone_load(name, &zone, &err) != MQ_OK)
		fail_msg("%s", err.text);
	return zone;
}

static void a_schedule_fires_at_the_next_match(void **state)
{
	(void)state;
	static const struct {
		const char *schedule, *after, *next;
	} table[] = {
		{ "0 2 * * *", "2025-01-01 01:59", "2025-01-01 02:00" },
		{ "0 2 * * *", "2025-01-01 02:00", "2025-01-02 02:00" },
		{ "*/15 * * * *", "2025-01-01 00:00", "2025-01-01 00:15" },
		{ "10/20 * * * *", "2025-01-01 00:31", "2025-01-01 00:50" },
		{ "5-10/5 4 * * *", "2025-01-01 04:05", "2025-01-01 04:10" },
		{ "0 0 29 2 *", "2025-01-01 00:00", "2028-02-29 00:00" },
		{ "0 12 1,15 * mon", "2025-01-01 12:00", "2025-01-06 12:00" }, /* either day */
		{ "0 12 * * Mon", "2025-01-01 12:00", "2025-01-06 12:00" },
		{ "0 12 */2 * mon", "2025-01-01 12:00",
		  "2025-01-13 12:00" }, /* both: the day begins with * */
		{ "0 0 * * 7", "2025-01-01 00:00", "2025-01-05 00:00" },
		{ "0 0 * * 5-7", "2025-01-03 00:00", "2025-01-04 00:00" },
		{ "0 0 31 jan-mar *", "2025-01-31 00:00", "2025-03-31 00:00" },
		{ "59 23 31 12 *", "2025-12-31 23:59", "2026-12-31 23:59" },
		{ "@hourly", "2025-01-01 00:00", "2025-01-01 01:00" },
		{ "@daily", "2025-01-01 00:00", "2025-01-02 00:00" },
		{ "@midnight", "2025-01-01 00:00", "2025-01-02 00:00" },
		{ "@weekly", "2025-01-01 00:00", "2025-01-05 00:00" },
		{ "@monthly", "2025-01-01 00:00", "2025-02-01 00:00" },
		{ "@yearly", "2025-01-01 00:00", "2026-01-01 00:00" },
		{ "@annually", "2025-01-01 00:00", "2026-01-01 00:00" },
	};
	MQ_AUTO(mq_zone) struct mq_zone *zone = zone_of("UTC");

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct mq_cron cron;

		parse(table[i].schedule, &cron);
		int64_t got = mq_cron_next(&cron, zone, utc(table[i].after));

		if (got != utc(table[i].next))
			fail_msg("'%s' after %s: %lld instead of %s", table[i].schedule,
				 table[i].after, (long long)got, table[i].next);
	}
}

static void a_second_within_a_minute_does_not_fire_it_again(void **state)
{
	(void)state;
	struct mq_cron cron;
	MQ_AUTO(mq_zone) struct mq_zone *zone = zone_of("UTC");

	parse("* * * * *", &cron);
	assert_int_equal(mq_cron_next(&cron, zone, utc("2025-01-01 00:00") + 1),
			 utc("2025-01-01 00:01"));
	assert_int_equal(mq_cron_next(&cron, zone, utc("2025-01-01 00:00") - 1),
			 utc("2025-01-01 00:00"));
}

static void a_date_that_never_comes_never_fires(void **state)
{
	(void)state;
	struct mq_cron cron;
	MQ_AUTO(mq_zone) struct mq_zone *zone = zone_of("Europe/Berlin");

	parse("0 0 30 2 *", &cron);
	assert_true(mq_cron_next(&cron, zone, utc("2025-01-01 00:00")) == INT64_MAX);
}

static void wrong_schedules_name_the_field(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} table[] = {
		{ "", "five fields" },
		{ "0 2 * *", "five fields" },
		{ "0 2 * * * root", "five fields" },
		{ "@reboot", "five fields" },
		{ "60 * * * *", "minute '60'" },
		{ "* 24 * * *", "hour '24'" },
		{ "* * 0 * *", "day '0'" },
		{ "* * 32 * *", "day '32'" },
		{ "* * * 13 *", "month '13'" },
		{ "* * * * 8", "weekday '8'" },
		{ "5-1 * * * *", "minute '5-1'" },
		{ "*/0 * * * *", "minute '*/0'" },
		{ "1,,2 * * * *", "minute" },
		{ "1, * * * *", "minute '1,'" },
		{ "-1 * * * *", "minute '-1'" },
		{ "* * * foo *", "month 'foo'" },
		{ "* * * * monday", "weekday" },
		{ "99999999999 * * * *", "minute" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct mq_cron cron;
		struct mq_err err;

		assert_int_equal(mq_cron_parse(table[i].text, &cron, &err), MQ_E_INVALID);
		if (!strstr(err.text, table[i].says))
			fail_msg("'%s' says: %s", table[i].text, err.text);
	}
}

/* ---------------------------------------------------------------- against a minute-by-minute cron
 */

/* Debian's cron as its manual describes it, on the C library's local time, awake every minute. */
struct simulation {
	const struct mq_cron *cron;
	int64_t last_local; /* local minutes until which fixed-time jobs have been run */
};

static int64_t local_minutes(int64_t t_s)
{
	struct tm tm;
	time_t t = (time_t)t_s;

	localtime_r(&t, &tm);
	return (t_s + tm.tm_gmtoff) / MINUTE;
}

static bool shows_match(const struct mq_cron *cron, int64_t local)
{
	time_t t = (time_t)(local * MINUTE);
	struct tm tm;

	gmtime_r(&t, &tm);
	bool day = cron->days >> tm.tm_mday & 1, weekday = cron->weekdays >> tm.tm_wday & 1;

	if (!(cron->minutes >> tm.tm_min & 1) || !(cron->hours >> tm.tm_hour & 1) ||
	    !(cron->months >> (tm.tm_mon + 1) & 1))
		return false;
	return cron->any_day || cron->any_weekday ? day && weekday : day || weekday;
}

static bool simulate_minute(struct simulation *sim, int64_t t_s)
{
	int64_t local = local_minutes(t_s);
	bool fires = false;

	if (sim->cron->wildcard)
		return shows_match(sim->cron, local);
	for (int64_t m = sim->last_local + 1; m <= local; m++)
		fires |= shows_match(sim->cron, m);
	if (local > sim->last_local)
		sim->last_local = local;
	return fires;
}

/* Every firing of five years is the same, and none is missing or too many. */
static void compare_five_years(const char *zone_name, const char *schedule)
{
	struct mq_cron cron;
	MQ_AUTO(mq_zone) struct mq_zone *zone = zone_of(zone_name);
	int64_t t = utc("2024-01-01 00:00"), end = utc("2029-01-01 00:00");

	setenv("TZ", zone_name, 1);
	tzset();
	parse(schedule, &cron);
	struct simulation sim = { .cron = &cron, .last_local = local_minutes(t - MINUTE) };
	int64_t expected = mq_cron_next(&cron, zone, t - MINUTE);

	for (; t < end; t += MINUTE) {
		bool fires = simulate_minute(&sim, t);

		if (fires != (t == expected))
			fail_msg("%s '%s': at %lld the clock says %s, next said %lld", zone_name,
				 schedule, (long long)t, fires ? "now" : "no", (long long)expected);
		if (fires)
			expected = mq_cron_next(&cron, zone, t);
	}
}

static void five_years_of_daylight_saving_are_as_in_debians_cron(void **state)
{
	(void)state;
	static const char *const zones[] = { "Europe/Berlin", "America/New_York",
					     "Australia/Lord_Howe", "UTC" };
	static const char *const schedules[] = { "30 2 * * *", "0 2 * * *",    "0 3 * * *",
						 "59 1 * * *", "15 2 * * 0",   "*/20 2 * * *",
						 "30 * * * *", "0 1,2,3 * * *" };

	for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++)
		for (size_t s = 0; s < sizeof schedules / sizeof schedules[0]; s++)
			compare_five_years(zones[z], schedules[s]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schedule_fires_at_the_next_match),
		cmocka_unit_test(a_second_within_a_minute_does_not_fire_it_again),
		cmocka_unit_test(a_date_that_never_comes_never_fires),
		cmocka_unit_test(wrong_schedules_name_the_field),
		cmocka_unit_test(five_years_of_daylight_saving_are_as_in_debians_cron),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
