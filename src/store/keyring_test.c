/* SPDX-License-Identifier: Apache-2.0 */
/* Which key is used for whom (CM-01, CM-06): pins, candidates, order of trust,
 * and what is remembered of each. */
#include "base/clock.h"
#include "store/keyring_end.h"
#include "store/world_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW = 1000000 };

struct adding {
    struct keyring_key key;
    enum keyring_news news;
};

static struct status add_work(struct tx *tx, void *argument)
{
    struct adding *a = argument;

    return keyring_add(tx, &a->key, &a->news);
}

static struct adding key_of(struct world *w, const char *owner,
                            const char *fingerprint, enum key_source source)
{
    struct adding a = { .key = { .id = id_new(),
                                 .owner = str_from_cstr(owner),
                                 .source = source,
                                 .added_wall_ms = NOW } };
    struct str *addresses = ARENA_NEW(&w->arena, struct str);

    *addresses = str_from_cstr(owner);
    a.key.state = source == KEY_FROM_ADMIN ? KEY_APPROVED : KEY_CANDIDATE;
    a.key.facts = (struct key_facts){
        .kind = KEY_PGP,
        .fingerprint = str_from_cstr(fingerprint),
        .algorithm = STR("x25519"),
        .addresses = addresses,
        .addresses_n = 1,
        .bytes = STR("key"),
    };
    return a;
}

static enum keyring_news add(struct world *w, struct adding a)
{
    assert_true(status_is_ok(store_commit(w->store, add_work, &a)));
    return a.news;
}

/* The fingerprints that would be used, best first, joined by blanks. */
static const char *found(struct world *w, const char *who, bool candidates)
{
    struct rx *rx = store_read(w->store);
    struct keyring_key *keys;
    struct buf text = { 0 };
    size_t n;

    assert_true(
        status_is_ok(keyring_find(rx, str_from_cstr(who), KEY_PGP, candidates,
                                  NOW, &w->arena, &keys, &n)));
    store_read_done(w->store, &rx);
    for (size_t i = 0; i < n; i++)
        buf_addf(&text, i == 0 ? "%.*s" : " %.*s",
                 STR_ARG(keys[i].facts.fingerprint));
    const char *kept = str_keep_cstr(&w->arena, buf_str(&text));
    buf_free(&text);
    return kept;
}

static const char *bytes_of(struct world *w, const char *name)
{
    struct rx *rx = store_read(w->store);
    struct keyring_key key;
    bool seen;

    assert_true(status_is_ok(
        keyring_get(rx, str_from_cstr(name), STR(""), &w->arena, &key, &seen)));
    store_read_done(w->store, &rx);
    assert_true(seen);
    return str_keep_cstr(&w->arena, key.facts.bytes);
}

struct change {
    struct id id;
    enum key_state state;
};

static struct status change_work(struct tx *tx, void *argument)
{
    struct change *c = argument;
    bool seen;

    return keyring_set_state(tx, &c->id, c->state, STR("because"), STR("admin"),
                             &seen);
}

static void change(struct world *w, const struct adding *a,
                   enum key_state state)
{
    struct change c = { a->key.id, state };

    assert_true(status_is_ok(store_commit(w->store, change_work, &c)));
}

static void test_candidates_only_when_asked(void **state)
{
    struct world *w = *state;
    struct adding a = key_of(w, "ann@x.example", "aaaaaaaa1", KEY_FROM_WKD);

    assert_int_equal(add(w, a), KEYRING_NEW);
    assert_string_equal(found(w, "ann@x.example", false), "");
    assert_string_equal(found(w, "ann@x.example", true), "aaaaaaaa1");
    change(w, &a, KEY_APPROVED);
    assert_string_equal(found(w, "ann@x.example", false), "aaaaaaaa1");
    change(w, &a, KEY_REFUSED);
    assert_string_equal(found(w, "ann@x.example", true), "");
}

/* CM-06: what is found never takes the place of what was approved, not even
 * when that has expired; and it is said that another key was seen. */
static void test_CM_06_pin_is_not_replaced(void **state)
{
    struct world *w = *state;
    struct adding pin = key_of(w, "bob@x.example", "bbbbbbbb1", KEY_FROM_ADMIN);
    struct adding other = key_of(w, "bob@x.example", "bbbbbbbb2", KEY_FROM_WKD);

    assert_int_equal(add(w, pin), KEYRING_NEW);
    assert_int_equal(add(w, other), KEYRING_CHANGED);
    assert_int_equal(add(w, other), KEYRING_SAME);
    assert_string_equal(found(w, "bob@x.example", true), "bbbbbbbb1");
    change(w, &pin, KEY_EXPIRED);
    assert_string_equal(found(w, "bob@x.example", true), "");
    change(w, &other, KEY_APPROVED);
    assert_string_equal(found(w, "bob@x.example", true), "bbbbbbbb2");
}

