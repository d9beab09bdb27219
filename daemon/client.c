/*
 * AWS calls on the loop.
 */
#include "daemon/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "aws/arn.h"
#include "aws/retry.h"
#include "aws/skew.h"
#include "base/clock.h"
#include "base/map.h"
#include "daemon/client_creds.h"
#include "io/transfer.h"

#define CLIENT_MAGIC 0x70626331U
#define CALL_MAGIC 0x70626332U

/* What is learnt of one service in one region. */
struct peer {
	struct pb_aws_quota quota;
	struct pb_aws_skew skew;
};

struct pb_client {
	uint32_t magic;
	struct pb_loop *loop;
	struct pb_transfers *transfers;
	char *region;
	int64_t (*wall)(void *arg);
	void *wall_arg;
	struct pb_client_creds creds;
	struct pb_rand rand;
	struct pb_map *peers; /* "SERVICE/REGION" -> struct peer */
	struct pb_client_call *calls;
	size_t n_calls;
};

struct pb_client_call {
	uint32_t magic;
	struct pb_client *client;
	struct pb_client_call *prev, *next;
	pb_client_fn *fn;
	void *arg;

	char *service, *operation;
	const struct pb_aws_op *op; /* NULL: not in the table */
	json_t *inputs;
	char *region; /* asked for; NULL = find it */
	char *effect_name;
	enum pb_aws_effect effect;
	int64_t limit_for, limit_at; /* limit_at is monotonic; 0 = none */
	struct pb_loop_timer *wait, *limit;

	struct pb_aws_retry retry;
	struct peer *peer;
	struct pb_aws_creds *creds; /* those of the attempt at hand */
	struct pb_transfer *transfer;
	char invocation_id[37];
	int n_sent;
	char request_id[80]; /* of the last answer */
	struct pb_aws_skew skew; /* that the attempt was signed with */
	bool is_maybe_taken; /* some attempt is not proven to have had no effect */
	bool is_waiting; /* for credentials */
	bool has_waited; /* they have just come: however short they last, it goes on with them */
};

static void on_credentials(const struct pb_error *err, void *arg);

static int64_t
process_wall(void *arg)
{
	(void)arg;
	return pb_clock_wall();
}

static int64_t
wall(const struct pb_client *c)
{
	return c->wall(c->wall_arg);
}

int
pb_client_new(struct pb_loop *loop, const struct pb_client_options *options,
    struct pb_client **ret_client, struct pb_error *err)
{
	struct pb_transfers *transfers;
	if (pb_transfers_new(loop, "playbookd/" PB_VERSION, &transfers, err) < 0)
		return -1;
	struct pb_client *c = pb_calloc(1, sizeof(*c));
	c->magic = CLIENT_MAGIC;
	c->loop = loop;
	c->transfers = transfers;
	c->region = options->region && *options->region ? pb_strdup(options->region) : NULL;
	c->wall = options->wall ? options->wall : process_wall;
	c->wall_arg = options->wall_arg;
	c->peers = pb_map_new();
	pb_rand_seed(&c->rand, options->seed);
	pb_client_creds_init(&c->creds,
	    &(struct pb_client_creds_options){
		.loop = loop,
		.transfers = transfers,
		.getenv = options->getenv,
		.getenv_arg = options->getenv_arg,
		.region = c->region,
		.wall = c->wall,
		.wall_arg = c->wall_arg,
		.seed = pb_rand_u64(&c->rand),
		.on_done = on_credentials,
		.on_done_arg = c,
	    });
	/* The settings are wanted at once; that there are no credentials is for the calls to say. */
	(void)pb_client_creds_ensure(&c->creds, NULL);
	*ret_client = c;
	return 0;
}

void
pb_client_free(struct pb_client *c)
{
	if (!c)
		return;
	PB_CHECK_OBJ(c, CLIENT_MAGIC);
	while (c->calls)
		pb_client_cancel(c->calls);
	pb_client_creds_fini(&c->creds);
	pb_transfers_free(c->transfers);
	pb_map_free(c->peers, free);
	free(c->region);
	c->magic = 0;
	free(c);
}

struct pb_transfers *
pb_client_transfers(const struct pb_client *c)
{
	return c->transfers;
}

size_t
pb_client_n_calls(const struct pb_client *c)
{
	return c->n_calls;
}

