/*
 * playbookctl test, sim and backtest: proofs on people's own configuration, without a daemon.
 *
 * Each takes the words behind its name (words[0] is the name) and prints to standard output.  Exit
 * status: 0 all went as said, 1 something did not, 2 wrong usage, or a file that cannot be used.
 */
#ifndef PB_DAEMON_CTL_PROVE_H
#define PB_DAEMON_CTL_PROVE_H

#include "ctl.h"
#include "playbook/config.h"

enum pb_ctl_exit pb_ctl_test(int argc, char **argv);
enum pb_ctl_exit pb_ctl_sim(int argc, char **argv);
enum pb_ctl_exit pb_ctl_backtest(int argc, char **argv);

/* Takes a line of progress away again, from standard error where that is a terminal. */
#define PB_CTL_CLEAR_LINE "\r\033[K"

/* The configuration of `dir`, or NULL with its problems on standard error. */
struct pb_config *pb_ctl_load(const char *dir);

#endif
