/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, deliveries and attempts as rows: one place for the order of their
 * columns. For the modules of this folder only. */
#ifndef POSTSEAL_STORE_ROW_H
#define POSTSEAL_STORE_ROW_H

#include "store/driver.h"
#include "store/queue.h"

#define MESSAGE_COLUMNS                                                        \
    "m.id, m.kind, m.received_ms, m.sender, m.size, m.listener, m.account,"    \
    " m.client_address, m.client_helo, m.protocol, m.tls, m.ret, m.envid,"     \
    " m.flags, m.body_id, m.body_key, m.body_chunks, m.parent"
#define DELIVERY_COLUMNS                                                       \
    "d.id, d.message_id, d.recipient, d.domain, d.notify, d.orcpt, d.state,"   \
    " d.next_ms, d.lease_ms, d.fence, d.attempts, d.floor, d.ladder, d.rule,"  \
    " d.decision_why, d.orders, d.rung, d.rung_since_ms, d.method, d.why,"     \
    " d.delay_sent, d.final_ms, d.pickup_id"

void row_message(struct stmt *s, struct arena *arena, struct message *out);
void row_delivery(struct stmt *s, struct arena *arena, struct delivery *out);

struct status row_insert_message(struct db *db, const struct message *m);
struct status row_insert_delivery(struct db *db, const struct delivery *d);
struct status row_insert_attempt(struct db *db, const struct attempt *a);

/* A growing list in an arena. */
struct row_list {
    char *items;
    size_t n, cap, size;
};
void *row_list_add(struct row_list *list, struct arena *arena, size_t size);

void row_id(struct str text, struct id *out);

#endif
