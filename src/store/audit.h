/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: one row per fact, written in the transaction of the fact, one
 * function per event. An entry is canonical JSON (keys sorted, no blanks) and
 * is committed to by SHA-256(salt || entry), so that its content can be erased
 * at the end of its retention while the hash stays. Never content, subject or
 * secret.
 */
#ifndef POSTSEAL_STORE_AUDIT_H
#define POSTSEAL_STORE_AUDIT_H

#include "store/pickup.h"
#include "store/queue.h"
#include "store/sealed.h"

struct status audit_message_accepted(struct tx *tx,
                                     const struct message *message,
                                     size_t recipients);
struct status audit_message_refused(struct tx *tx, const struct id *message_id,
                                    struct str from, struct str client,
                                    struct status why);
/* Floor, ladder and rule were fixed for a recipient. */
struct status audit_decided(struct tx *tx, const struct message *message,
                            const struct delivery *delivery);
/* The sender asked for less than the rule demands, and the rule lets senders
 * do that: their word stands for it. */
struct status audit_floor_attested(struct tx *tx, const struct message *message,
                                   const struct delivery *delivery);
struct status audit_attempted(struct tx *tx, const struct delivery *delivery,
                              const struct attempt *attempt);
/* The state a lease ended with. */
struct status audit_settled(struct tx *tx, const struct delivery *delivery,
                            struct status status);
/* A message was locked to a recipient's key. */
struct status audit_sealed(struct tx *tx, const struct sealed_copy *copy,
                           const struct id *message_id);
/* A key joined, was seen to be another, or got another state. */
struct status audit_key(struct tx *tx, const struct id *key, struct str what,
                        struct str actor, struct str why);
/* An administrator's retry, hold, release, delete, recall, extend. */
struct status audit_admin(struct tx *tx, const char *action, struct str id,
                          struct str actor, size_t changed);
struct status audit_code_sent(struct tx *tx, const struct id *pickup_id,
                              struct str client);
struct status audit_code_refused(struct tx *tx, const struct id *pickup_id,
                                 struct str client, const char *why);
struct status audit_picked_up(struct tx *tx, const struct id *pickup_id,
                              struct str client, bool first);
struct status audit_pickup_ended(struct tx *tx, const struct id *pickup_id,
                                 const char *how);
struct status audit_account(struct tx *tx, const char *action, struct str name);
struct status audit_sts_alert(struct tx *tx, struct str domain,
                              struct str text);
struct status audit_clock_jumped(struct tx *tx, int64_t by_ms);

struct audit_row {
    int64_t seq, at_wall_ms;
    struct str kind, entry; /* entry: JSON text */
};
/* Entries after a sequence number, oldest first, up to limit. */
struct status audit_list(struct rx *rx, int64_t after, size_t limit,
                         struct arena *arena, struct audit_row **out,
                         size_t *n);

#endif
