/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP session (RFC 5321). A thread runs it as far as the client's octets
 * go and never waits for more than a moment: then the session is parked, be it
 * idle, in the middle of a line, a handshake or a message, and a client that
 * drips costs no thread (SI-12). Everything it needs is in struct session.
 * Each command is a row of the table in commands.c and a handler in a file of
 * its own; what may happen before TLS is visible there.
 */
#ifndef POSTSEAL_ROLE_INTAKE_SESSION_H
#define POSTSEAL_ROLE_INTAKE_SESSION_H

#include "base/arena.h"
#include "mail/address.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/tls.h"
#include "policy/config.h"
#include "role/intake/auth_gate.h"
#include "role/intake/spool.h"
#include "role/role.h"
#include "smtp/data.h"
#include "store/queue.h"
#include "store/store.h"

/* What all sessions share; constant after start, or with a lock inside. */
struct intake {
    const struct config *config;
    const struct role *role;
    struct store *store;
    struct tls_server *tls; /* NULL: no certificate, no STARTTLS */
    struct rest_public *dispatch_key;
    struct auth_gate *auth_gate;
    _Atomic uint32_t auth_waiting; /* threads that wait for an answer */
};

struct session_rcpt {
    struct str recipient, domain, orcpt;
    uint32_t notify;
};

/* From MAIL to the end of data. */
struct transaction {
    bool open;
    struct id id;
    struct str from;
    struct str ret, envid;
    bool smtputf8, body_8bit, requiretls;
    struct session_rcpt *rcpts; /* in arena, capacity limits.recipients */
    uint32_t rcpts_n, rcpts_cap;
    int64_t end_mono_ms; /* of the whole transaction */
    bool spooling;       /* BDAT has begun */
    struct smtp_lines lines;
    struct spool spool;
};

enum session_phase {
    PHASE_COMMAND,
    PHASE_HANDSHAKE,
    PHASE_DATA,  /* after 354, until the dot */
    PHASE_CHUNK, /* in the octets of BDAT */
};

struct session_chunk {
    uint64_t size, left;
    bool last, kept; /* not kept: no transaction, the octets are dropped */
};

struct session {
    struct intake *in;
    const struct listen_config *listen;
    struct stream *stream;
    struct arena arena;    /* of the session: greeting, account */
    struct arena tx_arena; /* of the transaction */
    struct id id;          /* in log lines */
    struct str helo;       /* "" before EHLO or HELO */
    bool esmtp, greeted, closing;
    bool address_allowed; /* accept-from */
    struct str user;      /* "" = not authenticated */
    const struct str *user_senders;
    size_t user_senders_n;
    uint32_t errors, auth_failures;
    struct transaction tx;
    enum session_phase phase;
    int64_t phase_end_mono_ms; /* of this line, handshake or wait for octets */
    struct smtp_data_decoder decoder; /* PHASE_DATA */
    struct session_chunk chunk;       /* PHASE_CHUNK */
    bool dribbles; /* few octets came: not worth a thread's waiting */
};

struct session *session_new(struct intake *in,
                            const struct listen_config *listen,
                            struct stream **stream);
/* Runs until the session ends or it is the client's turn. */
enum listener_next session_step(void *session, int64_t *park_until_mono_ms);
/* Says 421 when it may, then forgets everything. */
void session_free(void *session);

/* For the handlers. A reply is collected; replies of one pipelined group leave
 * in one write. */
void session_reply(struct session *s, struct status st);
/* Unexpected end or an own decision: no more commands. */
void session_close(struct session *s);
/* Forgets the transaction as a whole; there is no partial reset. */
void session_reset(struct session *s);
/* As new but for the connection: after STARTTLS (RFC 3207, 4.2). */
void session_forget(struct session *s);
/* Waits of the current phase: now + each_ms, never past the transaction. */
void session_deadline(struct session *s, int64_t each_ms);
/* The client has each_ms for what comes next, never past the transaction. */
void session_expect(struct session *s, int64_t each_ms);
/* The other phases: deal with what is here; false: the client's turn. */
bool handshake_go_on(struct session *s);
bool data_go_on(struct session *s);
bool chunk_go_on(struct session *s);
/* PHASE_HANDSHAKE begins. */
void handshake_begin(struct session *s);
/* The greeting (RFC 5321, 3.1). */
void session_banner(struct session *s);
bool session_may_relay(const struct session *s);

typedef void session_handler(struct session *s, struct str argument);
session_handler cmd_auth, cmd_bdat, cmd_data, cmd_ehlo, cmd_helo, cmd_help,
    cmd_mail, cmd_noop, cmd_quit, cmd_rcpt, cmd_rset, cmd_starttls, cmd_vrfy;

/* Finds the row for a line and runs it, or answers 500, 503, 530. */
void command_run(struct session *s, struct str line);

#endif
