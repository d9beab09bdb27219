/*
 * The set: all files to trees, names collected over the whole set, then each part in an order in
 * which what is referred to is known, and one immutable configuration at the end.
 */
#include "playbook/config.h"

#include <stdlib.h>

#include "base/map.h"
#include "event/reader.h"
#include "playbook/read.h"

static const size_t section_max[PB_SECTION_MAX] = {
    [PB_SECTION_SOURCES] = 1000,
    [PB_SECTION_CHANNELS] = 1000,
    [PB_SECTION_CONTACTS] = 10000,
    [PB_SECTION_SCHEDULES] = 1000,
    [PB_SECTION_ESCALATIONS] = 10000,
    [PB_SECTION_BUDGETS] = 1000,
    [PB_SECTION_PLAYBOOKS] = 100000,
    [PB_SECTION_MAINTENANCE] = 1000,
};

/* --- freeing */

static void inner_free(struct pb_step *s);

static void
step_fini(struct pb_step *s)
{
	free(s->name);
	pb_pattern_free(s->condition);
	pb_texts_free(s->argv, s->n_argv);
	free(s->service);
	free(s->operation);
	json_decref(s->inputs);
	free(s->method);
	free(s->url);
	json_decref(s->body);
	free(s->via);
	free(s->to);
	free(s->subject);
	free(s->text);
	free(s->token);
	json_decref(s->facts);
	if (s->check != NULL) {
		pb_pattern_free(s->check->done);
		json_decref(s->check->done_json);
		inner_free(s->check->read);
	}
	free(s->check);
	if (s->wait != NULL) {
		inner_free(s->wait->read);
		free(s->wait->state);
		free(s->wait->reason);
		pb_texts_free(s->wait->succeeded, s->wait->n_succeeded);
		pb_texts_free(s->wait->failed, s->wait->n_failed);
	}
	free(s->wait);
	for (size_t i = 0; i < s->n_conditions; i++) {
		free(s->conditions[i].alarm);
		free(s->conditions[i].url);
	}
	free(s->conditions);
	pb_retry_fini(&s->retry);
	pb_catchers_free(s->catchers, s->n_catchers);
	inner_free(s->rollback);
}

static void
inner_free(struct pb_step *s)
{
	if (s != NULL)
		step_fini(s);
	free(s);
}

static void
playbook_fini(struct pb_playbook *p)
{
	free(p->name);
	free(p->summary);
	free(p->docs);
	free(p->objective);
	free(p->severity);
	free(p->owner);
	free(p->reviewed.by);
	pb_pattern_free(p->match);
	pb_pattern_free(p->resolve_on);
	pb_texts_free(p->inhibited_by, p->n_inhibited_by);
	free(p->dedup);
	pb_guards_fini(&p->guards);
	json_decref(p->params);
	for (size_t i = 0; i < p->n_steps; i++)
		step_fini(&p->steps[i]);
	free(p->steps);
	for (size_t i = 0; i < p->n_inform; i++)
		pb_inform_fini(&p->inform[i]);
	free(p->inform);
	free(p->file);
}

static void
escalation_fini(struct pb_escalation *e)
{
	for (size_t i = 0; i < e->n_levels; i++) {
		free(e->levels[i].notify);
		free(e->levels[i].via);
		free(e->levels[i].schedules);
	}
	free(e->levels);
	free(e->fallback_via);
	pb_texts_free(e->group_by, e->n_group_by);
	free(e->name);
}

