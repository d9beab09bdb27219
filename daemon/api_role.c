/*
 * Who may ask what of the API.
 */
#include "api_role.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

char *
api_caller(const struct pb_http_request *req)
{
	const struct pb_http_peer *peer = pb_http_request_peer(req);
	const struct passwd *pw = getpwuid(peer->uid);
	if (pw == NULL || pw->pw_name[0] == '\0')
		return pb_asprintf("uid %u", (unsigned)peer->uid);
	return pb_strdup(pw->pw_name);
}

void
api_roles_fini(struct api_roles *r)
{
	for (size_t i = 0; i < PB_API_ROLE_MAX; i++) {
		free(r->groups[i].ids);
		free(r->groups[i].names);
	}
	*r = (struct api_roles){.is_open = true};
}

static void
set_role(struct api_roles *r, enum pb_api_role role, const struct pb_group_names *g)
{
	PB_CLEANUP(pb_buf_fini) struct pb_buf names = PB_BUF_INIT;
	char shown[100];
	r->groups[role].ids = pb_calloc(g->n + 1, sizeof(gid_t));
	for (size_t i = 0; i < g->n; i++) {
		(void)pb_safe(shown, sizeof(shown), pb_str_of(g->names[i]));
		pb_buf_addf(&names, "%s%s", i == 0 ? "" : ", ", shown);
		const struct group *found = getgrnam(g->names[i]);
		if (found == NULL)
			pb_warn("daemon.api.%s: this host has no group \"%s\", so nobody has the "
				"role by it",
			    pb_api_role_name(role), shown);
		else
			r->groups[role].ids[r->groups[role].n++] = found->gr_gid;
	}
	r->groups[role].names = pb_buf_take(&names);
	if (g->n > 0)
		r->is_open = false;
}

void
api_roles_set(struct api_roles *r, const struct pb_config *c)
{
	api_roles_fini(r);
	for (int role = 0; role < PB_API_ROLE_MAX; role++)
		set_role(r, (enum pb_api_role)role, &c->api_groups[role]);
}

/* The highest role that the caller has; -1 = none. */
static int
role_of(const struct api_roles *r, const struct pb_http_request *req)
{
	const struct pb_http_peer *peer = pb_http_request_peer(req);
	if (r->is_open || peer->uid == 0 || peer->uid == geteuid())
		return PB_API_ADMIN;
	for (int role = PB_API_ROLE_MAX - 1; role >= 0; role--)
		for (size_t i = 0; i < r->groups[role].n; i++)
			if (pb_http_request_peer_in(req, r->groups[role].ids[i]))
				return role;
	return -1;
}

int
api_role_check(const struct api_roles *r, struct pb_http_request *req, enum pb_api_role role)
{
	int has = role_of(r, req);
	if (has >= (int)role)
		return 0;
	PB_CLEANUP(pb_freep) char *who = api_caller(req);
	PB_CLEANUP(pb_buf_fini) struct pb_buf groups = PB_BUF_INIT;
	for (int i = (int)role; i < PB_API_ROLE_MAX; i++)
		if (r->groups[i].names[0] != '\0')
			pb_buf_addf(
			    &groups, "%s%s", groups.len == 0 ? "" : ", ", r->groups[i].names);
	pb_http_reply_error(req, 403, "%s has %s%s; this takes the role %s: %s%s", who,
	    has < 0 ? "no role" : "the role ",
	    has < 0 ? "" : pb_api_role_name((enum pb_api_role)has), pb_api_role_name(role),
	    groups.len == 0 ? "only root has it" : "be in one of the groups ",
	    groups.len == 0 ? "" : groups.ptr);
	return -1;
}
