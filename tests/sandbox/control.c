/*
 * The control API: what sandbox.h lists, as a function from (method, target, body) to (status, JSON).
 */
#include "tests/sandbox/internal.h"

#include <stdlib.h>

#define COUNT_MAX 100000
#define HELP_COLUMNS 90U

struct request {
	struct pb_sandbox *sb;
	const char *name; /* what stands behind the second '/', decoded: "" = nothing */
	const char *part; /* behind the third */
	struct pb_str query;
	struct pb_str text; /* body as it came */
	const json_t *body; /* parsed; an empty object when there was none */
};

/* Answers: 0 with *ret_out, or -1 with err (PB_NOT_FOUND is 404, all else 400). */
typedef int handler(const struct request *r, json_t **ret_out, struct pb_error *err);

static int
done(json_t **ret_out)
{
	*ret_out = json_object();
	return 0;
}

/* --- calls */

static int
get_calls(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *service = pb_sbx_form_get(r->query, "service");
	PB_CLEANUP(pb_freep) char *operation = pb_sbx_form_get(r->query, "operation");
	PB_CLEANUP(pb_freep) char *since = pb_sbx_form_get(r->query, "since");
	json_t *out, *entry;
	int64_t after = 0;
	size_t i;
	if (since != NULL && pb_parse_i64(pb_str_of(since), 0, INT64_MAX, &after, err) < 0)
		return pb_wrap(err, "since");
	out = json_array();
	json_array_foreach (r->sb->journal, i, entry) {
		if (pb_json_i64(entry, "n", 0) > after &&
		    (service == NULL || pb_streq(service, pb_json_str(entry, "service"))) &&
		    (operation == NULL || pb_streq(operation, pb_json_str(entry, "operation"))))
			json_array_append(out, entry);
	}
	*ret_out = out;
	return 0;
}

/* --- alarms */

static struct pb_sbx_alarm *
alarm_named(const struct request *r, struct pb_error *err)
{
	struct pb_sbx_alarm *a = pb_map_get(r->sb->alarms, r->name);
	if (a == NULL)
		(void)pb_fail(err, PB_NOT_FOUND, "no alarm \"%.100s\"", r->name);
	return a;
}

static int
get_alarms(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *name;
	void *value;
	if (*r->name != '\0') {
		const struct pb_sbx_alarm *a = alarm_named(r, err);
		if (a == NULL)
			return -1;
		*ret_out = pb_sbx_alarm_json(a);
		return 0;
	}
	*ret_out = json_array();
	for (size_t i = 0; pb_map_next(r->sb->alarms, &i, &name, &value);)
		json_array_append_new(*ret_out, pb_sbx_alarm_json(value));
	return 0;
}

/* What a quick alarm looks like when nobody says more. */
static json_t *
quick_config(const json_t *body, bool is_composite)
{
	const json_t *actions = pb_json_get(body, "actions"), *ok = pb_json_get(body, "ok_actions");
	const char *description = pb_json_str(body, "description");
	json_t *c = is_composite
	    ? json_pack("{s:s}", "AlarmRule", pb_json_str_or(body, "rule", "FALSE"))
	    : json_pack("{s:s, s:s, s:s, s:[{s:s, s:s}], s:i, s:i, s:f, s:s, s:s}", "MetricName",
		  "CPUUtilization", "Namespace", "AWS/EC2", "Statistic", "Average", "Dimensions",
		  "Name", "InstanceId", "Value", "i-12345678901234567", "Period", 60,
		  "EvaluationPeriods", 1, "Threshold", 50.0, "ComparisonOperator",
		  "GreaterThanThreshold", "TreatMissingData", "missing");
	json_object_set_new(c, "ActionsEnabled", json_true());
	json_object_set_new(c, "AlarmActions", actions ? json_deep_copy(actions) : json_array());
	json_object_set_new(c, "OKActions", ok ? json_deep_copy(ok) : json_array());
	json_object_set_new(c, "InsufficientDataActions", json_array());
	pb_json_set_str(c, "AlarmDescription", description);
	return c;
}

