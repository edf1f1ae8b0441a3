/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery status notifications (RFC 3461, 3462, 3464): facts in, a whole
 * message out. Pure. Plain words first, for people; then the fields for
 * machines; then the header of the message spoken of, never its text.
 */
#ifndef POSTSEAL_MAIL_DSN_H
#define POSTSEAL_MAIL_DSN_H

#include "base/buf.h"
#include "base/status.h"

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_RELAYED, DSN_DELIVERED };

struct dsn_recipient {
    struct str recipient;
    struct str orcpt; /* as the client gave it: "rfc822;..." or "" */
    struct status status;
    struct str remote; /* the host that answered, or "" */
    struct str reply;  /* its words, or "" */
};

struct dsn {
    enum dsn_action action;
    struct str hostname;     /* ours */
    struct str organisation; /* whose gateway speaks, or "" */
    struct str to;           /* the sender of the message */
    struct str message_id;   /* of this notification, without < > */
    struct str boundary;     /* of its parts: unguessable letters and digits */
    struct str envid;        /* as given, or "" */
    int64_t arrived_wall_ms, now_wall_ms;
    int64_t retry_until_wall_ms; /* DSN_DELAYED */
    const struct dsn_recipient *recipients;
    size_t n;
    struct str header; /* of the message spoken of, CR LF lines */
    bool hide_subject; /* it was protected and the way back may not be */
};

void dsn_write(const struct dsn *dsn, struct buf *out);

#endif
