/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes with servers and clients of every kind, in this process, over
 * socket pairs, with certificates made here. */
#include "base/clock.h"
#include "net/stream.h"
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MX "mx1.good.example"
enum { DAY_S = 86400, WAIT_MS = 5000 };

/* --- certificates ----------------------------------------------------------
 */

static EVP_PKEY *ca_key, *host_key;
static X509 *ca;
static char dir[] = "/tmp/postseal-tls-XXXXXX";
static char ca_file[64];
static struct tls_trust *trust;

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static X509 *make(const char *name, const char *alternative, long from_s,
                  long to_s, X509 *issuer, EVP_PKEY *key, EVP_PKEY *signer)
{
    static long serial = 1;
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), from_s);
    X509_gmtime_adj(X509_getm_notAfter(x), to_s);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer)
                                           : subject);
    if (alternative != NULL)
        extend(x, issuer != NULL ? issuer : x, NID_subject_alt_name,
               alternative);
    else if (issuer == NULL)
        extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(x, signer, EVP_sha256()) > 0);
    return x;
}

static X509 *host(const char *alternative, long from_s, long to_s)
{
    return make("host", alternative, from_s, to_s, ca, host_key, ca_key);
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as every role does */
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", dir);
    ca_key = EVP_EC_gen("P-256");
    host_key = EVP_RSA_gen(2048);
    ca = make("practice CA", NULL, -DAY_S, DAY_S, NULL, ca_key, ca_key);
    FILE *f = fopen(ca_file, "we");
    PEM_write_X509(f, ca);
    fclose(f);
    return status_is_ok(tls_trust_open(str_from_cstr(ca_file), &trust)) ? 0
                                                                        : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tls_trust_close(&trust);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(host_key);
    unlink(ca_file);
    return rmdir(dir);
}

/* --- a server in a thread --------------------------------------------------
 */

struct far {
    X509 *certificate;
    bool with_ca; /* in the chain that it sends */
    int lowest, highest;
    const char *suites; /* TLS 1.2 and older */
    int fd;
};

static void *serve(void *argument)
{
    struct far *far = argument;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *ssl;
    char c;

    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, far->lowest);
    SSL_CTX_set_max_proto_version(ctx, far->highest);
    SSL_CTX_set_cipher_list(ctx, far->suites != NULL ? far->suites
                                                     : "ALL:@SECLEVEL=0");
    SSL_CTX_use_certificate(ctx, far->certificate);
    SSL_CTX_use_PrivateKey(ctx, host_key);
    if (far->with_ca)
        SSL_CTX_add1_chain_cert(ctx, ca);
    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, far->fd);
    if (SSL_accept(ssl) == 1)
        while (SSL_read(ssl, &c, 1) == 1)
            SSL_write(ssl, &c, 1);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(far->fd);
    return NULL;
}

static struct tls_seen shake(struct far far, struct tls_client client)
{
    struct tls_seen seen;
    pthread_t thread;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    far.fd = fds[1];
    if (far.lowest == 0)
        far.lowest = TLS1_2_VERSION;
    pthread_create(&thread, NULL, serve, &far);
    struct stream *s = stream_from_fd(fds[0]);
    stream_timeout(s, WAIT_MS);
    client.trust = trust;
    enum stream_result r = stream_start_tls_client(s, &client, MX);
    tls_seen_of(s, &client, &seen);
    assert_int_equal(r == STREAM_OK, seen.up);
    if (seen.up) { /* whatever the verdict: it does carry octets */
        char c = 0;

        stream_write(s, STR("x"));
        assert_int_equal(stream_flush(s), STREAM_OK);
        assert_int_equal(stream_read_all(s, &c, 1), STREAM_OK);
        assert_int_equal(c, 'x');
    }
    stream_free(&s);
    pthread_join(thread, NULL);
    X509_free(far.certificate);
    return seen;
}

static struct tls_client want(enum tls_need need)
{
    return (struct tls_client){ .need = need,
                                .reference = STR(MX),
                                .tlsa_base = STR(MX) };
}

static bool says(const struct tls_seen *seen, const char *text)
{
    if (strstr(seen->fault, text) == NULL)
        print_error("fault is \"%s\", wanted \"%s\"\n", seen->fault, text);
    return strstr(seen->fault, text) != NULL;
}

/* --- public CAs ------------------------------------------------------------
 */

