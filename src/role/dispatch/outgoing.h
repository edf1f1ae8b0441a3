/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message of the gateway's own: sealed in memory, ready to be queued in the
 * transaction that it belongs to. Small by nature (headers and plain words).
 */
#ifndef POSTSEAL_DISPATCH_OUTGOING_H
#define POSTSEAL_DISPATCH_OUTGOING_H

#include "role/dispatch/dispatch.h"
#include "store/queue.h"

struct outgoing {
    struct outgoing *next;
    struct message message;
    struct delivery delivery;
    struct str *frames;
    size_t frames_n;
};

struct outgoing_text {
    enum message_kind kind;
    struct str from; /* envelope sender; "" for the null sender */
    struct str to;   /* the one recipient */
    struct str text; /* header and body, CR LF lines */
    struct id about; /* the delivery this speaks of; empty: none */
    bool smtputf8;
};

/* Seals the text to dispatch's own key; the result lives in arena. */
struct outgoing *outgoing_make(struct dispatch *dispatch,
                               const struct outgoing_text *text,
                               struct arena *arena);
/* Queues it; in the settling transaction. */
struct status outgoing_queue(struct tx *tx, const struct outgoing *outgoing);

#endif
