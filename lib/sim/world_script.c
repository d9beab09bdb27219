/*
 * What reaches the daemon: alarms by the poller and the queue, people's commands, and the scenario's
 * other events.
 */
#include <stdlib.h>

#include "aws/call.h"
#include "base/json.h"
#include "sim/world.h"

/* --- sources */

/* NULL, and a broken scenario, when no such alarm can exist. */
static struct pb_event *
make_event(struct world *w, const char *name, const char *state, const char *before, int64_t at,
    const json_t *tags)
{
	char time[PB_TIME_TEXT];
	struct pb_error err = {0};
	struct pb_event *ev = NULL;
	PB_CLEANUP(pb_freep)
	char *arn = pb_asprintf("arn:aws:cloudwatch:%s:111122223333:alarm:%s", w->region, name);
	(void)pb_time_rfc3339(time, at);
	PB_JSON json_t *j = json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}, s:{s:s}}}",
	    "version", "0", "id", "made-up", "detail-type", "CloudWatch Alarm State Change",
	    "source", "aws.cloudwatch", "account", "111122223333", "time", time, "region",
	    w->region, "resources", arn, "detail", "alarmName", name, "state", "value", state,
	    "reason", "Threshold Crossed", "timestamp", time, "previousState", "value", before);
	if (tags != NULL)
		json_object_set(
		    json_object_get(j, "detail"), "alarmTags", (json_t *)(uintptr_t)tags);
	if (pb_event_from_envelope(j, &ev, &err) < 0)
		broken(w, "scenario: alarm %s: %s", name, err.text);
	return ev;
}

static void
deliver(struct world *w, struct message *m)
{
	struct pb_input *in = pb_input_new(m->event == NULL ? PB_IN_REJECT : PB_IN_EVENT);
	in->source = pb_strdup(w->queue);
	in->receipt = m->receipt;
	in->event = m->event == NULL ? NULL : pb_event_ref(m->event);
	if (m->event == NULL) {
		in->message_id = pb_asprintf("m%llu", (unsigned long long)m->receipt);
		in->message = pb_strdup("not json");
		in->text = pb_strdup("not JSON");
		in->count = 5;
	}
	m->is_delivered = true;
	world_post(w, in);
}

static void
add_message(struct world *w, struct pb_event *ev)
{
	w->messages = pb_realloc(w->messages, (w->n_messages + 1) * sizeof(*w->messages));
	struct message *m = &w->messages[w->n_messages++];
	*m = (struct message){.receipt = w->n_messages, .event = ev};
}

void
source_deliver_all(struct world *w)
{
	for (size_t i = 0; i < w->n_messages; i++) {
		struct message *m = &w->messages[i];
		if (m->again_at != 0 && m->again_at <= w->now) {
			m->again_at = 0;
			m->is_delivered = false;
		}
		if (!m->is_deleted && !m->is_delivered)
			deliver(w, m);
	}
}

/* As the poller: what is active, believed for five minutes; an end of its own is told where it has one. */
static void
post_mutes(struct world *w)
{
	const char *name;
	json_t *mute, *alarm;
	void *next;
	size_t i;
	if (!w->honours_mutes || w->are_mutes_lost)
		return;
	struct pb_input *in = pb_input_new(PB_IN_MUTES);
	in->source = pb_strdup(w->poller);
	in->polled_at = w->now;
	in->span = 5 * PB_MINUTE;
	in->mutes = json_array();
	json_object_foreach_safe(w->mutes, next, name, mute)
	{
		int64_t until = pb_json_i64(mute, "until", PB_NEVER);
		if (until <= w->now + w->aws_ahead) {
			json_object_del(w->mutes, name);
			continue;
		}
		json_t *arns = json_array(),
		       *rule = json_pack("{s:s, s:o}", "name", name, "alarms", arns);
		json_array_foreach (json_object_get(mute, "alarms"), i, alarm)
			json_array_append_new(arns,
			    json_sprintf("arn:aws:cloudwatch:%s:111122223333:alarm:%s", w->region,
				json_string_value(alarm)));
		if (until != PB_NEVER)
			pb_json_set_i64(rule, "until", until);
		json_array_append_new(in->mutes, rule);
	}
	world_post(w, in);
}