static int
post_state(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	struct pb_sbx_alarm *a = alarm_named(r, err);
	const char *state = pb_json_str(r->body, "state");
	if (a == NULL)
		return -1;
	if (!pb_sbx_is_state(state))
		return pb_fail(err, PB_INVALID, "\"state\" must be OK, ALARM or INSUFFICIENT_DATA");
	PB_CLEANUP(pb_freep)
	char *reason = pb_asprintf("Set to %s by hand in the sandbox", state);
	pb_sbx_alarm_set(r->sb, a, state, pb_json_str_or(r->body, "reason", reason),
	    pb_json_str(r->body, "reason_data"), pb_json_i64(r->body, "at", 0));
	*ret_out = pb_sbx_alarm_json(a);
	return 0;
}

static struct pb_sbx_alarm *
make_alarm(const struct request *r, const char *name)
{
	bool is_composite = pb_json_bool(r->body, "composite", false);
	const char *state = pb_json_str(r->body, "state");
	PB_JSON json_t *tags = json_object();
	if (pb_json_get(r->body, "tags") != NULL)
		json_object_update(tags, json_object_get(r->body, "tags"));
	struct pb_sbx_alarm *a =
	    pb_sbx_alarm_put(r->sb, name, is_composite, quick_config(r->body, is_composite), tags);
	if (state != NULL)
		pb_sbx_alarm_set(r->sb, a, state,
		    pb_json_str_or(r->body, "reason", "Made in this state"), NULL, 0);
	return a;
}

static int
post_alarms(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *name = pb_json_str(r->body, "name"), *state = pb_json_str(r->body, "state");
	int64_t count = pb_json_i64(r->body, "count", 0);
	if (*r->name != '\0')
		return pb_streq(r->part, "state")
		    ? post_state(r, ret_out, err)
		    : pb_fail(err, PB_NOT_FOUND, "POST to /_sandbox/alarms/NAME/state");
	if (name == NULL || *name == '\0' || (state != NULL && !pb_sbx_is_state(state)) ||
	    count < 0 || count > COUNT_MAX)
		return pb_fail(err, PB_INVALID,
		    "an alarm needs \"name\"; \"state\" is OK, ALARM or INSUFFICIENT_DATA; "
		    "\"count\" at most %d",
		    COUNT_MAX);
	if (count == 0) {
		*ret_out = pb_sbx_alarm_json(make_alarm(r, name));
		return 0;
	}
	for (int64_t i = 0; i < count; i++) {
		PB_CLEANUP(pb_freep) char *each = pb_asprintf("%s-%lld", name, (long long)i);
		(void)make_alarm(r, each);
	}
	return done(ret_out);
}

static int
post_mutes(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	return pb_sbx_mute_set(r->sb, r->body, err) < 0 ? -1 : done(ret_out);
}

static int
get_mutes(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	(void)err;
	*ret_out = pb_sbx_mutes_json(r->sb);
	return 0;
}

static int
get_history(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	(void)err;
	*ret_out = json_deep_copy(r->sb->history);
	return 0;
}

/* --- queues and topics */

static int
post_queues(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *name = pb_json_str(r->body, "name");
	const json_t *attributes = pb_json_get(r->body, "attributes");
	if (name == NULL || *name == '\0')
		return pb_fail(err, PB_INVALID, "a queue needs \"name\"");
	struct pb_sbx_queue *q = pb_sbx_queue_get(r->sb, name);
	if (attributes != NULL && pb_sbx_queue_set(q, attributes, err) < 0)
		return -1;
	*ret_out = json_pack("{s:s, s:s, s:s}", "name", q->name, "url", q->url, "arn", q->arn);
	return 0;
}

static int
get_queues(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *name;
	void *value;
	if (*r->name != '\0') {
		struct pb_sbx_queue *q = pb_map_get(r->sb->queues, r->name);
		if (q == NULL)
			return pb_fail(err, PB_NOT_FOUND, "no queue \"%.100s\"", r->name);
		*ret_out = pb_sbx_queue_json(q);
		return 0;
	}
	*ret_out = json_array();
	for (size_t i = 0; pb_map_next(r->sb->queues, &i, &name, &value);)
		json_array_append_new(*ret_out, json_string(name));
	return 0;
}

