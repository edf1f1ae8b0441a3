/* SPDX-License-Identifier: Apache-2.0 */
/* Did a message come locked to its recipient already? */
#ifndef POSTSEAL_SEALER_LOOK_H
#define POSTSEAL_SEALER_LOOK_H

#include "role/sealer/wire.h"

/*
 * Sealed only when the root of the message is an encrypted structure, whole
 * and with nothing beside it, and it names one of the recipient's keys. What
 * cannot be read, or is larger than 32 MiB, is not sealed (CM-03, CM-13).
 */
struct status look_run(const struct errand *errand, struct wire *wire,
                       bool *sealed);

/* The armour of a multipart/encrypted whose text (behind the header) is just
 * what RFC 3156, 4 says, with this boundary. Pure. */
bool look_pgp_mime(struct str text, struct str boundary, struct str *armour);

#endif
