/*
 * Sample values: for each operator a few that pass it, at its edges where it has some.
 */
#include "pattern/sample.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>

#include "pattern/exact.h"

void
pb_samples_fini(struct pb_samples *s)
{
	for (size_t i = 0; i < s->n; i++)
		json_decref(s->values[i]);
	s->n = 0;
}

void
pb_samples_add(struct pb_samples *s, json_t *value)
{
	if (s->n < PB_SAMPLES_MAX)
		s->values[s->n++] = value;
	else
		json_decref(value);
}

static void
add_text(struct pb_samples *s, const char *before, struct pb_str text, const char *after)
{
	PB_CLEANUP(pb_freep)
	char *all = pb_asprintf("%s%.*s%s", before, PB_STR_ARG(text), after);

	pb_samples_add(s, json_string(all));
}

/* Where another than the folded case differs: its ASCII letters in the other. */
static void
add_upper(struct pb_samples *s, struct pb_str text)
{
	PB_CLEANUP(pb_freep) char *upper = pb_strndup(text.ptr, text.len);
	bool is_other = false;

	for (char *p = upper; *p != '\0'; p++) {
		is_other = is_other || (*p >= 'a' && *p <= 'z');
		*p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
	}
	if (is_other)
		pb_samples_add(s, json_string(upper));
}

static void
add_real(struct pb_samples *s, double real)
{
	if (isfinite(real))
		pb_samples_add(s, json_real(real));
}

static void
add_number(struct pb_samples *s, struct pb_number n)
{
	switch (n.kind) {
	case PB_NUMBER_WHOLE:
		pb_samples_add(s, json_integer(n.whole));
		break;
	case PB_NUMBER_REAL:
		pb_samples_add(s, json_real(n.near));
		break;
	case PB_NUMBER_LONG:
		pb_samples_add(
		    s, pb_exact_number((struct pb_str){n.decimal->text, n.decimal->len}));
		break;
	}
}

/* A little further from 0 than n, between it and whatever else is told from it. */
static void
add_longer(struct pb_samples *s, struct pb_number n)
{
	const char *text = n.decimal->text;

	if (strpbrk(text, "eE") != NULL)
		return;
	PB_CLEANUP(pb_freep)
	char *longer = pb_asprintf("%s%s", text, strchr(text, '.') == NULL ? ".01" : "01");
	pb_samples_add(s, pb_exact_number(pb_str_of(longer)));
}

/* A little on from n, in the direction of `step`: by 1, and by as little as its kind allows. */
static void
add_next(struct pb_samples *s, struct pb_number n, int step)
{
	int64_t whole;

	if (n.kind == PB_NUMBER_WHOLE && !__builtin_add_overflow(n.whole, step, &whole))
		pb_samples_add(s, json_integer(whole));
	else
		add_real(s, n.near + step);
	add_real(s, nextafter(n.near, step > 0 ? (double)INFINITY : -(double)INFINITY));
	if (n.kind == PB_NUMBER_LONG)
		add_longer(s, n);
}

static void
add_range(struct pb_samples *s, const struct pb_range *r)
{
	if (r->has_low) {
		add_number(s, r->low);
		add_next(s, r->low, 1);
	}
	if (r->has_high) {
		add_number(s, r->high);
		add_next(s, r->high, -1);
	}
	if (r->has_low && r->has_high)
		add_real(s, r->low.near / 2 + r->high.near / 2);
}

static void
add_wildcard(struct pb_samples *s, const struct pb_wildcard *w)
{
	static const char *const between[] = {"", "x", "zz"};

	for (size_t i = 0; i < PB_ARRAY_LEN(between); i++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
		(void)pb_buf_adds(&b, "");
		for (size_t k = 0; k < w->n_pieces; k++) {
			(void)pb_buf_adds(&b, k > 0 ? between[i] : "");
			(void)pb_buf_add(&b, w->pieces[k].ptr, w->pieces[k].len);
		}
		add_text(s, "", pb_buf_str(&b), "");
	}
}

static void
add_cidr(struct pb_samples *s, const struct pb_cidr *c)
{
	char text[INET6_ADDRSTRLEN];
	size_t n = 0;

	/* In full: inet_ntop writes some with an IPv4 address in them. */
	for (size_t i = 0; c->family == AF_INET6 && i < sizeof(c->net); i += 2)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%x", i == 0 ? "" : ":",
		    (unsigned)(c->net[i] << 8 | c->net[i + 1]));
	if (n > 0 || inet_ntop(c->family, c->net, text, sizeof(text)) != NULL)
		pb_samples_add(s, json_string(text));
}

void
pb_samples_add_any(struct pb_samples *s)
{
	pb_samples_add(s, json_string("any-text"));
	pb_samples_add(s, json_integer(7));
	pb_samples_add(s, json_null());
}

void
pb_samples_add_test(struct pb_samples *s, const struct pb_test *t)
{
	struct pb_str text = {t->text.ptr, t->text.len};

	switch (t->op) {
	case PB_TEST_TEXT:
		add_text(s, "", text, "");
		break;
	case PB_TEST_TEXT_FOLDED:
		add_text(s, "", text, "");
		add_upper(s, text);
		break;
	case PB_TEST_PREFIX:
	case PB_TEST_PREFIX_FOLDED:
		add_text(s, "", text, "");
		add_text(s, "", text, "zz");
		if (t->op == PB_TEST_PREFIX_FOLDED)
			add_upper(s, text);
		break;
	case PB_TEST_SUFFIX:
	case PB_TEST_SUFFIX_FOLDED:
		add_text(s, "", text, "");
		add_text(s, "zz", text, "");
		if (t->op == PB_TEST_SUFFIX_FOLDED)
			add_upper(s, text);
		break;
	case PB_TEST_NUMBER:
		add_number(s, t->number);
		break;
	case PB_TEST_NULL:
		pb_samples_add(s, json_null());
		break;
	case PB_TEST_TRUE:
	case PB_TEST_FALSE:
		pb_samples_add(s, json_boolean(t->op == PB_TEST_TRUE));
		break;
	case PB_TEST_WILDCARD:
		add_wildcard(s, &t->wildcard);
		break;
	case PB_TEST_RANGE:
		add_range(s, &t->range);
		break;
	case PB_TEST_CIDR:
		add_cidr(s, &t->cidr);
		break;
	case PB_TEST_EXISTS:
	case PB_TEST_NONE_OF:
		pb_samples_add_any(s);
		break;
	case PB_TEST_ABSENT:
		pb_samples_add(s, NULL);
		break;
	case PB_TEST_OP_MAX:
		break;
	}
}
