/*
 * The shared config and credentials files, and settings out of environment and profile.
 *
 * Bytes in; who reads the files and the environment is the caller's matter.
 */
#ifndef PB_AWS_PROFILE_H
#define PB_AWS_PROFILE_H

#include "base/text.h"

#define PB_PROFILE_FILE_MAX (1024 * 1024) /* bytes a file may have */
#define PB_PROFILE_KEYS_MAX 20000 /* keys in both files together */

/* Like getenv: NULL when unset.  What it returns must stay valid while its user lives. */
typedef const char *pb_aws_getenv(const char *name, void *arg);

enum pb_profile_file {
	PB_PROFILE_CONFIG, /* sections [default] [profile NAME] [sso-session NAME] [services NAME]
			    */
	PB_PROFILE_CREDENTIALS, /* sections [NAME] */
	PB_PROFILE_FILE_KIND_MAX,
};

struct pb_profiles; /* what both files say */
struct pb_profiles *pb_profiles_new(void);
void pb_profiles_free(struct pb_profiles *p); /* p may be NULL; wipes what it held */
PB_DEFINE_CLEANUP(struct pb_profiles, pb_profiles_free)

/*
 * Add one file.  PB_SYNTAX with err->line: a line that is neither section, key, comment nor
 * continuation, an unclosed section, a NUL byte; PB_LIMIT beyond the caps.  On failure nothing of
 * this file was added.  Unknown sections and keys are kept and ignored.
 */
int pb_profiles_add(
    struct pb_profiles *p, enum pb_profile_file file, struct pb_str bytes, struct pb_error *err);

bool pb_profiles_has(const struct pb_profiles *p, const char *profile);
/* A key (any case) of one file only, and of both with the credentials file first.  NULL when
 * absent. */
const char *pb_profiles_get_from(
    const struct pb_profiles *p, enum pb_profile_file file, const char *profile, const char *key);
const char *pb_profiles_get(const struct pb_profiles *p, const char *profile, const char *key);
/* Key of a section "KIND NAME" of the config file, as ("services", "local", "sqs.endpoint_url"). */
const char *pb_profiles_section_get(
    const struct pb_profiles *p, const char *kind, const char *name, const char *key);

/* Where settings come from: our own configuration, environment, the profile. */
struct pb_aws_config {
	pb_aws_getenv *getenv;
	void *getenv_arg;
	const struct pb_profiles *profiles; /* may be NULL */
	const char *profile; /* named in our own configuration; NULL = not named */
	const char *region; /* the same; it comes first */
	const char *found_region; /* what instance metadata said; it comes last */
};
/* The profile in use: named, AWS_PROFILE, AWS_DEFAULT_PROFILE, "default". */
const char *pb_aws_config_profile(const struct pb_aws_config *c);
/* True when it was named at all (not just the default). */
bool pb_aws_config_profile_is_asked(const struct pb_aws_config *c);
const char *
pb_aws_config_env(const struct pb_aws_config *c, const char *name); /* "" counts as unset */
/* Environment variable `env` (may be NULL), else profile key (may be NULL), else NULL. */
const char *pb_aws_config_get(const struct pb_aws_config *c, const char *env, const char *key);
/* The same for true/false in any case; PB_INVALID names the place of anything else. */
int pb_aws_config_get_bool(const struct pb_aws_config *c, const char *env, const char *key,
    bool fallback, bool *ret, struct pb_error *err);
const char *pb_aws_config_region(const struct pb_aws_config *c); /* NULL = nobody says */
/* Where a file is: AWS_CONFIG_FILE / AWS_SHARED_CREDENTIALS_FILE or $HOME/.aws/...; NULL without
 * either.  The caller's to free. */
char *pb_aws_config_path(const struct pb_aws_config *c, enum pb_profile_file file);

#endif
