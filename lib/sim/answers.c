/*
 * What a seed's world answers: good outputs, and between them the faults that were asked for.
 */
#include <stdio.h>

#include "base/json.h"
#include "sim/month.h"
#include "sim/testread.h"

struct maker {
	struct pb_rand *r;
	unsigned faults;
	const char *playbook; /* whose steps are being answered */
	json_t *world;
};

static bool
has(const struct maker *m, unsigned fault)
{
	return (m->faults & fault) != 0;
}

static json_t *
span(int64_t for_)
{
	char text[48];
	(void)snprintf(text, sizeof(text), "%lldms", (long long)for_);
	return json_string(text);
}

static json_t *
random_answer(struct maker *m, const json_t *output)
{
	json_t *a = json_object();
	int64_t kind = pb_rand_below(m->r, 10);
	if (kind == 0 && has(m, PB_MONTH_FAULT_ERRORS)) {
		pb_json_set_str(a, "error", "Exec.Exit.1");
	} else if (kind == 1 && has(m, PB_MONTH_FAULT_ERRORS)) {
		pb_json_set_str(a, "error", "ThrottlingException");
	} else if (kind == 2 && has(m, PB_MONTH_FAULT_ERRORS)) {
		pb_json_set_str(a, "error", "Network");
		json_object_set_new(a, "unknown", json_true());
		json_object_set_new(a, "lost", json_boolean(pb_rand_below(m->r, 2) == 0));
	} else if (kind == 3 && has(m, PB_MONTH_FAULT_HANGS)) {
		json_object_set_new(a, "hangs", json_true());
	}
	if (output != NULL)
		json_object_set(a, "output", (json_t *)(uintptr_t)output);
	bool is_slow = pb_rand_below(m->r, 6) == 0;
	json_object_set_new(
	    a, "after", span(pb_rand_below(m->r, is_slow ? 90 * PB_SECOND : 5 * PB_SECOND)));
	return a;
}

/* Takes `key` over; what several steps call in the same words is answered once. */
static void
add_answers(struct maker *m, char *key, const json_t *output, const json_t *when_done)
{
	PB_CLEANUP(pb_freep) char *owned = key;
	if (json_object_get(m->world, owned) != NULL)
		return;
	json_t *list = json_array();
	for (int64_t n = 1 + pb_rand_below(m->r, 40); n > 0; n--) {
		json_t *a = random_answer(m, output);
		if (when_done != NULL && json_object_get(a, "error") == NULL &&
		    json_object_get(a, "hangs") == NULL)
			json_object_set_new(a, "when_done",
			    json_pack("{s:O}", "output", (json_t *)(uintptr_t)when_done));
		json_array_append_new(list, a);
	}
	/* The last one stays: a step that can never succeed again would prove little of its month. */
	json_t *last = json_object();
	if (output != NULL)
		json_object_set(last, "output", (json_t *)(uintptr_t)output);
	if (when_done != NULL)
		json_object_set_new(last, "when_done",
		    json_pack("{s:O}", "output", (json_t *)(uintptr_t)when_done));
	json_array_append_new(list, last);
	json_object_set_new(m->world, owned, list);
}

/*
 * A step and its rollback, or two steps, may ask by the same call for different states: each read is
 * answered by the playbook and step that it is for.
 */
static char *
read_key(const struct maker *m, const struct pb_step *read)
{
	return pb_asprintf("read:%s/%s", m->playbook, read->name);
}

/* {"A": [{"B": "x"}]} for "A[].B". */
static json_t *
at_path(const char *path, const char *text)
{
	size_t len = strcspn(path, ".[");
	const char *rest = path + len;
	bool is_list = strncmp(rest, "[]", 2) == 0;
	rest += is_list ? 2 : 0;
	json_t *inner = *rest == '.' ? at_path(rest + 1, text) : json_string(text);
	PB_CLEANUP(pb_freep) char *key = pb_strndup(path, len);
	return is_list ? json_pack("{s:[o]}", key, inner) : json_pack("{s:o}", key, inner);
}

static void
add_wait(struct maker *m, const struct pb_wait *w)
{
	json_t *list = json_array();
	bool ends_badly = has(m, PB_MONTH_FAULT_ERRORS) && pb_rand_below(m->r, 4) == 0;
	for (int64_t n = pb_rand_below(m->r, 5); n > 0; n--) {
		PB_JSON json_t *output = at_path(w->state, "UnderWay");
		json_array_append_new(list, random_answer(m, output));
	}
	PB_JSON json_t *end = at_path(w->state, ends_badly ? w->failed[0] : w->succeeded[0]);
	json_array_append_new(list, json_pack("{s:O}", "output", end));
	PB_CLEANUP(pb_freep) char *key = read_key(m, w->read);
	json_object_set_new(m->world, key, list);
}

static void
add_step(struct maker *m, const struct pb_step *s, const json_t *outputs)
{
	PB_JSON json_t *http = json_pack("{s:i, s:s}", "status", 200, "body", "ok");
	const json_t *output = json_object_get(outputs, s->name);
	bool is_http = s->kind == PB_STEP_HTTP || s->kind == PB_STEP_VERIFY;
	char *call = testread_call(s);
	if (call != NULL)
		add_answers(m, call, output == NULL && is_http ? http : output, NULL);
	if (s->check != NULL) {
		PB_JSON json_t *done = pb_example_of_pattern(s->check->done_json, 1);
		PB_JSON json_t *undone = json_object();
		add_answers(m, read_key(m, s->check->read), undone, done);
	}
	if (s->wait != NULL)
		add_wait(m, s->wait);
	if (s->rollback != NULL)
		add_step(m, s->rollback, outputs);
}

/* Whoever cannot be paged at all proves nothing: the last answer is a success. */
static json_t *
page_answers(struct maker *m)
{
	json_t *list = json_array();
	for (int64_t n = has(m, PB_MONTH_FAULT_PAGER) ? pb_rand_below(m->r, 30) : 0; n > 0; n--)
		json_array_append_new(list, random_answer(m, NULL));
	json_array_append_new(list, json_object());
	return list;
}

json_t *
pb_month_answers(
    const struct pb_config *c, const json_t *outputs, unsigned faults, struct pb_rand *rand)
{
	struct maker m = {.r = rand, .faults = faults, .world = json_object()};
	for (size_t i = 0; i < c->n_playbooks; i++) {
		m.playbook = c->playbooks[i].name;
		for (size_t k = 0; k < c->playbooks[i].n_steps; k++)
			add_step(&m, &c->playbooks[i].steps[k], outputs);
	}
	json_object_set_new(m.world, "page", page_answers(&m));
	return m.world;
}
