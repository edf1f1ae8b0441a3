/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction and a reader are, for the modules of this folder only. */
#ifndef POSTSEAL_STORE_TX_H
#define POSTSEAL_STORE_TX_H

#include "base/id.h"
#include "store/driver.h"
#include "store/store.h"

enum { TX_BODIES_MAX = 16 };

struct tx {
    struct db *db;
    bool new_work; /* a delivery became due: ring when committed */
    /* Bodies begun in this work and not yet claimed by a message or pickup;
     * they become drafts. */
    struct id bodies[TX_BODIES_MAX];
    size_t bodies_n;
};

struct rx {
    struct db *db;
    struct rx *next;
};

/* Before and after each work, by the committer. */
void tx_begin_work(struct tx *tx);
struct status tx_end_work(struct tx *tx);
/* A body got its first frame, or an owner. */
void tx_body_begun(struct tx *tx, const struct id *body_id);
struct status tx_body_claimed(struct tx *tx, const struct id *body_id);

#endif
