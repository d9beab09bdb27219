/*
 * playbookctl backtest: what another configuration would have done with events of the past.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/time.h"
#include "ctl_prove.h"
#include "event/event.h"
#include "io/file.h"
#include "sim/replay.h"

#define EVENT_MAX (4U << 20) /* of a file, of a line */
#define UNREADABLE_TOLD 20

static const char usage_text[] =
    "usage: playbookctl backtest --from JOURNAL|DIR --base DIR --head DIR\n"
    "                            [--max-new-actions N] [--json]\n"
    "\n"
    "Plays recorded events through two configurations, in virtual time and without touching\n"
    "anything, and prints what would have been started, paged and owned otherwise.\n"
    "\n"
    "  --from JOURNAL   what `playbookctl export` printed, an event a line; - is standard input\n"
    "  --from DIR       a folder of events, one in each *.json\n"
    "  --base DIR       the configuration as it is\n"
    "  --head DIR       the configuration as it would be\n"
    "  --max-new-actions N   fail when head starts a step in more than N incidents in which base\n"
    "                   does not; steps that only read do not count\n"
    "  --json           print JSON\n"
    "\n"
    "exit status: 0 done; 1 more new actions than N, or events that cannot be read where N is\n"
    "given; 2 nothing could be played.\n";

struct backtest {
	const char *from, *base_dir, *head_dir;
	int64_t max_new;
	bool has_max, is_json;
	struct pb_config *base, *head;
	struct pb_replay *replay;
	size_t n_events, n_unreadable, n_ignored;
	int64_t first_at, last_at;
	json_t *unreadable; /* the first ones: {"place", "why"} */
};

/* --- reading */

static void
unreadable(struct backtest *b, const char *place, const char *why)
{
	if (b->n_unreadable++ < UNREADABLE_TOLD)
		json_array_append_new(
		    b->unreadable, json_pack("{s:s, s:s}", "place", place, "why", why));
}

static void
play(struct backtest *b, int64_t at, const char *source, const struct pb_event *ev)
{
	if (at <= 0)
		at = ev->time_at > 0 ? ev->time_at : b->last_at;
	if (b->replay == NULL) {
		b->replay = pb_replay_new(b->base, b->head, at);
		b->first_at = b->last_at = at;
	}
	b->last_at = at > b->last_at ? at : b->last_at;
	b->n_events++;
	pb_replay_event(b->replay, at, source, ev);
}

/* A line of an export, or a bare event. */
static void
take_line(struct backtest *b, const char *place, struct pb_str line)
{
	struct pb_error err = {0};
	PB_JSON json_t *j = NULL;
	struct pb_event *ev = NULL;
	if (pb_json_parse(line, &j, &err) < 0) {
		PB_CLEANUP(pb_freep)
		char *why = pb_asprintf("column %d: %s", err.column, err.text);
		unreadable(b, place, why);
		return;
	}
	json_t *event = json_object_get(j, "event");
	bool is_export = json_is_object(event) && json_object_get(j, "source") != NULL &&
	    json_object_get(j, "detail-type") == NULL;
	if (pb_event_from_envelope(is_export ? event : j, &ev, &err) < 0) {
		unreadable(b, place, err.text);
		return;
	}
	play(b, is_export ? pb_json_i64(j, "at", 0) : 0,
	    is_export ? pb_json_str_or(j, "source", "") : "", ev);
	pb_event_unref(ev);
}

