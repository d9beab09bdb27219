/*
 * The drivers: what becomes of children and calls.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/file.h"
#include "tests/unit/daemon/world.h"

static struct pb_actions *
open_actions(struct world *w)
{
	struct pb_actions_ops ops = world_actions_ops();
	world_open(w);
	world_tell(w, "/_sandbox/queues", "{\"name\":\"events\"}");
	world_tell(w, "/_sandbox/topics", "{\"name\":\"pages\"}");
	world_client(w);
	return pb_actions_new(w->loop, w->client, &ops, w);
}

static void
start_spec(struct pb_actions *a, const char *id, int64_t limit_for, json_t *spec)
{
	PB_CLEANUP(pb_freep) char *copy = pb_strdup(id);
	struct pb_action action = {.id = copy, .limit_for = limit_for, .spec = spec};
	ck_assert_ptr_nonnull(spec);
	pb_actions_start(a, &action);
	json_decref(spec);
}

static json_t *
shell(const char *script)
{
	return json_pack("{s:s, s:[s, s, s], s:{s:i}, s:{s:s}, s:i}", "driver", "exec", "argv",
	    "/bin/sh", "-c", script, "stdin", "n", 7, "env", "PLAYBOOKD_STEP", "restart", "capture",
	    4096);
}

/* Runs one action to its end; the outcome stays the world's. */
static const struct pb_outcome *
run(struct world *w, struct pb_actions *a, int64_t limit_for, json_t *spec)
{
	size_t before = w->n_outcomes;
	start_spec(a, "a", limit_for, spec);
	ck_assert_uint_eq(w->n_outcomes, before);
	ck_assert_uint_eq(pb_actions_n_running(a), 1);
	world_until_outcomes(w, before + 1);
	ck_assert_uint_eq(pb_actions_n_running(a), 0);
	ck_assert_str_eq(w->outcomes[before]->action_id, "a");
	return w->outcomes[before];
}

static void
close_actions(struct world *w, struct pb_actions *a)
{
	pb_actions_free(a);
	world_close(w);
}

/* --- exec */

static const struct {
	const char *script;
	enum pb_outcome_status status;
	const char *error, *message, *output;
} scripts[] = {
    {"echo '{\"a\": [1, 2]}'", PB_OUTCOME_OK, "", "", "{\"a\":[1,2]}"},
    {"echo hello; echo you", PB_OUTCOME_OK, "", "", "{\"text\":\"hello\\nyou\"}"},
    {"echo '[1]'", PB_OUTCOME_OK, "", "", "{\"text\":\"[1]\"}"},
    {"true", PB_OUTCOME_OK, "", "", "{\"text\":\"\"}"},
    {"cat", PB_OUTCOME_OK, "", "", "{\"n\":7}"},
    {"printf 'a\\377b\\000c'", PB_OUTCOME_OK, "", "", "{\"text\":\"a\\\\xffb\\\\x00c\"}"},
    {"echo nearly; echo no disk >&2; exit 3", PB_OUTCOME_FAILED, "Exec.Exit.3", "no disk",
	"{\"text\":\"nearly\"}"},
    {"printf '\\033[31mred' >&2; exit 1", PB_OUTCOME_FAILED, "Exec.Exit.1", "\\x1b[31mred", NULL},
    {"kill -TERM $$", PB_OUTCOME_FAILED, "Exec.Signal.TERM", "", NULL},
    {"kill -KILL $$", PB_OUTCOME_FAILED, "Exec.Signal.KILL", "", NULL},
    {"exit 255", PB_OUTCOME_FAILED, "Exec.Exit.255", "", NULL},
};