const char *
pb_client_region(const struct pb_client *c)
{
	return pb_aws_config_region(&c->creds.config);
}

const char *
pb_client_credentials(const struct pb_client *c)
{
	return c->creds.cache.creds ? c->creds.cache.creds->source : NULL;
}

int64_t
pb_client_jitter(struct pb_client *c, int64_t span, int64_t spread)
{
	int64_t moved = span - spread + pb_rand_below(&c->rand, 2 * spread + 1);
	return moved > 0 ? moved : 0;
}

void
pb_client_uuid(struct pb_client *c, char out[37])
{
	pb_rand_uuid(&c->rand, out);
}

/* --- the end of a call */

static void
free_call(struct pb_client_call *k)
{
	struct pb_client *c = k->client;
	if (k->prev)
		k->prev->next = k->next;
	else
		c->calls = k->next;
	if (k->next)
		k->next->prev = k->prev;
	c->n_calls--;
	pb_transfer_cancel(k->transfer);
	pb_loop_timer_free(k->wait);
	pb_loop_timer_free(k->limit);
	pb_aws_creds_free(k->creds);
	json_decref(k->inputs);
	free(k->service);
	free(k->operation);
	free(k->region);
	free(k->effect_name);
	k->magic = 0;
	free(k);
}

void
pb_client_cancel(struct pb_client_call *k)
{
	if (!k)
		return;
	PB_CHECK_OBJ(k, CALL_MAGIC);
	free_call(k);
}

/* "SQS ReceiveMessage: CODE: message (HTTP 403): what to do". */
static char *
failure_text(const struct pb_client_call *k, const struct pb_aws_error *e)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	PB_CLEANUP(pb_freep) char *error = pb_aws_error_text(e);
	PB_CLEANUP(pb_freep)
	char *advice = k->op && e->http_status ? pb_aws_error_advice(e, k->op, k->creds) : NULL;
	pb_buf_adds(&b, error);
	if (k->n_sent > 1)
		pb_buf_addf(&b, ", after %d attempts", k->n_sent);
	if (advice) {
		pb_buf_adds(&b, "; ");
		pb_buf_add_safe(&b, pb_str_of(advice), 600, false);
	}
	return pb_buf_take(&b);
}

/* Ends the call: the handle is gone after it. */
static void
end_call(struct pb_client_call *k, json_t *output, const struct pb_aws_error *e, int64_t wait_for)
{
	struct pb_client_result r = {
	    .is_ok = e == NULL,
	    .output = output,
	    .attempts = k->n_sent,
	    .wait_for = wait_for,
	};
	memcpy(r.request_id, k->request_id, sizeof(r.request_id));
	PB_CLEANUP(pb_freep) char *text = e ? failure_text(k, e) : pb_strdup("");
	if (e) {
		r.error = *e;
		r.is_unknown =
		    k->is_maybe_taken && (k->effect == PB_AWS_TOKEN || k->effect == PB_AWS_ONCE);
	}
	r.text = text;
	pb_client_fn *fn = k->fn;
	void *arg = k->arg;
	free_call(k);
	fn(&r, arg);
}

static void
end_with(struct pb_client_call *k, const char *code, enum pb_aws_class class, const char *text)
{
	struct pb_aws_error e = {
	    .class = class,
	    .is_not_taken = !k->is_maybe_taken,
	    .retry_after_for = -1,
	};
	snprintf(e.code, sizeof(e.code), "%s", code);
	size_t len = pb_utf8_cut(pb_str_of(text), sizeof(e.message) - 1);
	snprintf(e.message, sizeof(e.message), "%.*s", (int)len, text);
	e.is_timeout = pb_streq(code, "States.Timeout");
	end_call(k, NULL, &e, 0);
}

static void
on_limit(void *arg)
{
	struct pb_client_call *k = arg;
	char span[PB_TIME_TEXT], text[96];
	if (k->transfer)
		k->is_maybe_taken = true;
	snprintf(text, sizeof(text), "no answer within %s", pb_duration_text(span, k->limit_for));
	end_with(k, "States.Timeout", PB_AWS_TRANSIENT, text);
}

/* --- an attempt */

