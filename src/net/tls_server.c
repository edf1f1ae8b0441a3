/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/panic.h"
#include "net/tls.h"
#include "net/tls_profile.h"

#include <openssl/ssl.h>
#include <stdlib.h>

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
