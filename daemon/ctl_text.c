/*
 * Words and tables for people.
 */
#include <stdlib.h>

#include "base/time.h"
#include "ctl.h"

#define CELL_MAX 200 /* bytes of a cell */

char *
pb_ctl_age(char out[32], int64_t at, int64_t now)
{
	/* Below a second nobody cares; and the daemon's clock may be a little ahead of ours. */
	int64_t span = now > at ? (now - at) / PB_SECOND * PB_SECOND : 0;
	return pb_duration_text(out, span);
}

void
pb_ctl_take_clock(struct pb_ctl_view *v, const json_t *answer)
{
	v->now = pb_json_i64(answer, "now", v->now);
	v->ahead = pb_json_i64(answer, "clock_ahead_for", 0);
}

char *
pb_ctl_when(char out[PB_TIME_TEXT], int64_t at, const struct pb_ctl_view *v)
{
	return pb_time_rfc3339(out, (at + v->ahead) / PB_SECOND * PB_SECOND);
}

void
pb_ctl_add_time(struct pb_buf *b, int64_t at, const struct pb_ctl_view *v)
{
	pb_ctl_add_wall_time(b, at == 0 || at == PB_NEVER ? at : at + v->ahead, v);
}

void
pb_ctl_add_wall_time(struct pb_buf *b, int64_t at, const struct pb_ctl_view *v)
{
	char when[PB_TIME_TEXT], span[PB_TIME_TEXT];
	int64_t now = v->now + v->ahead;
	if (at == 0 || at == PB_NEVER) {
		(void)pb_buf_adds(b, at == 0 ? "-" : "never");
		return;
	}
	(void)pb_buf_adds(b, pb_time_rfc3339(when, at / PB_SECOND * PB_SECOND));
	if (at > now)
		(void)pb_buf_addf(b, " (in %s)", pb_ctl_age(span, now, at));
	else
		(void)pb_buf_addf(b, " (%s ago)", pb_ctl_age(span, at, now));
}

void
pb_ctl_add_word(struct pb_buf *b, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-./:,=+@%";
	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		(void)pb_buf_adds(b, word);
		return;
	}
	(void)pb_buf_addc(b, '\'');
	for (const char *p = word; *p != '\0'; p++) {
		if (*p == '\'')
			(void)pb_buf_adds(b, "'\\''");
		else
			(void)pb_buf_addc(b, *p);
	}
	(void)pb_buf_addc(b, '\'');
}

void
pb_ctl_add_text(struct pb_buf *b, const char *s, size_t max)
{
	pb_buf_add_safe(b, pb_str_of(s), max, false);
}

void
pb_ctl_add_colored(
    struct pb_buf *b, const char *s, enum pb_ctl_color color, const struct pb_ctl_view *v)
{
	static const char *const codes[] = {
	    [PB_CTL_PLAIN] = "",
	    [PB_CTL_BOLD] = "\x1b[1m",
	    [PB_CTL_RED] = "\x1b[31m",
	    [PB_CTL_YELLOW] = "\x1b[33m",
	    [PB_CTL_GREEN] = "\x1b[32m",
	};
	bool is_colored = v->is_color && color != PB_CTL_PLAIN;
	if (is_colored)
		(void)pb_buf_adds(b, codes[color]);
	(void)pb_buf_adds(b, s);
	if (is_colored)
		(void)pb_buf_adds(b, "\x1b[0m");
}

static void PB_PRINTF(4, 0) add_cell(
    struct pb_ctl_table *t, enum pb_ctl_color color, size_t max, const char *fmt, va_list ap)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf raw = PB_BUF_INIT, safe = PB_BUF_INIT;
	(void)pb_buf_vaddf(&raw, fmt, ap);
	pb_buf_add_safe(&safe, pb_buf_str(&raw), max, false);
	t->cells = pb_realloc(t->cells, (t->n_cells + 1) * sizeof(*t->cells));
	t->cells[t->n_cells++] = (struct pb_ctl_cell){pb_buf_take(&safe), color};
}

void
pb_ctl_cell(struct pb_ctl_table *t, enum pb_ctl_color color, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_cell(t, color, CELL_MAX, fmt, ap);
	va_end(ap);
}

void
pb_ctl_cell_max(struct pb_ctl_table *t, enum pb_ctl_color color, size_t max, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_cell(t, color, max, fmt, ap);
	va_end(ap);
}

/* Characters of valid UTF-8; each is taken to be one column wide. */
static size_t
width(const char *s)
{
	size_t n = 0;
	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static size_t
column_width(const struct pb_ctl_table *t, size_t column)
{
	size_t most = 0;
	for (size_t i = column; i < t->n_cells; i += t->n_columns)
		if (width(t->cells[i].text) > most)
			most = width(t->cells[i].text);
	return most;
}

void
pb_ctl_table_add(
    struct pb_buf *b, struct pb_ctl_table *t, const char *indent, const struct pb_ctl_view *v)
{
	pb_check(t->n_columns > 0 && t->n_cells % t->n_columns == 0);
	for (size_t row = 0; row < t->n_cells; row += t->n_columns) {
		size_t blanks = 0;
		(void)pb_buf_adds(b, indent);
		for (size_t c = 0; c < t->n_columns; c++) {
			const struct pb_ctl_cell *cell = &t->cells[row + c];
			size_t w = width(cell->text);
			/* Blanks wait for the next cell that has something: none at a line's end. */
			if (w > 0) {
				(void)pb_buf_addf(b, "%*s", (int)blanks, "");
				pb_ctl_add_colored(b, cell->text, cell->color, v);
				blanks = 0;
			}
			blanks += column_width(t, c) - w + 2;
		}
		(void)pb_buf_addc(b, '\n');
	}
}

void
pb_ctl_table_fini(struct pb_ctl_table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i].text);
	free(t->cells);
}