/* CM-06: of a pinned key the network may bring its revocation and nothing
 * else: a copy with its encryption part cut out, or one that says it has
 * expired, would otherwise make room for a key of the attacker's. */
static void test_CM_06_nobody_else_unpins(void **state)
{
    struct world *w = *state;
    struct adding pin = key_of(w, "ivy@x.example", "dddddddd1", KEY_FROM_ADMIN);
    struct adding cut = key_of(w, "ivy@x.example", "dddddddd1", KEY_FROM_WKD);
    struct adding evil = key_of(w, "ivy@x.example", "dddddddd2", KEY_FROM_WKD);

    add(w, pin);
    cut.key.facts.refused = STR("no part of it is for encryption");
    cut.key.facts.bytes = STR("cut");
    add(w, cut);
    assert_int_equal(add(w, evil), KEYRING_CHANGED);
    assert_string_equal(found(w, "ivy@x.example", true), "dddddddd1");
    cut.key.facts.refused = STR("");
    cut.key.facts.expired = true;
    add(w, cut);
    assert_string_equal(found(w, "ivy@x.example", true), "dddddddd1");
    assert_string_equal(bytes_of(w, "dddddddd1"), "key");
    cut.key.facts.expired = false;
    cut.key.facts.revoked = true;
    add(w, cut);
    assert_string_equal(found(w, "ivy@x.example", true), "");
}

/* An administrator's word outlasts what is found after it. */
static void test_an_ended_candidate_stays_ended(void **state)
{
    struct world *w = *state;
    struct adding a = key_of(w, "jo@x.example", "44444444a", KEY_FROM_WKD);

    add(w, a);
    change(w, &a, KEY_EXPIRED);
    assert_int_equal(add(w, a), KEYRING_SAME);
    assert_string_equal(found(w, "jo@x.example", true), "");
}

/* Another key is news as long as anybody was ever pinned, and an address is
 * the same however it is written. */
static void test_another_key_is_always_news(void **state)
{
    struct world *w = *state;
    struct adding pin = key_of(w, "kay@x.example", "55555555a", KEY_FROM_ADMIN);

    add(w, pin);
    change(w, &pin, KEY_EXPIRED);
    assert_int_equal(
        add(w, key_of(w, "Kay@x.example", "55555555b", KEY_FROM_WKD)),
        KEYRING_CHANGED);
    assert_int_equal(
        add(w, key_of(w, "KAY@x.example", "55555555b", KEY_FROM_WKD)),
        KEYRING_SAME);
    assert_string_equal(found(w, "kay@X.example", true), "");
}

static void test_order_of_trust(void **state)
{
    struct world *w = *state;

    add(w, key_of(w, "cy@x.example", "cccccccc1", KEY_FROM_RECEIVED));
    add(w, key_of(w, "cy@x.example", "cccccccc2", KEY_FROM_WKD));
    add(w, key_of(w, "cy@x.example", "cccccccc3", KEY_FROM_SMIMEA));
    add(w, key_of(w, "*@x.example", "cccccccc4", KEY_FROM_WKD));
    assert_string_equal(found(w, "cy@x.example", true),
                        "cccccccc3 cccccccc2 cccccccc1 cccccccc4");
    assert_string_equal(found(w, "dan@x.example", true), "cccccccc4");
    assert_string_equal(found(w, "cy@y.example", true), "");
}

/* CM-01, CM-06: expired, revoked, refused, and for somebody else. */
static void test_CM_01_bad_keys_are_never_given(void **state)
{
    struct world *w = *state;
    struct adding a = key_of(w, "eve@x.example", "eeeeeeee1", KEY_FROM_ADMIN);

    a.key.facts.expires_wall_ms = NOW - 1;
    add(w, a);
    a = key_of(w, "eve@x.example", "eeeeeeee2", KEY_FROM_ADMIN);
    a.key.facts.revoked = true;
    add(w, a);
    a = key_of(w, "eve@x.example", "eeeeeeee3", KEY_FROM_ADMIN);
    a.key.facts.refused = STR("RSA of 1024 bits");
    add(w, a);
    a = key_of(w, "eve@x.example", "eeeeeeee4", KEY_FROM_ADMIN);
    *a.key.facts.addresses = STR("mallory@x.example");
    add(w, a);
    assert_string_equal(found(w, "eve@x.example", true), "");
}

static void test_names_and_history(void **state)
{
    struct world *w = *state;
    struct adding a = key_of(w, "fay@x.example", "ffffffff1", KEY_FROM_WKD);
    struct keyring_event *events;
    struct keyring_key key;
    size_t n;
    bool seen;

    add(w, a);
    add(w, key_of(w, "fay@y.example", "ffffffff2", KEY_FROM_WKD));
    change(w, &a, KEY_APPROVED);
    struct rx *rx = store_read(w->store);
    assert_false(status_is_ok(
        keyring_get(rx, STR("ffffffff"), STR(""), &w->arena, &key, &seen)));
    assert_false(status_is_ok(
        keyring_get(rx, STR("fff"), STR(""), &w->arena, &key, &seen)));
    assert_true(status_is_ok(
        keyring_get(rx, STR("FFFFFFFF1"), STR(""), &w->arena, &key, &seen)));
    assert_true(seen && key.state == KEY_APPROVED && key.pinned);
    assert_true(
        status_is_ok(keyring_history(rx, &a.key.id, &w->arena, &events, &n)));
    assert_int_equal(n, 2);
    assert_true(str_eq(events[0].what, STR("added")));
    assert_true(str_eq(events[1].what, STR("approved")));
    store_read_done(w->store, &rx);
}

