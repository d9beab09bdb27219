/*
 * Credentials of the client: drives the search of lib/aws with files.
 */
#include "daemon/client_creds.h"

#include <stdlib.h>

#include "base/log.h"
#include "io/file.h"

static const char *
process_getenv(const char *name, void *arg)
{
	(void)arg;
	return getenv(name);
}

void
pb_client_creds_init(struct pb_client_creds *c, pb_aws_getenv *get, void *getenv_arg, uint64_t seed)
{
	*c = (struct pb_client_creds){
	    .config = {.getenv = get ? get : process_getenv, .getenv_arg = getenv_arg},
	};
	pb_rand_seed(&c->rand, seed);
}

void
pb_client_creds_fini(struct pb_client_creds *c)
{
	pb_creds_chain_free(c->chain);
	pb_creds_cache_fini(&c->cache);
	free(c->warning);
	*c = (struct pb_client_creds){0};
}

static int64_t
mtime_of(const struct pb_client_creds *c, enum pb_profile_file file)
{
	int64_t at;
	PB_CLEANUP(pb_freep) char *path = pb_aws_config_path(&c->config, file);
	return path && pb_file_mtime(path, &at, NULL) == 0 ? at : -1;
}

static bool
is_changed(const struct pb_client_creds *c)
{
	for (size_t i = 0; i < PB_PROFILE_FILE_KIND_MAX; i++)
		if (mtime_of(c, (enum pb_profile_file)i) != c->read_at[i])
			return true;
	return false;
}

static void
feed_file(struct pb_creds_chain *chain, const struct pb_creds_ask *ask)
{
	struct pb_error err = {0};
	PB_CLEANUP(pb_buf_fini) struct pb_buf bytes = PB_BUF_INIT;
	if (pb_file_read(ask->path, ask->max, &bytes, &err) == 0) {
		struct pb_str s = {bytes.ptr ? bytes.ptr : "", bytes.len};
		pb_creds_feed_file(chain, &s);
	} else if (err.kind == PB_NOT_FOUND) {
		pb_creds_feed_file(chain, NULL);
	} else {
		pb_creds_feed_file_error(chain, err.text);
	}
	if (bytes.ptr)
		explicit_bzero(bytes.ptr, bytes.len);
}

/* A search from the start; -1 with the reason. */
static int
search(struct pb_creds_chain *chain, struct pb_aws_creds **ret, struct pb_error *err)
{
	for (;;) {
		struct pb_creds_ask ask;
		if (pb_creds_next(chain, &ask, err) < 0)
			return -1;
		switch (ask.kind) {
		case PB_CREDS_DONE:
			*ret = pb_creds_take(chain);
			return 0;
		case PB_CREDS_FILE:
			feed_file(chain, &ask);
			break;
		case PB_CREDS_ASK_MAX:
			pb_impossible("an ask of no kind");
		}
	}
}

static void
log_warning(struct pb_client_creds *c, const char *warning)
{
	if (warning && !pb_streq(warning, c->warning))
		pb_warn("AWS settings: %s; going on without that file", warning);
	free(c->warning);
	c->warning = pb_strdup(warning);
}

int
pb_client_creds_ensure(struct pb_client_creds *c, int64_t now, struct pb_error *err)
{
	if (c->chain && c->cache.creds && !is_changed(c) && !pb_creds_wants_refresh(&c->cache, now))
		return 0;
	for (size_t i = 0; i < PB_PROFILE_FILE_KIND_MAX; i++)
		c->read_at[i] = mtime_of(c, (enum pb_profile_file)i);

	struct pb_aws_config config = c->config;
	config.profiles = NULL;
	struct pb_creds_chain *chain = pb_creds_chain_new(&config);
	struct pb_aws_creds *found = NULL;
	struct pb_error why = {0};
	int rc = search(chain, &found, &why);
	pb_creds_chain_free(c->chain);
	c->chain = chain;
	c->config.profiles = pb_creds_profiles(chain);
	log_warning(c, pb_creds_warning(chain));
	if (rc == 0) {
		pb_creds_refreshed(&c->cache, found, now, &c->rand);
		return 0;
	}
	if (pb_creds_refresh_failed(&c->cache, false, now, &c->rand)) {
		pb_warn("AWS credentials: %s; going on with those from %s", why.text,
		    c->cache.creds->source);
		return 0;
	}
	if (err)
		*err = why;
	return -1;
}
