/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the people we write to, and the organisation's own, for all nodes.
 * A key that was found is a candidate until an administrator approves it; an
 * approved one (a pin) is never replaced by what is found later: a different
 * key for the same owner joins as a candidate and raises an event. Every change
 * is an audit entry and a line of the key's history.
 */
#ifndef POSTSEAL_STORE_KEYRING_H
#define POSTSEAL_STORE_KEYRING_H

#include "base/id.h"
#include "mail/key_facts.h"
#include "store/store.h"

/* In falling order of trust. */
enum key_source {
    KEY_FROM_ADMIN,
    KEY_FROM_SMIMEA, /* DNSSEC-secure only */
    KEY_FROM_WKD,
    KEY_FROM_LDAP,
    KEY_FROM_AUTOCRYPT,
    KEY_FROM_RECEIVED, /* a signature in mail that passed through us */
};

enum key_state {
    KEY_CANDIDATE,
    KEY_APPROVED,
    KEY_REFUSED,
    KEY_EXPIRED,
    KEY_REVOKED,
};

struct keyring_key {
    struct id id;
    struct str owner; /* local@domain or *@domain, domain as A-label */
    struct key_facts facts;
    enum key_source source;
    enum key_state state;
    bool pinned;    /* an administrator approved it, whatever came after */
    struct str why; /* of the state, plain words */
    int64_t added_wall_ms, changed_wall_ms;
    int64_t seen_wall_ms; /* when a source last named it */
    /* The organisation's own: the private part, wrapped for the sealer
     * (rest_wrap of a data key and one frame); "" of everybody else's. */
    struct str own_private;
};

enum keyring_news {
    KEYRING_NEW,     /* joined */
    KEYRING_SAME,    /* was there already: seen now */
    KEYRING_CHANGED, /* joined, and differs from the one in use: event */
};
/* Adds a key for its owner, or notes that it was seen again. One of refused
 * facts joins as KEY_REFUSED with the reason, so that people see it; a state
 * of KEY_APPROVED is kept for the administrator's own import. */
struct status keyring_add(struct tx *tx, const struct keyring_key *key,
                          enum keyring_news *news);

/*
 * The keys that may be used for a recipient now, best first: approved before
 * candidates (only when candidates is true), exact address before domain, then
 * by source, then the newest. Never expired, revoked, refused ones, never one
 * whose addresses do not name the owner. kind: which method asks. When an
 * approved key stands for the owner, no candidate is given at all, not even
 * when the approved one has expired: a pin is not replaced in silence.
 */
struct status keyring_find(struct rx *rx, struct str recipient,
                           enum key_kind kind, bool candidates,
                           int64_t now_wall_ms, struct arena *arena,
                           struct keyring_key **out, size_t *n);

/* The organisation's own key for a sender address (exact, then domain), newest
 * usable; found false when there is none. */
struct status keyring_own(struct rx *rx, struct str sender, enum key_kind kind,
                          int64_t now_wall_ms, struct arena *arena,
                          struct keyring_key *out, bool *found);

struct keyring_filter {
    struct str owner; /* "" = all; a domain matches its addresses */
    struct str state; /* "" = all */
    bool own;         /* the organisation's own alone */
};
struct status keyring_list(struct rx *rx, const struct keyring_filter *filter,
                           struct arena *arena, struct keyring_key **out,
                           size_t *n);
/* By id or fingerprint or the beginning of one (8 digits or more), of this
 * owner or ("") whoever's: refused with their owners when it fits several. */
struct status keyring_get(struct rx *rx, struct str name, struct str owner,
                          struct arena *arena, struct keyring_key *out,
                          bool *found);

/* An administrator's word or the clock's; audited with actor and why. */
struct status keyring_set_state(struct tx *tx, const struct id *key,
                                enum key_state state, struct str why,
                                struct str actor, bool *found);

struct keyring_event {
    int64_t at_wall_ms;
    struct str what, actor, why;
};
struct status keyring_history(struct rx *rx, const struct id *key,
                              struct arena *arena, struct keyring_event **out,
                              size_t *n);

/* When an address was last looked up, and whether anything was found: so that
 * a domain is not asked at each message. */
struct status keyring_looked_up(struct tx *tx, struct str recipient,
                                int64_t now_wall_ms, bool found);
struct status keyring_last_look(struct rx *rx, struct str recipient,
                                int64_t *at_wall_ms, bool *found);

struct str key_source_name(enum key_source source); /* "admin", "wkd" ... */
bool key_source_parse(struct str text, enum key_source *out);
struct str key_state_name(enum key_state state);
bool key_state_parse(struct str text, enum key_state *out);

#endif