static int
read_journal(struct backtest *b)
{
	bool is_stdin = strcmp(b->from, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(b->from, "re");
	char *text = NULL;
	size_t size = 0, n = 0;
	ssize_t len;
	if (f == NULL) {
		fprintf(stderr, "playbookctl: %s: %s\n", b->from, strerror(errno));
		return -1;
	}
	while ((len = getline(&text, &size, f)) >= 0) {
		struct pb_str line = pb_str_trim((struct pb_str){text, (size_t)len});
		PB_CLEANUP(pb_freep)
		char *place = pb_asprintf("%s:%zu", is_stdin ? "standard input" : b->from, ++n);
		if (line.len > EVENT_MAX)
			unreadable(b, place, "longer than 4 MiB");
		else if (line.len > 0)
			take_line(b, place, line);
	}
	bool is_cut = ferror(f) != 0;
	free(text);
	if (is_cut)
		fprintf(stderr, "playbookctl: %s: %s\n", b->from, strerror(errno));
	if (!is_stdin)
		(void)fclose(f);
	return is_cut ? -1 : 0;
}

struct dated {
	struct pb_event *event;
	size_t order;
};

static int
by_time(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;
	int64_t x_at = x->event->time_at, y_at = y->event->time_at;
	/* What has no time stands last. */
	if (x_at != y_at)
		return y_at == 0 || (x_at != 0 && x_at < y_at) ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static struct pb_event *
read_event(struct backtest *b, const char *path)
{
	struct pb_error err = {0};
	struct pb_event *ev = NULL;
	char reason[128] = "";
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	if (pb_file_read(path, EVENT_MAX, &text, &err) < 0) {
		size_t len = strlen(path); /* it names the file itself */
		bool is_named = strncmp(err.text, path, len) == 0 && err.text[len] == ':';
		unreadable(b, path, is_named ? err.text + len + 2 : err.text);
		return NULL;
	}
	switch (pb_event_from_body(pb_buf_str(&text), "", "", &ev, reason, &err)) {
	case PB_BODY_EVENT:
		return ev;
	case PB_BODY_IGNORE:
		b->n_ignored++;
		return NULL;
	case PB_BODY_BAD:
		break;
	}
	if (err.line > 0)
		(void)pb_wrap(&err, "line %d, column %d", err.line, err.column);
	unreadable(b, path, err.text);
	return NULL;
}

static int
read_folder(struct backtest *b)
{
	struct pb_error err;
	PB_CLEANUP(pb_file_list_fini) struct pb_file_list list = {0};
	if (pb_file_list(b->from, ".json", &list, &err) < 0) {
		fprintf(stderr, "playbookctl: %s%s\n", err.text,
		    err.kind == PB_LIMIT ? "; put the events into one file, one a line" : "");
		return -1;
	}
	struct dated *events = pb_calloc(list.n + 1, sizeof(*events));
	size_t n = 0;
	for (size_t i = 0; i < list.n; i++) {
		PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", b->from, list.names[i]);
		struct pb_event *ev = read_event(b, path);
		if (ev != NULL) {
			events[n] = (struct dated){ev, n};
			n++;
		}
	}
	qsort(events, n, sizeof(*events), by_time);
	for (size_t i = 0; i < n; i++) {
		play(b, 0, "", events[i].event);
		pb_event_unref(events[i].event);
	}
	free(events);
	return 0;
}

static int
read_all(struct backtest *b)
{
	struct stat st;
	bool is_folder = stat(b->from, &st) == 0 && S_ISDIR(st.st_mode);
	if ((is_folder ? read_folder(b) : read_journal(b)) < 0)
		return -1;
	if (b->replay != NULL)
		pb_replay_end(b->replay);
	return 0;
}

/* --- printing */

static void
add_instant(struct pb_buf *out, int64_t at)
{
	char text[PB_TIME_TEXT];
	(void)pb_buf_adds(out, pb_time_rfc3339(text, at / PB_SECOND * PB_SECOND));
}

static void
add_head(const struct backtest *b, struct pb_buf *out)
{
	(void)pb_buf_addf(out, "backtest of %zu event%s", b->n_events, b->n_events == 1 ? "" : "s");
	if (b->n_events > 0) {
		(void)pb_buf_adds(out, ", ");
		add_instant(out, b->first_at);
		(void)pb_buf_adds(out, " to ");
		add_instant(out, b->last_at);
	}
	(void)pb_buf_addf(out, "\n  base %.12s of ", b->base->digest);
	pb_ctl_add_text(out, b->base_dir, 500);
	(void)pb_buf_addf(out, "\n  head %.12s of ", b->head->digest);
	pb_ctl_add_text(out, b->head_dir, 500);
	(void)pb_buf_addc(out, '\n');
	if (b->n_ignored > 0)
		(void)pb_buf_addf(out, "  %zu %s no event%s, as a confirmation of a subscription\n",
		    b->n_ignored, b->n_ignored == 1 ? "is" : "are", b->n_ignored == 1 ? "" : "s");
	if (b->n_unreadable > 0)
		(void)pb_buf_addf(out, "  %zu could not be read:\n", b->n_unreadable);
	for (size_t i = 0; i < json_array_size(b->unreadable); i++) {
		const json_t *u = json_array_get(b->unreadable, i);
		(void)pb_buf_adds(out, "    ");
		pb_ctl_add_text(out, pb_json_str_or(u, "place", "?"), 500);
		(void)pb_buf_adds(out, ": ");
		pb_ctl_add_text(out, pb_json_str_or(u, "why", "?"), 300);
		(void)pb_buf_addc(out, '\n');
	}
	if (b->n_unreadable > UNREADABLE_TOLD)
		(void)pb_buf_addf(out, "    and %zu more\n", b->n_unreadable - UNREADABLE_TOLD);
}

static void
add_counts(const struct backtest *b, struct pb_buf *out)
{
	struct pb_replay_count base = {0}, head = {0};
	pb_replay_counts(b->replay, PB_REPLAY_BASE, &base);
	pb_replay_counts(b->replay, PB_REPLAY_HEAD, &head);
	const struct {
		const char *name;
		size_t base, head;
	} rows[] = {
	    {"incidents", base.incidents, head.incidents},
	    {"that no playbook owns", base.unowned, head.unowned},
	    {"steps started", base.steps, head.steps},
	    {"questions asked", base.asked, head.asked},
	    {"pages", base.pages, head.pages},
	};
	(void)pb_buf_addf(out, "\n  %-22s %8s %8s\n", "would have been", "base", "head");
	for (size_t i = 0; i < PB_ARRAY_LEN(rows); i++)
		(void)pb_buf_addf(
		    out, "  %-22s %8zu %8zu\n", rows[i].name, rows[i].base, rows[i].head);
}

static void
add_owner(struct pb_buf *out, const char *side, const json_t *story)
{
	const char *playbook = pb_json_str_or(story, "playbook", "");
	const char *owner = pb_json_str_or(story, "owner", "");
	(void)pb_buf_addf(out, "  %s  ", side);
	if (json_is_null(story)) {
		(void)pb_buf_adds(out, "would have opened no incident\n");
		return;
	}
	if (playbook[0] == '\0')
		(void)pb_buf_adds(out, "would have been no playbook's");
	else {
		(void)pb_buf_adds(out, "would have been owned by ");
		pb_ctl_add_text(out, playbook, 100);
	}
	if (owner[0] != '\0') {
		(void)pb_buf_adds(out, ", team ");
		pb_ctl_add_text(out, owner, 100);
	}
	(void)pb_buf_addc(out, '\n');
}

static void
add_span(struct pb_buf *out, int64_t ms)
{
	char text[32];
	(void)pb_ctl_age(text, 0, ms);
	(void)pb_buf_addf(out, "+%-7s ", text);
}

static void
add_difference(struct pb_buf *out, const json_t *d)
{
	const json_t *lines = pb_json_get(d, "lines"), *cut = pb_json_get(d, "cut");
	long long base = pb_json_i64(cut, "base", 0), head = pb_json_i64(cut, "head", 0);
	(void)pb_buf_addc(out, '\n');
	add_instant(out, pb_json_i64(d, "at", 0));
	(void)pb_buf_addc(out, ' ');
	pb_ctl_add_text(out, pb_json_str_or(d, "title", "?"), 200);
	(void)pb_buf_addc(out, '\n');
	if (!json_equal(pb_json_get(d, "base"), pb_json_get(d, "head"))) {
		add_owner(out, "base", pb_json_get(d, "base"));
		add_owner(out, "head", pb_json_get(d, "head"));
	}
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *l = json_array_get(lines, i);
		(void)pb_buf_addf(out, "  %s  ", pb_json_str_or(l, "side", "?"));
		add_span(out, pb_json_i64(l, "after", 0));
		pb_ctl_add_text(out, pb_json_str_or(l, "what", "?"), 300);
		(void)pb_buf_addc(out, '\n');
	}
	if (pb_json_i64(d, "lines_more", 0) > 0)
		(void)pb_buf_addf(
		    out, "        and %lld more\n", (long long)pb_json_i64(d, "lines_more", 0));
	if (base + head > 0)
		(void)pb_buf_addf(out,
		    "        cut here: the outside would have gone another way; %lld later in base "
		    "and %lld in head are not compared\n",
		    base, head);
}

/* A gate says nothing good of events that nobody could read. */
static bool
is_refused(const struct backtest *b)
{
	return b->has_max &&
	    (pb_replay_n_new_actions(b->replay) > (size_t)b->max_new || b->n_unreadable > 0);
}

static void
add_verdict(const struct backtest *b, struct pb_buf *out)
{
	if (!b->has_max)
		return;
	(void)pb_buf_addf(out, ", at most %lld allowed%s", (long long)b->max_new,
	    is_refused(b) ? ": refused" : "");
	if (b->n_unreadable > 0)
		(void)pb_buf_addf(out, ", for %zu event%s could not be read", b->n_unreadable,
		    b->n_unreadable == 1 ? "" : "s");
}

static void
print_text(const struct backtest *b)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
	const json_t *all = pb_replay_differences(b->replay);
	size_t n = pb_replay_n_differ(b->replay), n_new = pb_replay_n_new_actions(b->replay);
	add_head(b, &out);
	add_counts(b, &out);
	for (size_t i = 0; i < json_array_size(all); i++)
		add_difference(&out, json_array_get(all, i));
	(void)pb_buf_addf(
	    &out, "\n%zu of %zu incidents differ", n, pb_replay_n_compared(b->replay));
	if (n > json_array_size(all))
		(void)pb_buf_addf(&out, ", the first %zu are told", json_array_size(all));
	(void)pb_buf_addf(&out, "; %zu new action%s in head", n_new, n_new == 1 ? "" : "s");
	add_verdict(b, &out);
	(void)pb_buf_adds(
	    &out, "\nassumed: steps succeed with no output, pages arrive, nobody answers\n");
	(void)fwrite(out.ptr, 1, out.len, stdout);
}

