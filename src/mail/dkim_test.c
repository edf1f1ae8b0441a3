/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical forms by RFC 6376, and signatures that verify. */
#include "mail/dkim.h"

#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void hash_pieces(const char *text, size_t size, char out[64])
{
    struct dkim_body *body = dkim_body_new();
    struct str rest = str_from_cstr(text);
    unsigned char hash[32];
    struct buf encoded = { 0 };

    for (; rest.n > 0; rest = str_from(rest, size))
        dkim_body_add(body, str_first(rest, size));
    dkim_body_end(&body, hash);
    assert_null(body);
    base64_encode(str_of(hash, 32), &encoded);
    snprintf(out, 64, "%s", buf_cstr(&encoded));
    buf_free(&encoded);
}

static void plain_hash(const char *text, char out[64])
{
    unsigned char hash[32];
    struct buf encoded = { 0 };
    size_t n;

    EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), hash, &n);
    base64_encode(str_of(hash, 32), &encoded);
    snprintf(out, 64, "%s", buf_cstr(&encoded));
    buf_free(&encoded);
}

static void test_body(void **state)
{
    static const struct {
        const char *in, *canonical;
    } rows[] = {
        { "", "" },
        { "\r\n\r\n", "" },
        { " \t\r\n", "" },
        { " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n" }, /* 3.4.6 */
        { "x", "x\r\n" },
        { "x\r\n", "x\r\n" },
        { "x\r\n\r\ny", "x\r\n\r\ny\r\n" },
        { "x  \r\n\r\n  y\t\r\n \r\n", "x\r\n\r\n y\r\n" },
        { "x\ry\r", "x\ry\r\r\n" },
        { "x\ny", "x\ny\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t size = 1; size < 7; size++) {
            char got[64], want[64];

            hash_pieces(rows[i].in, size, got);
            plain_hash(rows[i].canonical, want);
            assert_string_equal(got, want);
        }
    /* RFC 8463, A.3: the body of the example. */
    {
        char got[64];

        hash_pieces("Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\n"
                    "Joe.\r\n",
                    1000, got);
        assert_string_equal(got,
                            "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    }
}

static void test_field(void **state)
{
    struct buf out = { 0 };

    (void)state;
    dkim_relax_field(STR("SUBJect"), STR(" AbC\t d\r\n\te \r\n"), &out);
    assert_string_equal(buf_cstr(&out), "subject:AbC d e");
    buf_clear(&out);
    dkim_relax_field(STR("To"), STR(" \r\n"), &out);
    assert_string_equal(buf_cstr(&out), "to:");
    buf_free(&out);
}

static void write_key(const char *path, EVP_PKEY *pkey)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL),
                     1);
    fclose(f);
}

/* What a verifier does, for the fields of the test message alone. */
static bool verifies(EVP_PKEY *pkey, bool ed25519, struct str field,
                     struct str signed_text)
{
    struct buf data = { 0 }, encoded = { 0 }, signature = { 0 };
    size_t b = str_find(field, STR("\tb=")) + 3, n;
    unsigned char hash[32];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok;

    buf_add(&data, signed_text);
    dkim_relax_field(STR("DKIM-Signature"), str_of(field.p + 15, b - 15),
                     &data);
    for (size_t i = b; i < field.n; i++)
        if (field.p[i] > ' ')
            buf_add_char(&encoded, field.p[i]);
    assert_true(base64_decode(buf_str(&encoded), &signature));
    EVP_Q_digest(NULL, "SHA256", NULL, data.p, data.n, hash, &n);
    EVP_DigestVerifyInit_ex(context, NULL, ed25519 ? NULL : "SHA256", NULL,
                            NULL, pkey, NULL);
    ok = EVP_DigestVerify(context, (unsigned char *)signature.p, signature.n,
                          ed25519 ? hash : (unsigned char *)data.p,
                          ed25519 ? 32 : data.n) == 1;
    EVP_MD_CTX_free(context);
    buf_free(&data);
    buf_free(&encoded);
    buf_free(&signature);
    return ok;
}

static void check_key(EVP_PKEY *pkey, bool ed25519)
{
    char path[] = "/tmp/dkim_test_XXXXXX";
    struct dkim_key *key = NULL;
    unsigned char hash[32] = { 1 };
    struct buf out = { 0 };
    struct dkim_request request = {
        .domain = STR("clinic.example"),
        .selector = STR("s1"),
        .header = STR("Received: x\r\nTo: one\r\nFrom: a@clinic.example\r\n"
                      "To: two\r\nX: y\r\n"),
        .body_hash = hash,
        .wall_ms = 1700000000000,
    };

    close(mkstemp(path));
    write_key(path, pkey);
    assert_true(status_is_ok(dkim_key_load(path, &key)));
    unlink(path);
    assert_true(status_is_ok(dkim_sign(key, &request, &out)));
    assert_true(verifies(pkey, ed25519, buf_str(&out),
                         STR("from:a@clinic.example\r\nto:two\r\nto:one\r\n")));
    assert_false(
        verifies(pkey, ed25519, buf_str(&out),
                 STR("from:b@clinic.example\r\nto:two\r\nto:one\r\n")));
    /* SO-10: over-signed, no l=, no line too long. */
    assert_true(str_find(buf_str(&out), STR("From:From:To:To:To:Cc:Subject")) <
                out.n);
    assert_int_equal(str_find(buf_str(&out), STR(" l=")), out.n);
    for (struct str rest = buf_str(&out), line; str_split(&rest, '\n', &line);)
        assert_true(line.n <= 79);
    dkim_key_free(&key);
    assert_null(key);
    buf_free(&out);
}

static void test_sign(void **state)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    EVP_PKEY *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    (void)state;
    check_key(rsa, false);
    check_key(ed25519, true);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ed25519);
}

static void test_weak_key(void **state)
{
    char path[] = "/tmp/dkim_test_XXXXXX";
    EVP_PKEY *rsa = EVP_RSA_gen(1024);
    struct dkim_key *key = NULL;

    (void)state;
    close(mkstemp(path));
    write_key(path, rsa);
    assert_false(status_is_ok(dkim_key_load(path, &key)));
    assert_false(status_is_ok(dkim_key_load("/nonexistent", &key)));
    assert_null(key);
    unlink(path);
    EVP_PKEY_free(rsa);
}

static void test_domain(void **state)
{
    (void)state;
    assert_true(dkim_signs_for(STR("x.example"), STR("X.example")));
    assert_true(dkim_signs_for(STR("x.example"), STR("a.x.example")));
    assert_false(dkim_signs_for(STR("x.example"), STR("ax.example")));
    assert_false(dkim_signs_for(STR("a.x.example"), STR("x.example")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body),   cmocka_unit_test(test_field),
        cmocka_unit_test(test_sign),   cmocka_unit_test(test_weak_key),
        cmocka_unit_test(test_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
