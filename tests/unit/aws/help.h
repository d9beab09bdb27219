/*
 * What the tests of lib/aws share.
 */
#ifndef PB_TESTS_AWS_HELP_H
#define PB_TESTS_AWS_HELP_H

#include "aws/call.h"

/* A JSON literal with ' for ". */
json_t *js(const char *text);
/* A look into an answer; the headers are lines separated by '|'. */
struct answer {
	struct pb_aws_headers headers;
	struct pb_aws_answer a;
};
void answer_init(struct answer *x, int status, const char *headers, const char *body);
void answer_fini(struct answer *x);

/* An environment: "NAME=value" strings, NULL at the end. */
const char *fake_getenv(const char *name, void *arg);

/* The file PB_SHARED/path; NULL after a line SKIP when it is not there. */
char *shared_file(const char *path, size_t *ret_len);
/* Names below a shared folder, sorted; 0 after a line SKIP when it is not there. */
size_t shared_names(const char *path, char names[][64], size_t max);

#endif