struct announcing {
    int64_t now;
    struct arena arena;
    struct keyring_ending list[KEYRING_ENDINGS_MAX];
    size_t n;
};

static struct status announce_work(struct tx *tx, void *argument)
{
    struct announcing *a = argument;

    return keyring_announce(tx, a->now, &a->arena, a->list, &a->n);
}

/* Days that are announced at this time, joined; "" for none. */
static const char *announced(struct world *w, int64_t now)
{
    static struct announcing a;
    struct buf text = { 0 };

    a = (struct announcing){ .now = now };
    assert_true(status_is_ok(store_commit(w->store, announce_work, &a)));
    for (size_t i = 0; i < a.n; i++)
        buf_addf(&text, i == 0 ? "%d" : " %d", a.list[i].days);
    const char *kept = str_keep_cstr(&w->arena, buf_str(&text));
    buf_free(&text);
    arena_free(&a.arena);
    return kept;
}

/* Each stage once, a missed one not made up for, and the end ends its use. Of
 * candidates nothing is said. */
static void test_the_end_is_announced(void **state)
{
    enum { DAY = 24 * 3600 * 1000 };
    struct world *w = *state;
    struct adding a = key_of(w, "gil@x.example", "99999999a", KEY_FROM_ADMIN);
    struct adding c = key_of(w, "hal@x.example", "99999999b", KEY_FROM_WKD);
    const int64_t end = NOW + 100ll * DAY;

    a.key.facts.expires_wall_ms = c.key.facts.expires_wall_ms = end;
    add(w, a);
    add(w, c);
    assert_string_equal(announced(w, NOW), "");
    assert_string_equal(announced(w, end - 31ll * DAY), "");
    assert_string_equal(announced(w, end - 30ll * DAY), "30");
    assert_string_equal(announced(w, end - 20ll * DAY), "");
    assert_string_equal(announced(w, end - 2ll * DAY), "3");
    assert_string_equal(announced(w, end - 1ll * DAY), "");
    assert_string_equal(found(w, "gil@x.example", false), "99999999a");
    /* Renewed, it begins anew; each stage once again. */
    a.key.facts.expires_wall_ms = end + 40ll * DAY;
    assert_int_equal(add(w, a), KEYRING_SAME);
    assert_string_equal(announced(w, end), "");
    assert_string_equal(found(w, "hal@x.example", true), "");
    assert_string_equal(announced(w, end + 20ll * DAY), "30");
    assert_string_equal(announced(w, end + 40ll * DAY), "0");
    assert_string_equal(announced(w, end + 41ll * DAY), "");
    assert_string_equal(found(w, "gil@x.example", true), "");
}

static size_t listed(struct world *w, const char *owner)
{
    struct keyring_filter filter = { .owner = str_from_cstr(owner) };
    struct rx *rx = store_read(w->store);
    struct keyring_key *keys;
    size_t n;

    assert_true(status_is_ok(keyring_list(rx, &filter, &w->arena, &keys, &n)));
    store_read_done(w->store, &rx);
    return n;
}

static void test_lists_by_address_and_domain(void **state)
{
    struct world *w = *state;

    add(w, key_of(w, "lea@x.example", "66666666a", KEY_FROM_WKD));
    add(w, key_of(w, "lou@y.example", "66666666b", KEY_FROM_WKD));
    assert_int_equal(listed(w, ""), 2);
    assert_int_equal(listed(w, "X.example"), 1);
    assert_int_equal(listed(w, "LEA@x.example"), 1);
    assert_int_equal(listed(w, "example"), 0);
    assert_int_equal(listed(w, "%"), 0);
    assert_int_equal(listed(w, "_.example"), 0);
}

#define WITH_WORLD(test)                                                       \
    cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_candidates_only_when_asked),
        WITH_WORLD(test_CM_06_pin_is_not_replaced),
        WITH_WORLD(test_CM_06_nobody_else_unpins),
        WITH_WORLD(test_an_ended_candidate_stays_ended),
        WITH_WORLD(test_another_key_is_always_news),
        WITH_WORLD(test_order_of_trust),
        WITH_WORLD(test_CM_01_bad_keys_are_never_given),
        WITH_WORLD(test_names_and_history),
        WITH_WORLD(test_lists_by_address_and_domain),
        WITH_WORLD(test_the_end_is_announced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
