/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DKIM for what we send: every configured key whose domain stands for the
 * author's signs (one RSA and one Ed25519 key side by side is usual).
 */
#ifndef POSTSEAL_DISPATCH_SIGNING_H
#define POSTSEAL_DISPATCH_SIGNING_H

#include "base/buf.h"
#include "base/status.h"
#include "policy/config.h"

struct signer;
struct body;

/* Reads the keys; while the rights last. */
struct status signer_open(const struct config *config, struct signer **out);
void signer_close(struct signer **signer);

/* Appends the signatures of the message as it will be sent (edited header and
 * text); nothing when no key is for its author. Reads the text once. */
struct status signing_add(const struct signer *signer, struct body *body,
                          struct buf *out);

#endif
