/* SPDX-License-Identifier: Apache-2.0 */
/* No parser of this folder looks past either end of what it is given. */
#include "base/guard_test.h"
#include "mail/address.h"
#include "mail/charset.h"
#include "mail/dkim.h"
#include "mail/dsn.h"
#include "mail/header.h"
#include "mail/pattern.h"
#include "mail/protect.h"
#include "mail/received.h"
#include "mail/received_clause.h"
#include "mail/received_read.h"
#include "mail/tls_name.h"
#include "mail/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void try_address(struct str input)
{
    struct arena arena = { 0 };
    struct address a;
    struct str domain;
    size_t used;
    bool empty;

    (void)address_parse(input, &arena, &a);
    (void)address_path(input, &arena, &a, &empty, &used);
    (void)address_domain(input, &arena, &domain);
    arena_free(&arena);
}

static void try_pattern(struct str input)
{
    static const struct str others[] = {
        STR_INIT("*@*.clinic.example"),
        STR_INIT("ann@a.clinic.example"),
        STR_INIT("*.example"),
        STR_INIT("a?n*"),
    };

    for (size_t i = 0; i < COUNT(others); i++) {
        (void)address_matches(input, others[i]);
        (void)address_matches(others[i], input);
        (void)pattern_text(input, others[i]);
        (void)pattern_text(others[i], input);
        (void)pattern_domain(input, others[i]);
        (void)pattern_domain(others[i], input);
        (void)pattern_address(input, others[i]);
        (void)pattern_address(others[i], input);
    }
}

