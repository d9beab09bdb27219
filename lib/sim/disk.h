/*
 * What of the virtual world is durable: SQLite in memory as the daemon has it, or a plain model of it.
 *
 * The model keeps each committed record as the update had it, in maps, and gives back what the store
 * would: kinds in their order, what belongs to no incident, and of the incidents those that live.  It is
 * some ten times as fast, so that a proof can play very many worlds; that both give the same trace for the
 * same seed is tested (tests/sim/disk.c).
 *
 * A process that finds that it cannot be written, as the daemon does, copies what it reads at its start into
 * memory and commits to that alone: it is lost with the process, unless it is handed over first.
 */
#ifndef PB_SIM_DISK_H
#define PB_SIM_DISK_H

#include "store/store.h"

struct disk;

/* NULL with err when SQLite cannot be had. */
struct disk *disk_new(bool is_plain, struct pb_error *err);
void disk_free(struct disk *d); /* takes NULL */
/* A process starts; what the one before had in memory is gone.  -1 with err when SQLite cannot be had. */
int disk_begin(struct disk *d, bool is_degraded, struct pb_error *err);
/* What is in memory becomes durable. */
int disk_hand_over(struct disk *d, struct pb_error *err);
/* As pb_store_commit and pb_store_restore. */
int disk_commit(struct disk *d, const struct pb_update *u, struct pb_error *err);
int disk_restore(struct disk *d, pb_store_take *take, void *arg, struct pb_error *err);

#endif
