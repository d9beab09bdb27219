/*
 * A loop, a sandbox AWS and a client in one process, for tests of what talks to AWS.
 */
#ifndef PB_TESTS_DAEMON_WORLD_H
#define PB_TESTS_DAEMON_WORLD_H

#include "daemon/actions.h"
#include "daemon/client.h"
#include "daemon/poller.h"
#include "tests/sandbox/sandbox.h"
#include "tests/unit/runner.h"

#define WORLD_QUEUE "http://127.0.0.1/111122223333/events"

struct world {
	struct pb_loop *loop;
	struct pb_sandbox *sandbox;
	struct pb_client *client;
	struct pb_map *env; /* name -> value, both owned */
	char *dir; /* made by world_dir, removed at the end */
	struct pb_buf log; /* every line logged, with its level's number in front */
	struct pb_input **inputs; /* posted by pollers */
	size_t n_inputs;
	struct pb_outcome **outcomes; /* posted by actions */
	size_t n_outcomes;
	int64_t polled_at; /* what pollers are told */
	int64_t durable_ahead; /* durable time minus the wall clock */
	int n_results;
	/* the last result of world_call */
	bool is_ok, is_unknown;
	int attempts;
	json_t *output;
	struct pb_aws_error error;
	char *text;
};

/* Keys and endpoint are in the environment; region us-east-1. */
void world_open(struct world *w);
void world_close(struct world *w);
void world_env(struct world *w, const char *name, const char *value); /* NULL unsets */
void world_client(struct world *w); /* makes w->client, anew if there is one */
const char *world_dir(struct world *w);

/* Runs the loop until the claim holds; fails the test after 30 s. */
typedef bool world_claim(struct world *w, void *arg);
void world_until(struct world *w, world_claim *claim, void *arg);
void world_rounds(struct world *w, int64_t ms); /* the loop, for that long */

/* Control API: fails the test unless it is answered 200.  `body` may be NULL. */
json_t *world_ask(struct world *w, const char *method, const char *target, const char *body);
void world_tell(struct world *w, const char *target, const char *body); /* POST, answer dropped */
size_t world_n_calls(struct world *w, const char *operation);

void world_says(const char *text, const char *part); /* fails unless the part is in the text */

/* A call, run to its end. */
void world_call(struct world *w, const struct pb_client_request *req);
struct pb_poller_ops world_poller_ops(void); /* arg: the world */
struct pb_actions_ops world_actions_ops(void); /* arg: the world */
void world_until_inputs(struct world *w, size_t n);
void world_until_outcomes(struct world *w, size_t n);
size_t world_n_inputs(const struct world *w, enum pb_input_kind kind);
void world_drop_inputs(struct world *w);

#endif
