/*
 * Messages a second through everything that decides: body to event, 1,000 patterns, engine, store.
 *
 * The outside answers at once, so that incidents open, run their step, and resolve.
 */
#include "tests/bench/bench.h"

#include "engine/pump.h"
#include "store/store.h"

#define EVENTS 4000
#define FEW 100 /* alarms open at a time */
#define STORM 2000 /* the same, when much breaks at once: all of them wait to be verified */
#define AT_ONCE 100 /* what a few receivers bring in together */
#define START_AT INT64_C(1772000000000)

struct bench {
	struct pb_store *store;
	struct pb_engine *engine;
	struct pb_pump *pump;
	int64_t now;
	size_t n_alarms; /* that take turns */
	size_t n_commits, n_starts;
};

static int64_t
now(void *arg)
{
	return ((struct bench *)arg)->now;
}

static void
commit(void *arg, struct pb_pump *pump, const struct pb_update *u)
{
	struct bench *b = arg;
	struct pb_error err = {0};
	int rc = pb_store_commit(b->store, u, &err);
	b->n_commits++;
	pb_pump_committed(pump, rc, &err);
}

static void
start(void *arg, const struct pb_action *action)
{
	struct bench *b = arg;
	struct pb_input *in = pb_input_new(PB_IN_OUTCOME);
	b->n_starts++;
	in->outcome = pb_calloc(1, sizeof(*in->outcome));
	in->outcome->action_id = pb_strdup(action->id);
	in->outcome->status = PB_OUTCOME_OK;
	in->outcome->output = json_object();
	pb_pump_post(b->pump, in);
}

static void
cancel(void *arg, const char *action_id)
{
	(void)arg, (void)action_id;
}

static void
receipt(void *arg, uint64_t number)
{
	(void)arg, (void)number;
}

static void
reply(void *arg, const struct pb_reply *r)
{
	(void)arg, (void)r;
}

static void
note(void *arg, const struct pb_note *n)
{
	(void)arg, (void)n;
}

static void
failed(void *arg, const struct pb_error *err)
{
	(void)arg;
	bench_die("commit", err);
}

static void
wake(void *arg, int64_t at)
{
	(void)arg, (void)at; /* turned by hand */
}

static const struct pb_pump_ops ops = {
    .now = now,
    .commit = commit,
    .start = start,
    .cancel = cancel,
    .receipt = receipt,
    .reply = reply,
    .note = note,
    .failed = failed,
    .wake = wake,
};

static int
no_check(const char *service, const char *operation, const json_t *inputs, json_t **ret_facts,
    struct pb_error *err)
{
	(void)service, (void)operation, (void)inputs, (void)err;
	*ret_facts = json_pack("{s:s}", "effect", "idempotent");
	return 0;
}

static struct pb_config *
configuration(void)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	PB_CLEANUP(pb_problems_fini) struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	char name[] = "playbookd.yaml";
	bench_playbooks(&text, BENCH_PLAYBOOKS);
	struct pb_config_file file = {name, text.ptr, text.len};
	int64_t began = bench_now();
	if (pb_config_parse(&file, 1, no_check, &c, &problems) < 0) {
		printf("configuration: %s\n", problems.texts[0]);
		exit(EXIT_FAILURE);
	}
	bench_say(
	    "configuration: 1,000 playbooks read", (double)(bench_now() - began) / 1000, "ms", "");
	return c;
}

