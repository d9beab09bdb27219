/*
 * The mute rules of a cloudwatch source with honour_mute_rules.
 *
 *	ListAlarmMuteRules, page after page, those that are ACTIVE		[ask_list]
 *	GetAlarmMuteRule for each that is new or was changed			[ask_rule]
 *	PB_IN_MUTES with all of them						[finish]
 *
 * They are read in front of the alarms, so that an alarm never comes before what mutes it.  That costs
 * the poll at most WAIT_MOST: whatever fails or takes longer, the alarms are asked for, and the rules
 * not again before a growing delay is over.  Nothing is posted then: what was read last mutes for a few
 * polls more and no longer, and then pages go out.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "daemon/poller_internal.h"

#define WAIT_MOST (10 * PB_SECOND)
#define PAGE_SIZE 100
#define PAGES_MAX 10
#define MUTED_MAX 5000 /* alarms of all rules together */
/* How long a list is believed, beside two of the source's intervals. */
#define BELIEVED_FOR (5 * PB_MINUTE)

#define RULE_MARK ":alarm-mute-rule:"

struct known {
	int64_t updated_at;
	json_t *rule; /* as PB_IN_MUTES has it */
	bool is_listed; /* by the list at hand */
};

struct pb_mutes {
	struct pb_poller *p;
	struct pb_map *known; /* ARN of a rule -> struct known */
	struct pb_client_call *call;
	struct pb_trouble trouble;
	int64_t not_before; /* monotonic: it failed, and is not tried again earlier */
	bool is_over_cap; /* said */
	uint64_t n_malformed; /* since the start: only the first is logged */
	size_t n_active; /* of the last good list */

	/* the list at hand */
	int64_t began_at, until_mono;
	json_t *wanted; /* ARNs whose rules are to be read: ARN -> LastUpdatedTimestamp in ms */
	json_t *listed; /* all ARNs */
	char *token;
	size_t n_pages;
	pb_mutes_fn *done;
	void *arg;
};

static void
known_free(void *arg)
{
	struct known *k = arg;
	if (k != NULL)
		json_decref(k->rule);
	free(k);
}

struct pb_mutes *
pb_mutes_new(struct pb_poller *p)
{
	struct pb_mutes *m = pb_calloc(1, sizeof(*m));
	m->p = p;
	m->known = pb_map_new();
	return m;
}

static void
forget_list(struct pb_mutes *m)
{
	json_decref(m->wanted);
	json_decref(m->listed);
	m->wanted = m->listed = NULL;
	free(m->token);
	m->token = NULL;
}

void
pb_mutes_stop(struct pb_mutes *m)
{
	if (m == NULL)
		return;
	pb_client_cancel(PB_TAKE(m->call));
	forget_list(m);
}

void
pb_mutes_free(struct pb_mutes *m)
{
	if (m == NULL)
		return;
	pb_mutes_stop(m);
	pb_map_free(m->known, known_free);
	free(m->trouble.error);
	free(m);
}

void
pb_mutes_status(const struct pb_mutes *m, json_t *status)
{
	if (m == NULL)
		return;
	pb_json_set_i64(status, "mute_rules", (int64_t)m->n_active);
	pb_json_set_str(status, "mute_rules_error", m->trouble.error);
}

/* --- the end */

static void
hand_back(struct pb_mutes *m)
{
	forget_list(m);
	m->done(m->arg);
}

static void
give_up(struct pb_mutes *m, int64_t delay)
{
	m->not_before = pb_clock_mono() + delay;
	hand_back(m);
}

static void
note_malformed(struct pb_mutes *m, const char *arn, const char *why)
{
	char shown[256];
	if (m->n_malformed++ == 0)
		pb_warn("source %s: mute rule %s %s; it mutes nothing", m->p->source.name,
		    pb_safe(shown, sizeof(shown), pb_str_of(arn)), why);
}

