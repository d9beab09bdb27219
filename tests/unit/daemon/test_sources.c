/*
 * The set of sources over reloads.
 */
#include <stdlib.h>

#include "base/json.h"
#include "daemon/sources.h"
#include "tests/unit/daemon/world.h"

static struct pb_config *
config(const char *sources)
{
	char name[] = "playbookd.yaml";
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf(
	    "version: 1\nunmatched: {alarms: drop, events: drop}\nsources: %s\n", sources);
	const struct pb_config_file file = {.name = name, .text = text, .len = strlen(text)};
	struct pb_problems problems = {0};
	struct pb_config *c = NULL;
	if (pb_config_parse(&file, 1, NULL, &c, &problems) < 0)
		ck_abort_msg("%s", problems.n > 0 ? problems.texts[0] : "?");
	pb_problems_fini(&problems);
	return c;
}

static void
apply(struct pb_sources *s, const char *sources)
{
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = config(sources);
	pb_sources_apply(s, c);
}

/* "name name" */
static char *
names(const struct pb_sources *s)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_JSON json_t *list = pb_sources_json(s);
	for (size_t i = 0; i < json_array_size(list); i++)
		(void)pb_buf_addf(&b, "%s%s", i > 0 ? " " : "",
		    pb_json_str_or(json_array_get(list, i), "name", "?"));
	return pb_buf_take(&b);
}

static int
count(const struct world *w, const char *line)
{
	int n = 0;
	for (const char *p = w->log.ptr; p != NULL && (p = strstr(p, line)) != NULL; p++)
		n++;
	return n;
}

#define QUEUE "{name: bus, type: sqs, queue_url: '" WORLD_QUEUE "', wait: 1s, visibility: 30s}"

START_TEST(a_reload_keeps_what_did_not_change)
{
	struct world w;
	world_open(&w);
	world_client(&w);
	world_tell(&w, "/_sandbox/queues", "{\"name\":\"events\"}");
	struct pb_poller_ops ops = world_poller_ops();
	struct pb_sources *s = pb_sources_new(w.loop, w.client, &ops, &w);
	apply(s, "[{name: a, type: cloudwatch, interval: 20s}, " QUEUE "]");
	PB_CLEANUP(pb_freep) char *first = names(s);
	ck_assert_str_eq(first, "a bus");

	apply(s, "[{name: a, type: cloudwatch, interval: 30s}, " QUEUE "]");
	ck_assert_int_eq(count(&w, "source a: started"), 2);
	ck_assert_int_eq(count(&w, "source a: stopped, it changed or is gone"), 1);
	ck_assert_int_eq(count(&w, "source bus: started"), 1);
	PB_CLEANUP(pb_freep) char *second = names(s);
	ck_assert_str_eq(second, "bus a");

	apply(s, "[]");
	PB_CLEANUP(pb_freep) char *third = names(s);
	ck_assert_str_eq(third, "");
	pb_sources_free(s);
	world_close(&w);
}
END_TEST

static bool
is_deleted(struct world *w, void *arg)
{
	(void)arg;
	return world_n_calls(w, "DeleteMessageBatch") > 0;
}

START_TEST(a_source_that_goes_still_deletes_what_was_decided)
{
	struct world w;
	world_open(&w);
	world_client(&w);
	world_tell(&w, "/_sandbox/queues", "{\"name\":\"events\"}");
	world_tell(&w, "/_sandbox/send?queue=events",
	    "{\"version\":\"0\",\"id\":\"e1\",\"detail-type\":\"Test\",\"source\":\"my.app\","
	    "\"account\":\"111122223333\",\"time\":\"2026-03-03T09:14:05Z\",\"region\":\"us-east-"
	    "1\",\"resources\":[],\"detail\":{}}");
	struct pb_poller_ops ops = world_poller_ops();
	struct pb_sources *s = pb_sources_new(w.loop, w.client, &ops, &w);
	apply(s, "[" QUEUE "]");
	world_until_inputs(&w, 1);
	ck_assert_int_eq(w.inputs[0]->kind, PB_IN_EVENT);

	/* The reload comes between the event and its commit. */
	apply(s, "[]");
	pb_sources_receipt(s, w.inputs[0]->receipt);
	ck_assert(!pb_sources_are_idle(s));
	world_until(&w, is_deleted, NULL);
	pb_sources_receipt(s, w.inputs[0]->receipt);
	pb_sources_receipt(s, UINT64_C(4711) << 48);
	pb_sources_free(s);
	world_close(&w);
}
END_TEST

PB_SUITE(sources)
{
	pb_add(s, a_reload_keeps_what_did_not_change);
	pb_add(s, a_source_that_goes_still_deletes_what_was_decided);
}
