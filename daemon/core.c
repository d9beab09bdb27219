/*
 * Engine, pump and store on a loop.
 *
 *	post ------> wake -> [posted call or timer] -> pump turn: decide, commit, act
 *
 * The engine is told how far the wall clock is from durable time before it boots, when the clock is set,
 * and before each turn, should that have been missed.
 */
#include "core.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "deaths.h"
#include "io/clock_set.h"

#define CORE_MAGIC 0x434f5245u

struct pb_core {
	uint32_t magic;
	struct pb_loop *loop;
	struct pb_store *store;
	struct pb_engine *engine;
	struct pb_pump *pump;
	struct pb_clock clock;
	struct pb_clock_set *clock_set;
	int64_t wall_ahead; /* of durable time, as the engine was told */
	struct pb_loop_timer *timer;
	const struct pb_core_ops *ops;
	void *arg;
};

static void
tell_clock(struct pb_core *c)
{
	int64_t ahead = pb_clock_wall() - pb_core_now(c), by = ahead - c->wall_ahead;
	if (by > -PB_CLOCK_STEP && by < PB_CLOCK_STEP)
		return;
	c->wall_ahead = ahead;
	struct pb_input *in = pb_input_new(PB_IN_CLOCK);
	/* To the second: the two clocks are not read at the same moment. */
	in->span = pb_core_wall_ahead(c);
	pb_core_post(c, in);
}

static void
on_clock_set(void *arg)
{
	struct pb_core *c = arg;
	PB_CHECK_OBJ(c, CORE_MAGIC);
	tell_clock(c);
}

static void
turn(void *arg)
{
	struct pb_core *c = arg;
	PB_CHECK_OBJ(c, CORE_MAGIC);
	tell_clock(c);
	pb_pump_turn(c->pump);
}

/* --- what the pump asks for */

static int64_t
op_now(void *arg)
{
	return pb_core_now(arg);
}

static void
op_commit(void *arg, struct pb_pump *pump, const struct pb_update *u)
{
	struct pb_core *c = arg;
	struct pb_error err = {0};
	int result = pb_store_commit(c->store, u, &err);
	pb_pump_committed(pump, result, &err);
}

static void
op_start(void *arg, const struct pb_action *action)
{
	const struct pb_core *c = arg;
	c->ops->start(c->arg, action);
}

static void
op_cancel(void *arg, const char *action_id)
{
	const struct pb_core *c = arg;
	c->ops->cancel(c->arg, action_id);
}

static void
op_receipt(void *arg, uint64_t receipt)
{
	const struct pb_core *c = arg;
	c->ops->receipt(c->arg, receipt);
}

static void
op_reply(void *arg, const struct pb_reply *reply)
{
	const struct pb_core *c = arg;
	c->ops->reply(c->arg, reply);
}

static void
op_note(void *arg, const struct pb_note *note)
{
	const struct pb_core *c = arg;
	c->ops->note(c->arg, note);
}

static void
op_failed(void *arg, const struct pb_error *err)
{
	const struct pb_core *c = arg;
	c->ops->failed(c->arg, err);
}

static void
op_wake(void *arg, int64_t at)
{
	struct pb_core *c = arg;
	if (at == PB_NEVER)
		pb_loop_timer_clear(c->timer);
	else
		pb_loop_timer_set(c->timer, at - pb_core_now(c));
}

static const struct pb_pump_ops pump_ops = {
    .now = op_now,
    .commit = op_commit,
    .start = op_start,
    .cancel = op_cancel,
    .receipt = op_receipt,
    .reply = op_reply,
    .note = op_note,
    .failed = op_failed,
    .wake = op_wake,
};

/* --- life */

/* A store that cannot tell is not much of one: what it holds is what counts, and that is said there. */
static void
start_clock(struct pb_core *c, struct pb_store *from)
{
	struct pb_clock_mark mark = {0};
	struct pb_error err = {0};
	if (pb_store_clock(from, &mark, &err) < 0)
		pb_warn(
		    "%s; if the wall clock was set back, the time since the last run counts for "
		    "no deadline",
		    err.text);
	pb_clock_init(&c->clock, pb_store_highest_at(from), &mark);
}

/* For the next process. */
static int
keep_clock(struct pb_core *c, struct pb_error *err)
{
	struct pb_clock_mark mark;
	pb_clock_mark(&c->clock, &mark);
	return pb_store_keep_clock(c->store, &mark, err);
}

