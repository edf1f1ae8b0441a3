/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that wait in the portal, one per recipient, with their one-time
 * codes and browser sessions. Tokens, codes, PINs and cookies are stored only
 * as SHA-256 hashes (codes and PINs salted with the pickup id).
 */
#ifndef POSTSEAL_STORE_PICKUP_H
#define POSTSEAL_STORE_PICKUP_H

#include "base/id.h"
#include "store/store.h"

enum pickup_state {
    PICKUP_WAITING,
    PICKUP_OPENED,
    PICKUP_RECALLED,
    PICKUP_EXPIRED
};

struct pickup {
    struct id id;
    struct id delivery_id;
    struct str recipient, from; /* addresses shown after the code */
    unsigned char token_hash[32];
    bool needs_pin;
    unsigned char pin_hash[32];
    struct id body_id;   /* sealed to the portal's key */
    struct str body_key; /* wrapped; empty once destroyed */
    uint32_t body_chunks;
    uint64_t size_bytes;
    int64_t created_wall_ms, expires_wall_ms;
    int64_t first_opened_wall_ms, last_opened_wall_ms;
    enum pickup_state state;
};

/* A pickup and its body frames (queue_body_append) in the settling tx. */
struct status pickup_create(struct tx *tx, const struct pickup *pickup);
/* By the hash of the link's token; found false when there is none. */
struct status pickup_by_token(struct rx *rx, const unsigned char hash[32],
                              struct arena *arena, struct pickup *out,
                              bool *found);
struct status pickup_by_id(struct rx *rx, struct str id, struct arena *arena,
                           struct pickup *out, bool *found);

struct pickup_filter {
    struct str recipient, state, after;
    size_t limit;
};
struct status pickup_list(struct rx *rx, const struct pickup_filter *filter,
                          struct arena *arena, struct pickup **out, size_t *n);
/* Destroys key and body; a message, pickup or delivery id or the beginning of
 * one: refused when it fits more than one of them. Audited. */
struct status pickup_recall(struct tx *tx, struct str id, struct str actor,
                            size_t *changed);
/* A later end; a pickup already expired or recalled cannot be extended, and
 * none is made shorter. */
struct status pickup_extend(struct tx *tx, struct str id,
                            int64_t expires_wall_ms, struct str actor,
                            size_t *changed);
/* Destroys what is past its time; bounded; returns how many. Audited. */
struct status pickup_expire(struct tx *tx, int64_t now_wall_ms,
                            size_t *expired);
/* First and later opening; audited as what it is (the code was entered in
 * this browser), not as proof of a person. */
struct status pickup_opened(struct tx *tx, const struct id *id,
                            struct str client_address, int64_t now_wall_ms);

struct str pickup_state_name(enum pickup_state state);

#endif
