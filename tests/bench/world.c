/*
 * The engine, its pump and a store, and an outside that answers at once.
 */
#include "tests/bench/world.h"

static int64_t
now(void *arg)
{
	return ((struct bench_world *)arg)->now;
}

static void
commit(void *arg, struct pb_pump *pump, const struct pb_update *u)
{
	struct bench_world *b = arg;
	struct pb_error err = {0};
	int rc = pb_store_commit(b->store, u, &err);
	b->n_commits++;
	pb_pump_committed(pump, rc, &err);
}

static void
start(void *arg, const struct pb_action *action)
{
	struct bench_world *b = arg;
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

static char *
message(size_t n, size_t alarm, bool is_alarm, int64_t at)
{
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

void
bench_world_begin(struct bench_world *b, struct pb_config *c, struct pb_store *store, int64_t at)
{
	const struct pb_engine_options options = {.seed = 1, .host = "bench"};
	*b = (struct bench_world){.store = store, .now = at};
	b->engine = pb_engine_new(c, &options);
	b->pump = pb_pump_new(b->engine, &ops, b);
}

void
bench_world_end(struct bench_world *b)
{
	pb_pump_free(b->pump);
	pb_engine_free(b->engine);
}

void
bench_world_alarm(struct bench_world *b, size_t n, size_t alarm, bool is_alarm)
{
	PB_CLEANUP(pb_freep) char *body = message(n, alarm, is_alarm, b->now);
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

static int
no_check(const char *service, const char *operation, const json_t *inputs, json_t **ret_facts,
    struct pb_error *err)
{
	(void)service, (void)operation, (void)inputs, (void)err;
	*ret_facts = json_pack("{s:s}", "effect", "idempotent");
	return 0;
}

struct pb_config *
bench_config_of(const struct pb_buf *texts, size_t n)
{
	PB_CLEANUP(pb_problems_fini) struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	struct pb_config_file *files = pb_calloc(n, sizeof(*files));
	for (size_t i = 0; i < n; i++)
		files[i] =
		    (struct pb_config_file){pb_asprintf("%zu.yaml", i), texts[i].ptr, texts[i].len};
	if (pb_config_parse(files, n, no_check, &c, &problems) < 0) {
		printf("configuration: %s\n", problems.texts[0]);
		exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < n; i++)
		free(files[i].name);
	free(files);
	return c;
}

struct pb_config *
bench_config(const struct pb_buf *text)
{
	return bench_config_of(text, 1);
}
