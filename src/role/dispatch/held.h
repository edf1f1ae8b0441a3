/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register of leased parcels: who is being worked on, and whose lease
 * must be made longer meanwhile. Thread-safe.
 */
#ifndef POSTSEAL_DISPATCH_HELD_H
#define POSTSEAL_DISPATCH_HELD_H

#include "role/dispatch/parcel.h"

struct held;
struct held *held_new(void);
void held_free(struct held **held);

void held_add(struct held *held, struct parcel *parcel);
/* The parcel is settled or given back. */
void held_remove(struct held *held, struct parcel *parcel);
/* Deliveries registered now, and the octets they keep in memory. */
size_t held_count(struct held *held, size_t *bytes);

struct held_lease {
    struct id delivery_id;
    int64_t fence;
};
/* Deliveries whose lease ends before `before_mono_ms`; they are taken as
 * extended to until_mono_ms. In arena. */
size_t held_due(struct held *held, int64_t before_mono_ms,
                int64_t until_mono_ms, struct arena *arena,
                struct held_lease **out);
/* Waits until nothing is registered; false after wait_ms. */
bool held_wait_empty(struct held *held, int64_t wait_ms);

#endif
