/*
 * Instants and spans.  Both are int64_t milliseconds; instants count from 1970-01-01T00:00:00Z.
 * Names: instants end in _at, spans in _for or _every.  0 as an instant means "none".
 */
#ifndef PB_BASE_TIME_H
#define PB_BASE_TIME_H

#include <stdint.h>

#include "base/text.h"

#define PB_SECOND INT64_C(1000)
#define PB_MINUTE (60 * PB_SECOND)
#define PB_HOUR (60 * PB_MINUTE)
#define PB_DAY (24 * PB_HOUR)
#define PB_NEVER INT64_MAX

#define PB_TIME_TEXT 32 /* enough for any of the forms below */

/* "2026-03-03T09:14:05.118Z"; without the fraction when it is zero; PB_NEVER is
 * "never". Returns out. */
char *pb_time_rfc3339(char out[PB_TIME_TEXT], int64_t at);
/* "20260303T091405Z", the form of X-Amz-Date. */
char *pb_time_basic(char out[PB_TIME_TEXT], int64_t at);
/* "09:14:05" UTC. */
char *pb_time_clock(char out[PB_TIME_TEXT], int64_t at);
/*
 * Parse RFC 3339 and ISO 8601 as AWS writes them: "2026-03-03T09:14:05.118+0000", "...Z", offset
 * with or without colon, any fraction (cut to milliseconds), 'T' or a blank.  Years 1970 to 9999.
 * A time without an offset is refused: it names no instant.
 */
int pb_time_parse(struct pb_str s, int64_t *ret_at, struct pb_error *err);
/* Parse an HTTP Date ("Tue, 03 Mar 2026 09:14:05 GMT"). */
int pb_time_parse_http(struct pb_str s, int64_t *ret_at, struct pb_error *err);
char *pb_time_http(char out[PB_TIME_TEXT], int64_t at);
/* Days since 1970-01-01 of a proleptic Gregorian date, and back. */
int64_t pb_days_from_civil(int64_t y, int m, int d);

/*
 * A duration of the configuration: a whole number and one unit of ms, s, m, h, d; "90s", "5m".
 * Refused: no unit, fractions, signs, more than 400 days.
 */
int pb_duration_parse(struct pb_str s, int64_t *ret, struct pb_error *err);
/* "90s" as "1m30s", 0 as "0s", 1500 ms as "1.5s", below a second "250ms". At most two neighbouring
 * units, the rest is cut off: 1 day and 1 minute is "1d". PB_NEVER is "never". */
char *pb_duration_text(char out[PB_TIME_TEXT], int64_t span);
/* A size: a whole number of bytes or with KiB, MiB, GiB. */
int pb_size_parse(struct pb_str s, int64_t *ret, struct pb_error *err);

#endif
