/*
 * Alarms: making and changing them, their transitions and history, and what a transition sends out.
 */
#include "tests/sandbox/internal.h"

#include <stdlib.h>

#define HISTORY_MAX 50000

void
pb_sbx_alarm_free(void *alarm)
{
	struct pb_sbx_alarm *a = alarm;
	free(a->name);
	free(a->arn);
	json_decref(a->config);
	json_decref(a->tags);
	free(a->state);
	free(a->reason);
	free(a->reason_data);
	free(a);
}

bool
pb_sbx_is_state(const char *state)
{
	return pb_streq(state, "OK") || pb_streq(state, "ALARM") ||
	    pb_streq(state, "INSUFFICIENT_DATA");
}

/* --- history */

static void
add_history(struct pb_sandbox *sb, const struct pb_sbx_alarm *a, int64_t at, const char *type,
    const char *summary, const char *data)
{
	json_array_append_new(sb->history,
	    json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "AlarmName", a->name, "AlarmType",
		a->is_composite ? "CompositeAlarm" : "MetricAlarm", "at", (json_int_t)at,
		"HistoryItemType", type, "HistorySummary", summary, "HistoryData", data));
	if (json_array_size(sb->history) > HISTORY_MAX)
		json_array_remove(sb->history, 0);
}

static void
note_config(struct pb_sandbox *sb, const struct pb_sbx_alarm *a, bool is_new)
{
	PB_JSON json_t *data = json_pack("{s:s, s:s, s:O}", "version", "1.0", "type",
	    is_new ? "Create" : "Update", is_new ? "createdAlarm" : "updatedAlarm", a->config);
	PB_CLEANUP(pb_freep) char *text = pb_sbx_json_text(data);
	PB_CLEANUP(pb_freep)
	char *summary = pb_asprintf("Alarm \"%s\" %s", a->name, is_new ? "created" : "updated");
	add_history(sb, a, a->configured_at, "ConfigurationUpdate", summary, text);
}

/* --- making */

static void
set_text(char **field, const char *value)
{
	char *copy = pb_strdup(value);
	free(*field);
	*field = copy;
}

struct pb_sbx_alarm *
pb_sbx_alarm_put(
    struct pb_sandbox *sb, const char *name, bool is_composite, json_t *config, json_t *tags)
{
	struct pb_sbx_alarm *a = pb_map_get(sb->alarms, name);
	bool is_new = a == NULL;
	int64_t now = pb_sbx_now(sb);

	if (is_new) {
		PB_CLEANUP(pb_freep) char *rest = pb_asprintf("alarm:%s", name);
		a = pb_calloc(1, sizeof(*a));
		a->name = pb_strdup(name);
		a->arn = pb_sbx_arn("cloudwatch", sb->opts.region, sb->opts.account, rest);
		set_text(&a->state, "INSUFFICIENT_DATA");
		set_text(&a->reason, "Unchecked: Initial alarm creation");
		a->updated_at = a->transitioned_at = now;
		a->tags = json_object();
		(void)pb_map_put(sb->alarms, name, a);
	}
	a->is_composite = is_composite;
	json_decref(a->config);
	a->config = config;
	a->configured_at = now;
	if (tags != NULL)
		json_object_update(a->tags, tags);
	note_config(sb, a, is_new);
	return a;
}

json_t *
pb_sbx_alarm_json(const struct pb_sbx_alarm *a)
{
	json_t *out = json_pack("{s:s, s:s}", "AlarmName", a->name, "AlarmArn", a->arn);
	json_object_update(out, a->config);
	json_object_set_new(
	    out, "AlarmConfigurationUpdatedTimestamp", pb_sbx_time_json(a->configured_at));
	pb_json_set_str(out, "StateValue", a->state);
	pb_json_set_str(out, "StateReason", a->reason);
	pb_json_set_str(out, "StateReasonData", a->reason_data);
	json_object_set_new(out, "StateUpdatedTimestamp", pb_sbx_time_json(a->updated_at));
	json_object_set_new(
	    out, "StateTransitionedTimestamp", pb_sbx_time_json(a->transitioned_at));
	return out;
}

