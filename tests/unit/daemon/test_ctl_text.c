/*
 * What playbookctl prints, to the letter.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "daemon/ctl.h"
#include "tests/unit/runner.h"

/* 2026-11-23T06:30:00Z */
#define NOW INT64_C(1795415400000)

static const struct pb_ctl_view plain = {.now = NOW};

/* JSON with ' for ", and @N@ for NOW minus N seconds. */
static json_t *
json_of(const char *text)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '@') {
			char *end;
			(void)pb_buf_addf(
			    &b, "%lld", (long long)(NOW - strtoll(p + 1, &end, 10) * PB_SECOND));
			p = end;
		} else {
			(void)pb_buf_addc(&b, *p == '\'' ? '"' : *p);
		}
	}
	json_t *j = NULL;
	struct pb_error err;
	if (pb_json_parse(pb_buf_str(&b), &j, &err) < 0)
		ck_abort_msg("%s", err.text);
	return j;
}

static struct {
	int64_t at;
	const char *text;
} const times[] = {
    {0, "-"},
    {PB_NEVER, "never"},
    {NOW - 252 * PB_SECOND - 7, "2026-11-23T06:25:47Z (4m12s ago)"},
    {NOW, "2026-11-23T06:30:00Z (0s ago)"},
    {NOW + 5 * PB_MINUTE + 400, "2026-11-23T06:35:00Z (in 5m)"},
    {NOW - 3 * PB_DAY - PB_HOUR, "2026-11-20T05:30:00Z (3d1h ago)"},
};

START_TEST(times_are_rfc_3339_and_age)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_ctl_add_time(&b, times[_i].at, &plain);
	ck_assert_str_eq(b.ptr, times[_i].text);
}
END_TEST

START_TEST(the_list_of_incidents_says_what_comes_next)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j = json_of(
	    "{'incidents':["
	    "{'id':'20261123-5','state':'waiting','severity':'critical','playbook':'web-5xx',"
	    "'title':'web-5xx-prod','opened_at':@60@,'ladder':'paging','ladder_next_at':@-60@},"
	    "{'id':'20261123-4','state':'running','severity':'error','playbook':'disk-full',"
	    "'title':'disk-1','opened_at':@252@,'ladder':'armed','ladder_next_at':@-48@,"
	    "'step':'clean','step_state':'running'},"
	    "{'id':'20261123-3','state':'waiting','severity':'error','playbook':'','title':'"
	    "x\\u001b',"
	    "'opened_at':@600@,'ladder':'acked','acked_by':'ana','ladder_next_at':@-1800@},"
	    "{'id':'20261123-2','state':'waiting','severity':'error','playbook':'p','title':'y',"
	    "'opened_at':@7200@,'ladder':'spent','ladder_next_at':@-60@},"
	    "{'id':'20261123-1','state':'resolved','severity':'error','playbook':'p','title':'z',"
	    "'opened_at':@7200@,'cause':'by_hand','resolved_by':'bo'}],'next':7,'open':100000}");
	pb_ctl_show_incidents(&b, j, false, &plain);
	ck_assert_str_eq(b.ptr,
	    "ID          STATE     SEVERITY  AGE    OPENED                PLAYBOOK        WHAT     "
	    " "
	    "    NEXT\n"
	    "20261123-5  waiting   critical  1m     2026-11-23T06:29:00Z  web-5xx         "
	    "web-5xx-prod  paging, nobody has answered\n"
	    "20261123-4  running   error     4m12s  2026-11-23T06:25:48Z  disk-full       disk-1   "
	    " "
	    "    step clean running; pages in 48s\n"
	    "20261123-3  waiting   error     10m    2026-11-23T06:20:00Z  (none matches)  x\\x1b   "
	    " "
	    "     acknowledged by ana, pages again in 30m\n"
	    "20261123-2  waiting   error     2h     2026-11-23T04:30:00Z  p               y        "
	    " "
	    "    everybody was paged, nobody answered\n"
	    "20261123-1  resolved  error     2h     2026-11-23T04:30:00Z  p               z        "
	    " "
	    "    by_hand by bo\n"
	    "these are the newest 5, there are more; 100000 are open in all: playbookctl incidents "
	    "--limit N\n");
}
END_TEST

