/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/address.h"
#include "seal/smime_inner.h"
#include "seal/weak_rsa.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { HEX = 65, WORDS = 64 };

const char *smime_fault(void)
{
    unsigned long code = ERR_peek_error();
    const char *words = code == 0 ? NULL : ERR_reason_error_string(code);

    ERR_clear_error();
    return words == NULL ? "unreadable" : words;
}

/* --- reading ---------------------------------------------------------------
 */

void smime_certificates_free(STACK_OF(X509) * list)
{
    sk_X509_pop_free(list, X509_free);
}

static void add(STACK_OF(X509) * list, X509 *certificate)
{
    if (certificate == NULL)
        return;
    if (sk_X509_num(list) >= SMIME_CERTIFICATES_MAX ||
        sk_X509_push(list, certificate) <= 0)
        X509_free(certificate);
}

static void add_pkcs7(STACK_OF(X509) * list, PKCS7 *p7)
{
    STACK_OF(X509) *inside = NULL;

    if (p7 != NULL && PKCS7_type_is_signed(p7) && p7->d.sign != NULL)
        inside = p7->d.sign->cert;
    for (int i = 0; i < sk_X509_num(inside); i++) {
        X509 *one = sk_X509_value(inside, i);

        if (X509_up_ref(one))
            add(list, one);
    }
    PKCS7_free(p7);
}

static void read_pem(STACK_OF(X509) * list, struct str in)
{
    BIO *bio = BIO_new_mem_buf(in.p, (int)in.n);
    X509 *one;

    while (sk_X509_num(list) < SMIME_CERTIFICATES_MAX &&
           (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        add(list, one);
    BIO_free(bio);
    bio = BIO_new_mem_buf(in.p, (int)in.n);
    if (sk_X509_num(list) == 0)
        add_pkcs7(list, PEM_read_bio_PKCS7(bio, NULL, NULL, NULL));
    BIO_free(bio);
}

/* The whole of in is one structure: trailing octets are a second reading. */
static void read_der(STACK_OF(X509) * list, struct str in)
{
    const unsigned char *p = (const unsigned char *)in.p, *end = p + in.n;
    X509 *one = d2i_X509(NULL, &p, (long)in.n);

    if (one != NULL && p == end) {
        add(list, one);
        return;
    }
    X509_free(one);
    p = (const unsigned char *)in.p;
    PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)in.n);
    if (p7 != NULL && p != end) {
        PKCS7_free(p7);
        p7 = NULL;
    }
    add_pkcs7(list, p7);
}

STACK_OF(X509) * smime_certificates(struct str in)
{
    STACK_OF(X509) *list = sk_X509_new_null();

    if (list == NULL || in.n == 0 || in.n > 4 * KEY_BYTES_MAX) {
        smime_certificates_free(list);
        return NULL;
    }
    if (str_find(in, STR("-----BEGIN ")) < in.n)
        read_pem(list, in);
    else
        read_der(list, in);
    ERR_clear_error();
    if (sk_X509_num(list) > 0)
        return list;
    smime_certificates_free(list);
    return NULL;
}

/* --- whose it is -------------------------------------------------------------
 */

/* As addresses are compared everywhere: domain as A-label in lower case. A
 * control, blank or NUL makes it two things to two readers. */
static bool add_address(struct str text, struct arena *arena,
                        struct key_facts *out)
{
    struct address address;

    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 127)
            return false;
    if (!address_parse(text, arena, &address))
        return false;
    if (out->addresses_n < KEY_ADDRESSES_MAX)
        out->addresses[out->addresses_n++] = address.text;
    return true;
}

