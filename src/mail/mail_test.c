/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, header fields, authors, trace lines. */
#include "mail/address.h"
#include "mail/header.h"
#include "mail/received.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_addresses(void **state)
{
    static const struct {
        const char *in, *text, *local, *domain; /* text NULL: refused */
    } rows[] = {
        { "a@Clinic.Example", "a@clinic.example", "a", "clinic.example" },
        { "A.b+c@x.example.", "A.b+c@x.example", "A.b+c", "x.example" },
        /* SI-06 */
        { "\"a@b\"@example.org", "\"a@b\"@example.org", "a@b", "example.org" },
        { "\"a b\"@example.org", "\"a b\"@example.org", "a b", "example.org" },
        { "\"a\\\"b\"@example.org", "\"a\\\"b\"@example.org", "a\"b",
          "example.org" },
        { "\".\"@example.org", "\".\"@example.org", ".", "example.org" },
        { "\"a\"@example.org", "a@example.org", "a", "example.org" },
        { "\"a\\.b\"@example.org", "a.b@example.org", "a.b", "example.org" },
        { "\"\"@example.org", "\"\"@example.org", "", "example.org" },
        /* SI-07, SI-08, SI-14: plain data */
        { "$(x)@y.example", NULL, "", "" },
        { "`x`@y.example", "`x`@y.example", "`x`", "y.example" },
        { "../../x@y.example", NULL, "", "" },
        { "-x@y.example", "-x@y.example", "-x", "y.example" },
        { "=?utf-8?q?admin=40corp.example=3e?=@evil.example",
          "=?utf-8?q?admin=40corp.example=3e?=@evil.example",
          "=?utf-8?q?admin=40corp.example=3e?=", "evil.example" },
        { "user%foreign@local.example", "user%foreign@local.example",
          "user%foreign", "local.example" },
        { "user@foreign@local.example", NULL, "", "" },
        { "a(comment)@x.example", NULL, "", "" },
        /* RFC 6531 */
        { "m\303\274ller@b\303\274cher.example",
          "m\303\274ller@xn--bcher-kva.example", "m\303\274ller",
          "xn--bcher-kva.example" },
        { "a@[192.0.2.1]", "a@[192.0.2.1]", "a", "[192.0.2.1]" },
        { "a@[IPv6:2001:db8::1]", "a@[ipv6:2001:db8::1]", "a",
          "[ipv6:2001:db8::1]" },
        { "a@[2001:db8::1]", NULL, "", "" },
        { "a@[300.0.2.1]", NULL, "", "" },
        { "a@localhost", "a@localhost", "a", "localhost" },
        { "a@", NULL, "", "" },
        { "@x.example", NULL, "", "" },
        { "a", NULL, "", "" },
        { "", NULL, "", "" },
        { "a..b@x.example", NULL, "", "" },
        { ".a@x.example", NULL, "", "" },
        { "a b@x.example", NULL, "", "" },
        { "a@x..example", NULL, "", "" },
        { "a@-x.example", NULL, "", "" },
        { "a@x.example ", NULL, "", "" },
        { "\"a@x.example", NULL, "", "" },
        { "\"a\r\nb\"@x.example", NULL, "", "" },
        { "a@x.example\r\n", NULL, "", "" },
        { "a@x.ex/ample", NULL, "", "" },
        { "a2345678901234567890123456789012345678901234567890123456789012345"
          "@x.example",
          NULL, "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct address a;
        bool ok = address_parse(str_from_cstr(rows[i].in), &arena, &a);

        if (ok != (rows[i].text != NULL) ||
            (ok && (!str_eq(a.text, str_from_cstr(rows[i].text)) ||
                    !str_eq(a.local, str_from_cstr(rows[i].local)) ||
                    !str_eq(a.domain, str_from_cstr(rows[i].domain)))))
            fail_msg("%s: %.*s", rows[i].in, ok ? (int)a.text.n : 0,
                     ok ? a.text.p : "");
        arena_free(&arena);
    }
}

/* SI-06: what one reading takes, the next reading of its normal form takes
 * alike; and the domain never contains what the local part hid. */
static void test_address_agreement(void **state)
{
    static const char alphabet[] = "ab.\"\\@ <>(),:;[]1-_%";
    unsigned taken = 0;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        struct arena arena = { 0 };
        struct address a, again;
        char text[24];
        size_t n = 3 + random_below(14);

        for (size_t k = 0; k < n; k++)
            text[k] = alphabet[random_below(sizeof(alphabet) - 1)];
        if (i % 2 == 0) {
            text[0] = '"';
            text[n - 3] = '"';
        }
        text[n - 2] = '@';
        text[n - 1] = 'x';
        if (address_parse(str_of(text, n), &arena, &a)) {
            taken++;
            assert_true(address_parse(a.text, &arena, &again));
            assert_true(str_eq(a.text, again.text));
            assert_true(str_eq(a.local, again.local));
            assert_true(str_eq(a.domain, again.domain));
            assert_false(str_has_char(a.domain, '@'));
        }
        arena_free(&arena);
    }
    assert_true(taken > 1000);
}