struct pb_core *
pb_core_new(struct pb_loop *loop, struct pb_store *store, struct pb_config *config,
    const struct pb_engine_options *options, const struct pb_core_ops *ops, void *arg)
{
	struct pb_core *c = pb_calloc(1, sizeof(*c));
	c->magic = CORE_MAGIC;
	c->loop = loop;
	c->store = store;
	c->ops = ops;
	c->arg = arg;
	start_clock(c, store);
	c->timer = pb_loop_timer_new(loop, turn, c);
	struct pb_error err = {0};
	if (pb_clock_set_new(loop, on_clock_set, c, &c->clock_set, &err) < 0)
		pb_warn(
		    "no word when the wall clock is set: %s; looking at it in each turn", err.text);
	c->engine = pb_engine_new(config, options);
	c->pump = pb_pump_new(c->engine, &pump_ops, c);
	return c;
}

void
pb_core_free(struct pb_core *c)
{
	if (c == NULL)
		return;
	PB_CHECK_OBJ(c, CORE_MAGIC);
	pb_clock_set_free(c->clock_set);
	pb_loop_timer_free(c->timer);
	pb_pump_free(c->pump);
	pb_engine_free(c->engine);
	pb_store_close(c->store);
	c->magic = 0;
	free(c);
}

/* --- from records to objects */

struct boot {
	struct pb_core *core;
	struct pb_update *copy; /* NULL = the records are the core's own already */
	pb_core_refused *refused;
	void *arg;
};

static void
copy_record(struct pb_update *u, const struct pb_record *r)
{
	pb_update_put(u, r->kind, r->key, r->incident, r->state, json_incref(r->body));
	/* It came to its state then, not now. */
	u->records[u->n_records - 1].at = r->at;
}

static int
take(const struct pb_record *r, void *arg, struct pb_error *err)
{
	const struct boot *b = arg;
	(void)err;
	struct pb_error why = {0};
	if (pb_engine_restore(b->core->engine, r, &why) < 0)
		b->refused(r, &why, b->arg);
	else if (b->copy != NULL)
		copy_record(b->copy, r);
	return 0;
}

static void
update_freep(struct pb_update **u)
{
	pb_update_free(*u);
}

int
pb_core_boot(struct pb_core *c, struct pb_store *from, pb_core_refused *refused, void *arg,
    struct pb_error *err)
{
	struct boot b = {.core = c, .refused = refused, .arg = arg};
	PB_CLEANUP(update_freep) struct pb_update *copy = NULL;
	if (from != NULL) {
		start_clock(c, from);
		b.copy = copy = pb_update_new(pb_core_now(c));
	}
	if (keep_clock(c, err) < 0)
		return -1;
	struct pb_store *source = from != NULL ? from : c->store;
	pb_store_ask(source, pb_deaths_taking);
	int rc = pb_store_restore(source, take, &b, err);
	pb_store_ask(source, NULL);
	if (rc == 0 && copy != NULL)
		rc = pb_store_commit(c->store, copy, err);
	if (rc < 0) {
		pb_deaths_taken(); /* an error is no death */
		return -1;
	}
	tell_clock(c);
	pb_deaths_deciding();
	pb_core_post(c, pb_input_new(PB_IN_BOOT));
	pb_pump_turn(c->pump);
	pb_deaths_taken();
	return 0;
}

/* --- in use */

void
pb_core_post(struct pb_core *c, struct pb_input *in)
{
	PB_CHECK_OBJ(c, CORE_MAGIC);
	pb_pump_post(c->pump, in);
}

int64_t
pb_core_now(const struct pb_core *c)
{
	return pb_clock_durable(&c->clock);
}

int64_t
pb_core_wall_ahead(const struct pb_core *c)
{
	int64_t ahead = c->wall_ahead;
	return (ahead + (ahead < 0 ? -1 : 1) * PB_SECOND / 2) / PB_SECOND * PB_SECOND;
}

struct pb_engine *
pb_core_engine(struct pb_core *c)
{
	return c->engine;
}

struct pb_store *
pb_core_store(struct pb_core *c)
{
	return c->store;
}

bool
pb_core_is_idle(const struct pb_core *c)
{
	return pb_pump_is_idle(c->pump);
}

uint64_t
pb_core_n_turns(const struct pb_core *c)
{
	return pb_pump_n_turns(c->pump);
}
