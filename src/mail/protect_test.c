/* SPDX-License-Identifier: Apache-2.0 */
/* What of a header is locked with the message and what stays outside (CM-08),
 * and what a message is already (CM-03, CM-07). */
#include "mail/content_type.h"
#include "mail/protect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char plain[] = "Received: from a by b; Tue, 1 Jan 2030\r\n"
                            "DKIM-Signature: v=1; b=x\r\n"
                            "From: a@x.example\r\n"
                            "To: b@y.example\r\n"
                            "Bcc: c@y.example\r\n"
                            "Resent-Bcc : d@y.example\r\n"
                            "bcc\r\n : e@y.example\r\n"
                            "X-Postseal-Floor: tls\r\n"
                            "HP-Outer: To: f@y.example\r\n"
                            "Subject: Your\r\n results\r\n"
                            "Keywords: liver\r\n"
                            "Message-ID: <1@x.example>\r\n"
                            "MIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n"
                            "Content-Transfer-Encoding: 8bit\r\n";

static bool split(const char *header, bool protect, struct buf *outer,
                  struct buf *inner)
{
    struct protect_options options = { protect, STR("[...]") };

    return protect_header(str_from_cstr(header), &options, outer, inner);
}

static void check(const char *header, bool protect, const char *outer_want,
                  const char *inner_want)
{
    struct buf outer = { 0 }, inner = { 0 };

    assert_true(split(header, protect, &outer, &inner));
    assert_string_equal(buf_cstr(&outer), outer_want);
    assert_string_equal(buf_cstr(&inner), inner_want);
    buf_free(&outer);
    buf_free(&inner);
}

static void test_CM_08_header_protection(void **state)
{
    (void)state;
    check(plain, true,
          "Received: from a by b; Tue, 1 Jan 2030\r\n"
          "From: a@x.example\r\n"
          "To: b@y.example\r\n"
          "Subject: [...]\r\n"
          "Message-ID: <1@x.example>\r\n"
          "MIME-Version: 1.0\r\n",
          "From: a@x.example\r\n"
          "HP-Outer: From: a@x.example\r\n"
          "To: b@y.example\r\n"
          "HP-Outer: To: b@y.example\r\n"
          "Subject: Your\r\n results\r\n"
          "HP-Outer: Subject: [...]\r\n"
          "Keywords: liver\r\n"
          "Message-ID: <1@x.example>\r\n"
          "HP-Outer: Message-ID: <1@x.example>\r\n"
          "Content-Type: text/plain; charset=utf-8;\r\n hp=\"cipher\"\r\n"
          "Content-Transfer-Encoding: 8bit\r\n");
}

static void test_without_header_protection(void **state)
{
    (void)state;
    check("From: a@x.example\r\nSubject: s\r\nContent-Type: text/html\r\n",
          false, "From: a@x.example\r\nSubject: s\r\nMIME-Version: 1.0\r\n",
          "Content-Type: text/html\r\n");
    check("From: a@x.example\r\n", false,
          "From: a@x.example\r\nMIME-Version: 1.0\r\n",
          "Content-Type: text/plain\r\n");
}

