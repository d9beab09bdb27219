/*
 * The parts of the set that are not playbooks: daemon, sources, channels, contacts, defaults and
 * unmatched.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "playbook/read.h"

#define API_GROUPS_MAX 32

/* --- daemon */

static void
read_path(struct pb_loader *l, const struct pb_node *n, char **ret, size_t max)
{
	if (pb_read_text(l, n, max, ret) == 0 && (*ret)[0] != '/')
		pb_problem_add(l, n, "\"%s\" must be an absolute path", PB_SHOWN(*ret));
}

static void
read_state_dir(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_config *c = obj;
	read_path(l, n, &c->state_dir, 4000);
}

static void
read_socket(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_config *c = obj;
	read_path(l, n, &c->api_socket, 107); /* sun_path */
}

static void
read_region(struct pb_loader *l, const struct pb_node *n, char **ret)
{
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return;
	if (n->len == 0 || n->len > 63 ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != n->len)
		pb_problem_add(l, n, "\"%s\" is no region's code, as eu-west-1", PB_SHOWN(text));
	else
		(void)pb_read_text(l, n, 63, ret);
}

static void
read_daemon_region(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_config *c = obj;
	read_region(l, n, &c->aws_region);
}

struct exec_settings {
	bool is_child;
	char *socket;
};

static void
read_driver(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"child", "helper"};
	struct exec_settings *e = obj;
	size_t which;
	if (pb_read_word(l, n, words, 2, &which) == 0)
		e->is_child = which == 0;
}

static void
read_helper_socket(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct exec_settings *e = obj;
	read_path(l, n, &e->socket, 107); /* sun_path */
}

const char *
pb_api_role_name(enum pb_api_role role)
{
	static const char *const names[] = {
	    [PB_API_VIEW] = "view", [PB_API_OPERATE] = "operate", [PB_API_ADMIN] = "admin"};
	_Static_assert(PB_ARRAY_LEN(names) == PB_API_ROLE_MAX, "a name for each role");
	return names[role];
}

/* Names of the system's groups; whether this host has them is told at the start. */
static void
read_groups(struct pb_loader *l, const struct pb_node *n, void *obj, enum pb_api_role role)
{
	struct pb_config *c = obj;
	struct pb_group_names *g = &c->api_groups[role];
	(void)pb_read_texts(l, n, "names of groups", 1, API_GROUPS_MAX, &g->names, &g->n);
}

static void
read_view(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	read_groups(l, n, obj, PB_API_VIEW);
}

static void
read_operate(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	read_groups(l, n, obj, PB_API_OPERATE);
}

static void
read_admin(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	read_groups(l, n, obj, PB_API_ADMIN);
}

static const struct pb_field api_fields[] = {
    {"socket", PB_FIELD_CUSTOM, .read = read_socket},
    {"view", PB_FIELD_CUSTOM, .read = read_view},
    {"operate", PB_FIELD_CUSTOM, .read = read_operate},
    {"admin", PB_FIELD_CUSTOM, .read = read_admin},
};
static const struct pb_field aws_fields[] = {
    {"region", PB_FIELD_CUSTOM, .read = read_daemon_region},
};
static const struct pb_field exec_fields[] = {
    {"driver", PB_FIELD_CUSTOM, .read = read_driver},
    {"socket", PB_FIELD_CUSTOM, .read = read_helper_socket},
};

#define RETENTION(member) offsetof(struct pb_config, retention.member)
static const struct pb_field retention_fields[] = {
    {"age", PB_FIELD_DURATION, .offset = RETENTION(age_for), .min = PB_DAY, .max = 3650 * PB_DAY},
    {"incidents", PB_FIELD_INT, .offset = RETENTION(incidents), .min = 100, .max = 1000000},
    {"events", PB_FIELD_INT, .offset = RETENTION(events), .min = 0, .max = 10000000},
    {"notes", PB_FIELD_INT, .offset = RETENTION(notes), .min = 1000, .max = 10000000},
    {"quarantine", PB_FIELD_INT, .offset = RETENTION(quarantine), .min = 10, .max = 100000},
};

