/*
 * Events: checking an EventBridge envelope and taking out of it what the rest of the daemon asks
 * for.
 *
 * What an event says is immutable once made.  Its envelope is a shallow copy of what came, with the
 * members that were left open filled in, so that patterns and templates always find the same nine.
 */
#include "event/event.h"

#include <stdlib.h>

#include "base/digest.h"
#include "event/internal.h"

static const char *const state_names[PB_ALARM_STATE_MAX] = {
    [PB_ALARM_INSUFFICIENT_DATA] = "INSUFFICIENT_DATA",
    [PB_ALARM_OK] = "OK",
    [PB_ALARM_ALARM] = "ALARM",
};

const char *
pb_alarm_state_name(enum pb_alarm_state state)
{
	pb_check((unsigned)state < PB_ALARM_STATE_MAX);
	return state_names[state];
}

int
pb_alarm_state_parse(const char *s, enum pb_alarm_state *ret)
{
	for (unsigned i = 0; i < PB_ALARM_STATE_MAX; i++)
		if (pb_streq(s, state_names[i])) {
			*ret = (enum pb_alarm_state)i;
			return 0;
		}
	return -1;
}

struct pb_event *
pb_event_new(void)
{
	struct pb_event *e = pb_calloc(1, sizeof(*e));
	e->refs = 1;
	return e;
}

struct pb_event *
pb_event_ref(struct pb_event *e)
{
	pb_check(e->refs > 0);
	e->refs++;
	return e;
}

void
pb_event_unref(struct pb_event *e)
{
	if (e == NULL)
		return;
	pb_check(e->refs > 0);
	if (--e->refs > 0)
		return;
	json_decref(e->tree);
	json_decref(e->alarm);
	free((char *)(uintptr_t)e->text.ptr);
	free(e->identity);
	free(e->fields);
	free(e->alarm_arn);
	free(e->alarm_name);
	free(e->matched);
	free(e);
}

bool
pb_arn_split(const char *arn, struct pb_arn_parts *ret)
{
	struct pb_str part[5]; /* arn, partition, service, region, account */
	const char *p = arn;
	if (p == NULL || strncmp(p, "arn:", 4) != 0)
		return false;
	for (size_t i = 0; i < PB_ARRAY_LEN(part); i++) {
		const char *colon = strchr(p, ':');
		if (colon == NULL)
			return false;
		part[i] = (struct pb_str){p, (size_t)(colon - p)};
		p = colon + 1;
	}
	*ret = (struct pb_arn_parts){part[2], part[3], part[4], pb_str_of(p)};
	return ret->resource.len > 0;
}

void
pb_event_id_of(struct pb_str identity, char out[37])
{
	char hex[PB_SHA256_TEXT];
	pb_sha256_text(identity.ptr, identity.len, hex);
	size_t n = 0;
	for (size_t i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			out[n++] = '-';
		out[n++] = hex[i];
	}
	out[n] = '\0';
}

static int
fail_at(struct pb_error *err, const char *path, const char *text)
{
	(void)pb_fail(err, PB_INVALID, "%s %s", path, text);
	if (err != NULL)
		(void)snprintf(err->path, sizeof(err->path), "%s", path);
	return -1;
}

/* The members of an envelope: which must be there, and what stands for one that is not. */
static const struct member {
	const char *name;
	json_type type;
	bool is_required;
	const char *wanted;
} members[] = {
    {"version", JSON_STRING, false, "must be text"},
    {"id", JSON_STRING, true, "must be text"},
    {"detail-type", JSON_STRING, true, "must be text"},
    {"source", JSON_STRING, true, "must be text"},
    {"account", JSON_STRING, false, "must be text"},
    {"time", JSON_STRING, false, "must be text"},
    {"region", JSON_STRING, false, "must be text"},
    {"resources", JSON_ARRAY, false, "must be an array of text"},
    {"detail", JSON_OBJECT, true, "must be an object"},
};

static int
check_member(const json_t *envelope, const struct member *m, struct pb_error *err)
{
	const json_t *v = json_object_get(envelope, m->name);
	if (v == NULL && !m->is_required)
		return 0;
	if (v == NULL)
		return fail_at(
		    err, m->name, "is missing; an event needs id, source, detail-type and detail");
	if (json_typeof(v) != m->type)
		return fail_at(err, m->name, m->wanted);
	if (m->is_required && m->type == JSON_STRING && json_string_length(v) == 0)
		return fail_at(err, m->name, "is empty");
	size_t i;
	json_t *item;
	if (m->type == JSON_ARRAY)
		json_array_foreach (v, i, item)
			if (!json_is_string(item))
				return fail_at(err, m->name, m->wanted);
	return 0;
}