static void pkix_good(void **state)
{
    struct far far = { .certificate = host("DNS:" MX, -DAY_S, DAY_S) };
    struct tls_seen seen = shake(far, want(TLS_NEED_PKIX));

    (void)state;
    assert_true(seen.up && seen.approved);
    assert_int_equal(seen.by, VERIFIED_PKIX);
    assert_string_equal(seen.version, "TLSv1.3");
    assert_string_equal(seen.cipher, "TLS_AES_256_GCM_SHA384");
    assert_true(seen.group[0] != '\0');
    assert_string_equal(seen.fault, "");
    far.certificate = host("DNS:*.good.example", -DAY_S, DAY_S);
    far.highest = TLS1_2_VERSION;
    seen = shake(far, want(TLS_NEED_STS));
    assert_int_equal(seen.by, VERIFIED_STS);
    assert_string_equal(seen.version, "TLSv1.2");
    assert_true(seen.approved);
}

static void pkix_refused(void **state)
{
    static const struct {
        const char *alternative, *says, *code;
        long from_s, to_s;
    } rows[] = {
        { "DNS:mx.other.example,DNS:b.example,DNS:c.example",
          "certificate is for mx.other.example, b.example ..., not " MX,
          "certificate-host-mismatch", -DAY_S, DAY_S },
        { "DNS:*.example", "certificate is for *.example, not " MX,
          "certificate-host-mismatch", -DAY_S, DAY_S },
        { "DNS:m*.good.example", "not " MX, "certificate-host-mismatch", -DAY_S,
          DAY_S },
        { "DNS:" MX, "certificate expired 20", "certificate-expired",
          -10 * DAY_S, -DAY_S },
        { "DNS:" MX, "certificate is not valid before 20",
          "certificate-expired", DAY_S, 10 * DAY_S },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct far far = { .certificate = host(rows[i].alternative,
                                               rows[i].from_s, rows[i].to_s) };
        struct tls_seen seen = shake(far, want(TLS_NEED_PKIX));

        assert_true(seen.up); /* the reason is known because it went on */
        assert_int_equal(seen.by, VERIFIED_NONE);
        assert_true(says(&seen, rows[i].says));
        assert_string_equal(seen.fault_code, rows[i].code);
    }
}

/* A name in the subject alone is no name (RFC 6125, 6.4.4; RFC 9525). */
static void no_name_in_the_subject(void **state)
{
    struct far far = { .certificate = make(MX, NULL, -DAY_S, DAY_S, ca,
                                           host_key, ca_key) };
    struct tls_seen seen = shake(far, want(TLS_NEED_PKIX));

    (void)state;
    assert_int_equal(seen.by, VERIFIED_NONE);
    assert_true(says(&seen, "no host name"));
}

static X509 *self_signed(long to_s)
{
    return make(MX, "DNS:" MX, -10 * DAY_S, to_s, NULL, host_key, host_key);
}

static void self_signed_refused(void **state)
{
    struct far far = { .certificate = self_signed(DAY_S) };
    struct tls_seen seen = shake(far, want(TLS_NEED_PKIX));

    (void)state;
    assert_int_equal(seen.by, VERIFIED_NONE);
    assert_true(says(&seen, "self-signed certificate"));
    assert_string_equal(seen.fault_code, "certificate-not-trusted");
    far.certificate = self_signed(DAY_S);
    seen = shake(far, want(TLS_NEED_ENCRYPT));
    assert_true(seen.up && seen.approved);
    assert_int_equal(seen.by, VERIFIED_NONE); /* nothing is claimed */
    assert_string_equal(seen.fault, "");
}

/* --- DANE ------------------------------------------------------------------
 */

static void digest_key(X509 *x, unsigned char out[32])
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

    EVP_Digest(der, (size_t)n, out, NULL, EVP_sha256(), NULL);
    OPENSSL_free(der);
}

static struct tls_seen shake_dane(struct far far,
                                  const struct tls_record *records, size_t n)
{
    struct tls_client client = want(TLS_NEED_DANE);

    client.tlsa = records;
    client.tlsa_n = n;
    return shake(far, client);
}

