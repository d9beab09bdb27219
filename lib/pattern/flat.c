/*
 * The second pass over an event: the reader of its operators, and what it writes down.
 */
#include "pattern/flat_parts.h"

#include <stdlib.h>

/* --- leaves */

static void
keep_members(struct pb_flat *f)
{
	f->around_kept = f->n_members;
	for (uint32_t i = 0; i < f->n_around; i++) {
		GROW(f->members, f->n_members, f->members_size);
		f->members[f->n_members++] = f->around[i];
	}
}

static enum pb_flat_type
type_of(char first)
{
	switch (first) {
	case '"':
		return PB_FLAT_TEXT;
	case 't':
		return PB_FLAT_TRUE;
	case 'f':
		return PB_FLAT_FALSE;
	case 'n':
		return PB_FLAT_NULL;
	default:
		return PB_FLAT_NUMBER;
	}
}

static __attribute__((noinline)) void
add_leaf(struct pb_flat *f, const struct pb_shape_value *v)
{
	GROW(f->leaves, f->n_leaves, f->leaves_size);
	struct pb_flat_leaf *l = &f->leaves[f->n_leaves];
	enum pb_flat_type type = type_of(f->event.ptr[v->from]);
	uint32_t quote = type == PB_FLAT_TEXT;
	l->type = (uint8_t)type;
	l->text = f->event.ptr + v->from + quote;
	l->len = v->to - v->from - 2 * quote;
	l->path = v->path;
	l->next = PB_FLAT_NONE;
	l->has_number = l->has_folded = false;
	l->has_escapes = v->has_escapes;
	l->members = v->members;
	l->n_members = v->n_members;

	struct pb_flat_found *found = &f->found[v->path];
	if (found->event != f->serial) {
		*found = (struct pb_flat_found){
		    .event = f->serial, .first = f->n_leaves, .last = f->n_leaves};
		f->n_found++;
	} else {
		f->leaves[found->last].next = f->n_leaves;
		found->last = f->n_leaves;
	}
	if (v->n_members > 0)
		found->is_in_array = true;
	else
		found->is_outside = true;
	f->is_mixed = f->is_mixed || v->is_mixing;
	f->n_leaves++;
}

/* --- reading */

struct reader {
	struct pb_flat *f;
	bool learns; /* the shape of the event */
	const struct pb_flat_tree *tree;
	const uint32_t *op, *end; /* operators of this portion that are left */
	bool stops_early;
};

/*
 * The first operator of the next portion.  Where there is none, or the event is malformed, it is 0:
 * no operator but the root's bracket can stand there, so that whoever asked for another gives up.
 * Each operator may be the end of a key, so room for as many keys is made here.
 */
static __attribute__((noinline)) uint32_t
refill(struct reader *r)
{
	struct pb_flat *f = r->f;
	struct pb_scan *s = &f->scan;

	r->op = r->end = s->ops;
	if (s->is_done)
		return 0;
	if (pb_scan_next(s, f->level) < 0) {
		s->is_bad = true;
		return 0;
	}
	r->end = s->ops + s->n;
	if (f->n_keys + s->n >= f->keys_size) {
		f->keys_size = 2 * (f->n_keys + s->n) + 64;
		f->keys = pb_realloc(f->keys, f->keys_size * sizeof(*f->keys));
	}
	return s->n > 0 ? *r->op++ : 0;
}

/* A key with escapes, or near the start of the event, or empty. */
static __attribute__((noinline)) struct pb_str
read_odd_key(struct pb_flat *f, struct pb_flat_key *k)
{
	struct pb_str text = pb_flat_key_text(f, k);

	if (f->scan.carry.escapes != 0 && memchr(text.ptr, '\\', text.len) != NULL) {
		pb_flat_reserve(&f->key_text, &f->key_size, f->event.len);
		text = (struct pb_str){f->key_text, pb_flat_unescape(f->key_text, text)};
	}
	k->print = pb_flat_print(text.ptr, text.len);
	return text;
}

static inline bool
has_byte(uint64_t v, unsigned char c)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = v ^ (ones * c);

	return ((x - ones) & ~x & (ones << 7)) != 0;
}