static void
read_retention(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "daemon.retention", retention_fields, obj);
}

static void
read_api(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "daemon.api", api_fields, obj);
}

static void
read_aws(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "daemon.aws", aws_fields, obj);
}

static void
read_exec(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_config *c = obj;
	struct exec_settings e = {0};
	(void)PB_READ_MAP(l, n, "daemon.exec", exec_fields, &e);
	if (e.is_child && e.socket != NULL)
		pb_problem_add(l, pb_node_get(n, "socket"),
		    "socket is for driver: helper; a child needs none");
	if (e.is_child || e.socket != NULL) {
		free(c->exec_helper);
		c->exec_helper = e.is_child ? NULL : PB_TAKE(e.socket);
	}
	free(e.socket);
}

/* An address, not a name: nothing is looked up while the daemon starts. */
static void
read_listen(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_config *c = obj;
	struct in6_addr address;
	if (pb_read_text(l, n, 64, &c->metrics_listen) < 0)
		return;
	PB_CLEANUP(pb_freep) char *host = pb_strdup(c->metrics_listen);
	char *colon = strrchr(host, ':');
	int64_t port;
	bool is_good =
	    colon != NULL && pb_parse_i64(pb_str_of(colon + 1), 1, 65535, &port, NULL) == 0;
	if (is_good) {
		*colon = '\0';
		size_t len = strlen(host);
		bool is_v6 = len > 2 && host[0] == '[' && host[len - 1] == ']';
		if (is_v6)
			host[len - 1] = '\0';
		is_good = is_v6 ? inet_pton(AF_INET6, host + 1, &address) == 1
				: inet_pton(AF_INET, host, &address) == 1;
	}
	if (!is_good)
		pb_problem_add(l, n,
		    "\"%s\" is no address and port, as 127.0.0.1:9464 or [::1]:9464",
		    PB_SHOWN(c->metrics_listen));
}

static const struct pb_field metrics_fields[] = {
    {"listen", PB_FIELD_CUSTOM, .is_required = true, .read = read_listen},
};

static void
read_metrics(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)PB_READ_MAP(l, n, "daemon.metrics", metrics_fields, obj);
}

static const struct pb_field daemon_fields[] = {
    {"state_dir", PB_FIELD_CUSTOM, .read = read_state_dir},
    {"api", PB_FIELD_CUSTOM, .read = read_api},
    {"metrics", PB_FIELD_CUSTOM, .read = read_metrics},
    {"aws", PB_FIELD_CUSTOM, .read = read_aws},
    {"exec", PB_FIELD_CUSTOM, .read = read_exec},
    {"retention", PB_FIELD_CUSTOM, .read = read_retention},
};

void
pb_read_daemon(struct pb_loader *l)
{
	l->config->retention = (struct pb_retention){
	    .age_for = PB_DEFAULT_RETENTION_AGE,
	    .incidents = PB_DEFAULT_RETENTION_INCIDENTS,
	    .events = PB_DEFAULT_RETENTION_EVENTS,
	    .notes = PB_DEFAULT_RETENTION_NOTES,
	    .quarantine = PB_DEFAULT_RETENTION_QUARANTINE,
	};
	l->file = l->daemon_file;
	l->config->exec_helper = pb_strdup(PB_EXEC_SOCKET_DEFAULT);
	if (l->daemon != NULL)
		(void)PB_READ_MAP(l, l->daemon, "daemon", daemon_fields, l->config);
}

/* --- sources */

static void
read_source_region(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_source *s = obj;
	read_region(l, n, &s->region);
}