static const char incident_text[] =
    "{'incident':{'id':'20261123-7','state':'waiting','title':'web-5xx-prod','severity':'critical',"
    "'alarm_arn':'arn:aws:cloudwatch:eu-west-1:1:alarm:web-5xx-prod','playbook':'web-5xx',"
    "'summary':'Restart','docs':'https://wiki/5xx','owner':'web','event_at':@130@,"
    "'objective':'checkout','overdue':'reviewed 122 days ago, due every 90 days',"
    "'n_reopened':2,'reopened_at':@120@,'last_resolved_at':@372@,'last_cause':'remediated',"
    "'opened_at':@1200@,'hold_until':0,'count':2},"
    "'event':{'detail':{'state':{'reason':'Threshold \\u202ecrossed'}}},"
    "'run':{'state':'failed','n_steps':3,'failure':'step restart failed'},"
    "'steps':[{'index':1,'name':'restart','state':'failed','attempts':2,'started_at':@110@,"
    "'ended_at':@100@,'error':'Exec.Exit.3','message':'no such \\nunit'},"
    "{'index':0,'name':'look','state':'succeeded','attempts':1,'started_at':@120@,"
    "'ended_at':@110@},"
    "{'index':3,'name':'look.rollback','state':'failed','attempts':1,'started_at':@90@,"
    "'ended_at':@80@,'error':'Exec.Exit.1'},"
    "{'index':4,'name':'drain.rollback','state':'succeeded','attempts':1,'started_at':@100@,"
    "'ended_at':@90@}],"
    "'ladder':{'state':'paging','why':'step restart failed','page_by_at':@-180@,"
    "'started_at':@100@,'level':1,'next_at':@-60@},"
    "'actions':[{'key':'20261123-7/restart/1','state':'failed'},"
    "{'contact':'ana','channel':'pager','state':'sent','at':@98@,'level':0,'repeat':0,'tries':1},"
    "{'contact':'bo','channel':'pager','state':'retrying','at':@10@,'level':1,'repeat':1,"
    "'tries':3,'error':'Network.Connect'}],"
    "'notes':[{'seq':4,'at':@120@,'incident':'20261123-7','kind':'opened','step':'',"
    "'text':'web-5xx-prod'},{'seq':5,'at':@100@,'incident':'20261123-7','kind':'step',"
    "'step':'restart','text':'failed'}]}";

/* At night two equal lines are taken for one incident that is listed twice. */
START_TEST(the_list_tells_alarms_of_one_name_apart)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j =
	    json_of("{'incidents':["
		    "{'id':'20261123-5','title':'db','key':"
		    "'arn:aws:cloudwatch:eu-west-1:111122223333:alarm:db','opened_at':@60@},"
		    "{'id':'20261123-4','title':'db','key':"
		    "'arn:aws:cloudwatch:us-east-1:444455556666:alarm:db','opened_at':@60@},"
		    "{'id':'20261123-3','title':'deploy','key':'shop\\u001b','opened_at':@60@},"
		    "{'id':'20261123-2','title':'deploy','key':'till','opened_at':@60@},"
		    "{'id':'20261123-1','title':'web','key':"
		    "'arn:aws:cloudwatch:us-east-1:444455556666:alarm:web','opened_at':@60@}]}");
	pb_ctl_show_incidents(&b, j, false, &plain);
	static const char *const wanted[] = {" db (eu-west-1 111122223333) ",
	    " db (us-east-1 444455556666) ", " deploy (shop\\x1b) ", " deploy (till) ", " web "};
	const char *at = b.ptr;
	for (size_t i = 0; i < PB_ARRAY_LEN(wanted); i++) {
		at = strstr(at, wanted[i]);
		ck_assert_msg(at != NULL, "%s: %s", wanted[i], b.ptr);
	}
}
END_TEST

START_TEST(show_tells_who_is_informed_and_why_nobody_is_paged)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j = json_of("{'incident':{'id':'1','state':'waiting',"
				    "'held':'maintenance patch until 4\\u001b','inform':["
				    "{'audience':'business','sent':2,'next_at':@-600@},"
				    "{'audience':'desk','sent':1}]}}");
	pb_ctl_show_incident(&b, j, &plain);
	ck_assert_msg(strstr(b.ptr,
			  "  no pages   maintenance patch until 4\\x1b\n"
			  "  informs    business, 2 so far, next 2026-11-23T06:40:00Z (in 10m)\n"
			  "             desk, 1 so far, next never\n") != NULL,
	    "%s", b.ptr);
}
END_TEST

