/*
 * Credentials: the chain that finds them, as a step machine, and the rules of refreshing.
 *
 * The chain asks its caller for what it needs next and is fed the answer, so that it can be tested
 * without files, network or programs, and driven by any loop:
 *
 *	chain = pb_creds_chain_new(&config, now);
 *	for (;;) {
 *		rc = pb_creds_next(chain, &ask, err);	-1: failed, err says why and what to do
 *		PB_CREDS_DONE		pb_creds_take(chain)
 *		PB_CREDS_FILE		read ask.path, pb_creds_feed_file(...)
 *		PB_CREDS_HTTP		wait ask.wait_for, send ask.request, pb_creds_feed_answer(...)
 *		PB_CREDS_PROGRAM	run ask.argv, pb_creds_feed_program(...)
 *	}
 *
 * The first source that is configured wins, in this order: environment; the profile's role (by STS, from
 * the source that the profile names); web identity; static keys of the shared files; the profile's
 * credential_process; the container endpoint; EC2 instance metadata.  A source that is configured and
 * fails ends the search.  SSO is not supported: where it is configured the search ends with
 * PB_UNSUPPORTED, it is not passed over.
 */
#ifndef PB_AWS_CREDS_H
#define PB_AWS_CREDS_H

#include "aws/message.h"
#include "aws/profile.h"
#include "base/rand.h"
#include "base/time.h"

struct pb_aws_creds {
	char *access_key_id;
	char *secret_access_key;
	char *session_token; /* NULL = none */
	char *account_id; /* NULL = unknown */
	int64_t expires_at; /* 0 = never */
	char *source; /* for people: "environment AWS_ACCESS_KEY_ID", "profile default in PATH" */
};
struct pb_aws_creds *pb_aws_creds_new(
    const char *access_key_id, const char *secret, const char *token, const char *source);
struct pb_aws_creds *pb_aws_creds_copy(const struct pb_aws_creds *c); /* NULL gives NULL */
void pb_aws_creds_free(struct pb_aws_creds *c); /* c may be NULL; wipes the secrets */
PB_DEFINE_CLEANUP(struct pb_aws_creds, pb_aws_creds_free)

enum pb_creds_ask_kind {
	PB_CREDS_DONE, /* pb_creds_take gives the credentials */
	PB_CREDS_FILE, /* read `path` and feed it */
	PB_CREDS_HTTP, /* send `request` and feed the answer */
	PB_CREDS_PROGRAM, /* run `argv` and feed what it wrote to stdout */
	PB_CREDS_ASK_MAX,
};
/* Borrowed from the chain until the next call. */
struct pb_creds_ask {
	enum pb_creds_ask_kind kind;
	const char *path;
	size_t
	    max; /* of a file, an answer's body or an output; more bytes than this need not be read */
	const struct pb_aws_request *request;
	int64_t wait_for; /* ms before it is sent: it was tried before */
	int64_t total_for; /* ms until request or program is given up */
	bool is_local; /* of this host or its link: no proxy; plain HTTP is right */
	bool is_custom; /* plain HTTP is what the configuration asks for */
	const char *const *argv; /* NULL-terminated; argv[0] as execvp takes it */
};

struct pb_creds_chain;
/*
 * `config` gives environment, profile and region; its `profiles` is ignored, the chain asks for the
 * files itself (both, always: settings such as the region are in them too).  The struct is copied,
 * what it points to must outlive the chain.  `now`: wall clock, ms, to sign and name sessions with.
 */
struct pb_creds_chain *pb_creds_chain_new(const struct pb_aws_config *config, int64_t now);
void pb_creds_chain_free(struct pb_creds_chain *c); /* c may be NULL */
PB_DEFINE_CLEANUP(struct pb_creds_chain, pb_creds_chain_free)

int pb_creds_next(struct pb_creds_chain *c, struct pb_creds_ask *ret_ask, struct pb_error *err);
/* `bytes` NULL: there is no such file.  Otherwise they are read within the call. */
void pb_creds_feed_file(struct pb_creds_chain *c, const struct pb_str *bytes);
/* The file is there and cannot be read.  One of the shared files fails the search only if a profile
 * was asked for. */
void pb_creds_feed_file_error(struct pb_creds_chain *c, const char *why);
void pb_creds_feed_answer(struct pb_creds_chain *c, const struct pb_aws_answer *answer);
void pb_creds_feed_no_answer(struct pb_creds_chain *c, const char *why);
void pb_creds_feed_program(struct pb_creds_chain *c, struct pb_str out);
/* It could not be started, failed, or took too long; `why` is safe to show. */
void pb_creds_feed_program_error(struct pb_creds_chain *c, const char *why);
/* After a failure: asking again will not help before somebody acts (denied, no such role). */
bool pb_creds_is_final(const struct pb_creds_chain *c);

/* After PB_CREDS_DONE, once: the caller's to free. */
struct pb_aws_creds *pb_creds_take(struct pb_creds_chain *c);
/* What the files said; borrowed.  Right after both were fed, also when the search failed. */
const struct pb_profiles *pb_creds_profiles(const struct pb_creds_chain *c);
/* The region that instance metadata names, when nothing else does; NULL = not known.  Borrowed. */
const char *pb_creds_found_region(const struct pb_creds_chain *c);
/* A file that was passed over although something is wrong with it; NULL = nothing to warn about. */
const char *pb_creds_warning(const struct pb_creds_chain *c);

/*
 * The set in use.  Lifetime L = expiration - time of receipt; the advisory window begins 5 min
 * before expiration for L up to 20 min, 15 min below 90 min, else 60 min; the mandatory window 1
 * min.
 */
enum pb_creds_window {
	PB_CREDS_NONE, /* nothing cached: ask, and wait for it */
	PB_CREDS_FRESH, /* use it */
	PB_CREDS_ADVISORY, /* ask, go on with the cached set */
	PB_CREDS_MANDATORY, /* ask, and wait for it */
	PB_CREDS_EXPIRED, /* as mandatory */
	PB_CREDS_WINDOW_MAX,
};
struct pb_creds_cache {
	struct pb_aws_creds *creds; /* owned; NULL = none */
	int64_t got_at;
	int64_t paused_until_at; /* the source is not asked before this */
	bool is_rejected; /* a service refused this set */
};
void pb_creds_cache_fini(struct pb_creds_cache *c);
enum pb_creds_window pb_creds_window(const struct pb_creds_cache *c, int64_t now);
/* Should the source be asked now?  False in a pause. */
bool pb_creds_wants_refresh(const struct pb_creds_cache *c, int64_t now);
/*
 * The source answered with `creds` (taken over).  A set that is expired already counts as a failure
 * when another is cached.  True when it is in use now.
 */
bool pb_creds_refreshed(
    struct pb_creds_cache *c, struct pb_aws_creds *creds, int64_t now, struct pb_rand *rand);
/*
 * The source failed.  With a cached set: keep it, even expired, and pause 5 to 10 minutes, and
 * return true
 * ("go on with what is cached").  Without one, or when `is_final` (denied, wrong configuration):
 * false, no pause.
 */
bool
pb_creds_refresh_failed(struct pb_creds_cache *c, bool is_final, int64_t now, struct pb_rand *rand);
/* A service answered ExpiredToken or InvalidToken to a call signed with this access key. */
void pb_creds_rejected(struct pb_creds_cache *c, const char *access_key_id);

#endif
