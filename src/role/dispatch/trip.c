/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/trip.h"

#include "base/clock.h"

struct evidence *trip_evidence(struct trip *trip)
{
    struct evidence *e;

    if (trip->evidence_n < TRIP_EVIDENCE_MAX)
        trip->evidence_n++;
    e = &trip->evidence[trip->evidence_n - 1];
    *e = (struct evidence){ .at_wall_ms = clock_wall_ms() };
    return e;
}

void trip_all(struct trip *trip, enum outcome outcome, struct status status)
{
    for (size_t i = 0; i < trip->n; i++) {
        trip->passengers[i].outcome = outcome;
        trip->passengers[i].status = status;
    }
}