/* Each alarm goes ALARM, later OK, and so on. */
static char *
message(size_t n, size_t n_alarms, int64_t at)
{
	size_t alarm = n % n_alarms;
	bool is_alarm = n / n_alarms % 2 == 0;
	char time[PB_TIME_TEXT];
	(void)pb_time_rfc3339(time, at);
	return pb_asprintf(
	    "{\"version\":\"0\",\"id\":\"%08zx-0000-0000-0000-000000000000\",\"detail-type\":"
	    "\"CloudWatch "
	    "Alarm State "
	    "Change\",\"source\":\"aws.cloudwatch\",\"account\":\"111122223333\",\"time\":\"%s\","
	    "\"region\":\"us-east-1\",\"resources\":[\"arn:aws:cloudwatch:us-east-1:111122223333:"
	    "alarm:"
	    "svc-%05zu-%zu\"],\"detail\":{\"alarmName\":\"svc-%05zu-%zu\",\"configuration\":{"
	    "\"description\":"
	    "\"Latency\",\"metrics\":[{\"id\":\"m\",\"metricStat\":{\"metric\":{\"namespace\":"
	    "\"App\",\"name\":"
	    "\"Latency\",\"dimensions\":{\"Service\":\"svc\"}},\"period\":60,\"stat\":\"Average\"},"
	    "\"returnData\":true}]},\"previousState\":{\"value\":\"%s\",\"timestamp\":\"%s\"},"
	    "\"state\":{"
	    "\"value\":\"%s\",\"reason\":\"Threshold Crossed\",\"timestamp\":\"%s\"}}}",
	    n, time, alarm % BENCH_PLAYBOOKS, alarm, alarm % BENCH_PLAYBOOKS, alarm,
	    is_alarm ? "OK" : "ALARM", time, is_alarm ? "ALARM" : "OK", time);
}

static void
post(struct bench *b, size_t n)
{
	PB_CLEANUP(pb_freep) char *body = message(n, b->n_alarms, b->now);
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	struct pb_error err = {0};
	char reason[128];
	if (pb_event_from_body(pb_str_of(body), "111122223333", "us-east-1", &in->event, reason,
		&err) != PB_BODY_EVENT)
		bench_die("message", &err);
	in->source = pb_strdup("queue");
	in->receipt = n + 1;
	pb_pump_post(b->pump, in);
}

static double
rate(struct pb_config *c, struct pb_store *store, size_t n_alarms, size_t *ret_commits,
    size_t *ret_starts)
{
	struct pb_engine_options options = {.seed = 1, .host = "bench"};
	struct bench b = {.store = store, .now = START_AT, .n_alarms = n_alarms};
	b.engine = pb_engine_new(c, &options);
	b.pump = pb_pump_new(b.engine, &ops, &b);
	pb_pump_post(b.pump, pb_input_new(PB_IN_BOOT));
	pb_pump_turn(b.pump);
	int64_t began = bench_now();
	for (size_t n = 0; n < EVENTS; n++) {
		b.now += 7;
		post(&b, n);
		while ((n + 1) % AT_ONCE == 0 && pb_pump_n_waiting(b.pump) > 0)
			pb_pump_turn(b.pump);
	}
	double events = EVENTS * 1e6 / (double)(bench_now() - began);
	*ret_commits = b.n_commits;
	*ret_starts = b.n_starts;
	pb_pump_free(b.pump);
	pb_engine_free(b.engine);
	return events;
}

static void
measure(struct pb_config *c, struct pb_store *store, size_t n_alarms, const char *name)
{
	char remark[96];
	size_t commits, starts;
	double events = rate(c, store, n_alarms, &commits, &starts);
	(void)snprintf(remark, sizeof(remark), "%d messages, %zu commits, %zu actions", EVENTS,
	    commits, starts);
	bench_say(name, events, "events/s", remark);
	pb_store_close(store);
}

void
bench_engine(void)
{
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = configuration();
	struct pb_store *store;
	struct pb_error err = {0};
	char *folder = bench_folder();
	if (pb_store_open(folder, NULL, &store, &err) < 0)
		bench_die("store", &err);
	measure(c, store, FEW, "engine, store on disk, 100 open at a time");
	bench_remove(folder);
	if (pb_store_open_memory(&store, &err) < 0)
		bench_die("store", &err);
	measure(c, store, FEW, "engine, store in memory, the same");
	if (pb_store_open_memory(&store, &err) < 0)
		bench_die("store", &err);
	measure(c, store, STORM, "engine, store in memory, 2,000 open at a time");
}