/* --- transitions */

static void
notify(struct pb_sandbox *sb, const struct pb_sbx_alarm *a, const char *arn, const char *old_state)
{
	const char *name = strrchr(arn, ':');
	struct pb_sbx_topic *t = name ? pb_map_get(sb->topics, name + 1) : NULL;
	PB_CLEANUP(pb_freep) char *text = pb_sbx_alarm_message(sb, a, old_state);
	PB_CLEANUP(pb_freep) char *subject = pb_sbx_alarm_subject(a);
	PB_CLEANUP(pb_freep)
	char *summary =
	    pb_asprintf("%s executed action %s", t != NULL ? "Successfully" : "Failed to", arn);
	PB_JSON json_t *data =
	    json_pack("{s:s, s:I, s:s}", "actionState", t != NULL ? "Succeeded" : "Failed",
		"stateUpdateTimestamp", (json_int_t)a->updated_at, "notificationResource", arn);
	if (t == NULL) {
		pb_json_set_str(data, "error", "Resource does not exist");
	} else {
		PB_JSON json_t *m = json_pack("{s:s, s:s}", "Message", text, "Subject", subject);
		pb_json_set_str(data, "publishedMessage", text);
		pb_sbx_topic_publish(sb, t, m, NULL, NULL, NULL);
	}
	PB_CLEANUP(pb_freep) char *dump = pb_sbx_json_text(data);
	add_history(sb, a, a->updated_at, "Action", summary, dump);
}

static void
run_actions(struct pb_sandbox *sb, const struct pb_sbx_alarm *a, const char *old_state)
{
	const char *kind = pb_streq(a->state, "ALARM") ? "AlarmActions"
	    : pb_streq(a->state, "OK")                 ? "OKActions"
						       : "InsufficientDataActions";
	const json_t *action;
	size_t i;
	if (!pb_json_bool(a->config, "ActionsEnabled", true))
		return;
	json_array_foreach (pb_json_get(a->config, kind), i, action) {
		const char *arn = json_string_value(action);
		if (arn != NULL && strstr(arn, ":sns:") != NULL)
			notify(sb, a, arn, old_state);
	}
}

void
pb_sbx_alarm_set(struct pb_sandbox *sb, struct pb_sbx_alarm *a, const char *state,
    const char *reason, const char *reason_data, int64_t at)
{
	PB_CLEANUP(pb_freep) char *old_state = PB_TAKE(a->state);
	PB_CLEANUP(pb_freep) char *old_reason = PB_TAKE(a->reason);
	PB_CLEANUP(pb_freep) char *old_data = PB_TAKE(a->reason_data);
	int64_t old_at = a->transitioned_at, now = pb_sbx_now(sb);

	/* Two transitions in one millisecond would be one occurrence to everybody. */
	if (at == 0)
		at = old_at >= now && old_at - now < PB_SECOND ? old_at + 1 : now;
	a->state = pb_strdup(state);
	a->reason = pb_strdup(reason);
	a->reason_data = pb_strdup(reason_data);
	a->updated_at = at;
	if (pb_streq(old_state, state))
		return;
	a->transitioned_at = at;
	a->updated_at = a->transitioned_at;
	PB_CLEANUP(pb_freep)
	char *summary = pb_asprintf("Alarm updated from %s to %s", old_state, state);
	PB_CLEANUP(pb_freep) char *data = pb_sbx_history_data(old_state, old_reason, old_data, a);
	add_history(sb, a, a->updated_at, "StateUpdate", summary, data);
	run_actions(sb, a, old_state);
	struct pb_sbx_queue *q =
	    sb->event_queue != NULL ? pb_map_get(sb->queues, sb->event_queue) : NULL;
	if (q != NULL) {
		struct pb_sbx_recent sent;
		PB_CLEANUP(pb_freep)
		char *event = pb_sbx_alarm_event(sb, a, old_state, old_reason, old_data, old_at);
		pb_sbx_queue_send(q, event, NULL, NULL, NULL, -1, &sent);
	}
}
