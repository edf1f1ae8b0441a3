/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only meeting place of the roles, and the only SQL. A store has reading
 * connections for any thread and one committer thread: transactions of many
 * threads that arrive together are run one after another inside one database
 * transaction and share one fsync (group commit). Above the driver (driver.h)
 * all SQL is the part SQLite and PostgreSQL both understand.
 */
#ifndef POSTSEAL_STORE_STORE_H
#define POSTSEAL_STORE_STORE_H

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

struct store;
struct tx; /* a write transaction, valid only inside a work function */
struct rx; /* a reading connection, for one thread at a time */

/* Makes an empty store in data_dir, mode 0660 (init); fails if there is one. */
struct status store_create(const char *data_dir);
/* Opens it, brings the schema up to date, starts the committer. The process's
 * working directory must be data_dir when rights were dropped: the database is
 * opened by its plain name. */
struct status store_open(const char *data_dir, struct store **out);
/* Finishes what was handed in, then closes. Accepts NULL, sets NULL. */
void store_close(struct store **store);

/*
 * Runs work in the committer and returns when its effect is on disk. The work
 * may be run again after a roll-back, so its own outputs must be plain
 * assignments. A status that is not ok rolls back this work alone and is
 * returned. Disk full is a deferral 452 4.3.1, every other store fault 451
 * 4.3.0; after a failed fsync the store is broken for good (QD-05): every
 * later call is deferred and store_is_broken() tells the role to end.
 */
typedef struct status store_work(struct tx *tx, void *argument);
struct status store_commit(struct store *store, store_work *work,
                           void *argument);
/* As above for what may be lost in a crash (leases, counters): no fsync of its
 * own. */
struct status store_commit_soft(struct store *store, store_work *work,
                                void *argument);
/* Hands work in and returns; done (may be NULL) is called from the committer
 * thread when the fate is known and must be quick. */
void store_commit_async(struct store *store, store_work *work, void *argument,
                        void (*done)(void *argument, struct status status));
bool store_is_broken(const struct store *store);

/* A reading connection from the pool; give it back soon (one statement or
 * one short sequence): a long reader lets the log grow. */
struct rx *store_read(struct store *store);
void store_read_done(struct store *store, struct rx **rx);

/* Called from the committer after each commit that made deliveries due, so
 * that the role can ring its neighbour's doorbell; must be quick. */
void store_on_new_work(struct store *store, void (*ring)(void *context),
                       void *context);

#endif
