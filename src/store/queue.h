/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages, their sealed bodies, and one delivery per recipient.
 *
 * Conservation: every delivery of an accepted message ends in exactly one
 * final state. A delivery is leased for a time; when the process dies the
 * lease ends by itself. Every lease carries a fence number, and a settlement
 * with an old fence is refused (QD-08).
 */
#ifndef POSTSEAL_STORE_QUEUE_H
#define POSTSEAL_STORE_QUEUE_H

#include "base/buf.h"
#include "base/id.h"
#include "store/store.h"

enum message_kind {
    MESSAGE_MAIL,   /* handed in by a client */
    MESSAGE_DSN,    /* delivery status notification of ours */
    MESSAGE_NOTICE, /* portal notice to a recipient */
    MESSAGE_CODE,   /* one-time code */
    MESSAGE_TELL,   /* word to a sender: other method, PIN */
};

enum delivery_state {
    DELIVERY_QUEUED,
    DELIVERY_HELD, /* by an administrator */
    /* final: */
    DELIVERY_DELIVERED, /* the far side said 250 */
    DELIVERY_DEPOSITED, /* in the portal */
    DELIVERY_FAILED,    /* DSN sent, or none wanted or allowed */
    DELIVERY_EXPIRED,   /* gave up after the time; DSN likewise */
    DELIVERY_DELETED,   /* by an administrator */
};

enum {
    NOTIFY_NEVER = 1,
    NOTIFY_SUCCESS = 2,
    NOTIFY_FAILURE = 4,
    NOTIFY_DELAY = 8
}; /* 0: not given (RFC 3461, 4.1) */

/* As the client handed it in. Texts may be empty. */
struct message {
    struct id id;
    enum message_kind kind;
    int64_t received_wall_ms;
    struct str from;     /* envelope sender, "" for null */
    uint64_t size_bytes; /* of the message as received */
    struct str listener, user, client_address, client_helo, protocol;
    struct str tls;        /* "TLSv1.3 TLS_AES_..." of the client or "" */
    struct str ret, envid; /* DSN parameters as given */
    bool smtputf8, body_8bit, requiretls;
    struct id body_id;    /* empty: body destroyed */
    struct str body_key;  /* data key, wrapped for dispatch */
    uint32_t body_chunks; /* sealed frames, 64 KiB of plain text each */
    struct str parent;    /* id of the delivery this speaks of, or "" */
};

struct delivery {
    struct id id, message_id;
    struct str recipient; /* local@domain as given, domain as A-label */
    struct str domain;    /* A-label, lower case: the destination */
    uint32_t notify;      /* NOTIFY_ bits */
    struct str orcpt;
    enum delivery_state state;
    int64_t next_wall_ms;  /* due from then on */
    int64_t lease_wall_ms; /* leased until; 0: free */
    int64_t fence;
    uint32_t attempts; /* attempts that ended in a deferral or better */
    /* The decision, stored at the first lease: "" until then. */
    struct str floor, ladder, rule, decision_why;
    struct str orders;          /* the rest of it, as dispatch wrote it down */
    uint32_t rung;              /* index into ladder */
    int64_t rung_since_wall_ms; /* when this rung was first tried; 0: not yet */
    struct str method, why;     /* of the newest outcome, for people */
    bool delay_notice_sent;
    int64_t final_wall_ms; /* 0: not final */
    struct id pickup_id;   /* set when deposited */
};

struct attempt {
    struct id delivery_id;
    int64_t at_wall_ms;
    struct str method, mx, address;
    struct str tls_version, tls_cipher, tls_group, verified_by;
    struct str reply;  /* the far side's words, or "" */
    struct str result; /* delivered, deferred, failed, refused-tls ... */
    struct str why;
    uint32_t dns_ms, connect_ms, tls_ms, send_ms;
    bool maybe_duplicate; /* a former attempt's fate is not known */
};

/* --- accepting ------------------------------------------------------- */

/* Sealed frames of a body, indexes first.. in order. Frames written before
 * queue_accept (large messages) belong to nobody until then and are collected
 * after a grace time (QD-11). */
struct status queue_body_append(struct tx *tx, const struct id *body_id,
                                uint32_t first, const struct str *frames,
                                size_t n);
/* Message, deliveries and audit entries. Ids are the caller's. */
struct status queue_accept(struct tx *tx, const struct message *message,
                           const struct delivery *deliveries, size_t n);

/* --- delivering ------------------------------------------------------ */

/* What the last lease passed over, so that a long queue of a busy domain is not
 * walked again at every lease. One for each caller, zeroed at first. */
