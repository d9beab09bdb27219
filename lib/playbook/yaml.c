/*
 * YAML to a tree of nodes, through libyaml's event API.
 *
 * The format is the part of YAML that cannot surprise: mappings, lists and scalars.  What is refused
 * is noted with its place and skipped where the rest still makes sense, so that one run shows all.
 */
#include <stdlib.h>

#include <yaml.h>

#include "base/map.h"
#include "playbook/read.h"

struct reading {
	struct pb_loader *l;
	yaml_parser_t parser;
	bool is_broken; /* no more events: a problem is noted */
};

void
pb_node_free(struct pb_node *n)
{
	if (n == NULL)
		return;
	for (size_t i = 0; i < n->n; i++) {
		if (n->keys != NULL)
			pb_node_free(n->keys[i]);
		pb_node_free(n->items[i]);
	}
	free(n->keys);
	free(n->items);
	free(n->text);
	free(n);
}

struct pb_node *
pb_node_get(const struct pb_node *n, const char *key)
{
	if (n == NULL || n->kind != PB_NODE_MAP)
		return NULL;
	for (size_t i = 0; i < n->n; i++)
		if (pb_streq(n->keys[i]->text, key))
			return n->items[i];
	return NULL;
}

/* The longest key that `path` begins with: keys may hold dots themselves. */
static size_t
find_key(const struct pb_node *n, const char *path)
{
	size_t best = PB_NONE;
	for (size_t i = 0; i < n->n; i++) {
		const struct pb_node *key = n->keys[i];
		if (key->len == 0 || strncmp(path, key->text, key->len) != 0 ||
		    strchr(".[", path[key->len]) == NULL)
			continue;
		if (best == PB_NONE || key->len > n->keys[best]->len)
			best = i;
	}
	return best;
}

const struct pb_node *
pb_node_at(const struct pb_node *n, const char *path)
{
	const struct pb_node *at = n;
	while (*path != '\0') {
		if (*path == '.')
			path++;
		if (*path == '[' && at->kind == PB_NODE_LIST) {
			char *end;
			unsigned long i = strtoul(path + 1, &end, 10);
			if (*end != ']' || i >= at->n)
				return at;
			at = at->items[i];
			path = end + 1;
			continue;
		}
		size_t i = at->kind == PB_NODE_MAP ? find_key(at, path) : PB_NONE;
		if (i == PB_NONE)
			return at;
		path += at->keys[i]->len;
		/* The key itself is what reads best where nothing hangs below it. */
		at = at->items[i];
	}
	return at;
}

static struct pb_node *
node_new(enum pb_node_kind kind, const yaml_event_t *ev)
{
	struct pb_node *n = pb_calloc(1, sizeof(*n));
	n->kind = kind;
	n->line = (int)ev->start_mark.line + 1;
	n->column = (int)ev->start_mark.column + 1;
	return n;
}

static void
node_add(struct pb_node *n, struct pb_node *key, struct pb_node *item)
{
	if ((n->n & (n->n - 1)) == 0) { /* full at each power of two */
		size_t size = n->n == 0 ? 1 : 2 * n->n;
		n->items = pb_realloc(n->items, size * sizeof(struct pb_node *));
		if (key != NULL)
			n->keys = pb_realloc(n->keys, size * sizeof(struct pb_node *));
	}
	if (key != NULL)
		n->keys[n->n] = key;
	n->items[n->n++] = item;
}

static void
note_parser_error(struct reading *r)
{
	const yaml_parser_t *p = &r->parser;
	char shown[200];
	pb_safe(shown, sizeof(shown), pb_str_of(p->problem));
	r->is_broken = true;
	pb_problem_add_at(r->l, (int)p->problem_mark.line + 1, (int)p->problem_mark.column + 1,
	    "not valid YAML: %s", *shown != '\0' ? shown : "the parser gave no reason");
}

static int
next_event(struct reading *r, yaml_event_t *ev)
{
	if (r->is_broken)
		return -1;
	if (yaml_parser_parse(&r->parser, ev))
		return 0;
	note_parser_error(r);
	return -1;
}

