/* SPDX-License-Identifier: Apache-2.0 */
/* One line as a header: what each way to write TLS evidence proves. */
#include "mail/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-06-01 */
static const int64_t now_ms = 1780272000000;

#define FROM "from mail.example.com (mail.example.com [192.0.2.7]) "
#define BY "by mx.example.org "
#define DATE "; Thu, 1 Jan 2026 00:00:00 +0000"

struct row {
    const char *line;
    enum hop_state state;
    enum hop_evidence evidence;
    const char *version, *cipher;
    unsigned bits;
    enum client_certificate certificate;
};

static void check_str(struct str got, const char *want, const char *line)
{
    if (!str_eq(got, str_from_cstr(want)))
        fail_msg("\"%.*s\" instead of \"%s\" from: %s", STR_ARG(got), want,
                 line);
}

static void check_row(const struct row *row)
{
    struct str line = str_from_cstr(row->line);
    struct arena arena = { 0 };
    struct str header =
        arena_printf(&arena, "Received: %.*s\r\n", STR_ARG(line));
    struct trace t;

    trace_read(header, NULL, 0, now_ms, &arena, &t);
    assert_int_equal(t.n, 1);
    check_str(hop_state_name(t.hops[0].state), hop_state_name(row->state).p,
              row->line);
    check_str(hop_evidence_name(t.hops[0].evidence),
              hop_evidence_name(row->evidence).p, row->line);
    check_str(t.hops[0].tls.version, row->version ? row->version : "",
              row->line);
    check_str(t.hops[0].tls.cipher, row->cipher ? row->cipher : "", row->line);
    if (t.hops[0].tls.bits != row->bits)
        fail_msg("%u bits: %s", t.hops[0].tls.bits, row->line);
    check_str(client_certificate_name(t.hops[0].tls.client_certificate),
              client_certificate_name(row->certificate).p, row->line);
    assert_true(str_eq(t.hops[0].raw, line));
    arena_free(&arena);
}

static void test_postfix(void **state)
{
    static const struct row rows[] = {
        { FROM "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 "
               "bits)) " BY "(Postfix) with ESMTPS id 4F2" DATE,
          HOP_ENCRYPTED, EVIDENCE_CLAUSE, "TLSv1.3", "TLS_AES_256_GCM_SHA384",
          256, CERTIFICATE_UNKNOWN },
        { FROM BY "(Postfix) with ESMTPS id 4F2" DATE, HOP_ENCRYPTED,
          EVIDENCE_KEYWORD },
        { FROM BY "(Postfix) with ESMTP id 4F2" DATE, HOP_CLEAR,
          EVIDENCE_NONE },
        { FROM BY "with ESMTP id 4F2" DATE, HOP_NOT_RECORDED, EVIDENCE_NONE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_postfix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
