/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP connection to one host, as a client: greeting, EHLO, STARTTLS,
 * EHLO, AUTH (session_open), then any number of transactions, then QUIT.
 * Straight-line and blocking; a deadline on every phase. The server is taken
 * for hostile: replies are bounded, counted and cleaned, and only what was
 * said inside TLS counts once TLS is up.
 */
#ifndef POSTSEAL_DISPATCH_SESSION_H
#define POSTSEAL_DISPATCH_SESSION_H

#include "base/secret.h"
#include "net/stream.h"
#include "net/tls.h"
#include "policy/verdict.h"
#include "posture/demand.h"
#include "role/dispatch/plan.h"
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

struct session_target {
    struct sockaddr_storage address;
    struct str host; /* the MX name, or the name of the next hop */
    enum tls_need need;
    struct tls_client *tls;
    struct str sni;
    bool wrapped; /* TLS from the first octet (as on port 465) */
    bool no_tls;  /* the second try of an open delivery (TP-02) */
    struct str helo;
    struct str auth_user; /* "" = none */
    const struct secret *auth_secret;
    uint32_t auth_line; /* where the configuration says so */
    int64_t connect_ms, command_ms, data_ms;
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
    bool spoilt;    /* not to be used again */
    char said[400]; /* the newest reply, cleaned */
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

/* What the host lacks that the message demands (SMTPUTF8, REQUIRETLS, SIZE);
 * FAULT_NONE when it can take it. */
struct envelope;
struct fault session_accepts(const struct session *session,
                             const struct envelope *envelope);

struct envelope_rcpt {
    struct str address;
    uint32_t notify; /* NOTIFY_ bits */
    struct str orcpt;
    /* results */
    enum outcome outcome;
    struct status status;
};

struct envelope {
    struct str from;
    uint64_t size_bytes;
    bool body_8bit, smtputf8, requiretls;
    struct str ret, envid;
    struct envelope_rcpt *rcpts;
    size_t n;
};

/* Writes the message with dots doubled, without the final dot. */
struct body_source {
    void *context;
    struct status (*write)(void *context, struct stream *out);
};

enum sent {
    SENT_DONE,      /* every recipient has its result */
    SENT_MISCOUNT,  /* replies do not fit the commands: nobody was served */
    SENT_BROKEN,    /* connection lost before the final dot: nobody was */
    SENT_UNKNOWN,   /* lost after the final dot: results say so */
    SENT_OUR_FAULT, /* the body could not be read: aborted, nobody was */
};
/*
 * One transaction. Nothing is written without a clearance. why is filled for
 * every end but SENT_DONE. After anything but SENT_DONE the session is
 * spoilt.
 */
enum sent session_send(struct session *session, enum clearance clearance,
                       bool pipelined, struct envelope *envelope,
                       const struct body_source *body, struct status *why);

#endif