/* Fill a key in that is at `at`, and return its text without escapes. */
static inline struct pb_str
read_key(struct pb_flat *f, struct pb_flat_key *k, uint32_t at, uint32_t len, bool has_escapes)
{
	struct pb_str text = {f->event.ptr + at, len};

	k->at = at;
	k->len = len;
	if (len > 8 && len <= 16) { /* as pb_flat_hash has it */
		uint64_t head = pb_flat_load(text.ptr, 8),
			 tail = pb_flat_load(text.ptr + len - 8, 8);
		if (has_escapes && (has_byte(head, '\\') || has_byte(tail, '\\')))
			return read_odd_key(f, k);
		k->print = pb_flat_mix(head ^ len, tail);
		return text;
	}
	if (__builtin_expect(len - 1 >= 8, 0)) {
		if (len == 0 || (has_escapes && memchr(text.ptr, '\\', len) != NULL))
			return read_odd_key(f, k);
		k->print = pb_flat_hash(text.ptr, len, 0);
		return text;
	}
	if (__builtin_expect(at + len < 8, 0))
		return read_odd_key(f, k);
	k->print = pb_flat_load(text.ptr + len - 8, 8) >> (8 * (8 - len));
	if (has_escapes && has_byte(k->print, '\\'))
		return read_odd_key(f, k);
	return text;
}

/* A key with dots, which are rare. */
static __attribute__((noinline)) uint32_t
follow_dotted(struct pb_flat *f, const struct pb_flat_tree *t, uint32_t node, struct pb_str text)
{
	uint32_t child = pb_flat_dotted_child(t, node, text);

	if (child != PB_FLAT_NONE && t->nodes[child].path < PB_FLAT_FACT_PATHS)
		f->facts |= PB_FLAT_DOTTED;
	return child;
}

/* The node that a key leads to. */
static inline uint32_t
follow_key(struct pb_flat *f, const struct pb_flat_tree *t, uint32_t node, uint64_t print,
    struct pb_str text)
{
	uint32_t child = pb_flat_child(t, node, print, text);

	if (child != PB_FLAT_NONE || !t->nodes[node].has_grandchildren)
		return child;
	bool has_dots = text.len <= 8 ? has_byte(print, '.')
	    : text.len <= 16          ? has_byte(pb_flat_load(text.ptr, 8), '.') ||
		has_byte(pb_flat_load(text.ptr + text.len - 8, 8), '.')
			     : memchr(text.ptr, '.', text.len) != NULL;
	return has_dots ? follow_dotted(f, t, node, text) : PB_FLAT_NONE;
}

static inline bool
is_gap_blank(const struct pb_flat *f, uint32_t from, uint32_t to)
{
	while (++from < to)
		if (!pb_scan_is_blank(f->scan.buf[from]))
			return false;
	return true;
}

/* An object or array stands at `node`. */
static inline void
note_fact(struct pb_flat *f, const struct pb_flat_tree *t, uint32_t node, bool is_array)
{
	uint32_t path = t->nodes[node].path;
	uint64_t fact =
	    (is_array ? PB_FLAT_ARRAY : PB_FLAT_OBJECT) | (f->n_around > 0 ? PB_FLAT_NESTED : 0);

	if (path < PB_FLAT_FACT_PATHS)
		f->facts |= fact << (PB_FLAT_FACT_BITS * path);
}

/* Enter an object or array at `node`, out of an array's element if it is one. */
static inline void
enter_frame(struct pb_flat *f, const struct pb_flat_tree *t, struct pb_flat_frame *fr,
    uint32_t node, bool is_array)
{
	if (fr->is_array && node != PB_FLAT_NONE) {
		f->around[f->n_around++] = (struct pb_flat_member){fr->array, fr->index};
		f->around_kept = PB_FLAT_NONE;
		fr->is_member = true;
	}
	if (node != PB_FLAT_NONE)
		note_fact(f, t, node, is_array);
	fr[1] = (struct pb_flat_frame){.node = node, .keys = f->n_keys, .is_array = is_array};
	if (is_array)
		fr[1].array = f->n_arrays++;
}

/* Back from an element of an array. */
static inline void
leave_element(struct pb_flat *f, const struct pb_flat_frame *fr)
{
	if (fr->is_array && fr->node != PB_FLAT_NONE) {
		f->n_around--;
		f->around_kept = PB_FLAT_NONE;
	}
}

/*
 * The value at `node`, which may have blanks around it; `is_mixing` as in struct pb_shape_value.
 * False when there is no need to read on.
 */