static json_t *
side_json(const struct backtest *b, enum pb_replay_side side)
{
	struct pb_replay_count c;
	bool is_base = side == PB_REPLAY_BASE;
	pb_replay_counts(b->replay, side, &c);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "dir",
	    is_base ? b->base_dir : b->head_dir, "digest",
	    is_base ? b->base->digest : b->head->digest, "incidents", (json_int_t)c.incidents,
	    "unowned", (json_int_t)c.unowned, "steps", (json_int_t)c.steps, "asked",
	    (json_int_t)c.asked, "pages", (json_int_t)c.pages);
}

static void
print_json(const struct backtest *b)
{
	PB_JSON json_t *j = json_object();
	pb_json_set_i64(j, "events", (int64_t)b->n_events);
	pb_json_set_i64(j, "from_at", b->first_at);
	pb_json_set_i64(j, "until_at", b->last_at);
	pb_json_set_i64(j, "ignored", (int64_t)b->n_ignored);
	pb_json_set_i64(j, "n_unreadable", (int64_t)b->n_unreadable);
	json_object_set(j, "unreadable", b->unreadable);
	json_object_set_new(j, "base", side_json(b, PB_REPLAY_BASE));
	json_object_set_new(j, "head", side_json(b, PB_REPLAY_HEAD));
	pb_json_set_i64(j, "n_compared", (int64_t)pb_replay_n_compared(b->replay));
	pb_json_set_i64(j, "n_differ", (int64_t)pb_replay_n_differ(b->replay));
	json_object_set(j, "differences", (json_t *)(uintptr_t)pb_replay_differences(b->replay));
	pb_json_set_i64(j, "new_actions", (int64_t)pb_replay_n_new_actions(b->replay));
	if (b->has_max) {
		pb_json_set_i64(j, "max_new_actions", b->max_new);
		json_object_set_new(j, "is_refused", json_boolean(is_refused(b)));
	}
	PB_CLEANUP(pb_freep) char *text = pb_json_text(j);
	puts(text);
}

