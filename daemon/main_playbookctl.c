/*
 * playbookctl: asks a running playbookd over its socket.
 */
#include "daemon/ctl.h"

int
main(int argc, char **argv)
{
	return (int)pb_ctl_main(argc, argv);
}
