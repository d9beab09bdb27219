/*
 * The pump: decide, commit, act.
 *
 *	IDLE -> COMMITTING      [turn]		the inbox is stepped into one update
 *	COMMITTING -> ACTING    [committed: ok]	the update is durable
 *	ACTING -> IDLE          [act]		all of it was handed out
 *	COMMITTING -> FAILED    [committed: not ok]
 *
 * A store that commits at once calls pb_pump_committed from within commit(); turn() is then still
 *on the stack and goes on by itself, so that a full inbox is a loop and not a recursion.
 */
#include "engine/pump.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

#define PUMP_MAGIC 0x50554d50u

enum pump_state {
	PUMP_IDLE,
	PUMP_COMMITTING,
	PUMP_ACTING,
	PUMP_FAILED,
};

struct pb_pump {
	uint32_t magic;
	enum pump_state state;
	struct pb_engine *engine;
	const struct pb_pump_ops *ops;
	void *arg;
	struct pb_update *update;
	bool is_turning; /* turn() is on the stack */
	uint64_t n_turns, n_taken;
	/* A ring: `len` inputs from `first`. */
	struct pb_input **inbox;
	size_t first, len, size;
};

struct pb_pump *
pb_pump_new(struct pb_engine *engine, const struct pb_pump_ops *ops, void *arg)
{
	struct pb_pump *p = pb_calloc(1, sizeof(*p));
	p->magic = PUMP_MAGIC;
	p->engine = engine;
	p->ops = ops;
	p->arg = arg;
	return p;
}

static struct pb_input *
inbox_take(struct pb_pump *p)
{
	struct pb_input *in = p->inbox[p->first];
	p->first = (p->first + 1) % p->size;
	p->len--;
	p->n_taken++;
	return in;
}

void
pb_pump_free(struct pb_pump *p)
{
	if (p == NULL)
		return;
	PB_CHECK_OBJ(p, PUMP_MAGIC);
	while (p->len > 0)
		pb_input_free(inbox_take(p));
	pb_update_free(p->update);
	free(p->inbox);
	p->magic = 0;
	free(p);
}

static void
inbox_grow(struct pb_pump *p)
{
	size_t size = p->size == 0 ? 64 : p->size * 2;
	struct pb_input **inbox = pb_calloc(size, sizeof(struct pb_input *));
	for (size_t i = 0; i < p->len; i++)
		inbox[i] = p->inbox[(p->first + i) % p->size];
	free(p->inbox);
	p->inbox = inbox;
	p->first = 0;
	p->size = size;
}

void
pb_pump_post(struct pb_pump *p, struct pb_input *in)
{
	PB_CHECK_OBJ(p, PUMP_MAGIC);
	/* The process is about to end; what is not durable comes again from its source. */
	if (p->state == PUMP_FAILED) {
		pb_input_free(in);
		return;
	}
	if (p->len == p->size)
		inbox_grow(p);
	p->inbox[(p->first + p->len) % p->size] = in;
	p->len++;
	if (p->len == 1 && p->state == PUMP_IDLE && !p->is_turning)
		p->ops->wake(p->arg, p->ops->now(p->arg));
}

static void
start_kind(
    struct pb_pump *p, const struct pb_update *u, const struct pb_map *cancelled, bool is_page)
{
	for (size_t i = 0; i < u->n_starts; i++)
		if (u->starts[i].is_page == is_page && !pb_map_get(cancelled, u->starts[i].id))
			p->ops->start(p->arg, &u->starts[i]);
}

/*
 * Pages leave first: what follows may be slow to hand over.  What was decided and withdrawn in one
 * batch is neither started nor cancelled: its incident is over, so it must not take effect.
 */
static void
start_all(struct pb_pump *p, const struct pb_update *u)
{
	/* A storm starts and withdraws thousands in one batch. */
	struct pb_map *started = pb_map_new(), *cancelled = pb_map_new();
	for (size_t i = 0; u->n_cancels > 0 && i < u->n_starts; i++)
		(void)pb_map_put(started, u->starts[i].id, p);
	for (size_t i = 0; i < u->n_cancels; i++) {
		(void)pb_map_put(cancelled, u->cancels[i], p);
		if (!pb_map_get(started, u->cancels[i]))
			p->ops->cancel(p->arg, u->cancels[i]);
	}
	start_kind(p, u, cancelled, true);
	start_kind(p, u, cancelled, false);
	pb_map_free(started, NULL);
	pb_map_free(cancelled, NULL);
}

