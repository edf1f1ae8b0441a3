/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message over an open session: MAIL, RCPT for each recipient, DATA.
 */
#ifndef POSTSEAL_DISPATCH_TRANSACT_H
#define POSTSEAL_DISPATCH_TRANSACT_H

#include "posture/demand.h"
#include "posture/session.h"
#include "role/dispatch/plan.h"

struct envelope_rcpt {
    struct str address;
    uint32_t notify; /* NOTIFY_ bits */
    struct str orcpt;
    /* results */
    enum outcome outcome;
    struct status status;
};

struct envelope {
    struct str from;
    uint64_t size_bytes;
    bool body_8bit, smtputf8, requiretls;
    struct str ret, envid;
    struct envelope_rcpt *rcpts;
    size_t n;
};

/* Writes the message with dots doubled, without the final dot. */
struct body_source {
    void *context;
    struct status (*write)(void *context, struct stream *out);
};

/* What the host lacks that the message demands (SMTPUTF8, REQUIRETLS, SIZE);
 * FAULT_NONE when it can take it. */
struct fault session_accepts(const struct session *session,
                             const struct envelope *envelope);

enum sent {
    SENT_DONE,      /* every recipient has its result */
    SENT_MISCOUNT,  /* replies do not fit the commands: nobody was served */
    SENT_BROKEN,    /* connection lost before the final dot: nobody was */
    SENT_UNKNOWN,   /* lost after the final dot: results say so */
    SENT_OUR_FAULT, /* the body could not be read: aborted, nobody was */
};
/*
 * One transaction. Nothing is written without a clearance. why is filled for
 * every end but SENT_DONE. After anything but SENT_DONE the session is
 * spoilt.
 */
enum sent session_send(struct session *session, enum clearance clearance,
                       bool pipelined, struct envelope *envelope,
                       const struct body_source *body, struct status *why);

#endif
