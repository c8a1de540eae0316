#include "report_functions.h"

#include <math.h>
#include <mq/clock.h>
#include <mq/str.h>
#include <stdio.h>
#include <string.h>

#define CENTS_MAX 9e16 /* beyond that a double is no longer exact to the cent anyway */

/* ---------------------------------------------------------------- cents */

static void integer_cents(sqlite3_context *ctx, int64_t value)
{
	int64_t cents;

	if (__builtin_mul_overflow(value, 100, &cents))
		sqlite3_result_error(ctx, "cents(): the amount is too large", -1);
	else
		sqlite3_result_int64(ctx, cents);
}

static void real_cents(sqlite3_context *ctx, double value)
{
	char text[40];

	if (!(fabs(value) < CENTS_MAX / 100)) {
		sqlite3_result_error(ctx, "cents(): the amount is too large", -1);
		return;
	}
	/* Rounding the decimal text is what the application does; value * 100 rounds twice. */
	int n = snprintf(text, sizeof text, "%.2f", value);
	text[n - 3] = text[n - 2];
	text[n - 2] = text[n - 1];
	text[n - 1] = '\0';
	sqlite3_result_int64(ctx, strtoll(text, NULL, 10));
}

static void cents(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	switch (sqlite3_value_type(argv[0])) {
	case SQLITE_NULL:
		break;
	case SQLITE_INTEGER:
		integer_cents(ctx, sqlite3_value_int64(argv[0]));
		break;
	case SQLITE_FLOAT:
		real_cents(ctx, sqlite3_value_double(argv[0]));
		break;
	default:
		sqlite3_result_error(ctx, "cents(): an amount is no number", -1);
	}
}

/* ---------------------------------------------------------------- quotient */

static int64_t divide(int64_t a, int64_t b)
{
	bool negative = (a < 0) != (b < 0);
	uint64_t n = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
	uint64_t d = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
	uint64_t q = n / d + (n % d >= d - n % d);

	return negative ? (int64_t)(0 - q) : (int64_t)q;
}

static void quotient(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	for (int i = 0; i < 2; i++) {
		int type = sqlite3_value_type(argv[i]);

		if (type == SQLITE_NULL)
			return;
		if (type != SQLITE_INTEGER) {
			sqlite3_result_error(ctx, "quotient(): takes whole numbers only", -1);
			return;
		}
	}
	int64_t b = sqlite3_value_int64(argv[1]);

	if (b != 0)
		sqlite3_result_int64(ctx, divide(sqlite3_value_int64(argv[0]), b));
}

/* ---------------------------------------------------------------- utc */

/* Two digits as a number, -1 for anything else; stops at the NUL behind the text. */
static int two_digits(const char *at)
{
	if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
		return -1;
	return (at[0] - '0') * 10 + at[1] - '0';
}

/* Cuts "Z", "+02:00" or "-0530" off the end of *len characters; the offset in minutes. */
static int cut_offset(const char *text, size_t *len)
{
	for (size_t i = 19; i < *len; i++) {
		if (text[i] == 'Z' && i + 1 == *len) {
			*len = i;
			return 0;
		}
		if (text[i] != '+' && text[i] != '-')
			continue;
		int hours = two_digits(text + i + 1);
		const char *rest = text + i + 3;
		int minutes = hours < 0 ? -1 : two_digits(*rest == ':' ? rest + 1 : rest);

		if (minutes < 0)
			return 0;
		hours = hours * 60 + minutes;
		*len = i;
		return text[i] == '-' ? -hours : hours;
	}
	return 0;
}

/* The 26-character form of a date, or of a time with or without a fraction; false for other
 * lengths. */
static bool complete(const char *text, size_t len, char full[static MQ_TIME_TEXT_SIZE])
{
	static const char blank[] = "0000-00-00 00:00:00.000000";

	if (len != 10 && len != 19 && (len < 21 || len > 26))
		return false;
	memcpy(full, blank, MQ_TIME_TEXT_SIZE);
	memcpy(full, text, len);
	if (full[10] == 'T')
		full[10] = ' ';
	return true;
}

static void utc(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	char full[MQ_TIME_TEXT_SIZE];
	int64_t us;

	(void)argc;
	if (sqlite3_value_type(argv[0]) != SQLITE_TEXT)
		return;
	const char *text = (const char *)sqlite3_value_text(argv[0]);
	size_t len = (size_t)sqlite3_value_bytes(argv[0]);
	int offset = text ? cut_offset(text, &len) : 0;

	if (!text || !complete(text, len, full) || !mq_time_parse(full, &us))
		return;
	if (offset != 0)
		mq_time_format(us - offset * 60 * MQ_US_PER_S, full);
	sqlite3_result_text(ctx, full, MQ_TIME_TEXT_SIZE - 1, SQLITE_TRANSIENT);
}

static const struct {
	const char *name;
	int args;
	void (*call)(sqlite3_context *, int, sqlite3_value **);
} functions[] = {
	{ "cents", 1, cents },
	{ "quotient", 2, quotient },
	{ "utc", 1, utc },
};

enum mq_rc mq_report_functions_add(sqlite3 *db, struct mq_err *err)
{
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
		int rc = sqlite3_create_function_v2(db, functions[i].name, functions[i].args,
						    SQLITE_UTF8 | SQLITE_DETERMINISTIC |
							    SQLITE_DIRECTONLY,
						    NULL, functions[i].call, NULL, NULL, NULL);

		if (rc != SQLITE_OK)
			return mq_err_set(err, MQ_E_DB, 0, "SQL function '%s': %s",
					  functions[i].name, sqlite3_errmsg(db));
	}
	return MQ_OK;
}