START_TEST(a_program_gives_its_outcome)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	const struct pb_outcome *o = run(&w, a, 20000, shell(scripts[_i].script));
	ck_assert_msg(o->status == scripts[_i].status, "%s: %s", scripts[_i].script, o->message);
	ck_assert_str_eq(o->error, scripts[_i].error);
	ck_assert_str_eq(o->error_class, "");
	ck_assert(!o->is_unknown);
	world_says(o->message, scripts[_i].message);
	if (scripts[_i].output) {
		PB_CLEANUP(pb_freep) char *text = pb_json_text(o->output);
		ck_assert_str_eq(text, scripts[_i].output);
	}
	close_actions(&w, a);
}
END_TEST

START_TEST(a_program_sees_only_the_environment_given)
{
	struct world w;
	setenv("PLAYBOOKD_SECRET_OF_TESTS", "1", 1);
	struct pb_actions *a = open_actions(&w);
	const struct pb_outcome *o =
	    run(&w, a, 20000, shell("env | grep -v -e ^PWD= -e ^_= | sort; pwd"));
	ck_assert_str_eq(pb_json_str(o->output, "text"),
	    "HOME=/\nLANG=C.UTF-8\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nPLAYBOOKD_STEP=restart\n"
	    "/");
	close_actions(&w, a);
}
END_TEST

START_TEST(a_flood_of_output_is_cut_and_kept_as_text)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	const struct pb_outcome *o = run(
	    &w, a, 20000, shell("yes 0123456789 | head -c 20000000; yes x | head -c 1000000 >&2"));
	ck_assert_int_eq(o->status, PB_OUTCOME_OK);
	world_says(pb_json_str(o->output, "text"), "bytes left out");
	ck_assert_uint_lt(strlen(pb_json_str(o->output, "text")), 4400);
	close_actions(&w, a);
}
END_TEST

START_TEST(the_message_has_the_end_of_stderr)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	const struct pb_outcome *o =
	    run(&w, a, 20000, shell("yes noise | head -c 100000 >&2; echo the reason >&2; exit 1"));
	world_says(o->message, "the reason");
	ck_assert_uint_le(strlen(o->message), PB_ACTIONS_MESSAGE_MAX);
	close_actions(&w, a);
}
END_TEST

START_TEST(a_limit_ends_a_program)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	const struct pb_outcome *o = run(&w, a, 100, shell("sleep 60"));
	ck_assert_int_eq(o->status, PB_OUTCOME_TIMEOUT);
	ck_assert_str_eq(o->error, "States.Timeout");
	close_actions(&w, a);
}
END_TEST

START_TEST(a_program_that_ignores_term_is_killed)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	int64_t before = pb_clock_mono();
	const struct pb_outcome *o =
	    run(&w, a, 100, shell("trap '' TERM; while :; do sleep 1; done"));
	ck_assert_int_eq(o->status, PB_OUTCOME_TIMEOUT);
	ck_assert_int_lt(pb_clock_mono() - before, 15000);
	close_actions(&w, a);
}
END_TEST

START_TEST(a_grandchild_that_stays_delays_nothing)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	int64_t before = pb_clock_mono();
	const struct pb_outcome *o = run(&w, a, 60000, shell("sleep 50 & echo '{\"ok\":true}'"));
	ck_assert_int_eq(o->status, PB_OUTCOME_OK);
	ck_assert(pb_json_bool(o->output, "ok", false));
	ck_assert_int_lt(pb_clock_mono() - before, 10000);
	close_actions(&w, a);
}
END_TEST

static json_t *
program(const char *path)
{
	return json_pack("{s:s, s:[s]}", "driver", "exec", "argv", path);
}

static const struct {
	const char *text; /* of the file; NULL = no file */
	mode_t mode;
	const char *error, *remedy;
} files[] = {
    {NULL, 0, "Exec.NotFound", "install it there, or correct argv"},
    {"#!/bin/sh\n", 0600, "Exec.NotExecutable", "chmod +x"},
    {"#!/no/such/shell\n", 0700, "Exec.NotExecutable", "interpreter"},
    {"echo no first line\n", 0700, "Exec.NotExecutable", "#!/bin/sh"},
};

