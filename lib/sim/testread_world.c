/*
 * What a test's world answers.  Which step or channel of the configuration a call is of is asked
 * later (testnames.c): here the kind of the call, and the operation of one to AWS.
 */
#include "aws/service.h"
#include "sim/testread.h"

static const char *const classes[] = {"Throttling", "Network", NULL};

static const struct testread_key answer_keys[] = {
    {"output", TESTREAD_ANY, NULL},
    {"error", TESTREAD_TEXT, NULL},
    {"class", TESTREAD_WORD, classes},
    {"message", TESTREAD_TEXT, NULL},
    {"after", TESTREAD_SPAN, NULL},
    {"hangs", TESTREAD_BOOL, NULL},
    {"unknown", TESTREAD_BOOL, NULL},
    {"lost", TESTREAD_BOOL, NULL},
    {"request_id", TESTREAD_TEXT, NULL},
    {"when_done", TESTREAD_ANY, NULL},
};
const struct testread_table testread_answer_table = {answer_keys, PB_ARRAY_LEN(answer_keys)};

/* Without an error they say nothing. */
static const char *const of_errors[] = {"class", "message", "unknown", "lost"};

static void
check_answer(struct pb_loader *l, const struct pb_node *n)
{
	if (!TESTREAD_MAP(l, n, "an answer", answer_keys))
		return;
	const struct pb_node *error = pb_node_get(n, "error"), *output = pb_node_get(n, "output");
	if (error != NULL && output != NULL)
		pb_problem_add(l, error, "an answer has an output or an error, not both");
	for (size_t i = 0; i < PB_ARRAY_LEN(of_errors) && error == NULL; i++)
		if (pb_node_get(n, of_errors[i]) != NULL)
			pb_problem_add(l, pb_node_get(n, of_errors[i]),
			    "\"%s\" says something of an error, and there is none", of_errors[i]);
	if (pb_node_get(n, "when_done") != NULL)
		check_answer(l, pb_node_get(n, "when_done"));
}

static void
check_call_kind(struct pb_loader *l, const struct pb_node *key)
{
	static const char *const words[] = {
	    "aws", "exec", "http", "notify", "page", "notice", "inform", "summary"};
	const char *colon = strchr(key->text, ':');
	PB_CLEANUP(pb_freep)
	char *kind = colon == NULL ? pb_strdup(key->text)
				   : pb_strndup(key->text, (size_t)(colon - key->text));
	for (size_t i = 0; i < PB_ARRAY_LEN(words); i++)
		if (strcmp(words[i], kind) == 0 && (colon != NULL || i >= 4) &&
		    (colon == NULL || colon[1] != '\0'))
			return;
	pb_problem_add(l, key,
	    "no call is written \"%s\"%s; write aws:SERVICE.OPERATION, exec:STEP, http:STEP, "
	    "notify:STEP, page, notice, inform or summary, and page:CHANNEL for one channel",
	    PB_SHOWN(key->text), colon == NULL ? "" : PB_SUGGEST(kind, words, PB_ARRAY_LEN(words)));
}

/* An operation the daemon can call: as an action, or to look and to wait. */
static void
check_operation(struct pb_loader *l, const struct pb_node *key)
{
	struct pb_error err = {0};
	const struct pb_aws_op *op;
	const char *call = key->text + strlen("aws:"), *dot = strchr(call, '.');
	PB_CLEANUP(pb_freep)
	char *service = dot == NULL ? NULL : pb_strndup(call, (size_t)(dot - call));
	if (dot != NULL && pb_aws_op_find(service, dot + 1) != NULL)
		return;
	if (pb_aws_action_find(pb_str_of(key->text), &op, &err) < 0)
		pb_problem_add(l, key, "\"%s\": %s", PB_SHOWN(key->text), err.text);
}

void
testread_world(struct pb_loader *l, const struct pb_node *world)
{
	if (world == NULL)
		return;
	if (world->kind != PB_NODE_MAP) {
		pb_problem_add(l, world, "world is a mapping from calls to answers");
		return;
	}
	for (size_t i = 0; i < world->n; i++) {
		const struct pb_node *n = world->items[i];
		check_call_kind(l, world->keys[i]);
		if (strncmp(world->keys[i]->text, "aws:", 4) == 0)
			check_operation(l, world->keys[i]);
		if (n->kind != PB_NODE_LIST)
			check_answer(l, n);
		else if (testread_is_list(l, n, "answers"))
			for (size_t k = 0; k < n->n; k++)
				check_answer(l, n->items[k]);
	}
}
