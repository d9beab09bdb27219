/*
 * What the sandbox keeps: keys, queues, topics, alarms and their history; and its clocks.
 */
#include "tests/sandbox/internal.h"

#include <stdlib.h>

#include "base/clock.h"

int64_t
pb_sbx_now(const struct pb_sandbox *sb)
{
	return pb_clock_wall() + sb->offset;
}

int64_t
pb_sbx_mono(const struct pb_sandbox *sb)
{
	return pb_clock_mono() + sb->advance;
}

char *
pb_sbx_arn(const char *service, const char *region, const char *account, const char *rest)
{
	return pb_asprintf("arn:aws:%s:%s:%s:%s", service, region, account, rest);
}

void
pb_sbx_key_free(void *key)
{
	struct pb_sbx_key *k = key;
	free(k->secret);
	free(k->token);
	free(k);
}

void
pb_sbx_key_put(
    struct pb_sandbox *sb, const char *access, const char *secret, const char *token, bool expired)
{
	struct pb_sbx_key *k = pb_calloc(1, sizeof(*k));
	k->secret = pb_strdup(secret);
	k->token = pb_strdup(token);
	k->is_expired = expired;
	k = pb_map_put(sb->keys, access, k);
	if (k != NULL)
		pb_sbx_key_free(k);
}

void
pb_sbx_world_init(struct pb_sandbox *sb)
{
	if (sb->keys == NULL)
		sb->keys = pb_map_new();
	sb->queues = pb_map_new();
	sb->topics = pb_map_new();
	sb->alarms = pb_map_new();
	sb->phones = json_object();
	sb->mute_rules = json_object();
	sb->history = json_array();
	sb->faults = json_array();
	sb->journal = json_array();
	sb->n_calls = 0;
	sb->offset = 0;
	sb->metadata_status = 200;
	sb->metadata_for = 6 * PB_HOUR;
	/* The monotonic clock keeps its advance: it never goes back. */
}

void
pb_sbx_world_fini(struct pb_sandbox *sb)
{
	pb_map_free(sb->queues, pb_sbx_queue_free);
	pb_map_free(sb->topics, pb_sbx_topic_free);
	pb_map_free(sb->alarms, pb_sbx_alarm_free);
	json_decref(sb->phones);
	json_decref(sb->mute_rules);
	json_decref(sb->history);
	json_decref(sb->faults);
	json_decref(sb->journal);
	free(PB_TAKE(sb->event_queue));
}
