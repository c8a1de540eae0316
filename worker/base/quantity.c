/* Quantities with units: durations, sizes, numbers and switches, as people write them. */
#include <mq/str.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	int64_t factor;
};

#define SECOND INT64_C(1000)

static const struct unit durations[] = {
	{ "ms", 1 },
	{ "s", SECOND },
	{ "sec", SECOND },
	{ "m", 60 * SECOND },
	{ "min", 60 * SECOND },
	{ "h", 3600 * SECOND },
	{ "d", 86400 * SECOND },
	{ "day", 86400 * SECOND },
	{ "days", 86400 * SECOND },
	{ "w", 7 * 86400 * SECOND },
	{ NULL, 0 },
};

static const struct unit sizes[] = {
	{ "B", 1 },
	{ "K", INT64_C(1) << 10 },
	{ "KiB", INT64_C(1) << 10 },
	{ "M", INT64_C(1) << 20 },
	{ "MiB", INT64_C(1) << 20 },
	{ "G", INT64_C(1) << 30 },
	{ "GiB", INT64_C(1) << 30 },
	{ "T", INT64_C(1) << 40 },
	{ "TiB", INT64_C(1) << 40 },
	{ "kB", 1000 },
	{ "MB", 1000000 },
	{ "GB", 1000000000 },
	{ "TB", INT64_C(1000000000000) },
	{ NULL, 0 },
};

bool mq_int_parse(const char *text, int64_t *ret_value)
{
	char *end;

	/* strtoll skips blanks and takes a plus sign; a setting does not. */
	if (!((*text >= '0' && *text <= '9') || (*text == '-' && text[1] >= '0' && text[1] <= '9')))
		return false;
	errno = 0;
	long long value = strtoll(text, &end, 10);

	if (errno != 0 || *end != '\0')
		return false;
	*ret_value = value;
	return true;
}

static bool take_number(const char **at, int64_t *ret)
{
	int64_t value = 0;
	const char *start = *at;

	for (; **at >= '0' && **at <= '9'; (*at)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, **at - '0', &value))
			return false;
	*ret = value;
	return *at != start;
}

static const struct unit *take_unit(const char **at, const struct unit *units)
{
	size_t len = strspn(*at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	for (; units->name; units++) {
		if (strlen(units->name) == len && strncmp(units->name, *at, len) == 0) {
			*at += len;
			return units;
		}
	}
	return NULL;
}

/* A sum of NUMBER UNIT terms, each unit at most once and smaller than the one before. */
static bool parse_terms(const char *text, const struct unit *units, int64_t bare_factor,
			int64_t *ret)
{
	int64_t sum = 0, last_factor = INT64_MAX, number, term;

	if (!take_number(&text, &number))
		return false;
	if (*text == '\0') {
		if (__builtin_mul_overflow(number, bare_factor, ret))
			return false;
		return true;
	}
	for (;;) {
		text += strspn(text, " ");
		const struct unit *unit = take_unit(&text, units);

		if (!unit || unit->factor >= last_factor ||
		    __builtin_mul_overflow(number, unit->factor, &term) ||
		    __builtin_add_overflow(sum, term, &sum))
			return false;
		last_factor = unit->factor;
		text += strspn(text, " ");
		if (*text == '\0')
			break;
		if (!take_number(&text, &number))
			return false;
	}
	*ret = sum;
	return true;
}

bool mq_duration_parse(const char *text, int64_t *ret_ms)
{
	return parse_terms(text, durations, SECOND, ret_ms);
}

bool mq_size_parse(const char *text, int64_t *ret_bytes)
{
	return parse_terms(text, sizes, 1, ret_bytes);
}

bool mq_bool_parse(const char *text, bool *ret_value)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "true", true },	  { "yes", true }, { "on", true },   { "1", true },
		      { "false", false }, { "no", false }, { "off", false }, { "0", false } };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcasecmp(text, words[i].word) == 0) {
			*ret_value = words[i].value;
			return true;
		}
	}
	return false;
}

void mq_duration_format(int64_t ms, char out[static MQ_DURATION_TEXT_SIZE])
{
	int64_t s = ms / 1000;

	if (ms < 0)
		snprintf(out, MQ_DURATION_TEXT_SIZE, "0 s");
	else if (ms < 1000)
		snprintf(out, MQ_DURATION_TEXT_SIZE, "%lld ms", (long long)ms);
	else if (ms < 60 * 1000)
		snprintf(out, MQ_DURATION_TEXT_SIZE, "%lld.%lld s", (long long)s,
			 (long long)(ms % 1000 / 100));
	else if (s < 3600)
		snprintf(out, MQ_DURATION_TEXT_SIZE, "%lld min %lld s", (long long)(s / 60),
			 (long long)(s % 60));
	else if (s < 86400)
		snprintf(out, MQ_DURATION_TEXT_SIZE, "%lld h %lld min", (long long)(s / 3600),
			 (long long)(s % 3600 / 60));
	else
		snprintf(out, MQ_DURATION_TEXT_SIZE, "%lld d %lld h", (long long)(s / 86400),
			 (long long)(s % 86400 / 3600));
}

void mq_size_format(int64_t bytes, char out[static MQ_DURATION_TEXT_SIZE])
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t i = 0;

	while (value >= 1024 && i + 1 < sizeof names / sizeof names[0]) {
		value /= 1024;
		i++;
	}
	snprintf(out, MQ_DURATION_TEXT_SIZE, i == 0 ? "%.0f %s" : "%.1f %s", value, names[i]);
}
