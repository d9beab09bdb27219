/*
 * Credentials that a program gives: the profile's credential_process.
 */
#include "aws/creds_chain.h"

#include <stdlib.h>

#define PROCESS_TOTAL_FOR PB_MINUTE
#define WORDS_MAX 64

void
creds_words_free(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

/* One word from *s on, which is moved behind it; NULL for a quote that is not closed. */
static char *
take_word(const char **s)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	char quote = '\0';
	(void)pb_buf_adds(&b, "");
	for (; **s != '\0' && (quote || (**s != ' ' && **s != '\t')); (*s)++) {
		bool is_escape = **s == '\\' && quote != '\'' && (*s)[1] != '\0' &&
		    (quote == '\0' || strchr("\"\\$`", (*s)[1]) != NULL);
		if (is_escape)
			(void)pb_buf_addc(&b, *++(*s));
		else if (quote ? **s == quote : (**s == '\'' || **s == '"'))
			quote = quote ? '\0' : **s;
		else
			(void)pb_buf_addc(&b, **s);
	}
	return quote ? NULL : pb_buf_take(&b);
}

int
creds_split(const char *line, char ***ret, struct pb_error *err)
{
	char **words = pb_calloc(WORDS_MAX + 1, sizeof(*words));
	size_t n = 0;
	const char *s = line + strspn(line, " \t");
	while (*s != '\0' && n < WORDS_MAX) {
		words[n] = take_word(&s);
		if (words[n] == NULL) {
			creds_words_free(words);
			return pb_fail(err, PB_SYNTAX, "a quote is not closed");
		}
		n++;
		s += strspn(s, " \t");
	}
	if (n == 0 || *s != '\0' || words[0][0] == '\0') {
		creds_words_free(words);
		return pb_fail(err, PB_SYNTAX,
		    n == 0 || *s == '\0' ? "it names no program" : "more than 64 words");
	}
	*ret = words;
	return 0;
}

void
creds_ask_process(struct pb_creds_chain *c)
{
	struct pb_error err = {0};
	char name[128];
	creds_words_free(c->argv);
	c->argv = NULL;
	if (creds_split(creds_key(c, c->profile, "credential_process"), &c->argv, &err) < 0) {
		creds_fail(c, err.kind, "credential_process of profile %s: %s",
		    pb_safe(name, sizeof(name), pb_str_of(c->profile)), err.text);
		return;
	}
	c->ask = (struct pb_creds_ask){
	    .kind = PB_CREDS_PROGRAM,
	    .argv = (const char *const *)c->argv,
	    .total_for = PROCESS_TOTAL_FOR,
	    .max = CREDS_ANSWER_MAX,
	};
}

void
creds_fed_process(struct pb_creds_chain *c, const struct creds_fed *f)
{
	char name[128], why[256];
	(void)pb_safe(name, sizeof(name), pb_str_of(c->profile));
	if (f->bytes == NULL) {
		creds_fail(c, PB_IO, "credential_process of profile %s: %s", name,
		    pb_safe(why, sizeof(why), pb_str_of(f->why)));
		return;
	}
	PB_JSON json_t *j = NULL;
	PB_CLEANUP(pb_freep) char *source = pb_asprintf("credential_process of profile %s", name);
	if (pb_json_parse(*f->bytes, &j, NULL) == 0 && pb_json_i64(j, "Version", 0) != 1) {
		creds_fail(c, PB_INVALID, "%s: the Version of its answer is not 1", source);
		return;
	}
	struct pb_aws_creds *creds = creds_of_json(c, *f->bytes, "SessionToken", source);
	if (creds)
		creds_got(c, creds);
}