/* As the poller: in ALARM, or changed since it last looked. */
void
source_poll(struct world *w)
{
	const char *name;
	json_t *alarm;
	w->poll_at = w->now + w->poll_every;
	post_mutes(w);
	json_object_foreach (w->alarms, name, alarm) {
		const char *state = pb_json_str_or(alarm, "state", "");
		int64_t at = pb_json_i64(alarm, "at", 0);
		PB_CLEANUP(pb_freep) char *now = pb_asprintf("%s %lld", state, (long long)at);
		if (pb_streq(pb_json_str(w->reported, name), now))
			continue;
		pb_json_set_str(w->reported, name, now);
		struct pb_event *ev = make_event(
		    w, name, state, "INSUFFICIENT_DATA", at, json_object_get(alarm, "tags"));
		if (ev == NULL)
			return;
		struct pb_input *in = pb_input_new(PB_IN_EVENT);
		in->source = pb_strdup(w->poller);
		in->event = ev;
		world_post(w, in);
	}
	struct pb_input *in = pb_input_new(PB_IN_POLLED);
	in->source = pb_strdup(w->poller);
	in->polled_at = w->polled_at = w->now;
	world_post(w, in);
}

/* --- scripted events */

static void
set_alarm(struct world *w, const json_t *e)
{
	const char *name = pb_json_str(e, "alarm"), *to = pb_json_str_or(e, "to", "ALARM");
	const char *by = pb_json_str_or(e, "by", w->has_poller ? "poll" : "sqs");
	const json_t *late = json_object_get(e, "late"), *early = json_object_get(e, "early");
	int64_t at = w->now + w->aws_ahead - (late == NULL ? 0 : span_of(late)) +
	    (early == NULL ? 0 : span_of(early));
	const char *before =
	    pb_json_str_or(json_object_get(w->alarms, name), "state", "INSUFFICIENT_DATA");
	const json_t *tags = json_object_get(e, "tags");
	if (tags == NULL)
		tags = json_object_get(json_object_get(w->alarms, name), "tags");
	struct pb_event *ev = make_event(w, name, to, before, at, tags);
	if (ev == NULL)
		return;
	if (!pb_streq(by, "poll")) {
		add_message(w, pb_event_ref(ev));
		if (pb_json_bool(e, "twice", false))
			add_message(w, pb_event_ref(ev));
	}
	pb_event_unref(ev);
	if (!pb_streq(by, "sqs"))
		json_object_set_new(w->alarms, name,
		    json_pack("{s:s, s:I, s:O*}", "state", to, "at", (json_int_t)at, "tags", tags));
}

/* A mute rule is active from now on; without `for` it tells no end. */
static void
set_mute(struct world *w, const json_t *e)
{
	json_t *mute = json_pack("{s:O}", "alarms", json_object_get(e, "alarms"));
	if (json_object_get(e, "for") != NULL)
		pb_json_set_i64(
		    mute, "until", w->now + w->aws_ahead + span_of(json_object_get(e, "for")));
	json_object_set_new(w->mutes, pb_json_str_or(e, "mute", "?"), mute);
}

/* The last one that was opened and is not over; "newest" itself, which nothing is called, where there is none. */
static const char *
newest_open(const struct world *w)
{
	size_t i = 0;
	const char *id, *newest = "newest";
	void *value;
	while (pb_map_next(w->books, &i, &id, &value))
		if (!((const struct book *)value)->is_resolved)
			newest = id;
	return newest;
}

static const char *
incident_of(const struct world *w, const char *named)
{
	return pb_streq(named, "newest") ? newest_open(w) : named;
}

static void
ask(struct world *w, size_t i)
{
	const json_t *e = w->asked[i].event;
	const char *key = w->asked[i].key;
	struct pb_input *in = pb_input_new(w->asked[i].kind);
	*(in->kind == PB_IN_REMEDIATION ? &in->playbook : &in->incident) =
	    pb_strdup(incident_of(w, pb_json_str(e, key)));
	in->silence = in->kind == PB_IN_UNSILENCE ? pb_strdup(pb_json_str(e, key)) : NULL;
	in->match = in->kind == PB_IN_SILENCE ? pb_json_text(json_object_get(e, key)) : NULL;
	in->step = pb_strdup(pb_json_str(e, "step"));
	in->is_stop = strncmp(key, "stop", 4) == 0;
	in->by = pb_strdup(pb_json_str_or(e, "by", "ana"));
	in->text = pb_strdup(pb_json_str(e, "reason"));
	if (json_object_get(e, "for") != NULL)
		in->span = span_of(json_object_get(e, "for"));
	in->token = i + 1;
	world_post(w, in);
}

static void
post_command(struct world *w, enum pb_input_kind kind, const json_t *e, const char *key)
{
	w->asked = pb_realloc(w->asked, (w->n_asked + 1) * sizeof(*w->asked));
	w->asked[w->n_asked++] = (struct asked){.event = e, .kind = kind, .key = key};
	ask(w, w->n_asked - 1);
}