/* Beyond MUTED_MAX alarms the rules that come last mute nothing: rather a page too many. */
static json_t *
rules_of(struct pb_mutes *m)
{
	json_t *rules = json_array(), *unused;
	const char *arn;
	size_t n = 0;
	bool is_over = false;
	json_object_foreach (m->listed, arn, unused) {
		struct known *k = pb_map_get(m->known, arn);
		size_t n_alarms =
		    k == NULL ? 0 : json_array_size(json_object_get(k->rule, "alarms"));
		if (n_alarms == 0)
			continue;
		k->is_listed = true;
		is_over = is_over || n + n_alarms > MUTED_MAX;
		if (is_over)
			continue;
		n += n_alarms;
		json_array_append(rules, k->rule);
	}
	if (is_over && !m->is_over_cap)
		pb_warn(
		    "source %s: its active mute rules name more than %d alarms; those that come "
		    "last mute nothing",
		    m->p->source.name, MUTED_MAX);
	m->is_over_cap = is_over;
	return rules;
}

static void
finish(struct pb_mutes *m)
{
	const char *arn;
	void *value;
	struct pb_input *in = pb_input_new(PB_IN_MUTES);
	in->source = pb_strdup(m->p->source.name);
	in->polled_at = m->began_at;
	in->span = BELIEVED_FOR + 2 * m->p->source.interval_for;
	in->mutes = rules_of(m);
	m->n_active = json_array_size(in->mutes);
	for (size_t i = 0; pb_map_next(m->known, &i, &arn, &value);) {
		struct known *k = value;
		bool is_listed = k->is_listed;
		k->is_listed = false;
		if (!is_listed)
			known_free(pb_map_del(m->known, arn));
	}
	pb_trouble_over(m->p, &m->trouble, "reading mute rules");
	m->p->ops.post(m->p->arg, in);
	hand_back(m);
}

/* --- calls */

static void
ask(struct pb_mutes *m, const char *operation, json_t *inputs, pb_client_fn *fn)
{
	int64_t left = m->until_mono - pb_clock_mono();
	struct pb_client_request req = {
	    .service = "cloudwatch",
	    .operation = operation,
	    .inputs = inputs,
	    .region = m->p->source.region,
	    .limit_for = left > 1 ? left : 1,
	};
	m->call = pb_client_call(m->p->client, &req, fn, m);
	json_decref(inputs);
}

static int64_t
retry_base(const struct pb_mutes *m)
{
	int64_t interval = m->p->source.interval_for;
	return interval < PB_SECOND ? interval : PB_SECOND;
}

static void ask_rule(struct pb_mutes *m);

/* GetAlarmMuteRule's answer as the engine wants it; NULL when it mutes nothing. */
static json_t *
rule_of(struct pb_mutes *m, const char *arn, const json_t *output)
{
	size_t i;
	json_t *name;
	const char *mark = strstr(arn, RULE_MARK);
	const json_t *names = pb_json_get(pb_json_get(output, "MuteTargets"), "AlarmNames");
	if (!pb_streq(pb_json_str(output, "Status"), "ACTIVE"))
		return NULL; /* it ended just now */
	if (json_array_size(names) == 0) {
		note_malformed(m, arn, "names no alarms");
		return NULL;
	}
	json_t *alarms = json_array();
	json_array_foreach (names, i, name)
		if (json_is_string(name))
			json_array_append_new(alarms,
			    json_sprintf(
				"%.*s:alarm:%s", (int)(mark - arn), arn, json_string_value(name)));
	json_t *rule = json_pack("{s:s, s:o}", "name", mark + strlen(RULE_MARK), "alarms", alarms);
	int64_t until = pb_json_time(pb_json_get(output, "ExpireDate"));
	if (until > 0)
		pb_json_set_i64(rule, "until", until);
	return rule;
}

