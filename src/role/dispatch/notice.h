/* SPDX-License-Identifier: Apache-2.0 */
/* Which status notification a recipient's step calls for. Pure. */
#ifndef POSTSEAL_DISPATCH_NOTICE_H
#define POSTSEAL_DISPATCH_NOTICE_H

#include "role/dispatch/plan.h"
#include "store/queue.h"

enum notice { NOTICE_NONE, NOTICE_FAILED, NOTICE_DELAYED, NOTICE_RELAYED };

struct notice_facts {
    enum message_kind kind;
    bool null_sender;
    enum step step;
    enum method method;
    uint32_t notify; /* NOTIFY_ bits; 0: not given (failure and delay) */
    bool far_dsn;    /* the next hop took the wish over */
    bool delay_sent;
    int64_t age_ms, delay_after_ms;
};

/*
 * RFC 3461, 4.1 and 5.2; RFC 5321, 6.1: never for the null sender, never
 * about mail of our own, one delay notice, none for NOTIFY=NEVER.
 */
enum notice notice_due(const struct notice_facts *facts);

#endif
