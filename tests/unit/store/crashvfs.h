/*
 * A disk in memory that loses its power: an SQLite VFS for tests.
 *
 * Each file has what reads see and what is durable.  Writing, cutting, syncing and deleting are
 * numbered points; at an armed point the power goes, in the middle of that very call, and
 * everything after it fails until crashvfs_restart.  At the restart each 512-byte sector that was written and
 * not synced is kept, torn or lost by a seeded draw, and so are cuts, new names and deletions.
 */
#ifndef PB_TESTS_CRASHVFS_H
#define PB_TESTS_CRASHVFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crashvfs;

enum crashvfs_loss {
	CRASHVFS_DRAW, /* each sector: 45 % kept, 5 % torn, 50 % lost */
	CRASHVFS_LOSE, /* nothing that was not synced */
	CRASHVFS_KEEP, /* everything up to the call at hand */
	CRASHVFS_LOSS_MAX,
};

/* Registered with SQLite as `name`, which must outlive it. */
struct crashvfs *crashvfs_new(const char *name);
void crashvfs_free(struct crashvfs *v); /* its files must be closed */

/* The power goes at the point-th call from now, from 1; 0 = never. */
void crashvfs_arm(struct crashvfs *v, uint64_t point, enum crashvfs_loss loss, uint64_t seed);
bool crashvfs_is_down(const struct crashvfs *v);
/* What is durable becomes what there is; the power is back.  Files must be closed. */
void crashvfs_restart(struct crashvfs *v);
void crashvfs_wipe(struct crashvfs *v); /* an empty disk */
uint64_t crashvfs_n_points(const struct crashvfs *v); /* calls counted since the last arm */

/* Writes that would make all files together longer than `bytes` fail as full; 0 = no limit. */
void crashvfs_set_room(struct crashvfs *v, int64_t bytes);
/* A disk that lies: syncs do nothing.  A test that still passes on it proves nothing. */
void crashvfs_set_lying(struct crashvfs *v, bool is_lying);

#endif
