/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/parcel.h"

#include "role/dispatch/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char text[] = "hostname gate.clinic.example\n"
                           "data /tmp\n"
                           "listen 127.0.0.1:2525 { accept-from 127.0.0.0/8 }\n"
                           "route inside.example { to 127.0.0.1:26 }\n"
                           "route *.hub.example { to 127.0.0.1:27 }\n";

static struct config *configure(void)
{
    struct config_errors errors = { 0 };
    struct config *config =
        config_parse(str_from_cstr(text), "/tmp/test.conf", &errors);

    for (size_t i = 0; i < errors.n; i++)
        print_message("%.*s\n", STR_ARG(errors.list[i].message));
    config_errors_free(&errors);
    assert_non_null(config);
    return config;
}

static struct leased leased(const struct message *m, const char *domain)
{
    struct leased l = { .message = m };

    l.delivery.domain = str_from_cstr(domain);
    l.delivery.recipient = l.delivery.domain;
    l.delivery.id = id_new();
    return l;
}

static void one_transaction_for_many(void **state)
{
    struct config *config = configure();
    struct load *load = load_new();
    struct message a = { .size_bytes = 1 }, b = { .size_bytes = 2 };
    struct leased list[] = {
        leased(&a, "x.example"),       leased(&a, "y.example"),
        leased(&a, "x.example"),       leased(&b, "x.example"),
        leased(&a, "one.hub.example"), leased(&a, "two.hub.example"),
    };
    static const size_t sizes[] = { 2, 1, 1, 2 };
    size_t n = 0;

    (void)state;
    for (struct parcel *p = parcel_group(load, config, list, 6), *next;
         p != NULL; p = next, n++) {
        struct load *held = p->load;

        next = p->next;
        assert_true(n < 4);
        assert_int_equal(p->n, sizes[n]);
        if (n == 3)
            assert_true(str_eq(p->destination, STR("127.0.0.1:27")));
        load_drop(&held);
    }
    assert_int_equal(n, 4);
    load_drop(&load);
    config_free(&config);
}

static void big_lists_are_cut(void **state)
{
    static struct leased list[PARCEL_MAX * 2 + 5];
    struct config *config = configure();
    struct load *load = load_new();
    struct message m = { 0 };
    size_t total = 0, n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        list[i] = leased(&m, "x.example");
    for (struct parcel *
             p = parcel_group(load, config, list, PARCEL_MAX * 2 + 5),
            *next;
         p != NULL; p = next, n++) {
        struct load *held = p->load;

        next = p->next;
        total += p->n;
        assert_true(p->n <= PARCEL_MAX);
        load_drop(&held);
    }
    assert_int_equal(n, 3);
    assert_int_equal(total, PARCEL_MAX * 2 + 5);
    load_drop(&load);
    config_free(&config);
}

static void orders_survive_the_store(void **state)
{
    struct orders in = { .switch_after_ms = 900000,
                         .tell_sender = true,
                         .waived = true,
                         .strip_marker = STR_INIT("[secure] x=1 ") },
                  out;
    struct buf buf = { 0 };

    (void)state;
    orders_write(&in, &buf);
    assert_true(orders_parse(buf_str(&buf), &out));
    assert_int_equal(out.switch_after_ms, 900000);
    assert_true(out.tell_sender && out.waived && !out.clear_path_pin);
    assert_true(str_eq(out.strip_marker, in.strip_marker));
    buf_clear(&buf);
    in.strip_marker = STR("");
    orders_write(&in, &buf);
    assert_true(orders_parse(buf_str(&buf), &out));
    assert_int_equal(out.strip_marker.n, 0);
    buf_free(&buf);
    assert_false(orders_parse(STR(""), &out));
    assert_false(
        orders_parse(STR("switch-after=x tell=1 pin=1 waived=0"), &out));
    assert_false(
        orders_parse(STR("switch-after=1 tell=2 pin=1 waived=0"), &out));
    assert_false(
        orders_parse(STR("switch-after=1 tell=1 pin=1 waived=0 x"), &out));
}

static void decided_once(void **state)
{
    struct config *config = configure();
    struct arena arena = { 0 };
    struct message m = { .from = STR_INIT("a@b.example") };
    struct item item = { .delivery.recipient = STR_INIT("c@d.example") }, again;

    (void)state;
    assert_true(decide(config, &m, STR("X-Postseal-Floor: verified\r\n\r\n"),
                       &arena, &item));
    assert_true(item.decided);
    assert_int_equal(item.orders.floor, FLOOR_VERIFIED);
    again = (struct item){ .delivery = item.delivery };
    /* Another header later changes nothing: the answer was stored. */
    assert_true(decide(config, &m, STR("X-Postseal-Floor: sealed\r\n\r\n"),
                       &arena, &again));
    assert_false(again.decided);
    assert_true(item_goes_with(&item, &again));
    again.delivery.ladder = STR("nonsense");
    assert_false(decide(config, &m, STR(""), &arena, &again));
    m.kind = MESSAGE_TELL;
    item = (struct item){ .delivery.recipient = STR_INIT("c@d.example") };
    assert_true(decide(config, &m, STR(""), &arena, &item));
    assert_int_equal(item.orders.floor, FLOOR_TLS);
    arena_free(&arena);
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_transaction_for_many),
        cmocka_unit_test(big_lists_are_cut),
        cmocka_unit_test(orders_survive_the_store),
        cmocka_unit_test(decided_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
