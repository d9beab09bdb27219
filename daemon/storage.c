/*
 * Policy about the store at start.
 */
#include "storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core.h"
#include "deaths.h"
#include "io/file.h"

#define MARKER_MAX 4096

static int
open_degraded(
    const char *dir, const struct pb_error *cause, struct pb_storage *ret, struct pb_error *err)
{
	const struct pb_store_options look = {.read_only = true};
	struct pb_error why = {0};
	struct pb_store *readable = NULL, *memory;
	pb_err("%s; starting degraded: nothing is remediated, pages go out, trying again every 30s",
	    cause->text);
	if (pb_store_open(dir, &look, &readable, &why) < 0)
		pb_err("open incidents cannot be read either: %s; going on with what the sources "
		       "report",
		    why.text);
	if (pb_store_open_memory(&memory, err) < 0) {
		pb_store_close(readable);
		return -1;
	}
	*ret = (struct pb_storage){
	    .store = memory,
	    .readable = readable,
	    .is_degraded = true,
	    .why = pb_asprintf(
		"the store cannot be written, so nothing is remediated: %s", cause->text),
	};
	return 0;
}

static bool
is_refusal(enum pb_error_kind kind)
{
	switch (kind) {
	case PB_EXISTS:
	case PB_UNSUPPORTED:
	case PB_SYNTAX:
	case PB_INVALID:
	case PB_LIMIT:
		return true;
	case PB_OK:
	case PB_NOT_FOUND:
	case PB_DENIED:
	case PB_IO:
	case PB_TIMEOUT:
	case PB_CORRUPT:
	case PB_ERROR_MAX:
		break;
	}
	return false;
}

void
pb_storage_failed(const char *marker, const char *why)
{
	struct pb_error err;
	if (pb_file_write(marker, 0600, pb_str_of(why), &err) < 0)
		pb_warn("%s; the next start will try the store again at once", err.text);
}

/* Why the store failed in the run before; false when it did not. */
static bool
take_marker(const char *marker, struct pb_error *ret_cause)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf why = PB_BUF_INIT;
	if (pb_file_read(marker, MARKER_MAX, &why, NULL) < 0)
		return false;
	(void)unlink(marker);
	(void)pb_fail(ret_cause, PB_IO, "the store failed in the run before: %s",
	    why.ptr == NULL ? "" : why.ptr);
	return true;
}

/* --- deaths */

void
pb_storage_watch(const char *marker)
{
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s.claims", marker);
	pb_deaths_watch(path);
}

static bool
set_aside(const char *dir, size_t n, const char *shown)
{
	struct pb_error err;
	if (pb_store_set_aside(dir, pb_clock_wall(), &err) < 0) {
		pb_err("ended %zu times within 10m (%s), and the store cannot be set aside: %s; "
		       "going on with it",
		    n, shown, err.text);
		return false;
	}
	pb_err("ended %zu times within 10m (%s): the store that leads to it is kept beside as "
	       "playbookd.db.damaged-..., an empty one takes its place, and open alarms come back "
	       "with the first poll; please report it",
	    n, shown);
	return true;
}

/* A record at which each start ends is left out; whatever else in the store leads to it, the store is. */
static bool
set_aside_what_breaks(const char *dir, const char *marker)
{
	char shown[512], record[256];
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s.claims", marker);
	PB_CLEANUP(pb_deaths_fini) struct pb_deaths d;
	pb_deaths_read(path, &d);
	/* Who was killed here and there, by hand or for want of memory, says nothing of the store. */
	if (d.n < PB_DEATHS_MAX || (d.at == NULL && d.n_own < PB_DEATHS_MAX))
		return false;
	pb_deaths_forget(path);
	(void)pb_safe(shown, sizeof(shown), pb_str_of(d.last));
	if (d.at == NULL || pb_deaths_leave_out(path, d.at) < 0)
		return d.n_own >= PB_DEATHS_MAX && set_aside(dir, d.n, shown);
	pb_err(
	    "ended %zu times within 10m (%s): the record %s is left out from now on, and stays in "
	    "the store; please report it",
	    d.n, shown, pb_safe(record, sizeof(record), pb_str_of(d.at)));
	return false;
}

int
pb_storage_open(const char *dir, const char *marker, struct pb_storage *ret, struct pb_error *err)
{
	struct pb_error cause = {0};
	if (take_marker(marker, &cause))
		return open_degraded(dir, &cause, ret, err);
	bool is_aside = set_aside_what_breaks(dir, marker);
	const struct pb_store_options options = {.allow_rebuild = true, .now_at = pb_clock_wall()};
	struct pb_store *store = NULL;
	if (pb_store_open(dir, &options, &store, err) < 0) {
		if (is_refusal(err->kind))
			return -1;
		cause = *err;
		return open_degraded(dir, &cause, ret, err);
	}
	if (pb_store_set_aside_as(store) != NULL)
		pb_err(
		    "the store was damaged (%s); it is kept as %s, an empty one takes its place, "
		    "and open alarms come back with the first poll",
		    pb_store_damage(store), pb_store_set_aside_as(store));
	*ret = (struct pb_storage){
	    .store = store, .is_rebuilt = is_aside || pb_store_set_aside_as(store) != NULL};
	return 0;
}

void
pb_storage_fini(struct pb_storage *s)
{
	pb_store_close(s->store);
	pb_store_close(s->readable);
	free(s->why);
	*s = (struct pb_storage){0};
}

static int
take_body(const struct pb_record *r, void *arg, struct pb_error *err)
{
	json_t **body = arg;
	(void)err;
	*body = json_incref(r->body);
	return 0;
}

/*
 * Configurations that open incidents keep are in the store too; the one in force came last.  The others
 * are not read for that: of thousands of playbooks each costs a second, and nobody is paged meanwhile.
 */
int
pb_storage_last_config(struct pb_store *s, struct pb_config **ret, struct pb_error *err)
{
	PB_JSON json_t *body = NULL;
	if (pb_store_latest(s, PB_REC_CONFIG, take_body, &body, err) < 0)
		return -1;
	if (body == NULL)
		return pb_fail(err, PB_NOT_FOUND, "no configuration of before is in the store");
	return pb_config_from_json(body, ret, err);
}

int
pb_storage_return(const char *dir, struct pb_store *memory, struct pb_error *err)
{
	const struct pb_store_options options = {.allow_rebuild = true, .now_at = pb_clock_wall()};
	PB_CLEANUP(pb_store_closep) struct pb_store *real = NULL;
	if (pb_store_open(dir, &options, &real, err) < 0)
		return -1;
	return pb_store_hand_over(memory, real, err);
}
