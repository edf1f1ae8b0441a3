/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S/MIME (RFC 8551) by OpenSSL CMS: enveloped data out, certificates read.
 * Linked by the sealer only.
 */
#ifndef POSTSEAL_SEAL_SMIME_H
#define POSTSEAL_SEAL_SMIME_H

#include "base/buf.h"
#include "mail/key_facts.h"
#include "seal/engine.h"

enum { SMIME_CERTIFICATES_MAX = 64 }; /* read from one input */

struct smime_trust; /* the authorities certificates must lead to */

/* ca_pem: PEM certificates, in memory (the sealer has no files); empty: any
 * certificate is taken for itself, as with SMIMEA. */
struct status smime_trust_open(struct str ca_pem, struct smime_trust **out);
void smime_trust_close(struct smime_trust **trust);

/*
 * Reads PEM, DER, PKCS #7 (certs-only) or the certificates of a signed message
 * (CMS SignedData with its signature verified by the caller's choice). Every
 * end-entity certificate is reported; facts.refused says why one may not be
 * used (no e-mail address, no key encipherment or agreement, RSA below 2048,
 * e = 1, SHA-1 or MD5 signature, expired, not for e-mail, chain not trusted
 * where trust is given). The addresses are those of subjectAltName
 * (rfc822Name, SmtpUTF8Mailbox) and, lacking any, of the subject's
 * emailAddress.
 */
struct status smime_read_certificates(struct str in,
                                      const struct smime_trust *trust,
                                      int64_t now_wall_ms, struct arena *arena,
                                      struct key_facts **out, size_t *n);

/*
 * The organisation's own key: PKCS #12, or PEM with private key, certificate
 * and chain. Facts of the certificate, and appended to pem all of it as PEM
 * without protection, as smime_job.sign_pem wants it. Refused with the reason:
 * no key, wrong passphrase, key and certificate do not belong together, not
 * for signing, expired. The caller wipes pem.
 */
struct status smime_own_key(struct str in, struct str passphrase,
                            int64_t now_wall_ms, struct arena *arena,
                            struct key_facts *out, struct buf *pem);

struct smime_job {
    struct str certificate;  /* DER of the one recipient */
    struct str capabilities; /* as in key_facts */
    struct str sign_pem; /* private key, certificate and chain as PEM; "" = none
                          */
    int64_t now_wall_ms;
};
/* AES-256-CBC EnvelopedData; AES-256-GCM AuthEnvelopedData when the
 * capabilities name it. Output as engine.h says: application/pkcs7-mime,
 * base64. Signed (opaque or detached inside) before it is enveloped. */
struct status smime_seal(const struct smime_job *job,
                         const struct seal_source *source,
                         const struct seal_sink *sink);

/* Is in (DER, decoded) nothing but EnvelopedData or AuthEnvelopedData, under
 * AES (a GCM tag of 12 octets or more: CM-04), with a recipient info for one of
 * the certificates (DER)? Nothing is decrypted. */
bool smime_is_encrypted_to(struct str in, const struct str *certificates,
                           size_t n);

#endif
