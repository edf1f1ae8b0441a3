/* SPDX-License-Identifier: Apache-2.0 */
/* Whole headers: the boundary of trust, broken copies, inner hops, clocks,
 * other fields, the verdict (HA-01, HA-03, HA-04, HA-05, HA-07, HA-08). */
#include "mail/trace.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-06-01 */
static const int64_t now_ms = 1780272000000;

/* From a stranger to us: encrypted, in clear; by the same words forged. */
#define INTO_US                                                                \
    "Received: from mail.example.com (mail.example.com [192.0.2.7])\r\n"       \
    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n"  \
    "\tby mx.example.org (Postfix) with ESMTPS id 1\r\n"                       \
    "\tfor <u@example.org>; Thu, 1 Jan 2026 10:00:05 +0100 (CET)\r\n"
#define INTO_US_CLEAR                                                          \
    "Received: from evil.example (evil.example [203.0.113.9])\r\n"             \
    "\tby mx.example.org (Postfix) with ESMTP id 2\r\n"                        \
    "\tfor <u@example.org>; Thu, 1 Jan 2026 10:00:05 +0100 (CET)\r\n"
#define STORE                                                                  \
    "Received: from mx.example.org ([127.0.0.1])\r\n"                          \
    "\tby mx.example.org (Dovecot) with LMTP id 3\r\n"                         \
    "\tfor <u@example.org>; Thu, 1 Jan 2026 10:00:06 +0100\r\n"
#define SUBMITTED                                                              \
    "Received: from pc (unknown [10.0.0.7])\r\n"                               \
    "\tby mail.example.com (Postfix) with ESMTP id 4;\r\n"                     \
    "\tThu, 1 Jan 2026 09:00:01 +0000 (UTC)\r\n"
#define HEAD                                                                   \
    "From: a@example.com\r\nTo: u@example.org\r\nSubject: s\r\n"               \
    "Message-ID: <1@example.com>\r\n"                                          \
    "Date: Thu, 1 Jan 2026 10:00:00 +0100\r\n\r\n"

static void read_cstr(const char *header, const char *trust,
                      struct arena *arena, struct trace *t)
{
    struct str one = str_from_cstr(trust);

    trace_read(str_from_cstr(header), &one, trust == NULL ? 0 : 1, now_ms,
               arena, t);
}

static bool has_note(const struct trace *t, const char *id)
{
    for (const struct trace_note *n = t->notes; n != NULL; n = n->next)
        if (str_eq(n->id, str_from_cstr(id)))
            return true;
    return false;
}

static bool says(struct str text, const char *words)
{
    return words[0] == '\0' || str_find(text, str_from_cstr(words)) < text.n;
}

/* HA-01 */
static void test_boundary(void **state)
{
    static const char header[] =
        STORE INTO_US_CLEAR INTO_US INTO_US INTO_US INTO_US INTO_US HEAD;
    static const char *const trusts[] = { NULL, "example.org",
                                          "mx.example.org" };

    (void)state;
    for (size_t i = 0; i < COUNT(trusts); i++) {
        struct arena arena = { 0 };
        struct trace t;

        read_cstr(header, trusts[i], &arena, &t);
        assert_int_equal(t.n, 7);
        assert_int_equal(t.trust_boundary, 5);
        assert_int_equal(t.trust_assumed, trusts[i] == NULL);
        for (size_t k = 0; k < t.n; k++)
            assert_int_equal(t.hops[k].trusted, k >= 5);
        assert_int_equal(t.verdict, TRACE_NOT_ENCRYPTED);
        assert_true(says(t.summary, "evil.example to mx.example.org"));
        assert_int_equal(has_note(&t, "claimed-received"), trusts[i] != NULL);
        arena_free(&arena);
    }
}

static void test_boundary_of_others(void **state)
{
    struct arena arena = { 0 };
    struct trace t;

    (void)state;
    /* nobody of the trusted wrote the top line */
    read_cstr(INTO_US HEAD, "example.net", &arena, &t);
    assert_int_equal(t.trust_boundary, t.n);
    assert_false(t.hops[0].trusted);
    /* "notexample.org" is not "example.org" */
    read_cstr(INTO_US HEAD, "ample.org", &arena, &t);
    assert_int_equal(t.trust_boundary, t.n);
    /* the trusted relay's address opens the run to its line */
    read_cstr(INTO_US SUBMITTED HEAD, "192.0.2.0/24", &arena, &t);
    assert_int_equal(t.trust_boundary, t.n);
    {
        struct str two[] = { STR("mx.example.org"), STR("192.0.2.7") };

        trace_read(STR(INTO_US SUBMITTED HEAD), two, 2, now_ms, &arena, &t);
        assert_int_equal(t.trust_boundary, 0);
        trace_read(STR(INTO_US SUBMITTED HEAD), two, 1, now_ms, &arena, &t);
        assert_int_equal(t.trust_boundary, 1);
    }
    arena_free(&arena);
}

