/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP connection to one host, as a client: greeting, EHLO, STARTTLS,
 * EHLO (session_open), what its owner does with it, then QUIT.
 * Straight-line and blocking; a deadline on every phase. The server is taken
 * for hostile: replies are bounded, counted and cleaned, and only what was
 * said inside TLS counts once TLS is up.
 */
#ifndef POSTSEAL_POSTURE_SESSION_H
#define POSTSEAL_POSTURE_SESSION_H

#include "base/secret.h"
#include "net/stream.h"
#include "net/tls.h"
#include "policy/verdict.h"
#include "smtp/caps.h"

/* Why a connection could not be used. */
enum fault_kind {
    FAULT_NONE,
    FAULT_DOWN,    /* nothing answers there: no TCP, no greeting */
    FAULT_PASSING, /* answered, but not now */
    FAULT_STRAIN,  /* 421: fewer connections, please */
    FAULT_LASTING, /* cannot meet the need as it is configured */
};
struct fault {
    enum fault_kind kind;
    struct status why;
};

/* What a session tells whoever looks on, in this order. */
enum session_step {
    SESSION_UNREACHED, /* no connection: errno says why */
    SESSION_CONNECTED,
    SESSION_GREETED, /* answer: the greeting, or what came instead */
    SESSION_HELLO, /* answer with its lines; caps are filled; twice with TLS */
    SESSION_TLS    /* the handshake ended, seen says how */
};
struct session;
struct answer;
struct session_watch {
    void *context;
    /* session: NULL when unreached; answer: NULL where none belongs. */
    void (*step)(void *context, enum session_step step,
                 const struct session *session, const struct answer *answer);
};

struct session_target {
    struct sockaddr_storage address;
    struct str host; /* the MX name, or the name of the next hop */
    enum tls_need need;
    struct tls_client *tls;
    struct str sni;
    bool wrapped; /* TLS from the first octet (as on port 465) */
    bool no_tls;  /* the second try of an open delivery (TP-02) */
    struct str helo;
    /* For the login that who opened the session does next. */
    struct str auth_user; /* "" = none */
    const struct secret *auth_secret;
    uint32_t auth_line; /* where the configuration says so */
    int64_t connect_ms, command_ms, data_ms;
    const struct session_watch *watch; /* NULL: nobody looks on */
    int stop_fd; /* readable: give up before the first MAIL; 0: never */
};

struct session {
    struct stream *stream;
    struct smtp_caps caps;
    struct tls_seen seen;
    enum tls_need need;
    struct str host; /* owned */
    char address[64];
    int64_t command_ms, data_ms;
    uint32_t connect_took_ms, tls_took_ms;
    uint32_t sent; /* transactions so far */
    int64_t opened_ms;
    bool spoilt;                       /* not to be used again */
    char said[400];                    /* the newest reply, cleaned */
    const struct session_watch *watch; /* while it is opened */
};

/* *out is NULL when the fault is not FAULT_NONE. `seen` is filled either way:
 * evidence for the attempt's record. */
struct fault session_open(const struct session_target *target,
                          struct tls_seen *seen, struct session **out);
/* QUIT without waiting for the answer, then close. NULL is fine. */
void session_quit(struct session **session);
/* Close at once. */
void session_drop(struct session **session);
/* The peer has not closed or spoken while the connection was idle. */
bool session_is_quiet(const struct session *session);

#endif