static json_t *
complete_envelope(const json_t *envelope)
{
	static const char *const order[] = {"version", "id", "detail-type", "source", "account",
	    "time", "region", "resources", "detail"};
	json_t *j = json_object();
	for (size_t i = 0; i < PB_ARRAY_LEN(order); i++) {
		json_t *v = json_object_get(envelope, order[i]);
		if (v != NULL)
			(void)json_object_set(j, order[i], v);
		else if (pb_streq(order[i], "resources"))
			(void)json_object_set_new(j, order[i], json_array());
		else
			pb_json_set_str(j, order[i], pb_streq(order[i], "version") ? "0" : "");
	}
	const char *name;
	json_t *v;
	json_object_foreach ((json_t *)(uintptr_t)envelope, name, v)
		if (json_object_get(j, name) == NULL)
			(void)json_object_set(j, name, v);
	return j;
}

/* The alarm's tags as one object, whether they come as an object or as a list of key and value. */
static json_t *
tags_of(const json_t *tags)
{
	json_t *ret = json_object(), *item;
	size_t i;
	if (json_is_object(tags))
		(void)json_object_update(ret, (json_t *)(uintptr_t)tags);
	if (json_is_array(tags))
		json_array_foreach (tags, i, item) {
			const char *key = pb_json_str(item, "key");
			const char *value = pb_json_str(item, "value");
			if (key != NULL && value != NULL)
				(void)json_object_set_new(ret, key, json_string(value));
		}
	return ret;
}

/* The first metric of the alarm, flat: namespace name dimensions stat period; null when it has
 * none. */
static json_t *
metric_of(const json_t *configuration)
{
	const json_t *metrics = pb_json_get(configuration, "metrics");
	json_t *item;
	size_t i;
	if (json_is_array(metrics))
		json_array_foreach (metrics, i, item) {
			const json_t *stat = pb_json_get(item, "metricStat");
			const json_t *metric = pb_json_get(stat, "metric");
			if (!json_is_object(metric))
				continue;
			json_t *ret = json_copy((json_t *)(uintptr_t)metric);
			static const char *const more[] = {"stat", "period"};
			for (size_t k = 0; k < PB_ARRAY_LEN(more); k++) {
				json_t *v = json_object_get(stat, more[k]);
				if (v != NULL)
					(void)json_object_set(ret, more[k], v);
			}
			return ret;
		}
	return json_null();
}

static json_t *
alarm_context_of(const struct pb_event *e, const json_t *detail)
{
	const json_t *conf = pb_json_get(detail, "configuration");
	json_t *a = json_object();
	pb_json_set_str(a, "name", e->alarm_name);
	pb_json_set_str(a, "arn", e->alarm_arn);
	pb_json_set_str(a, "region", e->region);
	pb_json_set_str(a, "account", e->account);
	pb_json_set_str(a, "state", pb_alarm_state_name(e->alarm_state));
	pb_json_set_str(a, "previous_state", pb_alarm_state_name(e->alarm_previous_state));
	pb_json_set_str(a, "reason", pb_json_str_or(pb_json_get(detail, "state"), "reason", ""));
	pb_json_set_str(a, "description", pb_json_str_or(conf, "description", ""));
	(void)json_object_set_new(a, "metric", metric_of(conf));
	(void)json_object_set_new(a, "tags", tags_of(pb_json_get(detail, "alarmTags")));
	return a;
}

bool
pb_event_is_alarm_arn(const char *arn)
{
	struct pb_arn_parts parts;
	return pb_arn_split(arn, &parts) && pb_str_is(parts.service, "cloudwatch") &&
	    pb_str_has_prefix(parts.resource, PB_STR("alarm:"));
}

static const char *
find_alarm_arn(const json_t *envelope)
{
	const json_t *resources = json_object_get(envelope, "resources");
	json_t *item;
	size_t i;
	json_array_foreach (resources, i, item) {
		const char *arn = json_string_value(item);
		if (pb_event_is_alarm_arn(arn))
			return arn;
	}
	return NULL;
}

char *
pb_event_alarm_identity(const char *arn, enum pb_alarm_state state, int64_t at)
{
	return pb_asprintf("alarm|%s|%s|%lld", arn, pb_alarm_state_name(state), (long long)at);
}

