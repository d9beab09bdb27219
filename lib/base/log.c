/*
 * The log's front and its default sink: one line to stderr, in one write, so that lines of several
 * processes do not mix.
 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/time.h"

#define MESSAGE_MAX 8192 /* bytes of a message that the default sink shows */
#define FIELD_MAX 256 /* bytes of a field */

static pb_log_sink default_sink;

static struct {
	pb_log_sink *sink;
	void *arg;
	enum pb_log_level most;
	enum pb_log_form form;
} log_state = {.sink = default_sink, .most = PB_LOG_INFO, .form = PB_LOG_FORM_AUTO};

static const char *
level_name(enum pb_log_level level)
{
	switch (level) {
	case PB_LOG_ERR:
		return "error";
	case PB_LOG_WARNING:
		return "warning";
	case PB_LOG_NOTICE:
		return "notice";
	case PB_LOG_INFO:
		return "info";
	case PB_LOG_DEBUG:
		return "debug";
	}
	return "unknown";
}

/* systemd names the device and inode of the stream it gave us; another stderr may be in its place.
 */
static bool
is_stderr_the_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;
	if (stream == NULL || sscanf(stream, "%ju:%ju", &device, &inode) != 2 ||
	    fstat(STDERR_FILENO, &st) < 0)
		return false;
	return device == st.st_dev && inode == st.st_ino;
}

static void
add_fields(struct pb_buf *line, const struct pb_log_fields *f)
{
	const struct {
		const char *name, *value;
	} all[] = {{"incident", f->incident}, {"playbook", f->playbook}, {"step", f->step},
	    {"event", f->event}, {"action", f->action}};
	const char *before = " [";
	for (size_t i = 0; i < PB_ARRAY_LEN(all); i++) {
		if (all[i].value == NULL || all[i].value[0] == '\0')
			continue;
		(void)pb_buf_addf(line, "%s%s=", before, all[i].name);
		pb_buf_add_safe(line, pb_str_of(all[i].value), FIELD_MAX, false);
		before = " ";
	}
	if (before[1] == '\0')
		(void)pb_buf_addc(line, ']');
}

static void
default_sink(
    enum pb_log_level level, const struct pb_log_fields *fields, const char *message, void *arg)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf line = PB_BUF_INIT;
	char when[PB_TIME_TEXT];
	(void)arg;
	if (log_state.form == PB_LOG_FORM_AUTO)
		log_state.form = is_stderr_the_journal() ? PB_LOG_FORM_PREFIX : PB_LOG_FORM_LINE;
	if (log_state.form == PB_LOG_FORM_PREFIX)
		(void)pb_buf_addf(&line, "<%d>", (int)level);
	else
		(void)pb_buf_addf(&line, "%s %s ",
		    pb_time_rfc3339(when, pb_clock_wall() / PB_SECOND * PB_SECOND),
		    level_name(level));
	pb_buf_add_safe(&line, pb_str_of(message), MESSAGE_MAX, false);
	if (fields != NULL)
		add_fields(&line, fields);
	(void)pb_buf_addc(&line, '\n');
	/* There is nowhere left to report that stderr is gone. */
	ssize_t n = write(STDERR_FILENO, line.ptr, line.len);
	(void)n;
}

void
pb_log_set_sink(pb_log_sink *sink, void *arg)
{
	log_state.sink = sink != NULL ? sink : default_sink;
	log_state.arg = arg;
}

void
pb_log_set_level(enum pb_log_level most)
{
	log_state.most = most;
}

void
pb_log_set_form(enum pb_log_form form)
{
	log_state.form = form;
}

static void log_v(enum pb_log_level level, const struct pb_log_fields *fields, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

static void
log_v(enum pb_log_level level, const struct pb_log_fields *fields, const char *fmt, va_list ap)
{
	int saved_errno = errno;
	PB_CLEANUP(pb_buf_fini) struct pb_buf message = PB_BUF_INIT;
	if (level <= log_state.most) {
		(void)pb_buf_vaddf(&message, fmt, ap);
		log_state.sink(level, fields, pb_buf_str(&message).ptr, log_state.arg);
	}
	errno = saved_errno;
}

void
pb_log(enum pb_log_level level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_v(level, NULL, fmt, ap);
	va_end(ap);
}

void
pb_log_with(enum pb_log_level level, const struct pb_log_fields *fields, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_v(level, fields, fmt, ap);
	va_end(ap);
}
