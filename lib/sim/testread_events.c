/*
 * The events of a test: of one kind each, in order of time.
 */
#include <stdio.h>

#include "event/event.h"
#include "sim/testread.h"

static const char *const states[] = {"ALARM", "OK", "INSUFFICIENT_DATA", NULL};
static const char *const ways[] = {"sqs", "poll", "both", NULL};

/* Every key of every event. */
static const struct testread_key keys[] = {
    {"at", TESTREAD_SPAN, NULL},
    {"alarm", TESTREAD_TEXT, NULL},
    {"event", TESTREAD_MAP, NULL},
    {"garbage", TESTREAD_FLAG, NULL},
    {"ack", TESTREAD_TEXT, NULL},
    {"snooze", TESTREAD_TEXT, NULL},
    {"escalate", TESTREAD_TEXT, NULL},
    {"resolve", TESTREAD_TEXT, NULL},
    {"approve", TESTREAD_TEXT, NULL},
    {"reject", TESTREAD_TEXT, NULL},
    {"stop_remediation", TESTREAD_TEXT, NULL},
    {"start_remediation", TESTREAD_TEXT, NULL},
    {"silence", TESTREAD_MAP, NULL},
    {"expire", TESTREAD_TEXT, NULL},
    {"mute", TESTREAD_TEXT, NULL},
    {"unmute", TESTREAD_TEXT, NULL},
    {"mute_list", TESTREAD_BOOL, NULL},
    {"polls", TESTREAD_BOOL, NULL},
    {"config", TESTREAD_TEXT, NULL},
    {"drain", TESTREAD_FLAG, NULL},
    {"kill", TESTREAD_SPAN, NULL},
    {"fail_commits", TESTREAD_COUNT, NULL},
    {"store_is_back", TESTREAD_FLAG, NULL},
    {"jump", TESTREAD_SPAN, NULL},
    {"set_back", TESTREAD_SPAN, NULL},
    {"set_forward", TESTREAD_SPAN, NULL},
    {"to", TESTREAD_WORD, states},
    {"tags", TESTREAD_TAGS, NULL},
    {"twice", TESTREAD_FLAG, NULL},
    {"late", TESTREAD_SPAN, NULL},
    {"early", TESTREAD_SPAN, NULL},
    {"by", TESTREAD_TEXT, NULL},
    {"for", TESTREAD_SPAN, NULL},
    {"reason", TESTREAD_TEXT, NULL},
    {"step", TESTREAD_TEXT, NULL},
    {"refused", TESTREAD_BOOL, NULL},
    {"alarms", TESTREAD_TEXTS, NULL},
};
const struct testread_table testread_event_table = {keys, PB_ARRAY_LEN(keys)};

/* Which of them go together: `needs` must be there, `takes` may. */
#define KEYS_MAX 5
static const struct event_kind {
	const char *name;
	const char *needs[2];
	const char *takes[KEYS_MAX];
} kinds[] = {
    {"alarm", {"to"}, {"tags", "by", "twice", "late", "early"}},
    {"event", {NULL}, {NULL}},
    {"garbage", {NULL}, {NULL}},
    {"ack", {NULL}, {"by", "refused"}},
    {"snooze", {"for"}, {"by", "refused"}},
    {"escalate", {NULL}, {"by", "reason", "refused"}},
    {"resolve", {NULL}, {"by", "reason", "refused"}},
    {"approve", {NULL}, {"by", "reason", "step", "refused"}},
    {"reject", {NULL}, {"by", "reason", "step", "refused"}},
    {"stop_remediation", {NULL}, {"by", "reason", "refused"}},
    {"start_remediation", {NULL}, {"by", "reason", "refused"}},
    {"silence", {"for"}, {"by", "reason", "refused"}},
    {"expire", {NULL}, {"by", "refused"}},
    {"mute", {"alarms"}, {"for"}},
    {"unmute", {NULL}, {NULL}},
    {"mute_list", {NULL}, {NULL}},
    {"polls", {NULL}, {NULL}},
    {"config", {NULL}, {NULL}},
    {"drain", {NULL}, {NULL}},
    {"kill", {NULL}, {NULL}},
    {"fail_commits", {NULL}, {NULL}},
    {"store_is_back", {NULL}, {NULL}},
    {"jump", {NULL}, {NULL}},
    {"set_back", {NULL}, {NULL}},
    {"set_forward", {NULL}, {NULL}},
};