START_TEST(show_tells_the_whole_story)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j = json_of(incident_text);
	pb_ctl_show_incident(&b, j, &plain);
	ck_assert_str_eq(b.ptr,
	    "incident 20261123-7: waiting\n"
	    "  what       web-5xx-prod\n"
	    "  alarm      arn:aws:cloudwatch:eu-west-1:1:alarm:web-5xx-prod\n"
	    "  reason     Threshold \\u{202e}crossed\n"
	    "  severity   critical\n"
	    "  playbook   web-5xx\n"
	    "  summary    Restart\n"
	    "  objective  checkout\n"
	    "  docs       https://wiki/5xx\n"
	    "  owner      web\n"
	    "  overdue    reviewed 122 days ago, due every 90 days\n"
	    "  event      2026-11-23T06:27:50Z (2m10s ago)\n"
	    "  opened     2026-11-23T06:10:00Z (20m ago)\n"
	    "  reopened   2026-11-23T06:28:00Z (2m ago), 2 times; 4m12s after it was resolved as "
	    "remediated\n"
	    "  events     2\n"
	    "\n"
	    "run: failed, step restart failed\n"
	    "  1.  look     succeeded  2026-11-23T06:28:00Z  took 10s  1 attempt\n"
	    "  2.  restart  failed     2026-11-23T06:28:10Z  took 10s  2 attempts  Exec.Exit.3: no "
	    "such \\nunit\n"
	    "rollback:\n"
	    "  5.  drain.rollback  succeeded  2026-11-23T06:28:20Z  took 10s  1 attempt\n"
	    "  4.  look.rollback   failed     2026-11-23T06:28:30Z  took 10s  1 attempt  "
	    "Exec.Exit.1\n"
	    "\n"
	    "ladder: paging\n"
	    "  why        step restart failed\n"
	    "  page by    2026-11-23T06:33:00Z (in 3m)\n"
	    "  level      2\n"
	    "  next       2026-11-23T06:31:00Z (in 1m)\n"
	    "\n"
	    "pages:\n"
	    "  level 1            ana by pager  sent      2026-11-23T06:28:22Z (1m38s ago)  1 try\n"
	    "  level 2, repeat 1  bo by pager   retrying  2026-11-23T06:29:50Z (10s ago)    3 "
	    "tries  "
	    "Network.Connect\n"
	    "\n"
	    "trace:\n"
	    "  2026-11-23T06:28:00Z  20261123-7   opened     web-5xx-prod\n"
	    "  2026-11-23T06:28:20Z  20261123-7   step       restart: failed\n");
}
END_TEST

START_TEST(show_of_an_incident_without_a_run_is_short)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j = json_of("{'incident':{'id':'20261123-1','state':'resolved','title':'x',"
				    "'playbook':'','opened_at':@60@,'resolved_at':@30@,"
				    "'cause':'recovered'},'run':null,'steps':[],'ladder':null,"
				    "'actions':[],'notes':[]}");
	pb_ctl_show_incident(&b, j, &plain);
	ck_assert_str_eq(b.ptr,
	    "incident 20261123-1: resolved\n"
	    "  what       x\n"
	    "  playbook   none matches\n"
	    "  opened     2026-11-23T06:29:00Z (1m ago)\n"
	    "  resolved   2026-11-23T06:29:30Z (30s ago)\n"
	    "  cause      recovered\n"
	    "\n"
	    "run: none\n"
	    "\n"
	    "pages: none\n"
	    "\n"
	    "trace:\n");
}
END_TEST

