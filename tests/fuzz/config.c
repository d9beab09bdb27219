/*
 * Configuration files, two at a time: what is accepted is kept in the store and read again.
 */
#include "tests/fuzz/fuzz.h"
#include "playbook/config.h"

/* Knows every service, and no operation without a name. */
static int
any_service(const char *service, const char *operation, const json_t *inputs, json_t **ret_facts,
    struct pb_error *err)
{
	(void)inputs;
	if (service[0] == '\0' || operation[0] == '\0')
		return pb_fail(err, PB_NOT_FOUND, "no such operation");
	*ret_facts = json_pack("{s:s}", "effect", operation[0] == 'D' ? "read" : "once");
	return 0;
}

static void
must_come_back(const struct pb_config *c)
{
	PB_CLEANUP(pb_config_unrefp) struct pb_config *again = NULL;
	PB_JSON json_t *j = pb_config_to_json(c);
	struct pb_error err;
	FUZZ_MUST(pb_config_from_json(j, &again, &err) == 0);
	FUZZ_MUST(strcmp(c->digest, again->digest) == 0);
	FUZZ_MUST(c->n_playbooks == again->n_playbooks);
	for (size_t i = 0; i < c->n_playbooks; i++)
		FUZZ_MUST(c->playbooks[i].escalation < c->n_escalations);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct pb_str first = fuzz_part(&in), second = fuzz_rest(&in);
	PB_CLEANUP(pb_config_unrefp) struct pb_config *c = NULL;
	PB_CLEANUP(pb_problems_fini) struct pb_problems problems = {0};
	PB_CLEANUP(pb_freep) char *one = pb_strndup(first.ptr, first.len);
	PB_CLEANUP(pb_freep) char *two = pb_strndup(second.ptr, second.len);
	char name_one[] = "playbookd.yaml", name_two[] = "playbooks.d/two.yaml";
	struct pb_config_file files[] = {
	    {name_one, one, first.len},
	    {name_two, two, second.len},
	};
	if (pb_config_parse(files, second.len > 0 ? 2 : 1, any_service, &c, &problems) == 0) {
		must_come_back(c);
		return 0;
	}
	FUZZ_MUST(problems.n > 0 && problems.n <= PB_PROBLEMS_MAX);
	for (size_t i = 0; i < problems.n; i++)
		FUZZ_MUST(problems.texts[i] != NULL && problems.texts[i][0] != '\0');
	return 0;
}