static void
free_lists(struct pb_config *c)
{
	for (size_t i = 0; i < c->n_sources; i++) {
		free(c->sources[i].name);
		free(c->sources[i].region);
		free(c->sources[i].name_prefix);
		free(c->sources[i].queue_url);
	}
	for (size_t i = 0; i < c->n_channels; i++) {
		free(c->channels[i].name);
		free(c->channels[i].topic);
		free(c->channels[i].helper);
		free(c->channels[i].url);
		free(c->channels[i].credential);
		pb_texts_free(c->channels[i].argv, c->channels[i].n_argv);
	}
	for (size_t i = 0; i < c->n_contacts; i++) {
		free(c->contacts[i].name);
		free(c->contacts[i].sns_phone);
		free(c->contacts[i].sns_topic);
	}
	for (size_t i = 0; i < c->n_schedules; i++)
		pb_schedule_fini(&c->schedules[i]);
	for (size_t i = 0; i < c->n_escalations; i++)
		escalation_fini(&c->escalations[i]);
	for (size_t i = 0; i < c->n_playbooks; i++)
		playbook_fini(&c->playbooks[i]);
	for (size_t i = 0; i < c->n_budgets; i++)
		free(c->budgets[i].name);
	for (size_t i = 0; i < c->n_maintenance; i++)
		pb_maintenance_fini(&c->maintenance[i]);
	for (size_t i = 0; i < c->n_items; i++)
		free(c->items[i].name);
	free(c->items);
	free(c->sources);
	free(c->channels);
	free(c->contacts);
	free(c->schedules);
	free(c->escalations);
	free(c->playbooks);
	free(c->budgets);
	free(c->maintenance);
}

struct pb_config *
pb_config_ref(struct pb_config *c)
{
	pb_check(c->refs > 0);
	c->refs++;
	return c;
}

void
pb_config_unref(struct pb_config *c)
{
	if (c == NULL)
		return;
	pb_check(c->refs > 0);
	if (--c->refs > 0)
		return;
	pb_matcher_free(c->matcher);
	free_lists(c);
	for (size_t i = 0; i < c->n_files; i++) {
		free(c->files[i].name);
		free(c->files[i].text);
	}
	free(c->files);
	free(c->state_dir);
	free(c->api_socket);
	free(c->exec_helper);
	free(c->metrics_listen);
	for (size_t i = 0; i < PB_API_ROLE_MAX; i++)
		pb_texts_free(c->api_groups[i].names, c->api_groups[i].n);
	free(c->aws_region);
	free(c);
}

/* --- files and their digest */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

/* Each part with its length in front, so that no two sets look the same to the digest. */
void
pb_config_digest(const struct pb_config_file *files, size_t n, char ret[PB_SHA256_TEXT])
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf b = PB_BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		const char *name = base_name(files[i].name);
		(void)pb_buf_addf(&b, "%zu:%s %zu:", strlen(name), name, files[i].len);
		(void)pb_buf_add(&b, files[i].text, files[i].len);
	}
	pb_sha256_text(b.ptr != NULL ? b.ptr : "", b.len, ret);
}

static struct pb_config *
config_new(const struct pb_config_file *files, size_t n)
{
	struct pb_config *c = pb_calloc(1, sizeof(*c));
	c->refs = 1;
	c->unmatched_escalation = PB_NONE;
	c->files = pb_calloc(n + 1, sizeof(*c->files));
	c->n_files = n;
	for (size_t i = 0; i < n; i++)
		c->files[i] = (struct pb_config_file){pb_strdup(files[i].name),
		    pb_strndup(files[i].text, files[i].len), files[i].len};
	pb_config_digest(c->files, n, c->digest);
	return c;
}

/* --- the top level of a file */

static void
add_item(struct pb_section_items *s, size_t file, struct pb_node *node)
{
	if (s->n == s->size) {
		s->size = s->size == 0 ? 16 : 2 * s->size;
		s->items = pb_realloc(s->items, s->size * sizeof(*s->items));
	}
	s->items[s->n++] = (struct pb_section_item){file, node};
}

static void
collect(struct pb_loader *l, const struct pb_node *n, enum pb_section section, const char *what)
{
	struct pb_section_items *s = &l->sections[section];
	if (!pb_read_is_list(l, n, what, 0, section_max[section])) {
		l->is_partial = true;
		return;
	}
	if (s->n + n->n > section_max[section]) {
		l->is_partial = true;
		pb_problem_add(l, n, "the set has more than %zu %s", section_max[section], what);
		return;
	}
	for (size_t i = 0; i < n->n; i++)
		add_item(s, l->file, n->items[i]);
}

