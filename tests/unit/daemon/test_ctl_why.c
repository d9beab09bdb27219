/*
 * playbookctl why and export: what people read of an incident, open and closed, and of an alarm that
 * opened none, asked of a real API.
 */
#include <stdlib.h>

#include "api_world.h"
#include "base/clock.h"
#include "base/json.h"
#include "daemon/ctl.h"

#define ARN "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:"

struct run {
	int rc;
	char *out, *err;
};

static void
run_fini(struct run *r)
{
	free(r->out);
	free(r->err);
}

static struct run
ctl(struct api_world *w, const char *a, const char *b, const char *c)
{
	const char *argv[] = {"playbookctl", a, b, c, NULL};
	struct run r;
	r.rc = api_ctl(w, argv, NULL, &r.out, &r.err);
	return r;
}
#define CTL(w, a, b, c) PB_CLEANUP(run_fini) struct run r = ctl(w, a, b, c)
#define ck_says(text, part) ck_assert_msg(strstr(text, part) != NULL, "%s", text)
#define ck_hides(text, part) ck_assert_msg(strstr(text, part) == NULL, "%s", text)

static void
inject(struct api_world *w, const char *alarm, const char *state)
{
	char now[PB_TIME_TEXT];
	PB_CLEANUP(pb_freep)
	char *event = api_alarm(alarm, state, pb_time_rfc3339(now, pb_clock_wall()));
	json_decref(api_ask(w, "POST", "/v1/inject", event));
	ck_assert_int_eq(w->status, 200);
}

START_TEST(why_tells_what_an_incident_waits_for_and_why_it_is_whose)
{
	struct api_world w;
	api_open(&w);
	free(api_incident_open(&w, "tell-1"));
	free(api_incident_open(&w, "fix-1"));
	{
		CTL(&w, "why", "1", NULL);
		ck_assert_int_eq(r.rc, 0);
		ck_says(r.out, ", tell-1: ");
		ck_says(r.out, "\n  playbook    tell\n");
		ck_says(r.out, ", in force\n");
		ck_says(r.out,
		    "\n  differs     fix stands in front and does not match: detail.alarmName is "
		    "\"tell-1\", wanted one of [{\"prefix\":\"fix-\"}]\n"
		    "              plan stands in front and does not match: ");
		ck_says(r.out, "\ndecisions:\n");
		ck_says(r.out, "playbook tell");
	}
	{
		CTL(&w, "why", "fix-1", NULL);
		ck_assert_int_eq(r.rc, 0);
		ck_says(r.out, "alarm " ARN "fix-1: ALARM since ");
		ck_says(r.out,
		    "\n  now         it opens or joins an incident of the first playbook "
		    "that matches\n  matches     fix\n");
		ck_says(r.out, "\n  next        ");
		ck_says(r.out, ": step restart (running): its attempt is taken as lost\n");
		ck_says(r.out, ": page_by: level 1 is paged\n");
	}
	{
		CTL(&w, "show", "2", NULL);
		ck_says(r.out, "\n  plan       ");
		ck_says(r.out, ", in force\n");
	}
	api_close(&w);
}
END_TEST

START_TEST(why_tells_the_story_of_what_is_long_closed)
{
	struct api_world w;
	api_open(&w);
	free(api_incident_open(&w, "tell-1"));
	inject(&w, "tell-1", "OK");
	{
		CTL(&w, "why", ARN "tell-1", NULL);
		ck_assert_int_eq(r.rc, 0);
		ck_says(r.out, "tell-1: OK since ");
		ck_says(r.out,
		    "now         a recovery: it ends what the alarm opened, and opens "
		    "nothing\n");
		ck_says(r.out, "resolved, ");
		ck_says(r.out, "fix stands in front and does not match: ");
		ck_hides(r.out, "\n  next ");
	}
	{
		CTL(&w, "--json", "why", "1");
		PB_JSON json_t *j = json_loads(r.out, 0, NULL);
		ck_assert_str_eq(pb_json_str(pb_json_get(j, "incident"), "state"), "resolved");
		ck_assert_uint_gt(json_array_size(pb_json_get(j, "decisions")), 4);
		ck_assert(pb_json_bool(pb_json_get(j, "plan"), "is_in_force", false));
		ck_assert_uint_eq(json_array_size(pb_json_get(j, "next")), 0);
	}
	api_close(&w);
}
END_TEST

START_TEST(why_tells_which_playbooks_an_alarm_missed)
{
	struct api_world w;
	api_open(&w);
	inject(&w, "web-1", "ALARM");
	inject(&w, "fix-2", "INSUFFICIENT_DATA");
	{
		CTL(&w, "why", "web-1", NULL);
		ck_assert_int_eq(r.rc, 0);
		ck_says(r.out, "web-1: ALARM since ");
		ck_says(r.out,
		    "now         no playbook matches: it is dropped, as unmatched says\n"
		    "  differs     fix: detail.alarmName is \"web-1\", wanted one of "
		    "[{\"prefix\":\"fix-\"}]\n              plan: ");
		ck_says(r.out, "  near miss   fix: detail.alarmName is \"web-1\"");
		ck_says(r.out, "  no incident of it is kept\n");
	}
	{
		CTL(&w, "why", "fix-2", NULL);
		ck_says(r.out,
		    "  near miss   fix: detail.state.value is \"INSUFFICIENT_DATA\", "
		    "wanted one of [\"ALARM\"]\n");
	}
	{
		CTL(&w, "why", "nobody\x1b[31m", NULL);
		ck_assert_int_eq(r.rc, 1);
		ck_says(r.err,
		    "nobody\\x1b[31m: neither an incident nor an alarm that was ever "
		    "heard of\n");
	}
	api_close(&w);
}
END_TEST

START_TEST(export_gives_each_event_as_it_came)
{
	struct api_world w;
	api_open(&w);
	{
		CTL(&w, "export", NULL, NULL);
		ck_assert_int_eq(r.rc, 0);
		ck_assert_str_eq(r.out, "");
	}
	inject(&w, "fix-1", "ALARM");
	inject(&w, "web-1", "ALARM");
	{
		CTL(&w, "export", NULL, NULL);
		ck_assert_int_eq(r.rc, 0);
		char *second = strchr(r.out, '\n');
		ck_assert_ptr_nonnull(second);
		*second++ = '\0';
		PB_JSON json_t *a = json_loads(r.out, 0, NULL), *b = json_loads(second, 0, NULL);
		ck_assert_str_eq(pb_json_str(a, "source"), "inject");
		ck_assert_ptr_nonnull(pb_json_str(a, "incident"));
		ck_assert_str_eq(
		    json_string_value(pb_json_path(b, PB_STR("event.detail.alarmName"))), "web-1");
		ck_assert_str_eq(pb_json_str(b, "incident"), "");
		ck_assert_int_gt(pb_json_i64(b, "at", 0), 0);
	}
	api_close(&w);
}
END_TEST

PB_SUITE(ctl_why)
{
	pb_add(s, why_tells_what_an_incident_waits_for_and_why_it_is_whose);
	pb_add(s, why_tells_the_story_of_what_is_long_closed);
	pb_add(s, why_tells_which_playbooks_an_alarm_missed);
	pb_add(s, export_gives_each_event_as_it_came);
}
