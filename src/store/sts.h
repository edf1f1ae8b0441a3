/* SPDX-License-Identifier: Apache-2.0 */
/* MTA-STS policies (RFC 8461) that outlive a restart. */
#ifndef POSTSEAL_STORE_STS_H
#define POSTSEAL_STORE_STS_H

#include "store/store.h"

struct sts_row {
    struct str policy_id, body;
    int64_t fetched_wall_ms, max_age_s;
};

struct status sts_save(struct tx *tx, struct str domain,
                       const struct sts_row *row);
struct status sts_load(struct rx *rx, struct str domain, struct arena *arena,
                       struct sts_row *out, bool *found);

#endif
