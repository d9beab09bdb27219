/*
 * The service manager: notifications, watchdog, journal, credentials (systemd.service, sd_notify,
 * systemd.exec).  Without systemd everything here does nothing, successfully.
 */
#ifndef PB_IO_SERVICE_H
#define PB_IO_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define PB_SERVICE_CREDENTIAL_MAX (64U << 10)

/* `status` is what `systemctl status` shows; one line, cut at 200 bytes, made safe; NULL = leave
 * it. */
void pb_service_ready(const char *status);
void
pb_service_reloading(const char *status); /* follow it by pb_service_ready, also when it failed */
void pb_service_stopping(const char *status);
void pb_service_status(const char *status);

/* How often to call pb_service_alive, in ms: half of WatchdogSec; 0 = no watchdog for this process.
 */
int64_t pb_service_alive_every(void);
void pb_service_alive(void); /* only after real progress: a stuck engine must be restarted */

/*
 * Sends the log to the journal with its fields (PLAYBOOKD_INCIDENT= ...) when stderr is the
 * journal's (JOURNAL_STREAM names its device and inode).  Returns whether; else the log's sink
 * stays.
 */
bool pb_service_log_to_journal(void);

/*
 * Reads credential `name` of the unit ($CREDENTIALS_DIRECTORY/name) into ret (emptied first); line
 * ends at its end are taken off.  PB_NOT_FOUND when there is none or no directory, PB_INVALID for a
 * name with '/' or of dots, PB_LIMIT beyond PB_SERVICE_CREDENTIAL_MAX.  The contents are a secret.
 */
int pb_service_credential(const char *name, struct pb_buf *ret, struct pb_error *err);

#endif
