/* SPDX-License-Identifier: Apache-2.0 */
/* A whole message: last checks, then one durable transaction. */
#ifndef POSTSEAL_ROLE_INTAKE_ACCEPT_H
#define POSTSEAL_ROLE_INTAKE_ACCEPT_H

#include "role/intake/session.h"

/* Our Received field (RFC 5321, 4.4) for the open transaction. */
void accept_trace(const struct session *s, struct buf *out);
/* Loop and author checks, then message, deliveries, body and audit entry in
 * one commit. Ok (250 with the id) only when it is on disk. */
struct status accept_message(struct session *s);
/* The audit of a message that was refused after its data. */
void accept_refused(struct session *s, struct status why);

#endif
