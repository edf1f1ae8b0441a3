/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed copies: the form of a message that is locked to one recipient's key,
 * kept until their delivery is final. Once every open delivery of a message has
 * one, the clear body and its key are destroyed (CM-14): what waits then can
 * be read by the recipients alone.
 */
#ifndef POSTSEAL_STORE_SEALED_H
#define POSTSEAL_STORE_SEALED_H

#include "store/queue.h"

struct sealed_copy {
    struct id delivery_id;
    struct str method, key; /* "pgp"; fingerprint of the recipient's key */
    struct id body_id;      /* frames as of a message's body */
    struct str body_key;    /* wrapped for dispatch */
    uint32_t body_chunks;
    uint64_t size_bytes;
    int64_t made_wall_ms;
};

/* Frames of the body were appended before (queue_body_append) in this work or
 * an earlier one. Audited. fence: of the lease; an old one is refused. */
struct status sealed_store(struct tx *tx, const struct sealed_copy *copy,
                           const struct id *message_id, int64_t fence);
struct status sealed_get(struct rx *rx, const struct id *delivery_id,
                         struct arena *arena, struct sealed_copy *out,
                         bool *found);

#endif
