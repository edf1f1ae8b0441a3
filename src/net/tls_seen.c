/* SPDX-License-Identifier: Apache-2.0 */
/* From a handshake to words: what was agreed, and whether the server is the
 * one it should be. */
#include "base/buf.h"
#include "net/tls.h"
#include "net/tls_profile.h"

#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_text(char *out, size_t n, const char *text)
{
    snprintf(out, n, "%s", text == NULL ? "" : text);
}

static const char *group_name(SSL *ssl)
{
    int id = (int)SSL_get_negotiated_group(ssl);

    switch (id) {
    case NID_X9_62_prime256v1:
        return "P-256";
    case NID_secp384r1:
        return "P-384";
    case NID_secp521r1:
        return "P-521";
    case NID_X25519:
        return "X25519";
    case NID_X448:
        return "X448";
    default:
        return id == 0 ? "" : SSL_group_to_name(ssl, id);
    }
}

/* SP 800-52r2, 3.3.1 and appendix D: authenticated encryption with AES and
 * an ephemeral key. */
static bool is_approved(SSL *ssl, const char *cipher)
{
    struct str name = str_from_cstr(cipher);
    bool aead = str_find(name, STR("_GCM_")) < name.n ||
                str_find(name, STR("_CCM")) < name.n;
    bool aes = str_find(name, STR("_AES_")) < name.n;
    bool fresh = str_starts(name, STR("TLS_AES_")) ||
                 str_starts(name, STR("TLS_ECDHE_")) ||
                 str_starts(name, STR("TLS_DHE_"));

    return SSL_version(ssl) >= TLS1_2_VERSION && aead && aes && fresh;
}

void tls_describe(struct stream *s, struct tls_seen *out)
{
    SSL *ssl = stream_ssl(s);
    const SSL_CIPHER *cipher;

    *out = (struct tls_seen){ 0 };
    if (ssl == NULL || !SSL_is_init_finished(ssl))
        return;
    cipher = SSL_get_current_cipher(ssl);
    out->up = true;
    set_text(out->version, sizeof(out->version), SSL_get_version(ssl));
    set_text(out->cipher, sizeof(out->cipher),
             cipher == NULL ? "" : SSL_CIPHER_standard_name(cipher));
    set_text(out->group, sizeof(out->group), group_name(ssl));
    out->approved = is_approved(ssl, out->cipher);
}

__attribute__((format(printf, 3, 4))) static void
set_fault(struct tls_seen *out, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(out->fault, sizeof(out->fault), format, args);
    va_end(args);
    set_text(out->fault_code, sizeof(out->fault_code), code);
}

/* --- why a certificate does not do ---------------------------------------- */

static void day_of(const ASN1_TIME *time, char out[32])
{
    struct tm tm = { 0 };

    if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(out, 32, "%F", &tm) == 0)
        set_text(out, 32, "at an unreadable date");
}

/* The first names a certificate is for; they are the peer's words. */
static void names_of(X509 *certificate, struct buf *out)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int n = names == NULL ? 0 : sk_GENERAL_NAME_num(names);
    int shown = 0;

    for (int i = 0; i < n && shown < 2; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != GEN_DNS)
            continue;
        if (shown++ > 0)
            buf_add_cstr(out, ", ");
        for (int k = 0; k < name->d.dNSName->length && k < 64; k++) {
            unsigned char c = name->d.dNSName->data[k];

            buf_add_char(out, c > ' ' && c < 127 ? (char)c : '?');
        }
    }
    if (shown == 0)
        buf_add_cstr(out, "no host name");
    else if (n > shown)
        buf_add_cstr(out, " ...");
    GENERAL_NAMES_free(names);
}

static void say_mismatch(X509 *certificate, struct str wanted,
                         struct tls_seen *out)
{
    struct buf names = { 0 };

    names_of(certificate, &names);
    set_fault(out, "certificate-host-mismatch",
              "certificate is for %s, not %.*s", buf_cstr(&names),
              STR_ARG(wanted));
    buf_free(&names);
}

static void say_dates(X509 *certificate, bool expired, struct tls_seen *out)
{
    char day[32];

    day_of(expired ? X509_get0_notAfter(certificate)
                   : X509_get0_notBefore(certificate),
           day);
    set_fault(out, "certificate-expired",
              expired ? "certificate expired %s"
                      : "certificate is not valid before %s",
              day);
}

static void say_why(long result, X509 *certificate,
                    const struct tls_client *client, struct tls_seen *out)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        say_dates(certificate, true, out);
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        say_dates(certificate, false, out);
        return;
    case X509_V_ERR_HOSTNAME_MISMATCH:
        say_mismatch(certificate,
                     client->reference.n > 0 ? client->reference
                                             : client->tlsa_base,
                     out);
        return;
    case X509_V_ERR_DANE_NO_MATCH:
        set_fault(out, "validation-failure",
                  "no TLSA record matches the certificate");
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        set_fault(out, "certificate-not-trusted",
                  "self-signed certificate: no public authority vouches for "
                  "it");
        return;
    default:
        set_fault(out, "certificate-not-trusted",
                  "certificate cannot be trusted: %s",
                  X509_verify_cert_error_string(result));
    }
}