/* --- command line */

enum { OPT_FROM = 256, OPT_BASE, OPT_HEAD, OPT_MAX, OPT_JSON, OPT_HELP };

static const struct option options[] = {
    {"from", required_argument, NULL, OPT_FROM},
    {"base", required_argument, NULL, OPT_BASE},
    {"head", required_argument, NULL, OPT_HEAD},
    {"max-new-actions", required_argument, NULL, OPT_MAX},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* 0 = go on, -1 = wrong usage, 1 = done already. */
static int
take_option(struct backtest *b, int opt)
{
	struct pb_error err;
	switch (opt) {
	case OPT_FROM:
		b->from = optarg;
		return 0;
	case OPT_BASE:
		b->base_dir = optarg;
		return 0;
	case OPT_HEAD:
		b->head_dir = optarg;
		return 0;
	case OPT_JSON:
		b->is_json = true;
		return 0;
	case OPT_MAX:
		b->has_max = true;
		if (pb_parse_i64(pb_str_of(optarg), 0, INT32_MAX, &b->max_new, &err) == 0)
			return 0;
		fprintf(stderr, "playbookctl: --max-new-actions: %s\n", err.text);
		return -1;
	default:
		fputs(usage_text, opt == OPT_HELP ? stdout : stderr);
		return opt == OPT_HELP ? 1 : -1;
	}
}

static enum pb_ctl_exit
run(struct backtest *b)
{
	b->base = pb_ctl_load(b->base_dir);
	b->head = pb_ctl_load(b->head_dir);
	if (b->base == NULL || b->head == NULL || read_all(b) < 0)
		return PB_CTL_USAGE;
	if (b->replay == NULL) {
		PB_CLEANUP(pb_buf_fini) struct pb_buf out = PB_BUF_INIT;
		add_head(b, &out);
		fprintf(stderr, "%splaybookctl: %s has no event that could be read\n", out.ptr,
		    b->from);
		return PB_CTL_USAGE;
	}
	if (b->is_json)
		print_json(b);
	else
		print_text(b);
	return is_refused(b) ? PB_CTL_REFUSED : PB_CTL_OK;
}

enum pb_ctl_exit
pb_ctl_backtest(int argc, char **argv)
{
	struct backtest b = {.unreadable = json_array()};
	int opt, rc = 0;
	optind = 0; /* anew, and not behind the outer command line */
	while (rc == 0 && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		rc = take_option(&b, opt);
	if (rc == 0 &&
	    (optind < argc || b.from == NULL || b.base_dir == NULL || b.head_dir == NULL)) {
		fputs("playbookctl: backtest needs --from, --base and --head, and nothing else\n",
		    stderr);
		rc = -1;
	}
	enum pb_ctl_exit status = rc > 0 ? PB_CTL_OK : rc < 0 ? PB_CTL_USAGE : run(&b);
	pb_replay_free(b.replay);
	pb_config_unref(b.base);
	pb_config_unref(b.head);
	json_decref(b.unreadable);
	return status;
}