void
pb_event_keep_alarm(struct pb_event *e, struct pb_str arn, struct pb_str name)
{
	e->kind = PB_EVENT_ALARM;
	e->alarm_arn = pb_strndup(arn.ptr, arn.len);
	e->alarm_name = pb_strndup(name.ptr, name.len);
	e->time_at = e->transitioned_at;
	e->identity = pb_event_alarm_identity(e->alarm_arn, e->alarm_state, e->transitioned_at);
}

static int
find_transition(struct pb_event *e, const json_t *state, struct pb_error *err)
{
	const json_t *at = pb_json_get(state, "timestamp");
	int64_t ms = at == NULL ? -1 : pb_json_time(at);
	if (at != NULL && ms < 0)
		return fail_at(err, "detail.state.timestamp",
		    "must be a time with an offset, as \"2026-03-03T09:14:05.118+0000\"");
	if (ms < 0)
		ms = e->time_at;
	if (ms <= 0)
		return fail_at(err, "detail.state.timestamp", "is missing, and there is no time");
	e->transitioned_at = ms;
	return 0;
}

/* Account and region that the sender left open stand in the alarm's ARN. */
static void
fill_place_from_arn(json_t *envelope, const char *arn)
{
	struct pb_arn_parts parts;
	if (!pb_arn_split(arn, &parts))
		return;
	if (*pb_json_str_or(envelope, "region", "") == '\0')
		(void)json_object_set_new(
		    envelope, "region", json_stringn(parts.region.ptr, parts.region.len));
	if (*pb_json_str_or(envelope, "account", "") == '\0')
		(void)json_object_set_new(
		    envelope, "account", json_stringn(parts.account.ptr, parts.account.len));
}

static int
read_alarm(struct pb_event *e, struct pb_error *err)
{
	const json_t *detail = json_object_get(e->tree, "detail");
	const json_t *state = pb_json_get(detail, "state");
	const char *arn = find_alarm_arn(e->tree), *name = pb_json_str(detail, "alarmName");
	if (arn == NULL)
		return fail_at(err, "resources", "must hold the alarm's ARN");
	if (name == NULL || *name == '\0')
		return fail_at(err, "detail.alarmName", "is missing or not text");
	if (pb_alarm_state_parse(pb_json_str(state, "value"), &e->alarm_state) < 0)
		return fail_at(
		    err, "detail.state.value", "must be one of OK, ALARM, INSUFFICIENT_DATA");
	const json_t *previous = pb_json_get(detail, "previousState");
	e->alarm_previous_state = PB_ALARM_INSUFFICIENT_DATA;
	if (pb_json_get(previous, "value") != NULL &&
	    pb_alarm_state_parse(pb_json_str(previous, "value"), &e->alarm_previous_state) < 0)
		return fail_at(err, "detail.previousState.value",
		    "must be one of OK, ALARM, INSUFFICIENT_DATA");
	if (find_transition(e, state, err) < 0)
		return -1;
	fill_place_from_arn(e->tree, arn);
	pb_event_keep_alarm(e, pb_str_of(arn), pb_str_of(name));
	if (*pb_json_str_or(e->tree, "id", "") == '\0') {
		char id[37];
		pb_event_id_of(pb_str_of(e->identity), id);
		pb_json_set_str(e->tree, "id", id);
	}
	return 0;
}

void
pb_event_keep_fields(struct pb_event *e, const struct pb_str fields[PB_EVENT_FIELDS])
{
	const char **const to[PB_EVENT_FIELDS] = {
	    &e->id, &e->source, &e->detail_type, &e->account, &e->region};
	size_t len = 0;
	for (size_t i = 0; i < PB_EVENT_FIELDS; i++)
		len += fields[i].len + 1;
	char *p = e->fields = pb_malloc(len);
	for (size_t i = 0; i < PB_EVENT_FIELDS; i++) {
		*to[i] = p;
		memcpy(p, fields[i].ptr, fields[i].len);
		p += fields[i].len;
		*p++ = '\0';
	}
}

static void
keep_fields_of(struct pb_event *e, const json_t *envelope)
{
	static const char *const names[PB_EVENT_FIELDS] = {
	    "id", "source", "detail-type", "account", "region"};
	struct pb_str fields[PB_EVENT_FIELDS];
	for (size_t i = 0; i < PB_EVENT_FIELDS; i++)
		fields[i] = pb_str_of(pb_json_str_or(envelope, names[i], ""));
	pb_event_keep_fields(e, fields);
}

static bool
is_alarm(const json_t *envelope)
{
	return pb_streq(pb_json_str(envelope, "source"), "aws.cloudwatch") &&
	    pb_streq(pb_json_str(envelope, "detail-type"), PB_ALARM_DETAIL_TYPE);
}

