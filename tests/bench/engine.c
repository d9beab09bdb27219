/*
 * Messages a second through everything that decides: body to event, 1,000 patterns, engine, store.
 *
 * The outside answers at once, so that incidents open, run their step, and resolve.
 */
#include "tests/bench/world.h"

#define EVENTS 4000
#define FEW 100 /* alarms open at a time */
#define STORM 2000 /* the same, when much breaks at once: all of them wait to be verified */
#define AT_ONCE 100 /* what a few receivers bring in together */

static struct pb_config *
configuration(void)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	bench_playbooks(&text, BENCH_PLAYBOOKS);
	int64_t began = bench_now();
	struct pb_config *c = bench_config(&text);
	bench_say(
	    "configuration: 1,000 playbooks read", (double)(bench_now() - began) / 1000, "ms", "");
	return c;
}

/* Each alarm goes ALARM, later OK, and so on. */
static double
rate(struct pb_config *c, struct pb_store *store, size_t n_alarms, size_t *ret_commits,
    size_t *ret_starts)
{
	struct bench_world b;
	bench_world_begin(&b, c, store, BENCH_START_AT);
	pb_pump_post(b.pump, pb_input_new(PB_IN_BOOT));
	pb_pump_turn(b.pump);
	int64_t began = bench_now();
	for (size_t n = 0; n < EVENTS; n++) {
		b.now += 7;
		bench_world_alarm(&b, n, n % n_alarms, n / n_alarms % 2 == 0);
		while ((n + 1) % AT_ONCE == 0 && pb_pump_n_waiting(b.pump) > 0)
			pb_pump_turn(b.pump);
	}
	double events = EVENTS * 1e6 / (double)(bench_now() - began);
	*ret_commits = b.n_commits;
	*ret_starts = b.n_starts;
	bench_world_end(&b);
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
