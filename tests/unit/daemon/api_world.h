/*
 * A core with a store in memory and the API on a socket, in one process; drivers are replaced by
 * lists of what they were asked.
 */
#ifndef PB_TESTS_DAEMON_API_WORLD_H
#define PB_TESTS_DAEMON_API_WORLD_H

#include "daemon/api.h"
#include "tests/unit/runner.h"

struct api_world {
	struct pb_loop *loop;
	struct pb_core *core;
	struct pb_api *api;
	char *dir, *socket;
	char *started; /* id of the last action that was started */
	size_t n_started;
	int n_reloads;
	char *reload_by;
	uint64_t reload_token;
	bool has_failed; /* a commit */
	int status; /* HTTP's, of the last api_ask */
	char *head; /* of the last answer */
};

void api_open(struct api_world *w);
void api_close(struct api_world *w);
/* A configuration of one playbook "fix" (prefix fix-, one exec step) and one "tell" (prefix tell-, no
 * steps, pages at once). */
struct pb_config *api_config_make(void);
char *api_alarm(const char *name, const char *state, const char *time); /* an EventBridge event */

/* Sends one request and runs the loop until it is answered; the JSON is the caller's, NULL if it is
 * none. */
json_t *api_ask(struct api_world *w, const char *method, const char *target, const char *body);
/* Opens a connection and sends bytes as they are; the caller closes it. */
int api_connect(struct api_world *w, const char *bytes);
/* Runs the loop until `fd` has given text that contains `needle`; the caller frees what came. */
char *api_read_until(struct api_world *w, int fd, const char *needle);
void api_rounds(struct api_world *w, int n);
/* An open incident by injection: "fix-1" waits for its step, "tell-1" pages. Returns its id. */
char *api_incident_open(struct api_world *w, const char *alarm);

/* playbookctl in a child, asking this world; the caller frees *ret_out and *ret_err. */
int api_ctl(struct api_world *w, const char *const *argv, const char *input, char **ret_out,
    char **ret_err);

#endif
