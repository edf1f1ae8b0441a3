/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of one message on its way to the store: sealed in frames of 64 KiB
 * as it streams in, so that memory does not grow with the message. A short
 * message stays in memory until it is accepted; the frames of a long one are
 * written ahead and belong to nobody until then (the store collects them when
 * the transaction is given up).
 */
#ifndef POSTSEAL_ROLE_INTAKE_SPOOL_H
#define POSTSEAL_ROLE_INTAKE_SPOOL_H

#include "base/buf.h"
#include "base/id.h"
#include "seal/rest.h"
#include "store/store.h"

enum {
    SPOOL_HEADER_MAX = 256 * 1024, /* a longer header block is refused */
    SPOOL_KEPT_FRAMES = 4,         /* in memory before writing ahead */
};

struct spool {
    struct store *store;
    uint64_t max_bytes;
    struct id body_id;
    struct rest_key key;
    struct buf incoming; /* decoded octets of one read */
    struct buf plain;    /* the frame being filled */
    struct buf sealed[SPOOL_KEPT_FRAMES];
    uint32_t kept;    /* frames in sealed */
    uint32_t written; /* frames already in the store */
    uint64_t size_bytes;
    struct buf header; /* the header block, for the checks */
    bool header_done, header_too_long, too_big, has_nul;
    struct status fault; /* a write ahead failed */
};

/* Starts with a fresh data key. max_bytes counts what the client sends. */
void spool_begin(struct spool *sp, struct store *store, uint64_t max_bytes);
/* Trace fields of ours in front; they do not count towards the size. */
void spool_prepend(struct spool *sp, struct str field);
/* Body octets as decoded. Never fails at once: the end of data tells. */
void spool_add(struct spool *sp, struct str octets);
/* Seals the last frame. Not ok: 552 too big, 554 NUL or header, 45x store. */
struct status spool_finish(struct spool *sp);
/* Frames in all, valid after spool_finish. */
uint32_t spool_frames(const struct spool *sp);
/* The frames still in memory into the accepting transaction. */
struct status spool_append_rest(struct spool *sp, struct tx *tx);
/* "body:<id>", what frames and wrapped key are bound to. */
struct str spool_context(const struct spool *sp, char out[64]);
/* Wipes and frees; a spool may be begun again afterwards. */
void spool_free(struct spool *sp);

#endif
