/*
 * CloudWatch's alarm mute rules: listing and reading them; they are made by the control API, in the
 * state that it says: schedules are not evaluated.
 */
#include "tests/sandbox/internal.h"

#include <stdlib.h>

#define PAGE_MAX 100
#define NAMES_MAX 100

static bool
is_status(const char *s)
{
	return pb_streq(s, "SCHEDULED") || pb_streq(s, "ACTIVE") || pb_streq(s, "EXPIRED");
}

/* The rule's own end counts whatever it was set to. */
static const char *
status_of(const struct pb_sandbox *sb, const json_t *rule)
{
	int64_t until = pb_json_i64(rule, "until", 0);
	return until > 0 && until <= pb_sbx_now(sb) ? "EXPIRED"
						    : pb_json_str_or(rule, "status", "ACTIVE");
}

static json_t *
summary_of(const struct pb_sandbox *sb, const char *name, const json_t *rule)
{
	int64_t until = pb_json_i64(rule, "until", 0);
	json_t *j = json_pack("{s:o, s:s, s:s, s:f}", "AlarmMuteRuleArn",
	    json_sprintf("arn:aws:cloudwatch:%s:%s:alarm-mute-rule:%s", sb->opts.region,
		sb->opts.account, name),
	    "Status", status_of(sb, rule), "MuteType", until > 0 ? "ONE_TIME" : "RECURRING",
	    "LastUpdatedTimestamp", (double)pb_json_i64(rule, "updated_at", 0) / 1000.0);
	if (until > 0)
		json_object_set_new(j, "ExpireDate", json_real((double)until / 1000.0));
	return j;
}

static bool
is_asked_for(const struct pb_sbx_call *c, const json_t *rule)
{
	const json_t *statuses = pb_json_get(c->input, "Statuses"), *s;
	size_t i;
	if (json_array_size(statuses) == 0)
		return true;
	json_array_foreach (statuses, i, s)
		if (pb_streq(json_string_value(s), status_of(c->sb, rule)))
			return true;
	return false;
}

void
pb_sbx_list_mute_rules(struct pb_sbx_call *c)
{
	const json_t *max = pb_json_get(c->input, "MaxRecords"), *s;
	int64_t size = max == NULL ? 50 : json_integer_value(max), skip = 0, n = 0;
	const char *token = pb_json_str(c->input, "NextToken"), *name;
	json_t *rule;
	size_t i;
	json_array_foreach (pb_json_get(c->input, "Statuses"), i, s)
		if (!is_status(json_string_value(s)))
			size = 0;
	if (size < 1 || size > PAGE_MAX) {
		pb_sbx_fail(c, 400, "ValidationError", "ValidationError",
		    "MaxRecords must be from 1 to 100, Statuses of SCHEDULED, ACTIVE, EXPIRED");
		return;
	}
	if (token != NULL && pb_parse_i64(pb_str_of(token), 1, INT64_MAX, &skip, NULL) < 0) {
		pb_sbx_fail(c, 400, "InvalidNextToken", "InvalidNextToken", "Invalid NextToken");
		return;
	}
	json_t *list = json_array(), *out = json_pack("{s:o}", "AlarmMuteRuleSummaries", list);
	json_object_foreach (c->sb->mute_rules, name, rule) {
		if (!is_asked_for(c, rule) || n++ < skip)
			continue;
		if (json_array_size(list) == (size_t)size) {
			json_object_set_new(
			    out, "NextToken", json_sprintf("%lld", (long long)(skip + size)));
			break;
		}
		json_array_append_new(list, summary_of(c->sb, name, rule));
	}
	pb_sbx_ok_json(c, out);
}

void
pb_sbx_get_mute_rule(struct pb_sbx_call *c)
{
	const char *name = pb_json_str_or(c->input, "AlarmMuteRuleName", "");
	json_t *rule = json_object_get(c->sb->mute_rules, name);
	if (rule == NULL) {
		pb_sbx_fail(c, 404, "ResourceNotFoundException", "ResourceNotFoundException",
		    "Alarm mute rule %s does not exist", name);
		return;
	}
	json_t *out = summary_of(c->sb, name, rule);
	pb_json_set_str(out, "Name", name);
	json_object_set_new(out, "Rule",
	    json_pack("{s:{s:s, s:s, s:s}}", "Schedule", "Expression", "cron(0 2 * * *)",
		"Duration", "PT4H", "Timezone", "UTC"));
	if (json_array_size(json_object_get(rule, "alarms")) > 0)
		json_object_set_new(out, "MuteTargets",
		    json_pack("{s:O}", "AlarmNames", json_object_get(rule, "alarms")));
	pb_sbx_ok_json(c, out);
}

int
pb_sbx_mute_set(struct pb_sandbox *sb, const json_t *body, struct pb_error *err)
{
	const char *name = pb_json_str(body, "name");
	const json_t *alarms = pb_json_get(body, "alarms");
	if (name == NULL || *name == '\0')
		return pb_fail(err, PB_INVALID, "a mute rule needs \"name\"");
	if (pb_json_bool(body, "remove", false)) {
		json_object_del(sb->mute_rules, name);
		return 0;
	}
	if (json_array_size(alarms) > NAMES_MAX ||
	    !is_status(pb_json_str_or(body, "status", "ACTIVE")))
		return pb_fail(err, PB_INVALID,
		    "\"alarms\" has at most 100 names; \"status\" is SCHEDULED, ACTIVE or EXPIRED");
	json_t *rule = json_deep_copy(body);
	pb_json_set_i64(rule, "updated_at", pb_sbx_now(sb) + (int64_t)++sb->sequence % 1000);
	json_object_set_new(sb->mute_rules, name, rule);
	return 0;
}

json_t *
pb_sbx_mutes_json(const struct pb_sandbox *sb)
{
	json_t *list = json_array(), *rule;
	const char *name;
	json_object_foreach (sb->mute_rules, name, rule) {
		json_t *shown = json_deep_copy(rule);
		pb_json_set_str(shown, "status", status_of(sb, rule));
		json_array_append_new(list, shown);
	}
	return list;
}
