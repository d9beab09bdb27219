/*
 * playbookctl test-pattern --cases: lines of pattern, event and what is expected of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "daemon/ctl_pattern.h"

/* Cut one JSON value, or what stands for it, off the front of s. */
static struct pb_str
cut_value(struct pb_str *s)
{
	size_t i = 0, depth = 0;
	bool is_text = false;

	for (; i < s->len; i++) {
		char c = s->ptr[i];
		if (is_text) {
			i += c == '\\';
			is_text = c != '"';
		} else if (c == '"') {
			is_text = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (depth == 0 && (c == ',' || c == '}' || c == ']' || c == ':')) {
			break;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	i = i < s->len ? i : s->len;
	struct pb_str ret = pb_str_trim((struct pb_str){s->ptr, i});
	s->ptr += i;
	s->len -= i;
	return ret;
}

/* The members of a case, each as it stands in the text; ptr is NULL where it is not there. */
enum member { NAME, EXPECT, PATTERN, EVENT, MEMBER_MAX };
static const char *const member_names[MEMBER_MAX] = {"name", "expect", "pattern", "event"};

/* -1 when the key is none of a case's, or was there. */
static int
take_member(
    struct pb_str key, struct pb_str value, struct pb_str ret[MEMBER_MAX], struct pb_error *err)
{
	char name[PB_CTL_SHOWN], shown[PB_CTL_SHOWN];

	key = key.len < 2 ? key : (struct pb_str){key.ptr + 1, key.len - 2};
	(void)snprintf(name, sizeof(name), "%.*s",
	    (int)(key.len < PB_CTL_SHOWN ? key.len : PB_CTL_SHOWN - 1), key.len > 0 ? key.ptr : "");
	for (size_t i = 0; i < MEMBER_MAX; i++) {
		if (!pb_str_is(key, member_names[i]))
			continue;
		if (ret[i].ptr != NULL)
			return pb_fail(err, PB_INVALID, "it has \"%s\" twice", member_names[i]);
		ret[i] = value;
		return 0;
	}
	const char *meant = pb_did_you_mean(name, member_names, MEMBER_MAX);
	return pb_fail(err, PB_INVALID, "it has \"%s\", which no case has%s%s%s",
	    pb_safe(shown, sizeof(shown), pb_str_of(name)), meant != NULL ? " (did you mean " : "",
	    meant != NULL ? meant : "", meant != NULL ? "?)" : "");
}

static int
fail_case(struct pb_error *err)
{
	return pb_fail(err, PB_INVALID,
	    "wanted {\"name\", \"expect\": \"match\", \"nomatch\" or \"error\", \"pattern\", "
	    "\"event\"}");
}

/*
 * What a parser makes of a case, and writes again, would hide duplicate keys and spellings of numbers:
 * so members are cut out of the text.  -1 when it is no object of these members.
 */
static int
cut_case(struct pb_str s, struct pb_str ret[MEMBER_MAX], struct pb_error *err)
{
	memset(ret, 0, MEMBER_MAX * sizeof(*ret));
	if (s.len < 2 || s.ptr[0] != '{')
		return fail_case(err);
	do {
		s.ptr++; /* '{' or ',' */
		s.len--;
		struct pb_str key = cut_value(&s);
		if (s.len == 0 || s.ptr[0] != ':')
			return fail_case(err);
		s.ptr++;
		s.len--;
		struct pb_str value = cut_value(&s);
		if (take_member(key, value, ret, err) < 0)
			return -1;
	} while (s.len > 0 && s.ptr[0] == ',');
	return s.len == 1 && s.ptr[0] == '}' ? 0 : fail_case(err);
}

/* A pattern or event may stand in a case as a text that holds it. */
static struct pb_str
unwrap(struct pb_str value, json_t **ret_owner)
{
	json_t *text = NULL;

	if (value.len == 0 || value.ptr[0] != '"' || pb_json_parse(value, &text, NULL) < 0)
		return value;
	*ret_owner = text;
	return (struct pb_str){json_string_value(text), json_string_length(text)};
}

struct score {
	size_t n, n_agreed;
};

/* An event that is refused matches nothing, so it agrees with "nomatch" and with "error". */
static bool
agrees(const char *expect, enum pb_ctl_verdict v)
{
	switch (v) {
	case PB_CTL_MATCH:
		return strcmp(expect, "match") == 0;
	case PB_CTL_NOMATCH:
		return strcmp(expect, "nomatch") == 0;
	case PB_CTL_BAD_PATTERN:
		return strcmp(expect, "error") == 0;
	case PB_CTL_BAD_EVENT:
		return strcmp(expect, "error") == 0 || strcmp(expect, "nomatch") == 0;
	}
	return false;
}

static int
read_text(
    const struct pb_str members[MEMBER_MAX], enum member which, json_t **ret, struct pb_error *err)
{
	json_t *text = NULL;

	if (members[which].ptr == NULL)
		return pb_fail(err, PB_INVALID, "it has no \"%s\"", member_names[which]);
	if (pb_json_parse(members[which], &text, NULL) < 0 || !json_is_string(text)) {
		json_decref(text);
		return pb_fail(err, PB_INVALID, "its \"%s\" is no text", member_names[which]);
	}
	*ret = text;
	return 0;
}

/* A case without an event can only be of a pattern that is refused. */
static int
read_case(struct pb_str line, struct pb_str members[MEMBER_MAX], json_t **ret_name,
    json_t **ret_expect, struct pb_error *err)
{
	static const char *const known[] = {"match", "nomatch", "error"};
	bool is_known = false;

	if (cut_case(line, members, err) < 0 || read_text(members, NAME, ret_name, err) < 0 ||
	    read_text(members, EXPECT, ret_expect, err) < 0)
		return -1;
	const char *expect = json_string_value(*ret_expect);
	for (size_t i = 0; i < PB_ARRAY_LEN(known); i++)
		is_known = is_known || strcmp(expect, known[i]) == 0;
	if (!is_known)
		return pb_fail(
		    err, PB_INVALID, "its \"expect\" is none of match, nomatch and error");
	if (members[PATTERN].len == 0)
		return pb_fail(err, PB_INVALID, "it has no \"pattern\"");
	if (members[EVENT].len == 0 && strcmp(expect, "error") != 0)
		return pb_fail(err, PB_INVALID, "it has no \"event\"");
	return 0;
}

static int
test_case(const struct pb_ctl_lines *l, struct pb_str line, struct score *score)
{
	static const char *const names[] = {"nomatch", "match", "error", "error"};
	PB_JSON json_t *name = NULL, *expect = NULL, *pattern_owner = NULL, *event_owner = NULL;
	struct pb_error err = {0};
	struct pb_str members[MEMBER_MAX];
	char shown[PB_CTL_SHOWN], why[sizeof(err.text)];

	if (read_case(line, members, &name, &expect, &err) < 0) {
		pb_ctl_say_error(l->name, l->number, "not a case", &err);
		return -1;
	}
	struct pb_str pattern = unwrap(members[PATTERN], &pattern_owner);
	struct pb_str event = unwrap(members[EVENT], &event_owner);
	enum pb_ctl_verdict v = pb_ctl_judge(pattern, event, &err);
	score->n++;
	if (agrees(json_string_value(expect), v)) {
		score->n_agreed++;
		return 0;
	}
	printf("%s: expected %s, is %s%s%s\n",
	    pb_safe(shown, sizeof(shown), pb_str_of(json_string_value(name))),
	    json_string_value(expect), names[v],
	    v == PB_CTL_BAD_PATTERN || v == PB_CTL_BAD_EVENT ? ": " : "",
	    v == PB_CTL_BAD_PATTERN || v == PB_CTL_BAD_EVENT
		? pb_safe(why, sizeof(why), pb_str_of(err.text))
		: "");
	return 0;
}

enum pb_ctl_exit
pb_ctl_test_cases(const char *file)
{
	PB_CLEANUP(pb_ctl_lines_fini) struct pb_ctl_lines l = {0};
	struct score score = {0};
	struct pb_str line;
	int more;

	if (pb_ctl_lines_open(&l, file) < 0)
		return PB_CTL_USAGE;
	while ((more = pb_ctl_lines_next(&l, &line)) > 0)
		if (test_case(&l, line, &score) < 0)
			return PB_CTL_USAGE;
	if (more < 0)
		return PB_CTL_USAGE;
	if (score.n == 0)
		return pb_ctl_fail_empty(&l, "cases");
	printf("%zu cases, %zu agree, %zu disagree\n", score.n, score.n_agreed,
	    score.n - score.n_agreed);
	return score.n_agreed == score.n ? PB_CTL_OK : PB_CTL_REFUSED;
}