/* The region an ARN of this service among the inputs names; "" when none does. */
static void
region_of_inputs(const struct pb_client_call *k, char out[PB_AWS_REGION_MAX])
{
	out[0] = '\0';
	const char *key, *queue_url = pb_json_str(k->inputs, "QueueUrl");
	json_t *value;
	if (queue_url && pb_aws_queue_url_region(queue_url, out))
		return;
	json_object_foreach (k->inputs, key, value) {
		struct pb_arn arn;
		const char *text = json_string_value(value);
		if (!text || pb_arn_parse(pb_str_of(text), &arn, NULL) < 0)
			continue;
		if (!pb_str_is(arn.service, k->op->service) || arn.region.len == 0 ||
		    arn.region.len >= PB_AWS_REGION_MAX)
			continue;
		snprintf(out, PB_AWS_REGION_MAX, "%.*s", PB_STR_ARG(arn.region));
		return;
	}
}

static int
resolve(struct pb_client_call *k, struct pb_aws_endpoint *ret, struct pb_error *err)
{
	struct pb_client *c = k->client;
	const struct pb_aws_config *cfg = &c->creds.config;
	const struct pb_aws_service *s = pb_aws_op_service(k->op);
	char region[PB_AWS_REGION_MAX];
	region_of_inputs(k, region);
	struct pb_aws_endpoint_options o = {
	    .region = k->region ? k->region
		: *region       ? region
				: pb_client_region(c),
	    .custom_url = pb_aws_endpoint_configured(s, cfg),
	};
	if (pb_aws_config_get_bool(
		cfg, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", false, &o.use_fips, err) < 0 ||
	    pb_aws_config_get_bool(cfg, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint",
		false, &o.use_dualstack, err) < 0)
		return -1;
	return pb_aws_endpoint_resolve(s, &o, ret, err);
}

static struct peer *
peer_of(struct pb_client *c, const struct pb_aws_op *op, const char *region)
{
	char key[128];
	snprintf(key, sizeof(key), "%s/%s", op->service, region);
	struct peer *p = pb_map_get(c->peers, key);
	if (!p) {
		p = pb_calloc(1, sizeof(*p));
		pb_aws_quota_init(&p->quota);
		pb_map_put(c->peers, key, p);
	}
	return p;
}

static bool
is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strncasecmp(host, "localhost", 9) == 0 ||
	    strncmp(host, "[::1]", 5) == 0;
}

static int64_t
time_left(const struct pb_client_call *k)
{
	int64_t most = pb_aws_op_timeout_for(k->op, k->inputs);
	if (k->limit_at == 0)
		return most;
	/* A little more than the limit: its own timer is to say what happened. */
	int64_t left = k->limit_at - pb_clock_mono() + PB_SECOND;
	return left < most ? left : most;
}

static void on_transfer(const struct pb_transfer_result *result, void *arg);

static void
send_request(struct pb_client_call *k, const struct pb_aws_request *r,
    const struct pb_aws_endpoint *endpoint)
{
	struct pb_transfer_header headers[32];
	size_t n = r->headers.len;
	pb_check(n <= PB_ARRAY_LEN(headers));
	for (size_t i = 0; i < n; i++)
		headers[i] = (struct pb_transfer_header){
		    r->headers.items[i].name, r->headers.items[i].value};
	struct pb_transfer_request req = {
	    .method = r->method,
	    .url = r->url,
	    .headers = headers,
	    .n_headers = n,
	    .body = pb_buf_str(&r->body),
	    .total_for = time_left(k),
	    .max_body = PB_AWS_BODY_MAX,
	    .ca_bundle = pb_aws_config_get(&k->client->creds.config, "AWS_CA_BUNDLE", "ca_bundle"),
	    .fresh_connection = k->effect >= PB_AWS_CHECK_FIRST,
	    .allow_http = endpoint->is_custom && !endpoint->is_tls,
	    .no_proxy = endpoint->is_custom && is_loopback(endpoint->host),
	};
	k->n_sent++;
	k->transfer = pb_transfer_start(k->client->transfers, &req, on_transfer, k);
}