START_TEST(a_program_that_cannot_start_names_path_and_remedy)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/fix", world_dir(&w));
	if (files[_i].text)
		ck_assert_int_eq(
		    pb_file_write(path, files[_i].mode, pb_str_of(files[_i].text), NULL), 0);
	const struct pb_outcome *o = run(&w, a, 20000, program(path));
	ck_assert_int_eq(o->status, PB_OUTCOME_FAILED);
	ck_assert_str_eq(o->error, files[_i].error);
	ck_assert(!o->is_unknown);
	world_says(o->message, path);
	world_says(o->message, files[_i].remedy);
	ck_assert_ptr_null(o->output);
	close_actions(&w, a);
}
END_TEST

START_TEST(a_cancelled_program_says_so_once)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	start_spec(a, "a", 60000, shell("sleep 60"));
	world_rounds(&w, 50);
	pb_actions_cancel(a, "a");
	pb_actions_cancel(a, "a");
	pb_actions_cancel(a, "unknown");
	ck_assert_uint_eq(w.n_outcomes, 0);
	world_until_outcomes(&w, 1);
	world_rounds(&w, 50);
	ck_assert_uint_eq(w.n_outcomes, 1);
	ck_assert_int_eq(w.outcomes[0]->status, PB_OUTCOME_CANCELLED);
	close_actions(&w, a);
}
END_TEST

START_TEST(freeing_ends_what_runs)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	start_spec(a, "a", 60000, shell("sleep 60"));
	start_spec(a, "b", 60000,
	    json_pack("{s:s, s:s, s:s, s:{}}", "driver", "aws", "service", "sts", "operation",
		"GetCallerIdentity", "inputs"));
	start_spec(a, "c", 60000, program("/nowhere"));
	start_spec(a, "d", 60000, json_pack("{s:s}", "driver", "none"));
	ck_assert_uint_eq(pb_actions_n_running(a), 4);
	pb_actions_free(a);
	world_rounds(&w, 50);
	ck_assert_uint_eq(w.n_outcomes, 0);
	world_close(&w);
}
END_TEST

static const struct {
	const char *spec, *error, *message;
} bad_specs[] = {
    {"{}", "Driver.Invalid", "no driver \"\""},
    {"{\"driver\":\"ssh\"}", "Driver.Invalid", "no driver \"ssh\""},
    {"{\"driver\":\"exec\"}", "Driver.Invalid", "argv"},
    {"{\"driver\":\"exec\",\"argv\":[]}", "Driver.Invalid", "argv"},
    {"{\"driver\":\"exec\",\"argv\":[\"/bin/true\",3]}", "Driver.Invalid", "argv"},
    {"{\"driver\":\"aws\",\"service\":\"sns\"}", "Driver.Invalid", "operation"},
    {"{\"driver\":\"aws\",\"service\":\"sns\",\"operation\":\"Shout\"}", "Client.Invalid",
	"no operation sns.Shout"},
};

START_TEST(a_spec_that_cannot_be_used_fails_later)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	json_t *spec = NULL;
	ck_assert_int_eq(pb_json_parse(pb_str_of(bad_specs[_i].spec), &spec, NULL), 0);
	const struct pb_outcome *o = run(&w, a, 20000, spec);
	ck_assert_int_eq(o->status, PB_OUTCOME_FAILED);
	ck_assert_str_eq(o->error, bad_specs[_i].error);
	world_says(o->message, bad_specs[_i].message);
	ck_assert(!o->is_unknown);
	close_actions(&w, a);
}
END_TEST

START_TEST(an_id_that_runs_is_refused_and_the_first_goes_on)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	start_spec(a, "a", 20000, shell("read x; echo '{\"first\":true}'"));
	start_spec(a, "a", 20000, shell("true"));
	world_until_outcomes(&w, 2);
	ck_assert_str_eq(w.outcomes[0]->error, "Driver.Duplicate");
	ck_assert_int_eq(w.outcomes[1]->status, PB_OUTCOME_OK);
	ck_assert(pb_json_bool(w.outcomes[1]->output, "first", false));
	close_actions(&w, a);
}
END_TEST

