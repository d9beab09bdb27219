/*
 * A reload of very many playbooks in an engine that runs, and an event among them.
 *
 * The peer of the many is the few, in the same run.  The daemon reads and checks in its loop, so what the
 * two figures of a reload add up to is how long nothing else happens; pages are not due for seconds.
 */
#include "tests/bench/world.h"

#include <time.h>

#define FEW 1000
#define MANY 10000
#define EVENTS 2000
#define AT_ONCE 100
#define EACH 1000 /* playbooks of a file: 1 MiB is the most one may have */
#define FILES (MANY / EACH)

/* Of this process: others may be busy beside it. */
static int64_t
cpu(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* `also`: so many more in the last file. */
static struct pb_config *
configuration(size_t n, size_t also)
{
	struct pb_buf texts[FILES] = {0};
	size_t n_files = n / EACH;
	for (size_t i = 0; i < n_files; i++) {
		if (i == 0)
			bench_playbooks(&texts[i], EACH);
		else
			pb_buf_adds(&texts[i], "version: 1\nplaybooks:\n");
		if (i > 0)
			bench_playbooks_more(&texts[i], i * EACH, EACH);
	}
	bench_playbooks_more(&texts[n_files - 1], MANY, also);
	struct pb_config *c = bench_config_of(texts, n_files);
	for (size_t i = 0; i < n_files; i++)
		pb_buf_fini(&texts[i]);
	return c;
}

static void
turn(struct bench_world *b)
{
	do
		pb_pump_turn(b->pump);
	while (pb_pump_n_waiting(b->pump) > 0);
}

static double
events(struct bench_world *b)
{
	int64_t began = cpu();
	for (size_t n = 0; n < EVENTS; n++) {
		b->now += 7;
		bench_world_alarm(b, n, n % AT_ONCE, n / AT_ONCE % 2 == 0);
		if ((n + 1) % AT_ONCE == 0)
			turn(b);
	}
	return (double)(cpu() - began) / EVENTS;
}

static void
measure(size_t n)
{
	struct bench_world b;
	struct pb_store *store;
	struct pb_error err = {0};
	char name[64], *folder = bench_folder();
	if (pb_store_open(folder, NULL, &store, &err) < 0)
		bench_die("store", &err);
	struct pb_config *c = configuration(n, 0);
	bench_world_begin(&b, c, store, BENCH_START_AT);
	pb_pump_post(b.pump, pb_input_new(PB_IN_BOOT));
	turn(&b);

	int64_t began = cpu();
	struct pb_config *other = configuration(n, 1);
	int64_t read = cpu();
	struct pb_input *in = pb_input_new(PB_IN_CONFIG);
	in->config = pb_config_ref(other);
	pb_pump_post(b.pump, in);
	turn(&b);
	(void)snprintf(name, sizeof(name), "reload of %zu playbooks: read", n);
	bench_say(name, (double)(read - began) / 1000, "ms", "of processor");
	(void)snprintf(name, sizeof(name), "reload of %zu playbooks: taken over", n);
	bench_say(name, (double)(cpu() - read) / 1000, "ms", "of processor; one of them is new");
	(void)snprintf(name, sizeof(name), "an event among %zu playbooks", n);
	bench_say(name, events(&b), "us", "of processor, 100 a commit");

	bench_world_end(&b);
	pb_store_close(store);
	pb_config_unref(c);
	pb_config_unref(other);
	bench_remove(folder);
}

void
bench_reload(void)
{
	measure(FEW);
	measure(MANY);
}
