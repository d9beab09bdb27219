/*
 * playbookctl: what it asks and how it shows the answers.
 *
 * For people: tables, times as age and as RFC 3339, colour only on a terminal.  For programs:
 * --json, which prints the daemon's JSON as it came.  Whatever came from outside is made safe before
 * a person sees it.
 */
#ifndef PB_DAEMON_CTL_H
#define PB_DAEMON_CTL_H

#include "base/json.h"
#include "base/time.h"

#define PB_CTL_SOCKET "/run/playbookd/playbookd.sock"
#define PB_CTL_ANSWER_MAX (64U << 20)

enum pb_ctl_exit {
	PB_CTL_OK = 0,
	PB_CTL_REFUSED = 1, /* not found, not possible, not valid */
	PB_CTL_USAGE = 2,
	PB_CTL_UNREACHABLE = 3, /* no daemon, or no right to ask it */
};

/* The whole command: parses, asks, prints; returns the exit status. */
enum pb_ctl_exit pb_ctl_main(int argc, char **argv);
/* `playbookctl test-pattern`: its own options; 0 = yes, all agree or counted, 1 = no, 2 = bad input. */
enum pb_ctl_exit pb_ctl_test_pattern(int argc, char **argv);

/* --- asking */

struct pb_ctl_request {
	const char *socket;
	const char *method; /* "GET" or "POST" */
	const char *path; /* with its query */
	struct pb_str body;
	/* Called with each whole line of a stream; NULL: the body is kept.  -1 ends it. */
	int (*on_line)(struct pb_str line, void *arg);
	void *arg;
};
struct pb_ctl_answer {
	int status; /* HTTP's */
	struct pb_buf body;
};
/* -1 when there is no answer: err says which socket, why, and what to do.  `ret` is the caller's to
 * pb_buf_fini in either case. */
int pb_ctl_ask(const struct pb_ctl_request *req, struct pb_ctl_answer *ret, struct pb_error *err);
/* Add `s` to a path or query: what is not a letter, digit, '-', '.', '_' becomes %XX. */
void pb_ctl_add_encoded(struct pb_buf *b, const char *s);
/* The message of an error answer, safe to show, with its problems one a line; adds to b. */
void pb_ctl_add_error(struct pb_buf *b, int status, struct pb_str body);

/* --- showing; each adds whole lines to b */

struct pb_ctl_view {
	int64_t now; /* ms since 1970, the daemon's durable time */
	int64_t ahead; /* the clock on the wall minus that */
	bool is_color;
};

/* As the answer says: every one has "now" and "clock_ahead_for". */
void pb_ctl_take_clock(struct pb_ctl_view *v, const json_t *answer);

void pb_ctl_show_status(struct pb_buf *b, const json_t *status, const struct pb_ctl_view *v);
/* `is_all` only words an empty list. */
void pb_ctl_show_incidents(
    struct pb_buf *b, const json_t *list, bool is_all, const struct pb_ctl_view *v);
void pb_ctl_show_incident(struct pb_buf *b, const json_t *incident, const struct pb_ctl_view *v);
/* The lines that say what a group or storm is. */
void pb_ctl_add_bundle(struct pb_buf *b, const json_t *bundle, const struct pb_ctl_view *v);
void pb_ctl_show_why(struct pb_buf *b, const json_t *body, const struct pb_ctl_view *v);
/* Which plan an incident keeps and whether it is in force, behind `before`; nothing for NULL. */
void pb_ctl_add_plan(struct pb_buf *b, const char *before, const json_t *plan);
/* The answer to a reload: what is in force, what differs, and stops that it left without a playbook. */
void pb_ctl_show_reload(struct pb_buf *b, const json_t *reply, const struct pb_ctl_view *v);
void pb_ctl_show_quarantine(struct pb_buf *b, const json_t *list, const struct pb_ctl_view *v);
void pb_ctl_show_note(struct pb_buf *b, const json_t *note, const struct pb_ctl_view *v);

/* --- words and tables */

enum pb_ctl_color { PB_CTL_PLAIN, PB_CTL_BOLD, PB_CTL_RED, PB_CTL_YELLOW, PB_CTL_GREEN };

/*
 * "2026-03-03T09:14:05Z (4m12s ago)", or "(in 5m)"; "-" for 0, "never" for PB_NEVER.  People are told
 * what the clock on the wall shows then: `at` is durable time, of which answers are, or a wall time
 * already, as the times of events are.
 */
void pb_ctl_add_time(struct pb_buf *b, int64_t at, const struct pb_ctl_view *v);
void pb_ctl_add_wall_time(struct pb_buf *b, int64_t at, const struct pb_ctl_view *v);
/* The same without how long ago: `at` is durable. */
char *pb_ctl_when(char out[PB_TIME_TEXT], int64_t at, const struct pb_ctl_view *v);
char *pb_ctl_age(char out[32], int64_t at, int64_t now); /* "4m12s"; "0s" when it is to come */
/* As one word of a shell's command line, quoted where it must be. */
void pb_ctl_add_word(struct pb_buf *b, const char *word);
/* Outside text: safe, at most `max` bytes of it; NULL adds nothing. */
void pb_ctl_add_text(struct pb_buf *b, const char *s, size_t max);
void pb_ctl_add_colored(
    struct pb_buf *b, const char *s, enum pb_ctl_color color, const struct pb_ctl_view *v);

/* Columns as wide as their widest cell, two blanks between, nothing behind the last. */
struct pb_ctl_table {
	size_t n_columns;
	struct pb_ctl_cell {
		char *text;
		enum pb_ctl_color color;
	} * cells;
	size_t n_cells;
};
/* What they get is safe already, or is made so: no cell has control bytes.  At most 200 bytes of it
 * are shown, or `max`. */
void
pb_ctl_cell(struct pb_ctl_table *t, enum pb_ctl_color color, const char *fmt, ...) PB_PRINTF(3, 4);
void pb_ctl_cell_max(struct pb_ctl_table *t, enum pb_ctl_color color, size_t max, const char *fmt,
    ...) PB_PRINTF(4, 5);
void pb_ctl_table_add(
    struct pb_buf *b, struct pb_ctl_table *t, const char *indent, const struct pb_ctl_view *v);
void pb_ctl_table_fini(struct pb_ctl_table *t);

#endif
