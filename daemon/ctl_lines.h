/*
 * Files that are read by lines, for commands of playbookctl.  What cannot be read is told on standard
 * error, with the place and what to do.
 */
#ifndef PB_DAEMON_CTL_LINES_H
#define PB_DAEMON_CTL_LINES_H

#include "base/text.h"

#define PB_CTL_LINE_MAX (64U << 20) /* bytes of a line */

struct pb_ctl_lines {
	const char *name; /* as it is shown */
	int fd;
	size_t number; /* of the line at hand */
	struct pb_str raw; /* that line with the blanks around it, but for its end */
	/* Private. */
	char *buf;
	size_t from, len, size;
	bool is_at_end, is_open;
};

/* "-" is standard input.  -1 when it cannot be opened or is a folder. */
int pb_ctl_lines_open(struct pb_ctl_lines *l, const char *name);
/* The next line that is not blank, without blanks around it; 1, or 0 at the end, or -1. */
int pb_ctl_lines_next(struct pb_ctl_lines *l, struct pb_str *ret);
void pb_ctl_lines_fini(struct pb_ctl_lines *l); /* zeroed is fine */

/* A byte order mark in front makes of the text something else; told in `name`.  -1 when there is one. */
int pb_ctl_refuse_mark(const char *name, struct pb_str text);

#endif
