/*
 * Problems: noted in any order while the files are read, handed over in order of file and line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "playbook/read.h"

#define NOTED_MAX 5000 /* kept for sorting; what is beyond is only counted */

static void
    PB_PRINTF(4, 0) add(struct pb_loader *l, int line, int column, const char *fmt, va_list ap)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	char name[256];
	if (l->n_problems >= NOTED_MAX) {
		l->n_more++;
		return;
	}
	const char *file = l->file < l->n_files ? l->files[l->file].name : "configuration";
	(void)pb_buf_addf(
	    &b, "%s:%d:%d: ", pb_safe(name, sizeof(name), pb_str_of(file)), line, column);
	(void)pb_buf_vaddf(&b, fmt, ap);
	if (l->n_problems == l->size_problems) {
		l->size_problems = l->size_problems == 0 ? 16 : 2 * l->size_problems;
		l->problems = pb_realloc(l->problems, l->size_problems * sizeof(*l->problems));
	}
	l->problems[l->n_problems++] = (struct pb_problem){l->file, line, column, pb_buf_take(&b)};
}

void
pb_problem_add_at(struct pb_loader *l, int line, int column, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(l, line, column, fmt, ap);
	va_end(ap);
}

void
pb_problem_add(struct pb_loader *l, const struct pb_node *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(l, at != NULL ? at->line : 1, at != NULL ? at->column : 1, fmt, ap);
	va_end(ap);
}

static int
compare(const void *a, const void *b)
{
	const struct pb_problem *x = a, *y = b;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->text, y->text);
}

void
pb_problems_finish(struct pb_loader *l, struct pb_problems *ret)
{
	size_t kept = 0;
	if (l->n_problems > 0)
		qsort(l->problems, l->n_problems, sizeof(*l->problems), compare);
	for (size_t i = 0; i < l->n_problems; i++) { /* the same twice says nothing new */
		if (kept > 0 && pb_streq(l->problems[kept - 1].text, l->problems[i].text))
			free(l->problems[i].text);
		else
			l->problems[kept++] = l->problems[i];
	}
	size_t shown = kept + l->n_more <= PB_PROBLEMS_MAX ? kept : PB_PROBLEMS_MAX - 1;
	*ret = (struct pb_problems){0};
	if (kept > 0) /* an empty list owns nothing: who has a good set need not free it */
		*ret = (struct pb_problems){pb_calloc(shown + 1, sizeof(char *)), shown};
	for (size_t i = 0; i < kept; i++) {
		if (i < shown)
			ret->texts[i] = l->problems[i].text;
		else
			free(l->problems[i].text);
	}
	if (shown < kept + l->n_more)
		ret->texts[ret->n++] =
		    pb_asprintf("and %zu problems more", kept + l->n_more - shown);
	free(l->problems);
	l->problems = NULL;
	l->n_problems = l->size_problems = l->n_more = 0;
}

void
pb_problems_fini(struct pb_problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->texts[i]);
	free(p->texts);
	*p = (struct pb_problems){0};
}

const char *
pb_suggest(char out[96], const char *word, const char *const *words, size_t n)
{
	char shown[64];
	const char *meant = pb_did_you_mean(word, words, n);
	out[0] = '\0';
	if (meant != NULL)
		(void)snprintf(out, 96, " (did you mean \"%s\"?)",
		    pb_safe(shown, sizeof(shown), pb_str_of(meant)));
	return out;
}

const char *
pb_shown(char out[96], const char *text)
{
	return pb_safe(out, 96, pb_str_of(text));
}
