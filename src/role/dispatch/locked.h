/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pgp and smime rungs: the message is locked to one recipient's key by the
 * sealer, the locked form is stored, and that is what travels, over whatever
 * connection the domain offers. A key that cannot be had takes the next rung
 * at once; a sealer that fails costs this delivery a retry. Once locked, every
 * further attempt sends the same octets (CM-14).
 */
#ifndef POSTSEAL_DISPATCH_LOCKED_H
#define POSTSEAL_DISPATCH_LOCKED_H

#include "role/dispatch/body.h"
#include "role/dispatch/settle.h"
#include "store/sealed.h"

/* The locked form of one recipient, opened to be sent. */
struct locked {
    bool there; /* a copy is stored */
    struct sealed_copy copy;
    struct message message; /* as the parcel's, with the copy's body */
    struct body body;
    bool open;
    bool as_it_came; /* it arrived locked to the recipient: left alone */
};

/* Looks whether a copy is stored already; in arena. */
struct status locked_recall(struct dispatch *dispatch, const struct item *item,
                            struct arena *arena, struct locked *out);
/* Opens the stored copy to be sent or looked at. */
struct status locked_open(struct dispatch *dispatch,
                          const struct message *message, struct arena *arena,
                          struct locked *locked);
/*
 * One recipient of a trip on METHOD_PGP or METHOD_SMIME. clear: the opened
 * clear body, NULL when it is gone. When *ready comes back true, out->body (or
 * clear, when as_it_came) may be carried; otherwise the trip has its outcome.
 */
void locked_make(struct dispatch *dispatch, struct body *clear,
                 struct trip *trip, struct locked *out, bool *ready);
void locked_close(struct locked *locked);

#endif
