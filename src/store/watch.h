/* SPDX-License-Identifier: Apache-2.0 */
/* What watched domains were like when they were last looked at. */
#ifndef POSTSEAL_STORE_WATCH_H
#define POSTSEAL_STORE_WATCH_H

#include "store/store.h"

struct watch_row {
    struct str answer; /* one line of text; only ever compared and shown */
    int64_t checked_wall_ms;
};

struct status watch_save(struct tx *tx, struct str domain,
                         const struct watch_row *row);
struct status watch_load(struct rx *rx, struct str domain, struct arena *arena,
                         struct watch_row *out, bool *found);

#endif
