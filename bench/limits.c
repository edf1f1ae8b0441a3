/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine can do at most: fsyncs to the current folder, and TLS 1.3
 * handshakes with both ends here, full and resumed. Prints one JSON object.
 */
#include "bench/stamp.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const uint64_t span_ns = 2000000000u;
static SSL_CTX *server_ctx, *client_ctx;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "limits: %s failed\n", what);
    exit(1);
}

/* Appends, as a log does: 4 KB, then on disk. */
static double fsyncs_per_second(void)
{
    static const char block[4096];
    char name[] = "limits.XXXXXX";
    int fd = mkstemp(name);
    uint64_t begun = stamp_now_ns(), n = 0;

    must(fd >= 0, "a file in this folder");
    unlink(name);
    for (; stamp_now_ns() - begun < span_ns; n++)
        must(write(fd, block, sizeof(block)) == sizeof(block) &&
                 fdatasync(fd) == 0,
             "write and fdatasync");
    close(fd);
    return (double)n * 1e9 / (double)(stamp_now_ns() - begun);
}

/* ECDSA P-256, as the comparison uses. */
static void make_contexts(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();

    must(key != NULL && cert != NULL, "a key");
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    must(X509_sign(cert, key, EVP_sha256()) > 0, "a certificate");
    server_ctx = SSL_CTX_new(TLS_server_method());
    client_ctx = SSL_CTX_new(TLS_client_method());
    must(SSL_CTX_use_certificate(server_ctx, cert) == 1 &&
             SSL_CTX_use_PrivateKey(server_ctx, key) == 1 &&
             SSL_CTX_set_session_id_context(server_ctx,
                                            (const unsigned char *)"l", 1) == 1,
         "a TLS context");
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* One handshake through memory. Replaces *session by the next ticket; the
 * caller owns it. */
static void shake_hands(SSL_SESSION **session, bool resume)
{
    SSL *server = SSL_new(server_ctx), *client = SSL_new(client_ctx);
    BIO *a = NULL, *b = NULL;
    char none;
    int s = 0, c = 0;

    must(BIO_new_bio_pair(&a, 65536, &b, 65536) == 1, "a pair");
    SSL_set_bio(server, a, a);
    SSL_set_bio(client, b, b);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    if (resume)
        must(SSL_set_session(client, *session) == 1, "resumption");
    for (int i = 0; i < 10 && (s != 1 || c != 1); i++) {
        c = SSL_do_handshake(client);
        s = SSL_do_handshake(server);
    }
    must(s == 1 && c == 1, "a handshake");
    must(SSL_session_reused(client) == resume, "the kind of handshake");
    SSL_read(client, &none, 1); /* takes the tickets in */
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(client);
    /* Not an error: a session of an unclean end could not be resumed. */
    SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(server);
    SSL_free(client);
}

struct shaker {
    pthread_t thread;
    bool resume;
    uint64_t done;
};

static void *shaker_run(void *context)
{
    struct shaker *me = context;
    SSL_SESSION *session = NULL;
    uint64_t begun;

    shake_hands(&session, false);
    begun = stamp_now_ns();
    for (; stamp_now_ns() - begun < span_ns; me->done++)
        shake_hands(&session, me->resume);
    SSL_SESSION_free(session);
    return NULL;
}

static double handshakes_per_second(bool resume, unsigned cores)
{
    struct shaker *all = calloc(cores, sizeof(*all));
    uint64_t begun = stamp_now_ns(), n = 0;
    double seconds;

    must(all != NULL, "memory");
    for (unsigned i = 0; i < cores; i++) {
        all[i].resume = resume;
        must(pthread_create(&all[i].thread, NULL, shaker_run, &all[i]) == 0,
             "a thread");
    }
    for (unsigned i = 0; i < cores; i++) {
        pthread_join(all[i].thread, NULL);
        n += all[i].done;
    }
    seconds = (double)(stamp_now_ns() - begun) / 1e9;
    free(all);
    return (double)n / seconds;
}

int main(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = cores < 1 ? 1 : (unsigned)cores;

    make_contexts();
    printf("{\"cores\": %u, \"fsync_per_second\": %.0f, ", n,
           fsyncs_per_second());
    printf("\"full_handshakes_per_second\": %.0f, ",
           handshakes_per_second(false, n));
    printf("\"resumed_handshakes_per_second\": %.0f}\n",
           handshakes_per_second(true, n));
    SSL_CTX_free(server_ctx);
    SSL_CTX_free(client_ctx);
    return 0;
}