static void
note_at(struct reading *r, const yaml_event_t *ev, const char *text)
{
	pb_problem_add_at(
	    r->l, (int)ev->start_mark.line + 1, (int)ev->start_mark.column + 1, "%s", text);
}

static void
check_properties(
    struct reading *r, const yaml_event_t *ev, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		note_at(r, ev, "anchors (&name) are not allowed; write the value out");
	if (tag != NULL)
		note_at(r, ev, "tags (!name) are not allowed; the key says what type a value has");
}

static struct pb_node *
read_scalar(struct reading *r, const yaml_event_t *ev)
{
	struct pb_node *n = node_new(PB_NODE_SCALAR, ev);
	const char *text = (const char *)ev->data.scalar.value;
	check_properties(r, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
	n->is_plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->len = ev->data.scalar.length;
	if (memchr(text, '\0', n->len) != NULL) {
		note_at(r, ev, "text holds a NUL character, which is not allowed");
		n->len = strlen(text);
	}
	n->text = pb_strndup(text, n->len);
	return n;
}

static struct pb_node *read_node(struct reading *r, yaml_event_t *ev, unsigned depth);

/* The next node inside a collection, or NULL at its end (and where the file is broken). */
static struct pb_node *
read_inner(struct reading *r, yaml_event_type_t end, unsigned depth)
{
	yaml_event_t ev;
	if (next_event(r, &ev) < 0)
		return NULL;
	struct pb_node *n = ev.type == end ? NULL : read_node(r, &ev, depth);
	yaml_event_delete(&ev);
	return n;
}

static void
check_key(struct reading *r, struct pb_map *seen, const struct pb_node *key)
{
	if (key->is_plain && pb_streq(key->text, "<<")) {
		pb_problem_add(r->l, key, "merge keys (<<) are not allowed; write the keys out");
		return;
	}
	if (pb_map_get(seen, key->text) != NULL)
		pb_problem_add(r->l, key, "duplicate key \"%s\", it stands already in line %d",
		    PB_SHOWN(key->text),
		    ((const struct pb_node *)pb_map_get(seen, key->text))->line);
	else
		(void)pb_map_put(seen, key->text, (void *)(uintptr_t)key);
}

static struct pb_node *
read_map(struct reading *r, const yaml_event_t *ev, unsigned depth)
{
	struct pb_node *n = node_new(PB_NODE_MAP, ev), *key;
	n->is_flow = ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	struct pb_map *seen = pb_map_new();
	check_properties(r, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
	while ((key = read_inner(r, YAML_MAPPING_END_EVENT, depth)) != NULL) {
		struct pb_node *item = read_inner(r, YAML_MAPPING_END_EVENT, depth);
		if (item == NULL || key->kind != PB_NODE_SCALAR) {
			if (item != NULL)
				pb_problem_add(r->l, key, "a key must be text");
			pb_node_free(key);
			pb_node_free(item);
			continue;
		}
		check_key(r, seen, key);
		node_add(n, key, item);
	}
	pb_map_free(seen, NULL);
	return n;
}

static struct pb_node *
read_list(struct reading *r, const yaml_event_t *ev, unsigned depth)
{
	struct pb_node *n = node_new(PB_NODE_LIST, ev), *item;
	n->is_flow = ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	check_properties(r, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
	while ((item = read_inner(r, YAML_SEQUENCE_END_EVENT, depth)) != NULL)
		node_add(n, NULL, item);
	return n;
}

static struct pb_node *
read_node(struct reading *r, yaml_event_t *ev, unsigned depth)
{
	if (ev->type == YAML_SCALAR_EVENT)
		return read_scalar(r, ev);
	if (ev->type == YAML_ALIAS_EVENT) {
		note_at(r, ev, "aliases (*name) are not allowed; write the value out");
		struct pb_node *n = node_new(PB_NODE_SCALAR, ev);
		n->text = pb_strdup("");
		return n;
	}
	if (depth >= PB_YAML_DEPTH_MAX) {
		note_at(r, ev, "nested deeper than 32 levels");
		r->is_broken = true;
		return NULL;
	}
	if (ev->type == YAML_MAPPING_START_EVENT)
		return read_map(r, ev, depth + 1);
	pb_check(ev->type == YAML_SEQUENCE_START_EVENT);
	return read_list(r, ev, depth + 1);
}

static struct pb_node *
read_stream(struct reading *r)
{
	struct pb_node *root = NULL;
	yaml_event_t ev;
	bool is_end = false;
	while (!is_end && next_event(r, &ev) == 0) {
		switch ((int)ev.type) {
		case YAML_DOCUMENT_START_EVENT:
			if (ev.data.document_start.version_directive != NULL ||
			    ev.data.document_start.tag_directives.start !=
				ev.data.document_start.tag_directives.end)
				note_at(r, &ev, "directives (%NAME) are not allowed");
			if (root != NULL) {
				note_at(r, &ev,
				    "only one document is allowed in a file; use several files");
				is_end = true;
			}
			break;
		case YAML_STREAM_END_EVENT:
			is_end = true;
			break;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		default:
			root = read_node(r, &ev, 0);
		}
		yaml_event_delete(&ev);
	}
	return root;
}

/* libyaml tells of bad bytes without line and column, and takes tabs in some places. */
static bool
check_bytes(struct pb_loader *l, struct pb_str text)
{
	int line = 1, column = 1;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		const char *bad = NULL;
		if (c == '\t')
			bad = "tabs are not allowed; indent with blanks, and write \"\\t\" inside "
			      "quotes where a "
			      "text needs one";
		else if ((c < 0x20 && c != '\n' && c != '\r') || c == 0x7f)
			bad = "control characters are not allowed";
		if (bad != NULL) {
			pb_problem_add_at(l, line, column, "%s", bad);
			return false;
		}
		column = c == '\n' ? 1 : column + ((c & 0xc0) != 0x80);
		line += c == '\n';
	}
	return true;
}

static bool
check_utf8(struct pb_loader *l, struct pb_str text)
{
	int line = 1;
	const char *p = text.ptr, *end = text.ptr + text.len;
	if (pb_utf8_is_valid(text))
		return true;
	for (; p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct pb_str row = {p, (size_t)((nl != NULL ? nl : end) - p)};
		if (!pb_utf8_is_valid(row))
			break;
		p += row.len + 1;
	}
	pb_problem_add_at(l, line, 1, "the line is not UTF-8");
	return false;
}

/*
 * A file that was cut off within a line may still make sense ("max: 2" of "max: 20"), and an editor
 * ends its last line.  What stands in braces ends by itself.
 */
static void
check_end(struct pb_loader *l, const struct pb_node *root, struct pb_str text)
{
	int line = 1;
	if (text.len == 0 || text.ptr[text.len - 1] == '\n' || root->is_flow)
		return;
	for (size_t i = 0; i < text.len; i++)
		line += text.ptr[i] == '\n';
	pb_problem_add_at(l, line, 1,
	    "this last line has no line break behind it, so the file may have been cut off; end "
	    "it with one");
}

struct pb_node *
pb_yaml_read(struct pb_loader *l, struct pb_str text)
{
	if (text.len > PB_CONFIG_FILE_MAX) {
		pb_problem_add(l, NULL, "the file has %zu bytes, at most %d (1 MiB) are allowed",
		    text.len, PB_CONFIG_FILE_MAX);
		return NULL;
	}
	if (pb_str_has_prefix(text, PB_STR("\xef\xbb\xbf"))) {
		pb_problem_add(l, NULL,
		    "the file begins with a byte order mark; save it as UTF-8 without one");
		return NULL;
	}
	if (!check_bytes(l, text) || !check_utf8(l, text))
		return NULL;
	struct reading r = {.l = l};
	pb_check(yaml_parser_initialize(&r.parser) == 1);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.ptr, text.len);
	struct pb_node *root = read_stream(&r);
	yaml_parser_delete(&r.parser);
	if (root != NULL && !r.is_broken && !l->is_stored)
		check_end(l, root, text);
	bool is_empty =
	    root == NULL || (root->kind == PB_NODE_SCALAR && root->is_plain && root->len == 0);
	if (is_empty && !r.is_broken) {
		r.is_broken = true;
		pb_problem_add(l, NULL, "the file is empty; begin it with \"version: 1\"");
	}
	if (r.is_broken) {
		pb_node_free(root);
		return NULL;
	}
	return root;
}
