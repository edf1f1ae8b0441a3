/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/yard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct parcel parcels[64];

static struct parcel *parcel(size_t i, const char *destination)
{
    parcels[i] = (struct parcel){ .destination = str_from_cstr(destination),
                                  .domain = str_from_cstr(destination) };
    return &parcels[i];
}

static void dead_domain_slows_nobody(void **state)
{
    struct yard *yard = yard_new(20, 60000);
    struct yard_place *place;

    (void)state;
    for (size_t i = 0; i < 40; i++)
        yard_push(yard, parcel(i, "dead.example"));
    yard_push(yard, parcel(40, "fine.example"));
    /* Two for the dead one at most, then the other's turn. */
    bool seen = false;
    for (int i = 0; i < 3; i++) {
        struct parcel *p = yard_take(yard, 0, &place);
        assert_non_null(p);
        seen |= str_eq(p->domain, STR("fine.example"));
    }
    assert_true(seen);
    assert_null(yard_take(yard, 0, &place));
    yard_stop(yard);
    yard_free(&yard);
}

static void concurrency_adapts(void **state)
{
    struct yard *yard = yard_new(4, 60000);
    struct yard_place *place;
    struct status ok = status_ok(), why;

    (void)state;
    for (size_t i = 0; i < 20; i++)
        yard_push(yard, parcel(i, "a.example"));
    assert_non_null(yard_take(yard, 0, &place));
    assert_non_null(yard_take(yard, 0, &place));
    assert_null(yard_take(yard, 0, &place)); /* 2 at first */
    yard_done(yard, place, YARD_WELL, ok);   /* limit 3, 1 active */
    assert_non_null(yard_take(yard, 0, &place));
    assert_non_null(yard_take(yard, 0, &place));
    assert_null(yard_take(yard, 0, &place));
    assert_false(yard_resting(yard, place, &why));
    yard_done(yard, place, YARD_DOWN, status_make(451, "4.4.1", "down"));
    assert_true(yard_resting(yard, place, &why));
    assert_string_equal(why.why, "down");
    assert_null(yard_take(yard, 0, &place)); /* limit 1, 2 active */
    yard_done(yard, place, YARD_WELL, ok);
    assert_false(yard_resting(yard, place, &why));
    yard_done(yard, place, YARD_STRAIN, ok);
    assert_non_null(yard_take(yard, 0, &place));
    yard_stop(yard);
    yard_free(&yard);
}

static void stop_gives_all_back(void **state)
{
    struct yard *yard = yard_new(4, 60000);
    struct yard_place *place;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 10; i++)
        yard_push(yard, parcel(i, i % 2 == 0 ? "a.example" : "b.example"));
    yard_take(yard, 0, &place);
    for (struct parcel *p = yard_stop(yard); p != NULL; p = p->next)
        n++;
    assert_int_equal(n, 9);
    assert_null(yard_take(yard, 1000, &place));
    yard_free(&yard);
}

static void saturated_domains_are_named(void **state)
{
    struct yard *yard = yard_new(4, 60000);
    struct arena arena = { 0 };
    struct str *names;

    (void)state;
    for (size_t i = 0; i < 10; i++)
        yard_push(yard, parcel(i, "big.example"));
    yard_push(yard, parcel(10, "small.example"));
    assert_int_equal(yard_saturated(yard, 10, &arena, &names), 1);
    assert_true(str_eq(names[0], STR("big.example")));
    assert_int_equal(yard_load(yard), 11);
    arena_free(&arena);
    yard_stop(yard);
    yard_free(&yard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dead_domain_slows_nobody),
        cmocka_unit_test(concurrency_adapts),
        cmocka_unit_test(stop_gives_all_back),
        cmocka_unit_test(saturated_domains_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
