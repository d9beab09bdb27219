/*
 * The shared files: an INI reader with AWS's own rules, and settings out of environment and
 * profile.
 */
#include "aws/profile.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <strings.h>

#define SECTION_MAX 256

struct entry {
	enum pb_profile_file file;
	char *kind; /* "profile", "services", ... */
	char *name;
	char *key; /* nested ones as "sqs.endpoint_url"; NULL marks the section itself */
	char *value;
};

struct pb_profiles {
	struct entry *items;
	size_t len, size;
};

/* Where the reader is. */
struct reader {
	struct pb_profiles *p;
	enum pb_profile_file file;
	struct pb_error *err;
	int line;
	struct pb_str kind, name; /* of the section; kind.ptr NULL before the first */
	size_t last; /* 1 + index of the entry a continuation belongs to; 0 = none */
	bool is_nested; /* continuations are pairs of their own */
};

struct pb_profiles *
pb_profiles_new(void)
{
	return pb_calloc(1, sizeof(struct pb_profiles));
}

static void
entry_fini(struct entry *e)
{
	if (e->value)
		OPENSSL_cleanse(e->value, strlen(e->value));
	free(e->kind);
	free(e->name);
	free(e->key);
	free(e->value);
}

static void
cut_back(struct pb_profiles *p, size_t len)
{
	while (p->len > len)
		entry_fini(&p->items[--p->len]);
}

void
pb_profiles_free(struct pb_profiles *p)
{
	if (!p)
		return;
	cut_back(p, 0);
	free(p->items);
	free(p);
}

static int
bad_line(struct reader *r, const char *what)
{
	pb_fail(r->err, PB_SYNTAX, "line %d: %s", r->line, what);
	if (r->err)
		r->err->line = r->line;
	return -1;
}

static char *
dup_str(struct pb_str s)
{
	return pb_strndup(s.len ? s.ptr : "", s.len);
}

