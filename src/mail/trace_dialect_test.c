/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of 44 products as hops: who, from where, by whom, for whom, and TLS
 * (HA-02). */
#include "mail/received_read.h"

#include "mail/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-06-01, 2026-01-01 10:00:05 */
static const int64_t now_ms = 1780272000000, then_ms = 1767261605000;

#define DATE "; Thu, 1 Jan 2026 10:00:05 +0000"

/* clang-format off */
static const struct {
    const char *product, *line;
    const char *helo, *name, *ip, *by, *with, *id, *rcpt;
    const char *version, *cipher;
} rows[] = {
    { "Postfix",
      "from mail.example.com (host.example.com [192.0.2.7]) (using TLSv1.3 "
      "with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)) (No client "
      "certificate requested) by mx.example.org (Postfix) with ESMTPS id "
      "4Fabc0001 for <u@example.org>" DATE " (UTC)",
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "ESMTPS", "4Fabc0001", "u@example.org", "TLSv1.3",
      "TLS_AES_256_GCM_SHA384" },
    { "Postfix, no reverse name",
      "from mail.example.com (unknown [IPv6:2001:db8::7]) by mx.example.org "
      "(Postfix) with ESMTP id 4Fabc0001 for <u@example.org>" DATE,
      "mail.example.com", "", "2001:db8::7", "mx.example.org", "ESMTP",
      "4Fabc0001", "u@example.org", "", "" },
    { "Exim",
      "from host.example.com ([192.0.2.7]:51234 helo=mail.example.com) by "
      "mx.example.org with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim "
      "4.98) (envelope-from <a@example.com>) id 1sAbCd-000000001Ab-1xYz for "
      "u@example.org" DATE,
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "esmtps", "1sAbCd-000000001Ab-1xYz", "u@example.org", "TLSv1.3",
      "TLS_AES_256_GCM_SHA384" },
    { "Exim, same name",
      "from mail.example.com ([192.0.2.7]) by mx.example.org with esmtp (Exim "
      "4.94.2) id 1sAbCd-0001" DATE,
      "mail.example.com", "mail.example.com", "192.0.2.7", "mx.example.org",
      "esmtp", "1sAbCd-0001", "", "", "" },
    { "Exim, no name",
      "from [192.0.2.7] (port=51234 helo=mail.example.com) by mx.example.org "
      "with esmtpsa (TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256) (Exim 4.92) id "
      "1sAbCd-0001" DATE,
      "mail.example.com", "", "192.0.2.7", "mx.example.org", "esmtpsa",
      "1sAbCd-0001", "", "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
    { "Sendmail",
      "from mail.example.com (IDENT:u@host.example.com [192.0.2.7] (may be "
      "forged)) by mx.example.org (8.17.1/8.17.1) with ESMTPS id 3B1A0abc001 "
      "(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO) for "
      "<u@example.org>" DATE " GMT",
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "ESMTPS", "3B1A0abc001", "u@example.org", "TLSv1.3",
      "TLS_AES_256_GCM_SHA384" },
    { "Sendmail, submitted",
      "(from u@localhost) by mail.example.com (8.17.1/8.17.1/Submit) id "
      "3B1A0abc001" DATE,
      "", "", "", "mail.example.com", "", "3B1A0abc001", "", "", "" },
    { "qmail",
      "from unknown (HELO mail.example.com) (192.0.2.7) by mx.example.org with "
      "SMTP; 1 Jan 2026 10:00:05 -0000",
      "mail.example.com", "", "192.0.2.7", "mx.example.org", "SMTP", "", "", "",
      "" },
    { "qmail with TLS",
      "from host.example.com (HELO mail.example.com) (192.0.2.7) by "
      "mx.example.org with ESMTPS (TLS_AES_256_GCM_SHA384 encrypted); 1 Jan "
      "2026 10:00:05 -0000",
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "ESMTPS", "", "", "TLSv1.3", "TLS_AES_256_GCM_SHA384" },
    { "Exchange",
      "from EX1.corp.example.com (10.1.1.1) by EX2.corp.example.com (10.1.1.2) "
      "with Microsoft SMTP Server (version=TLS1_2, "
      "cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.1.2507.35 via "
      "Mailbox Transport" DATE,
      "EX1.corp.example.com", "", "10.1.1.1", "EX2.corp.example.com",
      "Microsoft SMTP Server", "15.1.2507.35", "", "TLSv1.2",
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
    { "Exchange, store",
      "from M1.example.com ([fe80::1:2:3:4]) by M1.example.com "
      "([fe80::1:2:3:4%12]) with mapi id 15.20.8445.022" DATE,
      "M1.example.com", "", "fe80::1:2:3:4", "M1.example.com", "mapi",
      "15.20.8445.022", "", "", "" },
    { "SMTPSVC",
      "from mail.example.com ([192.0.2.7]) by mx.example.org over TLS secured "
      "channel with Microsoft SMTPSVC(10.0.14393.4169)" DATE,
      "mail.example.com", "", "192.0.2.7", "mx.example.org",
      "Microsoft SMTPSVC", "", "", "", "" },
    { "Gmail",
      "from mail.example.com (host.example.com. [192.0.2.7]) by mx.google.com "
      "with ESMTPS id a1-20020a05si1.5.2026.01.01.10.00.05 for "
      "<u@example.org> (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 "
      "bits=256/256)" DATE,
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.google.com",
      "ESMTPS", "a1-20020a05si1.5.2026.01.01.10.00.05", "u@example.org",
      "TLSv1.3", "TLS_AES_256_GCM_SHA384" },
    { "Gmail, inside",
      "by 2002:a05:6a10:1234:b0:1:2:3 with SMTP id a1csp1" DATE,
      "", "", "", "2002:a05:6a10:1234:b0:1:2:3", "SMTP", "a1csp1", "", "", "" },
    { "SES",
      "from a1-2.smtp-out.example.com (a1-2.smtp-out.example.com [192.0.2.7]) "
      "by inbound-smtp.eu-west-1.amazonaws.com with SMTP id abc123 for "
      "u@example.org" DATE " (UTC)",
      "a1-2.smtp-out.example.com", "a1-2.smtp-out.example.com", "192.0.2.7",
      "inbound-smtp.eu-west-1.amazonaws.com", "SMTP", "abc123",
      "u@example.org", "", "" },
    { "SendGrid",
      "from mail.example.com (unknown [192.0.2.7]) by "
      "geopod-ismtpd-1 (SG) with ESMTP id AbC-dEf" DATE " (UTC)",
      "mail.example.com", "", "192.0.2.7", "geopod-ismtpd-1", "ESMTP",
      "AbC-dEf", "", "", "" },
    { "Domino",
      "from mail.example.com ([192.0.2.7]) by domino.example.org (HCL Domino "
      "Release 12.0.2) with ESMTP id 2026010110000512-345" DATE,
      "mail.example.com", "", "192.0.2.7", "domino.example.org", "ESMTP",
      "2026010110000512-345", "", "", "" },
    { "Zimbra",
      "from localhost (localhost [127.0.0.1]) by zimbra.example.org (Postfix) "
      "with ESMTP id AB12CD34EF for <u@example.org>" DATE " (CET)",
      "localhost", "localhost", "127.0.0.1", "zimbra.example.org", "ESMTP",
      "AB12CD34EF", "u@example.org", "", "" },
    { "Haraka",
      "from mail.example.com (host.example.com [192.0.2.7]) by mx.example.org "
      "(Haraka/3.0.2) with ESMTPS id ABCDEF12-3456.1 envelope-from "
      "<a@example.com> tls TLS_AES_256_GCM_SHA384 (authenticated bits=0)" DATE,
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "ESMTPS", "ABCDEF12-3456.1", "", "TLSv1.3", "TLS_AES_256_GCM_SHA384" },
    { "OpenSMTPD",
      "from mail.example.com (host.example.com [192.0.2.7]) by mx.example.org "
      "(OpenSMTPD) with ESMTPS id 0123abcd "
      "(TLSv1.3:TLS_CHACHA20_POLY1305_SHA256:256:NO) for <u@example.org>" DATE,
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "ESMTPS", "0123abcd", "u@example.org", "TLSv1.3",
      "TLS_CHACHA20_POLY1305_SHA256" },
    { "Courier",
      "from mail.example.com (host.example.com [::ffff:192.0.2.7]) (TLS: "
      "TLSv1.3,128bits,TLS_AES_128_GCM_SHA256) by mx.example.org with ESMTPS "
      "id 00000000000A1B2C.0000000065941A2B.00001234" DATE,
      "mail.example.com", "host.example.com", "::ffff:192.0.2.7",
      "mx.example.org", "ESMTPS",
      "00000000000A1B2C.0000000065941A2B.00001234", "", "TLSv1.3",
      "TLS_AES_128_GCM_SHA256" },
    { "Dovecot",
      "from mx.example.org ([10.0.0.5]) by store.example.org with LMTP id "
      "AbCdEfGh (envelope-from <a@example.com>) for <u@example.org>" DATE,
      "mx.example.org", "", "10.0.0.5", "store.example.org", "LMTP", "AbCdEfGh",
      "u@example.org", "", "" },
    { "Cyrus",
      "from mx.example.org ([unix socket]) by store.example.org (Cyrus 3.6.1) "
      "with LMTPA" DATE,
      "mx.example.org", "", "", "store.example.org", "LMTPA", "", "", "", "" },
    { "IronPort",
      "from mail.example.com ([192.0.2.7]) by esa1.example.org with "
      "ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384; 01 Jan 2026 10:00:05 +0000",
      "mail.example.com", "", "192.0.2.7", "esa1.example.org",
      "ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384", "", "", "TLSv1.2",
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
    { "Proofpoint",
      "from pps.filterd (m0001.example.net [127.0.0.1]) by m0001.example.net "
      "(8.18.1.2/8.18.1.2) with ESMTP id 601A0abc for <u@example.org>" DATE,
      "pps.filterd", "m0001.example.net", "127.0.0.1", "m0001.example.net",
      "ESMTP", "601A0abc", "u@example.org", "", "" },
    { "FortiMail",
      "from mail.example.com (host.example.com [192.0.2.7]) by fml.example.org "
      "with ESMTP id 601A0abc-601A0abd (version=TLSv1.2 "
      "cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=CAFAIL)" DATE,
      "mail.example.com", "host.example.com", "192.0.2.7", "fml.example.org",
      "ESMTP", "601A0abc-601A0abd", "", "TLSv1.2",
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
    { "Mimecast",
      "from mail.example.com (mail.example.com [192.0.2.7]) by "
      "relay.example.net with ESMTP with STARTTLS (version=TLSv1.3, "
      "cipher=TLS_AES_256_GCM_SHA384) id uk-mta-1-abc" DATE,
      "mail.example.com", "mail.example.com", "192.0.2.7", "relay.example.net",
      "ESMTP", "uk-mta-1-abc", "", "TLSv1.3", "TLS_AES_256_GCM_SHA384" },
    { "Mailgun",
      "from mail.example.com (host.example.com [192.0.2.7]) by "
      "6f1c.example.net with SMTP id 65941a2b (version=TLS1.2, "
      "cipher=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)" DATE,
      "mail.example.com", "host.example.com", "192.0.2.7", "6f1c.example.net",
      "SMTP", "65941a2b", "", "TLSv1.2",
      "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
    { "Yahoo",
      "from 192.0.2.7 (EHLO mail.example.com) by 10.1.2.3 with SMTPs "
      "(version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256)" DATE,
      "mail.example.com", "", "192.0.2.7", "10.1.2.3", "SMTPs", "", "",
      "TLSv1.3", "TLS_AES_128_GCM_SHA256" },
    { "Yandex",
      "from mail.example.com (host.example.com [192.0.2.7]) by "
      "mxfront1.example.net (mxfront/Yandex) with ESMTPS id AbC-dEf for "
      "<u@example.org>" DATE " (using TLSv1.3 with cipher "
      "TLS_AES_256_GCM_SHA384 (256/256 bits)) (Client certificate not present)",
      "mail.example.com", "host.example.com", "192.0.2.7",
      "mxfront1.example.net", "ESMTPS", "AbC-dEf", "u@example.org", "TLSv1.3",
      "TLS_AES_256_GCM_SHA384" },
    { "MailMarshal",
      "from mail.example.com (Not Verified[192.0.2.7]) by mm.example.org with "
      "MailMarshal (v10,0,6,2345) (using TLS: TLSv1.2, AES256-SHA) id "
      "<B65941a2b0000>" DATE,
      "mail.example.com", "", "192.0.2.7", "mm.example.org", "MailMarshal",
      "<B65941a2b0000>", "", "TLSv1.2", "TLS_RSA_WITH_AES_256_CBC_SHA" },
    { "Momentum",
      "from [192.0.2.7] ([192.0.2.7:52000] helo=mail.example.com) by "
      "m.example.org (envelope-from <a@example.com>) (ecelerity 4.4) with "
      "ESMTPS (cipher=ECDHE-RSA-AES256-GCM-SHA384) id 1A/2B-3C" DATE,
      "mail.example.com", "", "192.0.2.7", "m.example.org", "ESMTPS",
      "1A/2B-3C", "", "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
    { "KumoMTA",
      "from mail.example.com (192.0.2.7) by kumo.example.org (KumoMTA "
      "198.51.100.1) with ESMTPS (TLSv1_3:TLS13_AES_256_GCM_SHA384) id abc for "
      "<u@example.org>" DATE,
      "mail.example.com", "", "192.0.2.7", "kumo.example.org", "ESMTPS", "abc",
      "u@example.org", "TLSv1.3", "TLS_AES_256_GCM_SHA384" },
    { "Stalwart",
      "from mail.example.com (host.example.com [192.0.2.7]) (using TLSv1.3 "
      "with cipher TLS13_AES_256_GCM_SHA384) by mx.example.org (Stalwart SMTP) "
      "with ESMTPS id 1A2B3C" DATE,
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "ESMTPS", "1A2B3C", "", "TLSv1.3", "TLS_AES_256_GCM_SHA384" },
    { "MDaemon",
      "from mail.example.com (host.example.com [192.0.2.7]) by mx.example.org "
      "(MDaemon PRO v23.5.1) with ESMTPS id md5001001234.msg for "
      "<u@example.org>" DATE,
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "ESMTPS", "md5001001234.msg", "u@example.org", "", "" },
    { "CommuniGate",
      "from [192.0.2.7] (account u HELO mail.example.com) by mx.example.org "
      "(CommuniGate Pro SMTP 6.3.3) with ESMTPSA id 1234567 for "
      "u@example.org" DATE,
      "mail.example.com", "", "192.0.2.7", "mx.example.org", "ESMTPSA",
      "1234567", "u@example.org", "", "" },
    { "GMX",
      "from mail.example.com ([192.0.2.7]) by mx.example.org (mxgmx001 "
      "[198.51.100.1]) with ESMTPS (Nemesis) id 1MabcD-1abcD40001-00ABCD for "
      "<u@example.org>" DATE,
      "mail.example.com", "", "192.0.2.7", "mx.example.org", "ESMTPS",
      "1MabcD-1abcD40001-00ABCD", "u@example.org", "", "" },
    { "Halon",
      "from mail.example.com (host.example.com [192.0.2.7]) by mx.example.org "
      "(Halon) with ESMTPS id a1b2c3d4-e5f6-11ee-8c90" DATE,
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "ESMTPS", "a1b2c3d4-e5f6-11ee-8c90", "", "", "" },
    { "Coremail",
      "from mail.example.com (unknown [192.0.2.7]) by mx1 (Coremail) with "
      "SMTP id AQAAfwAXqABcDeFg--.1234S2" DATE " (CST)",
      "mail.example.com", "", "192.0.2.7", "mx1", "SMTP",
      "AQAAfwAXqABcDeFg--.1234S2", "", "", "" },
    { "IceWarp",
      "from mail.example.com ([192.0.2.7]) by mx.example.org (IceWarp 13.0.3) "
      "with ASMTP (SSL) id 202601011000051234 for <u@example.org>" DATE,
      "mail.example.com", "", "192.0.2.7", "mx.example.org", "ASMTP",
      "202601011000051234", "u@example.org", "", "" },
    { "PowerMTA",
      "from mail.example.com (192.0.2.7) by pmta.example.org (PowerMTA(TM) "
      "v5.0r1) id hl1abc for <u@example.org>" DATE
      " (envelope-from <a@example.com>)",
      "mail.example.com", "", "192.0.2.7", "pmta.example.org", "", "hl1abc",
      "u@example.org", "", "" },
    { "amavis",
      "from mx.example.org ([127.0.0.1]) by localhost (mx.example.org "
      "[127.0.0.1]) (amavis, port 10024) with ESMTP id AbCdEf for "
      "<u@example.org>" DATE " (CET)",
      "mx.example.org", "", "127.0.0.1", "localhost", "ESMTP", "AbCdEf",
      "u@example.org", "", "" },
    { "mox",
      "from mail.example.com (host.example.com [192.0.2.7]) by mx.example.org "
      "([198.51.100.2]) via tcp with ESMTPS (TLS1.3 TLS_AES_128_GCM_SHA256) id "
      "AbCdEf for <u@example.org>; 1 Jan 2026 10:00:05 +0000",
      "mail.example.com", "host.example.com", "192.0.2.7", "mx.example.org",
      "ESMTPS", "AbCdEf", "u@example.org", "TLSv1.3",
      "TLS_AES_128_GCM_SHA256" },
    { "postseal",
      "from mail.example.com ([192.0.2.7]) by gate.example.org (postseal) with "
      "ESMTPS id 0abc for <u@example.org> tls TLS_AES_256_GCM_SHA384 "
      "(TLSv1.3)" DATE,
      "mail.example.com", "", "192.0.2.7", "gate.example.org", "ESMTPS", "0abc",
      "u@example.org", "TLSv1.3", "TLS_AES_256_GCM_SHA384" },
};
/* clang-format on */

static void check(struct str got, const char *want, size_t row)
{
    if (!str_eq(got, str_from_cstr(want)))
        fail_msg("%s: \"%.*s\" instead of \"%s\"", rows[row].product,
                 STR_ARG(got), want);
}

static void test_products(void **state)
{
    (void)state;
    assert_true(COUNT(rows) >= 25);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct trace t;

        trace_read(arena_printf(&arena, "Received: %s\r\n", rows[i].line), NULL,
                   0, now_ms, &arena, &t);
        assert_int_equal(t.n, 1);
        check(t.hops[0].helo, rows[i].helo, i);
        check(t.hops[0].name, rows[i].name, i);
        check(t.hops[0].ip, rows[i].ip, i);
        check(t.hops[0].by, rows[i].by, i);
        check(t.hops[0].with, rows[i].with, i);
        check(t.hops[0].id, rows[i].id, i);
        check(t.hops[0].rcpt, rows[i].rcpt, i);
        check(t.hops[0].tls.version, rows[i].version, i);
        check(t.hops[0].tls.cipher, rows[i].cipher, i);
        if (!t.hops[0].has_time || t.hops[0].wall_ms != then_ms)
            fail_msg("%s: date", rows[i].product);
        arena_free(&arena);
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1" },
        { "[192.0.2.1]", "192.0.2.1" },
        { "[192.0.2.1]:25", "192.0.2.1" },
        { "192.0.2.1:25", "192.0.2.1" },
        { "[IPv6:2001:db8::1]", "2001:db8::1" },
        { "2001:db8::1", "2001:db8::1" },
        { "[fe80::1%eth0]", "fe80::1" },
        { "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
        { "::", "::" },
        { "[300.0.2.1]", "" },
        { "example.com", "" },
        { "[", "" },
        { "[]", "" },
        { "", "" },
        { "1", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str got = received_address(str_from_cstr(cases[i].in));

        if (!str_eq(got, str_from_cstr(cases[i].out)))
            fail_msg("%s: %.*s", cases[i].in, STR_ARG(got));
    }
}

/* Limits: what is past them is not understood, never half understood. */
static void test_limits(void **state)
{
    char line[4096] = "from a (b [192.0.2.1]) by c with ESMTPS id 1 ";
    struct received r;

    (void)state;
    assert_true(received_read(str_from_cstr(line), &r));
    for (int i = 0; i <= RECEIVED_DEPTH_MAX; i++)
        strcat(line, "(");
    for (int i = 0; i <= RECEIVED_DEPTH_MAX; i++)
        strcat(line, ")");
    assert_false(received_read(str_from_cstr(line), &r));
    strcpy(line, "from a (b [192.0.2.1]) by c with ESMTPS id 1 ");
    for (int i = 0; i < RECEIVED_TOKENS_MAX; i++)
        strcat(line, "x ");
    assert_false(received_read(str_from_cstr(line), &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