static void
read_alarm_types(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	static const char *const words[] = {"MetricAlarm", "CompositeAlarm"};
	struct pb_source *s = obj;
	size_t which;
	if (!pb_read_is_list(l, n, "alarm types", 1, 2))
		return;
	s->metric_alarms = s->composite_alarms = false;
	for (size_t i = 0; i < n->n; i++) {
		if (pb_read_word(l, n->items[i], words, 2, &which) < 0)
			continue;
		s->metric_alarms |= which == 0;
		s->composite_alarms |= which == 1;
	}
}

/* Empty means all, so "" is a value here. */
static void
read_name_prefix(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_source *s = obj;
	(void)pb_read_text(l, n, 255, &s->name_prefix);
}

static void
read_queue_url(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_source *s = obj;
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return;
	const char *host = strncmp(text, "https://", 8) == 0 ? text + 8
	    : strncmp(text, "http://", 7) == 0               ? text + 7
							     : NULL;
	if (host == NULL || strchr("/:", *host) != NULL || strpbrk(host, " \n\"<>\\") != NULL ||
	    strchr(host, '/') == NULL)
		pb_problem_add(l, n,
		    "\"%s\" is no queue URL, as "
		    "https://sqs.eu-west-1.amazonaws.com/111122223333/ops-events",
		    PB_SHOWN(text));
	else
		(void)pb_read_text(l, n, 2048, &s->queue_url);
}

static void
read_wait(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_source *s = obj;
	if (pb_read_duration(l, n, 0, 20 * PB_SECOND, &s->wait_for) == 0 &&
	    s->wait_for % PB_SECOND != 0)
		pb_problem_add(l, n, "wait must be whole seconds");
}

static void
read_visibility(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_source *s = obj;
	if (pb_read_duration(l, n, 30 * PB_SECOND, 12 * PB_HOUR, &s->visibility_for) == 0 &&
	    s->visibility_for % PB_SECOND != 0)
		pb_problem_add(l, n, "visibility must be whole seconds");
}

static const struct pb_field cloudwatch_fields[] = {
    {"name", PB_FIELD_SEEN, .is_required = true},
    {.key = "type", .type = PB_FIELD_SEEN},
    {"region", PB_FIELD_CUSTOM, .read = read_source_region},
    {"interval", PB_FIELD_DURATION, .offset = offsetof(struct pb_source, interval_for),
	.min = 5 * PB_SECOND, .max = PB_HOUR},
    {"alarm_types", PB_FIELD_CUSTOM, .read = read_alarm_types},
    {"name_prefix", PB_FIELD_CUSTOM, .read = read_name_prefix},
    {"honour_mute_rules", PB_FIELD_BOOL, .offset = offsetof(struct pb_source, honours_mutes)},
    {"backfill", PB_FIELD_DURATION, .offset = offsetof(struct pb_source, backfill_for), .min = 0,
	.max = 14 * PB_DAY},
    {.key = "queue_url", .type = PB_FIELD_ELSEWHERE, .note = "it is for type sqs"},
    {.key = "wait", .type = PB_FIELD_ELSEWHERE, .note = "it is for type sqs"},
    {.key = "visibility", .type = PB_FIELD_ELSEWHERE, .note = "it is for type sqs"},
    {.key = "receivers", .type = PB_FIELD_ELSEWHERE, .note = "it is for type sqs"},
    {.key = "quarantine_after", .type = PB_FIELD_ELSEWHERE, .note = "it is for type sqs"},
};
static const struct pb_field sqs_fields[] = {
    {"name", PB_FIELD_SEEN, .is_required = true},
    {.key = "type", .type = PB_FIELD_SEEN},
    {"region", PB_FIELD_CUSTOM, .read = read_source_region},
    {"queue_url", PB_FIELD_CUSTOM, .is_required = true, .read = read_queue_url},
    {"wait", PB_FIELD_CUSTOM, .read = read_wait},
    {"visibility", PB_FIELD_CUSTOM, .read = read_visibility},
    {"receivers", PB_FIELD_INT, .offset = offsetof(struct pb_source, receivers), .min = 1,
	.max = 10},
    {"quarantine_after", PB_FIELD_INT, .offset = offsetof(struct pb_source, quarantine_after),
	.min = 1, .max = 100},
    {.key = "interval", .type = PB_FIELD_ELSEWHERE, .note = "it is for type cloudwatch"},
    {.key = "alarm_types", .type = PB_FIELD_ELSEWHERE, .note = "it is for type cloudwatch"},
    {.key = "name_prefix", .type = PB_FIELD_ELSEWHERE, .note = "it is for type cloudwatch"},
    {.key = "honour_mute_rules", .type = PB_FIELD_ELSEWHERE, .note = "it is for type cloudwatch"},
    {.key = "backfill", .type = PB_FIELD_ELSEWHERE, .note = "it is for type cloudwatch"},
};

