/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting at a pickup: one-time codes, counters against guessing, and browser
 * sessions. Only hashes are stored. What a stranger can try is counted in the
 * same transaction as the try, so that parallel tries count as many.
 */
#ifndef POSTSEAL_STORE_PICKUP_ACCESS_H
#define POSTSEAL_STORE_PICKUP_ACCESS_H

#include "store/pickup.h"

struct one_time_code {
    struct id pickup_id;
    unsigned char code_hash[32];    /* of code and pickup id (and PIN) */
    unsigned char browser_hash[32]; /* of the cookie that asked */
    int64_t created_wall_ms, expires_wall_ms;
};

enum code_fate {
    CODE_RIGHT, /* and used up */
    CODE_WRONG, /* counted */
    CODE_TOO_OLD,
    CODE_TOO_MANY,      /* tries are used up: ask for a fresh one */
    CODE_OTHER_BROWSER, /* only others asked; not counted */
    CODE_NONE,          /* none was asked for */
};
enum { CODE_TRIES_MAX = 5 };

/* Replaces whatever code this browser had; those of others stay, so that
 * nobody can take away a code by asking for one himself. */
struct status code_put(struct tx *tx, const struct one_time_code *code);
/* One try; a right code is consumed by it. Constant-time comparison. */
struct status code_try(struct tx *tx, const struct id *pickup_id,
                       const unsigned char code_hash[32],
                       const unsigned char browser_hash[32],
                       int64_t now_wall_ms, enum code_fate *out);

/* Is a code of this browser still good for a try? */
struct status code_is_live(struct tx *tx, const struct id *pickup_id,
                           const unsigned char browser_hash[32],
                           int64_t now_wall_ms, bool *out);
/* Forgets what was counted for a pickup: somebody in charge vouches for it. */
struct status counters_clear(struct tx *tx, struct str pickup_id);

/* Counts one event under a name ("codes:<pickup>", "tries:<address>") in a
 * window; *allowed is false from the (most + 1)th on. */
struct status counter_hit(struct tx *tx, struct str name, uint32_t most,
                          int64_t window_ms, int64_t now_wall_ms,
                          bool *allowed);

/* A browser that entered the right code. */
struct status access_open(struct tx *tx, const unsigned char cookie_hash[32],
                          const struct id *pickup_id, int64_t now_wall_ms);
/* The pickup of a live session, its idle time begun anew. */
struct status access_use(struct tx *tx, const unsigned char cookie_hash[32],
                         int64_t idle_ms, int64_t absolute_ms,
                         int64_t now_wall_ms, struct id *pickup_id, bool *live);
struct status access_end(struct tx *tx, const unsigned char cookie_hash[32]);
/* What is past its time: codes, counters, sessions. */
struct status access_sweep(struct tx *tx, int64_t now_wall_ms,
                           int64_t absolute_ms);

#endif
