/*
 * The real daemon, idle, with 1,000 playbooks, after its first poll of 5,000 alarms of the sandbox.
 */
#include "tests/bench/bench.h"

#include <unistd.h>

#include "base/time.h"
#include "tests/integration/harness.h"

#define START_FOR (60 * PB_SECOND)
#define IDLE_FOR_S 10

static const char daemon_yaml[] = "version: 1\n"
				  "daemon:\n"
				  "  state_dir: '@DIR@/state'\n"
				  "  api: {socket: '@DIR@/api'}\n"
				  "  aws: {region: us-east-1}\n"
				  "sources:\n"
				  "  - {name: alarms, type: cloudwatch, interval: 20s}\n";

/* A figure in KiB of /proc/PID/smaps_rollup, as MiB. */
static double
mapped(pid_t pid, const char *field)
{
	char path[64], line[256];
	double mib = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			mib = (double)strtoll(line + strlen(field), NULL, 10) / 1024;
	(void)fclose(f);
	return mib;
}

/* Processor time used so far, in ms: fields 14 and 15 of /proc/PID/stat, counted behind the name. */
static double
processor(pid_t pid)
{
	char path[64], line[1024] = "";
	unsigned long user = 0, system = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return 0;
	const char *at = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
	if (at != NULL)
		(void)sscanf(
		    at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	(void)fclose(f);
	return (double)(user + system) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

static bool
has_polled(struct pb_rig *r)
{
	PB_JSON json_t *status = NULL;
	const json_t *source;
	size_t i;
	if (pb_rig_api(r, "GET", "/v1/status", NULL, &status, NULL) != 200)
		return false;
	json_array_foreach (pb_json_get(status, "sources"), i, source) {
		if (json_is_integer(pb_json_get(source, "last_ok_at")) ||
		    pb_json_str(source, "last_ok_at") != NULL)
			return true;
	}
	return false;
}

static void
prepare(struct pb_rig *r)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf playbooks = PB_BUF_INIT;
	struct pb_error err = {0};
	if (pb_rig_init(r, &err) < 0)
		bench_die("rig", &err);
	bench_playbooks(&playbooks, BENCH_PLAYBOOKS);
	if (pb_rig_configure(r, daemon_yaml, &err) < 0 ||
	    pb_rig_write(r, "conf/playbooks.d/all.yaml", playbooks.ptr, &err) < 0)
		bench_die("configuration", &err);
	PB_CLEANUP(pb_freep)
	char *body =
	    pb_asprintf("{\"name\":\"svc-00001\",\"count\":%d,\"state\":\"OK\"}", BENCH_ALARMS);
	if (pb_rig_sandbox(r, "POST", "alarms", body, NULL, &err) != 200)
		bench_die("alarms", &err);
}

void
bench_idle(void)
{
	PB_CLEANUP(pb_rig_fini) struct pb_rig r = {0};
	struct pb_error err = {0};
	prepare(&r);
	int64_t began = bench_now();
	if (pb_rig_start(&r, &err) < 0) {
		pb_rig_show(&r);
		bench_die("daemon", &err);
	}
	bench_say("daemon: start until the API answers", (double)(bench_now() - began) / 1000, "ms",
	    "1,000 playbooks; looked every 20 ms");
	int64_t until = pb_rig_now() + START_FOR;
	while (!has_polled(&r) && pb_rig_again(until))
		;
	if (!has_polled(&r)) {
		pb_rig_show(&r);
		(void)pb_fail(&err, PB_TIMEOUT, "no poll within a minute");
		bench_die("daemon", &err);
	}
	bench_say("daemon: start until 5,000 alarms are polled",
	    (double)(bench_now() - began) / 1000, "ms", "");
	bench_say("daemon: memory, resident", mapped(r.daemon, "Rss:"), "MiB",
	    "idle, 1,000 playbooks, 5,000 alarms");
	bench_say("daemon: memory, its share of shared pages", mapped(r.daemon, "Pss:"), "MiB", "");
	bench_say(
	    "daemon: memory, of its own alone", mapped(r.daemon, "Private_Dirty:"), "MiB", "");
	double before = processor(r.daemon);
	(void)sleep(2 * IDLE_FOR_S);
	bench_say("daemon: processor, polling every 20 s",
	    (processor(r.daemon) - before) / (2 * IDLE_FOR_S * 10), "%", "of one core, over 20 s");
}
