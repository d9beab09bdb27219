/*
 * The envelope of "CloudWatch Alarm State Change" events, as the service and alarm.c make them: of metric
 * alarms and of composite ones.  (Amazon CloudWatch User Guide, "Alarm events and EventBridge".)
 */
#include "event/alarm_envelope.h"

#include <stdlib.h>

#include "event/internal.h"

#define STATES                                                                                     \
	{                                                                                          \
		"OK", "ALARM", "INSUFFICIENT_DATA"                                                 \
	}
#define STATE(key)                                                                                 \
	{"detail." key ".value", PB_ENVELOPE_TEXT, false, STATES},                                 \
	    {"detail." key ".reason", PB_ENVELOPE_TEXT, false, {0}},                               \
	    {"detail." key ".reasonData", PB_ENVELOPE_TEXT, false, {0}},                           \
	    {"detail." key ".timestamp", PB_ENVELOPE_TEXT, false, {0}},                            \
	    {"detail." key ".evaluationState", PB_ENVELOPE_TEXT, false, {0}},                      \
	    {"detail." key ".actionsSuppressedBy", PB_ENVELOPE_TEXT, false, {0}},                  \
	{                                                                                          \
		"detail." key ".actionsSuppressedReason", PB_ENVELOPE_TEXT, false,                 \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

/* What is below configuration the service adds to; nothing is claimed of it. */
static const struct pb_envelope_field fields[] = {
    {"version", PB_ENVELOPE_TEXT, true, {0}},
    {"id", PB_ENVELOPE_TEXT, true, {0}},
    {"detail-type", PB_ENVELOPE_TEXT, true, {PB_ALARM_DETAIL_TYPE}},
    {"source", PB_ENVELOPE_TEXT, true, {"aws.cloudwatch"}},
    {"account", PB_ENVELOPE_TEXT, true, {0}},
    {"time", PB_ENVELOPE_TEXT, true, {0}},
    {"region", PB_ENVELOPE_TEXT, true, {0}},
    {"resources", PB_ENVELOPE_TEXT, true, {0}},
    {"detail.alarmName", PB_ENVELOPE_TEXT, true, {0}},
    {"detail.state.value", PB_ENVELOPE_TEXT, true, STATES},
    STATE("state"),
    STATE("previousState"),
    {"detail.configuration", PB_ENVELOPE_OPEN, false, {0}},
    {"detail.alarmTags", PB_ENVELOPE_OPEN, false, {0}},
    {"detail.muteDetail", PB_ENVELOPE_OPEN, false, {0}},
};

static const char example[] =
    "{\"version\":\"0\",\"id\":\"c4c1c1c9-6542-e61b-6ef0-8c4d36933a92\",\"detail-type\":"
    "\"CloudWatch Alarm State Change\",\"source\":\"aws.cloudwatch\",\"account\":\"111122223333\","
    "\"time\":\"2026-03-03T09:14:05Z\",\"region\":\"eu-west-1\",\"resources\":[\"\"],\"detail\":{"
    "\"alarmName\":\"web\",\"state\":{\"value\":\"ALARM\",\"reason\":\"Threshold Crossed\","
    "\"timestamp\":\"2026-03-03T09:14:05.118+0000\"},\"previousState\":{\"value\":\"OK\","
    "\"timestamp\":\"2026-03-03T09:00:05.118+0000\"},\"configuration\":{\"metrics\":[{\"id\":"
    "\"m1\","
    "\"metricStat\":{\"metric\":{\"namespace\":\"AWS/EC2\",\"name\":\"CPUUtilization\","
    "\"dimensions\":{\"InstanceId\":\"i-1\"}},\"period\":300,\"stat\":\"Average\"},"
    "\"returnData\":true}]}}}";

/* What is missing behind "arn:aws:cloudwatch:eu-w", as of an alarm; the caller's to free. */
static char *
complete_arn(const char *arn)
{
	static const char *const parts[] = {
	    "arn", "aws", "cloudwatch", "eu-west-1", "111122223333", "alarm", "web"};
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	const char *last = strrchr(arn, ':');
	size_t n = 0;

	for (const char *p = arn; *p != '\0'; p++)
		n += *p == ':';
	last = last == NULL ? arn : last + 1;
	(void)pb_buf_adds(&b, arn);
	if (n < PB_ARRAY_LEN(parts) && strncmp(parts[n], last, strlen(last)) == 0)
		(void)pb_buf_adds(&b, parts[n] + strlen(last));
	while (++n < PB_ARRAY_LEN(parts))
		(void)pb_buf_addf(&b, ":%s", parts[n]);
	return pb_buf_take(&b);
}

/*
 * The ARN is made of account, Region and name.  Where the pattern asked for one, it stands in resources
 * already and they are made of it; where it is no alarm's, this event is none.
 */
static bool
settle(json_t *event)
{
	const json_t *resources = json_object_get(event, "resources");
	PB_CLEANUP(pb_freep)
	char *arn = json_is_string(resources) ? complete_arn(json_string_value(resources)) : NULL;
	json_t *detail = json_object_get(event, "detail");
	struct pb_arn_parts parts;

	if (arn == NULL) {
		PB_CLEANUP(pb_freep)
		char *made = pb_asprintf("arn:aws:cloudwatch:%s:%s:alarm:%s",
		    pb_json_str_or(event, "region", ""), pb_json_str_or(event, "account", ""),
		    pb_json_str_or(detail, "alarmName", ""));
		bool is_arn = pb_arn_split(made, &parts) &&
		    pb_str_is(parts.region, pb_json_str_or(event, "region", "")) &&
		    pb_str_has_prefix(parts.resource, PB_STR("alarm:"));
		return is_arn &&
		    json_object_set_new(event, "resources", json_pack("[s]", made)) == 0;
	}
	if (!pb_arn_split(arn, &parts) || !pb_str_is(parts.service, "cloudwatch") ||
	    !pb_str_has_prefix(parts.resource, PB_STR("alarm:")))
		return false;
	(void)json_object_set_new(
	    event, "region", json_stringn(parts.region.ptr, parts.region.len));
	(void)json_object_set_new(
	    event, "account", json_stringn(parts.account.ptr, parts.account.len));
	(void)json_object_set_new(
	    detail, "alarmName", json_stringn(parts.resource.ptr + 6, parts.resource.len - 6));
	return json_object_set_new(event, "resources", json_pack("[s]", arn)) == 0;
}

static const struct pb_envelope envelope = {
    .name = "\"" PB_ALARM_DETAIL_TYPE "\" event",
    .fields = fields,
    .n = PB_ARRAY_LEN(fields),
    .example = example,
    .settle = settle,
};

enum pb_answer
pb_event_alarm_fits(const struct pb_pattern *p, char **ret_text)
{
	return pb_pattern_fits_envelope(p, &envelope, ret_text);
}