static void
attempt(void *arg)
{
	struct pb_client_call *k = arg;
	struct pb_client *c = k->client;
	struct pb_error err = {0};
	if (!k->op) {
		PB_CLEANUP(pb_freep)
		char *text = pb_asprintf("no operation %s.%s", k->service, k->operation);
		end_with(k, "Client.Invalid", PB_AWS_OURS, text);
		return;
	}
	enum pb_client_creds_state creds = PB_CLIENT_CREDS_READY;
	if (!k->has_waited)
		creds = pb_client_creds_ensure(&c->creds, &err);
	k->has_waited = false;
	if (creds == PB_CLIENT_CREDS_FAILED) {
		end_with(k, "Credentials.Unavailable", PB_AWS_CREDENTIALS_WRONG, err.text);
		return;
	}
	k->is_waiting = creds == PB_CLIENT_CREDS_WAIT;
	if (k->is_waiting)
		return;
	struct pb_aws_endpoint endpoint;
	if (resolve(k, &endpoint, &err) < 0) {
		end_with(k, "Client.Invalid", PB_AWS_OURS, err.text);
		return;
	}
	k->peer = peer_of(c, k->op, endpoint.region);
	pb_aws_creds_free(k->creds);
	k->creds = pb_aws_creds_copy(c->creds.cache.creds);
	k->skew = k->peer->skew;
	struct pb_aws_call call = {
	    .op = k->op,
	    .inputs = k->inputs,
	    .endpoint = &endpoint,
	    .creds = k->creds,
	    .at = wall(c) + k->skew.skew_for,
	    .invocation_id = k->invocation_id,
	    .attempt = k->retry.attempt,
	    .max_attempts = k->retry.max_attempts,
	    .ttl_at = wall(c) + k->skew.skew_for + time_left(k),
	};
	PB_CLEANUP(pb_aws_request_freep) struct pb_aws_request *r = NULL;
	if (pb_aws_call_build(&call, &r, &err) < 0) {
		if (*err.path)
			pb_wrap(&err, "%s", err.path);
		end_with(k, "Client.Invalid", PB_AWS_OURS, err.text);
		return;
	}
	send_request(k, r, &endpoint);
}

static struct pb_client_call *
first_waiting(const struct pb_client *c)
{
	struct pb_client_call *k = c->calls;
	while (k && !k->is_waiting)
		k = k->next;
	return k;
}

/* A callback may begin and cancel calls: each is looked for anew. */
static void
on_credentials(const struct pb_error *err, void *arg)
{
	struct pb_client *c = arg;
	struct pb_client_call *k;
	while ((k = first_waiting(c)) != NULL) {
		k->is_waiting = false;
		k->has_waited = err == NULL;
		if (err)
			end_with(k, "Credentials.Unavailable", PB_AWS_CREDENTIALS_WRONG, err->text);
		else
			pb_loop_timer_set(k->wait, 0);
	}
}

/* --- its answer */

static void
failed(struct pb_client_call *k, const struct pb_aws_error *e)
{
	struct pb_client *c = k->client;
	if (!e->is_not_taken)
		k->is_maybe_taken = true;
	/* Wrong ones too: somebody may have put right ones into the file since. */
	if (e->class == PB_AWS_CREDENTIALS_STALE || e->class == PB_AWS_CREDENTIALS_WRONG)
		pb_creds_rejected(&c->creds.cache, k->creds->access_key_id);
	struct pb_aws_retry_decision d =
	    pb_aws_retry_failed(&k->retry, &k->peer->quota, k->op, k->effect, e, &c->rand);
	if (d.why == PB_AWS_RETRY_AGAIN) {
		pb_loop_timer_set(k->wait, d.wait_for);
		return;
	}
	end_call(k, NULL, e, d.wait_for);
}

static enum pb_aws_net
net_of(enum pb_transfer_kind kind)
{
	switch (kind) {
	case PB_TRANSFER_CONNECT:
	case PB_TRANSFER_TLS:
		return PB_AWS_NET_CONNECT;
	case PB_TRANSFER_RESET:
		return PB_AWS_NET_RESET;
	case PB_TRANSFER_TIMEOUT:
		return PB_AWS_NET_TIMEOUT;
	case PB_TRANSFER_CUT:
		return PB_AWS_NET_CUT;
	case PB_TRANSFER_TOO_LARGE:
		return PB_AWS_NET_TOO_BIG;
	case PB_TRANSFER_OK:
	case PB_TRANSFER_INVALID:
	case PB_TRANSFER_GARBAGE:
	case PB_TRANSFER_KIND_MAX:
		break;
	}
	return PB_AWS_NET_OTHER;
}