/* --- aws */

static json_t *
publish(void)
{
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:s}", "driver", "aws", "service", "sns",
	    "operation", "Publish", "inputs", "TopicArn",
	    "arn:aws:sns:us-east-1:111122223333:pages", "Message", "wake up", "effect", "once");
}

START_TEST(a_call_gives_the_answer_as_output)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	const struct pb_outcome *o = run(&w, a, 20000, publish());
	ck_assert_int_eq(o->status, PB_OUTCOME_OK);
	ck_assert_ptr_nonnull(pb_json_str(o->output, "MessageId"));
	/* By which CloudTrail's event of it is known as ours. */
	PB_JSON json_t *calls = world_ask(&w, "GET", "/_sandbox/calls?operation=Publish", NULL);
	ck_assert_ptr_nonnull(o->request_id);
	ck_assert_str_eq(o->request_id,
	    pb_json_str_or(json_array_get(calls, 0), "request_id", "(the journal has none)"));
	close_actions(&w, a);
}
END_TEST

static const char *const no_answers[] = {
    "{\"fault\":\"empty\"}",
    "{\"fault\":\"answer\",\"body\":\"\"}",
    "{\"fault\":\"answer\",\"body\":\"{}\",\"content_type\":\"application/x-amz-json-1.0\"}",
    "{\"fault\":\"answer\",\"body\":\"<html>ok</html>\",\"content_type\":\"text/html\"}",
};

START_TEST(a_success_without_its_answer_may_have_happened)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	world_tell(&w, "/_sandbox/faults", no_answers[_i / 2]);
	json_t *spec = _i % 2 == 0 ? publish()
				   : json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "driver", "aws",
					 "service", "sqs", "operation", "SendMessage", "inputs",
					 "QueueUrl", WORLD_QUEUE, "MessageBody", "x");
	const struct pb_outcome *o = run(&w, a, 20000, spec);
	ck_assert_int_eq(o->status, PB_OUTCOME_FAILED);
	ck_assert_str_eq(o->error, "UnreadableAnswer");
	ck_assert(o->is_unknown && o->message[0]);
	ck_assert_uint_eq(world_n_calls(&w, _i % 2 == 0 ? "Publish" : "SendMessage"), 1);
	close_actions(&w, a);
}
END_TEST

static const struct {
	const char *fault, *error, *class;
	bool is_unknown;
} call_faults[] = {
    {"{\"fault\":\"error\",\"code\":\"AuthorizationError\",\"status\":403,\"times\":0}",
	"AuthorizationError", "", false},
    {"{\"fault\":\"error\",\"code\":\"InvalidParameter\",\"times\":0}", "InvalidParameter", "",
	false},
    {"{\"fault\":\"server_error\",\"times\":0}", "InternalFailure", "", true},
    {"{\"fault\":\"reset\",\"times\":0}", "Network.Reset", "Network", true},
    {"{\"fault\":\"lost\",\"times\":0}", "Network.Reset", "Network", true},
    {"{\"fault\":\"cut\",\"times\":0}", "Network.Cut", "Network", true},
    {"{\"fault\":\"garbage\",\"times\":0}", "UnreadableAnswer", "", true},
    {"{\"fault\":\"throttle\",\"times\":0}", NULL, "Throttling", false},
};

START_TEST(a_failed_call_says_whether_it_may_have_happened)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	world_tell(&w, "/_sandbox/faults", call_faults[_i].fault);
	const struct pb_outcome *o = run(&w, a, 20000, publish());
	ck_assert_int_eq(o->status, PB_OUTCOME_FAILED);
	if (call_faults[_i].error)
		ck_assert_str_eq(o->error, call_faults[_i].error);
	ck_assert_str_eq(o->error_class, call_faults[_i].class);
	ck_assert_int_eq(o->is_unknown, call_faults[_i].is_unknown);
	ck_assert(o->message[0] != '\0');
	/* Whoever shows an outcome puts the code in front. */
	ck_assert_msg(strncmp(o->message, o->error, strlen(o->error)) != 0, "%s", o->message);
	close_actions(&w, a);
}
END_TEST

