/*
 * Many open incidents at once: what each operation costs with 1,000 and with 100,000 of them open.
 *
 * The peer of the many is the few, in the same run: a figure that grows with the number of open
 * incidents tells of something that walks them all.
 */
#include "tests/bench/world.h"

#include <malloc.h>
#include <time.h>

#define FEW 1000
#define MANY 100000
#define AT_ONCE 100
#define PROBES 100 /* operations measured one by one */
#define PAGE 100 /* incidents on a page of a list */

/* Each playbook lets one run at a time, so most wait for a lock; and one inhibits another. */
static const char extra[] =
    "  - name: network-down\n"
    "    match: {source: [aws.cloudwatch], detail: {alarmName: [{prefix: network-}]}}\n"
    "    escalate: oncall\n"
    "  - name: others\n"
    "    match: {source: [aws.cloudwatch], detail: {alarmName: [{prefix: other-}]}}\n"
    "    inhibited_by: [network-down]\n"
    "    escalate: oncall\n";

struct figure {
	const char *name, *unit;
	double few, many;
};
enum what {
	OPEN,
	OPEN_ONE,
	ACK,
	OUTCOME,
	CLOSE_ONE,
	LIST,
	SHOW,
	STATUS,
	AUDIT,
	RESTORE,
	BOOT,
	PAGES,
	CLOSE,
	RELOAD,
	BYTES,
	WHAT_MAX
};
static struct figure figures[WHAT_MAX] = {
    [OPEN] = {.name = "open, 100 a commit", .unit = "us each"},
    [OPEN_ONE] = {.name = "one more opens", .unit = "us"},
    [ACK] = {.name = "ack of one", .unit = "us"},
    [OUTCOME] = {.name = "outcome for nobody", .unit = "us"},
    [CLOSE_ONE] = {.name = "one is resolved by hand", .unit = "us"},
    [LIST] = {.name = "list of the newest 100", .unit = "us"},
    [SHOW] = {.name = "one incident in full", .unit = "us"},
    [STATUS] = {.name = "counts for status", .unit = "us"},
    [AUDIT] = {.name = "the auditor's minute", .unit = "us/1000"},
    [RESTORE] = {.name = "restart: records read", .unit = "us each"},
    [BOOT] = {.name = "restart: taken up", .unit = "us each"},
    [PAGES] = {.name = "page_by of all has come", .unit = "us each"},
    [CLOSE] = {.name = "recovery of all, 100 a commit", .unit = "us each"},
    [RELOAD] = {.name = "reload, another configuration", .unit = "us each"},
    [BYTES] = {.name = "memory", .unit = "KiB each"},
};

static void
set(enum what what, bool is_many, double figure)
{
	*(is_many ? &figures[what].many : &figures[what].few) = figure;
}

