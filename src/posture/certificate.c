/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <time.h>

enum { NAME_OCTETS_MAX = 300 };

/* A stranger's octets as one line for people. */
static struct str clean(const void *octets, size_t n, struct arena *arena)
{
    struct str in = str_first(str_of(octets, n), NAME_OCTETS_MAX);
    char *out = arena_alloc(arena, in.n + 1);

    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];

        out[i] = c < ' ' || c >= 127 ? '?' : (char)c;
    }
    return str_of(out, in.n);
}

static struct str name_text(const X509_NAME *name, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct str text = STR("");
    char *octets = NULL;

    if (bio == NULL)
        return text;
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE) >= 0) {
        long n = BIO_get_mem_data(bio, &octets);

        text = clean(octets, n > 0 ? (size_t)n : 0, arena);
    }
    BIO_free(bio);
    return text;
}

static void take_names(X509 *x509, struct arena *arena, struct certificate *out)
{
    GENERAL_NAMES *all =
        X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    int n = all == NULL ? 0 : sk_GENERAL_NAME_num(all);
    size_t most = n < CERTIFICATE_NAMES_MAX ? (size_t)n : CERTIFICATE_NAMES_MAX;
    struct str *list = arena_array(arena, most, sizeof(*list));

    for (int i = 0; i < n && out->names_n < most; i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);

        if (one->type == GEN_DNS && one->d.dNSName->length > 0)
            list[out->names_n++] = clean(one->d.dNSName->data,
                                         (size_t)one->d.dNSName->length, arena);
    }
    GENERAL_NAMES_free(all);
    out->names = list;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = { 0 };

    return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1
               ? (int64_t)timegm(&tm)
               : 0;
}

static void take_key(X509 *x509, struct arena *arena, struct certificate *out)
{
    EVP_PKEY *key = X509_get0_pubkey(x509);
    char group[40] = "";
    size_t n = 0;

    out->key_kind = STR("unknown");
    if (key == NULL)
        return;
    out->key_bits = (uint32_t)EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
        EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1) {
        const char *nist = EC_curve_nid2nist(OBJ_txt2nid(group));

        out->key_kind =
            arena_printf(arena, "EC %s", nist != NULL ? nist : group);
    } else if (EVP_PKEY_get0_type_name(key) != NULL) {
        out->key_kind =
            str_keep(arena, str_from_cstr(EVP_PKEY_get0_type_name(key)));
    }
}

static struct str hex_sha256(const void *octets, size_t n, struct arena *arena)
{
    unsigned char hash[32];
    char *hex = arena_alloc(arena, 65);

    if (EVP_Digest(octets, n, hash, NULL, EVP_sha256(), NULL) != 1)
        return STR("");
    for (size_t i = 0; i < sizeof(hash); i++) {
        hex[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    return str_of(hex, 64);
}

static void take_prints(X509 *x509, struct arena *arena,
                        struct certificate *out)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x509, &der);

    if (n > 0)
        out->sha256 = hex_sha256(der, (size_t)n, arena);
    OPENSSL_free(der);
    der = NULL;
    n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    if (n > 0)
        out->spki_sha256 = hex_sha256(der, (size_t)n, arena);
    OPENSSL_free(der);
}

void certificate_of(X509 *x509, struct arena *arena, struct certificate *out)
{
    const char *signature = OBJ_nid2sn(X509_get_signature_nid(x509));

    *out = (struct certificate){ 0 };
    out->subject = name_text(X509_get_subject_name(x509), arena);
    out->issuer = name_text(X509_get_issuer_name(x509), arena);
    take_names(x509, arena, out);
    out->not_before_s = seconds_of(X509_get0_notBefore(x509));
    out->not_after_s = seconds_of(X509_get0_notAfter(x509));
    take_key(x509, arena, out);
    out->signature = str_keep(arena, str_from_cstr(signature));
    out->self_signed = (X509_get_extension_flags(x509) & EXFLAG_SS) != 0;
    take_prints(x509, arena, out);
    ERR_clear_error();
}
