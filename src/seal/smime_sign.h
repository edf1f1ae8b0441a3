/* SPDX-License-Identifier: Apache-2.0 */
/* A detached signature of the organisation over what streams by, and the
 * organisation's key as it is handed in. */
#ifndef POSTSEAL_SEAL_SMIME_SIGN_H
#define POSTSEAL_SEAL_SMIME_SIGN_H

#include "base/buf.h"
#include "base/status.h"

struct smime_signing;

/* pem: private key, certificate, chain (smime_own_key). SHA-256. */
struct status smime_signing_begin(struct str pem, struct smime_signing **out);
bool smime_signing_add(struct smime_signing *signing, const void *from,
                       size_t n);
/* Appends the signature, DER in base 64 with CR LF lines. */
bool smime_signing_end(struct smime_signing *signing, struct buf *out);
void smime_signing_free(struct smime_signing **signing);

#endif
