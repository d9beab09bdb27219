/*
 * Matching one pattern, and saying why it does not.
 */
#include <stdlib.h>

#include "pattern/exact.h"
#include "pattern/internal.h"
#include "pattern/walk.h"

#define SHOWN_VALUES 3
#define SHOWN_BYTES 120
#define WANTED_BYTES 400

bool
pb_walk_field_holds(const struct pb_walk *w, uint32_t i)
{
	const struct pb_field *field = &w->pattern->fields[i];
	const struct pb_found *f = &w->found[i];

	if (f->matching.n > 0)
		return true;
	if (!field->may_be_absent)
		return false;
	if (f->all.n == 0)
		return true;
	/* Only inside arrays can the others bind an element that lacks it. */
	for (size_t k = f->all.first; k < f->all.first + f->all.n; k++)
		if (w->leaves[k].n == 0)
			return false;
	return true;
}

/* How many fields of the branch hold, up to the first that does not. */
static size_t
count_holding(struct pb_walk *w, const struct pb_branch *b)
{
	size_t n = 0;

	while (n < b->n) {
		(void)pb_walk_find(w, b->fields[n]);
		if (!pb_walk_field_holds(w, b->fields[n]))
			break;
		n++;
	}
	return n;
}

static bool
branch_holds(struct pb_walk *w, const struct pb_branch *b)
{
	w->tries = 0;
	return count_holding(w, b) == b->n && pb_join_holds(w, b);
}

bool
pb_pattern_match(const struct pb_pattern *p, const json_t *event)
{
	PB_CHECK_OBJ(p, PB_PATTERN_MAGIC);
	if (!json_is_object(event))
		return false;

	PB_CLEANUP(pb_walk_fini) struct pb_walk w;
	pb_walk_init(&w, p, event);
	for (size_t i = 0; i < p->n_branches; i++)
		if (branch_holds(&w, &p->branches[i]))
			return true;
	return false;
}

static void
add_value(struct pb_buf *why, const json_t *value)
{
	PB_CLEANUP(pb_freep) char *text = pb_exact_text(value);

	pb_buf_add_safe(why, pb_str_of(text), SHOWN_BYTES, false);
}

static void
add_path(struct pb_buf *why, const struct pb_field *f)
{
	pb_buf_add_safe(why, (struct pb_str){f->path, f->path_len}, SHOWN_BYTES, false);
}

static void
add_found(struct pb_buf *why, const struct pb_walk *w, const struct pb_found *f)
{
	if (f->all.n == 0) {
		(void)pb_buf_adds(why,
		    f->saw_structure ? "is absent (an object or an empty array stands there)"
				     : "is absent");
		return;
	}
	(void)pb_buf_adds(why, "is ");
	for (size_t i = 0; i < f->all.n && i < SHOWN_VALUES; i++) {
		if (i > 0)
			(void)pb_buf_adds(why, ", ");
		add_value(why, w->leaves[f->all.first + i].value);
	}
	if (f->all.n > SHOWN_VALUES)
		(void)pb_buf_addf(why, " and %zu more", f->all.n - SHOWN_VALUES);
}

void
pb_walk_tell_field(const struct pb_walk *w, uint32_t i, struct pb_buf *why)
{
	const struct pb_field *field = &w->pattern->fields[i];

	add_path(why, field);
	(void)pb_buf_addc(why, ' ');
	add_found(why, w, &w->found[i]);
	(void)pb_buf_adds(why, ", wanted one of ");
	pb_buf_add_safe(why, pb_str_of(field->wanted), WANTED_BYTES, false);
}

void
pb_walk_tell_join(const struct pb_walk *w, const struct pb_branch *b, struct pb_buf *why)
{
	const char *before = "";

	if (w->tries > PB_PATTERN_TRIES_MAX) {
		(void)pb_buf_adds(why, "the event spells one path in too many ways to be judged");
		return;
	}
	(void)pb_buf_adds(why, "no single array element holds together ");
	for (size_t i = 0; i < b->n; i++) {
		const struct pb_found *f = &w->found[b->fields[i]];
		bool is_in_array = false;
		for (size_t k = f->all.first; k < f->all.first + f->all.n; k++)
			is_in_array = is_in_array || w->leaves[k].n > 0;
		if (!is_in_array)
			continue;
		(void)pb_buf_adds(why, before);
		add_path(why, &w->pattern->fields[b->fields[i]]);
		(void)pb_buf_addc(why, ' ');
		pb_buf_add_safe(
		    why, pb_str_of(w->pattern->fields[b->fields[i]].wanted), SHOWN_BYTES, false);
		before = ", ";
	}
}

int
pb_pattern_why(const struct pb_pattern *p, const json_t *event, struct pb_buf *why)
{
	size_t best = 0, most = 0;

	PB_CHECK_OBJ(p, PB_PATTERN_MAGIC);
	if (!json_is_object(event)) {
		(void)pb_buf_adds(why, "the event is not an object");
		return 0;
	}

	PB_CLEANUP(pb_walk_fini) struct pb_walk w;
	pb_walk_init(&w, p, event);
	for (size_t i = 0; i < p->n_branches; i++) {
		if (branch_holds(&w, &p->branches[i]))
			return 1;
		size_t n = count_holding(&w, &p->branches[i]);
		if (n > most) {
			most = n;
			best = i;
		}
	}

	const struct pb_branch *b = &p->branches[best];
	if (most == b->n) {
		(void)branch_holds(&w, b); /* for its count of tries */
		pb_walk_tell_join(&w, b, why);
	} else {
		pb_walk_tell_field(&w, b->fields[most], why);
	}
	return 0;
}