/* --- the verdict by need ----------------------------------------------------
 */

static bool pin_matches(X509 *certificate, const struct tls_client *client)
{
    unsigned char hash[SHA256_DIGEST_LENGTH], *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool match = false;

    if (n <= 0)
        return false;
    SHA256(der, (size_t)n, hash);
    OPENSSL_free(der);
    for (size_t i = 0; i < client->spki_n; i++)
        match |=
            str_eq_secret(client->spki_sha256[i], str_of(hash, sizeof(hash)));
    return match;
}

static enum verified_by dane_usage(SSL *ssl)
{
    uint8_t usage = 0;

    if (SSL_get0_dane_authority(ssl, NULL, NULL) < 0 ||
        SSL_get0_dane_tlsa(ssl, &usage, NULL, NULL, NULL, NULL) < 0)
        return VERIFIED_NONE;
    return usage == 3 ? VERIFIED_DANE_EE : VERIFIED_DANE_TA;
}

static enum verified_by by_chain(SSL *ssl, const struct tls_client *client)
{
    switch (client->need) {
    case TLS_NEED_DANE:
        return dane_usage(ssl);
    case TLS_NEED_STS:
        return VERIFIED_STS;
    case TLS_NEED_PKIX:
        return VERIFIED_PKIX;
    default:
        return VERIFIED_NONE;
    }
}

static void judge(SSL *ssl, const struct tls_client *client,
                  struct tls_seen *out)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    long result = SSL_get_verify_result(ssl);

    if (client->need == TLS_NEED_MAY || client->need == TLS_NEED_ENCRYPT)
        return;
    if (certificate == NULL) {
        set_fault(out, "validation-failure", "the server has no certificate");
    } else if (client->need == TLS_NEED_PIN) {
        if (pin_matches(certificate, client))
            out->by = VERIFIED_PIN;
        else
            set_fault(out, "certificate-not-trusted",
                      "the server's key is not the pinned one");
    } else if (result != X509_V_OK) {
        say_why(result, certificate, client, out);
    } else {
        out->by = by_chain(ssl, client);
        if (out->by == VERIFIED_NONE)
            set_fault(out, "validation-failure", "nothing vouches for it");
    }
}

void tls_seen_of(struct stream *s, const struct tls_client *client,
                 struct tls_seen *out)
{
    bool lasting = false;

    tls_describe(s, out);
    if (out->up) {
        judge(stream_ssl(s), client, out);
        return;
    }
    set_text(out->fault, sizeof(out->fault), stream_tls_fault(s, &lasting));
    if (lasting)
        set_text(out->fault_code, sizeof(out->fault_code),
                 "validation-failure");
}

bool tls_fault_is_lasting(const struct tls_seen *seen)
{
    return seen->fault_code[0] != '\0';
}

/* --- the same chain before public CAs -------------------------------------
 */

static X509_STORE_CTX *public_check(SSL_CTX *trusted, SSL *ssl, struct str name)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;

    if (check == NULL ||
        X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(trusted),
                            SSL_get0_peer_certificate(ssl),
                            SSL_get_peer_cert_chain(ssl)) != 1 ||
        X509_STORE_CTX_set_default(check, "ssl_server") != 1) {
        X509_STORE_CTX_free(check);
        return NULL;
    }
    param = X509_STORE_CTX_get0_param(check);
    X509_VERIFY_PARAM_set_auth_level(param,
                                     SSL_CTX_get_security_level(trusted));
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set1_host(param, name.p, name.n);
    return check;
}

bool tls_trusts(struct tls_trust *trust, struct stream *s, struct str name,
                struct tls_seen *out)
{
    struct tls_client wanted = { .need = TLS_NEED_PKIX, .reference = name };
    SSL *ssl = stream_ssl(s);
    X509 *certificate = ssl == NULL ? NULL : SSL_get0_peer_certificate(ssl);
    X509_STORE_CTX *check;
    bool good = false;

    if (certificate == NULL || name.n == 0) {
        set_fault(out, "validation-failure", "the server has no certificate");
        return false;
    }
    check = public_check(tls_trust_forced(trust), ssl, name);
    good = check != NULL && X509_verify_cert(check) == 1;
    if (!good)
        say_why(check == NULL ? X509_V_ERR_UNSPECIFIED
                              : X509_STORE_CTX_get_error(check),
                certificate, &wanted, out);
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return good;
}