/* The header with every place of a fold written as fold says. */
static struct str refold(struct arena *arena, const char *fold,
                         const char *before)
{
    static const char clean[] = STORE INTO_US SUBMITTED HEAD;
    struct buf out = { 0 };
    struct str kept;

    buf_add_cstr(&out, before);
    for (const char *p = clean; p[0] != '\0' && strcmp(p, "\r\n") != 0;) {
        if (p[0] == '\r' && p[2] == '\t') {
            buf_add_cstr(&out, fold);
            p += 3;
        } else if (p[0] == '\r') {
            buf_add_cstr(&out, strstr(fold, "\n\n") ? "\n\n" : "\r\n");
            buf_add_cstr(&out, before);
            p += 2;
        } else {
            buf_add_char(&out, *p++);
        }
    }
    buf_add_cstr(&out, "\r\n");
    kept = str_keep(arena, buf_str(&out));
    buf_free(&out);
    return kept;
}

static void check_same(const struct trace *a, const struct trace *b,
                       struct str text)
{
    if (a->n != b->n)
        fail_msg("%zu hops in:\n%.*s", b->n, STR_ARG(text));
    for (size_t i = 0; i < a->n; i++) {
        const struct hop *x = &a->hops[i], *y = &b->hops[i];

        if (!str_eq(x->raw, y->raw))
            fail_msg("\"%.*s\" instead of \"%.*s\" from:\n%.*s",
                     STR_ARG(y->raw), STR_ARG(x->raw), STR_ARG(text));
        assert_true(x->state == y->state && x->evidence == y->evidence &&
                    x->internal == y->internal && x->trusted == y->trusted &&
                    x->wall_ms == y->wall_ms && x->has_delay == y->has_delay);
        assert_true(str_eq(x->tls.version, y->tls.version) &&
                    str_eq(x->tls.cipher, y->tls.cipher) &&
                    str_eq(x->by, y->by) && str_eq(x->ip, y->ip) &&
                    str_eq(x->rcpt, y->rcpt));
    }
    assert_int_equal(a->verdict, b->verdict);
    assert_true(str_eq(a->summary, b->summary));
    assert_true(str_eq(a->from, b->from) && str_eq(a->subject, b->subject));
}

/* HA-03 */
static void test_folding(void **state)
{
    static const struct {
        const char *fold, *before;
    } rows[] = {
        { "\r\n ", "" },
        { "\n\t", "" },
        { "\r\n        ", "" },
        { "\r\n\t \t ", "" },
        { " ", "" },          /* not folded */
        { " \r\n ", "" },     /* a blank in front */
        { "\r\n \r\n ", "" }, /* obsolete: a line of blanks */
        { "\r\n\n ", "" },    /* a line that is empty */
        { "\n\n\t", "" },
        { "\n\n", "" },
        { "\r\n", "" }, /* blanks lost */
        { "\n> \t", "> " },
        { "\n>  ", ">" },
        { "\n> > ", "> > " },
        { "\n    ", "    " },
        { "\n\t\t", "\t" },
    };
    struct arena arena = { 0 };
    struct trace clean, t;

    (void)state;
    read_cstr(STORE INTO_US SUBMITTED HEAD, NULL, &arena, &clean);
    assert_int_equal(clean.n, 3);
    assert_int_equal(clean.verdict, TRACE_ENCRYPTED);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str text = refold(&arena, rows[i].fold, rows[i].before);

        trace_read(text, NULL, 0, now_ms, &arena, &t);
        check_same(&clean, &t, text);
    }
    arena_free(&arena);
}

/* Every blank of a line may be a fold. */
static void test_every_fold(void **state)
{
    static const char line[] =
        "Received: from mail.example.com (mail.example.com [192.0.2.7]) (using "
        "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)) by "
        "mx.example.org (Postfix) with ESMTPS id 1 for <u@example.org>; Thu, 1 "
        "Jan 2026 10:00:05 +0100\r\n" HEAD;
    static const char *const folds[] = { "\r\n ", "\n\t", "\r\n \r\n  ", "\n" };
    struct arena arena = { 0 };
    struct trace clean, t;

    (void)state;
    read_cstr(line, NULL, &arena, &clean);
    for (size_t at = 10; line[at] != '\r'; at++)
        for (size_t k = 0; line[at] == ' ' && k < COUNT(folds); k++) {
            struct str text = arena_printf(&arena, "%.*s%s%s", (int)at, line,
                                           folds[k], line + at + 1);

            trace_read(text, NULL, 0, now_ms, &arena, &t);
            check_same(&clean, &t, text);
        }
    arena_free(&arena);
}

