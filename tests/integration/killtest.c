/*
 * The daemon is killed over and over, at random points, while alarms keep coming.
 *
 * Afterwards nothing is lost: each alarm has one incident; each incident was repaired or somebody was
 * paged for it; no attempt of a step that must not be repeated ran twice; who was paged heard of the
 * end.  PB_KILLS says how often (20), PB_SEED makes a run over again as far as time allows.
 */
#include "fixture.h"

#include <poll.h>

#include "base/rand.h"

#define KILLS_DEFAULT 20
#define KILLS_MAX 1000
#define LIFE_MOST 400 /* ms between start and kill; most die while they start or work */
#define WORK_MOST                                                                                  \
	40 /* ms between an alarm and a kill: what the daemon does about it takes as long */
#define HANDLED_LIMIT (40 * PB_SECOND)

static const char *const kinds[] = {"fix", "fail", "page", "send"};

static char *
name_of(size_t i)
{
	return pb_asprintf("%s-%zu.", kinds[i % PB_ARRAY_LEN(kinds)], i);
}

/* --- the storm */

static void
advance_clock(struct pb_rig *r)
{
	/* What a dead daemon had received comes again. */
	must(pb_rig_sandbox(r, "POST", "clock", "{\"advance_ms\":31000}", NULL, &err));
}

static void
raise_alarm(struct pb_rig *r, size_t *n_alarms)
{
	PB_CLEANUP(pb_freep) char *name = name_of((*n_alarms)++);
	fixture_alarm(r, name, "ALARM");
}

/* Half of the kills come anywhere in a short life, the others right behind an alarm. */
static void
live_and_die(struct pb_rig *r, struct pb_rand *rand, size_t *n_alarms)
{
	int64_t until = pb_rig_now() + pb_rand_below(rand, LIFE_MOST);
	must(pb_rig_launch(r, &err));
	do {
		if (pb_rand_below(rand, 8) == 0 && *n_alarms < 2 * r->n_starts)
			raise_alarm(r, n_alarms);
	} while (pb_rig_again(until));
	if (pb_rand_below(rand, 2) == 0) {
		raise_alarm(r, n_alarms);
		(void)poll(NULL, 0, (int)pb_rand_below(rand, WORK_MOST));
	}
	pb_rig_kill(r);
	advance_clock(r);
}

/* --- the reckoning */

static size_t
count_bodies(const json_t *queue, const char *body)
{
	static const char *const places[] = {"visible", "inflight", "deleted"};
	const json_t *m;
	size_t i, n = 0;
	for (size_t k = 0; k < PB_ARRAY_LEN(places); k++)
		json_array_foreach (pb_json_get(queue, places[k]), i, m)
			n += pb_streq(pb_json_str(m, "body"), body);
	return n;
}

static size_t
count_pages(const json_t *pages, const char *incident, const char *kind)
{
	const json_t *p;
	size_t i, n = 0;
	json_array_foreach (pages, i, p)
		n += pb_streq(pb_rig_attribute(p, "incident"), incident) &&
		    pb_streq(pb_rig_attribute(p, "kind"), kind);
	return n;
}

struct world {
	json_t *incidents, *pages, *work;
	char *steps;
};

static void
world_fini(struct world *w)
{
	json_decref(w->incidents);
	json_decref(w->pages);
	json_decref(w->work);
	free(w->steps);
}

static struct world
look(struct pb_rig *r)
{
	struct world w = {.incidents = json_array(), .pages = pb_rig_pages(r, "", 0, 0)};
	int64_t before = 0;
	must(pb_rig_sandbox(r, "GET", "queues/work", NULL, &w.work, &err));
	w.steps = pb_rig_read(r, "steps");
	do {
		PB_JSON json_t *answer = NULL;
		PB_CLEANUP(pb_freep)
		char *path = pb_asprintf(
		    "/v1/incidents?state=all&limit=1000&before=%lld", (long long)before);
		want(pb_rig_api(r, "GET", path, NULL, &answer, NULL) == 200);
		json_array_extend(w.incidents, json_object_get(answer, "incidents"));
		before = pb_json_i64(answer, "next", 0);
	} while (before > 0);
	return w;
}

