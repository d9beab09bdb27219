/*
 * Loaded into the real daemon (LD_PRELOAD): bytes of its store that end it, and a claim of the engine
 * that breaks.
 *
 * The file named by $PB_DEADLY says which, as "HOW NEEDLE"; without it nothing happens.
 *
 *	SIGSEGV, SIGKILL, SIGABRT	when a JSON text that has NEEDLE is read
 *	none				the next JSON value of the format NEEDLE cannot be made, once
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
asked(const char *text, char how[16])
{
	char line[256] = "";
	const char *path = getenv("PB_DEADLY");
	FILE *f = path == NULL ? NULL : fopen(path, "re");
	if (f == NULL)
		return 0;
	char *got = fgets(line, sizeof(line), f);
	(void)fclose(f);
	char *needle = got == NULL ? NULL : strchr(line, ' ');
	if (needle == NULL || needle - line > 15)
		return 0;
	*needle++ = '\0';
	needle[strcspn(needle, "\n")] = '\0';
	memcpy(how, line, strlen(line) + 1);
	return strstr(text, needle) != NULL;
}

json_t *
json_loads(const char *text, size_t flags, json_error_t *error)
{
	char how[16];
	json_t *(*real)(const char *, size_t, json_error_t *);
	if (asked(text, how)) {
		if (strcmp(how, "SIGSEGV") == 0)
			(void)raise(SIGSEGV);
		if (strcmp(how, "SIGKILL") == 0)
			(void)raise(SIGKILL);
		if (strcmp(how, "SIGABRT") == 0)
			abort();
	}
	*(void **)&real = dlsym(RTLD_NEXT, "json_loads");
	return real(text, flags, error);
}

json_t *
json_pack(const char *format, ...)
{
	char how[16];
	va_list ap;
	if (asked(format, how) && strcmp(how, "none") == 0) {
		(void)unlink(getenv("PB_DEADLY"));
		return NULL;
	}
	va_start(ap, format);
	json_t *j = json_vpack_ex(NULL, 0, format, ap);
	va_end(ap);
	return j;
}
