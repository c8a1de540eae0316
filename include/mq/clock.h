/*
 * Time. Wall-clock time is a count of microseconds since 1970 UTC and, as text, what the
 * application stores: "YYYY-MM-DD HH:MM:SS[.ffffff]", UTC, no zone. Deadlines are measured on the
 * monotonic clock only.
 */
#ifndef MQ_CLOCK_H
#define MQ_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define MQ_US_PER_S INT64_C(1000000)
#define MQ_MS_PER_S INT64_C(1000)

struct mq_clock {
	int64_t (*wall_us)(void);
	int64_t (*mono_us)(void); /* CLOCK_MONOTONIC */
};

int64_t mq_clock_wall_us(void);
int64_t mq_clock_mono_us(void);

/* Tests move time themselves; NULL restores the system's clocks. */
void mq_clock_use(const struct mq_clock *clock);

#define MQ_TIME_TEXT_SIZE 27 /* "2025-11-03 12:00:00.123456" and the NUL */

/* Writes the 26-character form. Years outside 0000-9999 are clamped to it. */
void mq_time_format(int64_t wall_us, char out[static MQ_TIME_TEXT_SIZE]);

/* "20251103_120000", the stamp in file names. */
#define MQ_TIME_STAMP_SIZE 16
void mq_time_stamp(int64_t wall_us, char out[static MQ_TIME_STAMP_SIZE]);

/* "2025-11-03T12:00:00.123Z" for logs and manifests (RFC 3339). */
#define MQ_TIME_RFC3339_SIZE 25
void mq_time_rfc3339(int64_t wall_us, char out[static MQ_TIME_RFC3339_SIZE]);

/* Exactly the two stored forms (19 or 26 characters) of a date that exists. */
bool mq_time_parse(const char *text, int64_t *ret_wall_us);

/*
 * What a person types: a stored form, "2025-11-03", "2025-11-03T12:00:00Z", "2025-11-03 12:00",
 * "now", or a distance "30min", "2h", "7d". A bare distance means `sign` x distance from now: -1
 * for --since, +1 for --run-at.
 */
bool mq_time_parse_input(const char *text, int64_t now_us, int sign, int64_t *ret_wall_us);

#endif
