/*
 * A sandbox in a child process and signed calls to it, for the tests of this folder.
 *
 * Calls are signed with the verifier's own steps: that these are right is the business of
 * sigv4_test.c, which holds them against the official vectors.
 */
#ifndef PB_TESTS_UNIT_SANDBOX_WORLD_H
#define PB_TESTS_UNIT_SANDBOX_WORLD_H

#include "tests/sandbox/sandbox.h"

struct world {
	pid_t pid;
	uint16_t port;
	/* How the next calls are signed; world_start sets the sandbox's defaults. */
	const char *access_key, *secret_key, *token;
	const char *scope; /* the service to sign for; NULL = the right one */
	int64_t skew;
};

/* What came back; code is the query error code for JSON services if there is one, else __type. */
struct outcome {
	int status; /* 0 = no HTTP answer at all */
	bool is_complete;
	char code[128];
	json_t *body; /* of JSON services; NULL when it is not JSON */
	struct pb_sandbox_reply reply;
};
void outcome_fini(struct outcome *o);
#define OUTCOME PB_CLEANUP(outcome_fini) struct outcome

void world_start(struct world *w);
void world_stop(struct world *w);
#define WORLD PB_CLEANUP(world_stop) struct world

/* `service`: "sqs" or "cloudwatch"; input is JSON text. */
struct outcome
world_json(const struct world *w, const char *service, const char *operation, const char *input);
/* `service`: "sns" or "sts"; `form` is the rest of the body after Action and Version. */
struct outcome
world_query(const struct world *w, const char *service, const char *operation, const char *form);
/* The request that world_json sends, to be spoiled and sent by pb_sandbox_exchange; to be freed. */
char *
world_request(const struct world *w, const char *service, const char *operation, const char *input);
/* A control call that must succeed; the answer is the caller's. */
json_t *world_ask(const struct world *w, const char *method, const char *target, const char *body);
void world_do(const struct world *w, const char *method, const char *target, const char *body);
/* The text of <element> in an XML answer, or ""; valid until the next call. */
const char *world_element(const struct outcome *o, const char *element);

#endif
