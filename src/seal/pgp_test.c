/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys may be used and why others not; what counts as locked. The keys
 * are made by tests/data/keys-pgp/make. */
#include "base/base64.h"
#include "seal/pgp.h"
#include "seal/pgp_packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 1 << 16 };
static const int64_t now_ms = 1790000000000; /* 2026 */

static struct str load(const char *name, struct arena *arena)
{
    char path[512];
    char *text = arena_alloc(arena, FILE_MAX);
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s.asc", KEYS, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    struct str got = str_of(text, fread(text, 1, FILE_MAX, f));
    fclose(f);
    return got;
}

static struct key_facts read_one(const char *name, struct arena *arena)
{
    struct key_facts *facts;
    size_t n;

    assert_true(status_is_ok(
        pgp_read_keys(load(name, arena), now_ms, arena, &facts, &n)));
    assert_int_equal(n, 1);
    return facts[0];
}

static void assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_from_cstr(want)))
        fail_msg("'%.*s', not '%s'", STR_ARG(got), want);
}

static bool holds_secret(struct str key)
{
    struct pgp_packet p;

    while (pgp_packet_next(&key, &p))
        if (p.tag == PGP_SECRET_KEY || p.tag == PGP_SECRET_SUBKEY)
            return true;
    return key.n != 0;
}

/* --- keys ------------------------------------------------------------------
 */

static const struct {
    const char *name, *algorithm, *refused;
    bool expired, revoked;
} keys[] = {
    { "rsa2048", "rsa2048", "", false, false },
    { "rsa3072", "rsa3072", "", false, false },
    { "rsa4096", "rsa4096", "", false, false },
    { "p256", "p256", "", false, false },
    { "p384", "p384", "", false, false },
    { "curve25519", "x25519", "", false, false },
    { "several", "rsa2048", "", false, false },
    { "unknown", "x25519", "", false, false },
    { "people", "x25519", "", false, false },
    { "signing", "eddsa255", "no part of it is for encryption", false, false },
    { "expired", "eddsa255", "expired", true, false },
    { "revoked", "eddsa255", "revoked", false, true },
    { "rsa1024", "rsa1024", "RSA with fewer than 2048 bits", false, false },
    { "elgamal", "elgamal2048", "an ElGamal key", false, false },
    { "sha1", "x25519", "bound with SHA-1 or MD5 only", false, false },
    { "sha1part", "x25519", "bound with SHA-1 or MD5 only", false, false },
    { "version6", "", "version 6 of OpenPGP keys cannot be used here", false,
      false },
};

static void test_CM_01_CM_02_facts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct arena arena = { 0 };
        struct key_facts f = read_one(keys[i].name, &arena);

        print_message("%s\n", keys[i].name);
        assert_str(f.algorithm, keys[i].algorithm);
        assert_str(f.refused, keys[i].refused);
        assert_int_equal(f.fingerprint.n, 40);
        assert_int_equal(f.expired, keys[i].expired);
        assert_int_equal(f.revoked, keys[i].revoked);
        assert_false(f.has_private);
        arena_free(&arena);
    }
}

/* A user id counts by itself: bound strongly, and with one address. */
static void test_CM_06_addresses(void **state)
{
    struct arena arena = { 0 };
    struct key_facts f = read_one("people", &arena);

    (void)state;
    assert_int_equal(f.addresses_n, 3);
    assert_str(f.addresses[0], "people@pgp.example");
    assert_str(f.addresses[1], "two@xn--bcher-kva.example");
    assert_str(f.addresses[2], "plain@pgp.example");
    arena_free(&arena);
}

static void test_unknown_part_is_cut(void **state)
{
    struct arena arena = { 0 };
    struct key_facts plain = read_one("curve25519", &arena);
    struct key_facts unknown = read_one("unknown", &arena);

    (void)state;
    assert_true(str_eq(plain.bytes, unknown.bytes));
    assert_true(str_eq(plain.fingerprint, unknown.fingerprint));
    arena_free(&arena);
}

static void test_private_part_stays(void **state)
{
    struct arena arena = { 0 };
    struct key_facts f = read_one("secret", &arena), own;
    struct buf secret = { 0 };

    (void)state;
    assert_true(f.has_private);
    assert_true(f.bytes.n > 0);
    assert_false(holds_secret(f.bytes));
    assert_true(status_is_ok(pgp_own_key(load("secret", &arena), STR(""),
                                         now_ms, &arena, &own, &secret)));
    assert_true(own.has_private);
    assert_false(holds_secret(own.bytes));
    assert_true(holds_secret(buf_str(&secret)));
    assert_true(str_eq(own.fingerprint, f.fingerprint));
    buf_wipe(&secret);
    assert_false(status_is_ok(pgp_own_key(load("curve25519", &arena), STR(""),
                                          now_ms, &arena, &own, &secret)));
    buf_wipe(&secret);
    arena_free(&arena);
}

/* Cut short or with an octet changed anywhere: a status or facts, no more. */
static void test_CM_12_damaged(void **state)
{
    struct arena arena = { 0 };
    struct str whole = read_one("several", &arena).bytes;
    char *text = arena_alloc(&arena, whole.n);

    (void)state;
    for (size_t i = 0; i < whole.n; i += 7) {
        struct arena scratch = { 0 };
        struct key_facts *facts;
        size_t n;

        memcpy(text, whole.p, whole.n);
        text[i] = (char)(text[i] ^ 0x41);
        pgp_read_keys(str_of(text, whole.n), now_ms, &scratch, &facts, &n);
        pgp_read_keys(str_first(whole, i), now_ms, &scratch, &facts, &n);
        arena_free(&scratch);
    }
    arena_free(&arena);
}