static int
add_entry(struct reader *r, char *key, struct pb_str value)
{
	struct pb_profiles *p = r->p;
	if (p->len >= PB_PROFILE_KEYS_MAX) {
		free(key);
		return pb_fail(r->err, PB_LIMIT, "more than %d keys", PB_PROFILE_KEYS_MAX);
	}
	if (p->len == p->size) {
		p->size = p->size ? p->size * 2 : 32;
		p->items = pb_realloc(p->items, p->size * sizeof(*p->items));
	}
	p->items[p->len++] = (struct entry){
	    .file = r->file,
	    .kind = dup_str(r->kind),
	    .name = dup_str(r->name),
	    .key = key,
	    .value = key ? dup_str(value) : NULL,
	};
	return 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A '#' or ';' after white space ends a value. */
static struct pb_str
without_comment(struct pb_str s)
{
	for (size_t i = 1; i < s.len; i++)
		if ((s.ptr[i] == '#' || s.ptr[i] == ';') && is_blank(s.ptr[i - 1])) {
			s.len = i;
			break;
		}
	return pb_str_trim(s);
}

static struct pb_str
unquoted(struct pb_str s)
{
	s = pb_str_trim(s);
	if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') && s.ptr[s.len - 1] == s.ptr[0])
		s = (struct pb_str){s.ptr + 1, s.len - 2};
	return s;
}

static int
read_section(struct reader *r, struct pb_str line)
{
	const char *end = memchr(line.ptr, ']', line.len);
	if (!end)
		return bad_line(r, "a section has no closing ']'");
	struct pb_str inside =
	    pb_str_trim((struct pb_str){line.ptr + 1, (size_t)(end - line.ptr) - 1});
	if (inside.len == 0 || inside.len > SECTION_MAX)
		return bad_line(r, "a section has an empty or very long name");

	r->last = 0;
	r->kind = PB_STR("profile");
	r->name = unquoted(inside);
	if (r->file == PB_PROFILE_CONFIG && !pb_str_is(r->name, "default")) {
		size_t len = 0;
		while (len < inside.len && !is_blank(inside.ptr[len]))
			len++;
		/* "[NAME]" alone names no profile in this file: kept under a kind nobody asks for.
		 */
		r->kind = (struct pb_str){inside.ptr, len};
		r->name = unquoted((struct pb_str){inside.ptr + len, inside.len - len});
	}
	return add_entry(r, NULL, PB_STR(""));
}

static int
read_nested(struct reader *r, struct pb_str line)
{
	const char *eq = memchr(line.ptr, '=', line.len);
	struct pb_str key = {line.ptr, eq ? (size_t)(eq - line.ptr) : 0};
	key = pb_str_trim(key);
	if (key.len == 0)
		return bad_line(r, "an indented line below an empty value must be \"key = value\"");
	struct pb_str value = {eq + 1, (size_t)(line.ptr + line.len - eq) - 1};
	const char *parent = r->p->items[r->last - 1].key;
	return add_entry(
	    r, pb_asprintf("%s.%.*s", parent, PB_STR_ARG(key)), without_comment(value));
}

static int
read_continuation(struct reader *r, struct pb_str line)
{
	if (r->last == 0)
		return bad_line(r, "an indented line continues nothing");
	if (r->is_nested)
		return read_nested(r, line);
	struct entry *e = &r->p->items[r->last - 1];
	char *joined = pb_asprintf("%s\n%.*s", e->value, PB_STR_ARG(line));
	OPENSSL_cleanse(e->value, strlen(e->value));
	free(e->value);
	e->value = joined;
	return 0;
}

static int
read_key(struct reader *r, struct pb_str line)
{
	if (!r->kind.ptr)
		return bad_line(r, "a key stands before the first [section]");
	const char *eq = memchr(line.ptr, '=', line.len);
	struct pb_str key = {line.ptr, eq ? (size_t)(eq - line.ptr) : 0};
	key = pb_str_trim(key);
	if (key.len == 0)
		return bad_line(r, "expected [section], \"key = value\" or a comment");
	struct pb_str value = {eq + 1, (size_t)(line.ptr + line.len - eq) - 1};
	value = without_comment(value);
	if (add_entry(r, dup_str(key), value) < 0)
		return -1;
	r->last = r->p->len;
	r->is_nested = value.len == 0;
	return 0;
}

static int
read_line(struct reader *r, struct pb_str line)
{
	struct pb_str text = pb_str_trim(line);
	if (text.len == 0 || text.ptr[0] == '#' || text.ptr[0] == ';')
		return 0;
	if (is_blank(line.ptr[0]))
		return read_continuation(r, text);
	if (text.ptr[0] == '[')
		return read_section(r, text);
	return read_key(r, text);
}

int
pb_profiles_add(
    struct pb_profiles *p, enum pb_profile_file file, struct pb_str bytes, struct pb_error *err)
{
	if (bytes.len > PB_PROFILE_FILE_MAX)
		return pb_fail(err, PB_LIMIT, "larger than %d bytes", PB_PROFILE_FILE_MAX);
	if (pb_str_has_prefix(bytes, PB_STR("\xef\xbb\xbf")))
		bytes = (struct pb_str){bytes.ptr + 3, bytes.len - 3};

	struct reader r = {.p = p, .file = file, .err = err};
	size_t was = p->len;
	while (bytes.len > 0) {
		const char *nl = memchr(bytes.ptr, '\n', bytes.len);
		struct pb_str line = {bytes.ptr, nl ? (size_t)(nl - bytes.ptr) : bytes.len};
		size_t used = line.len + (nl ? 1 : 0);
		bytes = (struct pb_str){bytes.ptr + used, bytes.len - used};
		r.line++;
		int rc = line.len && memchr(line.ptr, '\0', line.len)
		    ? bad_line(&r, "holds a NUL byte")
		    : read_line(&r, line);
		if (rc < 0) {
			cut_back(p, was);
			return -1;
		}
	}
	return 0;
}

bool
pb_profiles_has(const struct pb_profiles *p, const char *profile)
{
	for (size_t i = 0; p && i < p->len; i++)
		if (pb_streq(p->items[i].kind, "profile") && pb_streq(p->items[i].name, profile))
			return true;
	return false;
}

/* The last one written counts. */
static const char *
get(const struct pb_profiles *p, enum pb_profile_file file, const char *kind, const char *name,
    const char *key)
{
	for (size_t i = p ? p->len : 0; i > 0; i--) {
		const struct entry *e = &p->items[i - 1];
		if (e->file == file && e->key && strcasecmp(e->key, key) == 0 &&
		    pb_streq(e->name, name) && pb_streq(e->kind, kind))
			return e->value;
	}
	return NULL;
}

const char *
pb_profiles_get_from(
    const struct pb_profiles *p, enum pb_profile_file file, const char *profile, const char *key)
{
	return get(p, file, "profile", profile, key);
}

const char *
pb_profiles_get(const struct pb_profiles *p, const char *profile, const char *key)
{
	const char *value = get(p, PB_PROFILE_CREDENTIALS, "profile", profile, key);
	return value ? value : get(p, PB_PROFILE_CONFIG, "profile", profile, key);
}

const char *
pb_profiles_section_get(
    const struct pb_profiles *p, const char *kind, const char *name, const char *key)
{
	return get(p, PB_PROFILE_CONFIG, kind, name, key);
}

const char *
pb_aws_config_env(const struct pb_aws_config *c, const char *name)
{
	const char *value = c->getenv ? c->getenv(name, c->getenv_arg) : NULL;
	return value && *value ? value : NULL;
}

bool
pb_aws_config_profile_is_asked(const struct pb_aws_config *c)
{
	return (c->profile && *c->profile) || pb_aws_config_env(c, "AWS_PROFILE") ||
	    pb_aws_config_env(c, "AWS_DEFAULT_PROFILE");
}

const char *
pb_aws_config_profile(const struct pb_aws_config *c)
{
	if (c->profile && *c->profile)
		return c->profile;
	const char *name = pb_aws_config_env(c, "AWS_PROFILE");
	if (!name)
		name = pb_aws_config_env(c, "AWS_DEFAULT_PROFILE");
	return name ? name : "default";
}

const char *
pb_aws_config_get(const struct pb_aws_config *c, const char *env, const char *key)
{
	const char *value = env ? pb_aws_config_env(c, env) : NULL;
	if (!value && key)
		value = pb_profiles_get(c->profiles, pb_aws_config_profile(c), key);
	return value && *value ? value : NULL;
}

int
pb_aws_config_get_bool(const struct pb_aws_config *c, const char *env, const char *key,
    bool fallback, bool *ret, struct pb_error *err)
{
	const char *value = pb_aws_config_get(c, env, key);
	if (!value) {
		*ret = fallback;
		return 0;
	}
	bool is_true = strcasecmp(value, "true") == 0;
	if (!is_true && strcasecmp(value, "false") != 0) {
		char shown[64];
		pb_safe(shown, sizeof(shown), pb_str_of(value));
		if (env && pb_aws_config_env(c, env))
			return pb_fail(
			    err, PB_INVALID, "%s: \"%s\" is neither true nor false", env, shown);
		return pb_fail(err, PB_INVALID,
		    "%s of profile %s: \"%s\" is neither true nor false", key,
		    pb_aws_config_profile(c), shown);
	}
	*ret = is_true;
	return 0;
}

const char *
pb_aws_config_region(const struct pb_aws_config *c)
{
	if (c->region && *c->region)
		return c->region;
	const char *region = pb_aws_config_env(c, "AWS_REGION");
	if (!region)
		region = pb_aws_config_get(c, "AWS_DEFAULT_REGION", "region");
	return region ? region : c->found_region;
}

char *
pb_aws_config_path(const struct pb_aws_config *c, enum pb_profile_file file)
{
	bool is_config = file == PB_PROFILE_CONFIG;
	const char *home = pb_aws_config_env(c, "HOME");
	const char *path =
	    pb_aws_config_env(c, is_config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
	if (path && strncmp(path, "~/", 2) == 0 && home)
		return pb_asprintf("%s%s", home, path + 1);
	if (path)
		return pb_strdup(path);
	if (!home)
		return NULL;
	return pb_asprintf("%s/.aws/%s", home, is_config ? "config" : "credentials");
}
