/*
 * Time zones by IANA name, several at a time (the C library knows one a process).
 *
 * Reads the compiled files of the system's tzdata (TZif version 2 or later, RFC 9636) from TZDIR or
 * /usr/share/zoneinfo; instants beyond a file's last transition follow the POSIX rule in its footer
 * (RFC 9636, 3.3).
 */
#ifndef MQ_ZONE_H
#define MQ_ZONE_H

#include <mq/err.h>
#include <stdint.h>

struct mq_zone;

/* MQ_E_INVALID: no name of a zone. MQ_E_NOTFOUND: the system has no such zone. MQ_E_CORRUPT: not a
 * TZif file. */
enum mq_rc mq_zone_load(const char *name, struct mq_zone **ret, struct mq_err *err);
void mq_zone_free(struct mq_zone *zone);
MQ_CLEANUP(mq_zone, struct mq_zone *, mq_zone_free)

const char *mq_zone_name(const struct mq_zone *zone);

/* A stretch of time with one offset: local time = UTC + offset_s for start_s <= t < end_s. */
struct mq_zone_span {
	int64_t start_s; /* seconds since 1970 UTC; INT64_MIN: no earlier change is known */
	int64_t end_s;	 /* INT64_MAX: no later change is known */
	int32_t offset_s;
	bool dst;
	char abbreviation[16];
};
void mq_zone_span(const struct mq_zone *zone, int64_t t_s, struct mq_zone_span *ret);

#endif
