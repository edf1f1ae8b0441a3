/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where parcels wait for a worker: one queue per destination, taken round
 * robin, so that a destination with 10,000 messages gets no more turns than
 * one with a single message. How many workers a destination gets at once
 * adapts: 2 at first, one more per success, half after a failure to connect.
 * A destination whose hosts are all down rests for a while; its parcels are
 * then answered with the old failure instead of a new connection.
 *
 * Shared between the leaser and the workers; holds its own lock.
 */
#ifndef POSTSEAL_DISPATCH_YARD_H
#define POSTSEAL_DISPATCH_YARD_H

#include "base/status.h"
#include "role/dispatch/parcel.h"

struct yard;
struct yard_place; /* one destination */

struct yard *yard_new(uint32_t per_destination, int64_t rest_max_ms);
void yard_free(struct yard **yard);

void yard_push(struct yard *yard, struct parcel *parcel);
/* Waits up to wait_ms for a parcel; NULL when none came or after yard_stop. */
struct parcel *yard_take(struct yard *yard, int64_t wait_ms,
                         struct yard_place **place);

enum yard_news {
    YARD_WELL,    /* something was delivered or answered */
    YARD_NEUTRAL, /* nothing learnt about the destination */
    YARD_STRAIN,  /* 421 or too many connections: fewer at once */
    YARD_DOWN,    /* no host could be reached: rest */
};
/* The worker is done with the parcel (which it owns since yard_take). For
 * YARD_DOWN the status is what the resting destination answers. */
void yard_done(struct yard *yard, struct yard_place *place, enum yard_news news,
               struct status why);
/* Is the destination resting? Then *why is its failure. */
bool yard_resting(struct yard *yard, struct yard_place *place,
                  struct status *why);

/* Takes every waiting parcel out again (orderly stop); linked by next. */
struct parcel *yard_stop(struct yard *yard);
/* Domains with at least `many` parcels waiting, in arena. */
size_t yard_saturated(struct yard *yard, size_t many, struct arena *arena,
                      struct str **domains);
/* Parcels waiting and being worked on. */
size_t yard_load(struct yard *yard);

#endif