/* TP-06, TP-13: the record vouches for the key; name and dates are nothing. */
static void dane_end_entity(void **state)
{
    struct far far = { .certificate =
                           make("x", "DNS:wrong.example", -10 * DAY_S, -DAY_S,
                                NULL, host_key, host_key) };
    unsigned char hash[32], other[32] = { 1 };
    struct tls_record records[] = {
        { 3, 1, 1, str_of(other, 32) }, /* roll-over: one of two is enough */
        { 3, 1, 1, str_of(hash, 32) },
    };

    (void)state;
    digest_key(far.certificate, hash);
    struct tls_seen seen = shake_dane(far, records, 2);
    assert_int_equal(seen.by, VERIFIED_DANE_EE);
    assert_true(seen.approved);
}

/* TP-14: a perfect certificate does not help. */
static void dane_mismatch(void **state)
{
    struct far far = { .certificate = host("DNS:" MX, -DAY_S, DAY_S) };
    unsigned char hash[32], other[32] = { 1 };
    struct tls_record records[] = {
        { 3, 1, 1, str_of(other, 32) },
        /* Usage 1 is the library's "public CA and this key": not for SMTP. */
        { 1, 1, 1, str_of(hash, 32) },
    };

    (void)state;
    digest_key(far.certificate, hash);
    struct tls_seen seen = shake_dane(far, records, 2);
    assert_true(seen.up);
    assert_int_equal(seen.by, VERIFIED_NONE);
    assert_true(says(&seen, "no TLSA record matches"));
    assert_string_equal(seen.fault_code, "validation-failure");
}

static void dane_trust_anchor(void **state)
{
    struct far far = { .certificate = host("DNS:" MX, -DAY_S, DAY_S),
                       .with_ca = true };
    unsigned char hash[32];
    struct tls_record record = { 2, 1, 1, str_of(hash, 32) };
    struct tls_seen seen;

    (void)state;
    digest_key(ca, hash);
    seen = shake_dane(far, &record, 1);
    assert_int_equal(seen.by, VERIFIED_DANE_TA);
    /* RFC 7672, 3.1.2: with usage 2 the name counts. */
    far.certificate = host("DNS:mx.other.example", -DAY_S, DAY_S);
    seen = shake_dane(far, &record, 1);
    assert_int_equal(seen.by, VERIFIED_NONE);
    assert_true(says(&seen, "certificate is for mx.other.example"));
    /* An aliased MX host: either name does (RFC 7672, 3.2.2). */
    struct tls_client aliased = want(TLS_NEED_DANE);
    aliased.tlsa = &record;
    aliased.tlsa_n = 1;
    aliased.tlsa_base = STR("real.example");
    far.certificate = host("DNS:" MX, -DAY_S, DAY_S);
    assert_int_equal(shake(far, aliased).by, VERIFIED_DANE_TA);
    far.certificate = host("DNS:real.example", -DAY_S, DAY_S);
    assert_int_equal(shake(far, aliased).by, VERIFIED_DANE_TA);
}

/* --- pins ------------------------------------------------------------------
 */

static void pinned(void **state)
{
    unsigned char hash[32], other[32] = { 1 };
    struct str keys[] = { str_of(other, 32), str_of(hash, 32) };
    struct tls_client client = want(TLS_NEED_PIN);
    struct far far = { .certificate = self_signed(DAY_S) };
    struct tls_seen seen;

    (void)state;
    digest_key(far.certificate, hash);
    client.spki_sha256 = keys;
    client.spki_n = 2;
    seen = shake(far, client);
    assert_int_equal(seen.by, VERIFIED_PIN);
    far.certificate = host("DNS:" MX, -DAY_S, DAY_S);
    client.spki_n = 1;
    seen = shake(far, client);
    assert_int_equal(seen.by, VERIFIED_NONE);
    assert_true(says(&seen, "not the pinned one"));
}

/* --- versions and suites ---------------------------------------------------
 */

/* TP-04 */
static void old_versions(void **state)
{
    static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct far far = { .certificate = self_signed(DAY_S),
                           .lowest = versions[i],
                           .highest = versions[i] };
        struct tls_seen seen = shake(far, want(TLS_NEED_ENCRYPT));

        assert_false(seen.up);
        assert_true(says(&seen, "does not speak TLS 1.2 or newer"));
        assert_true(tls_fault_is_lasting(&seen));
        /* Opportunistic: better than clear, and never called approved. */
        far.certificate = self_signed(DAY_S);
        seen = shake(far, want(TLS_NEED_MAY));
        assert_true(seen.up);
        assert_false(seen.approved);
    }
}

