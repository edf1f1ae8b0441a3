/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try of one rung for the recipients of a parcel: what came of it for
 * each, and the evidence. Made by a rung (carry, deposit), read by settle.
 */
#ifndef POSTSEAL_DISPATCH_TRIP_H
#define POSTSEAL_DISPATCH_TRIP_H

#include "policy/verdict.h"
#include "role/dispatch/parcel.h"
#include "role/dispatch/plan.h"
#include "role/dispatch/yard.h"

enum { TRIP_EVIDENCE_MAX = 12 };

/* One connection, or one host that was passed over. Texts live in the arena. */
struct evidence {
    int64_t at_wall_ms;
    struct str mx, address;
    struct tls_seen seen;
    bool clear; /* nothing on this connection was encrypted */
    struct str reply, why;
    struct status status;
    const char *result; /* "delivered", "deferred", "refused-tls" ... */
    uint32_t dns_ms, connect_ms, tls_ms, send_ms;
};

struct passenger {
    struct item *item;
    enum outcome outcome;
    struct status status; /* codes and words for DSN and log */
    struct str reply;     /* the far side's words */
    bool far_dsn;         /* the far side took over NOTIFY=SUCCESS */
    bool mendable;        /* OUTCOME_LASTING by the far side's settings */
};

struct trip {
    struct arena *arena; /* of the worker, for this parcel */
    struct parcel *parcel;
    enum method method;
    enum floor link; /* what the connection must meet */
    struct passenger *passengers;
    size_t n;
    struct evidence evidence[TRIP_EVIDENCE_MAX]; /* the last one decides */
    size_t evidence_n;
    bool abandoned;        /* this process ends: nothing was found out */
    struct str method_why; /* why this rung did or did not serve */
    enum yard_news news;
    struct status news_why;
};

/* A slot for the next piece; the last one is overwritten when all are used. */
struct evidence *trip_evidence(struct trip *trip);
/* The same end for all passengers. */
void trip_all(struct trip *trip, enum outcome outcome, struct status status);

#endif