void
world_ask_again(struct world *w)
{
	for (size_t i = 0; i < w->n_asked; i++)
		if (w->asked[i].status == 0 && !w->asked[i].is_durable)
			ask(w, i);
}

static void
post_config(struct world *w, struct pb_config *c)
{
	struct pb_input *in = pb_input_new(PB_IN_CONFIG);
	in->config = pb_config_ref(c);
	world_post(w, in);
	pb_config_unref(w->config);
	w->config = pb_config_ref(c);
}

static void
set_config(struct world *w, const char *text)
{
	const struct pb_config_file file = {
	    .name = pb_strdup("new.yaml"), .text = pb_strdup(text), .len = strlen(text)};
	struct pb_problems problems = {0};
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = NULL;
	size_t i = 0;
	while (i < w->n_configs && strcmp(w->configs[i].path, text) != 0)
		i++;
	if (i < w->n_configs)
		post_config(w, w->configs[i].config);
	else if (pb_config_parse(&file, 1, pb_aws_action_check, &c, &problems) < 0)
		broken(w, "scenario: %s", problems.texts[0]);
	else
		post_config(w, c);
	pb_problems_fini(&problems);
	free(file.name);
	free(file.text);
}

void
world_event(struct world *w, const json_t *e)
{
	struct pb_error err = {0};
	struct pb_event *ev = NULL;
	if (json_object_get(e, "alarm") != NULL)
		set_alarm(w, e);
	else if (json_object_get(e, "ack") != NULL)
		post_command(w, PB_IN_ACK, e, "ack");
	else if (json_object_get(e, "snooze") != NULL)
		post_command(w, PB_IN_SNOOZE, e, "snooze");
	else if (json_object_get(e, "escalate") != NULL)
		post_command(w, PB_IN_ESCALATE, e, "escalate");
	else if (json_object_get(e, "resolve") != NULL)
		post_command(w, PB_IN_RESOLVE, e, "resolve");
	else if (json_object_get(e, "approve") != NULL)
		post_command(w, PB_IN_APPROVE, e, "approve");
	else if (json_object_get(e, "reject") != NULL)
		post_command(w, PB_IN_REFUSE, e, "reject");
	else if (json_object_get(e, "stop_remediation") != NULL)
		post_command(w, PB_IN_REMEDIATION, e, "stop_remediation");
	else if (json_object_get(e, "start_remediation") != NULL)
		post_command(w, PB_IN_REMEDIATION, e, "start_remediation");
	else if (json_object_get(e, "silence") != NULL)
		post_command(w, PB_IN_SILENCE, e, "silence");
	else if (json_object_get(e, "mute") != NULL)
		set_mute(w, e);
	else if (json_object_get(e, "unmute") != NULL)
		json_object_del(w->mutes, pb_json_str_or(e, "unmute", ""));
	else if (json_object_get(e, "mute_list") != NULL)
		w->are_mutes_lost = !pb_json_bool(e, "mute_list", true);
	else if (json_object_get(e, "expire") != NULL)
		post_command(w, PB_IN_UNSILENCE, e, "expire");
	else if (json_object_get(e, "config") != NULL)
		set_config(w, pb_json_str_or(e, "config", ""));
	else if (json_object_get(e, "kill") != NULL)
		world_kill(w, span_of(json_object_get(e, "kill")));
	else if (json_object_get(e, "jump") != NULL) {
		int64_t jump = span_of(json_object_get(e, "jump"));
		w->now += jump;
		w->jumped_for += jump;
	} else if (json_object_get(e, "set_back") != NULL) {
		w->wall_ahead -= span_of(json_object_get(e, "set_back"));
		world_tell_clock(w);
	} else if (json_object_get(e, "set_forward") != NULL) {
		w->wall_ahead += span_of(json_object_get(e, "set_forward"));
		world_tell_clock(w);
	} else if (json_object_get(e, "fail_commits") != NULL)
		w->fail_commits = (size_t)pb_json_i64(e, "fail_commits", 0);
	else if (json_object_get(e, "store_is_back") != NULL)
		world_heal_store(w);
	else if (json_object_get(e, "drain") != NULL)
		world_post(w, pb_input_new(PB_IN_DRAIN));
	else if (json_object_get(e, "polls") != NULL)
		w->is_poller_off = !pb_json_bool(e, "polls", true);
	else if (json_object_get(e, "garbage") != NULL)
		add_message(w, NULL);
	else if (pb_event_from_envelope(json_object_get(e, "event"), &ev, &err) == 0)
		add_message(w, ev);
	else
		broken(w, "scenario: an event of no kind: %s", err.text);
}
