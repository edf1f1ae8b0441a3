/* SPDX-License-Identifier: Apache-2.0 */
/* A line of a key's history, and of the audit; for this folder only. */
#ifndef POSTSEAL_STORE_KEYRING_EVENT_H
#define POSTSEAL_STORE_KEYRING_EVENT_H

#include "store/keyring.h"

struct status keyring_note(struct tx *tx, const struct id *key, int64_t at_ms,
                           struct str what, struct str actor, struct str why);

#endif
