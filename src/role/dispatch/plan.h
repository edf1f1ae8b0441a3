/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from one attempt: the whole life of a delivery as a pure
 * function of its decision, the time, and how the newest attempt ended.
 *
 * A fault is lasting only when waiting cannot mend it on this rung: then the
 * next rung is taken at once. Everything else may pass and is retried on this
 * rung until switch-after. The hosts of a domain are judged together
 * (plan_blame): one host that may come back makes the whole fault a passing
 * one, because the next attempt may go through that host.
 */
#ifndef POSTSEAL_DISPATCH_PLAN_H
#define POSTSEAL_DISPATCH_PLAN_H

#include "policy/floor.h"
#include "posture/blame.h"

/* How an attempt on one rung ended, for one recipient. */
enum outcome {
    OUTCOME_DELIVERED,
    OUTCOME_PASSING, /* host down, 4xx, DNS fault, our own trouble */
    OUTCOME_LASTING, /* this rung cannot work as things are */
    OUTCOME_REFUSED, /* 5xx for this recipient, null MX: no rung can help */
    OUTCOME_UNKNOWN, /* the text was sent whole and no reply came */
};

enum step {
    STEP_DONE,
    STEP_NEXT_RUNG, /* now, for this recipient alone */
    STEP_WAIT,      /* on this rung, until due_ms */
    STEP_FAIL,      /* status notification: failed */
    STEP_EXPIRE,    /* the same after give-up-after */
};

/* All times are of one clock, in milliseconds. */
struct plan_facts {
    struct ladder ladder;
    uint32_t rung;         /* the one just tried */
    int64_t rung_since_ms; /* its first attempt; 0: this was the first */
    int64_t received_ms, now_ms;
    uint32_t attempts; /* deferrals before this attempt */
    int64_t switch_after_ms, give_up_after_ms;
    const int64_t *retry_ms; /* growing; the last one repeats */
    size_t retry_n;          /* > 0 */
    uint32_t jitter;         /* 0..1023, uniform: spreads what fell together */
    /* OUTCOME_LASTING by the far side's settings, not by the message. */
    bool mendable;
};

struct plan {
    enum step step;
    int64_t due_ms; /* STEP_WAIT only */
};

struct plan plan_next(const struct plan_facts *facts, enum outcome outcome);

/*
 * How many attempts must have been made before giving up: as many as fit into
 * half of give_up_after_ms. A clock that jumps ahead makes a message look old
 * but not often tried, so it does not expire early.
 */
uint32_t plan_least_attempts(const int64_t *retry_ms, size_t retry_n,
                             int64_t give_up_after_ms);

/* How an attempt ended that no host served. */
enum outcome plan_blame(struct blame blame);

struct str outcome_name(enum outcome outcome);

#endif
