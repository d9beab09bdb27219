/*
 * Credentials of the client: drives the search of lib/aws.
 */
#include "daemon/client_creds.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "io/file.h"

extern char **environ;

static const char *
process_getenv(const char *name, void *arg)
{
	(void)arg;
	return getenv(name);
}

static void go_on(struct pb_client_creds *c);
static void on_pause(void *arg);

void
pb_client_creds_init(struct pb_client_creds *c, const struct pb_client_creds_options *options)
{
	*c = (struct pb_client_creds){
	    .options = *options,
	    .config = {.getenv = options->getenv ? options->getenv : process_getenv,
		.getenv_arg = options->getenv_arg,
		.region = options->region},
	};
	c->pause = pb_loop_timer_new(options->loop, on_pause, c);
	pb_rand_seed(&c->rand, options->seed);
}

void
pb_client_creds_fini(struct pb_client_creds *c)
{
	pb_loop_timer_free(c->pause);
	pb_transfer_cancel(c->transfer);
	pb_child_kill(c->child);
	pb_creds_chain_free(c->chain);
	pb_creds_cache_fini(&c->cache);
	free(c->warning);
	free(c->found_region);
	*c = (struct pb_client_creds){0};
}

static int64_t
now(const struct pb_client_creds *c)
{
	return c->options.wall(c->options.wall_arg);
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

/* --- the end of a search */

static void
log_warning(struct pb_client_creds *c, const char *warning)
{
	if (warning && !pb_streq(warning, c->warning))
		pb_warn("AWS settings: %s; going on without that file", warning);
	free(c->warning);
	c->warning = pb_strdup(warning);
}

static void
take_region(struct pb_client_creds *c)
{
	const char *found = pb_creds_found_region(c->chain);
	if (found == NULL)
		return;
	free(c->found_region);
	c->found_region = pb_strdup(found);
	c->config.found_region = c->found_region;
}

/* 0 = there are credentials, also when they are the old ones. */
static int
finish(struct pb_client_creds *c, const struct pb_error *why, struct pb_error *err)
{
	c->is_searching = false;
	log_warning(c, pb_creds_warning(c->chain));
	if (why == NULL) {
		take_region(c);
		(void)pb_creds_refreshed(&c->cache, pb_creds_take(c->chain), now(c), &c->rand);
		return 0;
	}
	bool is_final = pb_creds_is_final(c->chain);
	if (pb_creds_refresh_failed(&c->cache, is_final, now(c), &c->rand)) {
		pb_warn("AWS credentials: %s; going on with those from %s", why->text,
		    c->cache.creds->source);
		return 0;
	}
	if (err)
		*err = *why;
	return -1;
}

static void
finish_later(struct pb_client_creds *c, const struct pb_error *why)
{
	struct pb_error err = {0};
	int rc = finish(c, why, &err);
	c->options.on_done(rc < 0 ? &err : NULL, c->options.on_done_arg);
}

/* --- what the search asks for */

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

static void
on_transfer(const struct pb_transfer_result *result, void *arg)
{
	struct pb_client_creds *c = arg;
	c->transfer = NULL;
	if (result->kind != PB_TRANSFER_OK) {
		pb_creds_feed_no_answer(c->chain, result->text);
	} else {
		const struct pb_aws_headers none = {0};
		const struct pb_aws_answer answer = {
		    .status = result->status, .headers = &none, .body = result->body};
		pb_creds_feed_answer(c->chain, &answer);
	}
	go_on(c);
}

static void
send_request(struct pb_client_creds *c, const struct pb_creds_ask *ask)
{
	const struct pb_aws_request *r = ask->request;
	struct pb_transfer_header headers[32];
	size_t n = r->headers.len;
	pb_check(n <= PB_ARRAY_LEN(headers));
	for (size_t i = 0; i < n; i++)
		headers[i] = (struct pb_transfer_header){
		    r->headers.items[i].name, r->headers.items[i].value};
	const struct pb_transfer_request req = {
	    .method = r->method,
	    .url = r->url,
	    .headers = headers,
	    .n_headers = n,
	    .body = pb_buf_str(&r->body),
	    .total_for = ask->total_for,
	    .connect_for = ask->total_for,
	    .max_body = ask->max,
	    .ca_bundle = pb_aws_config_get(&c->config, "AWS_CA_BUNDLE", "ca_bundle"),
	    .allow_http = ask->is_local || ask->is_custom,
	    .no_proxy = ask->is_local,
	};
	c->transfer = pb_transfer_start(c->options.transfers, &req, on_transfer, c);
}

/* The request is asked for once more: it stands in the chain still. */
static void
on_pause(void *arg)
{
	struct pb_client_creds *c = arg;
	struct pb_creds_ask ask;
	struct pb_error err = {0};
	if (pb_creds_next(c->chain, &ask, &err) < 0)
		finish_later(c, &err);
	else
		send_request(c, &ask);
}

static void
on_child(const struct pb_child_result *result, void *arg)
{
	struct pb_client_creds *c = arg;
	char last[256];
	c->child = NULL;
	struct pb_str said = result->err;
	while (said.len > 0 && said.ptr[said.len - 1] == '\n')
		said.len--;
	if (result->end == PB_CHILD_EXITED && result->code == 0) {
		pb_creds_feed_program(c->chain, result->out);
	} else {
		PB_CLEANUP(pb_freep)
		char *why = pb_asprintf("%s%s%s", result->text, said.len > 0 ? ": " : "",
		    said.len > 0 ? pb_safe(last, sizeof(last), said) : "");
		pb_creds_feed_program_error(c->chain, why);
	}
	go_on(c);
}

/* What a program of AWS's tools needs, and nothing of the service manager's. */
static bool
is_for_programs(const char *variable)
{
	static const char *const names[] = {"HOME=", "PATH=", "USER=", "LANG=", "LC_ALL=", "TZ=",
	    "HTTPS_PROXY=", "HTTP_PROXY=", "NO_PROXY=", "https_proxy=", "http_proxy=", "no_proxy=",
	    "SSL_CERT_FILE=", "SSL_CERT_DIR=", "XDG_"};
	if (strncmp(variable, "AWS_", 4) == 0)
		return true;
	for (size_t i = 0; i < PB_ARRAY_LEN(names); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static void
run_program(struct pb_client_creds *c, const struct pb_creds_ask *ask)
{
	size_t n = 0, size = 0;
	while (environ[size] != NULL)
		size++;
	PB_CLEANUP(pb_freep) const char **env = pb_calloc(size + 1, sizeof(*env));
	for (size_t i = 0; i < size; i++)
		if (is_for_programs(environ[i]))
			env[n++] = environ[i];
	const struct pb_child_request req = {
	    .argv = ask->argv,
	    .env = env,
	    .limit_for = ask->total_for,
	    .max_output = ask->max,
	};
	c->child = pb_child_start(c->options.loop, &req, on_child, c);
}

/* Until something has to be waited for: 1; 0 = found, -1 = failed. */
static int
step(struct pb_client_creds *c, struct pb_error *err)
{
	for (;;) {
		struct pb_creds_ask ask;
		if (pb_creds_next(c->chain, &ask, err) < 0)
			return -1;
		switch (ask.kind) {
		case PB_CREDS_DONE:
			return 0;
		case PB_CREDS_FILE:
			feed_file(c->chain, &ask);
			break;
		case PB_CREDS_HTTP:
			if (ask.wait_for > 0)
				pb_loop_timer_set(c->pause, ask.wait_for);
			else
				send_request(c, &ask);
			return 1;
		case PB_CREDS_PROGRAM:
			run_program(c, &ask);
			return 1;
		case PB_CREDS_ASK_MAX:
			pb_impossible("an ask of no kind");
		}
	}
}

static void
go_on(struct pb_client_creds *c)
{
	struct pb_error err = {0};
	int rc = step(c, &err);
	if (rc <= 0)
		finish_later(c, rc < 0 ? &err : NULL);
}

/* --- when */

/* May calls go on with what is cached while new ones are looked for? */
static enum pb_client_creds_state
meanwhile(const struct pb_client_creds *c)
{
	enum pb_creds_window w = pb_creds_window(&c->cache, now(c));
	return w == PB_CREDS_FRESH || w == PB_CREDS_ADVISORY ? PB_CLIENT_CREDS_READY
							     : PB_CLIENT_CREDS_WAIT;
}

enum pb_client_creds_state
pb_client_creds_ensure(struct pb_client_creds *c, struct pb_error *err)
{
	struct pb_error why = {0};
	if (c->is_searching)
		return meanwhile(c);
	if (c->chain && c->cache.creds && !is_changed(c) &&
	    !pb_creds_wants_refresh(&c->cache, now(c)))
		return PB_CLIENT_CREDS_READY;
	for (size_t i = 0; i < PB_PROFILE_FILE_KIND_MAX; i++)
		c->read_at[i] = mtime_of(c, (enum pb_profile_file)i);

	struct pb_aws_config config = c->config;
	config.profiles = NULL;
	config.found_region = c->found_region;
	struct pb_creds_chain *chain = pb_creds_chain_new(&config, now(c));
	pb_creds_chain_free(c->chain);
	c->chain = chain;
	/* Both files are read before anything has to be waited for. */
	c->config.profiles = pb_creds_profiles(chain);
	c->is_searching = true;
	int rc = step(c, &why);
	if (rc > 0)
		return meanwhile(c);
	rc = finish(c, rc < 0 ? &why : NULL, err);
	return rc < 0 ? PB_CLIENT_CREDS_FAILED : PB_CLIENT_CREDS_READY;
}