START_TEST(a_call_beyond_its_limit_is_a_timeout_of_unknown_effect)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"hang\"}");
	const struct pb_outcome *o = run(&w, a, 200, publish());
	ck_assert_int_eq(o->status, PB_OUTCOME_TIMEOUT);
	ck_assert_str_eq(o->error, "States.Timeout");
	ck_assert(o->is_unknown);
	close_actions(&w, a);
}
END_TEST

START_TEST(a_cancelled_call_says_so_later)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"hang\"}");
	start_spec(a, "a", 20000, publish());
	world_rounds(&w, 20);
	pb_actions_cancel(a, "a");
	ck_assert_uint_eq(w.n_outcomes, 0);
	world_until_outcomes(&w, 1);
	ck_assert_int_eq(w.outcomes[0]->status, PB_OUTCOME_CANCELLED);
	ck_assert(w.outcomes[0]->is_unknown);
	close_actions(&w, a);
}
END_TEST

START_TEST(a_message_that_arrived_damaged_is_a_failure)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	world_tell(&w, "/_sandbox/faults", "{\"fault\":\"wrong_md5\"}");
	const struct pb_outcome *o = run(&w, a, 20000,
	    json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "driver", "aws", "service", "sqs",
		"operation", "SendMessage", "inputs", "QueueUrl", WORLD_QUEUE, "MessageBody", "x"));
	ck_assert_int_eq(o->status, PB_OUTCOME_FAILED);
	ck_assert_str_eq(o->error, "MD5Mismatch");
	close_actions(&w, a);
}
END_TEST

/* --- http */

static json_t *
request(struct world *w, const char *method, const char *target, int status, json_t *body)
{
	PB_CLEANUP(pb_freep)
	char *url =
	    pb_asprintf("http://127.0.0.1:%u%s", (unsigned)pb_sandbox_port(w->sandbox), target);
	json_t *spec = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s}", "driver", "http", "method",
	    method, "url", url, "status", status, "capture", 4096, "effect", "once");
	if (body)
		json_object_set_new(spec, "body", body);
	return spec;
}

START_TEST(a_request_gives_status_and_body_as_output)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	const struct pb_outcome *o = run(&w, a, 20000,
	    request(&w, "POST", "/_sandbox/queues", 0, json_pack("{s:s}", "name", "more")));
	ck_assert_msg(o->status == PB_OUTCOME_OK, "%s: %s", o->error, o->message);
	ck_assert_int_eq(pb_json_i64(o->output, "status", 0), 200);
	ck_assert_ptr_nonnull(json_object_get(o->output, "body"));
	close_actions(&w, a);
}
END_TEST

START_TEST(another_status_than_the_one_wanted_is_a_failure_that_is_known)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	const struct pb_outcome *o = run(&w, a, 20000,
	    request(&w, "POST", "/_sandbox/queues", 503, json_pack("{s:s}", "name", "more")));
	ck_assert_int_eq(o->status, PB_OUTCOME_FAILED);
	ck_assert_str_eq(o->error, "Http.Status.200");
	ck_assert_str_eq(o->message, "answered 200, wanted 503");
	ck_assert(!o->is_unknown);
	close_actions(&w, a);
}
END_TEST

START_TEST(a_request_that_nobody_takes_had_no_effect)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	json_t *spec = request(&w, "POST", "/", 0, json_string("text"));
	json_object_set_new(spec, "url", json_string("http://127.0.0.1:1/"));
	const struct pb_outcome *o = run(&w, a, 20000, spec);
	ck_assert_int_eq(o->status, PB_OUTCOME_FAILED);
	ck_assert_str_eq(o->error, "Network.Connect");
	ck_assert_str_eq(o->error_class, "Network");
	ck_assert(!o->is_unknown);
	close_actions(&w, a);
}
END_TEST

