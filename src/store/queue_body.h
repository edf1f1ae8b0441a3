/* SPDX-License-Identifier: Apache-2.0 */
/* Leases and the end of a message's body, for the modules of this folder. */
#ifndef POSTSEAL_STORE_QUEUE_BODY_H
#define POSTSEAL_STORE_QUEUE_BODY_H

#include "store/queue.h"

/* Destroys what no recipient of the message needs any more: sealed copies of
 * final deliveries, and the clear body with its key once every delivery is
 * final or has a sealed copy. */
struct status queue_destroy_body(struct tx *tx, const struct id *message_id);

/* After a change that names a fence: 4.3.5 when it changed nothing. */
struct status queue_fence_held(struct tx *tx);

/* So many more deliveries came to this final state. */
struct status queue_tally(struct tx *tx, enum delivery_state state, size_t n);

#endif
