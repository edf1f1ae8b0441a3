/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the S/MIME engine share; not for others. */
#ifndef POSTSEAL_SEAL_SMIME_INNER_H
#define POSTSEAL_SEAL_SMIME_INNER_H

#include "seal/smime.h"

#include <openssl/x509.h>

struct smime_trust {
    X509_STORE *store; /* NULL: each certificate stands for itself */
};

enum smime_use { SMIME_ENCRYPTS, SMIME_SIGNS };
/* All facts of one certificate; refused says what speaks against this use of
 * it. chain: what came with it. */
void smime_facts(X509 *certificate, enum smime_use use, STACK_OF(X509) * chain,
                 const struct smime_trust *trust, int64_t now_wall_ms,
                 struct arena *arena, struct key_facts *out);
/* The newest words of OpenSSL, and an empty error queue. */
const char *smime_fault(void);

/* Is in one whole EnvelopedData or AuthEnvelopedData whose content is under AES
 * in CBC or GCM, with a tag of 12 octets or more? Told by its own walk: what
 * OpenSSL would decrypt is wider. */
bool smime_is_strong(struct str in);

/* Reads every certificate of in: PEM, DER, PKCS #7. NULL: there is none. */
STACK_OF(X509) * smime_certificates(struct str in);
void smime_certificates_free(STACK_OF(X509) * list);

#endif
