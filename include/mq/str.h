/* Strings: a growing buffer, globs, suggestions for misspelt names, quantities with units. */
#ifndef MQ_STR_H
#define MQ_STR_H

#include <mq/cleanup.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Growing byte buffer, always NUL-terminated once anything was appended. All-zero is empty. */
struct mq_str {
	char *data;
	size_t len;
	size_t cap;
};

/* Memory for a few hundred bytes that is not there leaves no way on: these abort instead of
 * returning NULL. */
char *mq_strdup(const char *text); /* NULL stays NULL */
char *mq_strf(const char *fmt, ...) MQ_PRINTF(1, 2);
void *mq_alloc(size_t count, size_t size); /* zeroed */

void mq_str_free(struct mq_str *str); /* leaves it empty and usable */
void mq_str_append(struct mq_str *str, const void *data, size_t len);
void mq_str_puts(struct mq_str *str, const char *text);
void mq_str_printf(struct mq_str *str, const char *fmt, ...) MQ_PRINTF(2, 3);
/*
 * Bytes of the control character that `text` begins with, 0 when it is none: C0, DEL, and C1 in
 * UTF-8, which terminals obey like ESC. What comes from outside goes nowhere with one in it.
 */
size_t mq_control_len(const char *text);
/* Each control character becomes a blank, in place. */
void mq_control_blank(char *text);
/* A JSON string with its quotes; invalid UTF-8 bytes become U+FFFD. NULL becomes null. */
void mq_str_json(struct mq_str *str, const char *text);

static inline void mq_str_cleanup(struct mq_str *str)
{
	mq_str_free(str);
}

/* True when `text` matches `globs`, a comma or blank separated list of patterns of `*` and `?`
 * ("media.*, backup.?"). */
bool mq_glob_list_match(const char *globs, const char *text);
bool mq_glob_match(const char *glob, const char *text);

/* The candidate nearest to `text` when it is near enough to be a slip, else NULL. The list ends
 * with NULL. */
const char *mq_suggest(const char *text, const char *const *candidates);

/*
 * Quantities with units, as the configuration and options take them. A number alone is in the base
 * unit. Durations: ms, s, m or min, h, d, w ("90s", "1h30min"); the result is in milliseconds, a
 * number alone is seconds. Sizes: B, K or KiB, M or MiB, G or GiB, T or TiB (powers of 1024), kB,
 * MB, GB, TB (powers of 1000).
 */
bool mq_duration_parse(const char *text, int64_t *ret_ms);
bool mq_size_parse(const char *text, int64_t *ret_bytes);
bool mq_int_parse(const char *text, int64_t *ret_value); /* whole string, decimal */
bool mq_bool_parse(const char *text, bool *ret_value);	 /* true/false, yes/no, on/off, 1/0 */

/* "1.5 s", "3 min 20 s", "2 d 4 h": for people. */
#define MQ_DURATION_TEXT_SIZE 32
void mq_duration_format(int64_t ms, char out[static MQ_DURATION_TEXT_SIZE]);
/* "512 B", "1.3 MiB". */
void mq_size_format(int64_t bytes, char out[static MQ_DURATION_TEXT_SIZE]);

#endif
