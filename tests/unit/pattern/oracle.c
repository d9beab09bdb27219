/*
 * See oracle.h.  Slow on purpose: nothing here is clever, so that it can be seen to be right.
 */
#include "oracle.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH 256
#define LEAVES 512
#define WANTS 64
#define ARRAYS 16
#define TRIES 300000

struct leaf {
	char path[PATH];
	const json_t *value;
	int arrays[ARRAYS], indexes[ARRAYS]; /* the array elements around it */
	int n;
};

struct want {
	char path[PATH];
	const json_t *tests;
};

struct oracle {
	struct leaf leaves[LEAVES];
	int n_leaves, n_arrays;
	struct want wants[WANTS];
	int n_wants;
	const struct leaf *chosen[WANTS];
	int tries;
	bool is_over;
};

/* --- values */

/* A number is kept as a text: this mark, and what was written. */
#define NUMBER '\x01'

static bool
is_number(const json_t *j)
{
	return json_is_string(j) && json_string_value(j)[0] == NUMBER;
}

/* 0.DIGITS times 10 to the exponent, without zeros at either end of the digits; none for 0. */
struct decimal {
	bool is_negative;
	long exponent;
	char *digits;
};

static struct decimal
decimal(const json_t *j)
{
	const char *s = json_string_value(j) + 1;
	struct decimal d = {.is_negative = *s == '-', .digits = calloc(1, strlen(s) + 1)};
	bool is_fraction = false;
	size_t n = 0;

	for (s += *s == '-'; *s != '\0' && *s != 'e' && *s != 'E'; s++) {
		if (*s == '.') {
			is_fraction = true;
			continue;
		}
		if (n > 0 || *s != '0')
			d.digits[n++] = *s;
		d.exponent += !is_fraction && n > 0;
		d.exponent -= is_fraction && n == 0;
	}
	if (*s != '\0')
		d.exponent += strtol(s + 1, NULL, 10);
	while (n > 0 && d.digits[n - 1] == '0')
		d.digits[--n] = '\0';
	d.is_negative = d.is_negative && n > 0;
	return d;
}

/* Below, at or above. */
static int
order(const json_t *x, const json_t *y)
{
	struct decimal a = decimal(x), b = decimal(y);
	int ret = strcmp(a.digits, b.digits);

	if (*a.digits != '\0' && *b.digits != '\0' && a.exponent != b.exponent)
		ret = a.exponent < b.exponent ? -1 : 1;
	if (a.is_negative)
		ret = -ret;
	if (a.is_negative != b.is_negative)
		ret = a.is_negative ? -1 : 1;
	free(a.digits);
	free(b.digits);
	return ret;
}

static bool
compare(const char *op, int order)
{
	if (strcmp(op, "=") == 0)
		return order == 0;
	if (strcmp(op, "<") == 0)
		return order < 0;
	if (strcmp(op, "<=") == 0)
		return order <= 0;
	return strcmp(op, ">") == 0 ? order > 0 : order >= 0;
}

static bool
passes_numeric(const json_t *list, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(list); i += 2)
		if (!is_number(value) ||
		    !compare(json_string_value(json_array_get(list, i)),
			order(value, json_array_get(list, i + 1))))
			return false;
	return true;
}

/* Folded in place; knows no characters but those that the tests use. */
static char *
fold(const char *s)
{
	static const char *const pairs[][2] = {
	    {"\u00c9", "\u00e9"}, {"\u017f", "s"}, {"\u212a", "k"}};
	char *ret = calloc(1, strlen(s) + 1);
	size_t n = 0;

	while (*s != '\0') {
		bool is_found = false;
		for (size_t i = 0; i < 3 && !is_found; i++) {
			size_t len = strlen(pairs[i][0]);
			if (strncmp(s, pairs[i][0], len) != 0)
				continue;
			memcpy(ret + n, pairs[i][1], strlen(pairs[i][1]));
			n += strlen(pairs[i][1]);
			s += len;
			is_found = true;
		}
		if (is_found)
			continue;
		ret[n++] = (char)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s);
		s++;
	}
	return ret;
}

static bool
starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static bool
ends(const char *s, const char *with)
{
	return strlen(s) >= strlen(with) && strcmp(s + strlen(s) - strlen(with), with) == 0;
}

static bool
passes_text(const char *s, const char *op, const char *want, bool is_folded)
{
	char *a = is_folded ? fold(s) : strdup(s), *b = is_folded ? fold(want) : strdup(want);
	bool ret = strcmp(op, "prefix") == 0 ? starts(a, b)
	    : strcmp(op, "suffix") == 0      ? ends(a, b)
					     : strcmp(a, b) == 0;

	free(a);
	free(b);
	return ret;
}

