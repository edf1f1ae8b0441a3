/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in use whose time nears its end are named 30, 14 and 3 days ahead, once
 * each, and when it is over. */
#ifndef POSTSEAL_STORE_KEYRING_END_H
#define POSTSEAL_STORE_KEYRING_END_H

#include "store/keyring.h"

enum { KEYRING_ENDINGS_MAX = 100 };

struct keyring_ending {
    struct keyring_key key;
    int days; /* 30, 14, 3; 0: it is over, and the key expired now */
};

/* At most KEYRING_ENDINGS_MAX a call, each at its next stage; texts in arena.
 * Candidates expire without a word. */
struct status keyring_announce(struct tx *tx, int64_t now_wall_ms,
                               struct arena *arena, struct keyring_ending *out,
                               size_t *n);

#endif