/* --- messages --------------------------------------------------------------
 */

static bool write_memory(void *context, const void *from, size_t n)
{
    buf_add(context, str_of(from, n));
    return true;
}

/* The armour of what pgp_seal makes, kept. */
static struct str seal(struct str key, bool hide, struct arena *arena)
{
    struct str left = STR("Content-Type: text/plain\r\n\r\nhi\r\n");
    struct buf out = { 0 };
    struct seal_source source = seal_from_memory(&left);
    struct seal_sink sink = { write_memory, &out };
    struct pgp_job job = { .key = key,
                           .hide_key_ids = hide,
                           .now_wall_ms = now_ms };

    assert_true(status_is_ok(pgp_seal(&job, &source, &sink)));
    struct str all = str_keep(arena, buf_str(&out));
    buf_free(&out);
    all = str_from(all, str_find(all, STR("-----BEGIN PGP MESSAGE")));
    return str_first(all, str_find(all, STR("\r\n\r\n--=_postseal")));
}

static void test_encrypted_to(void **state)
{
    struct arena arena = { 0 };
    struct str mine = read_one("curve25519", &arena).bytes;
    struct str other = read_one("p256", &arena).bytes;
    struct str both[] = { other, mine };
    struct str armour = seal(mine, false, &arena);

    (void)state;
    assert_true(pgp_is_encrypted_to(armour, &mine, 1));
    assert_true(pgp_is_encrypted_to(armour, both, 2));
    assert_false(pgp_is_encrypted_to(armour, &other, 1));
    assert_false(pgp_is_encrypted_to(armour, NULL, 0));
    assert_false(pgp_is_encrypted_to(seal(mine, true, &arena), &mine, 1));
    assert_false(pgp_is_encrypted_to(load("curve25519", &arena), &mine, 1));
    arena_free(&arena);
}

/* The text of armour with one piece put in before where. */
static struct str put_in(struct str armour, const char *where,
                         const char *piece, struct arena *arena)
{
    size_t at = str_find(armour, str_from_cstr(where));

    return arena_printf(arena, "%.*s%s%.*s", STR_ARG(str_first(armour, at)),
                        piece, STR_ARG(str_from(armour, at)));
}

/* What is in clear inside the armour is not locked (CM-13). */
static void test_CM_13_clear_text_in_armour(void **state)
{
    static const struct {
        const char *where, *piece;
        bool good;
    } rows[] = {
        { "\r\n\r\n", "\r\nVersion: GnuPG v2\r\nComment: x", true },
        { "\r\n\r\n", "\r\nDiagnosis: cancer", false },
        { "\r\n\r\n", "\r\nThe patient has cancer", false },
        { "-----END", "\r\n\r\n", true },
        { "-----END", "The patient has cancer\r\n", false },
        { "-----END", "=abcd\r\n", false },
        { "-----END", "-----The patient\r\n", false },
    };
    struct arena arena = { 0 };
    struct str mine = read_one("curve25519", &arena).bytes;
    struct str armour = seal(mine, false, &arena);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str text = put_in(armour, rows[i].where, rows[i].piece, &arena);

        print_message("%s%s\n", rows[i].piece, rows[i].where);
        assert_int_equal(pgp_is_encrypted_to(text, &mine, 1), rows[i].good);
    }
    arena_free(&arena);
}

/* Something behind the encrypted packet, or none at all. */
static void test_CM_13_packets_around(void **state)
{
    struct arena arena = { 0 };
    struct str mine = read_one("curve25519", &arena).bytes;
    struct buf octets = { 0 };
    struct str whole, rest;
    struct pgp_packet p;

    (void)state;
    assert_true(pgp_unarmour(seal(mine, false, &arena), &octets));
    whole = str_keep(&arena, buf_str(&octets));
    assert_true(pgp_is_encrypted_to(whole, &mine, 1));
    buf_add(&octets, STR("\xcb\x0a"
                         "b\0\0\0\0\0clear"));
    assert_false(pgp_is_encrypted_to(buf_str(&octets), &mine, 1));
    for (size_t n = 0; n < whole.n; n++)
        assert_false(pgp_is_encrypted_to(str_first(whole, n), &mine, 1));
    rest = whole;
    assert_true(pgp_packet_next(&rest, &p));
    assert_int_equal(p.tag, PGP_SESSION_KEY);
    assert_false(pgp_is_encrypted_to(rest, &mine, 1));
    assert_false(pgp_is_encrypted_to(p.whole, &mine, 1));
    buf_free(&octets);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_CM_01_CM_02_facts),
        cmocka_unit_test(test_CM_06_addresses),
        cmocka_unit_test(test_unknown_part_is_cut),
        cmocka_unit_test(test_private_part_stays),
        cmocka_unit_test(test_CM_12_damaged),
        cmocka_unit_test(test_encrypted_to),
        cmocka_unit_test(test_CM_13_clear_text_in_armour),
        cmocka_unit_test(test_CM_13_packets_around),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
