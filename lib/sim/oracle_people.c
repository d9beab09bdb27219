/*
 * The oracle's book: what people say, once it is in a commit.
 */
#include "sim/oracle_book.h"

#include <stdio.h>
#include <string.h>

/* "7" stands for "20261128-7". */
static bool
does_mean(const char *text, const char *id)
{
	size_t n = text == NULL ? 0 : strlen(text), len = id == NULL ? 0 : strlen(id);
	if (n == 0 || n > len || strcmp(id + len - n, text) != 0)
		return false;
	return n == len || id[len - n - 1] == '-';
}

static void
take_word(struct oracle *o, struct duty *d, const struct heard *h, bool is_doubtful)
{
	int64_t until = o->now;
	switch ((int)h->kind) {
	case PB_IN_ACK:
		until += d->escalation->ack_expires_for;
		if (d->tried_at == 0 && d->playbook != NULL &&
		    until < d->since + d->playbook->page_by_for)
			until =
			    d->since + d->playbook->page_by_for; /* nobody was paged before that */
		break;
	case PB_IN_SNOOZE:
		if (h->span < PB_SNOOZE_MIN || h->span > PB_SNOOZE_MAX)
			return;
		until += h->span;
		break;
	case PB_IN_ESCALATE:
		d->has_until = 0;
		d->due_at = o->now;
		return;
	case PB_IN_RESOLVE:
		d->is_resolved_by_hand = true;
		return;
	case PB_IN_APPROVE:
		d->n_approved++;
		return;
	default:
		return;
	}
	/* Whoever answers before page_by has come has it until then at least; nor does an answer that may have
	 * been none bring it forward. */
	if ((d->tried_at == 0 || is_doubtful) && until < d->due_at)
		until = d->due_at;
	d->has_until = d->due_at = until;
}

/* The end of an id may be that of several: then it means none of them, unless some of them just ended. */
static bool
means_several(const struct oracle *o, const char *text)
{
	size_t i = 0;
	const char *key, *first = NULL;
	void *value;
	while (pb_map_next(o->duties, &i, &key, &value)) {
		const char *id = ((const struct duty *)value)->incident;
		if (!does_mean(text, id) || pb_streq(first, id))
			continue;
		if (first != NULL)
			return true;
		first = id;
	}
	return false;
}

void
oracle_take_command(struct oracle *o, const struct heard *h)
{
	size_t i = 0;
	const char *key;
	void *value;
	/* What asks for a page asks for none then; what allows something may have meant this one. */
	bool is_doubtful = means_several(o, h->id);
	if (h->kind == PB_IN_ESCALATE && is_doubtful)
		return;
	while (pb_map_next(o->duties, &i, &key, &value)) {
		struct duty *d = value;
		/* What was said before it began was not about it. */
		if (d->incident != NULL && h > d->began && does_mean(h->id, d->incident))
			take_word(o, d, h, is_doubtful);
		/* Ended by the commit that began it, it may be in no record: that may have been its id. */
		if (d->incident == NULL && h > d->began && h->kind == PB_IN_RESOLVE)
			d->is_resolved_by_hand = true;
	}
}

void
oracle_take_silence(struct oracle *o, const struct heard *h)
{
	char id[32];
	struct pb_pattern *pattern;
	if (h->span < PB_SILENCE_MIN || h->span > PB_SILENCE_MAX || h->match == NULL ||
	    pb_pattern_compile(pb_str_of(h->match), &pattern, NULL) < 0)
		return;
	struct hush *s = pb_calloc(1, sizeof(*s));
	*s = (struct hush){
	    .pattern = pattern, .match = pb_strdup(h->match), .until = o->now + h->span};
	(void)snprintf(id, sizeof(id), "s%zu", pb_map_len(o->silences) + 1);
	(void)pb_map_put(o->silences, id, s);
}