static void
collect_sources(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect(l, n, PB_SECTION_SOURCES, "sources");
}

static void
collect_channels(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect(l, n, PB_SECTION_CHANNELS, "channels");
}

static void
collect_contacts(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect(l, n, PB_SECTION_CONTACTS, "contacts");
}

static void
collect_schedules(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect(l, n, PB_SECTION_SCHEDULES, "schedules");
}

static void
collect_escalations(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect(l, n, PB_SECTION_ESCALATIONS, "escalations");
}

static void
collect_budgets(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect(l, n, PB_SECTION_BUDGETS, "budgets");
}

static void
collect_playbooks(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect(l, n, PB_SECTION_PLAYBOOKS, "playbooks");
}

static void
collect_maintenance(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect(l, n, PB_SECTION_MAINTENANCE, "maintenance windows");
}

/* daemon, defaults and unmatched stand once in the set. */
static void
collect_one(struct pb_loader *l, const struct pb_node *n, const char *what, struct pb_node **ret,
    size_t *ret_file)
{
	if (*ret != NULL) {
		pb_problem_add(l, n, "%s stands already in %s:%d", what, l->files[*ret_file].name,
		    (*ret)->line);
		return;
	}
	*ret = (struct pb_node *)(uintptr_t)n;
	*ret_file = l->file;
}

static void
collect_daemon(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect_one(l, n, "daemon", &l->daemon, &l->daemon_file);
}

static void
collect_defaults(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect_one(l, n, "defaults", &l->defaults, &l->defaults_file);
}

static void
collect_unmatched(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	collect_one(l, n, "unmatched", &l->unmatched, &l->unmatched_file);
}

void
pb_read_version(struct pb_loader *l, const struct pb_node *n, void *obj)
{
	(void)obj;
	const char *text = pb_read_scalar(l, n);
	if (text != NULL && !(n->is_plain && pb_streq(text, "1")))
		pb_problem_add(l, n, "version \"%s\" is not known; this program reads version: 1",
		    PB_SHOWN(text));
}

static const struct pb_field top_fields[] = {
    {"version", PB_FIELD_CUSTOM, .read = pb_read_version},
    {"daemon", PB_FIELD_CUSTOM, .read = collect_daemon},
    {"sources", PB_FIELD_CUSTOM, .read = collect_sources},
    {"channels", PB_FIELD_CUSTOM, .read = collect_channels},
    {"contacts", PB_FIELD_CUSTOM, .read = collect_contacts},
    {"defaults", PB_FIELD_CUSTOM, .read = collect_defaults},
    {"unmatched", PB_FIELD_CUSTOM, .read = collect_unmatched},
    {"budgets", PB_FIELD_CUSTOM, .read = collect_budgets},
    {"playbooks", PB_FIELD_CUSTOM, .read = collect_playbooks},
    {"escalations", PB_FIELD_CUSTOM, .read = collect_escalations},
    {"schedules", PB_FIELD_CUSTOM, .read = collect_schedules},
    {"maintenance", PB_FIELD_CUSTOM, .read = collect_maintenance},
};

static void
read_file(struct pb_loader *l)
{
	const struct pb_config_file *f = &l->files[l->file];
	struct pb_node *root = pb_yaml_read(l, (struct pb_str){f->text, f->len});
	l->roots[l->file] = root;
	if (root == NULL || PB_READ_MAP(l, root, "the file", top_fields, l) < 0) {
		l->is_partial = true;
		return;
	}
	if (pb_node_get(root, "version") == NULL)
		pb_problem_add(l, NULL, "the file must begin with \"version: 1\"");
	else if (!pb_streq(root->keys[0]->text, "version"))
		pb_problem_add(
		    l, root->keys[0], "\"version: 1\" must be the first key of the file");
}

/* --- names */

static void
note_duplicate(struct pb_loader *l, enum pb_section section, const struct pb_node *n,
    const char *what, size_t first)
{
	const struct pb_section_item *item = &l->sections[section].items[first];
	pb_problem_add(l, n, "%s \"%s\" is defined already in %s:%d", what, n->text,
	    l->files[item->file].name, pb_node_get(item->node, "name")->line);
}

