/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/smime.h"

#include "base/random.h"
#include "seal/armour.h"
#include "seal/smime_inner.h"
#include "seal/smime_sign.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 16384 };

/* --- the recipient ---------------------------------------------------------
 */

static X509 *certificate_of(struct str der)
{
    const unsigned char *p = (const unsigned char *)der.p;

    return d2i_X509(NULL, &p, (long)der.n);
}

static bool has_word(struct str words, const char *word)
{
    struct str piece;

    while (str_split(&words, ' ', &piece))
        if (str_eq(piece, str_from_cstr(word)))
            return true;
    return false;
}

/* OpenSSL's own choices are PKCS #1 v1.5 and a key derivation with SHA-1. */
static bool set_key_wrap(CMS_RecipientInfo *info, bool oaep)
{
    EVP_PKEY_CTX *ctx = CMS_RecipientInfo_get0_pkey_ctx(info);

    if (ctx == NULL)
        return false;
    if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE)
        return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0;
    return !oaep ||
           (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
            EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0);
}

static CMS_ContentInfo *enveloped_for(X509 *certificate, bool gcm, bool oaep)
{
    const unsigned flags = CMS_STREAM | CMS_BINARY | CMS_PARTIAL;
    CMS_ContentInfo *cms = CMS_encrypt(
        NULL, NULL, gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), flags);
    CMS_RecipientInfo *info = NULL;

    if (cms != NULL)
        info = CMS_add1_recipient_cert(cms, certificate, flags | CMS_KEY_PARAM);
    if (info != NULL && set_key_wrap(info, oaep))
        return cms;
    CMS_ContentInfo_free(cms);
    return NULL;
}

/* --- the stream ------------------------------------------------------------
 */

static bool put(BIO *to, const void *from, size_t n)
{
    return n == 0 || BIO_write(to, from, (int)n) == (int)n;
}

static bool put_text(BIO *to, const char *text)
{
    return put(to, text, strlen(text));
}

/* The entity into the envelope, and through the signature when there is one. */
static struct status copy_entity(const struct seal_source *source,
                                 struct smime_signing *signing, BIO *to)
{
    unsigned char block[BLOCK];
    struct status st = status_ok();
    ssize_t n = 1;

    while (status_is_ok(st) && n > 0) {
        n = source->read(source->context, block, sizeof(block));
        if (n < 0)
            st = status_defer("the message did not come whole");
        else if (n > 0 && signing != NULL &&
                 !smime_signing_add(signing, block, (size_t)n))
            st = status_defer("signing failed: %s", smime_fault());
        else if (n > 0 && !put(to, block, (size_t)n))
            st = status_defer("locking failed: %s", smime_fault());
    }
    OPENSSL_cleanse(block, sizeof(block));
    return st;
}

/* multipart/signed (RFC 8551, 3.5.3): what is signed streams through, the
 * signature comes last, and every reader knows the form. The boundary is
 * random: nothing in the message can be it. */
static struct status put_signed(const struct seal_source *source,
                                struct smime_signing *signing, BIO *to)
{
    char boundary[33], text[512];
    unsigned char random[16];
    struct buf signature = { 0 };
    struct status st;

    random_bytes(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(boundary + 2 * i, 3, "%02x", random[i]);
    snprintf(text, sizeof(text),
             "Content-Type: multipart/signed;"
             " protocol=\"application/pkcs7-signature\";\r\n"
             " micalg=\"sha-256\"; boundary=\"%s\"\r\n\r\n--%s\r\n",
             boundary, boundary);
    st = put_text(to, text) ? copy_entity(source, signing, to)
                            : status_defer("locking failed: %s", smime_fault());
    if (!status_is_ok(st))
        return st;
    if (!smime_signing_end(signing, &signature))
        return status_defer("signing failed: %s", smime_fault());
    snprintf(text, sizeof(text),
             "\r\n--%s\r\n"
             "Content-Type: application/pkcs7-signature;"
             " name=\"smime.p7s\"\r\n"
             "Content-Transfer-Encoding: base64\r\n"
             "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n",
             boundary);
    bool whole = put_text(to, text) && put(to, signature.p, signature.n);
    snprintf(text, sizeof(text), "--%s--\r\n", boundary);
    whole = whole && put_text(to, text);
    buf_free(&signature);
    return whole ? st : status_defer("locking failed: %s", smime_fault());
}

static struct status fill(const struct smime_job *job,
                          const struct seal_source *source, BIO *to)
{
    struct smime_signing *signing = NULL;
    struct status st;

    if (job->sign_pem.n == 0)
        return copy_entity(source, NULL, to);
    st = smime_signing_begin(job->sign_pem, &signing);
    if (status_is_ok(st))
        st = put_signed(source, signing, to);
    smime_signing_free(&signing);
    return st;
}

/* The chain that OpenSSL puts before out is taken off again link by link. */
static struct status stream(const struct smime_job *job, CMS_ContentInfo *cms,
                            const struct seal_source *source,
                            struct armour *armour)
{
    BIO *out = armour_bio(armour);
    BIO *chain = out == NULL ? NULL : BIO_new_CMS(out, cms);
    struct status st;

