/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a message's body, for the modules of this folder only. */
#ifndef POSTSEAL_STORE_QUEUE_BODY_H
#define POSTSEAL_STORE_QUEUE_BODY_H

#include "store/queue.h"

/* Deletes frames and wrapped key when no recipient needs them any more. */
struct status queue_destroy_body(struct tx *tx, const struct id *message_id);

/* So many more deliveries came to this final state. */
struct status queue_tally(struct tx *tx, enum delivery_state state, size_t n);

#endif
