/*
 * What the two kinds of source share: the handle, failures, status.
 */
#include <stdlib.h>

#include "base/log.h"
#include "daemon/poller_internal.h"

#define POLLER_MAGIC 0x70627031U

static void
copy_source(struct pb_source *to, const struct pb_source *from)
{
	*to = *from;
	to->name = pb_strdup(from->name);
	to->region = pb_strdup(from->region);
	to->name_prefix = pb_strdup(from->name_prefix);
	to->queue_url = pb_strdup(from->queue_url);
}

struct pb_poller *
pb_poller_new(struct pb_loop *loop, struct pb_client *client, const struct pb_source *source,
    uint16_t slot, const struct pb_poller_ops *ops, void *arg)
{
	struct pb_poller *p = pb_calloc(1, sizeof(*p));
	p->magic = POLLER_MAGIC;
	p->loop = loop;
	p->client = client;
	p->slot = slot;
	p->ops = *ops;
	p->arg = arg;
	copy_source(&p->source, source);
	if (source->type == PB_SOURCE_CLOUDWATCH)
		p->cloudwatch = pb_cloudwatch_new(p);
	else
		p->sqs = pb_sqs_new(p);
	return p;
}

void
pb_poller_stop(struct pb_poller *p)
{
	PB_CHECK_OBJ(p, POLLER_MAGIC);
	p->is_stopped = true;
	p->next_at = 0;
	if (p->cloudwatch)
		pb_cloudwatch_stop(p->cloudwatch);
	else
		pb_sqs_stop(p->sqs);
}

bool
pb_poller_is_idle(const struct pb_poller *p)
{
	return p->cloudwatch ? true : pb_sqs_is_idle(p->sqs);
}

void
pb_poller_free(struct pb_poller *p)
{
	if (!p)
		return;
	PB_CHECK_OBJ(p, POLLER_MAGIC);
	pb_cloudwatch_free(p->cloudwatch);
	pb_sqs_free(p->sqs);
	free(p->source.name);
	free(p->source.region);
	free(p->source.name_prefix);
	free(p->source.queue_url);
	p->magic = 0;
	free(p);
}

void
pb_poller_receipt(struct pb_poller *p, uint64_t receipt)
{
	PB_CHECK_OBJ(p, POLLER_MAGIC);
	if (p->sqs && PB_POLLER_SLOT(receipt) == p->slot)
		pb_sqs_receipt(p->sqs, receipt & ((UINT64_C(1) << 48) - 1));
}

void
pb_poller_release(struct pb_poller *p, uint64_t receipt)
{
	PB_CHECK_OBJ(p, POLLER_MAGIC);
	if (p->sqs && PB_POLLER_SLOT(receipt) == p->slot)
		pb_sqs_release(p->sqs, receipt & ((UINT64_C(1) << 48) - 1));
}

bool
pb_poller_is_of(const struct pb_poller *p, const struct pb_source *s)
{
	const struct pb_source *mine = &p->source;
	if (mine->type != s->type || !pb_streq(mine->name, s->name) ||
	    !pb_streq(mine->region, s->region))
		return false;
	if (s->type == PB_SOURCE_CLOUDWATCH)
		return mine->interval_for == s->interval_for &&
		    mine->metric_alarms == s->metric_alarms &&
		    mine->composite_alarms == s->composite_alarms &&
		    pb_streq(mine->name_prefix, s->name_prefix) &&
		    mine->backfill_for == s->backfill_for &&
		    mine->honours_mutes == s->honours_mutes;
	return pb_streq(mine->queue_url, s->queue_url) && mine->wait_for == s->wait_for &&
	    mine->visibility_for == s->visibility_for && mine->receivers == s->receivers &&
	    mine->quarantine_after == s->quarantine_after;
}

const char *
pb_poller_name(const struct pb_poller *p)
{
	return p->source.name;
}

json_t *
pb_poller_json(const struct pb_poller *p)
{
	json_t *j = json_object();
	bool is_sqs = p->sqs != NULL;
	const char *region = p->source.region ? p->source.region : pb_client_region(p->client);
	pb_json_set_str(j, "name", p->source.name);
	pb_json_set_str(j, "type", is_sqs ? "sqs" : "cloudwatch");
	if (is_sqs)
		pb_json_set_str(j, "queue_url", p->source.queue_url);
	else
		pb_json_set_str(j, "region", region);
	if (p->last_ok_at > 0)
		pb_json_set_i64(j, "last_ok_at", p->last_ok_at);
	if (p->next_at > 0)
		pb_json_set_i64(j, "next_at", p->next_at);
	pb_json_set_i64(j, "received", (int64_t)p->n_received);
	pb_json_set_i64(j, "rejected", (int64_t)p->n_rejected);
	if (is_sqs)
		pb_sqs_status(p->sqs, j);
	else
		pb_cloudwatch_status(p->cloudwatch, j);
	return j;
}

int64_t
pb_poller_now(const struct pb_poller *p)
{
	return p->ops.now(p->arg);
}

void
pb_poller_post_event(struct pb_poller *p, struct pb_event *e, uint64_t receipt)
{
	struct pb_input *in = pb_input_new(PB_IN_EVENT);
	in->source = pb_strdup(p->source.name);
	in->event = e;
	in->receipt = receipt;
	p->ops.post(p->arg, in);
}

/* --- failures */

static int64_t
note_failure(struct pb_poller *p, struct pb_trouble *t, const char *operation, const char *text,
    int64_t delay)
{
	char span[PB_TIME_TEXT];
	free(t->error);
	t->error = pb_asprintf("%s: %s", operation, text);
	if (t->n++ == 0)
		pb_warn("source %s: %s, retrying in %s", p->source.name, t->error,
		    pb_duration_text(span, delay));
	return delay;
}

/* Half to all of base * 2^n, so that daemons that failed together do not return together. */
static int64_t
backoff(struct pb_poller *p, const struct pb_trouble *t, int64_t base)
{
	int64_t span = base;
	for (unsigned i = 0; i < t->n && span < PB_POLLER_RETRY_MAX; i++)
		span *= 2;
	if (span > PB_POLLER_RETRY_MAX)
		span = PB_POLLER_RETRY_MAX;
	return pb_client_jitter(p->client, span * 3 / 4, span / 4);
}

int64_t
pb_trouble_failed(struct pb_poller *p, struct pb_trouble *t, const char *operation,
    const struct pb_client_result *result, int64_t base)
{
	int64_t delay = backoff(p, t, base);
	/* Somebody has to make it first; asking often would only fill the account's logs. */
	if (result->error.class == PB_AWS_GONE)
		delay = pb_client_jitter(p->client, PB_POLLER_RETRY_MAX, PB_POLLER_RETRY_MAX / 10);
	if (result->wait_for > delay)
		delay = result->wait_for;
	PB_CLEANUP(pb_freep)
	char *text = pb_asprintf("%s%s", result->text,
	    p->sqs && result->error.class == PB_AWS_GONE ? "; make the queue, or correct queue_url"
							 : "");
	return note_failure(p, t, operation, text, delay);
}

int64_t
pb_trouble_bad(struct pb_poller *p, struct pb_trouble *t, const char *operation, const char *text,
    int64_t base)
{
	return note_failure(p, t, operation, text, backoff(p, t, base));
}

void
pb_trouble_over(struct pb_poller *p, struct pb_trouble *t, const char *operation)
{
	if (t->n > 0)
		pb_notice(
		    "source %s: %s works again after %u failures", p->source.name, operation, t->n);
	t->n = 0;
	free(t->error);
	t->error = NULL;
}
