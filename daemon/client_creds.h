/*
 * Where the client gets credentials and settings: it drives the search of lib/aws with files, requests and
 * programs.  Searched again when a file changed, when they are about to expire, or when a service refused
 * them.  Private to the client.
 *
 *	idle -> searching	[ensure] nothing usable, or it is time for new ones
 *	searching -> idle	found, or failed: on_done
 */
#ifndef PB_DAEMON_CLIENT_CREDS_H
#define PB_DAEMON_CLIENT_CREDS_H

#include "aws/creds.h"
#include "io/child.h"
#include "io/loop.h"
#include "io/transfer.h"

/* A search that calls waited for has ended; `err` NULL: there are credentials.  Called from the loop. */
typedef void pb_client_creds_fn(const struct pb_error *err, void *arg);

struct pb_client_creds_options {
	struct pb_loop *loop;
	struct pb_transfers *transfers;
	pb_aws_getenv *getenv; /* NULL = the process's environment */
	void *getenv_arg;
	const char *region; /* of our own configuration, borrowed; NULL = not named */
	int64_t (*wall)(void *arg);
	void *wall_arg;
	uint64_t seed;
	pb_client_creds_fn *on_done;
	void *on_done_arg;
};

struct pb_client_creds {
	struct pb_client_creds_options options;
	struct pb_aws_config config; /* profiles: what the files said last; borrowed from chain */
	struct pb_creds_chain *chain; /* the last search, which owns the profiles */
	struct pb_creds_cache cache;
	int64_t read_at[PB_PROFILE_FILE_KIND_MAX]; /* mtime at the last search; -1 = no such file */
	char *warning; /* already logged */
	char *found_region; /* by instance metadata */
	struct pb_rand rand;
	/* while searching: exactly one of these three is under way */
	bool is_searching;
	struct pb_loop_timer *pause;
	struct pb_transfer *transfer;
	struct pb_child *child;
};

void pb_client_creds_init(struct pb_client_creds *c, const struct pb_client_creds_options *options);
void pb_client_creds_fini(struct pb_client_creds *c);

enum pb_client_creds_state {
	PB_CLIENT_CREDS_READY, /* c->cache.creds may be used; new ones may be under way */
	PB_CLIENT_CREDS_WAIT, /* on_done tells when */
	PB_CLIENT_CREDS_FAILED, /* none: err says why and what to do; the settings are good all the same */
};
/* Make c->config and c->cache.creds current.  Searches only when it must. */
enum pb_client_creds_state pb_client_creds_ensure(struct pb_client_creds *c, struct pb_error *err);

#endif