/* Of this process: others may be busy beside it. */
static int64_t
cpu(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static double
heap(void)
{
	struct mallinfo2 m = mallinfo2();
	return (double)(m.uordblks + m.hblkhd);
}

static void
turn(struct bench_world *b)
{
	do
		pb_pump_turn(b->pump);
	while (pb_pump_n_waiting(b->pump) > 0 || pb_engine_next_at(b->engine) <= b->now);
}

static void
alarms(struct bench_world *b, size_t from, size_t n, bool is_alarm)
{
	for (size_t i = 0; i < n; i++) {
		bench_world_alarm(b, from + i, from + i, is_alarm);
		if ((i + 1) % AT_ONCE == 0)
			turn(b);
	}
	turn(b);
}

static void
command(struct bench_world *b, enum pb_input_kind kind, const char *id)
{
	struct pb_input *in = pb_input_new(kind);
	in->incident = pb_strdup(id);
	in->by = pb_strdup("ana");
	in->token = 1;
	pb_pump_post(b->pump, in);
	turn(b);
}

static void
commands(struct bench_world *b, enum what what, bool is_many, enum pb_input_kind kind, size_t from)
{
	char id[64], day[PB_TIME_TEXT];
	(void)pb_time_basic(day, b->now);
	int64_t began = cpu();
	for (size_t i = 0; i < PROBES; i++) {
		(void)snprintf(id, sizeof(id), "%.8s-%zu", day, from + i * 3 + 1);
		command(b, kind, id);
	}
	set(what, is_many, (double)(cpu() - began) / PROBES);
}

static void
outcomes(struct bench_world *b, bool is_many)
{
	int64_t began = cpu();
	for (size_t i = 0; i < PROBES; i++) {
		struct pb_input *in = pb_input_new(PB_IN_OUTCOME);
		in->outcome = pb_calloc(1, sizeof(*in->outcome));
		in->outcome->action_id = pb_strdup("20200101-1/step/1");
		pb_pump_post(b->pump, in);
		turn(b);
	}
	set(OUTCOME, is_many, (double)(cpu() - began) / PROBES);
}

static void
queries(struct bench_world *b, bool is_many)
{
	const struct pb_store_list list = {.open_only = true, .limit = PAGE};
	struct pb_error err = {0};
	int64_t began = cpu();
	for (size_t i = 0; i < 10; i++) {
		size_t k;
		json_t *in;
		PB_JSON json_t *page = NULL;
		if (pb_store_incidents(b->store, &list, &page, &err) < 0)
			bench_die("list", &err);
		json_array_foreach (json_object_get(page, "incidents"), k, in)
			json_decref(pb_engine_incident_json(
			    b->engine, pb_json_str_or(in, "id", ""), b->now));
	}
	set(LIST, is_many, (double)(cpu() - began) / 10);
	began = cpu();
	char day[PB_TIME_TEXT], text[64];
	(void)snprintf(text, sizeof(text), "%.8s-77", pb_time_basic(day, b->now));
	for (size_t i = 0; i < 10; i++) {
		PB_CLEANUP(pb_freep) char *id = NULL;
		PB_JSON json_t *one = NULL;
		if (pb_store_find_incident(b->store, text, &id, &err) < 0 ||
		    pb_store_incident(b->store, id, &one, &err) < 0)
			bench_die("show", &err);
	}
	set(SHOW, is_many, (double)(cpu() - began) / 10);
	began = cpu();
	for (size_t i = 0; i < 10; i++) {
		json_decref(pb_engine_counts_json(b->engine));
		PB_JSON json_t *stored = NULL;
		(void)pb_engine_n_old_plans(b->engine);
		if (pb_store_counts(b->store, &stored, &err) < 0)
			bench_die("counts", &err);
	}
	set(STATUS, is_many, (double)(cpu() - began) / 10);
}

static int
take(const struct pb_record *r, void *arg, struct pb_error *err)
{
	return pb_engine_restore(arg, r, err);
}

static void
restart(struct bench_world *b, struct pb_config *c, size_t n, bool is_many)
{
	struct pb_store *store = b->store;
	struct pb_error err = {0};
	int64_t now = b->now;
	bench_world_end(b);
	bench_world_begin(b, c, store, now);
	int64_t began = cpu();
	if (pb_store_restore(store, take, b->engine, &err) < 0)
		bench_die("restore", &err);
	set(RESTORE, is_many, (double)(cpu() - began) / (double)n);
	began = cpu();
	pb_pump_post(b->pump, pb_input_new(PB_IN_BOOT));
	turn(b);
	set(BOOT, is_many, (double)(cpu() - began) / (double)n);
}

static void
reload(struct bench_world *b, struct pb_config *c, size_t n, bool is_many)
{
	struct pb_input *in = pb_input_new(PB_IN_CONFIG);
	in->config = pb_config_ref(c);
	int64_t began = cpu();
	pb_pump_post(b->pump, in);
	turn(b);
	set(RELOAD, is_many, (double)(cpu() - began) / (double)n);
}

static void
measure(struct pb_config *c, struct pb_config *other, size_t n, bool is_many)
{
	struct bench_world b;
	struct pb_store *store;
	struct pb_error err = {0};
	char *folder = bench_folder();
	if (pb_store_open(folder, NULL, &store, &err) < 0)
		bench_die("store", &err);
	bench_world_begin(&b, c, store, BENCH_START_AT);
	pb_pump_post(b.pump, pb_input_new(PB_IN_BOOT));
	turn(&b);
	double before = heap();
	int64_t began = cpu();
	alarms(&b, 0, n, true);
	set(OPEN, is_many, (double)(cpu() - began) / (double)n);
	set(BYTES, is_many, (heap() - before) / 1024 / (double)n);

	began = cpu();
	for (size_t i = 0; i < PROBES; i++)
		alarms(&b, n + i, 1, true);
	set(OPEN_ONE, is_many, (double)(cpu() - began) / PROBES);
	commands(&b, ACK, is_many, PB_IN_ACK, 10);
	outcomes(&b, is_many);
	commands(&b, CLOSE_ONE, is_many, PB_IN_RESOLVE, 10);
	queries(&b, is_many);
	b.now += PB_MINUTE;
	began = cpu();
	turn(&b);
	set(AUDIT, is_many, (double)(cpu() - began) * 1000 / (double)n);
	restart(&b, c, n, is_many);
	reload(&b, other, n, is_many);
	b.now += 10 * PB_MINUTE;
	began = cpu();
	turn(&b);
	set(PAGES, is_many, (double)(cpu() - began) / (double)n);
	b.now += PB_MINUTE;
	began = cpu();
	alarms(&b, 0, n, false);
	set(CLOSE, is_many, (double)(cpu() - began) / (double)n);
	bench_world_end(&b);
	pb_store_close(store);
	bench_remove(folder);
}

void
bench_open(void)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	const char *asked = getenv("BENCH_MANY");
	size_t many = asked == NULL ? MANY : strtoul(asked, NULL, 10);
	bench_playbooks(&text, BENCH_PLAYBOOKS);
	pb_buf_adds(&text, extra);
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = bench_config(&text);
	pb_buf_adds(&text, "    hold: 1m\n");
	PB_CLEANUP(pb_config_unrefp) struct pb_config *other = bench_config(&text);
	measure(c, other, FEW, false);
	measure(c, other, many, true);
	for (size_t i = 0; i < WHAT_MAX; i++) {
		char name[64], remark[64];
		const struct figure *f = &figures[i];
		(void)snprintf(name, sizeof(name), "%zu open: %s", many, f->name);
		(void)snprintf(remark, sizeof(remark), "with 1,000 open %.1f, so %.1f times",
		    f->few, f->many / f->few);
		bench_say(name, f->many, f->unit, remark);
	}
}
