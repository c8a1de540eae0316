#include <mq/str.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Noreturn void out_of_memory(void)
{
	fputs("mq-worker: out of memory\n", stderr);
	abort();
}

void *mq_alloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

char *mq_strdup(const char *text)
{
	if (!text)
		return NULL;
	char *copy = strdup(text);

	if (!copy)
		out_of_memory();
	return copy;
}

char *mq_strf(const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	int n = vasprintf(&text, fmt, args);

	va_end(args);
	if (n < 0)
		out_of_memory();
	return text;
}

void mq_str_free(struct mq_str *str)
{
	free(str->data);
	*str = (struct mq_str){ 0 };
}

/* Room for `more` bytes and the NUL. */
static void reserve(struct mq_str *str, size_t more)
{
	size_t need = str->len + more + 1;

	if (need < more)
		out_of_memory();
	if (need <= str->cap)
		return;
	size_t cap = str->cap ? str->cap : 64;

	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	char *data = realloc(str->data, cap);

	if (!data)
		out_of_memory();
	str->data = data;
	str->cap = cap;
}

void mq_str_append(struct mq_str *str, const void *data, size_t len)
{
	reserve(str, len);
	if (len)
		memcpy(str->data + str->len, data, len);
	str->len += len;
	str->data[str->len] = '\0';
}

void mq_str_puts(struct mq_str *str, const char *text)
{
	mq_str_append(str, text, strlen(text));
}

void mq_str_printf(struct mq_str *str, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);

	va_end(args);
	if (n < 0)
		return;
	reserve(str, (size_t)n);
	va_start(args, fmt);
	vsnprintf(str->data + str->len, (size_t)n + 1, fmt, args);
	va_end(args);
	str->len += (size_t)n;
}

size_t mq_control_len(const char *text)
{
	unsigned char first = (unsigned char)text[0], second;

	if (first == 0)
		return 0;
	if (first < 0x20 || first == 0x7f)
		return 1;
	second = first == 0xc2 ? (unsigned char)text[1] : 0;
	return second >= 0x80 && second < 0xa0 ? 2 : 0;
}

void mq_control_blank(char *text)
{
	char *to = text;

	while (*text) {
		size_t control = mq_control_len(text);

		*to++ = control ? ' ' : *text;
		text += control ? control : 1;
	}
	*to = '\0';
}

/*
 * Length of the UTF-8 sequence at `s`, 0 when it is none (RFC 3629: no overlong forms, no
 * surrogates, at most U+10FFFF). A NUL ends the text, so the continuation checks never read past
 * it.
 */
static size_t utf8_len(const unsigned char *s)
{
	static const struct {
		unsigned char first_lo, first_hi, second_lo, second_hi;
		size_t len;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (s[0] < forms[i].first_lo || s[0] > forms[i].first_hi)
			continue;
		if (s[1] < forms[i].second_lo || s[1] > forms[i].second_hi)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

static void json_char(struct mq_str *str, unsigned char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char escaped[] = "\"\\bfnrt";
	const char *at = c ? strchr(plain, c) : NULL;

	if (at)
		mq_str_printf(str, "\\%c", escaped[at - plain]);
	else if (c < 0x20 || c == 0x7f)
		mq_str_printf(str, "\\u%04x", c);
	else
		mq_str_append(str, &c, 1);
}

void mq_str_json(struct mq_str *str, const char *text)
{
	if (!text) {
		mq_str_puts(str, "null");
		return;
	}
	mq_str_append(str, "\"", 1);
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		size_t len = utf8_len(s);

		if (len == 1)
			json_char(str, *s);
		else if (len == 0)
			mq_str_puts(str, "\xef\xbf\xbd");
		else
			mq_str_append(str, s, len);
		s += len ? len : 1;
	}
	mq_str_append(str, "\"", 1);
}

/* Iterative with one point to come back to, so that no pattern costs more than length x length. */
static bool glob_match_n(const char *glob, size_t n, const char *text)
{
	size_t g = 0, star = SIZE_MAX;
	const char *resume = text;

	while (*text) {
		if (g < n && glob[g] == '*') {
			star = g++;
			resume = text;
		} else if (g < n && (glob[g] == '?' || glob[g] == *text)) {
			g++;
			text++;
		} else if (star != SIZE_MAX) {
			g = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (g < n && glob[g] == '*')
		g++;
	return g == n;
}

bool mq_glob_match(const char *glob, const char *text)
{
	return glob_match_n(glob, strlen(glob), text);
}

bool mq_glob_list_match(const char *globs, const char *text)
{
	static const char separators[] = ", \t";

	for (;;) {
		globs += strspn(globs, separators);
		size_t n = strcspn(globs, separators);

		if (n == 0)
			return false;
		if (glob_match_n(globs, n, text))
			return true;
		globs += n;
	}
}

#define SUGGEST_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance in which an exchange of neighbours is one step (optimal string alignment). */
static size_t edit_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t rows[3][SUGGEST_MAX + 1];

	if (la > SUGGEST_MAX || lb > SUGGEST_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1,
				      above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	return rows[la % 3][lb];
}

const char *mq_suggest(const char *text, const char *const *candidates)
{
	const char *best = NULL;
	size_t best_distance = SIZE_MAX;

	for (; *candidates; candidates++) {
		size_t d = edit_distance(text, *candidates);

		if (d < best_distance) {
			best_distance = d;
			best = *candidates;
		}
	}
	/* One slip in three letters still reads as the same word; more is another one. */
	size_t len = strlen(text);
	size_t allowed = len < 3 ? 1 : (len + 2) / 3;

	return best_distance <= allowed ? best : NULL;
}