/* The type picks the table, so it is read first; -1 with a problem noted. */
static int
read_type(struct pb_loader *l, const struct pb_node *n, const char *what, const char *const *words,
    size_t n_words, size_t *ret)
{
	const struct pb_node *type = pb_node_get(n, "type");
	if (n->kind != PB_NODE_MAP) {
		pb_problem_add(l, n, "expected a mapping (%s)", what);
		return -1;
	}
	if (type == NULL) {
		pb_problem_add(l, n, "%s needs the key type", what);
		return -1;
	}
	return pb_read_word(l, type, words, n_words, ret);
}

void
pb_read_source(struct pb_loader *l, const struct pb_node *n, struct pb_source *ret)
{
	static const char *const words[] = {"cloudwatch", "sqs"};
	size_t which;
	ret->interval_for = 20 * PB_SECOND;
	ret->metric_alarms = ret->composite_alarms = true;
	ret->backfill_for = 2 * PB_HOUR;
	ret->wait_for = 20 * PB_SECOND;
	ret->visibility_for = 2 * PB_MINUTE;
	ret->receivers = 1;
	ret->quarantine_after = 5;
	if (read_type(l, n, "source", words, 2, &which) < 0)
		return;
	ret->type = which == 0 ? PB_SOURCE_CLOUDWATCH : PB_SOURCE_SQS;
	if (ret->type == PB_SOURCE_CLOUDWATCH)
		(void)PB_READ_MAP(l, n, "source of type cloudwatch", cloudwatch_fields, ret);
	else
		(void)PB_READ_MAP(l, n, "source of type sqs", sqs_fields, ret);
	if (ret->name_prefix == NULL)
		ret->name_prefix = pb_strdup("");
}

/* --- channels and contacts */

static void
read_channel_topic(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_channel *c = obj;
	(void)pb_read_topic(l, n, &c->topic);
}

static void
read_channel_argv(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_channel *c = obj;
	if (pb_read_argv(l, n, &c->argv, &c->n_argv) < 0)
		return;
	for (size_t i = 0; i < c->n_argv; i++)
		if (strstr(c->argv[i], "${") != NULL)
			pb_problem_add(l, n->items[i],
			    "a channel has no templates; the page is JSON on its standard input");
}

static const struct pb_field sns_fields[] = {
    {"name", PB_FIELD_SEEN, .is_required = true},
    {.key = "type", .type = PB_FIELD_SEEN},
    {"topic", PB_FIELD_CUSTOM, .is_required = true, .read = read_channel_topic},
};
static const struct pb_field exec_channel_fields[] = {
    {"name", PB_FIELD_SEEN, .is_required = true},
    {.key = "type", .type = PB_FIELD_SEEN},
    {"argv", PB_FIELD_CUSTOM, .is_required = true, .read = read_channel_argv},
};

/* No templates: where pages go is settled before anything happens. */
static void
read_channel_url(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_channel *c = obj;
	if (pb_read_text(l, n, 2048, &c->url) < 0)
		return;
	const char *why = strstr(c->url, "${") != NULL ? "a channel's address has no templates"
						       : pb_url_refused(c->url);
	if (why != NULL)
		pb_problem_add(l, n, "\"%s\" cannot be asked: %s", PB_SHOWN(c->url), why);
}

