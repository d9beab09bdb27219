/*
 * What of the virtual world is durable: SQLite in memory as the daemon has it, or a plain model of it.
 *
 * The model keeps each committed record as the update had it, in maps, and gives back what the store
 * would: kinds in their order, what belongs to no incident, and of the incidents those that live.  It is
 * some ten times as fast, so that a proof can play very many worlds; that both give the same trace for the
 * same seed is tested (tests/sim/disk.c).
 */
#ifndef PB_SIM_DISK_H
#define PB_SIM_DISK_H

#include "store/store.h"

struct disk;

/* NULL with err when SQLite cannot be had. */
struct disk *disk_new(bool is_plain, struct pb_error *err);
void disk_free(struct disk *d); /* takes NULL */
/* As pb_store_commit and pb_store_restore. */
int disk_commit(struct disk *d, const struct pb_update *u, struct pb_error *err);
int disk_restore(struct disk *d, pb_store_take *take, void *arg, struct pb_error *err);

#endif
