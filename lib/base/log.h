/*
 * The log.  Only daemon/ logs; below it functions return errors or the engine emits notes.  One
 * line an entry; outside text is made safe by the sinks.  A warning ends by saying what we do now:
 * "..., retrying in 4s".  Secrets have no formatter.
 */
#ifndef PB_BASE_LOG_H
#define PB_BASE_LOG_H

#include "base/check.h"

enum pb_log_level { /* syslog's numbers */
	PB_LOG_ERR = 3,
	PB_LOG_WARNING = 4,
	PB_LOG_NOTICE = 5,
	PB_LOG_INFO = 6,
	PB_LOG_DEBUG = 7,
};

/* Journal fields of an entry; NULL or "" = none.  They become PLAYBOOKD_INCIDENT= and so on. */
struct pb_log_fields {
	const char *incident, *playbook, *step, *event, *action;
};

typedef void pb_log_sink(
    enum pb_log_level level, const struct pb_log_fields *fields, const char *message, void *arg);

/*
 * The default sink writes one line to stderr: "<3>message" where stderr is the journal
 * (JOURNAL_STREAM says so, or PB_LOG_FORM_PREFIX), else "2026-03-03T09:14:05Z warning message";
 * fields follow as " [incident=... step=...]".  A NULL sink is the default one.  The level is
 * PB_LOG_INFO until set. errno is kept.  Not for use from several threads before the sink is set.
 */
enum pb_log_form {
	PB_LOG_FORM_AUTO,
	PB_LOG_FORM_LINE,
	PB_LOG_FORM_PREFIX,
};
void pb_log_set_form(enum pb_log_form form);
void pb_log_set_sink(pb_log_sink *sink, void *arg);
void pb_log_set_level(enum pb_log_level most);
void pb_log(enum pb_log_level level, const char *fmt, ...) PB_PRINTF(2, 3);
void pb_log_with(enum pb_log_level level, const struct pb_log_fields *fields, const char *fmt, ...)
    PB_PRINTF(3, 4);
#define pb_err(...) pb_log(PB_LOG_ERR, __VA_ARGS__)
#define pb_warn(...) pb_log(PB_LOG_WARNING, __VA_ARGS__)
#define pb_notice(...) pb_log(PB_LOG_NOTICE, __VA_ARGS__)
#define pb_info(...) pb_log(PB_LOG_INFO, __VA_ARGS__)
#define pb_debug(...) pb_log(PB_LOG_DEBUG, __VA_ARGS__)

#endif