static int
check_envelope(const json_t *envelope, struct pb_error *err)
{
	if (!json_is_object(envelope))
		return pb_fail(err, PB_SYNTAX, "an event must be a JSON object");
	for (size_t i = 0; i < PB_ARRAY_LEN(members); i++) {
		/* An alarm's id can be made of its identity. */
		if (pb_streq(members[i].name, "id") && is_alarm(envelope) &&
		    json_object_get(envelope, "id") == NULL)
			continue;
		if (check_member(envelope, &members[i], err) < 0)
			return -1;
	}
	return 0;
}

void
pb_event_keep_text(struct pb_event *e, char *text, size_t len)
{
	e->text = (struct pb_str){text, len};
}

/* Bytes that say something else than the envelope would match otherwise than it is shown. */
static void
keep_text_of(struct pb_event *e, const json_t *envelope, struct pb_str raw)
{
	if (raw.ptr != NULL && json_equal(envelope, e->tree)) {
		pb_event_keep_text(e, pb_strndup(raw.ptr, raw.len), raw.len);
		return;
	}
	char *text = pb_json_text(e->tree);
	pb_event_keep_text(e, text, strlen(text));
}

int
pb_event_from_envelope_text(
    json_t *envelope, struct pb_str raw, struct pb_event **ret, struct pb_error *err)
{
	if (check_envelope(envelope, err) < 0)
		return -1;
	PB_CLEANUP(pb_event_unrefp) struct pb_event *e = pb_event_new();
	e->tree = complete_envelope(envelope);
	int64_t at = pb_json_time(json_object_get(e->tree, "time"));
	e->time_at = at > 0 ? at : 0;
	if (is_alarm(envelope) && read_alarm(e, err) < 0)
		return -1;
	keep_fields_of(e, e->tree);
	if (e->kind != PB_EVENT_ALARM)
		e->identity = pb_asprintf("event|%s", e->id);
	keep_text_of(e, envelope, raw);
	*ret = PB_TAKE(e);
	return 0;
}

int
pb_event_from_envelope(json_t *envelope, struct pb_event **ret, struct pb_error *err)
{
	return pb_event_from_envelope_text(envelope, (struct pb_str){NULL, 0}, ret, err);
}

/* --- what is made when somebody asks */

/* The one place where the constness of an event ends: what is filled in here was always so. */
static struct pb_event *
to_fill(const struct pb_event *e)
{
	return (struct pb_event *)(uintptr_t)e;
}

json_t *
pb_event_json(const struct pb_event *e)
{
	if (e->tree != NULL)
		return e->tree;
	PB_JSON json_t *envelope = NULL;
	/* The matcher takes what the parser takes, and has taken it. */
	int rc = pb_json_parse(e->text, &envelope, NULL);
	pb_check(rc == 0 && json_is_object(envelope));
	return to_fill(e)->tree = complete_envelope(envelope);
}

json_t *
pb_event_alarm(const struct pb_event *e)
{
	if (e->kind == PB_EVENT_ALARM && e->alarm == NULL)
		to_fill(e)->alarm =
		    alarm_context_of(e, json_object_get(pb_event_json(e), "detail"));
	return e->alarm;
}

void
pb_event_keep_matches(struct pb_event *e, const struct pb_matcher *m, const uint32_t *ids, size_t n)
{
	free(e->matched);
	e->matched = n == 0 ? NULL : pb_calloc(n, sizeof(*ids));
	if (n > 0)
		memcpy(e->matched, ids, n * sizeof(*ids));
	e->n_matched = n;
	e->matched_by = pb_matcher_serial(m);
}

size_t
pb_event_matches(
    const struct pb_event *e, const struct pb_matcher *m, struct pb_match *s, const uint32_t **ret)
{
	*ret = NULL;
	if (m == NULL)
		return 0;
	if (e->matched_by != pb_matcher_serial(m)) {
		uint32_t few[64], *ids = few;
		size_t n = 0;
		/* If it did not take what made the event, nothing would match, and `unmatched` goes. */
		int rc = pb_match(m, s, e->text, ids, PB_ARRAY_LEN(few), &n);
		if (n > PB_ARRAY_LEN(few)) {
			ids = pb_calloc(n, sizeof(*ids));
			rc = pb_match(m, s, e->text, ids, n, &n);
		}
		pb_event_keep_matches(to_fill(e), m, ids, rc < 0 ? 0 : n);
		if (ids != few)
			free(ids);
	}
	*ret = e->matched;
	return e->n_matched;
}
