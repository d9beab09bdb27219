/*
 * EventBridge event patterns: compile one, match it against an event, say why it did not match.
 *
 * The language is the service's whole one (Amazon EventBridge User Guide, "Comparison operators for
 * use in event patterns"; semantics of aws/event-ruler where the guide is silent):
 *
 *     "text", 300, true, null     the same value; "300" and 300 differ, 300 and 3.0e2 do not
 *     {"prefix": "a"}  {"suffix": "z"}  {"equals-ignore-case": "Az"}
 *     {"prefix": {"equals-ignore-case": "a"}}, the same with suffix
 *     {"wildcard": "a*z"}         '*' is any text, "\*" and "\\" are '*' and '\'
 *     {"anything-but": X}         X a text, a number, a list of texts or of numbers, or an object
 *                                 of one of prefix, suffix, equals-ignore-case, wildcard with a
 *                                 text or a list of texts
 *     {"numeric": [">", 0, "<=", 5]}, one or two sides, or ["=", 5]
 *     {"cidr": "10.0.0.0/24"}     IPv4 and IPv6, which never match each other
 *     {"exists": true | false}
 *     {"exactly": "text"}         as the bare text
 *     {"$or": [{...}, {...}]}     beside other fields, at any level
 *
 * Settled where sources differ:
 *   - Numbers compare by their decimal value, to the last digit (number.h).
 *   - A text that looks like an address is a text; /32 and /128 are accepted; host bits of the
 *     network are ignored.
 *   - null, booleans and values of the other type pass an anything-but, an absent field does not.
 *   - exists looks at leaves: an object, [] and {} are absent.
 *   - `a.b` in one key and `a`, `b` in two name the same field, in patterns and in events.  A
 *     pattern that has a field twice wants both.
 *   - In an array one element is enough.  Fields inside the objects of one array must match in one
 *     and the same element, at every level.  exists: false is judged on that element where other
 *     fields are bound in it, else on all; the order of keys never matters.
 *   - Case is folded character by character (Unicode simple folding), never to several characters.
 *
 * Threads: a compiled pattern or matcher is immutable; any number of threads may use it.
 */
#ifndef PB_PATTERN_PATTERN_H
#define PB_PATTERN_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

#define PB_PATTERN_MAX (64 * 1024) /* bytes of pattern text */
#define PB_PATTERN_DEPTH_MAX 32 /* objects within objects, the outermost included */
#define PB_PATTERN_STEPS_MAX 64 /* keys in the path of one field, however they are spelled */
#define PB_PATTERN_BRANCHES_MAX 1000 /* combinations that $or multiplies to */
#define PB_PATTERN_FIELDS_MAX 65536 /* fields counted over all combinations */
/*
 * '*' in one wildcard.  The service refuses what its own unpublished measure finds too complex; one
 * with six is on record as refused, ones with fewer as taken.
 */
#define PB_PATTERN_WILDCARDS_MAX 5
/*
 * Tries for one event and one combination; what needs more is no match.  Needed only where an event
 * spells one path in several ways ({"a.b": [], "a": {"b": []}}), or where several fields that may
 * also be absent stand in different arrays with nothing else beside them there.
 */
#define PB_PATTERN_TRIES_MAX 10000

struct pb_pattern;

/*
 * Compile a pattern.  The text is borrowed for the call, at most PB_PATTERN_MAX bytes.
 * On success *ret is the caller's to free with pb_pattern_free.  On failure it is untouched; err is
 *
 *   PB_SYNTAX   not JSON: line and column are set;
 *   PB_LIMIT    beyond one of the caps above, or a number beyond those of number.h;
 *   PB_INVALID  not a pattern: path is the place ("detail.state[0].prefix"), text the reason;
 *               line and column are those of that key or element, where a text was compiled.
 *
 * The reason is in the service's words where it has some: what it puts behind "Event pattern is not
 * valid. Reason: ".
 */
int pb_pattern_compile(struct pb_str json_text, struct pb_pattern **ret, struct pb_error *err);
/*
 * The same from a document already parsed, which is borrowed for the call; never PB_SYNTAX.  Of long
 * numbers it says what they are when pb_exact_parse made it.
 */
int pb_pattern_compile_json(const json_t *doc, struct pb_pattern **ret, struct pb_error *err);
void pb_pattern_free(struct pb_pattern *p); /* NULL is nothing */
PB_DEFINE_CLEANUP(struct pb_pattern, pb_pattern_free)

