/*
 * Who may ask what of the API.
 *
 *	view	look: everything that changes nothing
 *	operate	answer pages, approve, silence, stop and start remediation
 *	admin	reload, inject events
 *
 * Each role holds the ones before it.  A caller has the highest role that one of its groups has; root
 * and the daemon's own user are admin.  Where no role names a group, whoever could open the socket
 * may do everything.
 */
#ifndef PB_DAEMON_API_ROLE_H
#define PB_DAEMON_API_ROLE_H

#include "io/http_server.h"
#include "playbook/config.h"

struct api_roles {
	bool is_open; /* no role names a group */
	struct {
		gid_t *ids; /* of the groups that this host has */
		size_t n;
		char *names; /* all of them, for people */
	} groups[PB_API_ROLE_MAX];
};

/* Looks the groups up, once; one that this host does not have is warned of and nobody's. */
void api_roles_set(struct api_roles *r, const struct pb_config *c);
void api_roles_fini(struct api_roles *r);
/* May the caller do what takes `role`?  -1: answered with 403. */
int api_role_check(const struct api_roles *r, struct pb_http_request *req, enum pb_api_role role);
/* "name", or "uid 1000" when the system knows no name for it; the caller's to free. */
char *api_caller(const struct pb_http_request *req);

#endif
