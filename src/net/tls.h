/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as a server and as a client, and what a session turned out to be. One
 * SSL_CTX a profile, shared by all threads. A client handshake never ends
 * because a certificate is bad: it is judged afterwards, so that the reason is
 * known, and the caller sends nothing to a server that was not proven.
 */
#ifndef POSTSEAL_NET_TLS_H
#define POSTSEAL_NET_TLS_H

#include "base/status.h"
#include "net/stream.h"
#include "policy/verdict.h"

struct ssl_st;

/* --- server ------------------------------------------------------------ */

enum tls_use { TLS_FOR_SMTP, TLS_FOR_HTTP }; /* the ALPN name that is ours */

/* TLS 1.2+, SP 800-52r2 suites. Files are PEM; the status says what is wrong
 * with them. */
struct status tls_server_new(struct str certificate_file, struct str key_file,
                             enum tls_use use, struct tls_server **out);
void tls_server_free(struct tls_server **server);
/* A fresh session; for stream.c. */
struct ssl_st *tls_server_session(struct tls_server *server);

/* --- client ------------------------------------------------------------ */

/* The public CAs that count, and the two profiles: forced (TLS 1.2+, approved
 * suites) and open (whatever the peer has). Thread-safe. */
struct tls_trust;

/* ca_file "" is the system's store. Read once: no files are needed later. */
struct status tls_trust_open(struct str ca_file, struct tls_trust **out);
void tls_trust_close(struct tls_trust **trust);
/* How many public CAs there are in it. */
size_t tls_trust_count(struct tls_trust *trust);

struct tls_record { /* TLSA, RFC 6698, 2.1 */
    uint8_t usage, selector, matching;
    struct str data;
};

/* What one connection must show. Made by the caller; slices must live until
 * tls_seen_of(). Resumption is off: every connection is a full handshake with
 * its own check (TP-21). */
struct tls_client {
    struct tls_trust *trust;
    struct tls_trial *trial; /* NULL but for a look, never for mail */
    enum tls_need need;
    struct str reference;          /* PKIX, STS: the name in the certificate */
    const struct tls_record *tlsa; /* DANE */
    size_t tlsa_n;
    struct str tlsa_base;          /* DANE: the base domain, RFC 7672 2.2.3 */
    const struct str *spki_sha256; /* PIN: 32 octets each */
    size_t spki_n;
};

/* One version and whatever suites OpenSSL here still speaks: to see what a
 * server accepts. Thread-safe. */
struct tls_trial;
enum tls_version { TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };
struct tls_trial *tls_trial_new(enum tls_version version);
void tls_trial_free(struct tls_trial **trial);

/* A fresh session; for stream.c. NULL: the records cannot be used. */
struct ssl_st *tls_client_session(const struct tls_client *client,
                                  const char *server_name);

/* --- what it turned out to be ------------------------------------------- */

/* Version, suite, group and whether they are approved; of either side. */
void tls_describe(struct stream *s, struct tls_seen *out);
/* The same with the verdict on the server: by and, if it is not proven as
 * the need demands, fault and fault_code. After a failed handshake: fault. */
void tls_seen_of(struct stream *s, const struct tls_client *client,
                 struct tls_seen *out);
/* Would the chain that was shown prove the name to public CAs, whatever the
 * connection was made for? False: *out has fault and fault_code. */
bool tls_trusts(struct tls_trust *trust, struct stream *s, struct str name,
                struct tls_seen *out);
/* The peer's settings are at fault, not the moment. */
bool tls_fault_is_lasting(const struct tls_seen *seen);

#endif
