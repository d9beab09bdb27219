/*
 * The configuration folder: DIR/playbookd.yaml and the files DIR/playbooks.d/NAME.yaml in byte order
 * of their names, read as one set.  Start, --check and reload come through here, so that what one of
 * them accepts the others accept too.
 *
 * Another name in playbooks.d is a problem, since a playbook of which nobody hears is worse than a
 * refused start; hidden files, backups (NAME~, NAME.bak, NAME.dpkg-old ...) and NAME.disabled are
 * passed over.
 */
#ifndef PB_DAEMON_CONFDIR_H
#define PB_DAEMON_CONFDIR_H

#include "playbook/config.h"

#define PB_CONFDIR_DEFAULT "/etc/playbookd"
#define PB_CONFDIR_MAIN "playbookd.yaml"
#define PB_CONFDIR_MORE "playbooks.d"

/*
 * Read and check the whole set.  playbookd.yaml must be there; playbooks.d may be absent.  On
 * success *ret is the caller's.  On failure returns -1 and `problems` (the caller's to fini) has all
 * that is wrong, one line each: first what cannot be read, with the remedy, and only when everything
 * could be read what is wrong inside.
 */
int pb_confdir_load(const char *dir, struct pb_config **ret, struct pb_problems *problems);

/* The system's time zones, a pb_zone_reader (playbook/zone.h): of $TZDIR, else /usr/share/zoneinfo.
 * pb_confdir_load uses it. */
int pb_confdir_zone(const char *name, struct pb_buf *ret, struct pb_error *err);

/*
 * The digest of what is in the folder now, good or not, to compare with pb_config.digest.  -1: it
 * cannot be read whole, or has files of other names.
 */
int pb_confdir_digest(const char *dir, char ret[PB_SHA256_TEXT]);

/* "3 playbooks, 2 sources, 1 escalation; configuration 0123456789ab" for people; adds to b. */
void pb_confdir_summary(const struct pb_config *c, struct pb_buf *b);

#endif
