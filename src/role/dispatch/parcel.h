/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message for the recipients with the same destination, as they were
 * leased together. Those of them that share a decision and a rung go in one
 * SMTP transaction.
 */
#ifndef POSTSEAL_DISPATCH_PARCEL_H
#define POSTSEAL_DISPATCH_PARCEL_H

#include "policy/decision.h"
#include "seal/rest.h"
#include "store/queue.h"

enum { PARCEL_MAX = 100 }; /* recipients (RFC 5321, 4.5.3.1.8) */

/* The memory of one lease: freed with its last parcel. */
struct load {
    struct arena arena;
    _Atomic uint32_t users;
    size_t bytes;
};
struct load *load_new(void);
void load_keep(struct load *load);
void load_drop(struct load **load);

/* The parts of a decision that the next step needs, as stored. */
struct orders {
    enum floor floor;
    struct ladder ladder;
    int64_t switch_after_ms;
    bool tell_sender, clear_path_pin;
    bool key_candidates;
    bool waived; /* TLS-Required: No is heard (RFC 8689; floor open only) */
    struct str strip_marker;
};

/* What the sender asked for by X-Postseal-Floor, for the audit. */
enum sender_word {
    SENDER_SILENT,
    SENDER_RAISED,
    SENDER_LOWERED,
    SENDER_IGNORED
};

struct item {
    struct delivery delivery; /* next state is written here */
    struct orders orders;
    bool was_leased; /* a former holder died: its fate is unknown */
    enum sender_word sender_word;
    bool decided; /* in this lease: the decision is to be stored */
};

struct parcel {
    struct parcel *next;          /* of the destination's queue */
    struct parcel *newer, *older; /* of the register of what is held */
    struct load *load;
    const struct message *message;
    struct str first_frame; /* sealed; empty for large bodies */
    struct str destination; /* the domain, or "host:port" of a route */
    struct str domain;      /* of the first recipient */
    const struct route_config *route; /* NULL: by MX */
    struct item *items;
    size_t n;
    int64_t leased_mono_ms, lease_until_mono_ms;
};

/* Groups leased deliveries, in the load's arena. Order of first appearance is
 * kept; the result is a list linked by next. */
struct parcel *parcel_group(struct load *load, const struct config *config,
                            const struct leased *leased, size_t n);

/* The rung the item is on; false when its ladder is used up or empty. */
bool item_method(const struct item *item, enum method *out);
/* May the two share a transaction: same floor, ladder, rung, changes? */
bool item_goes_with(const struct item *a, const struct item *b);

/* Orders as text for the delivery row and back; false for a damaged text. */
void orders_write(const struct orders *orders, struct buf *out);
bool orders_parse(struct str text, struct orders *out);

#endif
