/*
 * The service manager, through libsystemd.
 */
#include "io/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
/* Or each entry would be said to come from our sink. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/log.h"
#include "io/file.h"

#define STATUS_MAX 200
#define IDENTIFIER "playbookd"

/* Results are ignored throughout: a manager that does not listen is not our failure. */
static void
notify(const char *state, const char *status)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	(void)pb_buf_adds(&b, state);
	if (status != NULL) {
		(void)pb_buf_adds(&b, b.len > 0 ? "\nSTATUS=" : "STATUS=");
		pb_buf_add_safe(&b, pb_str_of(status), STATUS_MAX, false);
	}
	if (b.len > 0)
		(void)sd_notify(0, b.ptr);
}

void
pb_service_ready(const char *status)
{
	notify("READY=1", status);
}

void
pb_service_reloading(const char *status)
{
	notify("RELOADING=1", status);
}

void
pb_service_stopping(const char *status)
{
	notify("STOPPING=1", status);
}

void
pb_service_status(const char *status)
{
	notify("", status);
}

int64_t
pb_service_alive_every(void)
{
	uint64_t usec = 0;
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	int64_t every = (int64_t)(usec / 2000);
	return every > 0 ? every : 1;
}

void
pb_service_alive(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

static void
add_field(char **fields, size_t *n, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0')
		fields[(*n)++] = pb_asprintf("%s=%s", name, value);
}

static void
journal_sink(enum pb_log_level level, const struct pb_log_fields *f, const char *message, void *arg)
{
	char *fields[9];
	struct iovec iov[9];
	size_t n = 0;
	(void)arg;
	PB_CLEANUP(pb_buf_fini) struct pb_buf safe = PB_BUF_INIT;
	pb_buf_add_safe(&safe, pb_str_of(message), strlen(message), false);
	fields[n++] = pb_asprintf("MESSAGE=%s", safe.ptr == NULL ? "" : safe.ptr);
	fields[n++] = pb_asprintf("PRIORITY=%d", (int)level);
	fields[n++] = pb_strdup("SYSLOG_IDENTIFIER=" IDENTIFIER);
	if (f != NULL) {
		add_field(fields, &n, "PLAYBOOKD_INCIDENT", f->incident);
		add_field(fields, &n, "PLAYBOOKD_PLAYBOOK", f->playbook);
		add_field(fields, &n, "PLAYBOOKD_STEP", f->step);
		add_field(fields, &n, "PLAYBOOKD_EVENT", f->event);
		add_field(fields, &n, "PLAYBOOKD_ACTION", f->action);
	}
	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){fields[i], strlen(fields[i])};
	/* With the journal gone, stderr still is somebody's. */
	if (sd_journal_sendv(iov, (int)n) < 0)
		fprintf(stderr, "<%d>%s\n", (int)level, safe.ptr == NULL ? "" : safe.ptr);
	for (size_t i = 0; i < n; i++)
		free(fields[i]);
}

bool
pb_service_log_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	char ours[64];
	(void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	if (!pb_streq(stream, ours))
		return false;
	pb_log_set_sink(journal_sink, NULL);
	return true;
}

int
pb_service_credential(const char *name, struct pb_buf *ret, struct pb_error *err)
{
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
		return pb_fail(err, PB_INVALID, "\"%s\" cannot be the name of a credential", name);
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	if (dir == NULL || dir[0] == '\0')
		return pb_fail(err, PB_NOT_FOUND,
		    "credential \"%s\": the service has no credentials; add LoadCredential=%s:FILE "
		    "to its unit",
		    name, name);
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/%s", dir, name);
	if (pb_file_read(path, PB_SERVICE_CREDENTIAL_MAX, ret, err) < 0)
		return pb_wrap(err, "credential \"%s\"", name);
	while (ret->len > 0 && (ret->ptr[ret->len - 1] == '\n' || ret->ptr[ret->len - 1] == '\r'))
		ret->ptr[--ret->len] = '\0';
	return 0;
}
