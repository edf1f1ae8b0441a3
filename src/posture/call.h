/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls one address of one MX host: once as a delivery would, beside it once
 * for each older TLS version, and if need be once more as an open delivery
 * would. For probe.c.
 */
#ifndef POSTSEAL_POSTURE_CALL_H
#define POSTSEAL_POSTURE_CALL_H

#include "posture/crowd.h"
#include "posture/dial.h"
#include "posture/probe.h"

#include <stdatomic.h>

struct call {
    struct dial dial;                /* floor verified */
    struct tls_trial *const *trials; /* PROBE_VERSIONS of them */
    struct crowd *hosts, *addresses;
    atomic_bool *strained; /* of the host: somebody heard 421 */
    int64_t until_ms;      /* monotonic */
    struct arena *arena;   /* nobody else's while this runs */
};

/* out->address, text and port are set. */
void call_address(struct call *call, struct probe_address *out);

#endif