static void test_types_that_end_in_odd_ways(void **state)
{
    static const char *const types[][2] = {
        { "text/plain;", "text/plain" },
        { "text/plain ; ", "text/plain" },
        { "multipart/mixed;\r\n\tboundary=\"a;b\"",
          "multipart/mixed;\r\n\tboundary=\"a;b\"" },
        { "text/plain (a \\) comment)", "text/plain (a \\) comment)" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct buf in = { 0 }, want = { 0 };

        buf_addf(&in, "Content-Type: %s\r\n", types[i][0]);
        buf_addf(&want, "Content-Type: %s;\r\n hp=\"cipher\"\r\n", types[i][1]);
        check(buf_cstr(&in), true, "MIME-Version: 1.0\r\n", buf_cstr(&want));
        buf_free(&in);
        buf_free(&want);
    }
}

static void test_two_readings_are_refused(void **state)
{
    static const char *const bad[] = {
        "Content-Type: text/plain\r\nContent-Type: text/html\r\n",
        "Subject: a\r\nSubject: b\r\n",
        "Content-Type: text/plain; a=1; a=2\r\n",
        "Content-Type: text/plain; a*0=1; a*1=2\r\n",
        "Content-Type: text/plain; a=\"1\r\n",
        "Content-Type: text\r\n",
        "From: a\nTo: b\r\n",
        "no field\r\n",
        "no field: x\r\n",
        "Subj\177ect: x\r\n",
        ": x\r\n",
        " Subject: x\r\n",
        "From: a\r\n\r\nBcc: x\r\n",
        "\r\nBcc: x\r\n",
        "Content-Type: text/plain; HP=\"clear\"\r\n",
        "Content-Type: text/plain; hp=\"\"\r\n",
        "From: a\rb\r\n",
        "From: a",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf outer = { 0 }, inner = { 0 };

        if (split(bad[i], true, &outer, &inner))
            fail_msg("taken: %s", bad[i]);
        buf_free(&outer);
        buf_free(&inner);
    }
}

/* What is not protected must not say that it is. */
static void test_no_false_protection(void **state)
{
    static const struct {
        const char *header;
        bool want;
    } rows[] = {
        { "Content-Type: text/plain; hp=\"cipher\"\r\n", false },
        { "Content-Type: text/plain;\r\n HP=clear\r\n", false },
        { "Content-Type: text/plain; hp=a; hp=b\r\n", false },
        { "Content-Type: text/plain; hp*0=cip; hp*1=her\r\n", false },
        { "Content-Type: text/plain; name*0=a; name*1=b\r\n", true },
        { "Content-Type: text/plain; php=1\r\n", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf outer = { 0 }, inner = { 0 };

        if (split(rows[i].header, false, &outer, &inner) != rows[i].want)
            fail_msg("%s", rows[i].header);
        buf_free(&outer);
        buf_free(&inner);
    }
}

/* CM-03, CM-07, CM-13: by the root's own type, in one reading, and nothing
 * that a subject or a file name says. */
static void test_CM_07_what_it_is_already(void **state)
{
    static const struct {
        const char *type;
        enum protect_seen want;
    } rows[] = {
        { "multipart/encrypted; protocol=\"application/pgp-encrypted\";"
          " boundary=b",
          PROTECT_PGP_ENCRYPTED },
        { "Multipart/Encrypted; Protocol=Application/PGP-Encrypted",
          PROTECT_NONE }, /* a slash must be quoted */
        { "multipart/encrypted; boundary=b", PROTECT_NONE },
        { "multipart/encrypted; protocol=\"application/pgp-encrypted\";"
          " protocol=\"text/plain\"",
          PROTECT_NONE },
        { "multipart/mixed; protocol=\"application/pgp-encrypted\"",
          PROTECT_NONE },
        { "application/pkcs7-mime; smime-type=enveloped-data",
          PROTECT_CMS_ENVELOPED },
        { "application/x-pkcs7-mime; smime-type=authEnveloped-data",
          PROTECT_CMS_ENVELOPED },
        { "application/pkcs7-mime; smime-type=signed-data",
          PROTECT_SIGNED_ONLY },
        { "application/pkcs7-mime; name=smime.p7m", PROTECT_NONE },
        { "multipart/signed; protocol=\"application/pgp-signature\"",
          PROTECT_SIGNED_ONLY },
        { "text/plain; smime-type=enveloped-data", PROTECT_NONE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf header = { 0 };

        buf_addf(&header, "Subject: [encrypted]\r\nContent-Type: %s\r\n",
                 rows[i].type);
        if (protect_look(buf_str(&header)) != rows[i].want)
            fail_msg("%s", rows[i].type);
        buf_free(&header);
    }
    assert_int_equal(protect_look(STR("Subject: [secure]\r\n")), PROTECT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_CM_08_header_protection),
        cmocka_unit_test(test_without_header_protection),
        cmocka_unit_test(test_types_that_end_in_odd_ways),
        cmocka_unit_test(test_two_readings_are_refused),
        cmocka_unit_test(test_no_false_protection),
        cmocka_unit_test(test_CM_07_what_it_is_already),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