/*
 * Does the event match?  The event is borrowed.  Anything but an object (NULL too) matches nothing.
 * Give it what pb_json_parse made, which refuses duplicate keys, so that a pattern and a template
 * never see different values; or pb_exact_parse (exact.h), so that its numbers have all their digits.
 */
bool pb_pattern_match(const struct pb_pattern *p, const json_t *event);

/*
 * 1 = matches, 0 = does not; on 0 adds to `why` one line without a line break: the first field that
 * failed, with its value and what was wanted, e.g.
 *     detail.state.value is "OK", wanted one of ["ALARM"]
 *     detail.severity is absent, wanted one of [{"numeric":[">=",7]}]
 * With $or the line is about the combination that got furthest.  Where each field matches alone but
 * no array element holds them all, it says so.  Values are shown safe for a terminal, cut when
 * long.
 */
int pb_pattern_why(const struct pb_pattern *p, const json_t *event, struct pb_buf *why);

/*
 * The same by the bytes of an event that pb_match or pb_json_parse takes; the text of anything else is
 * not to be relied on.  Only what the pattern names is made a tree of.
 */
int pb_pattern_why_text(const struct pb_pattern *p, struct pb_str event, struct pb_buf *why);

/*
 * Near misses: what an operator looks for when the wrong playbook took an event, or none did.  A
 * pattern is one when it does not match, and would if one field of the event differed: had another
 * value, were there, or were not.
 *
 * Each comes with the event so changed, which the pattern was seen to match: there are no guesses.
 * Of several such fields the first found is told.  Not found are near misses that only a value would
 * show which is in none of the field's tests, as for a pattern that has one field twice.
 */
struct pb_near {
	size_t id; /* the pattern's place in the list; 0 for a single one */
	char *path; /* the field: its keys joined by '.' */
	char *why; /* what it is and what is wanted, as pb_pattern_why tells it */
	char *event; /* compact JSON */
};
void pb_near_fini(struct pb_near *near);

/* 1 = a near miss, *ret is the caller's to fini; 0 = it matches, or more than one field differs. */
int pb_pattern_near(const struct pb_pattern *p, const json_t *event, struct pb_near *ret);
/*
 * The same for many, ascending, at most `cap` of them; returns how many are in `ret`.  Takes time
 * for each pattern: a question that a person asks, not one for each event.
 */
size_t pb_patterns_near(const struct pb_pattern *const *patterns, size_t n, const json_t *event,
    struct pb_near *ret, size_t cap);

/*
 * Many patterns at once, on the bytes of an event.
 *
 *     struct pb_matcher_builder *b = pb_matcher_builder_new();
 *     for each: pb_matcher_builder_add(b, pattern, &err);
 *     struct pb_matcher *m = pb_matcher_builder_finish(b);
 *     struct pb_match *s = pb_match_new();               one for each thread
 *     pb_match(m, s, event, ids, PB_ARRAY_LEN(ids), &n);
 *
 * To reload, build another one beside it and change the pointer.
 */
struct pb_matcher;
struct pb_matcher_builder;

struct pb_matcher_builder *pb_matcher_builder_new(void);
void pb_matcher_builder_free(struct pb_matcher_builder *b); /* NULL is nothing */
PB_DEFINE_CLEANUP(struct pb_matcher_builder, pb_matcher_builder_free)
/*
 * Add a pattern, which is borrowed for the call.  Its id is the number of patterns added before.
 * PB_LIMIT when what is in the matcher would pass 4 GB of text or as many of anything.
 */
int pb_matcher_builder_add(
    struct pb_matcher_builder *b, const struct pb_pattern *p, struct pb_error *err);
/*
 * The same from the text of a pattern; errors as those of pb_pattern_compile, and then the builder is
 * as it was.  Plain patterns, as most in large sets are, are taken in without the compiler.
 */
int
pb_matcher_builder_add_text(struct pb_matcher_builder *b, struct pb_str text, struct pb_error *err);
/*
 * Have each event's values at a path (keys joined by '.') read in the same pass, whether a pattern
 * names it or not.  Returns the number to ask pb_match_found with: 0, 1, 2 and so on where paths are
 * wanted before a pattern is added.
 */
