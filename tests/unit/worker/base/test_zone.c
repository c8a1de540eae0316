#include "support/cmocka_all.h"

#include <fcntl.h>
#include <mq/str.h>
#include <mq/zone.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static void zones_agree_with_the_c_library(void **state)
{
	(void)state;
	static const char *const zones[] = { "UTC",
					     "Europe/Berlin",
					     "America/New_York",
					     "Australia/Lord_Howe",
					     "Africa/Casablanca",
					     "Asia/Kolkata",
					     "Pacific/Apia",
					     "America/Santiago",
					     "Europe/Dublin" };

	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		MQ_AUTO(mq_zone) struct mq_zone *zone = NULL;
		struct mq_err err;

		if (mq_zone_load(zones[i], &zone, &err) != MQ_OK)
			fail_msg("%s", err.text);
		assert_string_equal(mq_zone_name(zone), zones[i]);
		setenv("TZ", zones[i], 1);
		tzset();
		/* 1900 to 2200, in steps that meet every hour of the week */
		for (time_t t = -2208988800; t < 7258118400; t += 61 * 3600 + 7) {
			struct mq_zone_span span;
			struct tm tm;

			localtime_r(&t, &tm);
			mq_zone_span(zone, t, &span);
			if (span.offset_s != tm.tm_gmtoff ||
			    strcmp(span.abbreviation, tm.tm_zone) != 0)
				fail_msg("%s at %lld: %d %s", zones[i], (long long)t, span.offset_s,
					 span.abbreviation);
			assert_true(span.start_s <= t && t < span.end_s);
		}
	}
}

static void a_change_is_exact_to_the_second(void **state)
{
	(void)state;
	MQ_AUTO(mq_zone) struct mq_zone *zone = NULL;
	struct mq_zone_span span;

	assert_int_equal(mq_zone_load("Europe/Berlin", &zone, NULL), MQ_OK);
	mq_zone_span(zone, 1743296399, &span); /* 2025-03-30 00:59:59 UTC */
	assert_int_equal(span.offset_s, 3600);
	assert_int_equal(span.end_s, 1743296400);
	mq_zone_span(zone, 1743296400, &span);
	assert_int_equal(span.offset_s, 7200);
	assert_true(span.dst);
	assert_int_equal(span.start_s, 1743296400);
	assert_int_equal(span.end_s, 1761440400); /* 2025-10-26 01:00:00 UTC */
	assert_string_equal(span.abbreviation, "CEST");
}

static void names_lead_nowhere_else(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "/",
					   "../etc/passwd",
					   "Europe/../../x",
					   "/etc/localtime",
					   "Europe//Berlin",
					   "Europe/",
					   "a b",
					   "Europe/Berlin\n" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct mq_zone *zone;
		struct mq_err err;

		assert_int_equal(mq_zone_load(bad[i], &zone, &err), MQ_E_INVALID);
	}
	struct mq_zone *zone;
	struct mq_err err;

	assert_int_equal(mq_zone_load("Europe/Atlantis", &zone, &err), MQ_E_NOTFOUND);
	assert_non_null(strstr(err.text, "tzdata"));
	assert_int_equal(mq_zone_load("Europe", &zone, &err), MQ_E_NOTFOUND);
}

/* Every byte of a real file changed, and every length of it: an error or a zone, never a crash. */
static void a_damaged_file_is_refused_or_harmless(void **state)
{
	(void)state;
	char dir[] = "/tmp/mq-zone-XXXXXX";
	unsigned char bytes[8192];
	FILE *real = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");

	assert_non_null(real);
	size_t size = fread(bytes, 1, sizeof bytes, real);

	fclose(real);
	assert_non_null(mkdtemp(dir));
	MQ_AUTO_FREE char *path = mq_strf("%s/Damaged", dir);

	setenv("TZDIR", dir, 1);
	for (size_t i = 0; i < 2 * size; i++) {
		bool cut = i >= size;
		size_t at = cut ? i - size : i;
		unsigned char old = bytes[at];
		FILE *out = fopen(path, "wb");
		struct mq_zone *zone = NULL;
		struct mq_zone_span span;

		bytes[at] ^= cut ? 0 : 0xff;
		fwrite(bytes, 1, cut ? at : size, out);
		fclose(out);
		bytes[at] = old;
		if (mq_zone_load("Damaged", &zone, NULL) == MQ_OK) {
			assert_false(cut);
			mq_zone_span(zone, 1743296400, &span);
			mq_zone_span(zone, 4102444800, &span);
		}
		mq_zone_free(zone);
	}
	unsetenv("TZDIR");
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_agree_with_the_c_library),
		cmocka_unit_test(a_change_is_exact_to_the_second),
		cmocka_unit_test(names_lead_nowhere_else),
		cmocka_unit_test(a_damaged_file_is_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
