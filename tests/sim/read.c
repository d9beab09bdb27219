/*
 * Reading a scenario file of the suite, and playing one.
 */
#include "tests/sim/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "playbook/read.h"
#include "playbook/zone.h"

struct pb_cells *scenario_cells;

#define FILE_MAX (256 * 1024)

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return NULL;
	char *text = pb_calloc(1, FILE_MAX + 1);
	size_t n = fread(text, 1, FILE_MAX, f);
	(void)fclose(f);
	text[n] = '\0';
	return text;
}

/* The zones of the scenarios, by their rules alone: the machine's own files may be of any age. */
int
scenario_zone(const char *name, struct pb_buf *ret, struct pb_error *err)
{
	static const char *const rules[][2] = {
	    {"Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"},
	    {"America/New_York", "EST5EDT,M3.2.0,M11.1.0"},
	};
	PB_CLEANUP(pb_buf_fini) struct pb_buf utc = PB_BUF_INIT;
	size_t i = 0;
	while (i < PB_ARRAY_LEN(rules) && strcmp(rules[i][0], name) != 0)
		i++;
	if (i == PB_ARRAY_LEN(rules))
		return pb_fail(err, PB_NOT_FOUND, "the scenarios know no such zone");
	if (pb_zone_read("UTC", &utc, err) < 0)
		return -1;
	/* UTC's, with another rule at its end. */
	(void)pb_buf_add(ret, utc.ptr, utc.len - strlen("UTC0\n"));
	return pb_buf_addf(ret, "%s\n", rules[i][1]);
}

json_t *
scenario_read(const char *path)
{
	PB_CLEANUP(pb_freep) char *text = read_file(path);
	if (text == NULL) {
		(void)fprintf(stderr, "%s: cannot be read\n", path);
		return NULL;
	}
	PB_CLEANUP(pb_freep) char *name = pb_strdup(path);
	struct pb_config_file file = {.name = name, .text = text, .len = strlen(text)};
	struct pb_loader l = {.files = &file, .n_files = 1};
	struct pb_problems problems = {0};
	struct pb_node *root = pb_yaml_read(&l, pb_str_of(text));
	json_t *scenario = root == NULL ? NULL : pb_read_json(&l, root);
	pb_problems_finish(&l, &problems);
	for (size_t i = 0; i < problems.n; i++)
		(void)fprintf(stderr, "%s\n", problems.texts[i]);
	pb_problems_fini(&problems);
	pb_node_free(root);
	/* Many scenarios share one configuration: its file's name stands for it. */
	const char *config = pb_json_str(scenario, "config");
	if (config != NULL && strchr(config, '\n') == NULL) {
		PB_CLEANUP(pb_freep) char *file_name = pb_asprintf("tests/sim/%s", config);
		PB_CLEANUP(pb_freep) char *shared = read_file(file_name);
		pb_json_set_str(scenario, "config", shared == NULL ? "" : shared);
	}
	return scenario;
}

void
scenario_play(struct pb_scenario_run *run, struct pb_buf *failures)
{
	run->cells = scenario_cells;
	pb_scenario_run(run);
	if (run->failures.len > 0)
		(void)pb_buf_addf(failures, "%s%s", run->failures.ptr, pb_buf_str(&run->trace).ptr);
	pb_scenario_run_fini(run);
}
