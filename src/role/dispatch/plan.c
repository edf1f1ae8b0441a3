/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/plan.h"

static int64_t retry_interval(const struct plan_facts *f)
{
    size_t i = f->attempts < f->retry_n ? f->attempts : f->retry_n - 1;
    int64_t base = f->retry_ms[i];

    /* Only later, never sooner: the list is a promise to the far side. */
    return base + base / 4 * (int64_t)(f->jitter & 1023) / 1024;
}

static bool has_next_rung(const struct plan_facts *f)
{
    return f->rung + 1 < f->ladder.n;
}

/* When the rule's patience with this rung ends. */
static int64_t switch_at(const struct plan_facts *f)
{
    int64_t since = f->rung_since_ms != 0 ? f->rung_since_ms : f->now_ms;

    return since + f->switch_after_ms;
}

static bool gave_up(const struct plan_facts *f)
{
    return f->now_ms - f->received_ms >= f->give_up_after_ms &&
           f->attempts + 1 >= plan_least_attempts(f->retry_ms, f->retry_n,
                                                  f->give_up_after_ms);
}

static struct plan wait_or_end(const struct plan_facts *f, bool may_switch)
{
    int64_t due = f->now_ms + retry_interval(f);

    if (may_switch && has_next_rung(f)) {
        if (f->now_ms >= switch_at(f))
            return (struct plan){ STEP_NEXT_RUNG, 0 };
        if (switch_at(f) < due)
            due = switch_at(f);
    }
    if (gave_up(f))
        return (struct plan){ STEP_EXPIRE, 0 };
    return (struct plan){ STEP_WAIT, due };
}

/* With nowhere else to go, the far side's people get the rule's patience to
 * mend what they broke (a certificate that ran out, TLSA records behind the
 * server's: TP-15, TP-16), and the sender hears soon that they did not. */
static struct plan lasting(const struct plan_facts *f)
{
    if (has_next_rung(f))
        return (struct plan){ STEP_NEXT_RUNG, 0 };
    if (!f->mendable || f->now_ms >= switch_at(f))
        return (struct plan){ STEP_FAIL, 0 };
    struct plan p = wait_or_end(f, false);
    if (p.step == STEP_WAIT && switch_at(f) < p.due_ms)
        p.due_ms = switch_at(f);
    return p;
}

struct plan plan_next(const struct plan_facts *f, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_DELIVERED:
        return (struct plan){ STEP_DONE, 0 };
    case OUTCOME_REFUSED:
        return (struct plan){ STEP_FAIL, 0 };
    case OUTCOME_LASTING:
        return lasting(f);
    case OUTCOME_UNKNOWN:
        /* Perhaps it arrived: a second copy by another method would be worse
         * than one more try by this one. */
        return wait_or_end(f, false);
    case OUTCOME_PASSING:
        break;
    }
    return wait_or_end(f, true);
}

uint32_t plan_least_attempts(const int64_t *retry_ms, size_t retry_n,
                             int64_t give_up_after_ms)
{
    uint32_t n = 1;

    for (int64_t at = 0; at < give_up_after_ms / 2 && n < 1000; n++)
        at += retry_ms[n - 1 < retry_n ? n - 1 : retry_n - 1];
    return n;
}

enum outcome plan_blame(struct blame blame)
{
    return blame_is_lasting(blame) ? OUTCOME_LASTING : OUTCOME_PASSING;
}

struct str outcome_name(enum outcome outcome)
{
    static const char *const names[] = { "delivered", "deferred", "impossible",
                                         "refused", "unknown" };

    return str_from_cstr(names[outcome]);
}