START_TEST(status_names_sources_that_fail)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j = json_of(
	    "{'state':'degraded','degraded_why':'the store cannot be written','version':'0.1.0',"
	    "'host':'h1','pid':42,'started_at':@3600@,'state_dir':'/var/lib/"
	    "playbookd','open':2,'old_plans':1,"
	    "'actions_running':1,'defects':1,'region':'eu-west-1','credentials':'environment',"
	    "'config':{'dir':'/etc/playbookd','digest':'0123456789abcdef','loaded_at':@60@,"
	    "'playbooks':3,'problem':'not what is on disk','on_disk':'refused','refused_at':@30@,"
	    "'refused_problems':3,'refused':'a.yaml:3:1: bad\\u001b'},"
	    "'overdue':[{'playbook':'web','overdue':'reviewed 122 days ago, due every 90 days'},"
	    "{'playbook':'db','overdue':'no run and no drill for 70 days, due every 60 days'}],"
	    "'store':{'bytes':124000,'quarantine':{'kept':2}},"
	    "'sources':[{'name':'alarms','type':'cloudwatch','last_ok_at':@5@,'received':7},"
	    "{'name':'ops','type':'sqs','failures':4,'last_error':'AccessDenied','received':0}]}");
	pb_ctl_show_status(&b, j, &plain);
	ck_assert_str_eq(b.ptr,
	    "playbookd 0.1.0 on h1: degraded, pid 42\n"
	    "  degraded       the store cannot be written\n"
	    "  started        2026-11-23T05:30:00Z (1h ago)\n"
	    "  configuration  0123456789ab of /etc/playbookd, 3 playbooks, loaded "
	    "2026-11-23T06:29:00Z (1m ago)\n"
	    "                 not what is on disk\n"
	    "  on disk        refused 2026-11-23T06:29:30Z (30s ago): a.yaml:3:1: bad\\x1b; and 2 "
	    "more\n"
	    "  state          /var/lib/playbookd, 121 KiB\n"
	    "  reviews        overdue: web, reviewed 122 days ago, due every 90 days\n"
	    "                 overdue: db, no run and no drill for 70 days, due every 60 days\n"
	    "  aws            region eu-west-1, credentials from environment\n"
	    "  incidents      2 open, 1 action running\n"
	    "                 1 of them goes on by a configuration that is no longer in force\n"
	    "  defects        1 open incident waits for nothing, see the journal\n"
	    "  quarantine     2 messages that nobody could read: playbookctl quarantine\n"
	    "\n"
	    "SOURCE  TYPE        LAST OK                        RECEIVED  HEALTH\n"
	    "alarms  cloudwatch  2026-11-23T06:29:55Z (5s ago)  7         ok\n"
	    "ops     sqs         -                              0         4 failures: "
	    "AccessDenied\n");
}
END_TEST

static struct {
	const char *json, *says;
} const folders[] = {
    {"{'config':{'playbooks':1,'on_disk':'loaded'}}", ", 1 playbook, loaded -\n"},
    {"{'config':{'on_disk':'changed'}}",
	"  on disk        changed since it was loaded: playbookctl reload\n"},
    {"{'config':{'on_disk':'unusable'}}",
	"  on disk        unusable: playbookd --check DIR says why\n"},
    {"{'config':{'on_disk':'refused','refused_at':@0@,'refused_problems':1,'refused':'x'}}",
	"  on disk        refused 2026-11-23T06:30:00Z (0s ago): x\n"},
    {"{'maintenance':[{'name':'move','state':'closed'},{'name':'patch','state':'open',"
     "'until':@-3600@,'owner':'payments\\u001b','blocks_remediation':true,'holds_pages':true}]}",
	"KiB\n  maintenance    patch is open for 1h more: no remediation, no pages, owner "
	"payments\\x1b\n  aws"},
    {"{'maintenance':[{'name':'patch','state':'open','until':@-60@,'blocks_remediation':false,"
     "'holds_pages':true}]}",
	"  maintenance    patch is open for 1m more: no pages\n"},
    {"{'mutes':[{'source':'eu','name':'night\\u001b','alarms':2,'until':@-60@},{'source':'eu',"
     "'name':'x','alarms':1}]}",
	"  muted          night\\x1b, mute rule of CloudWatch by source eu: no pages for 2 alarms "
	"for 1m more\n"
	"  muted          x, mute rule of CloudWatch by source eu: no pages for 1 alarm\n"},
    {"{'sources':[{'name':'eu','type':'cloudwatch','mute_rules_error':'ListAlarmMuteRules: no'}]}",
	"  mute rules     of source eu cannot be read, so that they mute nothing soon: "
	"ListAlarmMuteRules: no\n"},
    {"{'open':3,'actions_running':32,'actions_waiting':468}",
	"  incidents      3 open, 32 actions running, 468 waiting for a place\n"},
    {"{'open':3,'helper_missing':'there is no socket /x\\u001b'}",
	"  incidents      3 open, 0 actions running\n"
	"  programs       cannot be run: there is no socket /x\\x1b\n"},
    {"{'maintenance':[{'name':'patch','state':'expired'}]}",
	"  maintenance    patch has expired, take it out of the configuration\n"},
};

