/*
 * Events that our own calls caused, as CloudTrail tells them: they open incidents and page, and start no
 * remediation, or one would feed the next.
 *
 * Signs, in the order of their weight:
 *	detail.requestID	is that of a call whose answer we had; known for a day, as other events are
 *	detail.userAgent	is playbookd's, whichever host it runs on
 *	detail.userIdentity.arn	ends with a session name as playbookd makes them for a role
 *
 * Best effort: a call that nobody heard the answer of has no id, and a user agent is what one says one
 * is.  What holds in any case is the ceiling per key (guard.c, recurrence).
 */
#include "internal.h"

#include "base/json.h"

#define AGENT "playbookd/"
#define SESSION "playbookd-"

static char *
key_of(const char *request_id)
{
	return pb_asprintf("call|%s", request_id);
}

void
own_called(struct turn *t, const char *request_id)
{
	if (request_id == NULL || request_id[0] == '\0')
		return;
	PB_CLEANUP(pb_freep) char *key = key_of(request_id);
	int64_t *at = pb_malloc(sizeof(*at));
	*at = t->now;
	/* Again at the end: the map is in order of time. */
	free(pb_map_del(t->e->seen, key));
	(void)pb_map_put(t->e->seen, key, at);
	pb_update_put(t->u, PB_REC_SEEN, key, "", "", json_object());
}

/* "arn:aws:sts::111122223333:assumed-role/ROLE/playbookd-1767225600" */
static const char *
own_session(const char *arn)
{
	const char *name = strrchr(arn, '/');
	if (name == NULL || strstr(arn, ":assumed-role/") == NULL ||
	    strncmp(name + 1, SESSION, strlen(SESSION)) != 0)
		return NULL;
	const char *number = name + 1 + strlen(SESSION);
	return number[0] != '\0' && number[strspn(number, "0123456789")] == '\0' ? name + 1 : NULL;
}

char *
own_sign(const struct pb_engine *e, const struct pb_event *ev)
{
	char safe[128];
	if (strcmp(ev->detail_type, "AWS API Call via CloudTrail") != 0)
		return NULL;
	const json_t *detail = json_object_get(pb_event_json(ev), "detail");
	const char *id = pb_json_str_or(detail, "requestID", "");
	const char *agent = pb_json_str_or(detail, "userAgent", "");
	const char *arn = pb_json_str_or(json_object_get(detail, "userIdentity"), "arn", "");
	PB_CLEANUP(pb_freep) char *key = key_of(id);
	if (id[0] != '\0' && pb_map_get(e->seen, key) != NULL)
		return pb_asprintf("its request id %s is that of a call of ours",
		    pb_safe(safe, sizeof(safe), pb_str_of(id)));
	if (strncmp(agent, AGENT, strlen(AGENT)) == 0)
		return pb_asprintf(
		    "its user agent is %s", pb_safe(safe, sizeof(safe), pb_str_of(agent)));
	const char *session = own_session(arn);
	return session == NULL ? NULL : pb_asprintf("its role session is %s", session);
}
