/*
 * Last words, in files.  What a signal's handler calls is safe there: open, write, clock_gettime.
 */
#include "deaths.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/file.h"

#define TEXT_MAX (64U << 10)
#define AT_MAX 512 /* bytes of a record's name that are kept */
#define STACK_SIZE (64U << 10)

static const char while_at[] = " while it took up ";
static const char killed[] = "killed";

/* Of this process. */
static struct {
	char *path;
	char *at; /* shared; AT_MAX bytes; NULL = nothing is being taken up */
	char *left_out; /* text of PATH.out; NULL = nothing is */
	bool has_said; /* its last word */
} mine;

static char *
beside(const char *path, const char *what)
{
	return pb_asprintf("%s.%s", path, what);
}

/* --- of those before */

static char *
read_text(const char *path)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf text = PB_BUF_INIT;
	if (pb_file_read(path, TEXT_MAX, &text, NULL) < 0 || text.len == 0)
		return NULL;
	/* Shared memory is as long as its page. */
	return pb_strndup(text.ptr, strnlen(text.ptr, text.len));
}

static void
add_line(const char *path, const char *line)
{
	FILE *f = fopen(path, "ae");
	if (f == NULL)
		return;
	(void)fprintf(f, "%s\n", line);
	(void)fclose(f);
}

/* Whoever took up a record and left no other word ended there. */
static void
find_last_death(const char *path)
{
	PB_CLEANUP(pb_freep) char *at_path = beside(path, "at");
	PB_CLEANUP(pb_freep) char *at = read_text(at_path);
	(void)unlink(at_path);
	if (at == NULL || at[0] == '\0')
		return;
	PB_CLEANUP(pb_freep)
	char *line = pb_asprintf("%lld %s%s%s", (long long)pb_clock_wall(), killed, while_at, at);
	add_line(path, line);
}

static void
count_line(struct pb_deaths *d, char *places[PB_DEATHS_MAX], const char *line)
{
	const char *words = strchr(line, ' ');
	int64_t at = words == NULL ? 0 : strtoll(line, NULL, 10);
	if (at < pb_clock_wall() - PB_DEATHS_WITHIN || at > pb_clock_wall())
		return;
	free(d->last);
	d->last = pb_strdup(words + 1);
	const char *place = strstr(words, while_at);
	d->n_own += strncmp(words + 1, killed, strlen(killed)) != 0;
	size_t slot = d->n++ % PB_DEATHS_MAX;
	free(places[slot]);
	places[slot] = place == NULL ? NULL : pb_strdup(place + strlen(while_at));
}

void
pb_deaths_read(const char *path, struct pb_deaths *ret)
{
	char *places[PB_DEATHS_MAX] = {NULL}, *rest = NULL;
	*ret = (struct pb_deaths){0};
	find_last_death(path);
	PB_CLEANUP(pb_freep) char *text = read_text(path);
	for (char *line = text == NULL ? NULL : strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		count_line(ret, places, line);
	if (ret->n == 0)
		(void)unlink(path);
	bool is_same = ret->n >= PB_DEATHS_MAX && places[0] != NULL;
	for (size_t i = 1; i < PB_DEATHS_MAX; i++)
		is_same = is_same && pb_streq(places[i], places[0]);
	ret->at = is_same ? pb_strdup(places[0]) : NULL;
	for (size_t i = 0; i < PB_DEATHS_MAX; i++)
		free(places[i]);
}

void
pb_deaths_fini(struct pb_deaths *d)
{
	free(d->last);
	free(d->at);
	*d = (struct pb_deaths){0};
}

void
pb_deaths_forget(const char *path)
{
	(void)unlink(path);
}

static bool
has_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	for (const char *p = text; p != NULL && *p != '\0'; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, line, len) == 0 && (p[len] == '\n' || p[len] == '\0'))
			return true;
		if (*p == '\0')
			return false;
	}
	return false;
}

int
pb_deaths_leave_out(const char *path, const char *at)
{
	PB_CLEANUP(pb_freep) char *out_path = beside(path, "out");
	PB_CLEANUP(pb_freep) char *before = read_text(out_path);
	if (has_line(before, at))
		return -1;
	add_line(out_path, at);
	PB_CLEANUP(pb_freep) char *now = read_text(out_path);
	return has_line(now, at) ? 0 : -1;
}

/* --- of this one */

