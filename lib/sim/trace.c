/*
 * The trace with marks in it: what was expected stands where one has to look.
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>

/* "HH:MM:SS ..." since the start; -1 for a line that belongs to the one before. */
static int64_t
line_at(const char *line)
{
	long long h, m, s;
	char head[32]; /* sscanf looks for the end of what it is given, be it a month away */
	(void)snprintf(head, sizeof(head), "%.31s", line);
	if (sscanf(head, "%lld:%2lld:%2lld ", &h, &m, &s) != 3)
		return -1;
	return h * PB_HOUR + m * PB_MINUTE + s * PB_SECOND;
}

static void
add_marks(const struct world *w, struct pb_buf *b, bool *is_done, int64_t before)
{
	for (size_t i = 0; i < w->n_marks; i++) {
		const struct mark *m = &w->marks[i];
		int64_t at = m->at == PB_NEVER ? PB_NEVER : m->at - w->start_at;
		if (is_done[i] || at >= before)
			continue;
		is_done[i] = true;
		pb_buf_addf(b, ">>>>>>>> %s\n", m->text);
	}
}

void
world_add_trace(const struct world *w, struct pb_buf *b)
{
	bool *is_done = pb_calloc(w->n_marks + 1, sizeof(*is_done));
	const char *line = w->trace.ptr == NULL ? "" : w->trace.ptr;
	while (*line != '\0') {
		size_t len = strcspn(line, "\n");
		int64_t at = line_at(line);
		if (at >= 0)
			add_marks(w, b, is_done, at - at % PB_SECOND);
		(void)pb_buf_addf(b, "%.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
	for (size_t i = 0; i < w->n_marks; i++)
		if (!is_done[i])
			pb_buf_addf(b, ">>>>>>>> %s\n", w->marks[i].text);
	free(is_done);
}
