/*
 * The alarms of one incident.
 *
 * With a `dedup` of its own a playbook's incident may stand for several alarms: the one whose event
 * opened it, and those that joined it while it was open.  It is over when all of them are OK: the first
 * one that recovers is no all-clear for the others.  A human may close it before.
 */
#include "internal.h"

#include "base/json.h"

#define JOINED_MAX 200

static bool
is_of(const struct incident *in, const struct alarm *a)
{
	bool is_known = in->alarm == a;
	for (size_t i = 0; i < in->n_joined; i++)
		is_known = is_known || in->joined[i] == a;
	return is_known;
}

static void
add(struct incident *in, struct alarm *a)
{
	in->joined = pb_realloc(in->joined, (in->n_joined + 1) * sizeof(struct alarm *));
	in->joined[in->n_joined++] = a;
	a->n_known++;
}

void
joined_event(struct turn *t, struct incident *in, const struct pb_event *ev)
{
	const struct pb_playbook *p = incident_playbook(in);
	char safe[256];
	if (ev->kind != PB_EVENT_ALARM || in->alarm == NULL || (p != NULL && !p->resolve_on_ok))
		return;
	struct alarm *a = alarm_get(t->e, ev->alarm_arn);
	if (is_of(in, a))
		return;
	if (in->n_joined == JOINED_MAX) {
		if (in->n_unjoined++ == 0)
			incident_note(t, in, "", "joined",
			    "more than %d alarms: only a human says that it is over", JOINED_MAX);
		return;
	}
	add(in, a);
	alarm_attach(a, in);
	incident_note(t, in, "", "joined", "%s too: it is over when all its alarms are OK",
	    pb_safe(safe, sizeof(safe), pb_str_of(ev->alarm_name)));
}

bool
joined_is_any(const struct incident *in, enum pb_alarm_state state)
{
	bool is_any = in->alarm->state == state;
	for (size_t i = 0; i < in->n_joined; i++)
		is_any = is_any || in->joined[i]->state == state;
	return is_any;
}

char *
joined_burning(const struct incident *in)
{
	char safe[256];
	const struct alarm *first = NULL;
	int64_t n = in->n_unjoined;
	if (in->n_joined == 0)
		return NULL;
	for (size_t i = 0; i <= in->n_joined; i++) {
		const struct alarm *a = i == 0 ? in->alarm : in->joined[i - 1];
		if (a->state == PB_ALARM_OK)
			continue;
		n++;
		if (first == NULL)
			first = a;
	}
	if (n == 0)
		return NULL;
	if (first == NULL)
		return pb_asprintf("more alarms had joined than are watched");
	(void)pb_safe(safe, sizeof(safe), pb_str_of(first->name));
	if (n == 1)
		return pb_asprintf("%s is %s still", safe, pb_alarm_state_name(first->state));
	return pb_asprintf("%s is %s still, and %lld more are not OK", safe,
	    pb_alarm_state_name(first->state), (long long)n - 1);
}

void
joined_attach(struct incident *in)
{
	for (size_t i = 0; i < in->n_joined; i++)
		alarm_attach(in->joined[i], in);
}

void
joined_detach(struct incident *in)
{
	for (size_t i = 0; i < in->n_joined; i++)
		alarm_detach(in->joined[i], in);
}

void
joined_clear(struct incident *in)
{
	for (size_t i = 0; i < in->n_joined; i++)
		in->joined[i]->n_known--;
	free(PB_TAKE(in->joined));
	in->n_joined = 0;
	in->n_unjoined = 0;
}

void
joined_json(const struct incident *in, json_t *j)
{
	if (in->n_joined == 0)
		return;
	json_t *list = json_array();
	for (size_t i = 0; i < in->n_joined; i++)
		json_array_append_new(list, json_string(in->joined[i]->arn));
	json_object_set_new(j, "joined", list);
	pb_json_set_i64(j, "unjoined", in->n_unjoined);
}

void
joined_restore(struct pb_engine *e, struct incident *in, const json_t *body)
{
	size_t i;
	const json_t *arn;
	json_array_foreach (json_object_get(body, "joined"), i, arn) {
		const char *text = json_string_value(arn);
		if (in->alarm != NULL && text != NULL && text[0] != '\0' && i < JOINED_MAX &&
		    !is_of(in, alarm_get(e, text)))
			add(in, alarm_get(e, text));
	}
	in->n_unjoined = in->n_joined == 0 ? 0 : pb_json_i64(body, "unjoined", 0);
}
