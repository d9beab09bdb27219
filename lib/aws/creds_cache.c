/*
 * When credentials are asked for again.  The set in use stays in use whatever the source says:
 * services accept sets just past their expiration when the service that renews them is down, and if
 * not, the call fails no worse than it would have.
 */
#include "aws/creds.h"

#define MANDATORY_FOR PB_MINUTE
#define PAUSE_MIN_FOR (5 * PB_MINUTE)
#define PAUSE_SPREAD_FOR (5 * PB_MINUTE)

void
pb_creds_cache_fini(struct pb_creds_cache *c)
{
	pb_aws_creds_free(c->creds);
	*c = (struct pb_creds_cache){0};
}

static int64_t
advisory_for(int64_t lifetime)
{
	if (lifetime <= 20 * PB_MINUTE)
		return 5 * PB_MINUTE;
	return lifetime < 90 * PB_MINUTE ? 15 * PB_MINUTE : PB_HOUR;
}

enum pb_creds_window
pb_creds_window(const struct pb_creds_cache *c, int64_t now)
{
	if (!c->creds)
		return PB_CREDS_NONE;
	int64_t expires_at = c->creds->expires_at;
	if (expires_at != 0 && now >= expires_at)
		return PB_CREDS_EXPIRED;
	if (c->is_rejected)
		return PB_CREDS_MANDATORY;
	if (expires_at == 0)
		return PB_CREDS_FRESH;
	int64_t left = expires_at - now;
	if (left <= MANDATORY_FOR)
		return PB_CREDS_MANDATORY;
	return left <= advisory_for(expires_at - c->got_at) ? PB_CREDS_ADVISORY : PB_CREDS_FRESH;
}

bool
pb_creds_wants_refresh(const struct pb_creds_cache *c, int64_t now)
{
	return pb_creds_window(c, now) != PB_CREDS_FRESH && now >= c->paused_until_at;
}

static void
pause_source(struct pb_creds_cache *c, int64_t now, struct pb_rand *rand)
{
	c->paused_until_at = now + PAUSE_MIN_FOR + pb_rand_below(rand, PAUSE_SPREAD_FOR + 1);
}

bool
pb_creds_refreshed(
    struct pb_creds_cache *c, struct pb_aws_creds *creds, int64_t now, struct pb_rand *rand)
{
	bool is_expired = creds->expires_at != 0 && creds->expires_at <= now;
	if (is_expired && c->creds) {
		pb_aws_creds_free(creds);
		pause_source(c, now, rand);
		return false;
	}
	pb_aws_creds_free(c->creds);
	*c = (struct pb_creds_cache){.creds = creds, .got_at = now};
	if (is_expired)
		pause_source(c, now, rand);
	return true;
}

bool
pb_creds_refresh_failed(struct pb_creds_cache *c, bool is_final, int64_t now, struct pb_rand *rand)
{
	if (!c->creds || is_final)
		return false;
	pause_source(c, now, rand);
	return true;
}

void
pb_creds_rejected(struct pb_creds_cache *c, const char *access_key_id)
{
	if (c->creds && pb_streq(c->creds->access_key_id, access_key_id))
		c->is_rejected = true;
}
