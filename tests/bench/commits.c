/*
 * Commits a second: each is what opening one incident writes, and on the disk before the next begins.
 *
 * Beside it, as a measure of what SQLite itself takes, its own shell with the same settings, the same
 * number of transactions and the same rows of the same size.
 */
#include "tests/bench/bench.h"

#include <unistd.h>

#include "store/store.h"

#define COMMITS 3000
#define NOTES 4

static const char detail[] =
    "arn:aws:cloudwatch:us-east-1:111122223333:alarm:svc-00001-latency went "
    "ALARM: Threshold Crossed: 1 out of the last 1 datapoints [93.0 "
    "(03/03/26 09:14:00)] was greater than the threshold (50.0)";
static const enum pb_record_kind kinds[] = {
    PB_REC_ALARM, PB_REC_EVENT, PB_REC_INCIDENT, PB_REC_RUN, PB_REC_STEP, PB_REC_ACTION};

static void
put_incident(struct pb_update *u, int n)
{
	PB_CLEANUP(pb_freep) char *id = pb_asprintf("20260303-%d", n);
	for (size_t i = 0; i < PB_ARRAY_LEN(kinds); i++) {
		PB_CLEANUP(pb_freep) char *key = pb_asprintf("%s/%zu", id, i);
		const char *k = kinds[i] == PB_REC_INCIDENT || kinds[i] == PB_REC_RUN ? id : key;
		pb_update_put(u, kinds[i], k, kinds[i] == PB_REC_ALARM ? "" : id, "running",
		    json_pack("{s:s}", "detail", detail));
	}
	for (size_t i = 0; i < NOTES; i++)
		pb_update_note(u, id, "svc-00001", "", "event", "%s", detail);
}

static double
our_rate(void)
{
	char *folder = bench_folder();
	struct pb_store *store;
	struct pb_error err = {0};
	if (pb_store_open(folder, NULL, &store, &err) < 0)
		bench_die("store", &err);
	int64_t began = bench_now();
	for (int n = 0; n < COMMITS; n++) {
		struct pb_update *u = pb_update_new(INT64_C(1772000000000) + n);
		put_incident(u, n);
		if (pb_store_commit(store, u, &err) < 0)
			bench_die("commit", &err);
		pb_update_free(u);
	}
	double rate = COMMITS * 1e6 / (double)(bench_now() - began);
	pb_store_close(store);
	bench_remove(folder);
	return rate;
}

static void
write_sql(FILE *f)
{
	(void)fputs(
	    "PRAGMA locking_mode=exclusive;\nPRAGMA journal_mode=wal;\n"
	    "PRAGMA synchronous=full;\n"
	    "CREATE TABLE r(kind INT, key TEXT, body TEXT, PRIMARY KEY(kind, key)) WITHOUT ROWID;\n"
	    "CREATE TABLE n(seq INTEGER PRIMARY KEY, text TEXT);\n",
	    f);
	for (int n = 0; n < COMMITS; n++) {
		(void)fputs("BEGIN;\n", f);
		for (size_t i = 0; i < PB_ARRAY_LEN(kinds); i++)
			(void)fprintf(
			    f, "INSERT INTO r VALUES(%zu,'20260303-%d','%s');\n", i, n, detail);
		for (size_t i = 0; i < NOTES; i++)
			(void)fprintf(f, "INSERT INTO n(text) VALUES('%s');\n", detail);
		(void)fputs("COMMIT;\n", f);
	}
}

/* 0 when there is no such program. */
static double
shell_rate(void)
{
	char *folder = bench_folder();
	PB_CLEANUP(pb_freep) char *sql = pb_asprintf("%s/in.sql", folder);
	PB_CLEANUP(pb_freep)
	char *command =
	    pb_asprintf("command -v sqlite3 >/dev/null && sqlite3 -bail '%s/peer.db' <'%s' "
			">/dev/null",
		folder, sql);
	FILE *f = fopen(sql, "we");
	if (f == NULL) {
		perror(sql);
		exit(EXIT_FAILURE);
	}
	write_sql(f);
	(void)fclose(f);
	int64_t began = bench_now();
	int rc = system(command);
	int64_t took = bench_now() - began;
	bench_remove(folder);
	return rc == 0 ? COMMITS * 1e6 / (double)took : 0;
}

void
bench_commits(void)
{
	bench_say(
	    "store: commits of one incident", our_rate(), "/s", "6 records, 4 notes, synced each");
	double peer = shell_rate();
	if (peer > 0)
		bench_say("  sqlite3 shell, the same rows", peer, "/s", "no checksums, no JSON");
	else
		printf("SKIP sqlite3 shell: not installed, or it failed\n");
}
