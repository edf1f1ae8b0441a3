/* SPDX-License-Identifier: Apache-2.0 */
/* Verifiers against known values and against each other. */
#include "seal/password.h"

#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void set(struct secret *secret, const char *text)
{
    assert_true(secret_set(secret, str_from_cstr(text)));
}

static void test_argon2(void **state)
{
    struct secret right, wrong;
    struct buf a = { 0 }, b = { 0 };

    (void)state;
    set(&right, "correct horse \303\244");
    set(&wrong, "correct horse a");
    assert_true(status_is_ok(password_argon2_make(&right, &a)));
    assert_true(status_is_ok(password_argon2_make(&right, &b)));
    assert_true(
        str_starts(buf_str(&a), STR("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
    assert_true(password_argon2_check(buf_str(&a), &right));
    assert_false(password_argon2_check(buf_str(&a), &wrong));
    assert_false(
        password_argon2_check(str_first(buf_str(&a), a.n - 3), &right));
    assert_false(password_argon2_check(STR(""), &right));
    assert_false(
        password_argon2_check(STR("$argon2i$v=19$m=8,t=1,p=1$"), &right));
    buf_free(&a);
    buf_free(&b);
}

/* RFC 7677, 3: user "user", password "pencil". */
static void test_scram_rfc(void **state)
{
    static const char salt[] = "W22ZaJ0SNY7soEsUEjb6gQ==";
    static const char stored[] = "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=";
    static const char server[] = "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    struct scram_verifier v = { .iterations = 4096 };
    struct secret pencil;
    struct buf octets = { 0 }, text = { 0 };

    (void)state;
    set(&pencil, "pencil");
    assert_true(base64_decode(str_from_cstr(salt), &octets));
    memcpy(v.salt, octets.p, octets.n);
    v.salt_n = octets.n;
    password_scram_derive(&pencil, &v);
    base64_encode(str_of(v.stored_key, 32), &text);
    assert_string_equal(buf_cstr(&text), stored);
    buf_clear(&text);
    base64_encode(str_of(v.server_key, 32), &text);
    assert_string_equal(buf_cstr(&text), server);
    buf_free(&octets);
    buf_free(&text);
}

static void test_scram_text(void **state)
{
    struct scram_verifier v = { 0 }, again;
    struct secret password;
    struct buf text = { 0 };

    (void)state;
    set(&password, "correct horse");
    assert_true(status_is_ok(password_scram_make(&password, &text)));
    assert_true(password_scram_parse(buf_str(&text), &v));
    again = v;
    password_scram_derive(&password, &again);
    assert_memory_equal(v.stored_key, again.stored_key, 32);
    assert_memory_equal(v.server_key, again.server_key, 32);
    for (size_t i = 0; i < text.n; i++)
        if (password_scram_parse(str_first(buf_str(&text), i), &again))
            fail_msg("cut at %zu", i);
    assert_false(
        password_scram_parse(STR("SCRAM-SHA-256$1:AAAAAAAAAAA=$:"), &again));
    buf_free(&text);
}

static void test_scram_refused(void **state)
{
    struct secret password;
    struct buf text = { 0 };

    (void)state;
    set(&password, "p\303\244ncil");
    assert_int_equal(password_scram_make(&password, &text).kind, STATUS_REFUSE);
    assert_int_equal(text.n, 0);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_argon2),
        cmocka_unit_test(test_scram_rfc),
        cmocka_unit_test(test_scram_text),
        cmocka_unit_test(test_scram_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