static int
post_topics(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *name = pb_json_str(r->body, "name"), *queue = pb_json_str(r->body, "queue");
	if (name == NULL || *name == '\0')
		return pb_fail(err, PB_INVALID, "a topic needs \"name\"");
	struct pb_sbx_topic *t = pb_sbx_topic_get(r->sb, name);
	*ret_out = json_pack("{s:s, s:s}", "name", t->name, "arn", t->arn);
	if (queue != NULL) {
		(void)pb_sbx_queue_get(r->sb, queue);
		pb_json_set_str(*ret_out, "subscription",
		    pb_sbx_topic_subscribe(r->sb, t, queue, pb_json_bool(r->body, "raw", false)));
	}
	return 0;
}

static int
get_topics(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *name;
	void *value;
	if (*r->name != '\0') {
		const struct pb_sbx_topic *t = pb_map_get(r->sb->topics, r->name);
		if (t == NULL)
			return pb_fail(err, PB_NOT_FOUND, "no topic \"%.100s\"", r->name);
		*ret_out = json_pack("{s:s, s:s, s:o}", "name", t->name, "arn", t->arn, "published",
		    json_deep_copy(t->published));
		return 0;
	}
	*ret_out = json_array();
	for (size_t i = 0; pb_map_next(r->sb->topics, &i, &name, &value);)
		json_array_append_new(*ret_out, json_string(name));
	return 0;
}

/* The '+' of a number is a blank in a path; either is passed over. */
static int
get_phones(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *number = r->name + (*r->name == '+' || *r->name == ' ');
	json_t *texts;
	if (*number != '\0') {
		texts = json_object_get(r->sb->phones, number);
		if (texts == NULL)
			return pb_fail(err, PB_NOT_FOUND, "no text was sent to \"%.100s\"", number);
		*ret_out =
		    json_pack("{s:s, s:o}", "number", number, "published", json_deep_copy(texts));
		return 0;
	}
	*ret_out = json_array();
	json_object_foreach (r->sb->phones, number, texts)
		json_array_append_new(*ret_out, json_string(number));
	return 0;
}

static int
post_send(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	PB_CLEANUP(pb_freep) char *name = pb_sbx_form_get(r->query, "queue");
	PB_CLEANUP(pb_freep) char *count = pb_sbx_form_get(r->query, "count");
	PB_CLEANUP(pb_freep) char *body = pb_strndup(r->text.ptr, r->text.len);
	struct pb_sbx_queue *q = name ? pb_map_get(r->sb->queues, name) : NULL;
	struct pb_sbx_recent sent = {0};
	int64_t n = 1;
	if (q == NULL)
		return pb_fail(err, PB_NOT_FOUND, "?queue= must name a queue that exists");
	if (count != NULL && pb_parse_i64(pb_str_of(count), 1, COUNT_MAX, &n, err) < 0)
		return pb_wrap(err, "count");
	if (!pb_utf8_is_valid(r->text) || strlen(body) != r->text.len)
		return pb_fail(err, PB_INVALID,
		    "a message is UTF-8 without NUL; use the fault \"garbage\" or \"answer\" for "
		    "bytes "
		    "that the service itself would never send");
	for (int64_t i = 0; i < n; i++)
		pb_sbx_queue_send(q, body, NULL, "sandbox", NULL, 0, &sent);
	*ret_out = json_pack("{s:s}", "id", sent.id);
	return 0;
}

static int
post_eventbridge(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *queue = pb_json_str(r->body, "queue");
	(void)err;
	free(r->sb->event_queue);
	r->sb->event_queue = pb_strdup(queue);
	if (queue != NULL)
		(void)pb_sbx_queue_get(r->sb, queue);
	return done(ret_out);
}

/* --- faults, clock, keys, reset */