static void
on_rule(const struct pb_client_result *result, void *arg)
{
	struct pb_mutes *m = arg;
	void *it = json_object_iter(m->wanted);
	const char *arn = json_object_iter_key(it);
	m->call = NULL;
	/* One that is gone since it was listed mutes nothing. */
	if (!result->is_ok && result->error.class != PB_AWS_GONE) {
		give_up(m,
		    pb_trouble_failed(
			m->p, &m->trouble, "GetAlarmMuteRule", result, retry_base(m)));
		return;
	}
	json_t *rule = result->is_ok ? rule_of(m, arn, result->output) : NULL;
	known_free(pb_map_del(m->known, arn));
	if (rule != NULL) {
		struct known *k = pb_calloc(1, sizeof(*k));
		*k = (struct known){json_integer_value(json_object_iter_value(it)), rule, false};
		(void)pb_map_put(m->known, arn, k);
	}
	json_object_del(m->wanted, arn);
	ask_rule(m);
}

static void
ask_rule(struct pb_mutes *m)
{
	const char *arn = json_object_iter_key(json_object_iter(m->wanted));
	if (arn == NULL) {
		finish(m);
		return;
	}
	json_t *inputs = json_object();
	pb_json_set_str(inputs, "AlarmMuteRuleName", strstr(arn, RULE_MARK) + strlen(RULE_MARK));
	ask(m, "GetAlarmMuteRule", inputs, on_rule);
}

static void
take_summary(struct pb_mutes *m, const json_t *summary)
{
	const char *arn = pb_json_str(summary, "AlarmMuteRuleArn"), *mark;
	int64_t updated_at = pb_json_time(pb_json_get(summary, "LastUpdatedTimestamp"));
	mark = arn == NULL ? NULL : strstr(arn, RULE_MARK);
	if (mark == NULL || mark[strlen(RULE_MARK)] == '\0') {
		note_malformed(m, arn == NULL ? "?" : arn, "has no ARN of a mute rule");
		return;
	}
	if (!pb_streq(pb_json_str(summary, "Status"), "ACTIVE"))
		return;
	json_object_set_new(m->listed, arn, json_true());
	const struct known *k = pb_map_get(m->known, arn);
	if (k == NULL || updated_at <= 0 || k->updated_at != updated_at)
		json_object_set_new(m->wanted, arn, json_integer(updated_at));
}

static void on_list(const struct pb_client_result *result, void *arg);

static void
ask_list(struct pb_mutes *m)
{
	json_t *inputs = json_pack("{s:[s], s:i}", "Statuses", "ACTIVE", "MaxRecords", PAGE_SIZE);
	pb_json_set_str(inputs, "NextToken", m->token);
	ask(m, "ListAlarmMuteRules", inputs, on_list);
}

static void
on_list(const struct pb_client_result *result, void *arg)
{
	struct pb_mutes *m = arg;
	size_t i;
	json_t *summary;
	m->call = NULL;
	if (!result->is_ok) {
		give_up(m,
		    pb_trouble_failed(
			m->p, &m->trouble, "ListAlarmMuteRules", result, retry_base(m)));
		return;
	}
	json_array_foreach (pb_json_get(result->output, "AlarmMuteRuleSummaries"), i, summary)
		take_summary(m, summary);
	const char *next = pb_json_str(result->output, "NextToken");
	free(m->token);
	m->token = next == NULL || *next == '\0' ? NULL : pb_strdup(next);
	if (m->token == NULL)
		ask_rule(m);
	else if (++m->n_pages < PAGES_MAX)
		ask_list(m);
	else
		give_up(m,
		    pb_trouble_bad(m->p, &m->trouble, "ListAlarmMuteRules",
			"more than 1000 rules are active", retry_base(m)));
}

bool
pb_mutes_ask(struct pb_mutes *m, int64_t began_at, pb_mutes_fn *done, void *arg)
{
	int64_t now = pb_clock_mono();
	if (m == NULL || now < m->not_before)
		return false;
	m->began_at = began_at;
	m->until_mono = now + WAIT_MOST;
	m->wanted = json_object();
	m->listed = json_object();
	m->n_pages = 0;
	m->done = done;
	m->arg = arg;
	ask_list(m);
	return true;
}
