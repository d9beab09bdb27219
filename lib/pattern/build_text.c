/*
 * Taking a plain pattern into a matcher straight from its text.  Plain is what nearly all patterns
 * of a large set are: objects in objects, and in the lists of fields texts, true, false, null,
 * prefix, suffix and exists, all of it printable ASCII without escapes.  Anything else, and all that
 * is wrong, is left to the compiler, which has the whole language and the words for what is wrong.
 */
#include "pattern/build.h"

#define DEPTH_MAX 8
#define FIELDS_MAX 32
#define TESTS_MAX 64
#define KEYS_MAX 16
#define PATHS_MAX 2048
#define DOTS_MAX 32

_Static_assert(DEPTH_MAX <= PB_PATTERN_DEPTH_MAX && DOTS_MAX < PB_PATTERN_STEPS_MAX,
    "what is plain must be allowed");

struct plain {
	const char *at, *end;
	struct pb_field fields[FIELDS_MAX];
	size_t n_fields;
	struct pb_test tests[TESTS_MAX];
	size_t n_tests;
	char paths[PATHS_MAX]; /* one behind the other */
	size_t n_paths;
	char path[PATHS_MAX / 2]; /* of the place at hand */
	size_t path_len;
};

static bool read_object(struct plain *p, unsigned depth);

static void
skip_blanks(struct plain *p)
{
	while (
	    p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
		p->at++;
}

static bool
take(struct plain *p, char c)
{
	skip_blanks(p);
	if (p->at == p->end || *p->at != c)
		return false;
	p->at++;
	return true;
}

static bool
take_word(struct plain *p, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(p->end - p->at) < len || memcmp(p->at, word, len) != 0)
		return false;
	p->at += len;
	return true;
}

static bool
take_text(struct plain *p, struct pb_str *ret)
{
	if (!take(p, '"'))
		return false;
	ret->ptr = p->at;
	while (p->at < p->end && *p->at != '"') {
		if (*p->at < 0x20 || *p->at > 0x7e || *p->at == '\\')
			return false;
		p->at++;
	}
	ret->len = (size_t)(p->at - ret->ptr);
	return p->at++ < p->end;
}

/* The tests only look at the text of the pattern. */
static void
set_text(struct pb_test *t, enum pb_test_op op, struct pb_str s)
{
	t->op = op;
	t->text.ptr = (char *)(uintptr_t)s.ptr;
	t->text.len = s.len;
}

static bool
read_operator(struct plain *p, struct pb_test *ret)
{
	struct pb_str name, text;

	if (!take(p, '{') || !take_text(p, &name) || !take(p, ':'))
		return false;
	skip_blanks(p);
	if (pb_str_is(name, "exists")) {
		ret->op = take_word(p, "true") ? PB_TEST_EXISTS : PB_TEST_ABSENT;
		if (ret->op == PB_TEST_ABSENT && !take_word(p, "false"))
			return false;
		return take(p, '}');
	}
	if (!pb_str_is(name, "prefix") && !pb_str_is(name, "suffix"))
		return false;
	if (!take_text(p, &text))
		return false;
	set_text(ret, name.ptr[0] == 'p' ? PB_TEST_PREFIX : PB_TEST_SUFFIX, text);
	return take(p, '}');
}

static bool
read_test(struct plain *p, struct pb_test *ret)
{
	struct pb_str text;

	skip_blanks(p);
	if (p->at == p->end)
		return false;
	switch (*p->at) {
	case '"':
		if (!take_text(p, &text))
			return false;
		set_text(ret, PB_TEST_TEXT, text);
		return true;
	case '{':
		return read_operator(p, ret);
	case 't':
		ret->op = PB_TEST_TRUE;
		return take_word(p, "true");
	case 'f':
		ret->op = PB_TEST_FALSE;
		return take_word(p, "false");
	case 'n':
		ret->op = PB_TEST_NULL;
		return take_word(p, "null");
	default:
		return false;
	}
}

static bool
read_field(struct plain *p)
{
	if (p->n_fields == FIELDS_MAX || p->n_paths + p->path_len > PATHS_MAX)
		return false;

	struct pb_field *f = &p->fields[p->n_fields++];
	*f = (struct pb_field){
	    .path = p->paths + p->n_paths, .path_len = p->path_len, .tests = p->tests + p->n_tests};
	memcpy(f->path, p->path, p->path_len);
	p->n_paths += p->path_len;
	if (!take(p, '['))
		return false;
	do {
		if (p->n_tests == TESTS_MAX)
			return false;
		struct pb_test *t = &p->tests[p->n_tests++];
		if (!read_test(p, t))
			return false;
		f->may_be_absent = f->may_be_absent || t->op == PB_TEST_ABSENT;
		f->may_be_present = f->may_be_present || t->op != PB_TEST_ABSENT;
		f->n_tests++;
	} while (take(p, ','));
	return take(p, ']');
}

static bool
read_member(struct plain *p, struct pb_str key, unsigned depth)
{
	size_t mark = p->path_len;

	if (p->path_len + key.len + 1 > sizeof(p->path) || pb_str_is(key, "$or"))
		return false;
	if (depth > 1)
		p->path[p->path_len++] = '.';
	memcpy(p->path + p->path_len, key.ptr, key.len);
	p->path_len += key.len;
	size_t n_dots = 0;
	for (size_t i = 0; i < p->path_len; i++)
		n_dots += p->path[i] == '.';
	skip_blanks(p);
	bool is_object = p->at < p->end && *p->at == '{';
	bool ret = n_dots <= DOTS_MAX && (is_object ? read_object(p, depth + 1) : read_field(p));
	p->path_len = mark;
	return ret;
}

static bool
read_object(struct plain *p, unsigned depth)
{
	struct pb_str keys[KEYS_MAX];
	size_t n = 0;

	if (depth > DEPTH_MAX || !take(p, '{'))
		return false;
	do {
		if (n == KEYS_MAX || !take_text(p, &keys[n]) || !take(p, ':'))
			return false;
		for (size_t i = 0; i < n; i++)
			if (pb_str_eq(keys[i], keys[n]))
				return false;
		if (!read_member(p, keys[n++], depth))
			return false;
	} while (take(p, ','));
	return take(p, '}');
}

static bool
read_plain(struct plain *p, struct pb_str text)
{
	p->at = text.ptr;
	p->end = text.ptr + text.len;
	p->n_fields = p->n_tests = p->n_paths = p->path_len = 0;
	if (text.len > PB_PATTERN_MAX || !read_object(p, 1))
		return false;
	skip_blanks(p);
	return p->at == p->end;
}

int
pb_matcher_builder_add_text(struct pb_matcher_builder *b, struct pb_str text, struct pb_error *err)
{
	struct plain plain;

	if (!read_plain(&plain, text)) {
		PB_CLEANUP(pb_pattern_freep) struct pb_pattern *p = NULL;
		if (pb_pattern_compile(text, &p, err) < 0)
			return -1;
		return pb_matcher_builder_add(b, p, err);
	}
	if (pb_builder_check_room(b, err) < 0)
		return -1;

	uint32_t conditions[FIELDS_MAX], fields[FIELDS_MAX];
	for (uint32_t i = 0; i < plain.n_fields; i++) {
		conditions[i] = pb_builder_add_condition(b, &plain.fields[i]);
		fields[i] = i;
	}
	pb_builder_add_branch(b, &(struct pb_branch){fields, plain.n_fields}, conditions);
	pb_builder_end_rule(b);
	return 0;
}