static void test_addresses(void **state)
{
    static const struct str rows[] = {
        STR_INIT("ann.b+c@a.clinic.example."),
        STR_INIT("\"a\\\"b@c\"@[IPv6:2001:db8::1]"),
        STR_INIT("a@[192.0.2.1]"),
        STR_INIT("m\303\274ller@b\303\274cher.example"),
        STR_INIT("<@r.example,@s.example:a@xn--bcher-kva.example>"),
        STR_INIT("<\"a\\>b\"@x.example>"),
        STR_INIT("<>"),
        STR_INIT("*@*.clinic.example"),
        STR_INIT("*a*n?*@*.example**"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        guard_each_prefix(rows[i], try_address);
        guard_each_prefix(rows[i], try_pattern);
    }
}

static void try_report(struct str header)
{
    struct dsn_recipient one = { .recipient = header,
                                 .orcpt = header,
                                 .status = status_make(550, "5.1.1", "no"),
                                 .reply = header };
    struct dsn dsn = { .hostname = STR("gate.clinic.example"),
                       .to = STR("ann@clinic.example"),
                       .message_id = STR("x@gate.clinic.example"),
                       .boundary = STR("b0undary"),
                       .envid = header,
                       .recipients = &one,
                       .n = 1,
                       .header = header,
                       .hide_subject = true };
    struct buf out = { 0 };

    dsn_write(&dsn, &out);
    buf_free(&out);
}

static void try_sign(struct str text)
{
    struct dkim_body *body = dkim_body_new();
    unsigned char hash[32];
    struct buf out = { 0 };

    dkim_body_add(body, text);
    dkim_body_end(&body, hash);
    dkim_relax_field(text, text, &out);
    (void)dkim_signs_for(text, STR("a.clinic.example"));
    (void)dkim_signs_for(STR("clinic.example"), text);
    buf_free(&out);
}

static void try_header(struct str input)
{
    struct received_facts facts = { .helo = input, .address = input };
    struct str rest = input, *authors;
    struct header_field field;
    struct arena arena = { 0 };
    struct buf out = { 0 };
    size_t n, all, ours;

    while (header_next(&rest, &field))
        header_unfold(field.body, &out);
    rest = input;
    (void)header_find(&rest, STR("Subject"), &field);
    header_decode(input, &out);
    (void)header_authors(input, &arena, &authors, &n);
    received_count(input, STR("gate.clinic.example"), &all, &ours);
    received_write(&facts, &out);
    try_report(input);
    try_sign(input);
    buf_free(&out);
    arena_free(&arena);
}

static void test_headers(void **state)
{
    static const struct str rows[] = {
        STR_INIT("Received: from x by gate.clinic.example; now\r\n"
                 "From: \"Ann, B\" (x (y)) <\"a b\"@x.example>,\r\n"
                 "\tb . c @ y.example\r\nSubject: labs\r\n of Mr X\r\n\r\n"),
        STR_INIT("From: us: a@x.example;\nTo:\n x\n\ny"),
        STR_INIT("=?utf-8*en?q?=5Bsecure=5D_=C3=A9?= =?utf-8?b?cHLD?="),
        STR_INIT("=?utf-16?b?//5bAHMAZQA=?= x =?koi8-r?B?8NLJ?="),
        STR_INIT("rfc822;a+2Bb\\x{FC}+4"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        guard_each_prefix(rows[i], try_header);
}

static void try_protect(struct str input)
{
    struct protect_options options = { true, input };
    struct buf outer = { 0 }, inner = { 0 };

    (void)protect_header(input, &options, &outer, &inner);
    (void)protect_look(input);
    buf_free(&outer);
    buf_free(&inner);
}

static void test_protected_headers(void **state)
{
    static const struct str rows[] = {
        STR_INIT("From: a@x.example\r\nSubject: s\r\n\tof x\r\n"
                 "Content-Type: text/plain (a \\) b);\r\n a=\"\\\"b\"\r\n"),
        STR_INIT("Content-Type: multipart/encrypted; boundary=b;\r\n"
                 " protocol=\"application/pgp-encrypted\"\r\nBcc\r\n : x\r\n"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        guard_each_prefix(rows[i], try_protect);
}

static void try_charsets(struct str input)
{
    static const struct str names[] = {
        STR_INIT("utf-8"),        STR_INIT("us-ascii"), STR_INIT("utf-7"),
        STR_INIT("utf-16"),       STR_INIT("utf-16le"), STR_INIT("utf-32"),
        STR_INIT("windows-1252"), STR_INIT("koi8-r"),   STR_INIT("iso-2022-jp"),
        STR_INIT("gb18030"),      STR_INIT("big5"),     STR_INIT("none"),
    };
    struct buf out = { 0 };

    for (size_t i = 0; i < COUNT(names); i++)
        charset_to_utf8(names[i], input, &out);
    charset_to_utf8(input, STR("x"), &out);
    buf_free(&out);
}

static void test_charsets(void **state)
{
    static const struct str rows[] = {
        STR_INIT("caf\303\251 \360\237\224\222"),
        STR_INIT("\377\376[\0s\0\075\330\222\335"),
        STR_INIT("+AFs-a+2D3dkg-+"),
        STR_INIT("\033$B?GCG\033(B x"),
        STR_INIT("\201\060\201\060\326\371\266"),
        STR_INIT("\0\0\376\377\0\0\0["),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        guard_each_prefix(rows[i], try_charsets);
}

static void try_trace(struct str input)
{
    static const struct str trust[] = { STR_INIT("example.org"),
                                        STR_INIT("2001:db8::/32") };
    static struct received line;
    struct arena arena = { 0 };
    struct trace trace;
    struct mail_date date;
    enum tls_version version;
    enum client_certificate certificate;
    struct tls_cipher cipher;
    struct clause clause;
    size_t used;

    (void)received_read(input, &line);
    (void)received_address(input);
    (void)mail_date_read(input, &date);
    (void)tls_version_read(input, &version, &used);
    tls_cipher_read(input, VERSION_UNSTATED, &cipher);
    (void)tls_cipher_like(input);
    (void)clause_read(input, &clause);
    (void)clause_read_with(input, &clause);
    (void)clause_read_certificate(input, &certificate);
    trace_read(input, trust, COUNT(trust), 1780272000000, &arena, &trace);
    arena_free(&arena);
}

static void test_traces(void **state)
{
    static const struct str rows[] = {
        STR_INIT("> Received: from gw.a.example (out.a.example "
                 "[IPv6:2001:db8::7])\n>\t(using TLSv1.3 with cipher "
                 "TLS_AES_256_GCM_SHA384 (256/256 bits)\n> key-exchange X25519)"
                 " (Client CN \"x\", Issuer \"y\" (verified OK))\n> by "
                 "mx.example.org (Postfix) with ESMTPS id 4F2 for "
                 "<kim@example.org>; Thu, 1 Jan 2026 10:00:00 +0100 (CET)\n"
                 "> Subject: =?utf-8?q?x=C3=A9?=\n"),
        STR_INIT("Authentication-Results: mx.example.org; spf=pass "
                 "smtp.mailfrom=a@a.example; dkim=pass header.d=a.example\r\n"
                 "DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s1;\r\n"
                 " h=From:To; bh=eA==; b=eA==\r\n"
                 "X-MS-Exchange-Organization-AuthSource: x\r\n"),
        STR_INIT("from unknown (HELO gw.a.example) ([192.0.2.7]:52313) by "
                 "mx.example.org with SMTP; 1 Jan 2026 09:00:00 -0000"),
        STR_INIT("version=TLS1_2 cipher=ECDHE-RSA-AES128-GCM-SHA256 "
                 "bits=128/128 verify=NO"),
        STR_INIT("TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256"),
        STR_INIT("ECDHE-RSA-AES256-GCM-SHA384"),
        STR_INIT("(TLS1.3) tls TLS_AES_256_GCM_SHA384"),
        STR_INIT("TLS1.3-X25519-AES-256-GCM"),
        STR_INIT("2026-01-01 11:00:05.123 +01:00"),
        STR_INIT("Thu, (a) 1-Jan-26 (b (c)) 10:00:05 PDT"),
        STR_INIT("No client certificate requested"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        guard_each_prefix(rows[i], try_trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_protected_headers),
        cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_traces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