static int
get_faults(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	(void)err;
	*ret_out = json_deep_copy(r->sb->faults);
	return 0;
}

static int
post_faults(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	if (pb_sbx_faults_add(r->sb->faults, r->body, err) < 0)
		return -1;
	return get_faults(r, ret_out, err);
}

static int
delete_faults(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	(void)err;
	json_array_clear(r->sb->faults);
	return done(ret_out);
}

static int
post_clock(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	int64_t advance = pb_json_i64(r->body, "advance_ms", 0);
	const char *name;
	void *value;
	if (advance < 0)
		return pb_fail(err, PB_INVALID, "\"advance_ms\" cannot be negative");
	r->sb->offset = pb_json_i64(r->body, "offset_ms", r->sb->offset);
	r->sb->advance += advance;
	for (size_t i = 0; pb_map_next(r->sb->queues, &i, &name, &value);)
		pb_sbx_queue_kick(value);
	*ret_out = json_pack("{s:I, s:I}", "now", (json_int_t)pb_sbx_now(r->sb), "offset_ms",
	    (json_int_t)r->sb->offset);
	return 0;
}

static int
post_credentials(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *access = pb_json_str(r->body, "access_key");
	const char *secret = pb_json_str(r->body, "secret_key");
	if (access != NULL && pb_json_bool(r->body, "remove", false)) {
		struct pb_sbx_key *k = pb_map_del(r->sb->keys, access);
		if (k != NULL)
			pb_sbx_key_free(k);
		return done(ret_out);
	}
	if (access == NULL || secret == NULL)
		return pb_fail(err, PB_INVALID, "credentials need access_key and secret_key");
	pb_sbx_key_put(r->sb, access, secret, pb_json_str(r->body, "session_token"),
	    pb_json_bool(r->body, "expired", false));
	return done(ret_out);
}

static int
post_metadata(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	int64_t status = pb_json_i64(r->body, "status", 200);
	if (status < 200 || status > 599)
		return pb_fail(err, PB_INVALID, "status is 200 to 599");
	r->sb->metadata_status = (int)status;
	r->sb->metadata_for = pb_json_i64(r->body, "lifetime_ms", 6 * PB_HOUR);
	return done(ret_out);
}

static void
end_polls(void *queue)
{
	struct pb_sbx_queue *q = queue;
	struct pb_sbx_call *c;
	while ((c = TAILQ_FIRST(&q->waiters)) != NULL) {
		TAILQ_REMOVE(&q->waiters, c, waiting);
		c->queue = NULL;
		pb_sbx_ok_json(c, NULL);
	}
}

static int
post_reset(const struct request *r, json_t **ret_out, struct pb_error *err)
{
	const char *name;
	void *value;
	(void)err;
	for (size_t i = 0; pb_map_next(r->sb->queues, &i, &name, &value);)
		end_polls(value);
	pb_sbx_world_fini(r->sb);
	pb_sbx_world_init(r->sb);
	return done(ret_out);
}

/* --- routing */

static const struct {
	const char *method, *name;
	handler *run;
	const char *more; /* in the help: what may stand behind the name, NULL = nothing */
	bool is_raw; /* the body is not JSON */
} routes[] = {
    {"GET", "calls", get_calls, NULL, false},
    {"GET", "alarms", get_alarms, "[/NAME]", false},
    {"GET", "mutes", get_mutes, NULL, false},
    {"GET", "history", get_history, NULL, false},
    {"GET", "queues", get_queues, "[/NAME]", false},
    {"GET", "topics", get_topics, "[/NAME]", false},
    {"GET", "phones", get_phones, "[/NUMBER]", false},
    {"GET", "faults", get_faults, NULL, false},
    {"POST", "alarms", post_alarms, "[/NAME/state]", false},
    {"POST", "mutes", post_mutes, NULL, false},
    {"POST", "queues", post_queues, NULL, false},
    {"POST", "topics", post_topics, NULL, false},
    {"POST", "send", post_send, "?queue=NAME", true},
    {"POST", "eventbridge", post_eventbridge, NULL, false},
    {"POST", "faults", post_faults, NULL, false},
    {"POST", "clock", post_clock, NULL, false},
    {"POST", "credentials", post_credentials, NULL, false},
    {"POST", "metadata", post_metadata, NULL, false},
    {"POST", "reset", post_reset, NULL, false},
    {"DELETE", "faults", delete_faults, NULL, false},
};