/* Takes one request, answers 204, and hands what came to `out`; in a process of its own. */
static int
take_one_request(int *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int out[2], fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	ck_assert_int_eq(pipe(out), 0);
	*ret_port = ntohs(a.sin_port);
	if (fork() == 0) {
		static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
		char buf[8192];
		size_t n = 0;
		int conn = accept(fd, NULL, NULL);
		/* The body is an object, and ends it. */
		while (n == 0 || buf[n - 1] != '}') {
			ssize_t got = read(conn, buf + n, sizeof(buf) - n);
			if (got <= 0)
				_exit(1);
			n += (size_t)got;
		}
		_exit(write(conn, answer, sizeof(answer) - 1) < 0 || write(out[1], buf, n) < 0);
	}
	(void)close(fd);
	(void)close(out[1]);
	return out[0];
}

static json_t *
page_by_http(int port, const char *credential)
{
	PB_CLEANUP(pb_freep) char *url = pb_asprintf("http://127.0.0.1:%d/hook", port);
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:{s:s}, s:s, s:s}", "driver", "http", "method",
	    "POST", "url", url, "status", 0, "effect", "idempotent", "body", "kind", "page",
	    "idempotency_key", "1/page/1.1.0/ana@hook", "credential", credential);
}

START_TEST(a_page_is_posted_with_its_key_and_the_credential)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	int port, fd = take_one_request(&port);
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/hook-token", world_dir(&w));
	PB_CLEANUP(pb_buf_fini) struct pb_buf came = PB_BUF_INIT;
	ck_assert_int_eq(pb_file_write(path, 0600, PB_STR("s3cr3t\n"), NULL), 0);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", world_dir(&w), 1), 0);
	const struct pb_outcome *o = run(&w, a, 10000, page_by_http(port, "hook-token"));
	ck_assert_msg(o->status == PB_OUTCOME_OK, "%s: %s", o->error, o->message);
	ck_assert_int_eq(pb_file_read_fd(fd, "the request", 0, &came, NULL), 0);
	world_says(came.ptr, "POST /hook HTTP/1.1\r\n");
	world_says(came.ptr, "\r\nContent-Type: application/json\r\n");
	world_says(came.ptr, "\r\nIdempotency-Key: 1/page/1.1.0/ana@hook\r\n");
	world_says(came.ptr, "\r\nAuthorization: Bearer s3cr3t\r\n");
	world_says(came.ptr, "\r\n\r\n{\"kind\":\"page\"}");
	(void)close(fd);
	close_actions(&w, a);
}
END_TEST

static const struct {
	const char *secret; /* NULL = no such file */
	const char *error, *message;
} credentials[] = {
    {NULL, "Credentials.Unavailable",
	"credential hook-token (give it to the unit by LoadCredential=hook-token:FILE): "},
    {"", "Driver.Invalid", "credential hook-token: it is empty"},
    {"two\nlines", "Driver.Invalid",
	"credential hook-token: a token has printable ASCII characters only"},
};

START_TEST(without_its_credential_nothing_is_posted)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	PB_CLEANUP(pb_freep) char *path = pb_asprintf("%s/hook-token", world_dir(&w));
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", world_dir(&w), 1), 0);
	if (credentials[_i].secret != NULL)
		ck_assert_int_eq(
		    pb_file_write(path, 0600, pb_str_of(credentials[_i].secret), NULL), 0);
	const struct pb_outcome *o = run(&w, a, 10000, page_by_http(1, "hook-token"));
	ck_assert_str_eq(o->error, credentials[_i].error);
	world_says(o->message, credentials[_i].message);
	ck_assert(!o->is_unknown);
	close_actions(&w, a);
}
END_TEST