static bool
take_value(struct reader *r, uint32_t node, uint32_t from, uint32_t to, bool is_mixing)
{
	struct pb_flat *f = r->f;
	const unsigned char *b = f->scan.buf;
	struct pb_shape_value v = {.path = PB_FLAT_NONE, .is_mixing = is_mixing};

	if (node != PB_FLAT_NONE)
		v.path = r->tree->nodes[node].path;
	if (v.path == PB_FLAT_NONE && !r->learns)
		return true;
	while (pb_scan_is_blank(b[from]))
		from++;
	while (pb_scan_is_blank(b[to - 1]))
		to--;
	v.from = from;
	v.to = to;
	if (v.path != PB_FLAT_NONE) {
		if (f->n_around > 0 && f->around_kept == PB_FLAT_NONE)
			keep_members(f);
		v.members = f->around_kept;
		v.n_members = f->n_around;
		v.has_escapes = b[from] == '"' && f->scan.carry.escapes != 0 &&
		    memchr(b + from, '\\', to - from) != NULL;
		v.is_first = f->found[v.path].event != f->serial;
		add_leaf(f, &v);
		if (f->hook.see != NULL && b[from] == '"' && !v.has_escapes)
			f->hook.see(f->hook.arg, v.path,
			    (struct pb_str){f->event.ptr + from + 1, to - from - 2});
	}
	if (r->learns)
		pb_shapes_add(f->shapes, &v);
	return !r->stops_early || f->n_found < r->tree->n_paths;
}

/* Is a value looked at? */
#define IS_WANTED(node) (learns || (node) != PB_FLAT_NONE)

#define NEXT_OP()                                                                                  \
	do {                                                                                       \
		if (__builtin_expect(next < end, 1)) {                                             \
			op = *next++;                                                              \
		} else {                                                                           \
			f->n_keys = (uint32_t)(key - f->keys);                                     \
			op = refill(r);                                                            \
			next = r->op;                                                              \
			end = r->end;                                                              \
			key = f->keys + f->n_keys;                                                 \
			has_blanks = f->scan.carry.blanks != 0;                                    \
			has_escapes = f->scan.carry.escapes != 0;                                  \
		}                                                                                  \
	} while (0)

/*
 * Read the event, which is one object.  One operator leads to the next by these places:
 *
 *     member     behind '{' or ',' in an object: a key must follow, or '}' behind '{'
 *     element    behind '[' or ',' in an array
 *     enter      at the bracket of a value
 *     leave      at the closing bracket
 *
 * What is in the way of the grammar, scan.c apart, is found by their switches.  What is asked at
 * each key is kept in locals: the end of the keys, and of the innermost frame the filter and node.
 */
static int
read_event(struct reader *r)
{
	struct pb_flat *f = r->f;
	const unsigned char *b = f->scan.buf;
	struct pb_flat_frame *fr = f->frames, *last = f->frames + PB_ARRAY_LEN(f->frames) - 1;
	struct pb_flat_key *key = f->keys;
	const uint32_t *next = NULL, *end = NULL;
	uint32_t op = 0, prev, child = 0, node = 0;
	uint64_t seen = 0;
	bool is_first = true, has_blanks = false, has_escapes = false, learns = r->learns;

	NEXT_OP();
	if (end == f->scan.ops || b[op] != '{')
		return -1;
	*fr = (struct pb_flat_frame){.node = 0};
	prev = op;

member:
	NEXT_OP();
	if (__builtin_expect(b[op] != ':', 0)) {
		if (b[op] == '}' && is_first && is_gap_blank(f, prev, op))
			goto leave;
		return -1;
	}

	uint32_t from = prev + 2, to = op - 1;
	if (has_blanks) {
		while (b[from - 1] != '"')
			from++;
		while (b[to] != '"')
			to--;
	}
	struct pb_str text = read_key(f, key, from, to - from, has_escapes);
	uint64_t bit = UINT64_C(1) << pb_flat_filter_bit(key->print);
	child = PB_FLAT_NONE;
	if (node != PB_FLAT_NONE)
		child = follow_key(f, r->tree, node, key->print, text);
	key++;
	if ((seen & bit) != 0) {
		f->n_keys = (uint32_t)(key - f->keys);
		fr->seen = seen;
		if (!pb_flat_is_new_key(f, fr))
			return -1;
		seen = fr->seen;
	}
	seen |= bit;

	prev = op;
	NEXT_OP();
	switch (b[op]) {
	case ',':
		if (IS_WANTED(child) && !take_value(r, child, prev + 1, op, false))
			return 0;
		prev = op;
		is_first = false;
		goto member;
	case '}':
		if (IS_WANTED(child) && !take_value(r, child, prev + 1, op, false))
			return 0;
		goto leave;
	case '{':
	case '[':
		break;
	default:
		return -1;
	}

enter:
	if (fr == last)
		return -1;
	fr->seen = seen;
	f->n_keys = (uint32_t)(key - f->keys);
	enter_frame(f, r->tree, fr, child, b[op] == '[');
	fr++;
	seen = 0;
	node = child;
	prev = op;
	is_first = true;
	if (!fr->is_array)
		goto member;

element:
	NEXT_OP();
	child = node;
	switch (b[op]) {
	case ',':
	case ']':
		if (IS_WANTED(child) && !(b[op] == ']' && is_first && is_gap_blank(f, prev, op)) &&
		    !take_value(r, child, prev + 1, op, fr->is_member))
			return 0;
		if (b[op] == ']')
			goto leave;
		prev = op;
		fr->index++;
		is_first = false;
		goto element;
	case '{':
	case '[':
		goto enter;
	default:
		return -1;
	}

leave:
	key = f->keys + fr->keys;
	if (fr == f->frames) {
		NEXT_OP();
		return op == 0 && f->scan.is_done && !f->scan.is_bad ? 0 : -1;
	}
	fr--;
	leave_element(f, fr);
	seen = fr->seen;
	node = fr->node;
	NEXT_OP();
	if (b[op] == ',') {
		prev = op;
		is_first = false;
		fr->index += fr->is_array;
		if (fr->is_array)
			goto element;
		goto member;
	}
	if (b[op] == (fr->is_array ? ']' : '}'))
		goto leave;
	return -1;
}

