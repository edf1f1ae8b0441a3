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

/* --- known answers ---------------------------------------------------------
 */

/* Made by another implementation (pyca/cryptography: ECDH, HKDF, AESGCM): key
 * 00 01 .. 1f wrapped with nonce 64 65 .. 6f, frame 0x01020304, the last. */
static const char known_private[] =
    "-----BEGIN "
    "PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUKgtkJzb6tMtT9i2\n"
    "nhih1fCFZZHzDHHZBSlagL7yQZShRANCAAQGHje4eFnKe6zHFzFjioRRVwbSFNMM\n"
    "z1C9tkqZPEFer/+U5SAVsy+5PgkVmZMwm0O5425wFmeLkjV7Tu8dwWDY\n"
    "-----END "
    "PRIVATE KEY-----\n";
static const char known_context[] = "body:01arz3ndektsv4rrffq69g5fav";
static const char known_wrapped[] =
    "0176b0db08c486d8ca0420fdb68ff59ee28a76fe1e1b857abd2fca5609946b3c"
    "52e2a50724d62c11ae0e885e9c6c48e08c37f91927f007e9d8890dc4c43f39ab"
    "2b54c06c5d6c3b2427ff6465666768696a6b6c6d6e6f7e6c0bde1aff3bb6094f"
    "fc124c3dab3f45d9e32dd15ab611b24a85e8036f5add7b4ff24fa098aec60c4c"
    "6ed3cf5a5ebb";
static const char known_frame[] =
    "e95a44ac50ceb3c49a9150d65ecc4b405cdbce5da876ad327622661b2f25abcf"
    "f2f2cf210375f0";

static struct str from_hex(const char *hex, unsigned char *out)
{
    size_t n = strlen(hex) / 2;

    for (size_t i = 0; i < n; i++) {
        unsigned value = 0;

        sscanf(hex + 2 * i, "%2x", &value);
        out[i] = (unsigned char)value;
    }
    return str_of(out, n);
}

/* CR-07: what another implementation sealed opens, so the algorithms and the
 * format are what they are said to be; mail sealed by an older version must
 * always open. */
static void test_CR_07_known_answer(void **state)
{
    struct keys *k = *state;
    unsigned char wrapped[256], frame[256], sealed[256];
    struct rest_private *priv = NULL;
    struct buf plain = { 0 }, again = { 0 };
    struct str context = str_from_cstr(known_context);
    struct rest_key key;
    FILE *f;

    unlink(k->private_path);
    f = fopen(k->private_path, "w");
    assert_non_null(f);
    fputs(known_private, f);
    fclose(f);
    assert_true(status_is_ok(rest_private_load(k->private_path, &priv)));
    assert_true(status_is_ok(
        rest_unwrap(priv, context, from_hex(known_wrapped, wrapped), &key)));
    for (int i = 0; i < 32; i++)
        assert_int_equal(key.bytes[i], i);
    assert_true(
        status_is_ok(rest_open_frame(&key, context, 0x01020304, true,
                                     from_hex(known_frame, frame), &plain)));
    assert_true(str_eq(buf_str(&plain), STR("Subject: known answer\r\n")));
    rest_seal_frame(&key, context, 0x01020304, true, buf_str(&plain), &again);
    assert_true(str_eq(buf_str(&again), from_hex(known_frame, sealed)));
    buf_free(&plain);
    buf_free(&again);
    rest_private_free(&priv);
}

/* A point that is not on the curve is no key (invalid curve attack). */
static void test_CR_07_bad_points(void **state)
{
    struct keys *k = *state;
    struct rest_key key, got;
    struct buf w = { 0 };

    rest_key_new(&key);
    rest_wrap(k->pub, STR("x"), &key, &w);
    w.p[9 + 64] = (char)(w.p[9 + 64] ^ 1);
    assert_false(
        status_is_ok(rest_unwrap(k->priv, STR("x"), buf_str(&w), &got)));
    memset(w.p + 10, 0, 64);
    assert_false(
        status_is_ok(rest_unwrap(k->priv, STR("x"), buf_str(&w), &got)));
    w.p[9] = 0; /* the point at infinity */
    assert_false(
        status_is_ok(rest_unwrap(k->priv, STR("x"), buf_str(&w), &got)));
    buf_free(&w);
}

/* More sealers than remembered keys, taking turns. */
static void test_many_sealers(void **state)
{
    struct keys *k = *state;
    struct rest_public *sealers[20];

    for (int i = 0; i < 20; i++)
        assert_true(
            status_is_ok(rest_public_load(k->public_path, &sealers[i])));
    for (int i = 0; i < 60; i++) {
        struct rest_key key, got;
        struct buf w = { 0 };

        rest_key_new(&key);
        rest_wrap(sealers[i * 7 % 20], STR("x"), &key, &w);
        assert_true(
            status_is_ok(rest_unwrap(k->priv, STR("x"), buf_str(&w), &got)));
        assert_memory_equal(key.bytes, got.bytes, 32);
        buf_free(&w);
    }
    for (int i = 0; i < 20; i++)
        rest_public_free(&sealers[i]);
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
        cmocka_unit_test_setup_teardown(test_CR_07_known_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_CR_07_bad_points, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_many_sealers, set_up, tear_down),
        cmocka_unit_test(test_CR_01_no_plain_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
