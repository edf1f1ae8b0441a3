/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/panic.h"
#include "net/tls.h"
#include "net/tls_profile.h"

#include <openssl/ssl.h>
#include <stdlib.h>

enum { SESSIONS_KEPT = 2000, SESSION_S = 300 };

struct tls_server {
    SSL_CTX *ctx;
    enum tls_use use;
};

/* A browser tricked into a mail port names only http: refused (SI-17). */
static int choose_alpn(SSL *ssl, const unsigned char **out,
                       unsigned char *out_n, const unsigned char *in,
                       unsigned in_n, void *argument)
{
    static const unsigned char smtp[] = "\x04smtp";
    static const unsigned char http[] = "\x08http/1.1";
    const struct tls_server *server = argument;
    bool is_smtp = server->use == TLS_FOR_SMTP;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(
            &chosen, out_n, is_smtp ? smtp : http,
            (unsigned)(is_smtp ? sizeof(smtp) - 1 : sizeof(http) - 1), in,
            in_n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static struct status load(SSL_CTX *ctx, struct str certificate, struct str key)
{
    struct buf name = { 0 };
    struct status st = status_ok();

    buf_add(&name, certificate);
    if (SSL_CTX_use_certificate_chain_file(ctx, buf_cstr(&name)) != 1)
        st = tls_file_fault("certificate", certificate);
    buf_clear(&name);
    buf_add(&name, key);
    if (status_is_ok(st) && SSL_CTX_use_PrivateKey_file(ctx, buf_cstr(&name),
                                                        SSL_FILETYPE_PEM) != 1)
        st = tls_file_fault("key", key);
    /* A key of another kind than the certificate's would just not be used. */
    if (status_is_ok(st) && SSL_CTX_check_private_key(ctx) != 1)
        st = tls_file_fault("key", key);
    buf_free(&name);
    return st;
}

/* An older version would resume without a fresh key exchange. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    if (SSL_version(ssl) < TLS1_3_VERSION)
        SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), session);
    return 0;
}

/*
 * Clients that come often (a mail system with one connection a message) may
 * resume: TLS 1.3, with a fresh key exchange each time. The ticket names a
 * session kept here for minutes and holds none of its secrets, so there is no
 * ticket key whose loss would open what was recorded. RFC 8446, 2.2.
 */
static void allow_resumption(SSL_CTX *ctx)
{
    static const unsigned char context[] = "smtp";

    SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(ctx, SESSIONS_KEPT);
    SSL_CTX_set_timeout(ctx, SESSION_S);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
}

struct status tls_server_new(struct str certificate_file, struct str key_file,
                             enum tls_use use, struct tls_server **out)
{
    struct tls_server *server = calloc(1, sizeof(*server));
    struct status st;

    if (server == NULL)
        panic("out of memory");
    server->use = use;
    server->ctx = SSL_CTX_new(TLS_server_method());
    if (server->ctx == NULL || !tls_profile_forced(server->ctx))
        panic("OpenSSL lacks the approved suites");
    SSL_CTX_set_alpn_select_cb(server->ctx, choose_alpn, server);
    if (use == TLS_FOR_SMTP)
        allow_resumption(server->ctx);
    st = load(server->ctx, certificate_file, key_file);
    if (!status_is_ok(st))
        tls_server_free(&server);
    *out = server;
    return st;
}

void tls_server_free(struct tls_server **server)
{
    if (*server == NULL)
        return;
    SSL_CTX_free((*server)->ctx);
    free(*server);
    *server = NULL;
}

struct ssl_st *tls_server_session(struct tls_server *server)
{
    SSL *ssl = SSL_new(server->ctx);

    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    return ssl;
}
