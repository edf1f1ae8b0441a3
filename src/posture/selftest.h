/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is our own side in order? Resolver, trust anchor, clock, CA store, the way
 * out on port 25. Contacts nobody but the resolver (which asks the root) and
 * the targets it is given by name.
 */
#ifndef POSTSEAL_POSTURE_SELFTEST_H
#define POSTSEAL_POSTURE_SELFTEST_H

#include "posture/posture.h"

enum self_state {
    SELF_GOOD,
    SELF_BAD,
    SELF_UNKNOWN /* not tested, or the test told nothing */
};
struct str self_state_name(enum self_state state); /* "good" ... */

enum self_part {
    SELF_RESOLVER, /* answers at all */
    SELF_DNSSEC, /* a signed name comes back secure, a broken one is refused */
    SELF_ANCHOR, /* the trust anchor fits the root's keys of today */
    SELF_CLOCK,  /* within the root's signatures, not before this build */
    SELF_CA,     /* the CA store loads */
    SELF_PORT    /* port 25 is open and not stripped of STARTTLS */
};
enum { SELF_PARTS = 6 };
struct str self_part_name(enum self_part part); /* "resolver" ... */

struct self_fact {
    enum self_state state;
    struct str text; /* what was found, one sentence */
    struct str step; /* what mends it; "" when good */
};

struct selftest {
    struct self_fact part[SELF_PARTS];
    size_t cas_n; /* CAs in the store */
};

struct self_wishes {
    struct str signed_name; /* must come back secure; "" = the root's keys */
    struct str bogus_name;  /* must be refused; "" = not tried */
    /* Domains whose MX hosts are called to see whether port 25 is open. */
    const struct str *targets;
    size_t targets_n;
};

/* Within about timeout_ms; texts in arena. Never fails: what cannot be tested
 * is SELF_UNKNOWN. */
void selftest_run(const struct config *config, const struct self_wishes *wishes,
                  int64_t timeout_ms, struct arena *arena,
                  struct selftest *out);

#endif