/* A server from before supported_versions answers with what it has. */
static void old_version_is_named(void **state)
{
    unsigned char hello[] = {
        0x16, 3,    2, 0, 42, 2, 0, 0, 38, 3, 2, /* ServerHello, TLS 1.1 */
        1,    2,    3, 4, 5,  6, 7, 8, 9,  0, 1, 2, 3, 4, 5, 6, 7,
        8,    9,    0, 1, 2,  3, 4, 5, 6,  7, 8, 9, 0, 1, 2, 0, /* no session id
                                                                 */
        0,    0x2f, 0,
    };
    struct tls_client client = want(TLS_NEED_ENCRYPT);
    struct tls_seen seen;
    int fds[2];

    (void)state;
    client.trust = trust;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(send(fds[1], hello, sizeof(hello), 0), sizeof(hello));
    struct stream *s = stream_from_fd(fds[0]);
    stream_timeout(s, WAIT_MS);
    assert_int_equal(stream_start_tls_client(s, &client, MX), STREAM_BROKEN);
    tls_seen_of(s, &client, &seen);
    assert_true(says(&seen, "speaks only TLS 1.1"));
    assert_true(tls_fault_is_lasting(&seen));
    stream_free(&s);
    close(fds[1]);
}

static void weak_suites(void **state)
{
    static const char *const suites[] = { "AES128-SHA", "AES128-GCM-SHA256",
                                          "ECDHE-RSA-AES128-SHA256",
                                          "ECDHE-RSA-CHACHA20-POLY1305" };

    (void)state;
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        struct far far = { .certificate = self_signed(DAY_S),
                           .highest = TLS1_2_VERSION,
                           .suites = suites[i] };
        struct tls_seen seen = shake(far, want(TLS_NEED_ENCRYPT));

        assert_false(seen.up);
        assert_true(tls_fault_is_lasting(&seen));
        far.certificate = self_signed(DAY_S);
        seen = shake(far, want(TLS_NEED_MAY));
        assert_true(seen.up);
        assert_false(seen.approved);
    }
}

static void never(void **state)
{
    struct tls_client client = want(TLS_NEED_NEVER);

    (void)state;
    client.trust = trust;
    assert_null(tls_client_session(&client, MX));
    client.need = TLS_NEED_DANE; /* without a record */
    assert_null(tls_client_session(&client, MX));
    client.need = TLS_NEED_PKIX;
    client.reference = STR("");
    assert_null(tls_client_session(&client, MX));
}

/* --- our server ------------------------------------------------------------
 */

static struct tls_server *our_server(enum tls_use use)
{
    char certificate[64], key[64];
    X509 *x = host("DNS:gate.example", -DAY_S, DAY_S);
    struct tls_server *server;

