/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests only: a disk that fails on demand, under SQLite. It can be full, fail
 * a sync, lie about syncs, lose power in the middle of anything, and then it
 * has only what was synced.
 */
#ifndef POSTSEAL_STORE_VFS_FAULT_H
#define POSTSEAL_STORE_VFS_FAULT_H

#include <stdbool.h>

struct fault_plan {
    int full_at;       /* the n-th write finds no space; 0: never */
    bool stays_full;   /* and so do all that follow */
    int sync_fails_at; /* the n-th sync fails with EIO, once */
    int power_cut_at;  /* the process ends before the n-th write or sync */
    bool keep_synced;  /* remember what was synced, for fault_power_cut */
    /* A sync that is not done although it says so (control). */
    bool skip_log_syncs, skip_db_syncs;
};

/* Before the first store is opened. */
void fault_register(void);
/* A new plan, counters at 0. */
void fault_set(struct fault_plan plan);

struct fault_counts {
    int writes, syncs, steps; /* steps: both, as power_cut_at counts */
};
struct fault_counts fault_count(void);

/* After a process with keep_synced ended: the files in dir become what was
 * synced. */
void fault_power_cut(const char *dir);
/* Remembers the files in dir as synced. */
void fault_all_synced(const char *dir);

#endif
