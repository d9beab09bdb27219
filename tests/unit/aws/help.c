/*
 * What the tests of lib/aws share.
 */
#include "tests/unit/aws/help.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

json_t *
js(const char *text)
{
	char *copy = pb_strdup(text);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json_t *j = NULL;
	struct pb_error err = {0};
	ck_assert_msg(pb_json_parse(pb_str_of(copy), &j, &err) == 0, "%s: %s", copy, err.text);
	free(copy);
	return j;
}

void
answer_init(struct answer *x, int status, const char *headers, const char *body)
{
	*x = (struct answer){0};
	while (headers && *headers) {
		size_t len = strcspn(headers, "|");
		pb_aws_headers_add_line(&x->headers, (struct pb_str){headers, len});
		headers += len + (headers[len] ? 1 : 0);
	}
	x->a.status = status;
	x->a.headers = &x->headers;
	x->a.body = pb_str_of(body);
}

void
answer_fini(struct answer *x)
{
	pb_aws_headers_fini(&x->headers);
}

const char *
fake_getenv(const char *name, void *arg)
{
	size_t len = strlen(name);
	for (const char *const *e = arg; e && *e; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

static char *
shared_path(const char *path)
{
	const char *root = getenv("PB_SHARED");
	return pb_asprintf("%s/%s", root ? root : "../shared", path);
}

char *
shared_file(const char *path, size_t *ret_len)
{
	PB_CLEANUP(pb_freep) char *full = shared_path(path);
	FILE *f = fopen(full, "rb");
	if (!f) {
		printf("SKIP %s: not there\n", path);
		return NULL;
	}
	char *data = pb_malloc(65536);
	size_t len = fread(data, 1, 65535, f);
	fclose(f);
	data[len] = '\0';
	if (ret_len)
		*ret_len = len;
	return data;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

size_t
shared_names(const char *path, char names[][64], size_t max)
{
	PB_CLEANUP(pb_freep) char *full = shared_path(path);
	DIR *d = opendir(full);
	if (!d) {
		printf("SKIP %s: not there\n", path);
		return 0;
	}
	size_t n = 0;
	for (struct dirent *e; n < max && (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			snprintf(names[n++], 64, "%.63s", e->d_name);
	closedir(d);
	qsort(names, n, 64, compare);
	return n;
}
