/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secrets of a pickup and the mails about it. A pickup's link holds a
 * token of 256 random bits; whoever has only the store has its hash alone. The
 * notice names sender and organisation and nothing of the message; the word to
 * the sender may hold the PIN.
 */
#ifndef POSTSEAL_SEAL_PICKUP_H
#define POSTSEAL_SEAL_PICKUP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/status.h"

enum {
    PICKUP_TOKEN_SIZE = 44, /* 43 letters of base64url and a NUL */
    PICKUP_PIN_SIZE = 7,    /* 6 digits and a NUL */
    PICKUP_HASH = 32
};

void pickup_token_new(char out[PICKUP_TOKEN_SIZE]);
void pickup_pin_new(char out[PICKUP_PIN_SIZE]);
/* SHA-256 of the token's text. */
void pickup_token_hash(struct str token, unsigned char out[PICKUP_HASH]);
/* SHA-256 of "<pickup id>:<secret>": PINs and one-time codes. */
void pickup_secret_hash(const struct id *pickup, struct str secret,
                        unsigned char out[PICKUP_HASH]);

/* Texts with {{name}} in them; made once, shared by all threads. */
struct pickup_templates {
    struct arena arena;
    struct str notice_text, notice_html, tell_text;
};
/* From dir (notice.txt, notice.html, tell.txt; what is missing is built in;
 * "" = all built in). An unknown {{name}} is refused here. */
struct status pickup_templates_load(struct str dir,
                                    struct pickup_templates *out);
void pickup_templates_free(struct pickup_templates *templates);

struct pickup_mail {
    struct str mail_from;  /* header From: of the gateway */
    struct str to;         /* whom this mail goes to */
    struct str message_id; /* without < > */
    struct str boundary;
    struct str organisation, hostname;
    struct str sender;    /* of the message that waits */
    struct str recipient; /* who shall read it */
    struct str link;
    struct str pin;    /* tell only; "" = none needed */
    struct str method; /* tell only: "portal", "tls" ... */
    struct str why;    /* tell only: plain words */
    int64_t now_wall_ms, expires_wall_ms;
};

/* A whole message for the recipient, text and HTML. */
void pickup_notice_write(const struct pickup_templates *templates,
                         const struct pickup_mail *mail, struct buf *out);
/* A whole message for the sender: the recipient was reached another way. */
void pickup_tell_write(const struct pickup_templates *templates,
                       const struct pickup_mail *mail, struct buf *out);

#endif
