/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/crowd.h"

#include "base/clock.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

static void few_at_a_time(void **state)
{
    struct crowd *crowd = crowd_new(2);
    int64_t past = clock_mono_ms() - 1;

    (void)state;
    assert_true(crowd_enter(crowd, STR("a"), past));
    assert_true(crowd_enter(crowd, STR("a"), past));
    assert_false(crowd_enter(crowd, STR("a"), past));
    assert_true(crowd_enter(crowd, STR("b"), past));
    crowd_leave(crowd, STR("a"));
    assert_true(crowd_enter(crowd, STR("a"), past));
    crowd_free(&crowd);
    assert_null(crowd);
}

static void one_when_strained(void **state)
{
    struct crowd *crowd = crowd_new(4);
    int64_t past = clock_mono_ms() - 1;

    (void)state;
    assert_true(crowd_enter(crowd, STR("a"), past));
    crowd_strained(crowd, STR("a"));
    assert_false(crowd_enter(crowd, STR("a"), past));
    crowd_leave(crowd, STR("a"));
    assert_true(crowd_enter(crowd, STR("a"), past));
    assert_false(crowd_enter(crowd, STR("a"), past));
    crowd_free(&crowd);
}

struct rush {
    struct crowd *crowd;
    atomic_int inside, most;
};

static void *come_and_go(void *argument)
{
    struct rush *rush = argument;

    for (int i = 0; i < 200; i++) {
        if (!crowd_enter(rush->crowd, STR("a"), clock_mono_ms() + 60000))
            abort();
        int now = atomic_fetch_add(&rush->inside, 1) + 1;
        int most = atomic_load(&rush->most);

        while (now > most &&
               !atomic_compare_exchange_weak(&rush->most, &most, now))
            ;
        sched_yield();
        atomic_fetch_sub(&rush->inside, 1);
        crowd_leave(rush->crowd, STR("a"));
    }
    return NULL;
}

static void never_more_than_allowed(void **state)
{
    struct rush rush = { .crowd = crowd_new(3) };
    pthread_t threads[8];

    (void)state;
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, come_and_go, &rush);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_in_range(atomic_load(&rush.most), 1, 3);
    assert_int_equal(atomic_load(&rush.inside), 0);
    crowd_free(&rush.crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_at_a_time),
        cmocka_unit_test(one_when_strained),
        cmocka_unit_test(never_more_than_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