/* The name of one item; NULL with a problem, which a missing one gets when its mapping is read. */
static char *
read_item_name(struct pb_loader *l, enum pb_section section, const char *what, size_t i)
{
	struct pb_section_items *s = &l->sections[section];
	const struct pb_node *n = pb_node_get(s->items[i].node, "name");
	char *name = NULL;
	l->file = s->items[i].file;
	if (n == NULL || pb_read_name(l, n, what, &name) < 0) {
		l->is_partial = true;
		return NULL;
	}
	uintptr_t first = (uintptr_t)pb_map_get(s->names, name);
	if (first == 0)
		(void)pb_map_put(s->names, name, (void *)(uintptr_t)(i + 1));
	else
		note_duplicate(l, section, n, what, (size_t)first - 1);
	return name;
}

/* A list of structs that begin with their name. */
static void *
name_items(
    struct pb_loader *l, enum pb_section section, const char *what, size_t size, size_t *ret_n)
{
	struct pb_section_items *s = &l->sections[section];
	char *list = pb_calloc(s->n + 1, size);
	for (size_t i = 0; i < s->n; i++) {
		char *name = read_item_name(l, section, what, i);
		memcpy(list + i * size, &name, sizeof(name));
	}
	*ret_n = s->n;
	return list;
}

_Static_assert(offsetof(struct pb_source, name) == 0 && offsetof(struct pb_channel, name) == 0 &&
	offsetof(struct pb_contact, name) == 0 && offsetof(struct pb_escalation, name) == 0 &&
	offsetof(struct pb_schedule, name) == 0 && offsetof(struct pb_budget, name) == 0 &&
	offsetof(struct pb_maintenance, name) == 0 && offsetof(struct pb_playbook, name) == 0,
    "name_items puts the name first");

static void
name_all(struct pb_loader *l, struct pb_config *c)
{
	c->sources =
	    name_items(l, PB_SECTION_SOURCES, "source", sizeof(*c->sources), &c->n_sources);
	c->channels =
	    name_items(l, PB_SECTION_CHANNELS, "channel", sizeof(*c->channels), &c->n_channels);
	c->contacts =
	    name_items(l, PB_SECTION_CONTACTS, "contact", sizeof(*c->contacts), &c->n_contacts);
	c->schedules =
	    name_items(l, PB_SECTION_SCHEDULES, "schedule", sizeof(*c->schedules), &c->n_schedules);
	c->escalations = name_items(
	    l, PB_SECTION_ESCALATIONS, "escalation", sizeof(*c->escalations), &c->n_escalations);
	c->budgets =
	    name_items(l, PB_SECTION_BUDGETS, "budget", sizeof(*c->budgets), &c->n_budgets);
	c->maintenance = name_items(l, PB_SECTION_MAINTENANCE, "maintenance window",
	    sizeof(*c->maintenance), &c->n_maintenance);
	c->playbooks =
	    name_items(l, PB_SECTION_PLAYBOOKS, "playbook", sizeof(*c->playbooks), &c->n_playbooks);
}

/* --- reading */

static const struct pb_node *
item_node(struct pb_loader *l, enum pb_section section, size_t i)
{
	l->file = l->sections[section].items[i].file;
	return l->sections[section].items[i].node;
}

