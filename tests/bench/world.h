/*
 * What benches of the engine share: engine, pump and store, and an outside that answers at once.
 */
#ifndef PB_TESTS_BENCH_WORLD_H
#define PB_TESTS_BENCH_WORLD_H

#include "engine/pump.h"
#include "store/store.h"
#include "tests/bench/bench.h"

#define BENCH_START_AT INT64_C(1772000000000)

struct bench_world {
	struct pb_store *store; /* borrowed */
	struct pb_engine *engine;
	struct pb_pump *pump;
	int64_t now; /* moved by hand; the pump is turned by hand too */
	size_t n_commits, n_starts;
};
/* In place: the pump keeps its address. */
void
bench_world_begin(struct bench_world *b, struct pb_config *c, struct pb_store *store, int64_t at);
void bench_world_end(struct bench_world *b);
/* Post message number n: alarm "svc-(ALARM % BENCH_PLAYBOOKS)-ALARM" goes ALARM or OK now. */
void bench_world_alarm(struct bench_world *b, size_t n, size_t alarm, bool is_alarm);

/* Ends where it is refused; the caller's to unref. */
struct pb_config *bench_config(const struct pb_buf *text);
struct pb_config *bench_config_of(const struct pb_buf *texts, size_t n); /* of n files */

#endif
