/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a lease: state, evidence, audit entries, and every message that
 * follows from it (status notifications, words to the sender, portal notices)
 * in one store transaction. The worker does not wait for the disk: the
 * settlement owns what it needs and is handed to the committer.
 */
#ifndef POSTSEAL_DISPATCH_SETTLE_H
#define POSTSEAL_DISPATCH_SETTLE_H

#include "role/dispatch/dispatch.h"
#include "role/dispatch/outgoing.h"
#include "role/dispatch/trip.h"

struct deposit;

/* One delivery's part. */
struct entry {
    struct item *item; /* delivery holds the state to store */
    struct attempt attempts[TRIP_EVIDENCE_MAX];
    size_t attempts_n;
    enum step step;
    struct status status;    /* of the last attempt */
    enum method method;      /* of the last attempt */
    struct deposit *deposit; /* NULL: none */
    bool far_dsn;
    bool lasting; /* the last attempt met a defect that stays until mended */
};

struct settlement {
    struct arena arena;
    struct settlement *next; /* of those to be tried again */
    struct dispatch *dispatch;
    struct parcel *parcel;
    struct entry *entries;
    size_t n;
    struct str header;         /* of the message, while body is open */
    struct outgoing *outgoing; /* messages of ours, linked by next */
    uint32_t tries;
};

struct settlement *settlement_new(struct dispatch *dispatch,
                                  struct parcel *parcel);
/* Takes the settlement over. */
void settle(struct settlement *settlement);
/* Hands in again what the store could not take; about once a second. */
void settle_again(struct dispatch *dispatch);

#endif
