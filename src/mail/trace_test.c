/* SPDX-License-Identifier: Apache-2.0 */
/* One line as a header: what each way to write TLS evidence proves (HA-06). */
#include "mail/trace.h"

#include "base/clock.h"
#include "mail/received.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-06-01 */
static const int64_t now_ms = 1780272000000;

/* clang-format off */
#define FROM "from mail.example.com (mail.example.com [192.0.2.7]) "
#define BY "by mx.example.org "
#define DATE "; Thu, 1 Jan 2026 00:00:00 +0000"

#define AES256 "TLS_AES_256_GCM_SHA384"
#define AES128 "TLS_AES_128_GCM_SHA256"
#define CHACHA "TLS_CHACHA20_POLY1305_SHA256"
#define ECDHE256 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
#define ECDHE128 "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
#define RSA256 "TLS_RSA_WITH_AES_256_CBC_SHA"

#define UNKNOWN CERTIFICATE_UNKNOWN
#define UNASKED CERTIFICATE_UNASKED
#define ABSENT CERTIFICATE_ABSENT
#define GOOD CERTIFICATE_OK
#define BAD CERTIFICATE_BAD

/* state and evidence */
#define CLAUSE HOP_ENCRYPTED, EVIDENCE_CLAUSE
#define WEAK HOP_WEAK, EVIDENCE_CLAUSE
#define KEYWORD HOP_ENCRYPTED, EVIDENCE_KEYWORD
#define NO_TLS HOP_CLEAR, EVIDENCE_CLAUSE
#define CLEAR HOP_CLEAR, EVIDENCE_NONE
#define NOT_RECORDED HOP_NOT_RECORDED, EVIDENCE_NONE
#define LOCAL HOP_LOCAL, EVIDENCE_NONE
#define NOT_SMTP HOP_NOT_SMTP, EVIDENCE_NONE
#define UNREADABLE HOP_UNREADABLE, EVIDENCE_NONE

struct row {
    const char *line;
    enum hop_state state;
    enum hop_evidence evidence;
    const char *version, *cipher; /* NULL: none */
    unsigned bits;
    enum client_certificate certificate;
    const char *family; /* NULL: not looked at */
};
/* clang-format on */

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
    if (row->family != NULL)
        check_str(t.hops[0].family, row->family, row->line);
    assert_true(str_eq(t.hops[0].raw, line));
    arena_free(&arena);
}

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_row(&rows[i]);
}