static struct str string_of(const ASN1_STRING *s)
{
    return str_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool add_alternative(const GENERAL_NAME *name, struct arena *arena,
                            struct key_facts *out)
{
    if (name->type == GEN_EMAIL)
        return add_address(string_of(name->d.rfc822Name), arena, out);
    /* RFC 9598: addresses beyond ASCII. */
    if (name->type == GEN_OTHERNAME &&
        OBJ_obj2nid(name->d.otherName->type_id) == NID_id_on_SmtpUTF8Mailbox &&
        name->d.otherName->value->type == V_ASN1_UTF8STRING)
        return add_address(
            string_of(name->d.otherName->value->value.utf8string), arena, out);
    return true;
}

static bool add_subject(X509 *x, struct arena *arena, struct key_facts *out)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    int at = -1;

    while ((at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress,
                                            at)) >= 0)
        if (!add_address(string_of(X509_NAME_ENTRY_get_data(
                             X509_NAME_get_entry(subject, at))),
                         arena, out))
            return false;
    return true;
}

/* False: one of the addresses cannot be read in one way. Names that cannot be
 * read at all, or stand there twice, are not made up for by the subject. */
static bool add_addresses(X509 *x, struct arena *arena, struct key_facts *out)
{
    int critical = -1; /* -1: no such extension */
    GENERAL_NAMES *names =
        X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);
    bool good = names != NULL || critical == -1;

    out->addresses =
        arena_array(arena, KEY_ADDRESSES_MAX, sizeof(*out->addresses));
    for (int i = 0; good && i < sk_GENERAL_NAME_num(names); i++)
        good = add_alternative(sk_GENERAL_NAME_value(names, i), arena, out);
    GENERAL_NAMES_free(names);
    if (good && out->addresses_n == 0)
        good = add_subject(x, arena, out);
    return good;
}

/* --- whether it may be used -------------------------------------------------
 */

static struct str number(EVP_PKEY *key, const char *name, struct arena *arena)
{
    BIGNUM *value = NULL;
    struct str out = STR("");

    if (EVP_PKEY_get_bn_param(key, name, &value) == 1) {
        size_t n = (size_t)BN_num_bytes(value);
        unsigned char *p = arena_alloc(arena, n + 1);

        out = str_of(p, (size_t)BN_bn2bin(value, p));
    }
    BN_free(value);
    return out;
}