/*
 * Cancels come before starts, so that a lost attempt does not run beside what follows it.
 * Receipts come after actions: a crash in between makes the source deliver again, and the records
 * see that it is the same event.
 */
static void
act(struct pb_pump *p)
{
	struct pb_update *u = PB_TAKE(p->update);
	p->state = PUMP_ACTING;
	for (size_t i = 0; i < u->n_notes; i++)
		p->ops->note(p->arg, &u->notes[i]);
	start_all(p, u);
	for (size_t i = 0; i < u->n_receipts; i++)
		p->ops->receipt(p->arg, u->receipts[i]);
	for (size_t i = 0; i < u->n_replies; i++)
		p->ops->reply(p->arg, &u->replies[i]);
	pb_update_free(u);
	p->n_turns++;
	p->state = PUMP_IDLE;
}

/* Steps one batch.  Inputs go before the tick: what arrived in time is not late. */
static void
decide(struct pb_pump *p)
{
	int64_t now = p->ops->now(p->arg);
	p->update = pb_update_new(now);
	for (size_t n = 0; n < PB_PUMP_BATCH_MAX && p->len > 0; n++) {
		struct pb_input *in = inbox_take(p);
		pb_engine_step(p->engine, now, in, p->update);
		p->update->n_inputs++;
		pb_input_free(in);
	}
	if (pb_engine_next_at(p->engine) <= now) {
		const struct pb_input tick = {.kind = PB_IN_TICK};
		pb_engine_step(p->engine, now, &tick, p->update);
	}
}

static bool
has_nothing_durable(const struct pb_update *u)
{
	return u->n_records == 0 && u->n_notes == 0;
}

static void
turn_once(struct pb_pump *p)
{
	decide(p);
	p->state = PUMP_COMMITTING;
	/* Nothing new to keep: what a reply or a receipt stands for is on disk already. */
	if (has_nothing_durable(p->update) && p->update->n_starts == 0)
		act(p);
	else
		p->ops->commit(p->arg, p, p->update);
}

static bool
is_due(const struct pb_pump *p)
{
	return p->len > 0 || pb_engine_next_at(p->engine) <= p->ops->now(p->arg);
}

void
pb_pump_turn(struct pb_pump *p)
{
	PB_CHECK_OBJ(p, PUMP_MAGIC);
	if (p->state != PUMP_IDLE || p->is_turning)
		return;
	p->is_turning = true;
	if (is_due(p))
		turn_once(p);
	while (p->state == PUMP_IDLE && p->len > 0)
		turn_once(p);
	p->is_turning = false;
	if (p->state == PUMP_IDLE)
		p->ops->wake(p->arg, pb_engine_next_at(p->engine));
}

void
pb_pump_committed(struct pb_pump *p, int result, const struct pb_error *err)
{
	PB_CHECK_OBJ(p, PUMP_MAGIC);
	pb_check(p->state == PUMP_COMMITTING);
	if (result < 0) {
		p->state = PUMP_FAILED;
		p->ops->failed(p->arg, err);
		return;
	}
	act(p);
	/* Within turn() the loop there goes on; after a commit that took time, go on here. */
	if (!p->is_turning)
		pb_pump_turn(p);
}

bool
pb_pump_is_idle(const struct pb_pump *p)
{
	PB_CHECK_OBJ(p, PUMP_MAGIC);
	return p->state == PUMP_IDLE && p->len == 0;
}

size_t
pb_pump_n_waiting(const struct pb_pump *p)
{
	PB_CHECK_OBJ(p, PUMP_MAGIC);
	return p->len;
}

uint64_t
pb_pump_n_turns(const struct pb_pump *p)
{
	PB_CHECK_OBJ(p, PUMP_MAGIC);
	return p->n_turns;
}

uint64_t
pb_pump_n_taken(const struct pb_pump *p)
{
	PB_CHECK_OBJ(p, PUMP_MAGIC);
	return p->n_taken;
}
