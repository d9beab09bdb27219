/*
 * Where the client gets credentials and settings: environment and shared files, read again when a
 * file changed or a service refused what they said.  Private to the client.
 */
#ifndef PB_DAEMON_CLIENT_CREDS_H
#define PB_DAEMON_CLIENT_CREDS_H

#include "aws/creds.h"

struct pb_client_creds {
	struct pb_aws_config config; /* profiles: what the files said last; borrowed from chain */
	struct pb_creds_chain *chain; /* the last search, which owns the profiles */
	struct pb_creds_cache cache;
	int64_t read_at[PB_PROFILE_FILE_KIND_MAX]; /* mtime at the last search; -1 = no such file */
	char *warning; /* already logged */
	struct pb_rand rand;
};

/* `getenv` NULL = the process's environment. */
void pb_client_creds_init(
    struct pb_client_creds *c, pb_aws_getenv *getenv, void *getenv_arg, uint64_t seed);
void pb_client_creds_fini(struct pb_client_creds *c);

/*
 * Make c->config and c->cache.creds current.  Searches only when it must; -1 when there are no
 * credentials at all: err says why and what to do, and the settings are good all the same.
 */
int pb_client_creds_ensure(struct pb_client_creds *c, int64_t now, struct pb_error *err);

#endif
