/* SPDX-License-Identifier: Apache-2.0 */
/* What the console tells machines: Prometheus text from the store's counts.
 * Names follow the naming rules of Prometheus and stay. */
#ifndef POSTSEAL_ROLE_CONSOLE_FIGURES_H
#define POSTSEAL_ROLE_CONSOLE_FIGURES_H

#include "base/buf.h"
#include "policy/config.h"
#include "store/store.h"

/* Not ok: why mail would not be taken or moved at this moment. */
struct status figures_ready(struct store *store, const struct config *config);
/* All figures, appended to out. */
struct status figures_write(struct store *store, const struct config *config,
                            struct buf *out);

#endif