/* From a signal's handler too. */
static void
leave_word(const char *words)
{
	char digits[24], *d = digits + sizeof(digits);
	int64_t ms = pb_clock_wall();
	if (mine.path == NULL || mine.has_said)
		return;
	mine.has_said = true;
	int fd = open(mine.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	*--d = ' ';
	for (; ms > 0; ms /= 10)
		*--d = (char)('0' + ms % 10);
	bool is_taking = mine.at != NULL && mine.at[0] != '\0';
	/* A word that is cut off is still a death. */
	ssize_t n = write(fd, d, (size_t)(digits + sizeof(digits) - d));
	n += write(fd, words, strlen(words));
	if (is_taking) {
		n += write(fd, while_at, strlen(while_at));
		n += write(fd, mine.at, strlen(mine.at));
		mine.at[0] = '\0';
	}
	n += write(fd, "\n", 1);
	(void)n;
	(void)close(fd);
}

static void
note_claim(const char *claim, const char *file, int line)
{
	char words[512];
	(void)snprintf(words, sizeof(words), "%s:%d: %s", file, line, claim);
	leave_word(words);
}

static const struct {
	int number;
	const char *name;
} fatal[] = {
    {SIGSEGV, "SIGSEGV"},
    {SIGBUS, "SIGBUS"},
    {SIGFPE, "SIGFPE"},
    {SIGILL, "SIGILL"},
    {SIGABRT, "SIGABRT"},
};

/* The default action comes behind it: a fault comes again, and anything else is raised again. */
static void
note_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	for (size_t i = 0; i < PB_ARRAY_LEN(fatal); i++)
		if (fatal[i].number == number)
			leave_word(fatal[i].name);
	if (info->si_code <= 0)
		(void)raise(number);
}

static void
catch_fatal(void)
{
	static char stack[STACK_SIZE]; /* an own one: the usual may be what has run over */
	const stack_t own = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction before, act = {.sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_ONSTACK)};
	act.sa_sigaction = note_signal;
	(void)sigemptyset(&act.sa_mask);
	(void)sigaltstack(&own, NULL);
	/* A sanitizer's handler says more. */
	for (size_t i = 0; i < PB_ARRAY_LEN(fatal); i++)
		if (sigaction(fatal[i].number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			(void)sigaction(fatal[i].number, &act, NULL);
}

static char *
map_at(const char *path)
{
	PB_CLEANUP(pb_freep) char *at_path = beside(path, "at");
	int fd = open(at_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	void *p = ftruncate(fd, AT_MAX) < 0
	    ? MAP_FAILED
	    : mmap(NULL, AT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	return p == MAP_FAILED ? NULL : p;
}

void
pb_deaths_watch(const char *path)
{
	free(mine.path);
	free(mine.left_out);
	PB_CLEANUP(pb_freep) char *out_path = beside(path, "out");
	mine.path = pb_strdup(path);
	mine.left_out = read_text(out_path);
	mine.at = map_at(path);
	if (mine.at == NULL)
		pb_warn("no word can be left beside %s of the record at which a start ends; going "
			"on without",
		    path);
	pb_check_on_failure(note_claim);
	catch_fatal();
}

bool
pb_deaths_taking(const char *kind, const char *key)
{
	char name[AT_MAX], shown[256];
	/* A name is one line of the files. */
	(void)snprintf(name, sizeof(name), "%s %s", kind, key);
	for (char *c = name; *c != '\0'; c++)
		*c = *c == '\n' ? ' ' : *c;
	if (has_line(mine.left_out, name)) {
		pb_err("the record %s of the store is left out: starts ended while they took it up",
		    pb_safe(shown, sizeof(shown), pb_str_of(name)));
		return false;
	}
	if (mine.at != NULL)
		memcpy(mine.at, name, strlen(name) + 1);
	return true;
}

void
pb_deaths_deciding(void)
{
	if (mine.at != NULL)
		mine.at[0] = '\0';
}

/* What was killed while it started, and is through now, was killed by somebody. */
static void
drop_starts(void)
{
	PB_CLEANUP(pb_freep) char *text = read_text(mine.path);
	PB_CLEANUP(pb_buf_fini) struct pb_buf kept = PB_BUF_INIT;
	char *rest = NULL;
	if (text == NULL)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		if (strstr(line, while_at) == NULL)
			(void)pb_buf_addf(&kept, "%s\n", line);
	if (kept.len == 0)
		(void)unlink(mine.path);
	else
		(void)pb_file_write(mine.path, 0600, pb_buf_str(&kept), NULL);
}

void
pb_deaths_taken(void)
{
	if (mine.path == NULL)
		return;
	PB_CLEANUP(pb_freep) char *at_path = beside(mine.path, "at");
	if (mine.at != NULL)
		(void)munmap(mine.at, AT_MAX);
	mine.at = NULL;
	(void)unlink(at_path);
	drop_starts();
}
