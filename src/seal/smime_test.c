/* SPDX-License-Identifier: Apache-2.0 */
/* What speaks against a certificate (CM-01, CM-02, CM-06), and what counts as
 * locked to it (CM-04). Certificates are made here, each with one thing wrong.
 */
#include "seal/smime.h"

#include "base/clock.h"

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct wish {
    const char *why; /* part of the reason; "" for none */
    const char *names, *usage, *purpose;
    const char *mail;    /* emailAddress of the subject */
    const char *raw_san; /* octets of a name extension of its own */
    size_t raw_san_n;
    const EVP_MD *digest;
    EVP_PKEY *key;
    long begin, end; /* days from now; both 0: a good time */
};

static EVP_PKEY *rsa, *short_rsa, *ec, *odd_curve, *ca_key;
static X509 *ca;

static int make_keys(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(2048);
    short_rsa = EVP_RSA_gen(1024);
    ec = EVP_EC_gen("P-256");
    odd_curve = EVP_EC_gen("secp256k1");
    ca_key = EVP_EC_gen("P-256");
    return rsa && short_rsa && ec && odd_curve && ca_key ? 0 : 1;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(short_rsa);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(odd_curve);
    EVP_PKEY_free(ca_key);
    X509_free(ca);
    return 0;
}

static void extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void extend_raw(X509 *x, const char *octets, size_t n)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    ASN1_OCTET_STRING_set(value, (const unsigned char *)octets, (int)n);
    extension =
        X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
}

static void add_name(X509_NAME *name, const char *field, const char *value)
{
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                               (const unsigned char *)value, -1, -1, 0);
}

static X509 *make(const struct wish *w, bool by_ca)
{
    X509 *x = X509_new();
    EVP_PKEY *key = w->key == NULL ? rsa : w->key;
    static long serial = 7;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_time_adj_ex(X509_getm_notBefore(x), w->end == 0 ? -1 : (int)w->begin,
                     0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(x), w->end == 0 ? 9 : (int)w->end, 0,
                     NULL);
    add_name(X509_get_subject_name(x), "CN", "Ann");
    if (w->mail != NULL)
        add_name(X509_get_subject_name(x), "emailAddress", w->mail);
    X509_set_issuer_name(x, by_ca ? X509_get_subject_name(ca)
                                  : X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    if (w->names != NULL)
        extend(x, NID_subject_alt_name, w->names);
    if (w->raw_san != NULL)
        extend_raw(x, w->raw_san, w->raw_san_n);
    if (w->usage != NULL)
        extend(x, NID_key_usage, w->usage);
    if (w->purpose != NULL)
        extend(x, NID_ext_key_usage, w->purpose);
    assert_true(X509_sign(x, by_ca ? ca_key : key,
                          w->digest == NULL ? EVP_sha256() : w->digest) > 0);
    return x;
}

static struct str der_of(X509 *x, struct arena *arena)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);

    assert_true(n > 0);
    struct str kept = str_keep(arena, str_of(der, (size_t)n));
    OPENSSL_free(der);
    return kept;
}

static struct key_facts read_one(X509 *x, const struct smime_trust *trust,
                                 struct arena *arena)
{
    struct key_facts *facts;
    size_t n;

    assert_true(status_is_ok(smime_read_certificates(
        der_of(x, arena), trust, clock_wall_ms(), arena, &facts, &n)));
    assert_int_equal(n, 1);
    return facts[0];
}

#define ANN "email:Ann@X.Example"
/* SEQUENCE { [1] "a@x.example" } with a length that is one too long. */
static const char broken_san[] = "\x30\x0e\x81\x0b"
                                 "a@x.example";

