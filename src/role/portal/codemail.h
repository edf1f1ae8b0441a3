/* SPDX-License-Identifier: Apache-2.0 */
/* The mail that carries a one-time code, sealed to dispatch and queued. */
#ifndef POSTSEAL_ROLE_PORTAL_CODEMAIL_H
#define POSTSEAL_ROLE_PORTAL_CODEMAIL_H

#include "role/portal/portal.h"
#include "store/queue.h"

struct codemail {
    struct message message;
    struct delivery delivery;
    struct str frame;
};

/* Lives in the visit's arena. */
struct codemail *codemail_make(struct visit *v, struct str code);
struct status codemail_queue(struct tx *tx, const struct codemail *mail);

#endif
