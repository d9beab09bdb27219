/*
 * What people read of a group: to whom its pages went and whether they arrived, from the group and
 * from each incident of it, open and resolved.
 */
#include <stdlib.h>

#include "api_world.h"
#include "base/clock.h"
#include "base/json.h"

#define ck_says(text, part) ck_assert_msg(strstr(text, part) != NULL, "%s", text)

static char *
ctl(struct api_world *w, const char *command, const char *id)
{
	const char *argv[] = {"playbookctl", command, id, NULL};
	char *out, *err;
	int rc = api_ctl(w, argv, NULL, &out, &err);
	ck_assert_msg(rc == 0, "%s %s: %d, %s", command, id, rc, err);
	free(err);
	return out;
}

static void
inject(struct api_world *w, const char *alarm, const char *state)
{
	char now[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep)
	char *event = api_alarm(alarm, state, pb_time_rfc3339(now, pb_clock_wall()));
	json_decref(api_ask(w, "POST", "/v1/inject", event));
	ck_assert_int_eq(w->status, 200);
}

static void
page_arrives(struct api_world *w)
{
	struct pb_input *in = pb_input_new(PB_IN_OUTCOME);
	in->outcome = pb_calloc(1, sizeof(*in->outcome));
	in->outcome->action_id = pb_strdup(w->started);
	in->outcome->status = PB_OUTCOME_OK;
	in->outcome->error = pb_strdup("");
	in->outcome->error_class = pb_strdup("");
	in->outcome->message = pb_strdup("");
	pb_core_post(w->core, in);
	api_rounds(w, 5);
}

START_TEST(a_group_tells_whom_it_paged_and_whether_that_arrived)
{
	static const char *const commands[] = {"show", "why", "timeline"};
	struct api_world w;
	api_open(&w);
	inject(&w, "team-1", "ALARM");
	page_arrives(&w);
	for (size_t i = 0; i < PB_ARRAY_LEN(commands); i++) {
		PB_CLEANUP(pb_freep) char *out = ctl(&w, commands[i], "g1");
		ck_says(out, "level 1 to ana by local: 1 incident, 1 open");
		ck_says(out, "to ana by local delivered after ");
	}
	PB_CLEANUP(pb_freep) char *show = ctl(&w, "show", "g1");
	ck_says(show, "-g1: open\n  escalation together\n  of         playbook=team\n");
	ck_says(show, "  told of    1, 0 of them resolved\n");
	ck_says(show, "  level 1  ana by local  sent  ");
	api_close(&w);
}
END_TEST

START_TEST(an_incident_tells_of_the_pages_it_went_with_also_when_resolved)
{
	struct api_world w;
	api_open(&w);
	inject(&w, "team-1", "ALARM");
	page_arrives(&w);
	{
		PB_CLEANUP(pb_freep) char *out = ctl(&w, "show", "1");
		ck_says(out, "  level 1  ana by local, with 20");
		ck_says(out, "-g1  sent  ");
	}
	inject(&w, "team-1", "OK");
	PB_CLEANUP(pb_freep) char *out = ctl(&w, "show", "1");
	ck_says(out, "  level 1  ana by local, with 20");
	ck_says(out, "-g1  sent  ");
	PB_CLEANUP(pb_freep) char *group = ctl(&w, "show", "g1");
	ck_says(group, "resolve notice");
	api_close(&w);
}
END_TEST

START_TEST(an_id_of_neither_is_told_as_that)
{
	struct api_world w;
	api_open(&w);
	PB_JSON json_t *j = api_ask(&w, "GET", "/v1/incidents/g9", NULL);
	ck_assert_int_eq(w.status, 404);
	ck_assert_str_eq(pb_json_str_or(pb_json_get(j, "error"), "message", ""),
	    "incident g9: there is none of this id");
	json_decref(api_ask(&w, "GET", "/v1/tail?incident=g9", NULL));
	ck_assert_int_eq(w.status, 404);
	api_close(&w);
}
END_TEST

PB_SUITE(ctl_bundle)
{
	pb_add(s, a_group_tells_whom_it_paged_and_whether_that_arrived);
	pb_add(s, an_incident_tells_of_the_pages_it_went_with_also_when_resolved);
	pb_add(s, an_id_of_neither_is_told_as_that);
}