/* The body is the sender's; it does not go on with the header. */
static void test_body(void **state)
{
    static const char *const bodies[] = {
        " (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))",
        "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))",
        " by mx.example.org with ESMTPS id 1; Thu, 1 Jan 2026 10:00:05 +0100",
        "\r\n\r\n tls TLS_AES_256_GCM_SHA384",
    };
    struct arena arena = { 0 };
    struct trace t;

    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct str text =
            arena_printf(&arena, "%s\r\n%s\r\n", INTO_US_CLEAR, bodies[i]);

        trace_read(text, NULL, 0, now_ms, &arena, &t);
        assert_int_equal(t.n, 1);
        assert_int_equal(t.hops[0].state, HOP_CLEAR);
        /* also as the first line of the sender's header */
        text = arena_printf(&arena, "%s%s\r\n", INTO_US_CLEAR, bodies[i]);
        trace_read(text, NULL, 0, now_ms, &arena, &t);
        assert_true(t.hops[0].state == HOP_CLEAR ||
                    t.hops[0].state == HOP_UNREADABLE);
        assert_int_not_equal(t.verdict, TRACE_ENCRYPTED);
    }
    read_cstr(INTO_US HEAD INTO_US_CLEAR, NULL, &arena, &t);
    assert_int_equal(t.n, 1);
    read_cstr("From MAILER Thu Jan  1 00:00:00 2026\n" INTO_US HEAD, NULL,
              &arena, &t);
    assert_int_equal(t.n, 1);
    assert_true(str_eq(t.message_id, STR("<1@example.com>")));
    arena_free(&arena);
}

