/*
 * What a test expects: a kind of thing, which of them, and when or how often.
 */
#include "sim/testread.h"
#include "sim/world.h"

static const char *const causes[] = {"remediated", "recovered", "recovered_alone", "by_hand", NULL};
static const char *const incidents[] = {"incident", "new", "holding", "proposed", "queued",
    "inhibited", "running", "waiting", "resolved", NULL};
static const char *const crowds[] = {"group", "storm", NULL};

static const struct testread_key line_keys[] = {
    {"at", TESTREAD_SPAN, NULL},
    {"by", TESTREAD_SPAN, NULL},
    {"between", TESTREAD_ANY, NULL},
    {"never", TESTREAD_WORD, expect_kinds},
    {"at_most", TESTREAD_COUNT, NULL},
    {"times", TESTREAD_COUNT, NULL},
    {"step", TESTREAD_TEXT, NULL},
    {"probe", TESTREAD_TEXT, NULL},
    {"page", TESTREAD_ANY, NULL},
    {"notice", TESTREAD_ANY, NULL},
    {"inform", TESTREAD_ANY, NULL},
    {"summary", TESTREAD_ANY, NULL},
    {"incident", TESTREAD_WORD, incidents},
    {"inputs", TESTREAD_ANY, NULL},
    {"cause", TESTREAD_WORD, causes},
    {"level", TESTREAD_COUNT, NULL},
    {"to", TESTREAD_TEXT, NULL},
};
const struct testread_table testread_line_table = {line_keys, PB_ARRAY_LEN(line_keys)};

static const struct testread_key told_keys[] = {
    {"to", TESTREAD_TEXT, NULL},
    {"by", TESTREAD_TEXT, NULL},
    {"level", TESTREAD_COUNT, NULL},
    {"in", TESTREAD_WORD, crowds},
    {"text", TESTREAD_TEXTS, NULL},
};
const struct testread_table testread_told_table = {told_keys, PB_ARRAY_LEN(told_keys)};

static const char *const limits[] = {"at", "by", "between", "never", "at_most", "times"};
/* Whatever else is said beside never, it cannot be meant; a number is wanted once. */
static const char *const opposites[][2] = {{"never", "at"}, {"never", "by"}, {"never", "between"},
    {"never", "at_most"}, {"never", "times"}, {"times", "at_most"}};
/* Of which kinds a key may be said; the others know it not and would never fit. */
static const struct only {
	const char *key, *kinds[3];
} onlys[] = {
    {"inputs", {"step", "probe"}},
    {"cause", {"incident"}},
    {"level", {"page", "notice"}},
    {"to", {"page", "notice"}},
};

/* The one kind of the line; NULL, which has been said, when it is none or several. */
static const char *
kind_of(struct pb_loader *l, const struct pb_node *n)
{
	const struct pb_node *never = pb_node_get(n, "never");
	const char *kind = never == NULL ? NULL : never->text;
	for (size_t i = 0; i < n->n; i++) {
		const char *key = n->keys[i]->text;
		size_t k = 0;
		while (expect_kinds[k] != NULL && strcmp(expect_kinds[k], key) != 0)
			k++;
		if (expect_kinds[k] == NULL)
			continue;
		if (kind != NULL && strcmp(kind, key) != 0) {
			pb_problem_add(l, n->keys[i],
			    "this expects two things, \"%s\" and \"%s\"; write a line for each",
			    kind, key);
			return NULL;
		}
		kind = expect_kinds[k];
	}
	if (kind == NULL)
		pb_problem_add(l, n,
		    "name what is expected: step, probe, page, notice, inform, summary or "
		    "incident");
	return kind;
}

static void
check_span(struct pb_loader *l, const struct pb_node *n)
{
	int64_t from = 0, to = 0;
	if (!pb_read_is_list(l, n, "between", 2, 2) ||
	    pb_read_duration(l, n->items[0], 0, TESTREAD_SPAN_MAX, &from) < 0 ||
	    pb_read_duration(l, n->items[1], 0, TESTREAD_SPAN_MAX, &to) < 0)
		return;
	if (from > to)
		pb_problem_add(l, n, "between ends before it begins");
}

static void
check_only(struct pb_loader *l, const struct pb_node *n, const char *kind)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(onlys); i++) {
		size_t k = 0;
		const struct pb_node *value = pb_node_get(n, onlys[i].key);
		while (onlys[i].kinds[k] != NULL && strcmp(onlys[i].kinds[k], kind) != 0)
			k++;
		if (value != NULL && onlys[i].kinds[k] == NULL)
			pb_problem_add(
			    l, value, "a line about \"%s\" has no \"%s\"", kind, onlys[i].key);
	}
}

static void
check_opposites(struct pb_loader *l, const struct pb_node *n)
{
	for (size_t i = 0; i < PB_ARRAY_LEN(opposites); i++) {
		const struct pb_node *one = pb_node_get(n, opposites[i][0]);
		const struct pb_node *other = pb_node_get(n, opposites[i][1]);
		if (one != NULL && other != NULL)
			pb_problem_add(l, other,
			    "a line says either \"%s\" or \"%s\"; between says when it may happen "
			    "and that it does not before or after",
			    opposites[i][0], opposites[i][1]);
	}
}

static void
check_told(struct pb_loader *l, const struct pb_node *n, const char *what)
{
	if (n != NULL && n->kind == PB_NODE_SCALAR)
		(void)pb_read_scalar(l, n);
	else if (n != NULL)
		(void)TESTREAD_MAP(l, n, what, told_keys);
}

static void
check_line(struct pb_loader *l, const struct pb_node *n)
{
	const char *kind;
	bool has_limit = false;
	if (!TESTREAD_MAP(l, n, "an expectation", line_keys) || (kind = kind_of(l, n)) == NULL)
		return;
	if (pb_node_get(n, "between") != NULL)
		check_span(l, pb_node_get(n, "between"));
	for (size_t i = 0; i < PB_ARRAY_LEN(limits); i++)
		has_limit = has_limit || pb_node_get(n, limits[i]) != NULL;
	if (!has_limit)
		pb_problem_add(
		    l, n, "say when or how often: at, by, between, never, at_most or times");
	check_opposites(l, n);
	check_only(l, n, kind);
	check_told(l, pb_node_get(n, "page"), "page");
	check_told(l, pb_node_get(n, "notice"), "notice");
	check_told(l, pb_node_get(n, "inform"), "inform");
	check_told(l, pb_node_get(n, "summary"), "summary");
}

int64_t
testread_expect(struct pb_loader *l, const struct pb_node *expect)
{
	struct pb_error err = {0};
	int64_t last = 0;
	for (size_t i = 0; testread_is_list(l, expect, "expect") && i < expect->n; i++) {
		const struct pb_node *n = expect->items[i], *span = pb_node_get(n, "between");
		check_line(l, n);
		int64_t at = testread_span(n, "at"), by = testread_span(n, "by"), to = -1;
		if (span != NULL && span->kind == PB_NODE_LIST && span->n == 2 &&
		    span->items[1]->kind == PB_NODE_SCALAR)
			(void)pb_duration_parse(pb_str_of(span->items[1]->text), &to, &err);
		last = at > last ? at : last;
		last = by > last ? by : last;
		last = to > last ? to : last;
	}
	return last;
}