static void
read_channel_credential(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_channel *c = obj;
	(void)pb_read_name(l, n, "credential", &c->credential);
}

static const struct pb_field http_channel_fields[] = {
    {"name", PB_FIELD_SEEN, .is_required = true},
    {.key = "type", .type = PB_FIELD_SEEN},
    {"url", PB_FIELD_CUSTOM, .is_required = true, .read = read_channel_url},
    {"credential", PB_FIELD_CUSTOM, .read = read_channel_credential},
};

void
pb_read_channel(struct pb_loader *l, const struct pb_node *n, struct pb_channel *ret)
{
	static const char *const words[] = {"sns", "exec", "http"};
	static const enum pb_channel_type types[] = {
	    PB_CHANNEL_SNS, PB_CHANNEL_EXEC, PB_CHANNEL_HTTP};
	size_t which;
	if (read_type(l, n, "channel", words, 3, &which) < 0)
		return;
	ret->type = types[which];
	if (ret->type == PB_CHANNEL_SNS) {
		(void)PB_READ_MAP(l, n, "channel of type sns", sns_fields, ret);
		return;
	}
	if (ret->type == PB_CHANNEL_HTTP) {
		(void)PB_READ_MAP(l, n, "channel of type http", http_channel_fields, ret);
		return;
	}
	(void)PB_READ_MAP(l, n, "channel of type exec", exec_channel_fields, ret);
	ret->helper = pb_strdup(l->config->exec_helper);
}

/* E.164: + and 7 to 15 digits. */
static void
read_phone(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_contact *c = obj;
	const char *text = pb_read_scalar(l, n);
	if (text == NULL)
		return;
	if (text[0] != '+' || n->len < 8 || n->len > 16 || text[1] == '0' ||
	    strspn(text + 1, "0123456789") != n->len - 1)
		pb_problem_add(l, n, "\"%s\" is no phone number in the form \"+447700900001\"",
		    PB_SHOWN(text));
	else
		(void)pb_read_text(l, n, 16, &c->sns_phone);
}

static void
read_contact_topic(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_contact *c = obj;
	(void)pb_read_topic(l, n, &c->sns_topic);
}

static const struct pb_field contact_sns_fields[] = {
    {"phone", PB_FIELD_CUSTOM, .read = read_phone},
    {"topic", PB_FIELD_CUSTOM, .read = read_contact_topic},
};

static void
read_contact_sns(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_contact *c = obj;
	if (PB_READ_MAP(l, n, "contact's sns", contact_sns_fields, c) < 0)
		return;
	if (n->n == 0)
		pb_problem_add(l, n, "contact's sns needs one of phone and topic");
	if (c->sns_phone != NULL && c->sns_topic != NULL)
		pb_problem_add(l, n, "contact's sns has phone and topic; keep one of them");
}

static const struct pb_field contact_fields[] = {
    {"name", PB_FIELD_SEEN, .is_required = true},
    {"sns", PB_FIELD_CUSTOM, .read = read_contact_sns},
};

void
pb_read_contact(struct pb_loader *l, const struct pb_node *n, struct pb_contact *ret)
{
	(void)PB_READ_MAP(l, n, "contact", contact_fields, ret);
}

/* --- defaults */

static void
read_default_retry(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_loader *to = obj;
	pb_read_retry(l, n, &to->retry);
}

static const struct pb_field output_fields[] = {
    {"capture", PB_FIELD_SIZE, .offset = offsetof(struct pb_config, output_capture_max),
	.min = 1024, .max = 1024 * 1024},
};

static void
read_output(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_loader *to = obj;
	(void)PB_READ_MAP(l, n, "defaults.output", output_fields, to->config);
}