/* HA-04 */
static void test_internal(void **state)
{
    static const struct {
        const char *line;
        bool internal;
    } rows[] = {
        { "from a (a.example [10.1.2.3]) by b.example with ESMTP id 1", true },
        { "from a (a.example [172.16.0.1]) by b.example with ESMTP", true },
        { "from a (a.example [172.32.0.1]) by b.example with ESMTP", false },
        { "from a (a.example [192.168.1.1]) by b.example with ESMTP", true },
        { "from a (a.example [169.254.1.1]) by b.example with ESMTP", true },
        { "from a (a.example [100.64.1.1]) by b.example with ESMTP", true },
        { "from a (a.example [100.128.1.1]) by b.example with ESMTP", false },
        { "from a (a.example [127.1.2.3]) by b.example with ESMTP", true },
        { "from a (a.example [IPv6:::1]) by b.example with ESMTP", true },
        { "from a (a.example [IPv6:fd00::1]) by b.example with ESMTP", true },
        { "from a (a.example [IPv6:fe80::1%eth0]) by b.example with ESMTP",
          true },
        { "from a (a.example [::ffff:10.0.0.1]) by b.example with ESMTP",
          true },
        { "from a (a.example [IPv6:2001:db8::1]) by b.example with ESMTP",
          false },
        { "from a (b.example [192.0.2.1]) by b.example (Postfix) with ESMTP",
          true },
        { "from a (b.example [192.0.2.1]) by b.example (8.17.1/8.17.1) with "
          "ESMTP",
          true },
        { "from a (b.example [192.0.2.1] (may be forged)) by b.example "
          "(8.17.1/8.17.1) with ESMTP",
          false },
        /* not known to check the name */
        { "from a (b.example [192.0.2.1]) by b.example with ESMTP", false },
        /* two addresses: one is the client's invention */
        { "from x ([10.0.0.1]) (y.example [192.0.2.1]) by b.example (Postfix) "
          "with ESMTP",
          false },
        { "from y.example ([192.0.2.1] helo=x) ([10.0.0.1]) by b.example with "
          "esmtp (Exim 4.98)",
          false },
        { "from unknown (HELO [10.0.0.1]) (192.0.2.1) by b.example with SMTP",
          false },
        { "from unknown (HELO [10.0.0.1]) (10.0.0.1) by b.example with SMTP",
          true },
        { "from 192.0.2.1 (EHLO x@10.0.0.1) by b.example with SMTP", false },
        { "from b.example (a.example [192.0.2.1]) by b.example with ESMTP",
          false },
        { "from b.example ([192.0.2.1]) by b.example with ESMTP", false },
        { "from a ([192.0.2.1]) by b.example ([192.0.2.1]) with ESMTP", true },
        { "from a (a.example [192.0.2.1]) by b.example with LMTP", true },
        { "from localhost by b.example with ESMTP", false },
        { "from M1.example (2603:10a6:20b::1) by M2.example "
          "(2603:10b6:20b::2) with Microsoft SMTP Server (version=TLS1_2, "
          "cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1.1",
          true },
        { "from M1.example (2a01:111:f400::1) by M2.example "
          "(2603:10b6:20b::2) with Microsoft SMTP Server (version=TLS1_2, "
          "cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1.1",
          true },
        { "from mail.example (192.0.2.1) by M2.example (198.51.100.2) with "
          "Microsoft SMTP Server (version=TLS1_2, "
          "cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1.1",
          false },
        { "from M1.example (2603:10a6:20b::1) by M2.example "
          "(2603:10b6:20b::2) with mapi id 15.20.1.1",
          true },
        { "by b.example with SMTP id 1", true },
        { "from a (a.example [192.0.2.1]) by b.example (Postfix) with ESMTP",
          false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct trace t;

        trace_read(arena_printf(&arena, "Received: %s\n", rows[i].line), NULL,
                   0, now_ms, &arena, &t);
        assert_int_equal(t.n, 1);
        if (t.hops[0].internal != rows[i].internal)
            fail_msg("%s", rows[i].line);
        if (rows[i].internal)
            assert_int_not_equal(t.verdict, TRACE_NOT_ENCRYPTED);
        arena_free(&arena);
    }
}

/* HA-05 */
static void test_clocks(void **state)
{
    /* oldest first; "" for none */
    static const struct {
        const char *dates[3];
        int skew;         /* the hop with a skew, or -1 */
        int64_t delay_ms; /* of the last; -1: none */
        const char *why;
    } rows[] = {
        { { "Thu, 1 Jan 2026 10:00:00 +0000", "Thu, 1 Jan 2026 10:00:02 +0000",
            "Thu, 1 Jan 2026 11:00:07 +0100" },
          -1,
          5000,
          "" },
        { { "Thu, 1 Jan 2026 10:00:00 +0000", "Thu, 1 Jan 2026 09:50:00 +0000",
            "Thu, 1 Jan 2026 10:00:07 +0000" },
          1,
          7000,
          "behind" },
        { { "Thu, 1 Jan 2026 10:20:00 +0000", "Thu, 1 Jan 2026 10:00:00 +0000",
            "Thu, 1 Jan 2026 10:00:07 +0000" },
          1,
          7000,
          "before it is ahead" },
        { { "Thu, 1 Jan 2026 10:00:00 +0000", "Thu, 1 Jan 2026 08:00:01 +0000",
            "Thu, 1 Jan 2026 10:00:07 +0000" },
          1,
          7000,
          "time zone" },
        { { "Thu, 1 Jan 2026 10:00:00 +0000", "Thu, 1 Jan 1970 00:00:10 +0000",
            "Thu, 1 Jan 2026 10:00:07 +0000" },
          1,
          7000,
          "not set" },
        { { "Thu, 1 Jan 2026 10:00:00 +0000", "Fri, 1 Jan 2044 10:00:01 +0000",
            "Thu, 1 Jan 2026 10:00:07 +0000" },
          1,
          7000,
          "future" },
        { { "Thu, 1 Jan 2026 10:00:00 +0000", "Thu, 1 Jan 2026 10:00:01 +9999",
            "Thu, 1 Jan 2026 10:00:07 +0000" },
          1,
          7000,
          "zone" },
        { { "Thu, 1 Jan 2026 10:00:00 +0000", "Thu, 1 Jan 26 10:00:02 GMT",
            "1 Jan 2026 05:00:07 EST" },
          -1,
          5000,
          "" },
        { { "Thu, 1 Jan 2026 10:00:00 -0000", "Thu, 1 Jan 2026 10:00:02 -0000",
            "Thu, 1 Jan 2026 10:00:07 UT" },
          -1,
          5000,
          "" },
        { { "Thu, 1 Jan 2026 10:00:00 +0000", "yesterday",
            "Thu, 1 Jan 2026 10:00:07 +0000" },
          -1,
          7000,
          "" },
        { { "nonsense", "", "Thu, 1 Jan 2026 10:00:07 +0000" }, -1, -1, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct trace t;

        trace_read(
            arena_printf(&arena,
                         "Received: from c.example (c.example [192.0.2.3]) by "
                         "d.example with ESMTPS; %s\n"
                         "Received: from b.example (b.example [192.0.2.2]) by "
                         "c.example with ESMTPS; %s\n"
                         "Received: from a.example (a.example [192.0.2.1]) by "
                         "b.example with ESMTPS; %s\n",
                         rows[i].dates[2], rows[i].dates[1], rows[i].dates[0]),
            NULL, 0, now_ms, &arena, &t);
        assert_int_equal(t.n, 3);
        for (int k = 0; k < 3; k++) {
            const struct hop *hop = &t.hops[k];

            if (hop->skew != (k == rows[i].skew))
                fail_msg("row %zu, hop %d: %d", i, k, hop->skew);
            assert_true(hop->delay_ms >= 0);
            assert_true(!hop->skew || !hop->has_delay);
            if (hop->skew && !says(hop->skew_why, rows[i].why))
                fail_msg("row %zu: %.*s", i, STR_ARG(hop->skew_why));
            assert_true(hop->skew || hop->skew_why.n == 0);
        }
        assert_int_equal(t.hops[2].has_delay, rows[i].delay_ms >= 0);
        if (rows[i].delay_ms >= 0 && t.hops[2].delay_ms != rows[i].delay_ms)
            fail_msg("row %zu: %lld ms", i, (long long)t.hops[2].delay_ms);
        assert_false(t.has_total); /* one trusted hop */
        arena_free(&arena);
    }
}

static void test_total(void **state)
{
    struct arena arena = { 0 };
    struct trace t;

    (void)state;
    read_cstr(STORE INTO_US SUBMITTED HEAD, NULL, &arena, &t);
    assert_true(t.has_total);
    assert_int_equal(t.total_ms, 1000);
    arena_free(&arena);
}

#define RELAYED                                                                \
    "Received: from mail.example.com (mail.example.com [192.0.2.7])\r\n"       \
    "\tby mx.example.org with ESMTP id 1; Thu, 1 Jan 2026 10:00:05 +0100\r\n"
#define RESULTS(id)                                                            \
    "Authentication-Results: " id "; spf=pass (sender is; x-tls=fail)\r\n"     \
    "\tsmtp.mailfrom=\"a; x-tls=fail \"@example.com;\r\n\tx-tls=pass "         \
    "smtp.version=TLSv1.3 smtp.cipher=TLS_AES_256_GCM_SHA384\r\n"              \
    "\tsmtp.bits=256/256\r\n"

/* HA-07 */
static void test_results(void **state)
{
    static const struct {
        const char *header;
        enum hop_state state;
        enum hop_evidence evidence;
        bool forged, foreign;
    } rows[] = {
        { RELAYED HEAD, HOP_NOT_RECORDED, EVIDENCE_NONE, false, false },
        { RESULTS("mx.example.org") RELAYED HEAD, HOP_ENCRYPTED,
          EVIDENCE_SIDE_HEADER, false, false },
        { RESULTS("mx.example.org 1") RELAYED HEAD, HOP_ENCRYPTED,
          EVIDENCE_SIDE_HEADER, false, false },
        { RESULTS("example.org") RELAYED HEAD, HOP_ENCRYPTED,
          EVIDENCE_SIDE_HEADER, false, false },
        { RELAYED RESULTS("mx.example.org") HEAD, HOP_NOT_RECORDED,
          EVIDENCE_NONE, true, false },
        { RELAYED RESULTS("mx.evil.example") HEAD, HOP_NOT_RECORDED,
          EVIDENCE_NONE, false, true },
        { RESULTS("mx.evil.example") RELAYED HEAD, HOP_NOT_RECORDED,
          EVIDENCE_NONE, false, true },
        { RESULTS("mx2.example.org") RELAYED HEAD, HOP_ENCRYPTED,
          EVIDENCE_SIDE_HEADER, false, false },
        { RESULTS("spf=pass") RELAYED HEAD, HOP_NOT_RECORDED, EVIDENCE_NONE,
          false, false },
        { RESULTS("mx.example.org") RELAYED RESULTS("mx.example.org") HEAD,
          HOP_ENCRYPTED, EVIDENCE_SIDE_HEADER, true, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct trace t;

        read_cstr(rows[i].header, i % 2 ? "example.org" : NULL, &arena, &t);
        assert_int_equal(t.n, 1);
        if (t.hops[0].state != rows[i].state ||
            t.hops[0].evidence != rows[i].evidence ||
            has_note(&t, "forged-authentication-results") != rows[i].forged ||
            has_note(&t, "foreign-authentication-results") != rows[i].foreign)
            fail_msg("row %zu", i);
        if (rows[i].evidence == EVIDENCE_SIDE_HEADER) {
            assert_true(str_eq(t.hops[0].tls.version, STR("TLSv1.3")));
            assert_int_equal(t.hops[0].tls.bits, 256);
            assert_int_equal(t.verdict, TRACE_ENCRYPTED);
        }
        arena_free(&arena);
    }
}

static void test_side_headers(void **state)
{
    static const struct {
        const char *field;
        enum hop_state state;
        const char *version, *cipher;
    } rows[] = {
        { "X-PM-Transfer-Encryption: TLSv1.3 with cipher "
          "TLS_AES_256_GCM_SHA384 (256/256 bits)",
          HOP_ENCRYPTED, "TLSv1.3", "TLS_AES_256_GCM_SHA384" },
        { "X-Barracuda-Encrypted: ECDHE-RSA-AES256-GCM-SHA384", HOP_ENCRYPTED,
          "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
        { "X-Barracuda-Encrypted: RC4-SHA", HOP_WEAK, "",
          "TLS_RSA_WITH_RC4_128_SHA" },
        { "X-Last-TLS-Session-Version: TLSv1.2", HOP_ENCRYPTED, "TLSv1.2", "" },
        { "X-TLS: yes", HOP_ENCRYPTED, "", "" },
        { "X-ASSP-Client-TLS: yes", HOP_ENCRYPTED, "", "" },
        { "X-DDEI-TLS-USAGE: Unused", HOP_CLEAR, "", "" },
        { "X-DDEI-TLS-USAGE: something else", HOP_NOT_RECORDED, "", "" },
        { "X-Forwarded-Encrypted: i=1; TLS_AES_256_GCM_SHA384",
          HOP_NOT_RECORDED, "", "" },
        { "X-PM-Content-Encryption: TLSv1.3", HOP_NOT_RECORDED, "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct trace t;

        trace_read(
            arena_printf(&arena, "%s\r\n%s", rows[i].field, RELAYED HEAD), NULL,
            0, now_ms, &arena, &t);
        if (t.hops[0].state != rows[i].state ||
            !str_eq(t.hops[0].tls.version, str_from_cstr(rows[i].version)) ||
            !str_eq(t.hops[0].tls.cipher, str_from_cstr(rows[i].cipher)))
            fail_msg("%s", rows[i].field);
        /* below our line it came with the message */
        trace_read(
            arena_printf(&arena, "%s%s\r\n%s", RELAYED, rows[i].field, HEAD),
            NULL, 0, now_ms, &arena, &t);
        assert_int_equal(t.hops[0].state, HOP_NOT_RECORDED);
        arena_free(&arena);
    }
}

/* HA-08 */
static void test_signatures(void **state)
{
    static const char sixty_four[] =
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const struct {
        const char *tags;
        int quarters; /* of the signature, 48 octets each */
        const char *note;
    } rows[] = {
        { "a=rsa-sha256; h=From:To:Subject:Content-Type", 6, NULL },
        { "a=rsa-sha256; l=100; h=From:Subject:Content-Type", 6,
          "dkim-length" },
        { "a=rsa-sha256; h=From : To : Content-Type", 6,
          "dkim-unsigned-subject" },
        { "a=rsa-sha256; h=from:subject", 6, "dkim-unsigned-content-type" },
        { "a=rsa-sha1; h=from:subject:content-type", 6, "dkim-sha1" },
        { "a=rsa-sha256; x=1700000000; h=from:subject:content-type", 6,
          "dkim-expired" },
        { "a=rsa-sha256; x=1900000000; h=from:subject:content-type", 6, NULL },
        { "a=rsa-sha256; h=from:subject:content-type", 3, "dkim-short-key" },
        { "a=rsa-sha256; h=from:subject:content-type", 1, "dkim-broken-key" },
        { "a=ed25519-sha256; h=from:subject:content-type", 1, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct buf out = { 0 };
        struct trace t;

        buf_addf(&out,
                 "Content-Type: text/plain\nDKIM-Signature: v=1; %s; "
                 "d=example.com; b=",
                 rows[i].tags);
        for (int k = 0; k < rows[i].quarters; k++)
            buf_addf(&out, "%s\n  ", sixty_four);
        buf_addf(&out, ";\n%s", INTO_US HEAD);
        trace_read(buf_str(&out), NULL, 0, now_ms, &arena, &t);
        if (rows[i].note == NULL
                ? t.notes != NULL
                : !has_note(&t, rows[i].note) || t.notes->next != NULL)
            fail_msg("row %zu: %.*s", i,
                     STR_ARG(t.notes ? t.notes->id : STR("none")));
        buf_free(&out);
        arena_free(&arena);
    }
}

/* A receiver that records TLS on another line of the message. */
static void test_known_recorder(void **state)
{
#define BY_MX(word, ip)                                                        \
    "Received: from m (m.example [" ip "]) by mx.example.net with " word       \
    " id 1; Thu, 1 Jan 2026 10:00:05 +0100\n"
    struct arena arena = { 0 };
    struct trace t;

    (void)state;
    read_cstr(BY_MX("ESMTP", "192.0.2.1") BY_MX("ESMTPS", "192.0.2.2"), NULL,
              &arena, &t);
    /* the second may be forged: what it says of the first is not known */
    assert_int_equal(t.hops[1].state, HOP_NOT_RECORDED);
    read_cstr(BY_MX("ESMTPS", "192.0.2.1") BY_MX("ESMTP", "192.0.2.2"), NULL,
              &arena, &t);
    assert_int_equal(t.hops[0].state, HOP_CLEAR);
    read_cstr(BY_MX("ESMTPS", "192.0.2.1") BY_MX("ESMTP", "10.0.0.2"), NULL,
              &arena, &t);
    assert_int_equal(t.hops[0].state, HOP_CLEAR);
    assert_int_equal(t.verdict, TRACE_ENCRYPTED);
    read_cstr(BY_MX("ESMTP", "10.0.0.2") BY_MX("ESMTPS", "192.0.2.1"), NULL,
              &arena, &t);
    assert_int_equal(t.hops[1].state, HOP_CLEAR); /* both trusted */
    assert_int_equal(t.verdict, TRACE_ENCRYPTED);
    arena_free(&arena);
}

static void test_verdicts(void **state)
{
    static const struct {
        const char *header;
        enum trace_verdict verdict;
        const char *summary, *advice;
    } rows[] = {
        { "", TRACE_UNKNOWN, "no Received line", "whole header" },
        { HEAD, TRACE_UNKNOWN, "no Received line", "whole header" },
        { STORE HEAD, TRACE_UNKNOWN, "no leg between", "" },
        { INTO_US HEAD, TRACE_ENCRYPTED, "the only leg", "sending side" },
        { STORE INTO_US SUBMITTED HEAD, TRACE_ENCRYPTED, "the only leg", "" },
        { INTO_US INTO_US HEAD, TRACE_ENCRYPTED, "1 only claimed", "" },
        { INTO_US_CLEAR HEAD, TRACE_NOT_ENCRYPTED, "evil.example to mx",
          "postseal check example.org" },
        { INTO_US INTO_US_CLEAR HEAD, TRACE_NOT_ENCRYPTED, "itself claims",
          "" },
        { RELAYED HEAD, TRACE_UNKNOWN, "did not record",
          "postseal check mx.example.org" },
        { INTO_US "Received: nonsense\n" HEAD, TRACE_UNKNOWN,
          "could not be understood", "" },
        { "Received: from a (a [192.0.2.1]) by b.example with ESMTPS "
          "(version=TLSv1 cipher=AES256-SHA bits=256)\n",
          TRACE_WEAK, "TLSv1 and TLS_RSA_WITH_AES_256_CBC_SHA", "TLS 1.2" },
        { "Received: from $(x) (a;b [192.0.2.1]) by `b`.example with ESMTP for "
          "<u@x.example;reboot>\n",
          TRACE_UNKNOWN, "unnamed receiver", "postseal check DOMAIN" },
        { "Received: from a (a [127.0.0.1]) by b.example with ESMTPS\n",
          TRACE_ENCRYPTED, "inside", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct trace t;

        read_cstr(rows[i].header, NULL, &arena, &t);
        if (t.verdict != rows[i].verdict || !says(t.summary, rows[i].summary) ||
            !says(t.advice, rows[i].advice))
            fail_msg("row %zu: %.*s: %.*s %.*s", i,
                     STR_ARG(trace_verdict_name(t.verdict)), STR_ARG(t.summary),
                     STR_ARG(t.advice));
        arena_free(&arena);
    }
}

/* Sentences hold no octet that could do harm on a screen (HA-09). */
static void test_sentences_are_plain(void **state)
{
    static const char header[] =
        "Authentication-Results: \033[31m<script>; x-tls=pass\n"
        "Received: from \033]0;x\007 (<script> [192.0.2.1]) by \"><b>\033[2J "
        "with ESMTP id 1 for <u@\033[31m>; Thu, 1 Jan 2026 10:00:05 +0100\n"
        "DKIM-Signature: d=\033[31m<b>; l=1; h=from\n";
    struct arena arena = { 0 };
    struct trace t;
    struct str all[4];
    size_t n = 0;

    (void)state;
    read_cstr(header, NULL, &arena, &t);
    all[n++] = t.summary;
    all[n++] = t.advice;
    all[n++] = t.trust_text;
    assert_non_null(t.notes);
    for (const struct trace_note *note = t.notes; note; note = note->next) {
        all[3] = note->text;
        for (size_t i = 0; i < COUNT(all); i++)
            for (size_t k = 0; k < all[i].n; k++)
                assert_true(all[i].p[k] >= ' ' && all[i].p[k] != '<' &&
                            all[i].p[k] != '>');
    }
    arena_free(&arena);
}

static struct str repeat(struct buf *out, const char *before, const char *what,
                         size_t octets, const char *after)
{
    buf_clear(out);
    buf_add_cstr(out, before);
    while (out->n < octets)
        buf_add_cstr(out, what);
    buf_add_cstr(out, after);
    return buf_str(out);
}

/* Lines of 1 MB, 10,000 hops and more, deep comments: they end, in time that
 * a test has, and nothing is taken for encrypted. */
static void test_huge(void **state)
{
    static const char *const fillers[] = {
        "(",
        ")",
        "((",
        "()",
        "(a) ",
        "<",
        "\"",
        "(\"",
        "\\(",
        "; ",
        "; Thu, 1 Jan 2026 10:00:05 +0100 ",
        "by ",
        "by a ",
        "Thu, ",
        "\n ",
        "\n\n ",
        "\n\n",
        "\r\n\t(",
        "x",
        "helo= ",
        "[",
        "]",
        "[1] ",
        "\n:",
        "\nTLS: ",
        "(using TLS) ",
        "TLS: ",
    };
    struct arena arena = { 0 };
    struct buf out = { 0 };
    struct trace t;

    (void)state;
    for (size_t i = 0; i < COUNT(fillers); i++) {
        trace_read(repeat(&out, "Received: from a ", fillers[i], 1 << 20,
                          " (b [192.0.2.1]) by c with ESMTP; Thu, 1 Jan 2026 "
                          "10:00:05 +0100\n"),
                   NULL, 0, now_ms, &arena, &t);
        for (size_t k = 0; k < t.n; k++)
            assert_true(t.hops[k].state != HOP_ENCRYPTED &&
                        t.hops[k].state != HOP_WEAK);
        trace_read(repeat(&out, "Received: (", fillers[i], 1 << 20, "\n"), NULL,
                   0, now_ms, &arena, &t);
        trace_read(repeat(&out, "Authentication-Results: ", fillers[i], 1 << 20,
                          "\n" INTO_US),
                   NULL, 0, now_ms, &arena, &t);
        trace_read(
            repeat(&out, "DKIM-Signature: ", fillers[i], 1 << 20, "\n" INTO_US),
            NULL, 0, now_ms, &arena, &t);
        arena_reset(&arena);
    }
    trace_read(repeat(&out, "", INTO_US_CLEAR,
                      strlen(INTO_US_CLEAR) * (TRACE_HOPS_MAX + 5), HEAD),
               NULL, 0, now_ms, &arena, &t);
    assert_int_equal(t.n, TRACE_HOPS_MAX);
    assert_int_equal(t.hops_cut, 5);
    assert_true(t.hops[t.n - 1].trusted);
    buf_free(&out);
    arena_free(&arena);
}

/* Every beginning of a header, directly before a page nobody may read. */
static void test_guard_page(void **state)
{
    static const char header[] = RESULTS("mx.example.org") STORE INTO_US
        "Received: from [192.0.2.7] ([192.0.2.7]:1 helo=x) by m.example with "
        "esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.98) id 1 for "
        "<\"a\"@b>; 2026-01-01T10:00:00Z\n"
        "DKIM-Signature: a=rsa-sha1; x=1; b=aa;\n";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (sizeof(header) + page - 1) / page * page;
    char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct arena arena = { 0 };
    struct trace t;

    (void)state;
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + room, page, PROT_NONE), 0);
    for (size_t n = 0; n < sizeof(header); n++) {
        memcpy(p + room - n, header, n);
        trace_read(str_of(p + room - n, n), NULL, 0, now_ms, &arena, &t);
        /* and from its middle on */
        memcpy(p + room - n, header + sizeof(header) - 1 - n, n);
        trace_read(str_of(p + room - n, n), NULL, 0, now_ms, &arena, &t);
        arena_reset(&arena);
    }
    arena_free(&arena);
    munmap(p, room + page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boundary),
        cmocka_unit_test(test_boundary_of_others),
        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_every_fold),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_internal),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_total),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_side_headers),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_known_recorder),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_sentences_are_plain),
        cmocka_unit_test(test_huge),
        cmocka_unit_test(test_guard_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
