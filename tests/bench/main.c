/*
 * bench [NAME...]: measures all, or what is named.
 */
#include "tests/bench/bench.h"

#include <ftw.h>
#include <time.h>
#include <unistd.h>

#define FOLDERS_OPEN 16

int64_t
bench_now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
bench_say(const char *name, double figure, const char *unit, const char *remark)
{
	printf("%-44s %12.1f %-10s %s\n", name, figure, unit, remark);
	(void)fflush(stdout);
}

void
bench_die(const char *what, const struct pb_error *err)
{
	printf("%s: %s\n", what, err->text);
	exit(EXIT_FAILURE);
}

char *
bench_folder(void)
{
	const char *build = getenv("BUILD");
	char *folder = pb_asprintf("%s/bench-XXXXXX", build != NULL ? build : "build");
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		exit(EXIT_FAILURE);
	}
	return folder;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void
bench_remove(char *folder)
{
	(void)nftw(folder, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

void
bench_playbooks(struct pb_buf *b, size_t n)
{
	pb_buf_adds(b,
	    "version: 1\n"
	    "channels:\n"
	    "  - {name: pager, type: sns, topic: 'arn:aws:sns:us-east-1:111122223333:pager'}\n"
	    "contacts: [{name: ana}]\n"
	    "unmatched: {alarms: escalate, escalate: oncall, events: drop}\n"
	    "escalations:\n"
	    "  - {name: oncall, levels: [{notify: [ana], via: [pager]}]}\n"
	    "playbooks:\n");
	bench_playbooks_more(b, 0, n);
}

void
bench_playbooks_more(struct pb_buf *b, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		pb_buf_addf(b,
		    "  - name: svc-%05zu\n"
		    "    summary: Restart service %zu, then look whether it answers\n"
		    "    docs: https://wiki.example.com/svc-%05zu\n"
		    "    match: {source: [aws.cloudwatch], detail: {alarmName: [{prefix: "
		    "svc-%05zu-}], "
		    "state: {value: [ALARM]}}}\n"
		    "    page_by: 10m\n"
		    "    escalate: oncall\n"
		    "    steps:\n"
		    "      - {name: tell, action: 'aws:sqs.SendMessage', timeout: 30s, inputs: "
		    "{QueueUrl: "
		    "'https://sqs.us-east-1.amazonaws.com/111122223333/q', MessageBody: "
		    "'${alarm.name}'}}\n",
		    i, i, i, i);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} benches[] = {
	    {"commits", bench_commits},
	    {"engine", bench_engine},
	    {"open", bench_open},
	    {"reload", bench_reload},
	    {"sim", bench_sim},
	    {"why", bench_why},
	    {"idle", bench_idle},
	};
	size_t ran = 0;
	for (size_t i = 0; i < PB_ARRAY_LEN(benches); i++) {
		bool is_asked = argc == 1;
		for (int k = 1; k < argc; k++)
			is_asked |= strcmp(argv[k], benches[i].name) == 0;
		if (!is_asked)
			continue;
		benches[i].run();
		ran++;
	}
	if (ran == 0)
		printf("usage: bench [commits] [engine] [open] [reload] [sim] [why] [idle]\n");
	return ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