static const char *judge_usage(X509 *x, enum smime_use use, uint32_t encrypts)
{
    uint32_t usage = X509_get_key_usage(x);

    if (use == SMIME_ENCRYPTS && !(usage & encrypts))
        return "a certificate that is not meant for encryption (key usage)";
    if (use == SMIME_SIGNS &&
        !(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
        return "a certificate that is not meant for signing (key usage)";
    return NULL;
}

static const char *judge_rsa(X509 *x, EVP_PKEY *key, enum smime_use use,
                             struct arena *arena, struct key_facts *out)
{
    const char *why = weak_rsa(number(key, OSSL_PKEY_PARAM_RSA_N, arena),
                               number(key, OSSL_PKEY_PARAM_RSA_E, arena));

    out->algorithm = arena_printf(arena, "rsa%d", EVP_PKEY_get_bits(key));
    return why != NULL ? why : judge_usage(x, use, KU_KEY_ENCIPHERMENT);
}

static const char *judge_ec(X509 *x, EVP_PKEY *key, enum smime_use use,
                            struct key_facts *out)
{
    static const struct {
        const char *group, *name;
    } curves[] = {
        { "prime256v1", "p256" },
        { "secp384r1", "p384" },
        { "secp521r1", "p521" },
    };
    char group[WORDS];
    size_t n;

    if (EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1)
        return "a curve that has no name";
    for (size_t i = 0; i < 3; i++)
        if (strcmp(group, curves[i].group) == 0)
            out->algorithm = str_from_cstr(curves[i].name);
    if (out->algorithm.n == 0)
        return "a curve other than P-256, P-384 and P-521";
    return judge_usage(x, use, KU_KEY_AGREEMENT);
}

static const char *judge_key(X509 *x, enum smime_use use, struct arena *arena,
                             struct key_facts *out)
{
    EVP_PKEY *key = X509_get0_pubkey(x);

    out->algorithm = STR("");
    if (key == NULL)
        return "a public key that cannot be read";
    if (EVP_PKEY_is_a(key, "RSA"))
        return judge_rsa(x, key, use, arena, out);
    if (EVP_PKEY_is_a(key, "EC"))
        return judge_ec(x, key, use, out);
    return "an algorithm that S/MIME cannot encrypt with here";
}

static const char *judge_signature(X509 *x)
{
    int digest = NID_undef, bits = 0;

    /* Of Ed25519 and the like there is no digest to ask for. */
    if (X509_get_signature_info(x, &digest, NULL, &bits, NULL) != 1)
        return "a signature of the certificate that cannot be read";
    if (digest == NID_md5 || digest == NID_sha1 || digest == NID_md4 ||
        digest == NID_md2)
        return "a certificate signed with SHA-1 or MD5";
    return NULL;
}

static const char *judge_purpose(X509 *x)
{
    if ((X509_get_extension_flags(x) & EXFLAG_XKUSAGE) &&
        !(X509_get_extended_key_usage(x) & (XKU_SMIME | XKU_ANYEKU)))
        return "a certificate that is not meant for mail (extended key usage)";
    return NULL;
}

static const char *judge_chain(X509 *x, STACK_OF(X509) * chain,
                               const struct smime_trust *trust,
                               int64_t now_wall_ms, struct arena *arena)
{
    X509_STORE_CTX *ctx;
    const char *why = NULL;

    if (trust == NULL || trust->store == NULL)
        return NULL;
    ctx = X509_STORE_CTX_new();
    if (ctx == NULL || !X509_STORE_CTX_init(ctx, trust->store, x, chain))
        why = "its chain cannot be checked";
    else {
        X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SMIME_ENCRYPT);
        X509_STORE_CTX_set_time(ctx, 0, now_wall_ms / 1000);
        if (X509_verify_cert(ctx) != 1)
            why = str_keep_cstr(
                arena, arena_printf(arena, "not from a trusted authority: %s",
                                    X509_verify_cert_error_string(
                                        X509_STORE_CTX_get_error(ctx))));
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return why;
}

/* --- facts -------------------------------------------------------------------
 */

static int64_t wall_ms(const ASN1_TIME *t)
{
    struct tm tm = { 0 };

    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static void add_fingerprint(X509 *x, struct arena *arena, struct key_facts *out)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char *hex = arena_alloc(arena, HEX);

    X509_digest(x, EVP_sha256(), hash, &n);
    for (unsigned i = 0; i < n && i < 32; i++)
        for (int k = 0; k < 2; k++)
            hex[i * 2 + (unsigned)k] =
                "0123456789abcdef"[k == 0 ? hash[i] >> 4 : hash[i] & 15];
    out->fingerprint = str_of(hex, (size_t)n * 2);
}

static void add_der(X509 *x, struct arena *arena, struct key_facts *out)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);

    if (n > 0)
        out->bytes = str_keep(arena, str_of(der, (size_t)n));
    OPENSSL_free(der);
}

/* RFC 4262: what its owner's program can read. */
static void add_capabilities(X509 *x, struct arena *arena,
                             struct key_facts *out)
{
    int at = X509_get_ext_by_NID(x, NID_SMIMECapabilities, -1);
    const ASN1_OCTET_STRING *value =
        at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(x, at));
    const unsigned char *p =
        value == NULL ? NULL : ASN1_STRING_get0_data(value);
    X509_ALGORS *list = NULL;
    bool gcm = false, oaep = false;

    if (p != NULL)
        list = (X509_ALGORS *)ASN1_item_d2i(NULL, &p, ASN1_STRING_length(value),
                                            ASN1_ITEM_rptr(X509_ALGORS));
    for (int i = 0; i < sk_X509_ALGOR_num(list); i++) {
        const ASN1_OBJECT *oid;

        X509_ALGOR_get0(&oid, NULL, NULL, sk_X509_ALGOR_value(list, i));
        gcm |= OBJ_obj2nid(oid) == NID_aes_256_gcm;
        oaep |= OBJ_obj2nid(oid) == NID_rsaesOaep;
    }
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
    out->capabilities =
        arena_printf(arena, "%s%s%s", gcm ? "aes256-gcm" : "",
                     gcm && oaep ? " " : "", oaep ? "rsa-oaep" : "");
}

