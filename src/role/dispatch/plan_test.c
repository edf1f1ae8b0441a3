/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { MINUTE = 60000, HOUR = 3600000, DAY = 86400000 };
static const int64_t retry[] = { 5 * MINUTE, 15 * MINUTE, 30 * MINUTE,
                                 HOUR,       2 * HOUR,    4 * HOUR };

static struct plan_facts facts(uint8_t rungs, uint32_t rung)
{
    struct plan_facts f = {
        .ladder = { { METHOD_TLS, METHOD_PORTAL }, rungs },
        .rung = rung,
        .rung_since_ms = 1000 * (int64_t)DAY,
        .received_ms = 1000 * (int64_t)DAY,
        .now_ms = 1000 * (int64_t)DAY + 60000,
        .switch_after_ms = 15 * MINUTE,
        .give_up_after_ms = 5 * (int64_t)DAY,
        .retry_ms = retry,
        .retry_n = 6,
    };
    return f;
}

/* Every outcome, before and after switch-after, before and after the end, on
 * a rung with and without another behind it. */
static void all_combinations(void **state)
{
    (void)state;
    for (int outcome = 0; outcome <= OUTCOME_UNKNOWN; outcome++)
        for (int late = 0; late < 3; late++)
            for (int last = 0; last < 2; last++) {
                struct plan_facts f = facts(2, (uint32_t)last);
                enum step want;

                if (late == 1)
                    f.now_ms = f.rung_since_ms + 20 * MINUTE;
                if (late == 2) {
                    f.now_ms = f.received_ms + 6 * (int64_t)DAY;
                    f.attempts = 40;
                }
                switch ((enum outcome)outcome) {
                case OUTCOME_DELIVERED:
                    want = STEP_DONE;
                    break;
                case OUTCOME_REFUSED:
                    want = STEP_FAIL;
                    break;
                case OUTCOME_LASTING:
                    want = last ? STEP_FAIL : STEP_NEXT_RUNG;
                    break;
                case OUTCOME_UNKNOWN:
                    want = late == 2 ? STEP_EXPIRE : STEP_WAIT;
                    break;
                default:
                    want = late > 0 && !last ? STEP_NEXT_RUNG
                           : late == 2       ? STEP_EXPIRE
                                             : STEP_WAIT;
                }
                assert_int_equal(plan_next(&f, (enum outcome)outcome).step,
                                 want);
            }
}

/* TP-15: with nowhere else to go a defect may be mended until switch-after,
 * and no longer; the last try is made at its end. */
static void last_rung_is_patient(void **state)
{
    struct plan_facts f = facts(1, 0);

    (void)state;
    assert_int_equal(plan_next(&f, OUTCOME_LASTING).step, STEP_FAIL);
    f.mendable = true;
    assert_int_equal(plan_next(&f, OUTCOME_LASTING).step, STEP_WAIT);
    assert_int_equal(plan_next(&f, OUTCOME_LASTING).due_ms,
                     f.now_ms + 5 * MINUTE);
    f.attempts = 3;
    assert_int_equal(plan_next(&f, OUTCOME_LASTING).due_ms,
                     f.rung_since_ms + 15 * MINUTE);
    f.now_ms = f.rung_since_ms + 15 * MINUTE;
    assert_int_equal(plan_next(&f, OUTCOME_LASTING).step, STEP_FAIL);
    f.now_ms = f.rung_since_ms;
    f.switch_after_ms = 0;
    assert_int_equal(plan_next(&f, OUTCOME_LASTING).step, STEP_FAIL);
}

static void first_attempt_counts_from_now(void **state)
{
    struct plan_facts f = facts(2, 0);

    (void)state;
    f.rung_since_ms = 0;
    f.received_ms = f.now_ms - DAY; /* held by an administrator, say */
    struct plan p = plan_next(&f, OUTCOME_PASSING);
    assert_int_equal(p.step, STEP_WAIT);
    assert_int_equal(p.due_ms, f.now_ms + 5 * MINUTE);
}

static void waits_no_longer_than_the_switch(void **state)
{
    struct plan_facts f = facts(2, 0);

    (void)state;
    f.attempts = 4;
    assert_int_equal(plan_next(&f, OUTCOME_PASSING).due_ms,
                     f.rung_since_ms + 15 * MINUTE);
    f.switch_after_ms = 0;
    assert_int_equal(plan_next(&f, OUTCOME_PASSING).step, STEP_NEXT_RUNG);
}

/* SO-09: growing, jittered, never sooner than the list says. */
static void intervals_grow(void **state)
{
    struct plan_facts f = facts(1, 0);
    int64_t before = 0;

    (void)state;
    for (f.attempts = 0; f.attempts < 8; f.attempts++) {
        int64_t least = retry[f.attempts < 6 ? f.attempts : 5];
        f.jitter = 0;
        int64_t low = plan_next(&f, OUTCOME_PASSING).due_ms - f.now_ms;
        f.jitter = 1023;
        int64_t high = plan_next(&f, OUTCOME_PASSING).due_ms - f.now_ms;
        assert_int_equal(low, least);
        assert_true(high > low && high <= least + least / 4);
        assert_true(low >= before);
        before = low;
    }
}

/* SO-09: six simulated days of a dead host end between day 4 and day 5.5. */
static void dead_host_gives_up(void **state)
{
    struct plan_facts f = facts(1, 0);
    struct plan p;

    (void)state;
    f.now_ms = f.received_ms;
    for (;; f.attempts++) {
        f.jitter = (f.attempts * 397) & 1023;
        p = plan_next(&f, OUTCOME_PASSING);
        if (p.step != STEP_WAIT)
            break;
        f.now_ms = p.due_ms;
    }
    assert_int_equal(p.step, STEP_EXPIRE);
    assert_true(f.now_ms - f.received_ms >= 5 * (int64_t)DAY);
    assert_true(f.now_ms - f.received_ms < 5 * (int64_t)DAY + 5 * HOUR);
}

/* QD-07: the clock jumps to 2100; nothing expires before it was tried often. */
static void clock_jump_expires_nothing(void **state)
{
    struct plan_facts f = facts(1, 0);

    (void)state;
    f.attempts = 3;
    f.now_ms = 4102444800000;
    assert_int_equal(plan_next(&f, OUTCOME_PASSING).step, STEP_WAIT);
    f.attempts = 60;
    assert_int_equal(plan_next(&f, OUTCOME_PASSING).step, STEP_EXPIRE);
    assert_true(plan_least_attempts(retry, 6, 5 * (int64_t)DAY) > 10);
    assert_int_equal(plan_least_attempts(retry, 6, 1), 1);
}

static void blame_table(void **state)
{
    (void)state;
    assert_int_equal(plan_blame((struct blame){ 0, 0 }), OUTCOME_PASSING);
    assert_int_equal(plan_blame((struct blame){ 2, 0 }), OUTCOME_LASTING);
    assert_int_equal(plan_blame((struct blame){ 1, 1 }), OUTCOME_PASSING);
    assert_int_equal(plan_blame((struct blame){ 0, 3 }), OUTCOME_PASSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_combinations),
        cmocka_unit_test(last_rung_is_patient),
        cmocka_unit_test(first_attempt_counts_from_now),
        cmocka_unit_test(waits_no_longer_than_the_switch),
        cmocka_unit_test(intervals_grow),
        cmocka_unit_test(dead_host_gives_up),
        cmocka_unit_test(clock_jump_expires_nothing),
        cmocka_unit_test(blame_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
