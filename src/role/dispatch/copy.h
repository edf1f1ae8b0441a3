/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body on its way into the store, sealed at rest to somebody's public key.
 * Frames of large bodies go to the store at once and belong to nobody until
 * the transaction that claims them; memory does not grow with the size.
 */
#ifndef POSTSEAL_DISPATCH_COPY_H
#define POSTSEAL_DISPATCH_COPY_H

#include "role/dispatch/dispatch.h"

enum { COPY_PENDING_MAX = 16 }; /* frames in memory: 1 MiB */

struct body_copy {
    struct dispatch *dispatch;
    struct id body_id;
    struct rest_key key;
    struct arena *arena;
    struct str context;
    struct buf plain;
    struct buf frames[COPY_PENDING_MAX];
    uint32_t pending, index;
    uint64_t octets;
    /* After copy_end: */
    struct str body_key;
    uint32_t first, last_n; /* frames not stored yet: in the arena */
    struct str *last;
};

void copy_begin(struct dispatch *dispatch, struct arena *arena,
                struct body_copy *out);
/* context is the struct body_copy: fits body_text(). */
struct status copy_take(void *context, struct str piece);
/* Wraps the key to whoever may open the copy. */
struct status copy_end(struct body_copy *copy, struct rest_public *to);
/* Stores the frames that are left; in the claiming transaction. */
struct status copy_store_last(struct tx *tx, const struct body_copy *copy);
/* After copy_end or a failure; what copy_end left in the arena stays. */
void copy_close(struct body_copy *copy);

#endif