static void
read_parts(struct pb_loader *l)
{
	struct pb_config *c = l->config;
	pb_read_daemon(l);
	pb_read_defaults(l);
	for (size_t i = 0; i < c->n_sources; i++)
		pb_read_source(l, item_node(l, PB_SECTION_SOURCES, i), &c->sources[i]);
	for (size_t i = 0; i < c->n_channels; i++)
		pb_read_channel(l, item_node(l, PB_SECTION_CHANNELS, i), &c->channels[i]);
	for (size_t i = 0; i < c->n_contacts; i++)
		pb_read_contact(l, item_node(l, PB_SECTION_CONTACTS, i), &c->contacts[i]);
	for (size_t i = 0; i < c->n_schedules; i++)
		pb_read_schedule(l, item_node(l, PB_SECTION_SCHEDULES, i), &c->schedules[i]);
	for (size_t i = 0; i < c->n_escalations; i++)
		pb_read_escalation(l, item_node(l, PB_SECTION_ESCALATIONS, i), &c->escalations[i]);
	for (size_t i = 0; i < c->n_budgets; i++)
		pb_read_budget(l, item_node(l, PB_SECTION_BUDGETS, i), &c->budgets[i]);
	for (size_t i = 0; i < c->n_playbooks; i++)
		pb_read_playbook(l, item_node(l, PB_SECTION_PLAYBOOKS, i), &c->playbooks[i]);
	for (size_t i = 0; i < c->n_maintenance; i++)
		pb_read_maintenance(l, item_node(l, PB_SECTION_MAINTENANCE, i), &c->maintenance[i]);
	pb_read_unmatched(l);
}

static void
build_matcher(struct pb_loader *l)
{
	struct pb_config *c = l->config;
	struct pb_error err;
	PB_CLEANUP(pb_matcher_builder_freep)
	struct pb_matcher_builder *b = pb_matcher_builder_new();
	int rc = 0;
	pb_event_want(b);
	for (size_t i = 0; rc == 0 && i < c->n_playbooks; i++)
		rc = pb_matcher_builder_add(b, c->playbooks[i].match, &err);
	for (size_t i = 0; rc == 0 && i < c->n_playbooks; i++) {
		if (c->playbooks[i].resolve_on == NULL)
			continue;
		c->playbooks[i].end_id = (uint32_t)(c->n_playbooks + c->n_ends++);
		rc = pb_matcher_builder_add(b, c->playbooks[i].resolve_on, &err);
	}
	for (size_t i = 0; rc == 0 && i < c->n_maintenance; i++)
		rc = pb_matcher_builder_add(b, c->maintenance[i].match, &err);
	if (rc < 0) {
		l->file = 0;
		pb_problem_add(l, NULL, "the patterns of the playbooks: %s", err.text);
		return;
	}
	c->matcher = pb_matcher_builder_finish(PB_TAKE(b));
}

static void
loader_fini(struct pb_loader *l)
{
	for (size_t i = 0; i < l->n_files; i++)
		pb_node_free(l->roots[i]);
	free(l->roots);
	for (size_t i = 0; i < PB_SECTION_MAX; i++) {
		free(l->sections[i].items);
		pb_map_free(l->sections[i].names, NULL);
	}
	pb_retry_fini(&l->retry);
	pb_config_unref(l->config);
}

static void
load(struct pb_loader *l)
{
	bool is_too_many = l->n_files > PB_CONFIG_FILES_MAX;
	if (l->n_files == 0 || is_too_many) {
		l->file = l->n_files;
		pb_problem_add(l, NULL,
		    is_too_many ? "the set has more than %d files"
				: "the set has no files (at most %d)",
		    PB_CONFIG_FILES_MAX);
		return;
	}
	for (l->file = 0; l->file < l->n_files; l->file++)
		read_file(l);
	name_all(l, l->config);
	read_parts(l);
	if (l->n_problems == 0)
		build_matcher(l);
	if (l->n_problems == 0)
		pb_config_note_items(l, l->config);
}

static int
parse(const struct pb_config_file *files, size_t n_files, pb_aws_check *aws_check,
    const json_t *stored, struct pb_config **ret, struct pb_problems *problems)
{
	struct pb_loader l = {.files = files,
	    .n_files = n_files,
	    .aws_check = aws_check,
	    .is_stored = stored != NULL,
	    .known_zones = pb_json_get(stored, "zones"),
	    .known_calls = pb_json_get(stored, "calls"),
	    .known_effects = pb_json_get(stored, "effects")};
	l.roots = pb_calloc(n_files + 1, sizeof(*l.roots));
	l.config = config_new(files, n_files);
	for (size_t i = 0; i < PB_SECTION_MAX; i++)
		l.sections[i].names = pb_map_new();
	load(&l);
	bool is_good = l.n_problems == 0;
	pb_problems_finish(&l, problems);
	if (is_good)
		*ret = PB_TAKE(l.config);
	loader_fini(&l);
	return is_good ? 0 : -1;
}

