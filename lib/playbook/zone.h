/*
 * Time zones: a pure reader of TZif bytes (RFC 8536) and the arithmetic between wall times and
 * instants.
 *
 * A wall time is milliseconds since 1970-01-01 00:00 on the wall's own calendar.  Where clocks are
 * set back it comes twice; where they are set forward it is skipped, and then it stands for the
 * moment of the jump.
 */
#ifndef PB_PLAYBOOK_ZONE_H
#define PB_PLAYBOOK_ZONE_H

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"

#define PB_ZONE_FILE_MAX (256 * 1024)

struct pb_zone;

/*
 * The bytes of a zone's TZif file.  PB_SYNTAX or PB_UNSUPPORTED (version 1) say what is wrong with
 * them.  *ret is the caller's.
 */
int pb_zone_parse(struct pb_str tzif, struct pb_zone **ret, struct pb_error *err);
void pb_zone_free(struct pb_zone *z); /* takes NULL */
static inline void
pb_zone_freep(struct pb_zone **z)
{
	pb_zone_free(*z);
}

/* East of Greenwich is positive, ms. */
int64_t pb_zone_offset(const struct pb_zone *z, int64_t at);
/* The first and the last instant with this wall time. */
int64_t pb_zone_first(const struct pb_zone *z, int64_t wall);
int64_t pb_zone_last(const struct pb_zone *z, int64_t wall);

/* Letters, digits and + - _ /, no empty part and no dots: "Europe/London". */
bool pb_zone_name_is_good(const char *name);

/*
 * Where the bytes come from: set once, by the main program, before a configuration is read.  The
 * reader adds the file of zone `name` to ret; PB_NOT_FOUND when there is none.  Without a reader only
 * UTC, which needs no file, is known.
 */
typedef int pb_zone_reader(const char *name, struct pb_buf *ret, struct pb_error *err);
void pb_zone_use(pb_zone_reader *reader);
int pb_zone_read(const char *name, struct pb_buf *ret, struct pb_error *err);

#endif