static void test_paths(void **state)
{
    static const struct {
        const char *in, *text; /* NULL: refused */
        size_t used;
        bool empty;
    } rows[] = {
        { "<>", "", 2, true },
        { "<> SIZE=1", "", 2, true },
        { "<a@x.example> NOTIFY=NEVER", "a@x.example", 13, false },
        { "<\"a>b\"@x.example>", "\"a>b\"@x.example", 17, false },
        { "<@r.example,@s.example:a@x.example>", "a@x.example", 35, false },
        { "<@r.example>", NULL, 0, false },
        { "<@r:>", NULL, 0, false },
        { "a@x.example", NULL, 0, false },
        { "<a@x.example", NULL, 0, false },
        { "< a@x.example>", NULL, 0, false },
        { "<<a@x.example>>", NULL, 0, false },
        { "<\"a\\\">b\"@x.example>", "\"a\\\">b\"@x.example", 19, false },
        { "<\"a\\", NULL, 0, false },
        { "", NULL, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct address a;
        size_t used = 0;
        bool empty = false;
        bool ok =
            address_path(str_from_cstr(rows[i].in), &arena, &a, &empty, &used);

        if (ok != (rows[i].text != NULL))
            fail_msg("%s", rows[i].in);
        if (ok) {
            assert_true(str_eq(a.text, str_from_cstr(rows[i].text)));
            assert_int_equal(used, rows[i].used);
            assert_int_equal(empty, rows[i].empty);
        }
        arena_free(&arena);
    }
}

static void test_authors(void **state)
{
    static const struct {
        const char *header, *want; /* NULL: refused */
    } rows[] = {
        { "From: a@X.example\r\n\r\n", "a@x.example" },
        { "from : Ann <a@x.example>\r\n", "a@x.example" },
        { "From: \"Ann, B\" <a@x.example>, b@y.example\r\n",
          "a@x.example b@y.example" },
        { "From: Ann (x <c@z>) <a@x.example> (y)\r\n", "a@x.example" },
        { "From:\r\n a@x.example,\r\n\tb@y.example\r\n",
          "a@x.example b@y.example" },
        { "From: \"a b\"@x.example\r\n", "\"a b\"@x.example" },
        { "From: a . b @ x . example\r\n", "a.b@x.example" },
        /* SI-16 */
        { "From: a@x.example\r\nFrom: b@y.example\r\n", NULL },
        { "From: a@x.example\nFROM: b@y.example\n", NULL },
        { "Subject: x\r\n", NULL },
        { "From:\r\n", NULL },
        { "From: us: a@x.example;\r\n", NULL },
        { "From: a@x.example b@y.example\r\n", NULL },
        { "From: Ann a@x.example\r\n", NULL },
        { "From: <a@x.example> b@y.example\r\n", NULL },
        { "From: <a@x.example><b@y.example>\r\n", NULL },
        { "From: a@x.example,\r\n", NULL },
        { "From: <a@x.example\r\n", NULL },
        { "From: \"a@x.example\r\n", NULL },
        { "From: (a@x.example\r\n", NULL },
        { "From: =?utf-8?q?a=40x?= <b@y.example>\r\n", "b@y.example" },
        { "\r\nFrom: a@x.example\r\n", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct buf got = { 0 };
        struct str *list;
        size_t n;
        bool ok =
            header_authors(str_from_cstr(rows[i].header), &arena, &list, &n);

        for (size_t k = 0; ok && k < n; k++)
            buf_addf(&got, "%s%.*s", k == 0 ? "" : " ", STR_ARG(list[k]));
        if (ok != (rows[i].want != NULL) ||
            (ok && strcmp(buf_cstr(&got), rows[i].want) != 0))
            fail_msg("%s: %s", rows[i].header, buf_cstr(&got));
        buf_free(&got);
        arena_free(&arena);
    }
}

static void test_received(void **state)
{
    struct received_facts facts = {
        .helo = STR("ehlo$(x)\r\n"),
        .address = STR("2001:db8::1"),
        .by = STR("gate.clinic.example"),
        .id = STR("01abc"),
        .esmtp = true,
        .tls = true,
        .auth = true,
        .tls_version = STR("TLSv1.3"),
        .tls_cipher = STR("TLS_AES_256_GCM_SHA384"),
        .for_rcpt = STR("b@y.example"),
        .wall_ms = 0,
    };
    struct buf out = { 0 };
    size_t all, ours;

    (void)state;
    received_write(&facts, &out);
    assert_string_equal(buf_cstr(&out),
                        "Received: from ehlo??x??? ([IPv6:2001:db8::1])\r\n"
                        " by gate.clinic.example (postseal) with ESMTPSA\r\n"
                        " id 01abc\r\n"
                        " for <b@y.example>\r\n"
                        " tls TLS_AES_256_GCM_SHA384 (TLSv1.3);\r\n"
                        " Thu, 1 Jan 1970 00:00:00 +0000\r\n");
    buf_add_cstr(&out, "Received: from x by other.example; now\r\n"
                       "X: y\r\nreceived: x\r\n\tby\r\n GATE.clinic.example "
                       "id z; now\r\n\r\nReceived: body\r\n");
    received_count(buf_str(&out), facts.by, &all, &ours);
    assert_int_equal(all, 3);
    assert_int_equal(ours, 2);
    buf_free(&out);
}

/* Whatever a mail program makes of a subject, a rule sees the words that the
 * reader sees: otherwise "[secure]" would go out unprotected. */
static void decode_character_sets(void **state)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        { "=?utf-16?b?//5bAHMAZQBjAHUAcgBlAF0AIAB4AA==?=",
          "[secure] x" }, /* utf-16 */
        { "=?UTF-16BE?b?AFsAcwBlAGMAdQByAGUAXQAgAHg=?=",
          "[secure] x" }, /* UTF-16BE */
        { "=?utf-16le?b?WwBzAGUAYwB1AHIAZQBdACAAeAA=?=",
          "[secure] x" }, /* utf-16le */
        { "=?utf-32?b?//"
          "4AAFsAAABzAAAAZQAAAGMAAAB1AAAAcgAAAGUAAABdAAAAIAAAAHgAAAA=?=",
          "[secure] x" },                                   /* utf-32 */
        { "=?utf-7?b?W3NlY3VyZV0geA==?=", "[secure] x" },   /* utf-7 */
        { "=?utf-7?q?+AFs-secure+AF0-_x?=", "[secure] x" }, /* utf-7 armoured */
        { "=?windows-1251?b?z/Do4uXyIFtzZWN1cmVd?=",
          "\320\237\321\200\320\270"
          "\320\262\320\265\321\202 "
          "[secure]" }, /* windows-1251
                         */
        { "=?koi8-r?b?8NLJ18XUIFtzZWN1cmVd?=", "\320\237\321\200\320\270\320"
                                               "\262\320\265\321\202 "
                                               "[secure]" }, /* koi8-r
                                                              */
        { "=?iso-2022-jp?b?GyRCP0dDRxsoQiBbc2VjdXJlXQ==?=",
          "\350\250\272\346\226\255 [secure]" }, /* iso-2022-jp */
        { "=?Shift_JIS?b?kGaSZiBbc2VjdXJlXQ==?=",
          "\350\250\272\346\226\255 [secure]" }, /* Shift_JIS */
        { "=?gb18030?b?1e+2zyBbc2VjdXJlXQ==?=",
          "\350\257\212\346\226\255 [secure]" }, /* gb18030 */
        { "=?GB2312?b?1e+2zyBbc2VjdXJlXQ==?=",
          "\350\257\212\346\226\255 [secure]" }, /* GB2312 */
        { "=?big5?b?tkXCXyBbc2VjdXJlXQ==?=",
          "\350\250\272\346\226\267 [secure]" }, /* big5 */
        { "=?euc-kr?b?wfi03CBbc2VjdXJlXQ==?=",
          "\354\247\204\353\213\250 [secure]" }, /* euc-kr */
        { "=?windows-1252?b?k1tzZWN1cmVdlCCA?=",
          "\342\200\234[secure]\342\200\235 \342\202\254" }, /* windows-1252 */
        { "=?iso-8859-15?b?W3NlY3VyZV0gpA==?=",
          "[secure] \342\202\254" }, /* iso-8859-15 */
        { "=?iso-8859-2?b?uei+IFtzZWN1cmVd?=",
          "\305\241\304\215\305\276 [secure]" },        /* iso-8859-2 */
        { "=?utf-8?b?W3NlY3VyZV0gYQ?=", "[secure] a" }, /* no padding */
        { "=?utf-8?b?cHLD?= =?utf-8?b?qVtzZWN1cmVd?=",
          "pr\303\251[secure]" },                           /* cut character */
        { "=?utf-8*en?q?=5Bsecure=5D?=", "[secure]" },      /* language */
        { "\"=?utf-8?q?=5Bsecure=5D?=\"", "\"[secure]\"" }, /* in quotes */
        { "a=?utf-8?q?=5Bsecure=5D?=b", "a[secure]b" },     /* no blank */
        { "=?x-unknown?q?=5Bsecure=5D=FF?=", "[secure]\377" }, /* unknown set */
        { "=?../../evil?q?=5Bsecure=5D?=", "[secure]" },       /* no name */
        { "=?utf-16?b?AFsAcw?=", "[s" }, /* utf-16 without mark */
        { "=?UCS-2?b?AFsAcwBlAGMAdQByAGUAXQAgAHg=?=", "[secure] x" },
        { "=?unicode?b?WwBzAGUAYwB1AHIAZQBdACAAeAA=?=", "[secure] x" },
        { "=?ISO-10646-UCS-2?b?//5bAHMAZQBjAHUAcgBlAF0AIAB4AA==?=",
          "[secure] x" },
        { "=?us-ascii?b?WwBzAGUAYwB1AHIAZQBdACAAeAA=?=", "[secure] x" },
        { "=?x-whatever?b?AFsAcwBlAGMAdQByAGUAXQAgAHg=?=", "[secure] x" },
        { "=?utf-8?q?=5Bsecure=5D_x?= =?utf-8?q?_y?=", "[secure] x y" },
    };
    struct buf out = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&out);
        header_decode(str_from_cstr(rows[i].in), &out);
        assert_string_equal(buf_cstr(&out), rows[i].want);
    }
    /* A NUL strewn in does not turn the rest into another set. */
    buf_clear(&out);
    header_decode(STR("=?utf-8?q?=00=5Bsecure=5D?="), &out);
    assert_true(str_ends(buf_str(&out), STR("[secure]")));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_character_sets),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_address_agreement),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_authors),
        cmocka_unit_test(test_received),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