struct lease_memory {
    struct buf busy;               /* the domains that were passed over */
    int64_t passed_wall_ms;        /* all that was due before this */
    int64_t looked_at_all_mono_ms; /* when nothing was taken for known */
};
void lease_memory_free(struct lease_memory *memory);

struct lease_request {
    int64_t now_wall_ms, lease_ms;
    size_t max;
    const struct str *busy_domains; /* not these now: fairness */
    size_t busy_domains_n;
    struct lease_memory *memory; /* may be NULL */
};

struct leased {
    struct delivery delivery;
    const struct message *message; /* shared by deliveries of one message */
    struct str first_frame;        /* sealed frame 0 if body_chunks == 1 */
    bool was_leased;               /* a former holder died: fate unknown */
};

/* Due deliveries, oldest due first, leased to the caller. Results live in
 * arena. For use inside store_commit_soft. */
struct status queue_lease(struct tx *tx, const struct lease_request *request,
                          struct arena *arena, struct leased **out, size_t *n);
/* When the next delivery becomes due, INT64_MAX when none is queued. */
struct status queue_next_due(struct rx *rx, int64_t *wall_ms);
/* Longer leases for deliveries still being worked on. */
struct status queue_extend(struct tx *tx, const struct id *delivery_id,
                           int64_t fence, int64_t lease_until_wall_ms);
/* Stores the decision of the first lease (floor, ladder, rule, decision_why,
 * orders). Refused for an old fence. */
struct status queue_decide(struct tx *tx, const struct delivery *delivery);
/*
 * The outcome of a lease: state, next_wall_ms, rung, rung_since, method, why,
 * delay_notice_sent, pickup_id are taken from delivery; the attempts (maybe
 * none) are appended; the lease ends. When the last recipient of the message
 * became final, the body and its key are destroyed here. Refused with 4.3.5
 * when delivery->fence is not the newest.
 */
struct status queue_settle(struct tx *tx, const struct delivery *delivery,
                           const struct attempt *attempts, size_t n);
/* Gives a lease back untouched (orderly stop). */
/* Leases of holders that are known to be gone end now, not with their time.
 * Whoever gets them next sees that they were leased. */
struct status queue_reclaim(struct tx *tx, int64_t now_wall_ms);
struct status queue_release_lease(struct tx *tx, const struct id *delivery_id,
                                  int64_t fence);

/* One sealed frame, in arena; status 4.3.0 when it is missing (alarm). */
struct status queue_body_frame(struct rx *rx, const struct id *body_id,
                               uint32_t index, struct arena *arena,
                               struct str *frame);

/* --- looking and steering (CLI, console) ------------------------------ */

struct queue_filter {
    struct str state;  /* "" = all that are not final */
    struct str domain; /* "" = any */
    struct str after;  /* delivery id: the page begins behind it */
    size_t limit;
};
struct queue_row {
    struct delivery delivery;
    struct str from;
    int64_t received_wall_ms;
    uint64_t size_bytes;
};
struct status queue_list(struct rx *rx, const struct queue_filter *filter,
                         struct arena *arena, struct queue_row **out,
                         size_t *n);
/* id may name a message, one of its deliveries or pickups, or be the beginning
 * of such a name; found false when there is none, refused when it fits several
 * messages. */
struct status queue_find(struct rx *rx, struct str id, struct arena *arena,
                         struct message *message, struct delivery **deliveries,
                         size_t *n, bool *found);
struct status queue_attempts(struct rx *rx, const struct id *delivery_id,
                             struct arena *arena, struct attempt **out,
                             size_t *n);

enum queue_action { QUEUE_RETRY, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_DELETE };
/* On a message, delivery or pickup id, or the beginning of one: refused when it
 * fits more than one of them. *changed counts deliveries. Audited. */
struct status queue_act(struct tx *tx, struct str id, enum queue_action action,
                        struct str actor, size_t *changed);

/* Open deliveries as they are now; final ones as many as there ever were. */
struct queue_counts {
    uint64_t queued, held, leased, delivered, deposited, failed, expired;
    int64_t oldest_queued_wall_ms; /* 0: none */
};
struct status queue_count(struct rx *rx, struct queue_counts *out);

/* House-keeping, a bounded batch a call: orphaned bodies older than grace_ms,
 * records past keep_ms (of audit entries the content alone; 0: keep all).
 * Returns how many rows went. */
struct status queue_sweep(struct tx *tx, int64_t now_wall_ms, int64_t grace_ms,
                          int64_t keep_ms, size_t *removed);

struct str delivery_state_name(enum delivery_state state);

#endif