    if (chain == NULL) {
        BIO_free(out);
        return status_defer("locking failed: %s", smime_fault());
    }
    st = fill(job, source, chain);
    if (status_is_ok(st) && BIO_flush(chain) <= 0)
        st = status_defer("locking failed: %s", smime_fault());
    while (chain != out) {
        BIO *next = BIO_pop(chain);

        BIO_free(chain);
        chain = next;
    }
    BIO_free(out);
    return st;
}

static struct status seal(const struct smime_job *job, bool gcm,
                          CMS_ContentInfo *cms,
                          const struct seal_source *source,
                          const struct seal_sink *sink)
{
    struct armour armour = { .sink = sink };
    char head[256];
    struct status st;

    snprintf(head, sizeof(head),
             "Content-Type: application/pkcs7-mime;"
             " smime-type=%s;\r\n name=\"smime.p7m\"\r\n"
             "Content-Transfer-Encoding: base64\r\n"
             "Content-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n",
             gcm ? "authEnveloped-data" : "enveloped-data");
    if (!sink->write(sink->context, head, strlen(head)))
        return status_defer("nobody takes the locked message");
    st = stream(job, cms, source, &armour);
    if (status_is_ok(st) && !armour_end(&armour))
        st = status_defer("nobody takes the locked message");
    return st;
}

struct status smime_seal(const struct smime_job *job,
                         const struct seal_source *source,
                         const struct seal_sink *sink)
{
    bool gcm = has_word(job->capabilities, "aes256-gcm");
    X509 *certificate = certificate_of(job->certificate);
    CMS_ContentInfo *cms = NULL;
    struct status st;

    if (certificate != NULL)
        cms = enveloped_for(certificate, gcm,
                            has_word(job->capabilities, "rsa-oaep"));
    st = cms != NULL ? seal(job, gcm, cms, source, sink)
                     : status_refuse("cannot lock to this certificate: %s",
                                     smime_fault());
    CMS_ContentInfo_free(cms);
    X509_free(certificate);
    ERR_clear_error();
    return st;
}

/* --- looking ----------------------------------------------------------------
 */

static bool info_is_for(CMS_RecipientInfo *info, X509 *certificate)
{
    STACK_OF(CMS_RecipientEncryptedKey) * keys;

    if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS)
        return CMS_RecipientInfo_ktri_cert_cmp(info, certificate) == 0;
    if (CMS_RecipientInfo_type(info) != CMS_RECIPINFO_AGREE)
        return false;
    keys = CMS_RecipientInfo_kari_get0_reks(info);
    for (int i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); i++)
        if (CMS_RecipientEncryptedKey_cert_cmp(
                sk_CMS_RecipientEncryptedKey_value(keys, i), certificate) == 0)
            return true;
    return false;
}

static bool is_for(CMS_ContentInfo *cms, struct str der)
{
    STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
    X509 *certificate = certificate_of(der);
    bool yes = false;

    for (int i = 0; certificate != NULL && i < sk_CMS_RecipientInfo_num(infos);
         i++)
        yes |= info_is_for(sk_CMS_RecipientInfo_value(infos, i), certificate);
    X509_free(certificate);
    return yes;
}

bool smime_is_encrypted_to(struct str in, const struct str *certificates,
                           size_t n)
{
    const unsigned char *p = (const unsigned char *)in.p, *end = p + in.n;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)in.n);
    bool yes = false;
    int type = cms == NULL ? NID_undef : OBJ_obj2nid(CMS_get0_type(cms));

    /* Octets behind it would be read by nobody knows whom. */
    if (p == end && smime_is_strong(in) &&
        (type == NID_pkcs7_enveloped ||
         type == NID_id_smime_ct_authEnvelopedData))
        for (size_t i = 0; i < n; i++)
            yes |= is_for(cms, certificates[i]);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return yes;
}