START_TEST(a_request_goes_nowhere_over_plain_http_but_to_this_host)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	json_t *spec = request(&w, "GET", "/", 0, NULL);
	json_object_set_new(spec, "url", json_string("http://127.0.0.1.example.com/"));
	const struct pb_outcome *o = run(&w, a, 20000, spec);
	ck_assert_str_eq(o->error, "Driver.Invalid");
	world_says(o->message, "plain http is for this host only");
	close_actions(&w, a);
}
END_TEST

START_TEST(a_cancelled_request_says_so_later)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	start_spec(a, "a", 20000, request(&w, "POST", "/_sandbox/queues", 0, NULL));
	pb_actions_cancel(a, "a");
	world_until_outcomes(&w, 1);
	ck_assert_int_eq(w.outcomes[0]->status, PB_OUTCOME_CANCELLED);
	ck_assert(w.outcomes[0]->is_unknown);
	ck_assert_uint_eq(pb_actions_n_running(a), 0);
	close_actions(&w, a);
}
END_TEST

START_TEST(more_programs_than_there_are_places_wait_for_one)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	char id[16];
	for (int i = 0; i < PB_ACTIONS_PROGRAMS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "a%d", i);
		start_spec(a, id, PB_MINUTE, shell("read x; sleep 60"));
	}
	start_spec(a, "waits", PB_MINUTE, shell("echo here"));
	start_spec(a, "busy", 50, shell("echo never"));
	start_spec(a, "gone", PB_MINUTE, shell("echo never"));
	PB_CLEANUP(pb_freep) char *name = pb_strdup("page");
	PB_JSON json_t *spec = shell("echo told");
	struct pb_action page = {.id = name, .limit_for = PB_MINUTE, .spec = spec, .is_page = true};
	pb_actions_start(a, &page);
	ck_assert_uint_eq(pb_actions_n_running(a), PB_ACTIONS_PROGRAMS_MAX + 1);
	ck_assert_uint_eq(pb_actions_n_waiting(a), 3);
	pb_actions_cancel(a, "gone");
	world_until_outcomes(&w, 3);
	ck_assert_uint_eq(pb_actions_n_running(a), PB_ACTIONS_PROGRAMS_MAX);
	ck_assert_uint_eq(pb_actions_n_waiting(a), 1);
	size_t n_told = 0, n_busy = 0, n_gone = 0;
	for (size_t i = 0; i < 3; i++) {
		const struct pb_outcome *o = w.outcomes[i];
		n_told += strcmp(o->action_id, "page") == 0 && o->status == PB_OUTCOME_OK;
		n_busy += strcmp(o->action_id, "busy") == 0 && strcmp(o->error, "Exec.Busy") == 0 &&
		    strcmp(o->error_class, "Throttling") == 0 && !o->is_unknown &&
		    strstr(o->message, "too many programs run") != NULL;
		n_gone += strcmp(o->action_id, "gone") == 0 && o->status == PB_OUTCOME_CANCELLED;
	}
	ck_assert_uint_eq(n_told, 1);
	ck_assert_uint_eq(n_busy, 1);
	ck_assert_uint_eq(n_gone, 1);
	pb_actions_cancel(a, "a7");
	world_until_outcomes(&w, 5);
	ck_assert_str_eq(w.outcomes[3]->action_id, "a7");
	ck_assert_str_eq(w.outcomes[4]->action_id, "waits");
	ck_assert_str_eq(pb_json_str(w.outcomes[4]->output, "text"), "here");
	ck_assert_uint_eq(pb_actions_n_running(a), PB_ACTIONS_PROGRAMS_MAX - 1);
	ck_assert_uint_eq(pb_actions_n_waiting(a), 0);
	close_actions(&w, a);
}
END_TEST