static bool
is_among(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n && words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static const struct event_kind *
kind_named(const char *name)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* The one kind of an event; NULL when it has none, or several. */
static const struct event_kind *
kind_of(struct pb_loader *l, const struct pb_node *n)
{
	const struct event_kind *kind = NULL;
	for (size_t i = 0; i < n->n; i++) {
		const struct event_kind *more = kind_named(n->keys[i]->text);
		if (kind != NULL && more != NULL) {
			pb_problem_add(l, n->keys[i],
			    "an event is one thing: \"%s\" is an event of its own, apart from "
			    "\"%s\"",
			    more->name, kind->name);
			return NULL;
		}
		kind = more != NULL ? more : kind;
	}
	if (kind == NULL)
		pb_problem_add(l, n,
		    "this event says no more than when: give it an alarm, an event, or what "
		    "happens else, as ack or kill (see playbook(5), TESTS)");
	return kind;
}

/* Keys that are of other kinds. */
static void
check_keys(struct pb_loader *l, const struct pb_node *n, const struct event_kind *kind)
{
	for (size_t i = 0; i < n->n; i++) {
		const char *key = n->keys[i]->text;
		if (strcmp(key, "at") != 0 && strcmp(key, kind->name) != 0 &&
		    !is_among(kind->needs, 2, key) && !is_among(kind->takes, KEYS_MAX, key))
			pb_problem_add(
			    l, n->keys[i], "\"%s\" means nothing beside \"%s\"", key, kind->name);
	}
	for (size_t i = 0; i < 2 && kind->needs[i] != NULL; i++)
		if (pb_node_get(n, kind->needs[i]) == NULL)
			pb_problem_add(l, n, "\"%s\" needs the key \"%s\" beside it", kind->name,
			    kind->needs[i]);
}

static void
check_envelope(struct pb_loader *l, const struct pb_node *n)
{
	struct pb_error err = {0};
	struct pb_event *ev = NULL;
	PB_JSON json_t *j = pb_read_json(l, n);
	if (j != NULL && pb_event_from_envelope(j, &ev, &err) < 0)
		pb_problem_add(l, n, "%s", err.text);
	pb_event_unref(ev);
}

static void
check_way(struct pb_loader *l, const struct pb_node *n)
{
	size_t word;
	if (n != NULL)
		(void)pb_read_word(l, n, ways, PB_ARRAY_LEN(ways) - 1, &word);
}

static void
check_event(struct pb_loader *l, const struct pb_node *n)
{
	if (!TESTREAD_MAP(l, n, "an event", keys))
		return;
	const struct event_kind *kind = kind_of(l, n);
	if (kind == NULL)
		return;
	check_keys(l, n, kind);
	if (strcmp(kind->name, "event") == 0)
		check_envelope(l, pb_node_get(n, "event"));
	if (strcmp(kind->name, "alarm") == 0)
		check_way(l, pb_node_get(n, "by"));
}

int64_t
testread_events(struct pb_loader *l, const struct pb_node *events)
{
	int64_t last = 0;
	for (size_t i = 0; testread_is_list(l, events, "events") && i < events->n; i++) {
		const struct pb_node *n = events->items[i];
		check_event(l, n);
		int64_t at = testread_span(n, "at");
		if (n->kind == PB_NODE_MAP && pb_node_get(n, "at") == NULL)
			pb_problem_add(l, n, "an event needs the key at: how long after the start");
		else if (at >= 0 && at < last)
			pb_problem_add(l, pb_node_get(n, "at"),
			    "this event is before the one above it; events stand in order of time");
		last = at > last ? at : last;
	}
	return last;
}

void
testread_finish_events(const struct pb_node *events, json_t *list)
{
	for (size_t i = 0; events != NULL && i < events->n; i++)
		testread_keep_texts(
		    events->items[i], json_array_get(list, i), keys, PB_ARRAY_LEN(keys));
}