/* The clock was set wrong once, and durable time has stayed 3 hours ahead of it. */
START_TEST(people_are_told_what_the_clock_on_the_wall_shows)
{
	struct pb_ctl_view v = {.now = 1};
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *answer =
	    json_pack("{s:I, s:i}", "now", (json_int_t)NOW, "clock_ahead_for", -3 * (int)PB_HOUR);
	pb_ctl_take_clock(&v, answer);
	pb_ctl_add_time(&b, NOW + PB_MINUTE, &v);
	(void)pb_buf_addc(&b, '\n');
	pb_ctl_add_wall_time(&b, NOW - 3 * PB_HOUR - PB_MINUTE, &v);
	(void)pb_buf_addc(&b, '\n');
	PB_JSON json_t *note =
	    json_of("{'at':@0@,'incident':'20261123-1','kind':'page','text':'level 1'}");
	pb_ctl_show_note(&b, note, &v);
	ck_assert_str_eq(b.ptr,
	    "2026-11-23T03:31:00Z (in 1m)\n"
	    "2026-11-23T03:29:00Z (1m ago)\n"
	    "2026-11-23T03:30:00Z  20261123-1   page       level 1\n");
	PB_CLEANUP(pb_buf_fini) struct pb_buf shown = PB_BUF_INIT;
	PB_JSON json_t *list = json_of("{'incidents':[{'id':'20261123-1','opened_at':@60@}]}");
	pb_ctl_show_incidents(&shown, list, false, &v);
	ck_assert_ptr_nonnull(strstr(shown.ptr, "  1m   2026-11-23T03:29:00Z  "));
	PB_CLEANUP(pb_buf_fini) struct pb_buf status = PB_BUF_INIT;
	PB_JSON json_t *s = json_of("{'started_at':@60@,'clock_ahead_for':-10800000,'mutes':[{"
				    "'name':'x','until':@10740@}]}");
	pb_ctl_show_status(&status, s, &v);
	ck_assert_ptr_nonnull(strstr(status.ptr, " 2026-11-23T03:29:00Z (1m ago)\n"));
	ck_assert_ptr_nonnull(strstr(status.ptr, " alarms for 1m more\n"));
	ck_assert_ptr_nonnull(strstr(status.ptr,
	    " 3h behind the time that deadlines are kept by; times are told by the clock\n"));
}
END_TEST

START_TEST(incidents_and_status_tell_of_groups_and_storms)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *list = json_of(
	    "{'incidents': [{'id': '20261123-1', 'state': 'waiting', 'ladder': 'gathered', "
	    "'ladder_next_at': @-30@, 'group': '20261123-g1', 'opened_at': @5@},"
	    "{'id': '20261123-2', 'state': 'waiting', 'ladder': 'paging', 'storm': '20261123-s2', "
	    "'opened_at': @5@}]}");
	pb_ctl_show_incidents(&b, list, false, &plain);
	ck_assert_ptr_nonnull(strstr(b.ptr, "pages in 30s at the latest, with group 20261123-g1"));
	ck_assert_ptr_nonnull(strstr(b.ptr, "paging, nobody has answered, storm 20261123-s2"));

	PB_CLEANUP(pb_buf_fini) struct pb_buf status = PB_BUF_INIT;
	PB_JSON json_t *j = json_of(
	    "{'state': 'running', 'bundles': ["
	    "{'id': '20261123-s2', 'kind': 'storm', 'state': 'open', 'escalation': 'oncall', "
	    "'opened_at': @300@, 'open': 412, 'unacknowledged': 400, 'resolved': 7},"
	    "{'id': '20261123-s1', 'kind': 'storm', 'state': 'calm', 'escalation': 'oncall', "
	    "'opened_at': @7200@, 'open': 2, 'unacknowledged': 0, 'resolved': 90},"
	    "{'id': '20261123-g1', 'kind': 'group'}]}");
	pb_ctl_show_status(&status, j, &plain);
	ck_assert_ptr_nonnull(strstr(status.ptr,
	    "20261123-s2 for 5m, escalation oncall: 412 open, 400 of them not acknowledged; 7 "
	    "resolved\n"));
	ck_assert_ptr_nonnull(strstr(status.ptr,
	    "20261123-s1 for 2h, escalation oncall: 2 open, 0 of them not acknowledged; 90 "
	    "resolved; it is over and takes no more\n"));
	ck_assert_ptr_nonnull(strstr(status.ptr, "1 of incidents that are paged together\n"));
}
END_TEST