    snprintf(certificate, sizeof(certificate), "%s/host.pem", dir);
    snprintf(key, sizeof(key), "%s/host.key", dir);
    FILE *f = fopen(certificate, "we");
    PEM_write_X509(f, x);
    fclose(f);
    f = fopen(key, "we");
    PEM_write_PrivateKey(f, host_key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    struct status st = tls_server_new(str_from_cstr(certificate),
                                      str_from_cstr(key), use, &server);
    if (!status_is_ok(st))
        fail_msg("%s", st.why);
    /* A key of another certificate is said at once, not in a handshake. */
    f = fopen(key, "we");
    PEM_write_PrivateKey(f, ca_key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    struct tls_server *wrong;
    st = tls_server_new(str_from_cstr(certificate), str_from_cstr(key), use,
                        &wrong);
    assert_false(status_is_ok(st));
    assert_null(wrong);
    unlink(certificate);
    unlink(key);
    X509_free(x);
    return server;
}

struct visitor {
    int fd;
    int highest;
    const char *alpn; /* in wire form */
    bool up;
    int reason;
    bool takes_session;
    SSL_SESSION *session; /* offered, NULL: none; then the one that came */
    bool resumed;
};

static void take_session(SSL *ssl, struct visitor *v)
{
    char c;

    v->resumed = SSL_session_reused(ssl) == 1;
    while (SSL_read(ssl, &c, 1) == 1) /* what came with it, a ticket too */
        continue;
    SSL_SESSION_free(v->session);
    v->session = SSL_get1_session(ssl);
}

static void *visit(void *argument)
{
    struct visitor *v = argument;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, v->highest);
    ssl = SSL_new(ctx);
    if (v->alpn != NULL)
        SSL_set_alpn_protos(ssl, (const unsigned char *)v->alpn,
                            (unsigned)strlen(v->alpn));
    SSL_set_fd(ssl, v->fd);
    if (v->session != NULL)
        SSL_set_session(ssl, v->session);
    ERR_clear_error();
    v->up = SSL_connect(ssl) == 1;
    v->reason = ERR_GET_REASON(ERR_peek_error());
    if (v->up)
        SSL_write(ssl, "hello\r\n", 7);
    SSL_shutdown(ssl);
    if (v->takes_session)
        take_session(ssl, v);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return NULL;
}

static enum stream_result receive(struct tls_server *server, struct visitor *v)
{
    enum stream_result r;
    pthread_t thread;
    struct str line;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    v->fd = fds[1];
    pthread_create(&thread, NULL, visit, v);
    struct stream *s = stream_from_fd(fds[0]);
    stream_timeout(s, WAIT_MS);
    r = stream_start_tls_server(s, server);
    if (r == STREAM_OK) {
        assert_int_equal(stream_read_line(s, 100, &line), STREAM_OK);
        assert_true(str_eq(line, STR("hello")));
        assert_int_equal(stream_read_line(s, 100, &line), STREAM_CLOSED);
        stream_shutdown(s);
        /* SI-03: a clear octet behind the end of TLS is never read. */
        assert_int_equal(send(v->fd, "x", 1, 0), 1);
        assert_int_equal(stream_read_line(s, 100, &line), STREAM_CLOSED);
        assert_int_equal(stream_peek_now(s, &line), STREAM_CLOSED);
    }
    stream_free(&s);
    pthread_join(thread, NULL);
    close(fds[1]);
    return r;
}

/* SI-17 */
static void server_names_protocols(void **state)
{
    static const struct {
        enum tls_use use;
        const char *alpn;
        bool want;
    } rows[] = {
        { TLS_FOR_SMTP, NULL, true },
        { TLS_FOR_SMTP, "\x04smtp", true },
        { TLS_FOR_SMTP, "\x08http/1.1\x04smtp", true },
        { TLS_FOR_SMTP, "\x08http/1.1", false },
        { TLS_FOR_SMTP, "\x02h2\x08http/1.1", false },
        { TLS_FOR_HTTP, "\x02h2\x08http/1.1", true },
        { TLS_FOR_HTTP, "\x04smtp", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_server *server = our_server(rows[i].use);
        struct visitor v = { .alpn = rows[i].alpn };

        assert_int_equal(receive(server, &v) == STREAM_OK, rows[i].want);
        assert_int_equal(v.up, rows[i].want);
        if (!rows[i].want)
            assert_int_equal(v.reason,
                             SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
        tls_server_free(&server);
    }
}

static void server_refuses_old_versions(void **state)
{
    struct tls_server *server = our_server(TLS_FOR_SMTP);
    struct visitor v = { .highest = TLS1_1_VERSION };

    (void)state;
    assert_int_equal(receive(server, &v), STREAM_BROKEN);
    v.highest = TLS1_2_VERSION;
    assert_int_equal(receive(server, &v), STREAM_OK);
    tls_server_free(&server);
}

/* A ticket is good where it was made and nowhere else. */
static void clients_resume(void **state)
{
    struct tls_server *server = our_server(TLS_FOR_SMTP);
    struct visitor v = { .takes_session = true };

    (void)state;
    assert_int_equal(receive(server, &v), STREAM_OK);
    assert_false(v.resumed);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(receive(server, &v), STREAM_OK);
        assert_true(v.resumed);
    }
    tls_server_free(&server);
    server = our_server(TLS_FOR_SMTP);
    assert_int_equal(receive(server, &v), STREAM_OK);
    assert_false(v.resumed);
    SSL_SESSION_free(v.session);
    tls_server_free(&server);
}

/* Not without fresh keys (TLS 1.2), and not where nobody comes that often. */
static void nothing_else_is_resumed(void **state)
{
    static const struct {
        enum tls_use use;
        int highest;
    } rows[] = { { TLS_FOR_SMTP, TLS1_2_VERSION }, { TLS_FOR_HTTP, 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_server *server = our_server(rows[i].use);
        struct visitor v = { .highest = rows[i].highest,
                             .takes_session = true };

        assert_int_equal(receive(server, &v), STREAM_OK);
        assert_int_equal(receive(server, &v), STREAM_OK);
        assert_false(v.resumed);
        SSL_SESSION_free(v.session);
        tls_server_free(&server);
    }
}

/* SI-02: what came in clear before is gone, also when it came with the line
 * that asked for TLS. */
static void clear_text_is_dropped(void **state)
{
    struct tls_server *server = our_server(TLS_FOR_SMTP);
    struct visitor v = { 0 };
    pthread_t thread;
    struct str line;
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(send(fds[1], "STARTTLS\r\nRSET\r\nMAIL", 20, 0), 20);
    struct stream *s = stream_from_fd(fds[0]);
    stream_timeout(s, WAIT_MS);
    assert_int_equal(stream_read_line(s, 100, &line), STREAM_OK);
    assert_true(stream_has_input(s)); /* so that a caller can hang up */
    v.fd = fds[1];
    pthread_create(&thread, NULL, visit, &v);
    assert_int_equal(stream_start_tls_server(s, server), STREAM_OK);
    assert_int_equal(stream_read_line(s, 100, &line), STREAM_OK);
    assert_true(str_eq(line, STR("hello")));
    pthread_join(thread, NULL);
    stream_free(&s);
    close(fds[1]);
    tls_server_free(&server);
}

/* A ClientHello that drips in: each part is taken, none is waited for. */
static void handshake_in_parts(void **state)
{
    struct tls_server *server = our_server(TLS_FOR_SMTP);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    BIO *ours, *theirs;
    char octets[4096];
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    BIO_new_bio_pair(&ours, 0, &theirs, 0);
    SSL_set_bio(ssl, theirs, theirs);
    SSL_connect(ssl);
    int n = BIO_read(ours, octets, sizeof(octets));
    assert_true(n > 100);
    struct stream *s = stream_from_fd(fds[0]);
    assert_int_equal(stream_begin_tls_server(s, server), STREAM_OK);
    for (int i = 0; i < n; i++) {
        assert_int_equal(stream_continue_tls(s), STREAM_TIMEOUT);
        assert_int_equal(send(fds[1], octets + i, 1, 0), 1);
    }
    assert_int_equal(stream_continue_tls(s), STREAM_TIMEOUT);
    assert_true(recv(fds[1], octets, 1, 0) == 1); /* its flight has left */
    shutdown(fds[1], SHUT_WR);
    assert_int_equal(stream_continue_tls(s), STREAM_BROKEN);
    assert_int_equal(stream_continue_tls(s), STREAM_BROKEN);
    stream_free(&s);
    close(fds[1]);
    SSL_free(ssl);
    BIO_free(ours);
    SSL_CTX_free(ctx);
    tls_server_free(&server);
}

static void silent_peer(void **state)
{
    struct tls_client client = want(TLS_NEED_ENCRYPT);
    struct tls_seen seen;
    int fds[2];

    (void)state;
    client.trust = trust;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct stream *s = stream_from_fd(fds[0]);
    stream_deadline(s, clock_mono_ms() + 50);
    assert_int_not_equal(stream_start_tls_client(s, &client, MX), STREAM_OK);
    tls_seen_of(s, &client, &seen);
    assert_false(seen.up);
    assert_true(says(&seen, "timeout"));
    assert_false(tls_fault_is_lasting(&seen));
    /* Never a way back to clear text. */
    stream_write(s, STR("MAIL FROM:<>\r\n"));
    assert_int_equal(stream_flush(s), STREAM_BROKEN);
    stream_free(&s);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pkix_good),
        cmocka_unit_test(pkix_refused),
        cmocka_unit_test(no_name_in_the_subject),
        cmocka_unit_test(self_signed_refused),
        cmocka_unit_test(dane_end_entity),
        cmocka_unit_test(dane_mismatch),
        cmocka_unit_test(dane_trust_anchor),
        cmocka_unit_test(pinned),
        cmocka_unit_test(old_versions),
        cmocka_unit_test(old_version_is_named),
        cmocka_unit_test(weak_suites),
        cmocka_unit_test(never),
        cmocka_unit_test(server_names_protocols),
        cmocka_unit_test(server_refuses_old_versions),
        cmocka_unit_test(clients_resume),
        cmocka_unit_test(nothing_else_is_resumed),
        cmocka_unit_test(clear_text_is_dropped),
        cmocka_unit_test(handshake_in_parts),
        cmocka_unit_test(silent_peer),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