static const struct pb_field defaults_fields[] = {
    {"page_by", PB_FIELD_DURATION, .offset = offsetof(struct pb_loader, page_by_for),
	.min = 10 * PB_SECOND, .max = PB_DAY},
    {"hold", PB_FIELD_DURATION, .offset = offsetof(struct pb_loader, hold_for), .min = 0,
	.max = PB_DAY},
    {"max_age", PB_FIELD_DURATION, .offset = offsetof(struct pb_loader, max_age_for),
	.min = PB_SECOND, .max = 14 * PB_DAY},
    {"verify_timeout", PB_FIELD_DURATION, .offset = offsetof(struct pb_loader, verify_timeout_for),
	.min = PB_SECOND, .max = PB_DAY},
    {"retry", PB_FIELD_CUSTOM, .read = read_default_retry},
    {"output", PB_FIELD_CUSTOM, .read = read_output},
};

void
pb_read_defaults(struct pb_loader *l)
{
	l->page_by_for = PB_DEFAULT_PAGE_BY;
	l->max_age_for = PB_DEFAULT_MAX_AGE;
	l->verify_timeout_for = PB_DEFAULT_VERIFY_TIMEOUT;
	l->hold_for = 0;
	l->config->output_capture_max = 64 * 1024;
	l->file = l->defaults_file;
	if (l->defaults != NULL)
		(void)PB_READ_MAP(l, l->defaults, "defaults", defaults_fields, l);
	if (pb_node_get(l->defaults, "retry") == NULL)
		pb_retry_builtin(&l->retry);
}

/* --- unmatched */

static void
read_fate(struct pb_loader *l, const struct pb_node *n, enum pb_unmatched *ret)
{
	static const char *const words[] = {"drop", "escalate"};
	size_t which;
	if (pb_read_word(l, n, words, 2, &which) == 0)
		*ret = which == 0 ? PB_UNMATCHED_DROP : PB_UNMATCHED_ESCALATE;
}

static void
read_unmatched_alarms(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_config *c = obj;
	read_fate(l, n, &c->unmatched_alarms);
}

static void
read_unmatched_events(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_config *c = obj;
	read_fate(l, n, &c->unmatched_events);
}

static void
read_unmatched_escalate(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	struct pb_config *c = obj;
	(void)pb_read_reference(l, n, PB_SECTION_ESCALATIONS, &c->unmatched_escalation);
}

static const struct pb_field unmatched_fields[] = {
    {"alarms", PB_FIELD_CUSTOM, .is_required = true, .read = read_unmatched_alarms,
	.note = "escalate or drop"},
    {"events", PB_FIELD_CUSTOM, .is_required = true, .read = read_unmatched_events,
	.note = "escalate or drop"},
    {"escalate", PB_FIELD_CUSTOM, .read = read_unmatched_escalate},
};

void
pb_read_unmatched(struct pb_loader *l)
{
	struct pb_config *c = l->config;
	c->unmatched_escalation = PB_NONE;
	l->file = l->unmatched_file;
	if (l->unmatched == NULL) {
		l->file = 0;
		if (!l->is_partial)
			pb_problem_add(l, NULL,
			    "no file says what becomes of events that no playbook matches; add "
			    "unmatched: "
			    "{alarms: escalate, events: drop, escalate: NAME}");
		return;
	}
	if (PB_READ_MAP(l, l->unmatched, "unmatched", unmatched_fields, c) < 0)
		return;
	bool is_needed = c->unmatched_alarms == PB_UNMATCHED_ESCALATE ||
	    c->unmatched_events == PB_UNMATCHED_ESCALATE;
	bool is_given = pb_node_get(l->unmatched, "escalate") != NULL;
	if (is_needed && !is_given)
		pb_problem_add(
		    l, l->unmatched, "unmatched needs the key escalate: the name of an escalation");
	if (!is_needed)
		c->unmatched_escalation = PB_NONE;
}