/* The one incident of an alarm; NULL when it has none yet. */
static const json_t *
incident_of(struct pb_rig *r, const struct world *w, const char *name)
{
	const json_t *in, *found = NULL;
	size_t i, n = 0;
	json_array_foreach (w->incidents, i, in) {
		if (pb_streq(pb_json_str(in, "title"), name)) {
			found = in;
			n++;
		}
	}
	if (n > 1)
		(void)printf("%s has %zu incidents\n", name, n);
	want(n <= 1);
	return found;
}

/* Repaired, or at the point where only the alarm's recovery is missing, or paged. */
static bool
is_handled(struct pb_rig *r, const struct world *w, const char *name)
{
	const json_t *in = incident_of(r, w, name);
	if (in == NULL)
		return false;
	return pb_streq(pb_json_str(in, "state"), "resolved") ||
	    (strncmp(name, "send-", 5) == 0 && pb_streq(pb_json_str(in, "step"), "verify")) ||
	    count_pages(w->pages, pb_json_str_or(in, "id", ""), "page") > 0;
}

static size_t
count_unhandled(struct pb_rig *r, size_t n_alarms, bool is_last)
{
	PB_CLEANUP(world_fini) struct world w = look(r);
	size_t n = 0;
	for (size_t i = 0; i < n_alarms; i++) {
		PB_CLEANUP(pb_freep) char *name = name_of(i);
		if (is_handled(r, &w, name))
			continue;
		n++;
		if (is_last)
			(void)printf("%s is not handled\n", name);
	}
	return n;
}

static void
expect_all_handled(struct pb_rig *r, size_t n_alarms)
{
	int64_t until = pb_rig_now() + HANDLED_LIMIT;
	while (count_unhandled(r, n_alarms, false) > 0 && pb_rig_again(until))
		;
	want(count_unhandled(r, n_alarms, true) == 0);
}