void
pb_sandbox_control_help(struct pb_buf *b)
{
	const char *method = "";
	size_t column = 0;
	for (size_t i = 0; i < PB_ARRAY_LEN(routes); i++) {
		PB_CLEANUP(pb_freep)
		char *path =
		    pb_asprintf(" %s%s", routes[i].name, routes[i].more ? routes[i].more : "");
		bool is_next = !pb_streq(method, routes[i].method);
		if (is_next || column + strlen(path) > HELP_COLUMNS) {
			method = routes[i].method;
			(void)pb_buf_addf(b, "%s  %-6s", i > 0 ? "\n" : "", is_next ? method : "");
			column = 8;
		}
		(void)pb_buf_adds(b, path);
		column += strlen(path);
	}
	(void)pb_buf_addc(b, '\n');
}

static char *
decoded(struct pb_str part)
{
	/* A form of one name without a value is percent decoding, '+' aside. */
	PB_CLEANUP(pb_freep) char *pair = pb_asprintf("x=%.*s", PB_STR_ARG(part));
	return pb_sbx_form_get(pb_str_of(pair), "x");
}

static struct pb_str
next_part(struct pb_str *path)
{
	const char *slash = path->len ? memchr(path->ptr, '/', path->len) : NULL;
	struct pb_str part = {path->ptr, slash ? (size_t)(slash - path->ptr) : path->len};
	size_t used = part.len + (slash ? 1 : 0);
	*path = (struct pb_str){path->ptr + used, path->len - used};
	return part;
}

static int
run_route(struct request *r, const char *method, struct pb_str what, json_t **ret_out,
    struct pb_error *err)
{
	PB_JSON json_t *body = NULL;
	for (size_t i = 0; i < PB_ARRAY_LEN(routes); i++) {
		if (!pb_streq(routes[i].method, method) || !pb_str_is(what, routes[i].name))
			continue;
		if (r->text.len == 0 || routes[i].is_raw)
			body = json_object();
		else if (pb_json_parse(r->text, &body, err) < 0)
			return pb_wrap(err, "body");
		r->body = body;
		return routes[i].run(r, ret_out, err);
	}
	return pb_fail(err, PB_NOT_FOUND,
	    "no %s /_sandbox/%.*s; tests/sandbox/sandbox.h lists what there is", method,
	    (int)(what.len < 60 ? what.len : 60), what.ptr);
}

int
pb_sandbox_control(struct pb_sandbox *sb, const char *method, const char *target,
    struct pb_str body, json_t **ret_json)
{
	struct pb_error err = {0};
	struct pb_str path = pb_str_of(target);
	const char *mark = strchr(target, '?');
	struct request r = {.sb = sb, .query = pb_str_of(mark ? mark + 1 : NULL), .text = body};
	if (mark != NULL)
		path.len = (size_t)(mark - target);
	if (pb_str_has_prefix(path, PB_STR("/_sandbox/")))
		path = (struct pb_str){path.ptr + 10, path.len - 10};
	struct pb_str what = next_part(&path);
	PB_CLEANUP(pb_freep) char *name = decoded(next_part(&path));
	PB_CLEANUP(pb_freep) char *part = decoded(next_part(&path));
	r.name = name;
	r.part = part;
	*ret_json = NULL;
	if (run_route(&r, method, what, ret_json, &err) == 0)
		return 200;
	json_decref(*ret_json);
	*ret_json = json_pack("{s:s}", "error", err.text);
	if (*ret_json == NULL)
		*ret_json = json_pack("{s:s}", "error", "the request cannot be shown as text");
	return err.kind == PB_NOT_FOUND ? 404 : 400;
}
