/*
 * Many patterns at once.  Nearly every pattern names its sources, so patterns that do are tried
 * only on events of one of them; the others are tried always.
 */
#include <stdlib.h>

#include "base/map.h"
#include "pattern/internal.h"

#define MATCHER_MAGIC 0x6d617463u

/* Places of patterns, ascending. */
struct list {
	uint32_t *ids;
	size_t n, size;
};

struct pb_matcher {
	uint32_t magic;
	const struct pb_pattern **patterns;
	size_t n;
	struct pb_map *by_source; /* to struct list */
	struct list others; /* those that any source may match */
	struct list all;
};

static void
list_add(struct list *l, uint32_t id)
{
	if (l->n > 0 && l->ids[l->n - 1] == id)
		return;
	if (l->n == l->size) {
		l->size = l->size == 0 ? 4 : 2 * l->size;
		l->ids = pb_realloc(l->ids, l->size * sizeof(*l->ids));
	}
	l->ids[l->n++] = id;
}

static void
list_free(void *p)
{
	struct list *l = p;

	free(l->ids);
	free(l);
}

/* The field of a branch that wants `source` to be one of some texts; NULL when there is none. */
static const struct pb_field *
source_field(const struct pb_pattern *p, const struct pb_branch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct pb_field *f = &p->fields[b->fields[i]];
		bool is_texts = strcmp(f->path, "source") == 0;
		for (size_t k = 0; k < f->n_tests && is_texts; k++)
			is_texts = f->tests[k].op == PB_TEST_TEXT;
		if (is_texts)
			return f;
	}
	return NULL;
}

static void
add_sources(struct pb_matcher *m, const struct pb_field *f, uint32_t id)
{
	for (size_t i = 0; i < f->n_tests; i++) {
		struct list *l = pb_map_get(m->by_source, f->tests[i].text.ptr);
		if (l == NULL) {
			l = pb_calloc(1, sizeof(*l));
			(void)pb_map_put(m->by_source, f->tests[i].text.ptr, l);
		}
		list_add(l, id);
	}
}

static void
add_pattern(struct pb_matcher *m, const struct pb_pattern *p, uint32_t id)
{
	bool names_sources = true;

	PB_CHECK_OBJ(p, PB_PATTERN_MAGIC);
	list_add(&m->all, id);
	for (size_t i = 0; i < p->n_branches && names_sources; i++)
		names_sources = source_field(p, &p->branches[i]) != NULL;
	if (!names_sources) {
		list_add(&m->others, id);
		return;
	}
	for (size_t i = 0; i < p->n_branches; i++)
		add_sources(m, source_field(p, &p->branches[i]), id);
}

int
pb_matcher_build(const struct pb_pattern *const *patterns, size_t n, struct pb_matcher **ret,
    struct pb_error *err)
{
	if (n > UINT32_MAX)
		return pb_fail(
		    err, PB_LIMIT, "%zu patterns in one matcher; at most %u fit", n, UINT32_MAX);

	struct pb_matcher *m = pb_calloc(1, sizeof(*m));
	m->magic = MATCHER_MAGIC;
	m->n = n;
	m->patterns = pb_calloc(n > 0 ? n : 1, sizeof(struct pb_pattern *));
	m->by_source = pb_map_new();
	for (size_t i = 0; i < n; i++) {
		m->patterns[i] = patterns[i];
		add_pattern(m, patterns[i], (uint32_t)i);
	}
	*ret = m;
	return 0;
}

void
pb_matcher_free(struct pb_matcher *m)
{
	if (m == NULL)
		return;
	PB_CHECK_OBJ(m, MATCHER_MAGIC);
	pb_map_free(m->by_source, list_free);
	free(m->others.ids);
	free(m->all.ids);
	free(m->patterns);
	m->magic = 0;
	free(m);
}

/* The next id of two ascending lists that share none. */
static uint32_t
merge_next(const struct list *a, size_t *i, const struct list *b, size_t *k)
{
	if (*k >= b->n || (*i < a->n && a->ids[*i] < b->ids[*k]))
		return a->ids[(*i)++];
	return b->ids[(*k)++];
}

size_t
pb_matcher_match(const struct pb_matcher *m, const json_t *event, uint32_t *ids, size_t cap)
{
	static const struct list none = {0};
	const struct list *of_source = &none, *others = &m->others;

	PB_CHECK_OBJ(m, MATCHER_MAGIC);
	const json_t *source = json_object_get(event, "source");
	if (json_is_array(source)) /* any of its elements may be meant */
		others = &m->all;
	else if (json_is_string(source))
		of_source = pb_map_get(m->by_source, json_string_value(source));
	if (of_source == NULL)
		of_source = &none;

	size_t n = 0;
	for (size_t i = 0, k = 0; i < of_source->n || k < others->n;) {
		uint32_t id = merge_next(of_source, &i, others, &k);
		if (!pb_pattern_match(m->patterns[id], event))
			continue;
		if (n < cap)
			ids[n] = id;
		n++;
	}
	return n;
}