uint32_t pb_matcher_builder_want(struct pb_matcher_builder *b, struct pb_str path);
/*
 * For measuring only: match as soon as each path that a pattern names was seen, without validating
 * the rest of the event, and without later values of a path.
 */
void pb_matcher_builder_stop_early(struct pb_matcher_builder *b);
/* Frees the builder; what is returned is the caller's to free. */
struct pb_matcher *pb_matcher_builder_finish(struct pb_matcher_builder *b);

/* All of that at once; the patterns are borrowed for the call, and n may be 0. */
int pb_matcher_build(const struct pb_pattern *const *patterns, size_t n, struct pb_matcher **ret,
    struct pb_error *err);
void pb_matcher_free(struct pb_matcher *m); /* NULL is nothing */
PB_DEFINE_CLEANUP(struct pb_matcher, pb_matcher_free)
size_t
pb_matcher_bytes(const struct pb_matcher *m); /* of memory, the texts of the patterns included */

#define PB_MATCH_EVENT_MAX (64U << 20) /* bytes */

/* What a thread needs to match; it fits any matcher, and grows to what the largest event needs. */
struct pb_match;
struct pb_match *pb_match_new(void);
void pb_match_free(struct pb_match *s); /* NULL is nothing */
PB_DEFINE_CLEANUP(struct pb_match, pb_match_free)

/*
 * Which patterns match?  The event is one JSON object, nothing but blanks around it.  Ids go to
 * `ids`, ascending, at most `cap` of them; *ret_n is how many matched, which may be more.  Nothing
 * is allocated once `s` has seen an event as large.
 *
 * -1 when the event is not one the rest of the program would take, and then nothing matches: not
 * valid JSON or UTF-8, cut, no object, nested deeper than PB_JSON_DEPTH_MAX, with a key twice in an
 * object (after unescaping), with \u0000 in a text, with a number beyond a double, or longer than
 * PB_MATCH_EVENT_MAX.  pb_json_parse tells which and where.
 */
int pb_match(const struct pb_matcher *m, struct pb_match *s, struct pb_str event, uint32_t *ids,
    size_t cap, size_t *ret_n);

struct pb_match_value {
	struct pb_str text; /* of a text, unescaped; of a number or literal, as it stands */
	bool is_text;
};
/*
 * The values at a wanted path in the event that pb_match took last, in its order, at most `cap` of
 * them.  They are valid until the next call of pb_match, and as long as the event's bytes are.
 * Returns how many there are, which may be more; nothing after pb_match failed.
 */
size_t pb_match_found(struct pb_match *s, uint32_t wanted, struct pb_match_value *ret, size_t cap);
/*
 * What else stands there, as bits: an object, an array (its values are the path's), or one of them
 * within an element of an array.  Of the first PB_MATCH_STRUCTURES_MAX numbers only.
 */
#define PB_MATCH_STRUCTURES_MAX 20
enum pb_match_structure { PB_MATCH_OBJECT = 1, PB_MATCH_ARRAY = 2, PB_MATCH_NESTED = 4 };
unsigned pb_match_found_structure(const struct pb_match *s, uint32_t wanted);
/* Did a key with dots lead to one of those?  Else each is where the keys of its path nest. */
bool pb_match_found_dotted(const struct pb_match *s);
/* No other matcher of this process has it, also not one that is made when this is freed; never 0. */
uint64_t pb_matcher_serial(const struct pb_matcher *m);

/* How bytes are scanned: "scalar", "sse2", "avx2" or "avx512", the best that runs here. */
const char *pb_match_scanner(const struct pb_match *s);
/* Scan in a simpler way, for tests and measuring; -1 when it does not run here. */
int pb_match_set_scanner(struct pb_match *s, const char *name);
/*
 * An event that is built like one seen before, with the same keys in the same order and other
 * values, is read in about half the time or less (lib/pattern/shape.h); it is validated all the same.
 * `s` remembers such shapes in memory it has from the first event on, about 600 KB.  Not to use them is for
 * tests and measuring; how many events were read by one, ever, is for them too.
 */
void pb_match_set_shapes(struct pb_match *s, bool are_used);
uint64_t pb_match_n_by_shape(const struct pb_match *s);

/*
 * The same for an event that is parsed already; allocates.  Returns how many matched, ids as above.
 */
size_t pb_matcher_match(const struct pb_matcher *m, const json_t *event, uint32_t *ids, size_t cap);

#endif