static void test_CM_02_reasons(void **state)
{
    const struct wish rows[] = {
        { .why = "", .names = ANN },
        { .why = "", .mail = "ann@x.example" },
        { .why = "", .names = ANN, .key = ec, .usage = "keyAgreement" },
        { .why = "",
          .names = ANN,
          .usage = "keyEncipherment",
          .purpose = "emailProtection" },
        { .why = "", .names = ANN, .purpose = "anyExtendedKeyUsage" },
        { .why = "no mail address", .names = "DNS:x.example" },
        { .why = "no mail address" },
        { .why = "fewer than 2048", .names = ANN, .key = short_rsa },
        { .why = "a curve other", .names = ANN, .key = odd_curve },
        { .why = "SHA-1", .names = ANN, .digest = EVP_sha1() },
        { .why = "SHA-1 or MD5", .names = ANN, .digest = EVP_md5() },
        { .why = "key usage", .names = ANN, .usage = "digitalSignature" },
        { .why = "key usage",
          .names = ANN,
          .key = ec,
          .usage = "keyEncipherment" },
        { .why = "extended key usage", .names = ANN, .purpose = "serverAuth" },
        { .why = "expired", .names = ANN, .begin = -9, .end = -1 },
        { .why = "not valid yet", .names = ANN, .begin = 2, .end = 9 },
        { .why = "blank", .names = "email:ann x@x.example" },
        { .why = "blank", .names = "email:ann" },
        { .why = "blank", .mail = "ann@x.example\n" },
        /* CM-06: names that cannot be read are not made up for. */
        { .why = "extensions",
          .mail = "ann@x.example",
          .raw_san = broken_san,
          .raw_san_n = sizeof(broken_san) - 1 },
        { .why = "extensions",
          .mail = "ann@x.example",
          .names = ANN,
          .raw_san = "\x30\x00",
          .raw_san_n = 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena = { 0 };
        X509 *x = make(&rows[i], false);
        struct key_facts facts = read_one(x, NULL, &arena);

        if ((rows[i].why[0] == '\0') != (facts.refused.n == 0) ||
            str_find(facts.refused, str_from_cstr(rows[i].why)) ==
                (rows[i].why[0] == '\0' ? 1 : facts.refused.n))
            fail_msg("row %zu: %.*s", i, STR_ARG(facts.refused));
        X509_free(x);
        arena_free(&arena);
    }
}

static void make_ca(void)
{
    ca = X509_new();
    X509_set_version(ca, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(ca), 1);
    X509_time_adj_ex(X509_getm_notBefore(ca), -9, 0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(ca), 99, 0, NULL);
    add_name(X509_get_subject_name(ca), "CN", "Authority");
    X509_set_issuer_name(ca, X509_get_subject_name(ca));
    X509_set_pubkey(ca, ca_key);
    extend(ca, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(ca, ca_key, EVP_sha256()) > 0);
}

/* One that only encrypts is as good as one that also signs. */
static void test_chains(void **state)
{
    const struct wish good = { .names = ANN, .usage = "keyEncipherment" };
    struct arena arena = { 0 };
    struct smime_trust *trust;
    BIO *pem = BIO_new(BIO_s_mem());
    char *text;

    (void)state;
    make_ca();
    PEM_write_bio_X509(pem, ca);
    long n = BIO_get_mem_data(pem, &text);
    assert_true(
        status_is_ok(smime_trust_open(str_of(text, (size_t)n), &trust)));
    X509 *ours = make(&good, true), *alone = make(&good, false);
    assert_int_equal(read_one(ours, trust, &arena).refused.n, 0);
    assert_true(str_starts(read_one(alone, trust, &arena).refused,
                           STR("not from a trusted authority")));
    smime_trust_close(&trust);
    assert_false(status_is_ok(smime_trust_open(STR("nothing"), &trust)));
    assert_null(trust);
    X509_free(ours);
    X509_free(alone);
    BIO_free(pem);
    arena_free(&arena);
}

/* A key that signs for the organisation has to be good for that. */
static void test_own_keys(void **state)
{
    const struct wish rows[] = {
        { .why = "", .names = ANN, .usage = "digitalSignature" },
        { .why = "", .names = ANN },
        { .why = "not meant for signing",
          .names = ANN,
          .usage = "keyEncipherment" },
        { .why = "expired", .names = ANN, .begin = -9, .end = -1 },
        { .why = "not valid yet", .names = ANN, .begin = 2, .end = 9 },
        { .why = "fewer than 2048", .names = ANN, .key = short_rsa },
        { .why = "SHA-1", .names = ANN, .digest = EVP_sha1() },
        { .why = "no mail address" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena = { 0 };
        struct key_facts facts;
        struct buf pem = { 0 };
        X509 *x = make(&rows[i], false);
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;

        PEM_write_bio_PrivateKey(bio, rows[i].key == NULL ? rsa : rows[i].key,
                                 NULL, NULL, 0, NULL, NULL);
        PEM_write_bio_X509(bio, x);
        long n = BIO_get_mem_data(bio, &text);
        struct status st = smime_own_key(str_of(text, (size_t)n), STR(""),
                                         clock_wall_ms(), &arena, &facts, &pem);
        if (status_is_ok(st) != (rows[i].why[0] == '\0') ||
            strstr(st.why, rows[i].why) == NULL)
            fail_msg("row %zu: %s", i, st.why);
        buf_wipe(&pem);
        BIO_free(bio);
        X509_free(x);
        arena_free(&arena);
    }
}

static struct str envelope(X509 *x, const EVP_CIPHER *cipher,
                           struct arena *arena)
{
    BIO *in = BIO_new_mem_buf("secret", 6);
    STACK_OF(X509) *to = sk_X509_new_null();
    unsigned char *der = NULL;

    sk_X509_push(to, x);
    CMS_ContentInfo *cms = CMS_encrypt(to, in, cipher, CMS_BINARY);
    assert_non_null(cms);
    int n = i2d_CMS_ContentInfo(cms, &der);
    assert_true(n > 0);
    struct str kept = str_keep(arena, str_of(der, (size_t)n));
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    sk_X509_free(to);
    BIO_free(in);
    return kept;
}

/* CM-04: locked means locked well, whole, and to this very certificate. */
static void test_CM_04_what_counts_as_locked(void **state)
{
    const struct wish one = { .names = ANN };
    const struct wish two = { .names = ANN, .key = ec };
    static const char tag_rule[] = "\x02\x01\x10"; /* tag of 16 octets */
    struct arena arena = { 0 };
    X509 *mine = make(&one, false), *other = make(&two, false);
    struct str mine_der = der_of(mine, &arena), in;
    struct str other_der = der_of(other, &arena);

    (void)state;
    in = envelope(mine, EVP_aes_256_cbc(), &arena);
    assert_true(smime_is_encrypted_to(in, &mine_der, 1));
    assert_false(smime_is_encrypted_to(in, &other_der, 1));
    assert_false(smime_is_encrypted_to(str_first(in, in.n - 1), &mine_der, 1));
    assert_false(smime_is_encrypted_to(arena_printf(&arena, "%.*s", 0, ""),
                                       &mine_der, 1));
    struct buf more = { 0 };
    buf_add(&more, in);
    buf_add_char(&more, 'x');
    assert_false(smime_is_encrypted_to(buf_str(&more), &mine_der, 1));
    in = envelope(mine, EVP_des_ede3_cbc(), &arena);
    assert_false(smime_is_encrypted_to(in, &mine_der, 1));
    in = envelope(mine, EVP_aes_256_ofb(), &arena);
    assert_false(smime_is_encrypted_to(in, &mine_der, 1));
    in = envelope(mine, EVP_aes_256_gcm(), &arena);
    assert_true(smime_is_encrypted_to(in, &mine_der, 1));
    size_t at = str_find(in, str_of(tag_rule, 3));
    assert_true(at < in.n);
    ((char *)(uintptr_t)in.p)[at + 2] = 1;
    assert_false(smime_is_encrypted_to(in, &mine_der, 1));
    buf_free(&more);
    X509_free(mine);
    X509_free(other);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_CM_02_reasons),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_own_keys),
        cmocka_unit_test(test_CM_04_what_counts_as_locked),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
