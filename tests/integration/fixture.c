#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

const char fixture_config[] =
    "version: 1\n"
    "daemon:\n"
    "  state_dir: '@DIR@/state'\n"
    "  api: {socket: '@DIR@/api'}\n"
    "  aws: {region: us-east-1}\n"
    "  exec: {driver: child}\n"
    "sources:\n"
    "  - {name: events, type: sqs, queue_url: '@URL@/111122223333/events', wait: 2s, visibility: "
    "30s,\n"
    "     receivers: 1, quarantine_after: 2}\n"
    "channels:\n"
    "  - {name: pager, type: sns, topic: 'arn:aws:sns:us-east-1:111122223333:pager'}\n"
    "contacts: [{name: ana}, {name: bo}, {name: cy}]\n"
    "unmatched: {alarms: escalate, escalate: ana-only, events: drop}\n"
    "escalations:\n"
    /* Each incident is paged by itself, however many there are: that is what is counted. */
    "  - {name: ana-only, levels: [{notify: [ana], via: [pager]}], storm: {over: 100000}}\n"
    "  - name: ladder\n"
    "    storm: {over: 100000}\n"
    "    levels:\n"
    "      - {notify: [ana], via: [pager]}\n"
    "      - {notify: [bo], via: [pager], after: 1s}\n"
    "      - {notify: [cy], via: [pager], after: 10m}\n"
    "playbooks:\n"
    "  - name: fix\n"
    "    match: {detail: {alarmName: [{prefix: fix-}], state: {value: [ALARM]}}}\n"
    "    page_by: 1m\n"
    "    escalate: ana-only\n"
    "    steps:\n"
    "      - {name: repair, action: exec, argv: ['@DIR@/step', fix, '${alarm.name}'], timeout: "
    "30s}\n"
    "  - name: fail\n"
    "    summary: Restart the service\n"
    "    docs: https://wiki.example.com/fail\n"
    "    severity: critical\n"
    "    match: {detail: {alarmName: [{prefix: fail-}], state: {value: [ALARM]}}}\n"
    "    page_by: 1m\n"
    "    escalate: ladder\n"
    "    steps:\n"
    "      - {name: repair, action: exec, argv: ['@DIR@/step', fail], timeout: 30s}\n"
    "  - name: page\n"
    "    match: {detail: {alarmName: [{prefix: page-}], state: {value: [ALARM]}}}\n"
    "    escalate: ana-only\n"
    "  - name: gate\n"
    "    match: {detail: {alarmName: [{prefix: gate-}], state: {value: [ALARM]}}}\n"
    "    page_by: 10s\n"
    "    escalate: ana-only\n"
    "    steps:\n"
    "      - {name: repair, action: exec, argv: ['@DIR@/step', gate], timeout: 50s}\n"
    "  - name: work\n"
    "    match: {detail: {alarmName: [{prefix: work-}], state: {value: [ALARM]}}}\n"
    "    page_by: 10s\n"
    "    escalate: ana-only\n"
    "    steps:\n"
    "      - {name: repair, action: exec, argv: ['@DIR@/step', ok], timeout: 30s}\n"
    "  - name: send\n"
    "    match: {detail: {alarmName: [{prefix: send-}], state: {value: [ALARM]}}}\n"
    "    page_by: 1m\n"
    "    escalate: ana-only\n"
    "    steps:\n"
    "      - name: tell\n"
    "        action: aws:sqs.SendMessage\n"
    "        inputs: {QueueUrl: '@URL@/111122223333/work', MessageBody: '${alarm.name}'}\n"
    "        timeout: 30s\n";

const char fixture_poll[] = "version: 1\n"
			    "sources:\n"
			    "  - {name: alarms, type: cloudwatch, interval: 5s}\n";

void
fixture_fail(struct pb_rig *r, const char *claim, const char *file, int line)
{
	pb_rig_show(r);
	pb_rig_fini(r);
	ck_abort_msg("%s:%d: %s", file, line, claim);
	abort();
}

void
fixture_init(struct pb_rig *r)
{
	must(pb_rig_init(r, &err));
	must(pb_rig_configure(r, fixture_config, &err));
}

void
fixture_start(struct pb_rig *r)
{
	fixture_init(r);
	must(pb_rig_start(r, &err));
}

void
fixture_with_poll(struct pb_rig *r)
{
	must(pb_rig_write(r, "conf/playbooks.d/poll.yaml", fixture_poll, &err));
}

void
fixture_alarm(struct pb_rig *r, const char *name, const char *state)
{
	must(pb_rig_alarm(r, name, state, NULL, &err));
}

char *
fixture_incident(struct pb_rig *r, const char *name, const char *state)
{
	PB_JSON json_t *in = pb_rig_incident(r, name, state, SOON);
	if (in == NULL)
		(void)printf("no incident \"%s\" in state %s\n", name, state == NULL ? "?" : state);
	want(in != NULL);
	return pb_strdup(pb_json_str_or(in, "id", ""));
}

void
fixture_at_step(struct pb_rig *r, const char *name, const char *step)
{
	int64_t until = pb_rig_now() + SOON;
	bool is_there = false;
	do {
		PB_JSON json_t *in = pb_rig_incident(r, name, "running", 0);
		is_there = in != NULL && pb_streq(pb_json_str(in, "step"), step);
	} while (!is_there && pb_rig_again(until));
	want(is_there);
}

size_t
fixture_count_pages(struct pb_rig *r, const char *incident, const char *kind, const char *to)
{
	PB_JSON json_t *pages = pb_rig_pages(r, incident, 0, 0);
	const json_t *p;
	size_t i, n = 0;
	json_array_foreach (pages, i, p) {
		n += pb_streq(pb_rig_attribute(p, "incident"), incident) &&
		    pb_streq(pb_rig_attribute(p, "kind"), kind) &&
		    (to == NULL || pb_streq(pb_rig_attribute(p, "recipient"), to));
	}
	return n;
}

size_t
fixture_count_incidents(struct pb_rig *r, const char *title)
{
	PB_JSON json_t *answer = NULL;
	const json_t *in;
	size_t i, n = 0;
	(void)pb_rig_api(r, "GET", "/v1/incidents?state=all&limit=1000", NULL, &answer, NULL);
	json_array_foreach (pb_json_get(answer, "incidents"), i, in) {
		n += pb_streq(pb_json_str(in, "title"), title);
	}
	return n;
}

static bool
write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_ok = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);
	if (fd >= 0)
		(void)close(fd);
	return is_ok;
}

bool
fixture_own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0) {
		PB_CLEANUP(pb_freep) char *uids = pb_asprintf("0 %u 1", (unsigned)getuid());
		PB_CLEANUP(pb_freep) char *gids = pb_asprintf("0 %u 1", (unsigned)getgid());
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
		    !write_line("/proc/self/setgroups", "deny") ||
		    !write_line("/proc/self/uid_map", uids) ||
		    !write_line("/proc/self/gid_map", gids))
			return false;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}