/* An outage with a thousand incidents tells stakeholders of each. */
START_TEST(notices_by_programs_take_no_place_of_steps_and_hold_up_no_page)
{
	struct world w;
	struct pb_actions *a = open_actions(&w);
	PB_JSON json_t *spec = shell("read x; sleep 60"), *quick = shell("echo told");
	for (int i = 0; i < PB_ACTIONS_POSTS_MAX + 2; i++) {
		PB_CLEANUP(pb_freep) char *id = pb_asprintf("n%d", i);
		struct pb_action notice = {
		    .id = id, .limit_for = PB_MINUTE, .spec = spec, .is_post = true};
		pb_actions_start(a, &notice);
	}
	ck_assert_uint_eq(pb_actions_n_running(a), PB_ACTIONS_POSTS_MAX);
	ck_assert_uint_eq(pb_actions_n_waiting(a), 2);
	PB_CLEANUP(pb_freep) char *name = pb_strdup("page");
	struct pb_action page = {
	    .id = name, .limit_for = PB_MINUTE, .spec = quick, .is_page = true};
	pb_actions_start(a, &page);
	start_spec(a, "step", PB_MINUTE, shell("echo here"));
	ck_assert_uint_eq(pb_actions_n_waiting(a), 2);
	world_until_outcomes(&w, 2);
	ck_assert_int_eq(w.outcomes[0]->status, PB_OUTCOME_OK);
	ck_assert_int_eq(w.outcomes[1]->status, PB_OUTCOME_OK);
	/* Only the end of a notice makes place for one. */
	ck_assert_uint_eq(pb_actions_n_waiting(a), 2);
	pb_actions_cancel(a, "n3");
	world_until_outcomes(&w, 3);
	pb_loop_turn(w.loop);
	ck_assert_uint_eq(pb_actions_n_waiting(a), 1);
	ck_assert_uint_eq(pb_actions_n_running(a), PB_ACTIONS_POSTS_MAX);
	close_actions(&w, a);
}
END_TEST

PB_SUITE(actions)
{
	pb_add(s, notices_by_programs_take_no_place_of_steps_and_hold_up_no_page);
	pb_add(s, more_programs_than_there_are_places_wait_for_one);
	pb_add_loop(s, a_program_gives_its_outcome, 0, (int)PB_ARRAY_LEN(scripts));
	pb_add(s, a_program_sees_only_the_environment_given);
	pb_add(s, a_flood_of_output_is_cut_and_kept_as_text);
	pb_add(s, the_message_has_the_end_of_stderr);
	pb_add(s, a_limit_ends_a_program);
	pb_add(s, a_program_that_ignores_term_is_killed);
	pb_add(s, a_grandchild_that_stays_delays_nothing);
	pb_add_loop(
	    s, a_program_that_cannot_start_names_path_and_remedy, 0, (int)PB_ARRAY_LEN(files));
	pb_add(s, a_cancelled_program_says_so_once);
	pb_add(s, freeing_ends_what_runs);
	pb_add_loop(s, a_spec_that_cannot_be_used_fails_later, 0, (int)PB_ARRAY_LEN(bad_specs));
	pb_add(s, an_id_that_runs_is_refused_and_the_first_goes_on);
	pb_add(s, a_call_gives_the_answer_as_output);
	pb_add_loop(s, a_success_without_its_answer_may_have_happened, 0,
	    2 * (int)PB_ARRAY_LEN(no_answers));
	pb_add_loop(
	    s, a_failed_call_says_whether_it_may_have_happened, 0, (int)PB_ARRAY_LEN(call_faults));
	pb_add(s, a_call_beyond_its_limit_is_a_timeout_of_unknown_effect);
	pb_add(s, a_cancelled_call_says_so_later);
	pb_add(s, a_request_gives_status_and_body_as_output);
	pb_add(s, another_status_than_the_one_wanted_is_a_failure_that_is_known);
	pb_add(s, a_request_that_nobody_takes_had_no_effect);
	pb_add(s, a_page_is_posted_with_its_key_and_the_credential);
	pb_add_loop(s, without_its_credential_nothing_is_posted, 0, (int)PB_ARRAY_LEN(credentials));
	pb_add(s, a_request_goes_nowhere_over_plain_http_but_to_this_host);
	pb_add(s, a_cancelled_request_says_so_later);
	pb_add(s, a_message_that_arrived_damaged_is_a_failure);
}