struct pb_flat *
pb_flat_new(void)
{
	struct pb_flat *f = pb_calloc(1, sizeof(*f));

	f->level = pb_scan_best();
	f->has_shapes = true;
	f->keys_size = 64;
	f->keys = pb_calloc(f->keys_size, sizeof(*f->keys));
	f->first_owner = 1;
	return f;
}

void
pb_flat_free(struct pb_flat *f)
{
	if (f == NULL)
		return;
	pb_shapes_free(f->shapes);
	free(f->leaves);
	free(f->found);
	free(f->members);
	free(f->keys);
	free(f->set);
	free(f->plain);
	free(f->folded);
	free(f->key_text);
	free(f);
}

/* Numbers that tell events and objects apart start again before they wrap. */
static void
start_event(struct pb_flat *f, const struct pb_flat_tree *t)
{
	if (f->found_size < t->n_paths || ++f->serial == 0) {
		f->found_size = t->n_paths > f->found_size ? t->n_paths : f->found_size;
		free(f->found);
		f->found = pb_calloc(f->found_size + 1, sizeof(*f->found));
		f->serial = 1;
	}
	if (f->owner > UINT32_MAX / 2) {
		memset(f->set, 0, f->set_size * sizeof(*f->set));
		f->owner = 0;
	}
	f->first_owner = f->owner + 1;
	f->n_set = f->n_doubts = 0;
	f->n_leaves = f->n_members = f->n_keys = f->n_around = f->n_arrays = f->n_found = 0;
	f->around_kept = PB_FLAT_NONE;
	f->n_plain = f->n_folded = 0;
	f->facts = 0;
	f->is_mixed = false;
}

int
pb_flat_read(struct pb_flat *f, const struct pb_flat_tree *t, struct pb_str event, bool stop_early)
{
	if (event.len == 0 || event.len > PB_FLAT_EVENT_MAX)
		return -1;
	start_event(f, t);
	f->event = event;
	if (f->has_shapes && f->shapes == NULL)
		f->shapes = pb_shapes_new();
	if (f->has_shapes)
		f->shapes->hook = f->hook;
	if (f->has_shapes &&
	    pb_shapes_read(f->shapes, f->level, t->serial, event, stop_early ? t->n_paths : 0)) {
		for (uint32_t i = 0; i < f->shapes->n_values; i++)
			add_leaf(f, &f->shapes->values[i]);
		f->leaf_members = f->shapes->kept;
		f->facts = f->shapes->facts;
		return 0;
	}

	struct reader r = {.f = f, .tree = t};
	r.learns = f->has_shapes && pb_shapes_begin(f->shapes);
	r.stops_early = stop_early && !r.learns; /* a shape is learned from a whole event */
	pb_scan_init(&f->scan, f->level, event.ptr, event.len,
	    r.stops_early ? PB_SCAN_LEAD_BLOCKS : PB_SCAN_BLOCKS);
	if (read_event(&r) < 0)
		return -1;
	f->leaf_members = f->members;
	if (r.learns)
		pb_shapes_keep(f->shapes, f->members, f->facts);
	return 0;
}