static bool
passes_wildcard(const char *s, const char *w)
{
	if (*w == '\0')
		return *s == '\0';
	if (*w == '*')
		return passes_wildcard(s, w + 1) || (*s != '\0' && passes_wildcard(s + 1, w));
	if (*w == '\\')
		w++;
	return *s == *w && passes_wildcard(s + 1, w + 1);
}

static bool
passes_cidr(const char *s, const char *cidr)
{
	char net[64];
	unsigned char a[16], b[16];
	int family = strchr(cidr, ':') != NULL ? AF_INET6 : AF_INET;

	if (strchr(s, ':') != NULL && strchr(s, '.') != NULL)
		return false;

	(void)snprintf(net, sizeof(net), "%s", cidr);
	char *slash = strchr(net, '/');
	*slash = '\0';
	if (inet_pton(family, s, a) != 1 || inet_pton(family, net, b) != 1)
		return false;
	for (int bit = 0; bit < atoi(slash + 1); bit++)
		if (((a[bit / 8] ^ b[bit / 8]) >> (7 - bit % 8) & 1) != 0)
			return false;
	return true;
}

static bool passes(const json_t *test, const json_t *value);

/* anything-but: one or a list, plain or inside one operator. */
static bool
is_one_of(const json_t *but, const json_t *value)
{
	if (json_is_array(but)) {
		for (size_t i = 0; i < json_array_size(but); i++)
			if (is_one_of(json_array_get(but, i), value))
				return true;
		return false;
	}
	if (!json_is_object(but))
		return passes(but, value);

	const char *op = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)but));
	const json_t *inner = json_object_get(but, op);
	size_t n = json_is_array(inner) ? json_array_size(inner) : 1;
	for (size_t i = 0; i < n; i++) {
		json_t *one =
		    json_pack("{sO}", op, json_is_array(inner) ? json_array_get(inner, i) : inner);
		bool ret = passes(one, value);
		json_decref(one);
		if (ret)
			return true;
	}
	return false;
}

static bool
passes_operator(const char *op, const json_t *arg, const json_t *value)
{
	const char *s = json_string_value(value);

	if (strcmp(op, "exists") == 0)
		return json_is_true(arg);
	if (strcmp(op, "anything-but") == 0)
		return !is_one_of(arg, value);
	if (strcmp(op, "numeric") == 0)
		return passes_numeric(arg, value);
	if (s == NULL || is_number(value))
		return false;
	if (strcmp(op, "wildcard") == 0)
		return passes_wildcard(s, json_string_value(arg));
	if (strcmp(op, "cidr") == 0)
		return passes_cidr(s, json_string_value(arg));
	if (json_is_object(arg))
		return passes_text(
		    s, op, json_string_value(json_object_get(arg, "equals-ignore-case")), true);
	return passes_text(s, op, json_string_value(arg), strcmp(op, "equals-ignore-case") == 0);
}

static bool
passes(const json_t *test, const json_t *value)
{
	if (json_is_object(test)) {
		void *it = json_object_iter((json_t *)(uintptr_t)test);
		return passes_operator(json_object_iter_key(it), json_object_iter_value(it), value);
	}
	if (is_number(test))
		return is_number(value) && order(test, value) == 0;
	if (json_is_string(test))
		return json_is_string(value) &&
		    strcmp(json_string_value(test), json_string_value(value)) == 0;
	return json_typeof(test) == json_typeof(value);
}

/* --- the event's leaves */

static void
flatten(struct oracle *o, struct leaf at, const json_t *value, bool is_element)
{
	const char *key;
	json_t *member;

	if (json_is_object(value)) {
		size_t len = strlen(at.path);
		json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
			/* The root's path ends in no dot; '/' marks it, since no key has one. */
			(void)snprintf(at.path + len, PATH - len, "%s%s", len > 0 ? "." : "/", key);
			flatten(o, at, member, false);
			at.path[len] = '\0';
		}
	} else if (json_is_array(value)) {
		int n = at.n, array = o->n_arrays++;
		for (size_t i = 0; i < json_array_size(value); i++) {
			at.arrays[n] = array;
			at.indexes[n] = (int)i;
			at.n = n + 1;
			flatten(o, at, json_array_get(value, i), true);
		}
	} else if (o->n_leaves < LEAVES) {
		at.value = value;
		at.n -= is_element; /* a value directly in an array is not bound to its element */
		o->leaves[o->n_leaves++] = at;
	} else {
		o->is_over = true;
	}
}

/* --- trying */