/* What the log has about something. */
static void
show_lines(struct pb_rig *r, const char *part)
{
	PB_CLEANUP(pb_freep) char *log = pb_rig_read(r, "daemon.log");
	for (const char *line = log; *line != '\0';) {
		size_t len = strcspn(line, "\n");
		if (memmem(line, len, part, strlen(part)) != NULL)
			(void)printf("%.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static void
show_open(struct pb_rig *r)
{
	PB_JSON json_t *open = NULL;
	const json_t *in;
	size_t i;
	(void)pb_rig_api(r, "GET", "/v1/incidents?state=open", NULL, &open, NULL);
	json_array_foreach (pb_json_get(open, "incidents"), i, in) {
		const char *name = pb_json_str_or(in, "title", "");
		PB_CLEANUP(pb_freep) char *id = pb_asprintf("=%s ", pb_json_str_or(in, "id", ""));
		(void)printf("%s is still open:\n", name);
		show_lines(r, name);
		show_lines(r, id);
	}
}

/*
 * A repair that worked and was cut off before anybody knew: its human was asked although the alarm
 * is OK already, so it is for that human to end it.
 */
static bool
is_for_its_human(const json_t *in)
{
	return strncmp(pb_json_str_or(in, "title", ""), "fix-", 4) == 0 &&
	    pb_streq(pb_json_str(in, "state"), "waiting") &&
	    pb_streq(pb_json_str(in, "ladder"), "spent");
}

static void
be_human(struct pb_rig *r, const json_t *in)
{
	PB_CLEANUP(pb_freep)
	char *path = pb_asprintf("/v1/incidents/%s/resolve", pb_json_str_or(in, "id", ""));
	(void)pb_rig_api(r, "POST", path, "{\"reason\":\"it works again\"}", NULL, NULL);
}

/* False while some are open; those that wait for a human get one. */
static bool
are_all_resolved(struct pb_rig *r)
{
	PB_JSON json_t *open = NULL;
	const json_t *in;
	size_t i;
	(void)pb_rig_api(r, "GET", "/v1/incidents?state=open", NULL, &open, NULL);
	json_array_foreach (pb_json_get(open, "incidents"), i, in)
		if (is_for_its_human(in))
			be_human(r, in);
	return open != NULL && json_array_size(pb_json_get(open, "incidents")) == 0;
}

static void
expect_all_resolved(struct pb_rig *r, size_t n_alarms)
{
	for (size_t i = 0; i < n_alarms; i++) {
		PB_CLEANUP(pb_freep) char *name = name_of(i);
		fixture_alarm(r, name, "OK");
	}
	int64_t until = pb_rig_now() + HANDLED_LIMIT;
	while (!are_all_resolved(r) && pb_rig_again(until))
		;
	if (!are_all_resolved(r))
		show_open(r);
	want(are_all_resolved(r));
	want(pb_rig_drained(r, "events", SOON));
}

/* What must not be repeated was not; whoever was paged was told of the end. */
static void
judge(struct pb_rig *r, const struct world *w, const char *name)
{
	const json_t *in = incident_of(r, w, name);
	const char *id = pb_json_str_or(in, "id", "");
	PB_CLEANUP(pb_freep) char *runs = pb_asprintf("%s repair ", id);
	size_t n_runs = pb_rig_count_lines(w->steps, runs), n_sent = count_bodies(w->work, name);
	size_t n_paged = count_pages(w->pages, id, "page");
	size_t n_told = count_pages(w->pages, id, "resolved");
	/* A repair may be cut off when it has worked already: then the alarm's own OK ends it. */
	bool is_repaired = pb_streq(pb_json_str(in, "cause"), "remediated") ||
	    (strncmp(name, "fix-", 4) == 0 && n_runs == 1 &&
		pb_streq(pb_json_str(in, "cause"), "recovered"));
	if (n_runs > 1 || n_sent > 1 || (!is_repaired && n_paged == 0) ||
	    (n_paged > 0) != (n_told > 0))
		(void)printf("%s, incident %s, %s: ran %zu, sent %zu, paged %zu, told %zu times\n",
		    name, id, pb_json_str_or(in, "cause", "?"), n_runs, n_sent, n_paged, n_told);
	want(in != NULL);
	want(n_runs <= 1 && n_sent <= 1);
	want(is_repaired || n_paged > 0);
	want((n_paged > 0) == (n_told > 0));
}

static bool
are_all_told(struct pb_rig *r)
{
	PB_CLEANUP(world_fini) struct world w = look(r);
	const json_t *in;
	size_t i;
	json_array_foreach (w.incidents, i, in) {
		const char *id = pb_json_str_or(in, "id", "");
		if (count_pages(w.pages, id, "page") > 0 &&
		    count_pages(w.pages, id, "resolved") == 0)
			return false;
	}
	return true;
}

START_TEST(nothing_is_lost_or_repeated_when_the_daemon_is_killed_at_random)
{
	RIG(r);
	struct pb_rand rand;
	int64_t kills = KILLS_DEFAULT, seed;
	uint32_t chance;
	size_t n_alarms = 0, repaired = 0;
	pb_entropy(&chance, sizeof(chance));
	seed = chance;
	(void)pb_parse_i64(pb_str_of(getenv("PB_KILLS")), 1, KILLS_MAX, &kills, NULL);
	(void)pb_parse_i64(pb_str_of(getenv("PB_SEED")), 0, INT64_MAX, &seed, NULL);
	(void)printf("seed %lld\n", (long long)seed);
	pb_rand_seed(&rand, (uint64_t)seed);

	fixture_init(r);
	for (int64_t i = 0; i < kills; i++)
		live_and_die(r, &rand, &n_alarms);
	must(pb_rig_start(r, &err));
	expect_all_handled(r, n_alarms);
	expect_all_resolved(r, n_alarms);
	int64_t until = pb_rig_now() + SOON;
	while (!are_all_told(r) && pb_rig_again(until))
		;
	PB_CLEANUP(world_fini) struct world w = look(r);
	for (size_t i = 0; i < n_alarms; i++) {
		PB_CLEANUP(pb_freep) char *name = name_of(i);
		judge(r, &w, name);
		repaired += pb_streq(pb_json_str(incident_of(r, &w, name), "cause"), "remediated");
	}
	(void)printf("%lld kills, %zu incidents, %zu of them remediated, %zu pages and notices\n",
	    (long long)kills, json_array_size(w.incidents), repaired, json_array_size(w.pages));
	want(json_array_size(w.incidents) == n_alarms);
}
END_TEST

PB_SUITE(kill)
{
	TCase *tc = tcase_create("kill");
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, nothing_is_lost_or_repeated_when_the_daemon_is_killed_at_random);
	suite_add_tcase(s, tc);
}