static const char *judge_times(struct key_facts *out, int64_t now_wall_ms)
{
    out->expired =
        out->expires_wall_ms != 0 && out->expires_wall_ms <= now_wall_ms;
    if (out->expired)
        return "expired";
    return out->created_wall_ms > now_wall_ms ? "not valid yet" : NULL;
}

void smime_facts(X509 *x, enum smime_use use, STACK_OF(X509) * chain,
                 const struct smime_trust *trust, int64_t now_wall_ms,
                 struct arena *arena, struct key_facts *out)
{
    const char *why;

    *out = (struct key_facts){ .kind = KEY_SMIME };
    add_fingerprint(x, arena, out);
    add_der(x, arena, out);
    out->created_wall_ms = wall_ms(X509_get0_notBefore(x));
    out->expires_wall_ms = wall_ms(X509_get0_notAfter(x));
    add_capabilities(x, arena, out);
    bool readable = add_addresses(x, arena, out);
    why = X509_get_extension_flags(x) & EXFLAG_INVALID
              ? "extensions that cannot be read"
              : NULL;
    if (why == NULL)
        why = judge_key(x, use, arena, out);
    if (why == NULL && !readable)
        why = "an address with a blank, a control or no domain";
    if (why == NULL && out->addresses_n == 0)
        why = "no mail address in the certificate";
    if (why == NULL)
        why = judge_signature(x);
    if (why == NULL)
        why = judge_purpose(x);
    const char *time = judge_times(out, now_wall_ms);
    if (why == NULL)
        why = time;
    if (why == NULL)
        why = judge_chain(x, chain, trust, now_wall_ms, arena);
    out->refused = str_from_cstr(why == NULL ? "" : why);
    ERR_clear_error();
}

struct status smime_read_certificates(struct str in,
                                      const struct smime_trust *trust,
                                      int64_t now_wall_ms, struct arena *arena,
                                      struct key_facts **out, size_t *n)
{
    STACK_OF(X509) *list = smime_certificates(in);
    int all = sk_X509_num(list);

    *n = 0;
    *out = arena_array(arena, all > 0 ? (size_t)all : 1, sizeof(**out));
    for (int i = 0; i < all; i++) {
        X509 *x = sk_X509_value(list, i);

        /* Authorities come along as chains; they are nobody's to write to. */
        if (all == 1 || X509_check_ca(x) == 0)
            smime_facts(x, SMIME_ENCRYPTS, list, trust, now_wall_ms, arena,
                        &(*out)[(*n)++]);
    }
    smime_certificates_free(list);
    if (*n > 0)
        return status_ok();
    return status_refuse(all > 0 ? "only certificates of authorities"
                                 : "no certificate (PEM, DER or PKCS #7)");
}

/* --- trust -------------------------------------------------------------------
 */

struct status smime_trust_open(struct str ca_pem, struct smime_trust **out)
{
    struct status st = status_ok();

    *out = OPENSSL_zalloc(sizeof(**out));
    if (ca_pem.n == 0)
        return st;
    (*out)->store = X509_STORE_new();
    BIO *bio = BIO_new_mem_buf(ca_pem.p, (int)ca_pem.n);
    X509 *one;
    int n = 0;
    while ((one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        n += X509_STORE_add_cert((*out)->store, one);
        X509_free(one);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (n > 0)
        return st;
    smime_trust_close(out);
    return status_defer("no certificate of an authority in it");
}

void smime_trust_close(struct smime_trust **trust)
{
    if (*trust != NULL)
        X509_STORE_free((*trust)->store);
    OPENSSL_free(*trust);
    *trust = NULL;
}