START_TEST(status_tells_a_configuration_that_is_not_in_force)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j = json_of(folders[_i].json);
	pb_ctl_show_status(&b, j, &plain);
	ck_assert_msg(strstr(b.ptr, folders[_i].says) != NULL, "%s", b.ptr);
}
END_TEST

START_TEST(status_shows_an_error_to_its_end)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep)
	char *text =
	    pb_asprintf("{'sources':[{'name':'a','last_error':'%0*d; the remedy'}]}", 900, 7);
	PB_JSON json_t *j = json_of(text);
	pb_ctl_show_status(&b, j, &plain);
	ck_assert_msg(strstr(b.ptr, "1 failure: 000") != NULL, "%s", b.ptr);
	ck_assert_msg(strstr(b.ptr, "0007; the remedy\n") != NULL, "%s", b.ptr);
}
END_TEST

START_TEST(a_long_title_leaves_what_comes_next_on_the_screen)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf(
	    "{'incidents':[{'id':'20261123-5','title':'%0*d','ladder':'paging'}]}", 255, 7);
	PB_JSON json_t *j = json_of(text);
	pb_ctl_show_incidents(&b, j, false, &plain);
	ck_assert_msg(strstr(b.ptr, "000...  paging") != NULL, "%s", b.ptr);
	ck_assert_uint_lt(b.len, 400);
}
END_TEST

START_TEST(status_without_sources_says_so)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j = json_of("{'state':'running','sources':[]}");
	pb_ctl_show_status(&b, j, &plain);
	ck_assert_ptr_nonnull(strstr(b.ptr, "no sources: only injected events arrive\n"));
}
END_TEST

START_TEST(the_quarantine_is_shown_without_harm)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j =
	    json_of("{'messages':[{'message_id':'m-1','source':'ops','receives':5,"
		    "'at':@60@,'why':'not JSON','body':'\\u001b]0;x\\u0007 \\n'}]}");
	pb_ctl_show_quarantine(&b, j, &plain);
	ck_assert_str_eq(b.ptr,
	    "message m-1 of ops, received 5 times\n"
	    "  since          2026-11-23T06:29:00Z (1m ago)\n"
	    "  why            not JSON\n"
	    "  body           \\x1b]0;x\\x07 \\n\n");
}
END_TEST

START_TEST(status_tells_of_a_clock_that_is_not_the_one_of_deadlines)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j = json_of("{'clock_ahead_for':-34560000000}");
	pb_ctl_show_status(&b, j, &plain);
	ck_assert_ptr_nonnull(strstr(b.ptr,
	    "  clock          400d behind the time that deadlines are kept by; times are told by "
	    "the "
	    "clock\n"));
	json_object_set_new(j, "clock_ahead_for", json_integer(59000));
	b.len = 0;
	pb_ctl_show_status(&b, j, &plain);
	ck_assert_ptr_null(strstr(b.ptr, "  clock"));
}
END_TEST

