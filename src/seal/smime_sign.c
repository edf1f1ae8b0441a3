/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/smime_sign.h"

#include "base/panic.h"
#include "seal/armour.h"
#include "seal/smime_inner.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* --- a key and its certificates ---------------------------------------------
 */

struct own {
    EVP_PKEY *key;
    X509 *certificate;
    STACK_OF(X509) * chain;
};

static void own_free(struct own *own)
{
    EVP_PKEY_free(own->key);
    X509_free(own->certificate);
    smime_certificates_free(own->chain);
    *own = (struct own){ 0 };
}

/* Never asks a terminal. */
static int passphrase_of(char *to, int size, int writing, void *context)
{
    const struct str *passphrase = context;

    (void)writing;
    if (passphrase->n == 0 || passphrase->n > (size_t)size)
        return -1;
    memcpy(to, passphrase->p, passphrase->n);
    return (int)passphrase->n;
}

static bool read_pem(struct str in, struct str passphrase, struct own *own)
{
    BIO *bio = BIO_new_mem_buf(in.p, (int)in.n);

    own->key = PEM_read_bio_PrivateKey(bio, NULL, passphrase_of, &passphrase);
    BIO_free(bio);
    own->chain = smime_certificates(in);
    return own->key != NULL && own->chain != NULL;
}

static bool read_pkcs12(struct str in, struct str passphrase, struct own *own)
{
    const unsigned char *p = (const unsigned char *)in.p;
    PKCS12 *p12 = d2i_PKCS12(NULL, &p, (long)in.n);
    char *words = NULL;
    bool good = false;

    if (p12 != NULL && p == (const unsigned char *)in.p + in.n &&
        (words = OPENSSL_strndup(passphrase.p == NULL ? "" : passphrase.p,
                                 passphrase.n)) != NULL)
        good = PKCS12_parse(p12, words, &own->key, &own->certificate,
                            &own->chain) == 1 &&
               own->key != NULL && own->certificate != NULL;
    OPENSSL_clear_free(words, passphrase.n);
    PKCS12_free(p12);
    return good;
}

/* The certificate of the key is taken out of the chain. */
static bool find_certificate(struct own *own)
{
    for (int i = 0; own->certificate == NULL && i < sk_X509_num(own->chain);
         i++)
        if (X509_check_private_key(sk_X509_value(own->chain, i), own->key))
            own->certificate = sk_X509_delete(own->chain, i);
    ERR_clear_error();
    return own->certificate != NULL &&
           X509_check_private_key(own->certificate, own->key) == 1;
}

static struct status own_read(struct str in, struct str passphrase,
                              struct own *own)
{
    bool pem = str_find(in, STR("-----BEGIN ")) < in.n;

    *own = (struct own){ 0 };
    if (in.n == 0 || in.n > 4 * KEY_BYTES_MAX)
        return status_refuse("no key");
    if (pem ? !read_pem(in, passphrase, own)
            : !read_pkcs12(in, passphrase, own))
        return status_refuse("no private key with a certificate in it, a wrong "
                             "passphrase, or an encryption that is too old "
                             "(%s)",
                             smime_fault());
    if (!find_certificate(own))
        return status_refuse("the private key belongs to none of the "
                             "certificates");
    return status_ok();
}

static bool own_write(const struct own *own, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text;
    long n;
    bool good;

    if (bio == NULL)
        return false;
    good = PEM_write_bio_PKCS8PrivateKey(bio, own->key, NULL, NULL, 0, NULL,
                                         NULL) == 1 &&
           PEM_write_bio_X509(bio, own->certificate) == 1;
    for (int i = 0; good && i < sk_X509_num(own->chain); i++)
        good = PEM_write_bio_X509(bio, sk_X509_value(own->chain, i)) == 1;
    n = BIO_get_mem_data(bio, &text);
    if (good && n > 0)
        buf_add(out, str_of(text, (size_t)n));
    BIO_free(bio);
    return good;
}

static struct status judge_own(const struct own *own, int64_t now_wall_ms,
                               struct arena *arena, struct key_facts *out)
{
    smime_facts(own->certificate, SMIME_SIGNS, NULL, NULL, now_wall_ms, arena,
                out);
    out->has_private = true;
    return out->refused.n == 0 ? status_ok()
                               : status_refuse("%.*s", STR_ARG(out->refused));
}

struct status smime_own_key(struct str in, struct str passphrase,
                            int64_t now_wall_ms, struct arena *arena,
                            struct key_facts *out, struct buf *pem)
{
    struct own own;
    struct status st = own_read(in, passphrase, &own);

    if (status_is_ok(st))
        st = judge_own(&own, now_wall_ms, arena, out);
    if (status_is_ok(st) && !own_write(&own, pem))
        st = status_defer("the key cannot be written: %s", smime_fault());
    own_free(&own);
    ERR_clear_error();
    return st;
}

/* --- signing ----------------------------------------------------------------
 */

struct smime_signing {
    struct own own;
    CMS_ContentInfo *cms;
    BIO *nowhere, *data; /* data: the digest before nowhere */
};

struct status smime_signing_begin(struct str pem, struct smime_signing **out)
{
    struct smime_signing *s = calloc(1, sizeof(*s));
    struct status st;

    if (s == NULL)
        panic("out of memory");
    *out = s;
    st = own_read(pem, STR(""), &s->own);
    if (!status_is_ok(st))
        return status_defer("the organisation's key: %s", st.why);
    s->cms = CMS_sign(NULL, NULL, s->own.chain, NULL,
                      CMS_PARTIAL | CMS_DETACHED | CMS_BINARY | CMS_STREAM);
    if (s->cms != NULL &&
        CMS_add1_signer(s->cms, s->own.certificate, s->own.key, EVP_sha256(),
                        CMS_BINARY) != NULL)
        s->nowhere = BIO_new(BIO_s_null());
    if (s->nowhere != NULL)
        s->data = CMS_dataInit(s->cms, s->nowhere);
    return s->data != NULL
               ? status_ok()
               : status_defer("signing cannot begin: %s", smime_fault());
}

bool smime_signing_add(struct smime_signing *s, const void *from, size_t n)
{
    return BIO_write(s->data, from, (int)n) == (int)n;
}

bool smime_signing_end(struct smime_signing *s, struct buf *out)
{
    unsigned char *der = NULL;
    int n = -1;

    (void)BIO_flush(s->data);
    if (CMS_dataFinal(s->cms, s->data) == 1)
        n = i2d_CMS_ContentInfo(s->cms, &der);
    if (n > 0)
        armour_text(str_of(der, (size_t)n), out);
    OPENSSL_free(der);
    return n > 0;
}

void smime_signing_free(struct smime_signing **signing)
{
    struct smime_signing *s = *signing;

    *signing = NULL;
    if (s == NULL)
        return;
    while (s->data != NULL && s->data != s->nowhere) {
        BIO *next = BIO_pop(s->data);

        BIO_free(s->data);
        s->data = next;
    }
    BIO_free(s->nowhere);
    CMS_ContentInfo_free(s->cms);
    own_free(&s->own);
    free(s);
}
