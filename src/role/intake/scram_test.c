/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange of RFC 7677, section 3, and what must not pass. */
#include "role/intake/scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char first[] = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
static const char ours[] = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
static const char final_good[] =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

static struct scram_verifier verifier(void)
{
    struct scram_verifier v = { .salt_n = 16, .iterations = 4096 };
    unsigned char salted[32], client[32], raw[18];
    unsigned n = 32;

    EVP_DecodeBlock(raw, (const unsigned char *)"W22ZaJ0SNY7soEsUEjb6gQ==", 24);
    memcpy(v.salt, raw, 16);
    PKCS5_PBKDF2_HMAC("pencil", 6, v.salt, 16, 4096, EVP_sha256(), 32, salted);
    HMAC(EVP_sha256(), salted, 32, (const unsigned char *)"Client Key", 10,
         client, &n);
    SHA256(client, 32, v.stored_key);
    HMAC(EVP_sha256(), salted, 32, (const unsigned char *)"Server Key", 10,
         v.server_key, &n);
    return v;
}

static bool exchange(const char *last, struct buf *answer)
{
    struct scram_verifier v = verifier();
    struct scram s;
    bool ok;

    assert_true(scram_client_first(&s, str_from_cstr(first)));
    assert_true(str_eq(buf_str(&s.user), STR("user")));
    scram_server_first(&s, &v, str_from_cstr(ours));
    assert_string_equal(buf_cstr(&s.server_first),
                        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                        "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    ok = scram_client_final(&s, &v, str_from_cstr(last), answer);
    scram_free(&s);
    return ok;
}

static void test_rfc7677_example(void **state)
{
    struct buf answer = { 0 };

    (void)state;
    assert_true(exchange(final_good, &answer));
    assert_string_equal(buf_cstr(&answer),
                        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    buf_free(&answer);
}

static void test_wrong_final_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "c=biws",
        /* another proof */
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVA=",
        /* another nonce */
        "c=biws,r=rOprNGfwEbeRWgbNEkqO,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        /* another channel binding header ("y,,") */
        "c=eSws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        /* cut proof */
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzb",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf answer = { 0 };

        assert_false(exchange(bad[i], &answer));
        assert_int_equal(answer.n, 0);
        buf_free(&answer);
    }
}

static void test_bad_first_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "n",
        "n,,",
        "n,,n=user",
        "n,,r=abc,n=user",
        "p=tls-unique,,n=u,r=a",
        "n,a=other,n=user,r=abc",
        "n,,n==41,r=abc",
        "n,,n=,r=abc",
        "n,,n=user,r=",
        "n,,n=user,r=abc,x=1",
        "n,,n=user,r=a b",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct scram s;

        assert_false(scram_client_first(&s, str_from_cstr(bad[i])));
        scram_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc7677_example),
        cmocka_unit_test(test_wrong_final_is_refused),
        cmocka_unit_test(test_bad_first_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
