/*
 * What changes from one configuration to the next, by name.
 */
#include "playbook/read.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 8 /* of one section; the rest is counted */

/* --- while reading */

/* The value, however it was laid out or quoted; a comment changes nothing. */
static void
add_node(struct pb_buf *b, const struct pb_node *n)
{
	if (n == NULL)
		return;
	(void)pb_buf_addf(b, "%d%d:%zu:", (int)n->kind, (int)n->is_plain, n->len + n->n);
	if (n->kind == PB_NODE_SCALAR)
		(void)pb_buf_add(b, n->text, n->len);
	for (size_t i = 0; i < n->n; i++) {
		if (n->kind == PB_NODE_MAP)
			add_node(b, n->keys[i]);
		add_node(b, n->items[i]);
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct pb_config_item *x = a, *y = b;
	return x->section != y->section ? (x->section < y->section ? -1 : 1)
					: strcmp(x->name, y->name);
}

void
pb_config_note_items(const struct pb_loader *l, struct pb_config *c)
{
	size_t n = 0;
	for (size_t s = 0; s < PB_SECTION_MAX; s++)
		n += l->sections[s].n;
	c->items = pb_calloc(n + 1, sizeof(*c->items));
	for (unsigned s = 0; s < PB_SECTION_MAX; s++) {
		for (size_t i = 0; i < l->sections[s].n; i++) {
			const struct pb_node *node = l->sections[s].items[i].node;
			const struct pb_node *name = pb_node_get(node, "name");
			PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
			unsigned char digest[PB_SHA256_LEN];
			if (name == NULL || name->text == NULL)
				continue;
			add_node(&b, node);
			pb_sha256(b.ptr, b.len, digest);
			struct pb_config_item *item = &c->items[c->n_items++];
			*item = (struct pb_config_item){
			    .section = s, .index = i, .name = pb_strdup(name->text)};
			memcpy(item->sum, digest, sizeof(item->sum));
		}
	}
	qsort(c->items, c->n_items, sizeof(*c->items), by_name);
}

/* --- afterwards */

static const struct pb_config_item *
find(const struct pb_config *c, unsigned section, const char *name)
{
	const struct pb_config_item key = {.section = section, .name = (char *)(uintptr_t)name};
	return bsearch(&key, c->items, c->n_items, sizeof(key), by_name);
}

size_t
pb_config_find_playbook(const struct pb_config *c, const char *name)
{
	const struct pb_config_item *item =
	    name == NULL ? NULL : find(c, PB_SECTION_PLAYBOOKS, name);
	return item == NULL ? PB_NONE : item->index;
}

static enum pb_item_fate
item_fate(
    const struct pb_config *from, const struct pb_config *to, unsigned section, const char *name)
{
	const struct pb_config_item *a = find(from, section, name);
	const struct pb_config_item *b = find(to, section, name);
	if (a == NULL || b == NULL)
		return a == NULL && b == NULL ? PB_ITEM_SAME
		    : b == NULL               ? PB_ITEM_GONE
					      : PB_ITEM_NEW;
	return memcmp(a->sum, b->sum, sizeof(a->sum)) == 0 ? PB_ITEM_SAME : PB_ITEM_CHANGED;
}

enum pb_item_fate
pb_config_item_fate(
    const struct pb_config *from, const struct pb_config *to, const char *word, const char *name)
{
	unsigned section = 0;
	while (section < PB_SECTION_MAX &&
	    strcmp(pb_section_word((enum pb_section)section), word) != 0)
		section++;
	return item_fate(from, to, section, name);
}

/* Names that end up so in the section: " new a, b and 3 more". */
static void
add_names(struct pb_buf *b, const struct pb_config *of, const struct pb_config *from,
    const struct pb_config *to, unsigned section, enum pb_item_fate fate, const char *word)
{
	size_t n = 0;
	for (size_t i = 0; i < of->n_items; i++) {
		const struct pb_config_item *item = &of->items[i];
		if (item->section != section || item_fate(from, to, section, item->name) != fate)
			continue;
		if (n++ < NAMES_MAX)
			(void)pb_buf_addf(b, "%s%s", n == 1 ? word : ", ", item->name);
	}
	if (n > NAMES_MAX)
		(void)pb_buf_addf(b, " and %zu more", n - NAMES_MAX);
}

void
pb_config_add_changes(const struct pb_config *from, const struct pb_config *to, struct pb_buf *b)
{
	size_t start = b->len;
	for (unsigned s = 0; s < PB_SECTION_MAX; s++) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf names = PB_BUF_INIT;
		add_names(&names, to, from, to, s, PB_ITEM_NEW, " new ");
		add_names(&names, from, from, to, s, PB_ITEM_CHANGED,
		    names.len > 0 ? "; changed " : " changed ");
		add_names(
		    &names, from, from, to, s, PB_ITEM_GONE, names.len > 0 ? "; gone " : " gone ");
		if (names.len > 0)
			(void)pb_buf_addf(b, "%s%ss%s", b->len > start ? ". " : "",
			    pb_section_word((enum pb_section)s), names.ptr);
	}
}

/* --- files that were cut off */

static const char *
name_in_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

/* Only blank lines and comments. */
static bool
says_nothing(const char *text)
{
	while (*text != '\0') {
		text += strspn(text, " \r\n");
		if (*text == '#')
			text += strcspn(text, "\n");
		else if (*text != '\0')
			return false;
	}
	return true;
}

static bool
is_cut(const struct pb_config_file *old, const struct pb_config_file *new)
{
	return new->len < old->len &&memcmp(old->text, new->text, new->len) == 0 &&
	    !says_nothing(old->text + new->len);
}

/* What was shortened; NULL where all that differs is gone whole.  The caller's. */
static char *
shortened(const struct pb_config *from, const struct pb_config *to)
{
	bool is_gone = false;
	for (size_t i = 0; i < from->n_items; i++) {
		const struct pb_config_item *item = &from->items[i];
		enum pb_item_fate fate = item_fate(from, to, item->section, item->name);
		if (fate == PB_ITEM_CHANGED)
			return pb_asprintf(
			    "%s %s", pb_section_word((enum pb_section)item->section), item->name);
		is_gone = is_gone || fate == PB_ITEM_GONE;
	}
	return is_gone ? NULL : pb_strdup("its last setting");
}

int
pb_config_check_cut(
    const struct pb_config *in_force, const struct pb_config *c, struct pb_error *err)
{
	for (size_t i = 0; i < c->n_files; i++) {
		for (size_t k = 0; k < in_force->n_files; k++) {
			const struct pb_config_file *new = &c->files[i], *old = &in_force->files[k];
			if (strcmp(name_in_folder(new->name), name_in_folder(old->name)) != 0 ||
			    !is_cut(old, new))
				continue;
			PB_CLEANUP(pb_freep) char *what = shortened(in_force, c);
			if (what != NULL)
				return pb_fail(err, PB_INVALID,
				    "%s: is the beginning of the file in force, cut off within %s; "
				    "if that is meant, end it with a comment",
				    new->name, what);
		}
	}
	return 0;
}