static bool
fits(const struct oracle *o, const struct leaf *l, int n)
{
	for (int c = 0; c < n; c++)
		for (int i = 0; o->chosen[c] != NULL && i < o->chosen[c]->n; i++)
			for (int k = 0; k < l->n; k++)
				if (o->chosen[c]->arrays[i] == l->arrays[k] &&
				    o->chosen[c]->indexes[i] != l->indexes[k])
					return false;
	return true;
}

static bool
may_be_absent(const json_t *tests)
{
	for (size_t i = 0; i < json_array_size(tests); i++)
		if (json_is_false(json_object_get(json_array_get(tests, i), "exists")))
			return true;
	return false;
}

static bool
passes_one(const json_t *tests, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(tests); i++)
		if (passes(json_array_get(tests, i), value))
			return true;
	return false;
}

static bool
serve(struct oracle *o, int at)
{
	if (++o->tries > TRIES)
		o->is_over = true;
	if (o->is_over)
		return false;
	if (at == o->n_wants) {
		for (int w = 0; w < at; w++)
			for (int i = 0; o->chosen[w] == NULL && i < o->n_leaves; i++)
				if (strcmp(o->leaves[i].path, o->wants[w].path) == 0 &&
				    fits(o, &o->leaves[i], at))
					return false;
		return true;
	}
	const struct want *w = &o->wants[at];
	for (int i = 0; i < o->n_leaves; i++) {
		const struct leaf *l = &o->leaves[i];
		if (strcmp(l->path, w->path) != 0 || !fits(o, l, at) ||
		    !passes_one(w->tests, l->value))
			continue;
		o->chosen[at] = l;
		if (serve(o, at + 1))
			return true;
	}
	o->chosen[at] = NULL;
	return may_be_absent(w->tests) && serve(o, at + 1);
}

/* Objects that are still to be walked, innermost last. */
struct todo {
	char path[PATH];
	json_t *object;
	size_t member;
	struct todo *outer;
};

static bool walk(struct oracle *o, struct todo *t);

static json_t *
nth_member(json_t *object, size_t n, const char **ret_key)
{
	void *it = json_object_iter(object);

	while (n-- > 0 && it != NULL)
		it = json_object_iter_next(object, it);
	*ret_key = it == NULL ? NULL : json_object_iter_key(it);
	return it == NULL ? NULL : json_object_iter_value(it);
}

/* Each alternative of an $or, together with all that is still to be walked. */
static bool
walk_or(struct oracle *o, const struct todo *here, struct todo *rest, json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct todo inner = {.object = json_array_get(list, i), .outer = rest};
		int n_wants = o->n_wants;
		memcpy(inner.path, here->path, PATH);
		bool ret = walk(o, &inner);
		o->n_wants = n_wants;
		if (ret)
			return true;
	}
	return false;
}

static bool
walk(struct oracle *o, struct todo *t)
{
	const char *key;

	if (t == NULL)
		return serve(o, 0);
	json_t *value = nth_member(t->object, t->member, &key);
	if (key == NULL)
		return walk(o, t->outer);
	struct todo rest = *t, inner = {.object = value, .outer = &rest};
	rest.member++;
	if (strcmp(key, "$or") == 0)
		return walk_or(o, t, &rest, value);
	(void)snprintf(
	    inner.path, PATH, "%.120s%s%.120s", t->path, t->path[0] != '\0' ? "." : "/", key);
	if (json_is_object(value))
		return walk(o, &inner);
	memcpy(o->wants[o->n_wants].path, inner.path, PATH);
	o->wants[o->n_wants++].tests = value;
	bool ret = walk(o, &rest);
	o->n_wants--;
	return ret;
}

/* --- reading */

json_t *
oracle_read(const char *text)
{
	char *marked = calloc(1, 8 * strlen(text) + 1);
	size_t n = 0;

	for (bool is_text = false; *text != '\0';) {
		size_t len = is_text ? 0 : strspn(text, "-+.eE0123456789");
		if (len > 0 && strchr("-0123456789", *text) != NULL) {
			n += (size_t)sprintf(marked + n, "\"\\u0001%.*s\"", (int)len, text);
			text += len;
			continue;
		}
		if (*text == '"')
			is_text = !is_text;
		if (*text == '\\')
			marked[n++] = *text++;
		marked[n++] = *text++;
	}
	json_t *ret = json_loads(marked, 0, NULL);
	free(marked);
	return ret;
}

int
oracle_match(const json_t *pattern, const json_t *event)
{
	struct oracle *o = calloc(1, sizeof(*o));
	struct todo all = {.object = (json_t *)(uintptr_t)pattern};
	struct leaf root = {.n = 0};

	flatten(o, root, event, false);
	bool ret = walk(o, &all);
	bool is_over = o->is_over;
	free(o);
	return is_over ? -1 : ret;
}