static void
no_answer(struct pb_client_call *k, const struct pb_transfer_result *result)
{
	struct pb_aws_error e;
	if (result->kind == PB_TRANSFER_INVALID) {
		end_with(k, "Client.Invalid", PB_AWS_OURS, result->text);
		return;
	}
	pb_aws_error_network(net_of(result->kind), result->text, &e);
	e.is_not_taken = e.is_not_taken || !result->request_sent;
	failed(k, &e);
}

static void
on_transfer(const struct pb_transfer_result *result, void *arg)
{
	struct pb_client_call *k = arg;
	PB_CHECK_OBJ(k, CALL_MAGIC);
	k->transfer = NULL;
	if (result->kind != PB_TRANSFER_OK) {
		no_answer(k, result);
		return;
	}
	struct pb_aws_headers headers = {0};
	for (size_t i = 0; i < result->n_headers; i++)
		pb_aws_headers_add(&headers, result->headers[i].name, result->headers[i].value);
	struct pb_aws_answer answer = {
	    .status = result->status, .headers = &headers, .body = result->body};
	const char *id = pb_aws_headers_get(&headers, "x-amzn-RequestId");
	(void)snprintf(k->request_id, sizeof(k->request_id), "%s", id == NULL ? "" : id);
	struct pb_aws_error e;
	json_t *output = NULL;
	int rc = pb_aws_call_parse(k->op, &answer, &output, &e);
	int64_t moved = wall(k->client) - pb_clock_wall();
	/* Other calls may have learnt since: it is judged by what this one was signed with. */
	const int64_t signed_with = k->skew.skew_for;
	pb_aws_skew_learn(&k->skew, &answer, result->sent_at + moved, result->received_at + moved,
	    result->took, rc < 0 ? &e : NULL);
	if (k->skew.skew_for != signed_with)
		k->peer->skew = k->skew;
	pb_aws_headers_fini(&headers);
	if (rc < 0) {
		pb_aws_error_hide(&e, k->creds);
		failed(k, &e);
		return;
	}
	pb_aws_retry_succeeded(&k->retry, &k->peer->quota);
	end_call(k, output, NULL, 0);
	json_decref(output);
}

/* --- the beginning of a call */

static enum pb_aws_effect
effect_of(const struct pb_client_call *k)
{
	if (!k->op)
		return PB_AWS_ONCE;
	enum pb_aws_effect table = pb_aws_op_effect(k->op, k->inputs);
	if (!k->effect_name)
		return table;
	if (pb_streq(k->effect_name, "read"))
		return PB_AWS_READ;
	if (pb_streq(k->effect_name, "idempotent"))
		return PB_AWS_IDEMPOTENT;
	/* A token that is not there protects nothing. */
	if (pb_streq(k->effect_name, "token"))
		return table == PB_AWS_TOKEN ? PB_AWS_TOKEN : PB_AWS_ONCE;
	return PB_AWS_ONCE;
}

struct pb_client_call *
pb_client_call(
    struct pb_client *c, const struct pb_client_request *req, pb_client_fn *fn, void *arg)
{
	PB_CHECK_OBJ(c, CLIENT_MAGIC);
	struct pb_client_call *k = pb_calloc(1, sizeof(*k));
	k->magic = CALL_MAGIC;
	k->client = c;
	k->fn = fn;
	k->arg = arg;
	k->service = pb_strdup(req->service);
	k->operation = pb_strdup(req->operation);
	k->op = pb_aws_op_find(req->service, req->operation);
	k->inputs = req->inputs ? json_incref((json_t *)(uintptr_t)req->inputs) : json_object();
	k->region = req->region && *req->region ? pb_strdup(req->region) : NULL;
	k->effect_name = pb_strdup(req->effect);
	k->effect = effect_of(k);
	k->limit_for = req->limit_for;
	pb_aws_retry_init(&k->retry, req->max_attempts > 0 ? req->max_attempts : PB_AWS_ATTEMPTS);
	pb_rand_uuid(&c->rand, k->invocation_id);
	k->next = c->calls;
	if (c->calls)
		c->calls->prev = k;
	c->calls = k;
	c->n_calls++;
	k->wait = pb_loop_timer_new(c->loop, attempt, k);
	pb_loop_timer_set(k->wait, 0);
	if (req->limit_for > 0) {
		k->limit = pb_loop_timer_new(c->loop, on_limit, k);
		k->limit_at = pb_clock_mono() + req->limit_for;
		pb_loop_timer_set(k->limit, req->limit_for);
	}
	return k;
}
