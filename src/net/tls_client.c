/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/panic.h"
#include "net/tls.h"
#include "net/tls_profile.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct tls_trust {
    SSL_CTX *forced, *open;
};

static struct status load_cas(SSL_CTX *ctx, struct str ca_file)
{
    struct buf name = { 0 };
    struct status st = status_ok();
    int ok;

    if (ca_file.n == 0)
        return SSL_CTX_load_verify_locations(
                   ctx, "/etc/ssl/certs/ca-certificates.crt", NULL) == 1 ||
                       SSL_CTX_set_default_verify_paths(ctx) == 1
                   ? status_ok()
                   : tls_file_fault("CA store", STR("of the system"));
    buf_add(&name, ca_file);
    ok = SSL_CTX_load_verify_locations(ctx, buf_cstr(&name), NULL);
    buf_free(&name);
    if (ok != 1)
        st = tls_file_fault("CA file", ca_file);
    return st;
}

struct status tls_trust_open(struct str ca_file, struct tls_trust **out)
{
    struct tls_trust *t = calloc(1, sizeof(*t));
    struct status st;

    if (t == NULL)
        panic("out of memory");
    t->forced = SSL_CTX_new(TLS_client_method());
    t->open = SSL_CTX_new(TLS_client_method());
    if (t->forced == NULL || t->open == NULL ||
        !tls_profile_forced(t->forced) || !tls_profile_open(t->open) ||
        SSL_CTX_dane_enable(t->forced) != 1)
        panic("OpenSSL lacks what the TLS profiles need");
    /* Names of hosts stand in subjectAltName only; DANE-EE ignores names and
     * dates (RFC 7671, 5.1). */
    SSL_CTX_dane_set_flags(t->forced, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    st = load_cas(t->forced, ca_file);
    if (!status_is_ok(st))
        tls_trust_close(&t);
    *out = t;
    return st;
}

void tls_trust_close(struct tls_trust **trust)
{
    if (*trust == NULL)
        return;
    SSL_CTX_free((*trust)->forced);
    SSL_CTX_free((*trust)->open);
    free(*trust);
    *trust = NULL;
}

size_t tls_trust_count(struct tls_trust *trust)
{
    X509_STORE *store = SSL_CTX_get_cert_store(trust->forced);

    return (size_t)sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
}

SSL_CTX *tls_trust_forced(struct tls_trust *trust)
{
    return trust->forced;
}

static bool add_records(SSL *ssl, const struct tls_client *client)
{
    struct buf base = { 0 }, reference = { 0 };
    int usable = 0;

    buf_add(&base, client->tlsa_base);
    if (SSL_dane_enable(ssl, buf_cstr(&base)) == 1)
        for (size_t i = 0; i < client->tlsa_n; i++) {
            const struct tls_record *r = &client->tlsa[i];

            /* The library would take usages 0 and 1 too and fall back on
             * public CAs; for SMTP they say nothing (RFC 7672, 3.1.3). */
            if (r->usage != 2 && r->usage != 3)
                continue;
            usable += SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->matching,
                                        (const unsigned char *)r->data.p,
                                        r->data.n) == 1;
        }
    buf_free(&base);
    /* With usage 2 the certificate may name the MX host instead of what it is
     * an alias for (RFC 7672, 3.2.2). */
    buf_add(&reference, client->reference);
    if (client->reference.n > 0)
        SSL_add1_host(ssl, buf_cstr(&reference));
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    buf_free(&reference);
    ERR_clear_error();
    return usable > 0;
}

static bool set_reference(SSL *ssl, struct str reference)
{
    struct buf name = { 0 };
    int ok;

    buf_add(&name, reference);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    ok = reference.n > 0 && SSL_set1_host(ssl, buf_cstr(&name)) == 1;
    buf_free(&name);
    return ok;
}

static bool set_demand(SSL *ssl, const struct tls_client *client)
{
    switch (client->need) {
    case TLS_NEED_DANE:
        return add_records(ssl, client);
    case TLS_NEED_PKIX:
    case TLS_NEED_STS:
        return set_reference(ssl, client->reference);
    case TLS_NEED_MAY:
    case TLS_NEED_ENCRYPT:
    case TLS_NEED_PIN:
        return true;
    case TLS_NEED_NEVER:
        break;
    }
    return false;
}

/* What an old server offers instead: its words, for the record only (TP-04). */
static void note_server_hello(int is_written, int version, int content_type,
                              const void *octets, size_t n, SSL *ssl,
                              void *argument)
{
    const unsigned char *hello = octets;

    (void)version;
    (void)argument;
    if (is_written == 0 && content_type == SSL3_RT_HANDSHAKE && n >= 6 &&
        hello[0] == SSL3_MT_SERVER_HELLO)
        SSL_set_app_data(ssl, (void *)(uintptr_t)(hello[4] << 8 | hello[5]));
}

static bool is_address(const char *name)
{
    return strchr(name, ':') != NULL ||
           strspn(name, "0123456789.") == strlen(name);
}

struct ssl_st *tls_client_session(const struct tls_client *client,
                                  const char *server_name)
{
    bool open = client->need == TLS_NEED_MAY;
    SSL_CTX *ctx = client->trial != NULL ? tls_trial_context(client->trial)
                   : open                ? client->trust->open
                                         : client->trust->forced;
    SSL *ssl = SSL_new(ctx);

    if (ssl == NULL)
        return NULL;
    SSL_set_connect_state(ssl);
    SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    SSL_set_msg_callback(ssl, note_server_hello);
    if (!set_demand(ssl, client)) {
        SSL_free(ssl);
        return NULL;
    }
    if (server_name[0] != '\0' && !is_address(server_name))
        SSL_set_tlsext_host_name(ssl, server_name);
    return ssl;
}