int
pb_config_parse(const struct pb_config_file *files, size_t n_files, pb_aws_check *aws_check,
    struct pb_config **ret, struct pb_problems *problems)
{
	return parse(files, n_files, aws_check, NULL, ret, problems);
}

/* --- to and from the store */

/* What a step's call was known to be; without inputs to go by, its effect is all there is. */
static json_t *
facts_json(const struct pb_step *s)
{
	if (s == NULL)
		return json_null();
	json_t *j = s->facts == NULL ? json_object() : json_copy(s->facts);
	pb_json_set_str(j, "effect", pb_effect_name(s->effect));
	return j;
}

static json_t *
calls_json(const struct pb_config *c)
{
	json_t *all = json_array();
	for (size_t i = 0; i < c->n_playbooks; i++) {
		const struct pb_playbook *p = &c->playbooks[i];
		json_t *of_playbook = json_array();
		for (size_t k = 0; k < p->n_steps; k++)
			(void)json_array_append_new(of_playbook, facts_json(&p->steps[k]));
		/* Behind those of the steps, those of their undos. */
		for (size_t k = 0; k < p->n_steps; k++)
			(void)json_array_append_new(of_playbook, facts_json(p->steps[k].rollback));
		(void)json_array_append_new(all, of_playbook);
	}
	return all;
}

json_t *
pb_config_to_json(const struct pb_config *c)
{
	json_t *j = json_object(), *files = json_array();
	for (size_t i = 0; i < c->n_files; i++) {
		json_t *f = json_object();
		pb_json_set_str(f, "name", base_name(c->files[i].name));
		(void)json_object_set_new(
		    f, "text", json_stringn(c->files[i].text, c->files[i].len));
		(void)json_array_append_new(files, f);
	}
	(void)json_object_set_new(j, "files", files);
	(void)json_object_set_new(j, "calls", calls_json(c));
	json_t *zones = json_object();
	for (size_t i = 0; i < c->n_schedules; i++)
		pb_json_set_str(zones, c->schedules[i].tz, c->schedules[i].zone_base64);
	for (size_t i = 0; i < c->n_maintenance; i++)
		pb_json_set_str(zones, c->maintenance[i].tz, c->maintenance[i].zone_base64);
	(void)json_object_set_new(j, "zones", zones);
	return j;
}

static int
read_stored_files(const json_t *list, struct pb_config_file *files, struct pb_error *err)
{
	size_t i;
	json_t *item;
	json_array_foreach (list, i, item) {
		const char *name = pb_json_str(item, "name"), *text = pb_json_str(item, "text");
		if (name == NULL || text == NULL)
			return pb_fail(err, PB_CORRUPT,
			    "stored configuration: file %zu has no name or no text", i);
		/* Borrowed: the parser copies what it keeps. */
		files[i] = (struct pb_config_file){(char *)(uintptr_t)name, (char *)(uintptr_t)text,
		    json_string_length(pb_json_get(item, "text"))};
	}
	return 0;
}

int
pb_config_from_json(const json_t *j, struct pb_config **ret, struct pb_error *err)
{
	const json_t *list = pb_json_get(j, "files");
	struct pb_problems problems;
	if (!json_is_array(list))
		return pb_fail(err, PB_CORRUPT, "stored configuration: it has no list of files");
	size_t n = json_array_size(list);
	PB_CLEANUP(pb_freep) struct pb_config_file *files = pb_calloc(n + 1, sizeof(*files));
	if (read_stored_files(list, files, err) < 0)
		return -1;
	int rc = parse(files, n, NULL, j, ret, &problems);
	if (rc < 0)
		(void)pb_fail(err, PB_CORRUPT, "stored configuration: %s", problems.texts[0]);
	pb_problems_fini(&problems);
	return rc;
}
