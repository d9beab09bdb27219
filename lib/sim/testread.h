/*
 * The parts of a test file: each reader notes what is wrong at the node where it stands.
 *
 * What is read here makes no trouble when it is played: sim/world_script.c and sim/expect.c take the
 * JSON of it as it is.
 */
#ifndef PB_SIM_TESTREAD_H
#define PB_SIM_TESTREAD_H

#include "playbook/read.h"

#define TESTREAD_LIST_MAX 10000 /* events, expectations, answers */
#define TESTREAD_SPAN_MAX (400 * PB_DAY)

/* What the value of a key is. */
enum testread_value {
	TESTREAD_SPAN, /* a duration */
	TESTREAD_TEXT, /* may be empty */
	TESTREAD_TEXTS, /* one, or a list of them */
	TESTREAD_TAGS, /* a mapping of texts */
	TESTREAD_MAP,
	TESTREAD_FLAG, /* true */
	TESTREAD_BOOL,
	TESTREAD_COUNT,
	TESTREAD_WORD, /* one of `words` */
	TESTREAD_ANY, /* JSON, or read elsewhere */
};

struct testread_key {
	const char *key;
	enum testread_value value;
	const char *const *words; /* NULL ends them */
};

/* What the mappings of the format may hold; the manual has them all. */
struct testread_table {
	const struct testread_key *keys;
	size_t n;
};
extern const struct testread_table testread_test_table, testread_event_table, testread_answer_table,
    testread_line_table, testread_told_table;

/* Is it a mapping with no other keys, and each value as its row says?  `what` is "an event". */
bool testread_map(struct pb_loader *l, const struct pb_node *n, const char *what,
    const struct testread_key *keys, size_t n_keys);
#define TESTREAD_MAP(l, n, what, keys) testread_map((l), (n), (what), (keys), PB_ARRAY_LEN(keys))

/* Of a key: -1 where it is absent or no good, which has been said then. */
int64_t testread_span(const struct pb_node *n, const char *key);
/* NULL is an empty list. */
bool testread_is_list(struct pb_loader *l, const struct pb_node *n, const char *what);
/* Text stays text in the JSON of a mapping: `ack: 1` is of incident "1". */
void testread_keep_texts(
    const struct pb_node *n, json_t *j, const struct testread_key *keys, size_t n_keys);

/* Both return the latest instant that is named, counted from the start. */
int64_t testread_events(struct pb_loader *l, const struct pb_node *events);
int64_t testread_expect(struct pb_loader *l, const struct pb_node *expect);
void testread_world(struct pb_loader *l, const struct pb_node *world);
/* The call of a step, as `world` names it; NULL = it makes none.  The caller's. */
char *testread_call(const struct pb_step *s);
/* `events`, read well, with the JSON of them. */
void testread_finish_events(const struct pb_node *events, json_t *list);

#endif
