/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing at rest: what is sealed opens, and nothing else does. */
#include "base/random.h"
#include "seal/rest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct keys {
    char dir[64], private_path[96], public_path[96];
    struct rest_public *pub;
    struct rest_private *priv;
};

static int set_up(void **state)
{
    struct keys *k = calloc(1, sizeof(*k));

    strcpy(k->dir, "/tmp/rest_test.XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    snprintf(k->private_path, sizeof(k->private_path), "%s/a.key", k->dir);
    snprintf(k->public_path, sizeof(k->public_path), "%s/a.pub", k->dir);
    assert_true(status_is_ok(rest_keygen(k->private_path, k->public_path)));
    assert_true(status_is_ok(rest_public_load(k->public_path, &k->pub)));
    assert_true(status_is_ok(rest_private_load(k->private_path, &k->priv)));
    *state = k;
    return 0;
}

static int tear_down(void **state)
{
    struct keys *k = *state;

    rest_public_free(&k->pub);
    rest_private_free(&k->priv);
    unlink(k->private_path);
    unlink(k->public_path);
    rmdir(k->dir);
    free(k);
    return 0;
}

static void test_key_files(void **state)
{
    struct keys *k = *state;
    struct rest_private *none = NULL;
    struct stat st;

    assert_int_equal(stat(k->private_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0400);
    /* an existing key is never overwritten */
    assert_false(status_is_ok(rest_keygen(k->private_path, k->public_path)));
    /* the public half opens nothing */
    assert_false(status_is_ok(rest_private_load(k->public_path, &none)));
    assert_null(none);
}

static void test_wrap_round_trip(void **state)
{
    struct keys *k = *state;
    struct rest_key key, got;

    for (int i = 0; i < 100; i++) {
        struct buf w = { 0 };

        rest_key_new(&key);
        rest_wrap(k->pub, STR("body:1"), &key, &w);
        assert_true(status_is_ok(
            rest_unwrap(k->priv, STR("body:1"), buf_str(&w), &got)));
        assert_memory_equal(key.bytes, got.bytes, 32);
        buf_free(&w);
    }
}

/* CR-03: a key moved to another message, or changed anywhere, is refused. */
static void test_CR_03_wrapped_key_is_bound(void **state)
{
    struct keys *k = *state;
    struct rest_key key, got;
    struct buf w = { 0 };

    rest_key_new(&key);
    rest_wrap(k->pub, STR("body:1"), &key, &w);
    assert_false(
        status_is_ok(rest_unwrap(k->priv, STR("body:2"), buf_str(&w), &got)));
    for (size_t i = 0; i < w.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            w.p[i] = (char)(w.p[i] ^ 1 << bit);
            assert_false(status_is_ok(
                rest_unwrap(k->priv, STR("body:1"), buf_str(&w), &got)));
            w.p[i] = (char)(w.p[i] ^ 1 << bit);
        }
    for (size_t n = 0; n < w.n; n++)
        assert_false(status_is_ok(rest_unwrap(
            k->priv, STR("body:1"), str_first(buf_str(&w), n), &got)));
    buf_free(&w);
}

/* CR-02: no two messages share a key, no two wraps a nonce. */
static void test_CR_02_keys_and_nonces_are_unique(void **state)
{
    struct keys *k = *state;
    struct buf a = { 0 }, b = { 0 };
    struct rest_key one, two;

    rest_key_new(&one);
    rest_key_new(&two);
    assert_memory_not_equal(one.bytes, two.bytes, 32);
    rest_wrap(k->pub, STR("x"), &one, &a);
    rest_wrap(k->pub, STR("x"), &one, &b);
    /* nonce and sealed key; the ephemeral key serves its period */
    assert_memory_not_equal(a.p + 1 + 8 + 65, b.p + 1 + 8 + 65, 12);
    assert_memory_not_equal(a.p + 1 + 8 + 65 + 12, b.p + 1 + 8 + 65 + 12, 48);
    buf_free(&a);
    buf_free(&b);
}

static void test_frames_round_trip(void **state)
{
    static const size_t sizes[] = { 0, 1, 15, 16, 17, 4096, 65535, 65536 };
    struct rest_key key;

    (void)state;
    rest_key_new(&key);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct buf plain = { 0 }, sealed = { 0 }, got = { 0 };

        random_bytes(buf_room(&plain, sizes[i] + 1), sizes[i]);
        plain.n = sizes[i];
        rest_seal_frame(&key, STR("c"), 7, true, buf_str(&plain), &sealed);
        assert_int_equal(sealed.n, sizes[i] + REST_TAG);
        assert_true(status_is_ok(
            rest_open_frame(&key, STR("c"), 7, true, buf_str(&sealed), &got)));
        assert_true(str_eq(buf_str(&got), buf_str(&plain)));
        buf_free(&plain);
        buf_free(&sealed);
        buf_free(&got);
    }
}

static bool opens(const struct rest_key *key, struct str context,
                  uint32_t index, bool last, struct str frame)
{
    struct buf got = { 0 };
    bool ok =
        status_is_ok(rest_open_frame(key, context, index, last, frame, &got));

    if (!ok)
        assert_int_equal(got.n, 0);
    buf_free(&got);
    return ok;
}

/* CR-03, QD-06: moved, reordered, cut, or one bit wrong: never opened. */
static void test_QD_06_frames_are_bound(void **state)
{
    struct rest_key key, other;
    struct buf f = { 0 };
    struct str s;

    (void)state;
    rest_key_new(&key);
    rest_key_new(&other);
    rest_seal_frame(&key, STR("body:1"), 3, false, STR("some mail"), &f);
    s = buf_str(&f);
    assert_true(opens(&key, STR("body:1"), 3, false, s));
    assert_false(opens(&key, STR("body:2"), 3, false, s));
    assert_false(opens(&key, STR("body:1"), 2, false, s));
    assert_false(opens(&key, STR("body:1"), 3, true, s));
    assert_false(opens(&other, STR("body:1"), 3, false, s));
    for (size_t n = 0; n < s.n; n++)
        assert_false(opens(&key, STR("body:1"), 3, false, str_first(s, n)));
    for (size_t i = 0; i < f.n * 8; i++) {
        f.p[i / 8] = (char)(f.p[i / 8] ^ 1 << i % 8);
        assert_false(opens(&key, STR("body:1"), 3, false, s));
        f.p[i / 8] = (char)(f.p[i / 8] ^ 1 << i % 8);
    }
    buf_free(&f);
}

/* CR-01: the plain text is nowhere in what is stored. */
static void test_CR_01_no_plain_text(void **state)
{
    struct rest_key key;
    struct buf f = { 0 };

    (void)state;
    rest_key_new(&key);
    rest_seal_frame(&key, STR("c"), 0, true, STR("Subject: canary-4711"), &f);
    assert_int_equal(str_find(buf_str(&f), STR("canary")), f.n);
    buf_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_key_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrap_round_trip, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_CR_03_wrapped_key_is_bound, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_CR_02_keys_and_nonces_are_unique,
                                        set_up, tear_down),
        cmocka_unit_test(test_frames_round_trip),
        cmocka_unit_test(test_QD_06_frames_are_bound),
        cmocka_unit_test(test_CR_01_no_plain_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