/* clang-format off */
static void test_f1_postfix(void **state)
{
#define USING "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
    static const struct row rows[] = {
        { FROM USING ") " BY "(Postfix) with ESMTPS id 4F2 for <a@example.org>"
          DATE " (CET)", CLAUSE, "TLSv1.3", AES256, 256, UNKNOWN, "postfix" },
        { FROM USING " key-exchange X25519 server-signature RSA-PSS (2048 "
          "bits) server-digest SHA256) (No client certificate requested) "
          BY "(Postfix) with ESMTPS id 4F2" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, UNASKED },
        { FROM USING " key-exchange ECDHE (P-256) server-signature ECDSA "
          "(prime256v1) server-digest SHA256 client-signature RSA-PSS (2048 "
          "bits) client-digest SHA256) (Client CN \"a.example.com\", Issuer "
          "\"Example CA\" (verified OK)) " BY "(Postfix) with ESMTPS id 1" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, GOOD },
        { FROM USING " key-exchange x25519 server-signature RSA-PSS (2048 bit "
          "raw public key) server-digest SHA256) (Client RPK sha256 digest "
          "AB:CD:EF) " BY "(Postfix) with ESMTPS id 1" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, UNKNOWN },
        { FROM "(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 "
          "(256/256 bits)) (Client CN \"a\", Issuer \"b\" (not verified)) "
          BY "(Postfix) with ESMTPS id 1" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256, BAD },
        { FROM USING ") (Client did not present a certificate) " BY
          "(Postfix) with ESMTPSA id 1" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, ABSENT },
        { "from unknown (unknown [192.0.2.9]) " USING ") " BY
          "(Postfix) with SMTP id 1" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, UNKNOWN },
        { FROM "(using TLSv1 with cipher DHE-RSA-AES256-SHA (256/256 bits)) "
          BY "(Postfix) with ESMTPS id 1" DATE,
          WEAK, "TLSv1", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 256 },
        { FROM "(using TLSv1.1 with cipher AECDH-AES256-SHA (256/256 bits)) "
          BY "(Postfix) with ESMTPS id 1" DATE,
          WEAK, "TLSv1.1", "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", 256 },
        { FROM "(using TLSv1.2 with cipher ADH-AES256-GCM-SHA384 (256/256 "
          "bits)) " BY "(Postfix) with ESMTPS id 1" DATE,
          WEAK, "TLSv1.2", "TLS_DH_anon_WITH_AES_256_GCM_SHA384", 256 },
        { FROM "(using SSLv3 with cipher RC4-SHA (128/128 bits)) "
          BY "(Postfix) with ESMTPS id 1" DATE,
          WEAK, "SSLv3", "TLS_RSA_WITH_RC4_128_SHA", 128 },
        { FROM BY "(Postfix) with ESMTPS id 1" DATE, KEYWORD, NULL, NULL, 0,
          UNKNOWN, "postfix" },
        { FROM BY "(Postfix) with ESMTP id 1" DATE, CLEAR },
        { FROM BY "(Postfix) with ESMTPA id 1" DATE, CLEAR },
        { FROM BY "(Postfix) with SMTP id 1" DATE, NOT_RECORDED },
        { FROM BY "(Postfix) with UTF8SMTPS id 1" DATE, KEYWORD },
        { FROM BY "(Postfix) with UTF8SMTP id 1" DATE, CLEAR },
        { "by mail.example.com (Postfix, from userid 1000) id 1" DATE, LOCAL },
        { "from localhost (localhost [127.0.0.1]) by mx.example.org (Postfix) "
          "with ESMTP id 1" DATE, LOCAL },
        { "from localhost (localhost [IPv6:::1]) by mx.example.org (Postfix) "
          "with ESMTP id 1" DATE, LOCAL },
        { "from localhost (localhost [127.0.0.1]) " USING ") by mx.example.org "
          "(Postfix) with ESMTPS id 1" DATE,
          CLAUSE, "TLSv1.3", AES256, 256 },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void test_f2_using(void **state)
{
    static const struct row rows[] = {
        { FROM "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384) by "
          "relay.example.net (trex/6.8.1); Thu, 01 Jan 2026 00:00:00 +0000",
          CLAUSE, "TLSv1.3", AES256, 0, UNKNOWN, "mailchannels" },
        { FROM "(using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384) " BY
          "(Stalwart SMTP) with ESMTPS id 1F" DATE,
          CLAUSE, "TLSv1.3", AES256, 0, UNKNOWN, "stalwart" },
        { FROM "by smtp.example.net (RZmta 47.3.0 DYNA|AUTH) with ESMTPSA id "
          "x1 (using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256 "
          "bits)) (Client did not present a certificate)" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256, ABSENT, "strato" },
        { FROM "(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 "
          "256/256 bits) by resqmta.example.net with ESMTP id 1" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { FROM "by smtp.example.net (RZmta 40.1) with ESMTPSA id 1 (using "
          "TLSv1.2 with cipher ECDHE-RSA-AES256-SHA (curve secp521r1 with 521 "
          "ECDH bits, eq. 15360 bits RSA)) (Client did not present a "
          "certificate)" DATE,
          CLAUSE, "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 0, ABSENT },
        { FROM "(using TLS with cipher DHE-RSA-AES256-SHA (256/256 bits)) "
          "(Client did not present a certificate) by gw.example.org (Symantec "
          "Messaging Gateway) with SMTP id 1" DATE,
          CLAUSE, NULL, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 256, ABSENT,
          "symantec" },
        { "from mail.example.com (Not Verified[192.0.2.7]) by mm.example.org "
          "(using TLS: TLSv1.2, AES256-SHA) id <B5F.1>" DATE,
          CLAUSE, "TLSv1.2", RSA256, 0, UNKNOWN, "mailmarshal" },
        { FROM BY "(8.14/Sentrion) with ESMTP id 1 (using TLSv1.2 with cipher "
          "AES128-GCM-SHA256 (128 bits) verified FAIL)" DATE,
          CLAUSE, "TLSv1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256", 128, BAD },
        { FROM "(Using TLS) by relay.example.net with ESMTP id uk-1" DATE,
          CLAUSE, NULL, NULL },
        { FROM "(using TLSv1) by exprod.example.net ([198.51.100.9]) with SMTP"
          DATE, WEAK, "TLSv1", NULL },
        { FROM "(not using TLS) by relay.example.net with ESMTP" DATE, NO_TLS },
        { FROM "by mxfront1.example.net (mxfront/Yandex) with ESMTPS id abc"
          DATE " (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 "
          "bits)) (Client certificate not present)",
          CLAUSE, "TLSv1.3", AES256, 256, ABSENT, "yandex" },
        { FROM "by mxfront1.example.net (nwsmtp/Yandex) with ESMTP id abc"
          DATE " (using TLSv1.2 with cipher ECDHE-RSA-AES128-GCM-SHA256 "
          "(128/128 bits)) (Client certificate not present)",
          CLAUSE, "TLSv1.2", ECDHE128, 128, ABSENT, "yandex" },
        { FROM BY "(Dovecot) with ESMTPSA id 1 (using TLSv1.3 with cipher "
          "TLS_AES_256_GCM_SHA384 (256/256 bits))" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, UNKNOWN, "dovecot" },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void test_f3_gmail(void **state)
{
#define GMAIL "from mail.example.com (mail.example.com. [192.0.2.7]) by "      \
              "mx.google.com with "
    static const struct row rows[] = {
        { GMAIL "ESMTPS id a1-20si1.5.2026 for <u@example.org> "
          "(version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256)" DATE
          " (PST)", CLAUSE, "TLSv1.3", AES256, 256, UNKNOWN, "gmail" },
        { GMAIL "ESMTPS id a1 (version=TLS1_3 "
          "cipher=AEAD-AES256-GCM-SHA384 bits=256/256)" DATE,
          CLAUSE, "TLSv1.3", AES256, 256 },
        { GMAIL "ESMTPS id a1 (version=TLS1_2 "
          "cipher=ECDHE-ECDSA-CHACHA20-POLY1305 bits=256/256)" DATE,
          CLAUSE, "TLSv1.2",
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 256 },
        { GMAIL "ESMTPS id a1 (version=TLSv1/SSLv3 cipher=RC4-SHA "
          "bits=128/128)" DATE,
          WEAK, NULL, "TLS_RSA_WITH_RC4_128_SHA", 128 },
        { GMAIL "ESMTPS id a1 (version=TLSv1/SSLv3 cipher=OTHER)" DATE,
          CLAUSE, NULL, "OTHER", 0 },
        { "from mail-sor-f41.google.com (mail-sor-f41.google.com. "
          "[192.0.2.41]) by mx.google.com with SMTPS id a1 for "
          "<u@example.org> (Google Transport Security)" DATE, KEYWORD },
        { "by 2002:a05:6a10:1234:b0:1:2:3 with SMTP id a1csp1" DATE,
          NOT_RECORDED, NULL, NULL, 0, UNKNOWN, "gmail" },
        { GMAIL "ESMTP id a1 for <u@example.org>" DATE, CLEAR },
        { GMAIL "SMTP id a1" DATE, NOT_RECORDED },
        { "by mail-pf1-f1.google.com with SMTP id a1" DATE, NOT_RECORDED },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void test_f4_sendmail(void **state)
{
#define SENDMAIL FROM BY "(8.17.1/8.17.1) with "
    static const struct row rows[] = {
        { SENDMAIL "ESMTPS id 1 (version=TLSv1.2 "
          "cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NO)" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256, ABSENT, "sendmail" },
        { SENDMAIL "ESMTP id 1 (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 "
          "bits=256 verify=NOT) for <u@example.org>" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, UNASKED },
        { SENDMAIL "ESMTPS id 1 (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 "
          "bits=256 verify=OK)" DATE, CLAUSE, "TLSv1.3", AES256, 256, GOOD },
        { SENDMAIL "ESMTPS id 1 (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 "
          "bits=256 verify=FAIL)" DATE, CLAUSE, "TLSv1.3", AES256, 256, BAD },
        { FROM BY "with ESMTP id 1 (version=TLSv1.3 "
          "cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=CAFAIL)" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, BAD },
        { SENDMAIL "ESMTPS id 1 (version=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 "
          "bits=128 verify=TRUSTED)" DATE,
          CLAUSE, "TLSv1.3", AES128, 128, GOOD },
        { SENDMAIL "ESMTPS id 1 (version=TLSv1.2 cipher=AES256-SHA bits=256 "
          "verify=NONE)" DATE, CLAUSE, "TLSv1.2", RSA256, 256, UNKNOWN },
        { SENDMAIL "ESMTPS id 1 (version=TLSv1.2 cipher=AES256-SHA bits=256 "
          "verify=TEMP)" DATE, CLAUSE, "TLSv1.2", RSA256, 256, UNKNOWN },
        { SENDMAIL "ESMTPS id 1 (version=TLSv1.2 cipher=AES256-SHA bits=256 "
          "verify=PROTOCOL)" DATE, CLAUSE, "TLSv1.2", RSA256, 256, UNKNOWN },
        { SENDMAIL "ESMTPS id 1 (version=TLSv1.2 cipher=AES256-SHA bits=256 "
          "verify=SOFTWARE)" DATE, CLAUSE, "TLSv1.2", RSA256, 256, UNKNOWN },
        { SENDMAIL "ESMTPS id 1 (version=TLSv1.2 cipher=AES256-SHA bits=256 "
          "some more words verify=NO)" DATE,
          CLAUSE, "TLSv1.2", RSA256, 256, ABSENT },
        { SENDMAIL "ESMTP id 1 (version=TLSv1.2 cipher=AES256-SHA bits=256)"
          DATE, CLAUSE, "TLSv1.2", RSA256, 256, UNKNOWN },
        { SENDMAIL "ESMTPSA id 1 (version=TLSv1/SSLv3 cipher=DHE-RSA-AES256-SHA"
          " bits=256 verify=NO)" DATE,
          CLAUSE, NULL, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 256, ABSENT },
        { SENDMAIL "ESMTPS id 1 (version=TLSv1/SSLv3 "
          "cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NO)" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256, ABSENT },
        { SENDMAIL "ESMTPA id 1 (authenticated bits=0)" DATE, NOT_RECORDED },
        { SENDMAIL "ESMTP id 1 (authenticated bits=256)" DATE, NOT_RECORDED },
        { SENDMAIL "ESMTP id 1" DATE, NOT_RECORDED },
        { "(from u@localhost) by mail.example.com (8.17.1/8.17.1/Submit) id 1"
          DATE, LOCAL },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void test_f5_microsoft(void **state)
{
#define EXCHANGE "from M1.example.com (192.0.2.5) by M2.example.org "          \
                 "(198.51.100.6) with "
    static const struct row rows[] = {
        { EXCHANGE "Microsoft SMTP Server (version=TLS1_2, "
          "cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1.2 via "
          "Frontend Transport" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 0, UNKNOWN, "microsoft" },
        { EXCHANGE "Microsoft SMTP Server (version=TLS1_3, "
          "cipher=TLS_AES_256_GCM_SHA384) id 15.20.1.2" DATE,
          CLAUSE, "TLSv1.3", AES256 },
        { EXCHANGE "Microsoft SMTP Server (TLS) id 15.0.1.2" DATE,
          CLAUSE, NULL, NULL },
        { EXCHANGE "Microsoft SMTP Server id 14.3.1.2 via Mailbox Transport"
          DATE, NOT_RECORDED, NULL, NULL, 0, UNKNOWN, "microsoft" },
        { EXCHANGE "Microsoft SMTP Server (version=TLS1_2, cipher=) id 15.20"
          DATE, CLAUSE, "TLSv1.2", NULL },
        { EXCHANGE "Microsoft SMTP Server (version=TLS1_2, "
          "cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 + Transport "
          "Decrypted) id 15.20" DATE, CLAUSE, "TLSv1.2", ECDHE256 },
        { EXCHANGE "Microsoft SMTP Server (version=TLS1_2, "
          "cipher=TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384_P384) id 15.1" DATE,
          CLAUSE, "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384" },
        { EXCHANGE "Microsoft SMTP Server (version=TLS1_0, "
          "cipher=TLS_RSA_WITH_AES_256_CBC_SHA) id 15.0" DATE,
          WEAK, "TLSv1", RSA256 },
        { EXCHANGE "mapi id 15.20.1.2" DATE, NOT_SMTP, NULL, NULL, 0, UNKNOWN,
          "microsoft" },
        { EXCHANGE "HTTPS id 15.20.1.2" DATE, NOT_SMTP },
        { EXCHANGE "HTTP id 15.20.1.2" DATE, NOT_SMTP },
        { EXCHANGE "MailboxResubmission id 15.20.1.2" DATE, NOT_SMTP },
        { EXCHANGE "TransportReplication id 15.20.1.2" DATE, NOT_SMTP },
        { FROM "by relay.example.net with ESMTP with STARTTLS "
          "(version=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384) id uk-1" DATE,
          CLAUSE, "TLSv1.3", AES256 },
        { FROM "by relay.example.net with ESMTP with both STARTTLS and AUTH "
          "(version=TLSv1.2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)"
          DATE, CLAUSE, "TLSv1.2", ECDHE256 },
        { FROM "by relay.example.net with ESMTP with STARTTLS id 1" DATE,
          KEYWORD },
        { FROM "by 1.example.net with SMTP id 5f (version=TLS1.2, "
          "cipher=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)" DATE,
          CLAUSE, "TLSv1.2", ECDHE128 },
        { FROM "by mail.example.net (ZoneMTA) with ESMTPSA id 1.001 for "
          "<u@example.org> (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384)"
          DATE, CLAUSE, "TLSv1.3", AES256, 0, UNKNOWN, "zonemta" },
        { "from 192.0.2.9 (EHLO mail.example.com) by mta.example.net with "
          "SMTPs (version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256)" DATE,
          CLAUSE, "TLSv1.3", AES128 },
        { "from mail.example.com ([192.0.2.9]) by cvmx.example.net with ESMTPS "
          "id 1 for <u@example.org> (version=TLSv1.2 "
          "cipher=ECDHE-RSA-AES256-GCM-SHA384)" DATE,
          CLAUSE, "TLSv1.2", ECDHE256 },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void test_f6_exim(void **state)
{
#define EXIM "from mail.example.com ([192.0.2.7]) " BY "with "
#define EXIM_END " (Exim 4.98) (envelope-from <a@example.com>) id 1sAbCd-0001" \
                 DATE
    static const struct row rows[] = {
        { EXIM "esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384" EXIM_END,
          CLAUSE, "TLSv1.3", AES256, 0, UNKNOWN, "exim" },
        { EXIM "esmtpsa  (TLS1.2) tls TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
          EXIM_END, CLAUSE, "TLSv1.2", ECDHE256 },
        { EXIM "esmtps (TLSv1.2:ECDHE-RSA-AES256-GCM-SHA384:256)" EXIM_END,
          CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { EXIM "esmtps (TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256)" EXIM_END,
          CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { EXIM "esmtps (TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:"
          "256)" EXIM_END, CLAUSE, "TLSv1.3", AES256, 256 },
        { EXIM "esmtps (TLS1.2:ECDHE_SECP256R1__RSA_SHA256__AES_256_GCM:256)"
          EXIM_END, CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { EXIM "esmtps (TLS1.2:ECDHE_SECP256R1__RSA_SHA256__AES_256_CBC__SHA1:"
          "256)" EXIM_END,
          CLAUSE, "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 256 },
        { EXIM "esmtps (TLS1.2:ECDHE_SECP256R1__ECDSA_SHA256__"
          "CHACHA20_POLY1305:256)" EXIM_END, CLAUSE, "TLSv1.2",
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 256 },
        { EXIM "esmtps (TLS-1.0:RSA_AES_256_CBC_SHA1:32)" EXIM_END,
          WEAK, "TLSv1", RSA256, 256 },
        { EXIM "esmtps (TLS-1.2:RSA_AES_128_CBC_SHA1:16)" EXIM_END,
          CLAUSE, "TLSv1.2", "TLS_RSA_WITH_AES_128_CBC_SHA", 128 },
        { EXIM "esmtps(Cipher TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256)tls"
          EXIM_END, CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { EXIM "esmtp (tls_cipher TLS-1.0:DHE_RSA_3DES_EDE_CBC_SHA1:24)"
          EXIM_END, WEAK, "TLSv1", "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", 192 },
        { EXIM "esmtps" EXIM_END, KEYWORD },
        { EXIM "esmtp" EXIM_END, CLEAR, NULL, NULL, 0, UNKNOWN, "exim" },
        { EXIM "smtp" EXIM_END, CLEAR },
        { EXIM "esmtpa" EXIM_END, CLEAR },
        { EXIM "smtps" EXIM_END, KEYWORD },
        { "from u by mail.example.com with local" EXIM_END, LOCAL },
        { "from localhost ([127.0.0.1] helo=x) by mail.example.com with "
          "local-esmtp" EXIM_END, LOCAL },
        { "from localhost ([127.0.0.1] helo=x) by mail.example.com with "
          "local-esmtps" EXIM_END, LOCAL },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void test_f7_f8_f9(void **state)
{
    static const struct row rows[] = {
        { FROM BY "(OpenSMTPD) with ESMTPSA id 0123abcd "
          "(TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO) auth=yes user=u" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, UNKNOWN, "opensmtpd" },
        { FROM BY "(OpenSMTPD) with ESMTPS id 0123abcd "
          "(TLSv1.3:TLS_AES_256_GCM_SHA384:256:YES) for <u@example.org>" DATE,
          CLAUSE, "TLSv1.3", AES256, 256, GOOD, "opensmtpd" },
        { "by mx.example.org (OtherName) with ESMTPSA id 0123abcd "
          "(TLSv1.2:ECDHE-RSA-AES256-GCM-SHA384:256:NO)" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256, UNKNOWN, "opensmtpd" },
        { FROM BY "(OpenSMTPD) with ESMTP id 0123abcd" DATE, CLEAR },
        { FROM BY "(OpenSMTPD) with SMTP id 0123abcd" DATE, CLEAR },
        { "from unknown (HELO mail.example.com) (192.0.2.7) by mx.example.org "
          "with ESMTPS (TLS_AES_256_GCM_SHA384 encrypted); 1 Jan 2026 00:00:00 "
          "-0000", CLAUSE, "TLSv1.3", AES256, 0, UNKNOWN, "qmail" },
        { "from unknown (HELO mail.example.com) (192.0.2.7) by mx.example.org "
          "with UTF8SMTPSA (ECDHE-RSA-AES256-GCM-SHA384 encrypted, "
          "authenticated); 1 Jan 2026 00:00:00 -0000",
          CLAUSE, "TLSv1.2", ECDHE256 },
        { "from mail.example.com (HELO x.example.com) (192.0.2.7) by "
          "server-1.example.net with ECDHE-RSA-AES256-GCM-SHA384 encrypted "
          "SMTP; 1 Jan 2026 00:00:00 -0000", CLAUSE, "TLSv1.2", ECDHE256 },
        { "from unknown (HELO x.example.com) (192.0.2.7) by "
          "server-1.example.net with DHE-RSA-AES256-SHA encrypted SMTP; 1 Jan "
          "2026 00:00:00 -0000",
          CLAUSE, NULL, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA" },
        { FROM "by mailin.example.net with (TLSv1.2:ECDHE-RSA-AES256-GCM-"
          "SHA384 encrypted) esmtp id 1" DATE, CLAUSE, "TLSv1.2", ECDHE256 },
        { FROM BY "with ESMTP (TLS encrypted)" DATE, CLAUSE, NULL, NULL },
        { "from unknown (HELO mail.example.com) (192.0.2.7) by mx.example.org "
          "with SMTP; 1 Jan 2026 00:00:00 -0000", NOT_RECORDED },
        { "(qmail 123 invoked from network); 1 Jan 2026 00:00:00 -0000", LOCAL,
          NULL, NULL, 0, UNKNOWN, "qmail" },
        { "(qmail 123 invoked by uid 89); 1 Jan 2026 00:00:00 -0000", LOCAL },
        { "from mail.example.com ([192.0.2.7]) by esa1.example.org with "
          "ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384; 01 Jan 2026 00:00:00 +0000",
          CLAUSE, "TLSv1.2", ECDHE256, 0, UNKNOWN, "ironport" },
        { "from mail.example.com ([192.0.2.7]) by esa1.example.org with "
          "ESMTP/TLS/TLS_AES_256_GCM_SHA384; 01 Jan 2026 00:00:00 +0000",
          CLAUSE, "TLSv1.3", AES256, 0, UNKNOWN, "ironport" },
        { "from mail.example.com ([192.0.2.7]) by esa1.example.org with "
          "ESMTP/TLS/AES256-SHA; 01 Jan 2026 00:00:00 +0000",
          CLAUSE, NULL, RSA256 },
        { "from mail.example.com ([192.0.2.7]) by esa1.example.org with "
          "ESMTP/TLS/DES-CBC3-SHA; 01 Jan 2026 00:00:00 +0000",
          WEAK, NULL, "TLS_RSA_WITH_3DES_EDE_CBC_SHA" },
        { "from mail.example.com ([192.0.2.7]) by esa1.example.org with ESMTP; "
          "01 Jan 2026 00:00:00 +0000", NOT_RECORDED },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void test_f10_rest(void **state)
{
    static const struct row rows[] = {
        { "from [192.0.2.7] ([192.0.2.7:52000] helo=mail.example.com) by "
          "m.example.org (envelope-from <a@example.com>) (ecelerity "
          "4.3.1.999) with ESMTPS (cipher=AES-256-GCM) id 1/2-3" DATE,
          CLAUSE, NULL, "AES-256-GCM", 0, UNKNOWN, "momentum" },
        { FROM "by m.example.org (ecelerity 4.3) with ESMTPS "
          "(cipher=AES-256-GCM subject=\"/C=DE/CN=version=TLSv1.3 "
          "cipher=NULL-SHA verify=OK\") id 1" DATE,
          CLAUSE, NULL, "AES-256-GCM", 0, UNKNOWN },
        { FROM "by m.example.org (ecelerity 4.3) with ESMTPS "
          "(version=TLSv1.3 cipher=AES-256-GCM) id 1" DATE,
          CLAUSE, "TLSv1.3", AES256 },
        { FROM BY "(KumoMTA 192.0.2.1) with ESMTPS "
          "(TLSv1_3:TLS13_AES_256_GCM_SHA384) id abc" DATE,
          CLAUSE, "TLSv1.3", AES256, 0, UNKNOWN, "kumomta" },
        { "from mail.example.com (mail.example.com [::ffff:192.0.2.7]) (AUTH: "
          "PLAIN u@example.com, TLS: TLSv1.3,128bits,TLS_AES_128_GCM_SHA256) "
          "by mx.example.org with ESMTPSA id 0000000000A" DATE,
          CLAUSE, "TLSv1.3", AES128, 128, UNKNOWN, "courier" },
        { "from mail.example.com (mail.example.com [::ffff:192.0.2.7]) (TLS: "
          "TLSv1.2,256bits,ECDHE-RSA-AES256-GCM-SHA384) by mx.example.org "
          "with ESMTPS id 0000000000A" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { FROM BY "with smtp (TLS: TLSv1/SSLv3,256bits,"
          "ECDHE-RSA-AES256-GCM-SHA384) id 1" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { FROM BY "with smtp (TLS: TLSv1/SSLv3,256bits,AES256-SHA) id 1" DATE,
          CLAUSE, NULL, RSA256, 256 },
        { FROM BY "(Generic MTA with TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 "
          "256/256) id 1" DATE, CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { FROM BY "Generic MTA with TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 "
          "256/256 id 1" DATE, CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { FROM BY "(CelloMail 4.0 Build 1 with TLS) with ESMTP id 1" DATE,
          CLAUSE, NULL, NULL, 0, UNKNOWN, "cellopoint" },
        { FROM BY "(Cellopoint E-mail Firewall v4.1.0 Build 1 with TLS) with "
          "ESMTP id 1" DATE, CLAUSE, NULL, NULL, 0, UNKNOWN, "cellopoint" },
        { FROM BY "with Exclaimer (tlsversion=TLS12, "
          "tlscipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 1" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 0, UNKNOWN, "exclaimer" },
        { FROM BY "with CodeTwo SMTP Server (TLS12) via SMTP" DATE,
          CLAUSE, "TLSv1.2", NULL, 0, UNKNOWN, "codetwo" },
        { FROM BY "with ESMTPS (Tls12, Aes256, Sha384, "
          "DiffieHellmanEllipticKey384) id 1" DATE, CLAUSE, "TLSv1.2",
          "Aes256, Sha384, DiffieHellmanEllipticKey384", 0, UNKNOWN,
          "dotnet" },
        { FROM BY "with ESMTPS (Tls13, Aes256, Sha384, None) id 1" DATE,
          CLAUSE, "TLSv1.3", AES256, 0, UNKNOWN, "dotnet" },
        { FROM BY "(IceWarp 12.1.1) with ASMTP (SSL) id 1" DATE,
          CLAUSE, NULL, NULL, 0, UNKNOWN, "icewarp" },
        { FROM BY "(Merak 8.9) with ASMTP id 1" DATE, NOT_RECORDED },
        { "from mail.example.com ([192.0.2.7]) by mx.example.org over TLS "
          "secured channel with Microsoft SMTPSVC(10.0.14393.4169)" DATE,
          CLAUSE, NULL, NULL },
        { "from mail.example.com ([192.0.2.7]) by mx.example.org with "
          "Microsoft SMTPSVC(10.0.14393.4169)" DATE, NOT_RECORDED },
        { "from mail.example.com (mail.example.com [192.0.2.7]) by "
          "mx.example.org ([198.51.100.2]) (mox) with ESMTPS (TLS1.3 "
          "TLS_AES_128_GCM_SHA256) id 1 for <u@example.org>" DATE,
          CLAUSE, "TLSv1.3", AES128 },
        { FROM BY "(Haraka/3.0.2) with ESMTPS id 1.1 envelope-from "
          "<a@example.com> (cipher=TLS_AES_256_GCM_SHA384)" DATE,
          CLAUSE, "TLSv1.3", AES256, 0, UNKNOWN, "haraka" },
        { FROM BY "(Haraka/3.0.2) with ESMTPS id 1.1 envelope-from "
          "<a@example.com> tls TLS_AES_256_GCM_SHA384" DATE,
          CLAUSE, "TLSv1.3", AES256 },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

static void test_f11_keyword(void **state)
{
    static const struct row rows[] = {
        { FROM BY "with ESMTPS id 1" DATE, KEYWORD },
        { FROM BY "with ESMTPSA id 1" DATE, KEYWORD },
        { FROM BY "with UTF8SMTPSA id 1" DATE, KEYWORD },
        { FROM BY "with LMTPS id 1" DATE, KEYWORD },
        { FROM BY "with LMTPSA id 1" DATE, KEYWORD },
        { FROM BY "with SMTPS id 1" DATE, KEYWORD },
        { FROM BY "with SMTPSA id 1" DATE, KEYWORD },
        { FROM BY "with esmtps id 1" DATE, KEYWORD },
        { FROM BY "with esmtpsa id 1" DATE, KEYWORD },
        { FROM BY "with smtps id 1" DATE, KEYWORD },
        { FROM BY "(MDaemon PRO v23) with ESMTPS id md5" DATE, KEYWORD, NULL,
          NULL, 0, UNKNOWN, "mdaemon" },
        { FROM BY "(mxgmx001 [198.51.100.1]) with ESMTPS (Nemesis) id 1" DATE,
          KEYWORD, NULL, NULL, 0, UNKNOWN, "gmx" },
        { FROM BY "with ESMTPA id 1" DATE, NOT_RECORDED },
        { FROM BY "with ASMTP id 1" DATE, NOT_RECORDED },
        { FROM BY "with ESMTP id 1" DATE, NOT_RECORDED },
        { FROM BY "with SMTP id 1" DATE, NOT_RECORDED },
        { FROM BY "with LMTP id 1" DATE, LOCAL },
        { FROM BY "with NNFMP" DATE, NOT_SMTP },
        { FROM BY "with QMQP" DATE, NOT_SMTP },
        { FROM BY "with LOCAL id 1" DATE, LOCAL },
        { FROM BY "with HTTPREST" DATE, NOT_SMTP },
        { FROM BY "with bizsmtp id 1" DATE, NOT_RECORDED },
        { FROM BY "with ngmta id 1" DATE, NOT_RECORDED },
        { FROM BY "with ME" DATE, NOT_RECORDED },
        { FROM BY "with IBM ESMTP SMTP Gateway: Authorized Use Only! id 1"
          DATE, NOT_RECORDED },
        { FROM BY "with mx.example.org ESMTP" DATE, NOT_RECORDED },
        { FROM "by a.example.net with ESMTP id 1 (SG)" DATE, NOT_RECORDED },
        { FROM "by a.example.net (Coremail) with SMTP id 1" DATE,
          NOT_RECORDED, NULL, NULL, 0, UNKNOWN, "coremail" },
        { "from mail.example.com (unix socket [unix:/run/x]) by mx.example.org "
          "with ESMTP id 1" DATE, LOCAL },
        { FROM BY "with SMTP (version=TLS\\Tls12 cipher=Aes256 bits=256)" DATE,
          CLAUSE, "TLSv1.2", "Aes256", 256 },
        { FROM BY "with ESMTP id 1 (version=unknown "
          "cipher=TLS_AES_256_GCM_SHA384)" DATE, CLAUSE, "TLSv1.3", AES256 },
        { FROM BY "with ESMTPS id 1 (version=TLSv1.2 cipher=OLD bits=56)" DATE,
          WEAK, "TLSv1.2", "OLD", 56 },
        /* forms nobody listed */
        { FROM BY "with ESMTPS (TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 (256/256 "
          "bits)) id 1" DATE, CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { FROM BY "with ESMTP (SSL: TLSv1.2, ECDHE-RSA-AES256-GCM-SHA384) id 1"
          DATE, CLAUSE, "TLSv1.2", ECDHE256 },
        { FROM BY "with ESMTP id 1 (TLS version=TLSv1.2 "
          "cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256)" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256 },
        { FROM BY "(OpenSMTPD) with ESMTP id 1 TLS version=TLSv1.2 "
          "cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NO" DATE,
          CLAUSE, "TLSv1.2", ECDHE256, 256, ABSENT },
        { FROM "(using TLSv1.2, cipher ECDHE-RSA-AES256-GCM-SHA384) " BY
          "with ESMTP id 1" DATE, CLAUSE, "TLSv1.2", ECDHE256 },
        { FROM BY "with ESMTP with TLS id 1" DATE, CLAUSE, NULL, NULL },
        { "from mail.example.com (mail.example.com 192.0.2.7) (using TLSv1.3 "
          "with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)) " BY
          "with ESMTP id 1" DATE, CLAUSE, "TLSv1.3", AES256, 256 },
        { "from mail.example.com (EHLO x) (192.0.2.7) (using TLSv1.3 with "
          "cipher TLS_AES_256_GCM_SHA384 (256/256 bits)) " BY "with ESMTP id 1"
          DATE, CLAUSE, "TLSv1.3", AES256, 256 },
        { "complete nonsense", UNREADABLE },
        { "", UNREADABLE },
        { FROM "by", UNREADABLE },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}

/* Words the sender chooses are no evidence. */
static void test_fakes(void **state)
{
#define FAKE "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))"
#define FAKE_V "(version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256)"
#define END "by mx.example.org (Postfix) with ESMTP id 1" DATE
    static const struct row rows[] = {
        { "from x " FAKE " (evil.example [203.0.113.9]) " END, CLEAR },
        { "from " FAKE " (evil.example [203.0.113.9]) " END, CLEAR },
        { "from (HELO " FAKE ") (evil.example [203.0.113.9]) " END, CLEAR },
        { "from x ([10.0.0.1]) " FAKE " (evil.example [203.0.113.9]) " END,
          CLEAR },
        { "from x " FAKE_V " (evil.example [203.0.113.9]) " END, CLEAR },
        { "from x (" FAKE "@evil.example [203.0.113.9]) " END, CLEAR },
        { "from x (using TLSv1.3 with cipher X@evil.example [203.0.113.9]) "
          END, CLEAR },
        { "from ESMTPS.TLSv1.3.example (TLSv1.3.example [203.0.113.9]) " END,
          CLEAR },
        { "from x by mx.example.org with ESMTPS id 1 " FAKE
          " (evil.example [203.0.113.9]) " END, CLEAR },
        { "from x with ESMTPS tls TLS_AES_256_GCM_SHA384 (evil.example "
          "[203.0.113.9]) " END, CLEAR },
        { "from x; Thu, 1 Jan 2026 00:00:00 +0000 " FAKE
          " (evil.example [203.0.113.9]) " END, UNREADABLE },
        { "from x (evil.example [203.0.113.9]) (Client CN \"" FAKE
          "\", Issuer \"y\" (not verified)) " END, CLEAR },
        { "from x (evil.example [203.0.113.9]) (Client CN \"a) " FAKE
          " (b\", Issuer \"y\" (not verified)) " END, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id TLSv1.3-ESMTPS" DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id " FAKE DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id 1 for " FAKE_V "@example.org" DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id 1 for <\"" FAKE "\"@example.org>" DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id 1 for <\"> " FAKE " <\"@example.org>" DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id 1 for <a tls TLS_AES_256_GCM_SHA384@example.org>" DATE,
          CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org with esmtp "
          "(Exim 4.98) (envelope-from <\"" FAKE "\"@example.com>) id 1" DATE,
          CLEAR },
        { "from [203.0.113.9] (helo=" FAKE ") by mx.example.org with esmtp "
          "(Exim 4.98) id 1" DATE, CLEAR },
        { "from evil.example ([203.0.113.9] helo=TLSv1.3 ident=" FAKE ") by "
          "mx.example.org with esmtp (Exim 4.98) id 1" DATE, CLEAR },
        { "from unknown (HELO " FAKE ") (203.0.113.9) by mx.example.org with "
          "SMTP; 1 Jan 2026 00:00:00 -0000", NOT_RECORDED },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id 1" DATE " " FAKE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id 1" DATE " by mx.example.org (Postfix) with ESMTPS id "
          "2 " FAKE DATE, UNREADABLE },
        { "from x (evil.example [203.0.113.9]) (authenticated using TLSv1.3) "
          END, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP (authenticated user " FAKE ") id 1" DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP (using webmail) id 1" DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP (version=5.2) id 1" DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org with esmtp "
          "(Exim 4.98) id 1 for \"a tls TLS_AES_256_GCM_SHA384 b\"@x.example"
          DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org with esmtp "
          "(Exim 4.98) id 1 for a.\"x by y with ESMTPS\"@x.example" DATE,
          CLEAR },
        { "from x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id 1 for <a.\"> " FAKE_V "\"@x.example>" DATE, CLEAR },
        { "from y.example ([203.0.113.9] helo=x) " FAKE " by mx.example.org "
          "with esmtp (Exim 4.98) id 1" DATE, CLEAR },
        { "from <x (evil.example [203.0.113.9]) by mx.example.org (Postfix) "
          "with ESMTP id 1 for <u@example.org>" DATE, CLEAR },
        { "from x( (evil.example [203.0.113.9]) " END, CLEAR },
        { "from x) " FAKE " (evil.example [203.0.113.9]) " END, CLEAR },
        { "from \"x (evil.example [203.0.113.9]) " END, CLEAR },
        { "from by (evil.example [203.0.113.9]) " END, CLEAR },
        /* a loop-back address in HELO makes no inner hop */
        { "from [127.0.0.1] (evil.example [203.0.113.9]) " END, CLEAR },
        { "from evil.example ([203.0.113.9] helo=[127.0.0.1]) by "
          "mx.example.org with esmtp (Exim 4.98) id 1" DATE, CLEAR },
        { "from x (evil.example [203.0.113.9]) (Client CN \"y [127.0.0.1]\", "
          "Issuer \"z\" (not verified)) " END, CLEAR },
    };

    (void)state;
    check_rows(rows, COUNT(rows));
}
/* clang-format on */

static void check_contradiction(const char *line, const char *words)
{
    struct arena arena = { 0 };
    struct trace t;
    struct str got;

    trace_read(arena_printf(&arena, "Received: %s\n", line), NULL, 0, now_ms,
               &arena, &t);
    assert_int_equal(t.n, 1);
    got = t.hops[0].contradiction;
    if (words == NULL ? got.n > 0
                      : str_find(got, str_from_cstr(words)) == got.n)
        fail_msg("\"%.*s\" from: %s", STR_ARG(got), line);
    arena_free(&arena);
}

static void test_contradictions(void **state)
{
    (void)state;
    check_contradiction(FROM BY "(Postfix) with ESMTPS id 1" DATE, NULL);
    check_contradiction(FROM "(using TLSv1.3 with cipher "
                             "TLS_AES_256_GCM_SHA384 (256/256 bits)) " BY
                             "(Postfix) with ESMTP id 1" DATE,
                        "protocol word says nothing");
    check_contradiction(FROM "(not using TLS) " BY "with ESMTPS id 1" DATE,
                        "says none");
    check_contradiction(FROM "(using TLSv1.3 with cipher "
                             "ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)) " BY
                             "(Postfix) with ESMTPS id 1" DATE,
                        "do not go together");
    check_contradiction(FROM BY
                        "with ESMTPS id 1 (version=TLSv1 "
                        "cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256)" DATE,
                        "do not go together");
    check_contradiction(FROM BY "with ESMTPS (TLS1.3) id 1 (version=TLSv1.2 "
                                "cipher=AES256-SHA bits=256)" DATE,
                        "two TLS clauses");
    check_contradiction(FROM BY "with ESMTP id 1" DATE
                                " (using TLSv1.3 with cipher "
                                "TLS_AES_256_GCM_SHA384 (256/256 bits))",
                        "behind the date");
}

/* What only the suite tells of the version. */
static void test_ranges(void **state)
{
    static const struct {
        const char *with, *version, *low, *high;
    } rows[] = {
        { "ESMTP/TLS/AES256-SHA", "", "TLSv1", "TLSv1.2" },
        { "ESMTP/TLS/AES256-SHA256", "TLSv1.2", "", "" },
        { "ESMTP/TLS/TLS_AES_256_GCM_SHA384", "TLSv1.3", "", "" },
        { "ESMTPS (cipher=AES-256-GCM)", "", "TLSv1.2", "TLSv1.3" },
        { "ESMTPS", "", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct trace t;

        trace_read(arena_printf(&arena, "Received: " FROM BY "with %s" DATE,
                                rows[i].with),
                   NULL, 0, now_ms, &arena, &t);
        check_str(t.hops[0].tls.version, rows[i].version, rows[i].with);
        check_str(t.hops[0].tls.range_low, rows[i].low, rows[i].with);
        check_str(t.hops[0].tls.range_high, rows[i].high, rows[i].with);
        arena_free(&arena);
    }
}

/* What we write ourselves is read back. */
static void test_our_own(void **state)
{
    struct received_facts facts = {
        .helo = STR("mail.example.com"),
        .address = STR("192.0.2.7"),
        .by = STR("gate.example.org"),
        .id = STR("0abc"),
        .esmtp = true,
        .for_rcpt = STR("u@example.org"),
        .wall_ms = now_ms - 60000,
    };
    struct arena arena = { 0 };
    struct buf out = { 0 };
    struct trace t;

    (void)state;
    received_write(&facts, &out);
    facts.tls = true;
    facts.auth = true;
    facts.address = STR("2001:db8::7");
    facts.tls_version = STR("TLSv1.3");
    facts.tls_cipher = STR("TLS_AES_256_GCM_SHA384");
    received_write(&facts, &out);
    trace_read(buf_str(&out), NULL, 0, now_ms, &arena, &t);
    assert_int_equal(t.n, 2);
    check_str(t.hops[0].tls.version, "TLSv1.3", "ours");
    check_str(t.hops[0].tls.cipher, AES256, "ours");
    check_str(t.hops[0].ip, "2001:db8::7", "ours");
    check_str(t.hops[0].with, "ESMTPSA", "ours");
    check_str(t.hops[0].rcpt, "u@example.org", "ours");
    check_str(t.hops[0].id, "0abc", "ours");
    check_str(t.hops[0].family, "postseal", "ours");
    assert_int_equal(t.hops[0].wall_ms, facts.wall_ms);
    assert_int_equal(t.hops[0].state, HOP_ENCRYPTED);
    assert_int_equal(t.hops[1].state, HOP_CLEAR);
    check_str(t.hops[1].helo, "mail.example.com", "ours");
    check_str(t.hops[1].by, "gate.example.org", "ours");
    buf_free(&out);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f1_postfix),
        cmocka_unit_test(test_f2_using),
        cmocka_unit_test(test_f3_gmail),
        cmocka_unit_test(test_f4_sendmail),
        cmocka_unit_test(test_f5_microsoft),
        cmocka_unit_test(test_f6_exim),
        cmocka_unit_test(test_f7_f8_f9),
        cmocka_unit_test(test_f10_rest),
        cmocka_unit_test(test_f11_keyword),
        cmocka_unit_test(test_fakes),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_our_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
