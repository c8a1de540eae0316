#include <mq/csv.h>

#include <math.h>
#include <mq/str.h>
#include <stdio.h>
#include <string.h>

#define BUFFER_SIZE (64 * 1024)
#define NUMBER_SIZE 40 /* enough for any int64_t, and for "%.17g" */

static const struct mq_csv_dialect dialects[] = {
	{ .name = "rfc4180", .separator = ',', .decimal = '.', .bom = false, .eol = "\r\n" },
	{ .name = "excel-de", .separator = ';', .decimal = ',', .bom = true, .eol = "\r\n" },
	{ .name = "excel-en", .separator = ',', .decimal = '.', .bom = true, .eol = "\r\n" },
	{ .name = "tsv", .separator = '\t', .decimal = '.', .bom = false, .eol = "\n" },
};

struct mq_csv {
	struct mq_sink *out;
	const struct mq_csv_dialect *dialect;
	bool special[256];    /* bytes that make quotes necessary */
	size_t cells;	      /* of the row at hand */
	bool only_null;	      /* so far it is one NULL */
	struct mq_err failed; /* the first error; nothing is written after it */
	size_t used;
	char buffer[BUFFER_SIZE];
};

const struct mq_csv_dialect *mq_csv_dialect(const char *name)
{
	for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++)
		if (strcmp(dialects[i].name, name) == 0)
			return &dialects[i];
	return NULL;
}

static void drain(struct mq_csv *csv)
{
	if (csv->failed.rc == MQ_OK && csv->used > 0)
		mq_sink_write(csv->out, csv->buffer, csv->used, &csv->failed);
	csv->used = 0;
}

static void put(struct mq_csv *csv, const char *data, size_t len)
{
	while (len > 0) {
		size_t room = sizeof csv->buffer - csv->used;
		size_t part = len < room ? len : room;

		memcpy(csv->buffer + csv->used, data, part);
		csv->used += part;
		data += part;
		len -= part;
		if (csv->used == sizeof csv->buffer)
			drain(csv);
	}
}

static void put_char(struct mq_csv *csv, char c)
{
	csv->buffer[csv->used++] = c;
	if (csv->used == sizeof csv->buffer)
		drain(csv);
}

static void begin_cell(struct mq_csv *csv)
{
	if (csv->cells++ > 0)
		put_char(csv, csv->dialect->separator);
	csv->only_null = false;
}

/* ---------------------------------------------------------------- text */

/* What spreadsheets show as it is: digits with at most one sign, one decimal point or comma and one
 * exponent. */
static bool is_plain_number(const char *text, size_t len)
{
	size_t i = len > 0 && (text[0] == '-' || text[0] == '+');
	size_t digits = 0;
	bool point = false;

	for (; i < len; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			digits++;
		else if ((text[i] == '.' || text[i] == ',') && !point)
			point = true;
		else
			break;
	}
	if (digits == 0)
		return false;
	if (i < len && (text[i] == 'e' || text[i] == 'E')) {
		i++;
		if (i < len && (text[i] == '-' || text[i] == '+'))
			i++;
		for (digits = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++)
			digits++;
	}
	return i == len && digits > 0;
}

static bool is_formula(const char *text, size_t len)
{
	if (len == 0 || !memchr("=+-@\t\r", text[0], 7)) /* 7: the NUL counts */
		return false;
	return !is_plain_number(text, len);
}

static bool needs_quotes(const struct mq_csv *csv, const char *text, size_t len)
{
	if (len == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		if (csv->special[(unsigned char)text[i]])
			return true;
	return false;
}

static void put_quoted(struct mq_csv *csv, const char *text, size_t len)
{
	while (len > 0) {
		const char *quote = memchr(text, '"', len);
		size_t part = quote ? (size_t)(quote - text) + 1 : len;

		put(csv, text, part);
		if (quote)
			put_char(csv, '"');
		text += part;
		len -= part;
	}
}

void mq_csv_text(struct mq_csv *csv, const char *text, size_t len)
{
	bool formula = is_formula(text, len);
	bool quotes = needs_quotes(csv, text, len);

	begin_cell(csv);
	if (quotes)
		put_char(csv, '"');
	if (formula)
		put_char(csv, '\'');
	if (quotes) {
		put_quoted(csv, text, len);
		put_char(csv, '"');
	} else {
		put(csv, text, len);
	}
}

/* ---------------------------------------------------------------- numbers */

/* Digits from the right end of the buffer; INT64_MIN has no positive counterpart, so unsigned. */
static char *digits_before(char *end, uint64_t value)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return end;
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void mq_csv_int(struct mq_csv *csv, int64_t value)
{
	char text[NUMBER_SIZE];
	char *end = text + sizeof text;
	char *at = digits_before(end, magnitude(value));

	if (value < 0)
		*--at = '-';
	begin_cell(csv);
	put(csv, at, (size_t)(end - at));
}

void mq_csv_hundredths(struct mq_csv *csv, int64_t value)
{
	char text[NUMBER_SIZE];
	char *end = text + sizeof text;
	char *at = end - 3;
	uint64_t size = magnitude(value);

	at[0] = csv->dialect->decimal;
	at[1] = (char)('0' + size / 10 % 10);
	at[2] = (char)('0' + size % 10);
	at = digits_before(at, size / 100);
	if (value < 0)
		*--at = '-';
	begin_cell(csv);
	put(csv, at, (size_t)(end - at));
}

void mq_csv_real(struct mq_csv *csv, double value)
{
	char text[NUMBER_SIZE];

	if (value == trunc(value) && fabs(value) < 1e15) {
		mq_csv_int(csv, (int64_t)value);
		return;
	}
	snprintf(text, sizeof text, "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof text, "%.17g", value);
	char *point = strchr(text, '.');
	if (point)
		*point = csv->dialect->decimal;
	begin_cell(csv);
	put(csv, text, strlen(text));
}

void mq_csv_null(struct mq_csv *csv)
{
	begin_cell(csv);
	csv->only_null = csv->cells == 1;
}

/* ---------------------------------------------------------------- rows */

static enum mq_rc outcome(const struct mq_csv *csv, struct mq_err *err)
{
	if (csv->failed.rc != MQ_OK && err)
		*err = csv->failed;
	return csv->failed.rc;
}

enum mq_rc mq_csv_end_row(struct mq_csv *csv, struct mq_err *err)
{
	/* An empty line is no row to most readers: a file of one column would lose it. */
	if (csv->only_null)
		put(csv, "\"\"", 2);
	put(csv, csv->dialect->eol, strlen(csv->dialect->eol));
	csv->cells = 0;
	csv->only_null = false;
	return outcome(csv, err);
}

enum mq_rc mq_csv_flush(struct mq_csv *csv, struct mq_err *err)
{
	drain(csv);
	return outcome(csv, err);
}

struct mq_csv *mq_csv_new(struct mq_sink *out, const struct mq_csv_dialect *dialect)
{
	struct mq_csv *csv = mq_alloc(1, sizeof *csv);

	csv->out = out;
	csv->dialect = dialect;
	csv->special[(unsigned char)dialect->separator] = true;
	csv->special['"'] = true;
	csv->special['\r'] = true;
	csv->special['\n'] = true;
	if (dialect->bom)
		put(csv, "\xef\xbb\xbf", 3);
	return csv;
}

void mq_csv_free(struct mq_csv *csv)
{
	free(csv);
}
