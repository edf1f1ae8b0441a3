/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Will an answer to our mail come back encrypted? Judges our own inbound side
 * from a probe of it, and says what is known of who will answer. Pure.
 */
#ifndef POSTSEAL_POSTURE_REPLIES_H
#define POSTSEAL_POSTURE_REPLIES_H

#include "posture/answers.h"

/* What our domain demands of those who send to it. */
enum replies_force {
    FORCE_NONE, /* TLS is possible at most */
    FORCE_STS,  /* MTA-STS enforce: of senders that look */
    FORCE_DANE, /* DANE on every MX: of senders that look */
    FORCE_BOTH
};
struct str replies_force_name(enum replies_force force);

struct remedy {
    struct str title;
    struct str text;
    struct str record; /* ready to paste; "" = none */
};
enum { REMEDIES_MAX = 12 };

struct replies {
    enum answer_can good_tls; /* do all MX offer proven TLS 1.2+? */
    enum answer_can any_tls;  /* do all MX offer TLS at all? */
    enum replies_force force;
    /* Is mail in clear turned away? A server says so only to MAIL FROM (530),
     * which is never sent here: how to find out. */
    struct str clear_text;
    /* Does an answer come back encrypted from a sender that demands proven
     * TLS, from one that takes TLS where it is offered, from one without? */
    enum answer_can careful, ordinary, careless;
    struct str careful_text, ordinary_text, careless_text;
    struct str theirs_text;  /* of THEIRDOMAIN; "" = none asked */
    struct str summary;      /* says so when nothing forces TLS */
    struct remedy *remedies; /* strongest first */
    size_t remedies_n;
};

/* ours: of the domain that answers come back to; theirs: of who answers, may
 * be NULL. */
void replies_of(const struct probe *ours, const struct answers *our_answers,
                const struct probe *theirs, const struct answers *their_answers,
                struct arena *arena, struct replies *out);

#endif
