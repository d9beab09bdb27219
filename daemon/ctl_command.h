/*
 * What playbookctl's command line and its commands share.
 */
#ifndef PB_DAEMON_CTL_COMMAND_H
#define PB_DAEMON_CTL_COMMAND_H

#include "ctl.h"

/* The command line, taken apart.  Texts are argv's or the environment's; NULL = not given. */
struct ctl {
	const char *socket, *reason, *span, *match, *argument, *step;
	int64_t limit; /* 0 = the daemon's */
	bool is_json, is_all, is_followed, no_color;
	struct pb_ctl_view view;
};

struct ctl_command {
	const char *name;
	const char *argument; /* in the usage, "[...]" may be left out; NULL = takes none */
	enum pb_ctl_exit (*run)(struct ctl *c);
};
/* Ends with a name of NULL. */
extern const struct ctl_command ctl_commands[];

#endif
