/* SPDX-License-Identifier: Apache-2.0 */
/* A server's reply, made from a status (RFC 5321, 4.2; RFC 2034). */
#ifndef POSTSEAL_SMTP_REPLY_H
#define POSTSEAL_SMTP_REPLY_H

#include "base/buf.h"
#include "base/status.h"

/* "550 5.7.1 Relaying denied" and CR LF. */
void smtp_reply_write(const struct status *st, struct buf *out);

#endif
