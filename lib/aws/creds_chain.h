/*
 * What the files of the credential chain share.  Not for others.
 *
 * Each state but DECIDE and FOUND has a row in the table of creds.c: `ask` fills chain->ask, or moves on
 * or fails without; `fed` takes what came and does the same.
 */
#ifndef PB_AWS_CREDS_CHAIN_H
#define PB_AWS_CREDS_CHAIN_H

#include "aws/call.h"

#define CREDS_ROLES_MAX 5 /* one role assumed from another */
#define CREDS_TOKEN_MAX (20 * 1024) /* bytes of a token file */
#define CREDS_ANSWER_MAX (64 * 1024)
#define CREDS_TRIES 3
#define CREDS_TRY_AGAIN_FOR PB_SECOND

enum creds_state {
	CREDS_CONFIG_FILE,
	CREDS_CREDENTIALS_FILE,
	CREDS_DECIDE, /* which source: creds.c */
	CREDS_WEB_TOKEN, /* the file of a web identity's token */
	CREDS_WEB_IDENTITY,
	CREDS_PROCESS,
	CREDS_CONTAINER_TOKEN,
	CREDS_CONTAINER,
	CREDS_META_TOKEN,
	CREDS_META_ROLE,
	CREDS_META_KEYS,
	CREDS_META_REGION,
	CREDS_ASSUME, /* the last of `roles` */
	CREDS_FOUND,
	CREDS_STATE_MAX
};

/* What came.  Exactly one is set, or none: there is no such file. */
struct creds_fed {
	const struct pb_str *bytes; /* of a file or from a program */
	const struct pb_aws_answer *answer;
	const char *why; /* nothing came; outside text */
};

struct pb_creds_chain {
	struct pb_aws_config config;
	int64_t now;
	enum creds_state state;
	int tries; /* of this state's request so far */
	struct pb_profiles *profiles;
	char *paths[PB_PROFILE_FILE_KIND_MAX];
	char *warning;
	bool is_failed, is_final;
	struct pb_error failure;
	struct pb_aws_creds *creds;

	/* Profiles whose roles are still to be assumed, the last one first; borrowed. */
	const char *roles[CREDS_ROLES_MAX];
	size_t n_roles;
	const char *profile; /* whose source is looked for, borrowed */

	struct pb_creds_ask ask;
	struct pb_aws_request *request; /* what it borrows */
	char **argv;
	char *token; /* for the state's requests */
	char *path; /* of a token's file */
	char *role; /* as instance metadata names it */
	char *region; /* the same */
	bool has_renewed; /* the token of instance metadata, once */
};

/* The search has failed; the first reason stays. */
void
creds_fail(struct pb_creds_chain *c, enum pb_error_kind kind, const char *fmt, ...) PB_PRINTF(3, 4);
void creds_enter(struct pb_creds_chain *c, enum creds_state state);
/* The source gave these, taken over: roles are assumed with them, or they are it. */
void creds_got(struct pb_creds_chain *c, struct pb_aws_creds *creds);
/* Ask for a file, of at most CREDS_TOKEN_MAX bytes. */
void creds_ask_file(struct pb_creds_chain *c, const char *path);
/* Begin a request, without headers; creds_ask_http is to follow. */
struct pb_aws_request *creds_request(struct pb_creds_chain *c, const char *method, const char *url);
void creds_ask_http(struct pb_creds_chain *c, int64_t total_for);
/* Send the request of this state again, after a pause; false when it was sent often enough. */
bool creds_try_again(struct pb_creds_chain *c);
/* May the same request be answered otherwise a second later? */
bool creds_is_passing(const struct creds_fed *f);
/*
 * A set out of the JSON that sources answer with: AccessKeyId, SecretAccessKey, Expiration, AccountId and
 * a token named `token`.  NULL, and the search has failed, when it cannot be one.
 */
struct pb_aws_creds *
creds_of_json(struct pb_creds_chain *c, struct pb_str body, const char *token, const char *source);
void creds_wipe(char *secret); /* and frees it; NULL is fine */
void creds_forget_token(struct pb_creds_chain *c); /* wipes it */
void creds_set_token(struct pb_creds_chain *c, struct pb_str token);
const char *creds_key(const struct pb_creds_chain *c, const char *profile, const char *key);
const char *creds_env(const struct pb_creds_chain *c, const char *name);

/* creds_sts.c */
void creds_ask_web_token(struct pb_creds_chain *c);
void creds_fed_web_token(struct pb_creds_chain *c, const struct creds_fed *f);
void creds_ask_web_identity(struct pb_creds_chain *c);
void creds_ask_role(struct pb_creds_chain *c);
void creds_fed_role(struct pb_creds_chain *c, const struct creds_fed *f); /* of either */

/* creds_process.c */
void creds_ask_process(struct pb_creds_chain *c);
void creds_fed_process(struct pb_creds_chain *c, const struct creds_fed *f);
/*
 * Words as a shell splits them: blanks part, '...' and "..." and \ keep together.  NULL-terminated, free with
 * creds_words_free; PB_SYNTAX for a quote that is not closed, no word, or more than 64.
 */
int creds_split(const char *line, char ***ret, struct pb_error *err);
void creds_words_free(char **words);

/* creds_meta.c */
void creds_ask_container_token(struct pb_creds_chain *c);
void creds_fed_container_token(struct pb_creds_chain *c, const struct creds_fed *f);
void creds_ask_container(struct pb_creds_chain *c);
void creds_fed_container(struct pb_creds_chain *c, const struct creds_fed *f);
void creds_ask_meta_token(struct pb_creds_chain *c);
void creds_fed_meta_token(struct pb_creds_chain *c, const struct creds_fed *f);
void creds_ask_meta_role(struct pb_creds_chain *c);
void creds_fed_meta_role(struct pb_creds_chain *c, const struct creds_fed *f);
void creds_ask_meta_keys(struct pb_creds_chain *c);
void creds_fed_meta_keys(struct pb_creds_chain *c, const struct creds_fed *f);
void creds_ask_meta_region(struct pb_creds_chain *c);
void creds_fed_meta_region(struct pb_creds_chain *c, const struct creds_fed *f);

#endif