START_TEST(a_reload_tells_what_differs_and_whom_a_stop_does_not_hold_any_more)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *j = json_of(
	    "{'config':'0123456789abcdef','changes':'playbooks new auto-2; gone auto','stopped':["
	    "{'playbook':'','by':'ana','reason':'r','at':@60@},"
	    "{'playbook':'auto','by':'ana','reason':'r','at':@60@,'is_of_nobody':true}]}");
	pb_ctl_show_reload(&b, j, &plain);
	ck_assert_str_eq(b.ptr,
	    "configuration 0123456789ab is in force; open incidents keep the one they began with\n"
	    "playbooks new auto-2; gone auto\n"
	    "remediation stays stopped for auto; no playbook has this name now: what it stopped "
	    "may "
	    "run under another\n");
	b.len = 0;
	pb_ctl_show_status(&b, j, &plain);
	ck_assert_ptr_nonnull(strstr(b.ptr,
	    "  remediation    stopped for auto by ana, 2026-11-23T06:29:00Z (1m ago): r; no "
	    "playbook "
	    "has this name now\n"));
}
END_TEST

START_TEST(colour_is_only_where_it_is_wanted)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	const struct pb_ctl_view colored = {.now = NOW, .is_color = true};
	pb_ctl_add_colored(&b, "x", PB_CTL_RED, &colored);
	pb_ctl_add_colored(&b, "y", PB_CTL_RED, &plain);
	pb_ctl_add_colored(&b, "z", PB_CTL_PLAIN, &colored);
	ck_assert_str_eq(b.ptr, "\x1b[31mx\x1b[0myz");
}
END_TEST

START_TEST(columns_count_characters_and_not_bytes)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_ctl_table_fini) struct pb_ctl_table t = {.n_columns = 2};
	pb_ctl_cell(&t, PB_CTL_PLAIN, "%s", "k\xc3\xb6ln");
	pb_ctl_cell(&t, PB_CTL_PLAIN, "a");
	pb_ctl_cell(&t, PB_CTL_PLAIN, "bonn ");
	pb_ctl_cell(&t, PB_CTL_PLAIN, "b");
	pb_ctl_table_add(&b, &t, "> ", &plain);
	ck_assert_str_eq(b.ptr, "> k\xc3\xb6ln   a\n> bonn   b\n");
}
END_TEST

START_TEST(ids_are_encoded_in_paths)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	pb_ctl_add_encoded(&b, "20261123-7 ../a?b=\xc3\xb6");
	ck_assert_str_eq(b.ptr, "20261123-7%20..%2Fa%3Fb%3D%C3%B6");
}
END_TEST

START_TEST(words_are_quoted_for_a_shell_where_they_must_be)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	static const char *const words[] = {"/etc/playbookd", "", "o'd d", "$(x)", "a;b", "~"};
	for (size_t i = 0; i < PB_ARRAY_LEN(words); i++) {
		pb_ctl_add_word(&b, words[i]);
		(void)pb_buf_addc(&b, ' ');
	}
	ck_assert_str_eq(b.ptr, "/etc/playbookd '' 'o'\\''d d' '$(x)' 'a;b' '~' ");
}
END_TEST

PB_SUITE(ctl_text)
{
	pb_add_loop(s, times_are_rfc_3339_and_age, 0, PB_ARRAY_LEN(times));
	pb_add(s, the_list_of_incidents_says_what_comes_next);
	pb_add(s, the_list_tells_alarms_of_one_name_apart);
	pb_add(s, show_tells_who_is_informed_and_why_nobody_is_paged);
	pb_add(s, show_tells_the_whole_story);
	pb_add(s, show_of_an_incident_without_a_run_is_short);
	pb_add(s, status_names_sources_that_fail);
	pb_add_loop(s, status_tells_a_configuration_that_is_not_in_force, 0, PB_ARRAY_LEN(folders));
	pb_add(s, status_shows_an_error_to_its_end);
	pb_add(s, a_long_title_leaves_what_comes_next_on_the_screen);
	pb_add(s, status_without_sources_says_so);
	pb_add(s, the_quarantine_is_shown_without_harm);
	pb_add(s, people_are_told_what_the_clock_on_the_wall_shows);
	pb_add(s, incidents_and_status_tell_of_groups_and_storms);
	pb_add(s, status_tells_of_a_clock_that_is_not_the_one_of_deadlines);
	pb_add(s, a_reload_tells_what_differs_and_whom_a_stop_does_not_hold_any_more);
	pb_add(s, colour_is_only_where_it_is_wanted);
	pb_add(s, columns_count_characters_and_not_bytes);
	pb_add(s, ids_are_encoded_in_paths);
	pb_add(s, words_are_quoted_for_a_shell_where_they_must_be);
}
