/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialects of mail servers (HA-02): each product's own way to write the
 * line, all about the same transfer. A part may be missing in a dialect; a
 * part that is read must be right.
 */
#include "mail/received_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HELO "gw.sender.example"
#define NAME "out.sender.example"
#define IP "192.0.2.7"
#define IP6 "2001:db8::7"
#define MX "mx.example.org"
#define KIM "kim@example.org"
/* What most write: HELO, reverse name, address. */
#define FROM "from " HELO " (" NAME " [" IP "]) "
#define DATE "; Thu, 1 Jan 2026 10:00:00 +0100"

static const int64_t date_ms = 1767258000000;

struct row {
    const char *product, *line;
    const char *helo, *name, *ip, *by, *with, *id, *rcpt;
};

/* clang-format off */
static const struct row rows[] = {
    { "Postfix", FROM "by " MX " (Postfix) with ESMTPS id 4F2 for <" KIM ">"
      DATE " (CET)", HELO, NAME, IP, MX, "ESMTPS", "4F2", KIM },
    { "Postfix, no reverse name", "from " HELO " (unknown [IPv6:" IP6 "]) by "
      MX " (Postfix) with ESMTP id 4F2" DATE, HELO, "", IP6, MX, "ESMTP",
      "4F2", "" },
    { "Postfix, TLS and AUTH", FROM "(using TLSv1.3 with cipher "
      "TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 "
      "server-signature RSA-PSS (2048 bits) server-digest SHA256) (Client CN "
      "\"by x with id y\", Issuer \"z\" (verified OK)) (Authenticated sender: "
      "kim) by " MX " (Postfix) with ESMTPSA id 4F2 for <" KIM ">" DATE,
      HELO, NAME, IP, MX, "ESMTPSA", "4F2", KIM },
    { "Postfix pickup", "by " MX " (Postfix, from userid 1000) id 4F2" DATE,
      "", "", "", MX, "", "4F2", "" },
    { "Exim", "from " NAME " ([" IP "] helo=" HELO ") by " MX " with esmtps  "
      "(TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.98) (envelope-from "
      "<a@sender.example>) id 1tS-000-1 for " KIM DATE,
      HELO, NAME, IP, MX, "esmtps", "1tS-000-1", KIM },
    { "Exim, no reverse name", "from [" IP "] (helo=" HELO ") by " MX
      " with esmtp (Exim 4.96) id 1tS-000-1 for " KIM DATE,
      HELO, "", IP, MX, "esmtp", "1tS-000-1", KIM },
    { "Exim, port", "from " NAME " ([" IP "]:52313) by " MX " with esmtps "
      "(TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256) (Exim 4.92) id 1tS-000-1"
      DATE, NAME, "", IP, MX, "esmtps", "1tS-000-1", "" },
    { "Exim 3", "from [" IP "] (helo=" HELO " ident=kim) by " MX " with smtp "
      "(Exim 3.36 #1 (Debian)) id 1tS-000-1 for <" KIM ">" DATE,
      HELO, "", IP, MX, "smtp", "1tS-000-1", KIM },
    { "Sendmail", "from " HELO " (" NAME " [" IP "] (may be forged)) "
      "(authenticated bits=0) by " MX " (8.17.1/8.17.1) with ESMTPSA id 601A "
      "(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO) for "
      "<" KIM ">" DATE, HELO, NAME, IP, MX, "ESMTPSA", "601A", KIM },
    { "Sendmail, ident", "from " HELO " (IDENT:kim@" NAME " [" IP "]) by " MX
      " (8.12.6/8.12.6) with ESMTP id 601A for <" KIM ">" DATE,
      HELO, NAME, IP, MX, "ESMTP", "601A", KIM },
    { "qmail", "from unknown (HELO " HELO ") (" IP ") by " MX " with SMTP; 1 "
      "Jan 2026 09:00:00 -0000", HELO, "", IP, MX, "SMTP", "", "" },
    { "qmail, ident", "from " NAME " (HELO " HELO ") (kim@" IP ") by " MX
      " with SMTP; 1 Jan 2026 09:00:00 -0000", HELO, NAME, IP, MX, "SMTP", "",
      "" },
    { "qmail, TLS", "from " NAME " (HELO " HELO ") (" IP ") by " MX " with "
      "ESMTPS (TLS_AES_256_GCM_SHA384 encrypted, authenticated); 1 Jan 2026 "
      "09:00:00 -0000", HELO, NAME, IP, MX, "ESMTPS", "", "" },
    { "qmail-ldap", "from unknown (HELO " HELO ") ([" IP "]) (envelope-sender "
      "<a@sender.example>) by " MX " (qmail-ldap-1.03) with SMTP for <" KIM
      ">; 1 Jan 2026 09:00:00 -0000", HELO, "", IP, MX, "SMTP", "", KIM },
    { "qpsmtpd", "from " NAME " (HELO " HELO ") (" IP ") by " MX
      " (qpsmtpd/0.94) with ESMTPS" DATE, HELO, NAME, IP, MX, "ESMTPS", "",
      "" },
    { "OpenSMTPD", FROM "by " MX " (OpenSMTPD) with ESMTPS id 7bed2fa2 "
      "(TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO) for <" KIM ">" DATE " (CET)",
      HELO, NAME, IP, MX, "ESMTPS", "7bed2fa2", KIM },
    { "Courier", "from " HELO " (" NAME " [::ffff:" IP "]) (AUTH: PLAIN "
      "a@sender.example, TLS: TLSv1.3,128bits,TLS_AES_128_GCM_SHA256) by " MX
      " with ESMTPSA id 5A.6B.7C" DATE, HELO, NAME, "::ffff:" IP, MX,
      "ESMTPSA", "5A.6B.7C", "" },
    { "Dovecot", "from " HELO " ([" IP "]) (using TLSv1.3 with cipher "
      "TLS_AES_256_GCM_SHA384 (256/256 bits)) by " MX " with LMTPS id "
      "TU/lB0T9 (envelope-from <a@sender.example>) for <" KIM ">" DATE,
      HELO, "", IP, MX, "LMTPS", "TU/lB0T9", KIM },
    { "Cyrus", "from " HELO " ([unix socket]) by " MX " (Cyrus 3.6.1) with "
      "LMTPA" DATE, HELO, "", "", MX, "LMTPA", "", "" },
    { "Microsoft 365", "from A1.prod.example.com (" IP6 ") by "
      "B2.prod.example.com (2001:db8:1::1) with Microsoft SMTP Server "
      "(version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id "
      "15.20.1.2 via Frontend Transport; Thu, 1 Jan 2026 09:00:00 +0000",
      "A1.prod.example.com", "", IP6, "B2.prod.example.com",
      "Microsoft SMTP Server", "15.20.1.2", "" },
    { "Exchange 2010", "from " HELO " (" IP ") by " MX " (198.51.100.2) with "
      "Microsoft SMTP Server (TLS) id 14.3.1.2" DATE,
      HELO, "", IP, MX, "Microsoft SMTP Server", "14.3.1.2", "" },
    { "Exchange, mailbox", "from A1.prod.example.com ([fe80::1]) by "
      "A1.prod.example.com ([fe80::1%5]) with mapi id 15.20.1.2; Thu, 1 Jan "
      "2026 09:00:00 +0000", "A1.prod.example.com", "", "fe80::1",
      "A1.prod.example.com", "mapi", "15.20.1.2", "" },
    { "SMTPSVC", "from " HELO " ([" IP "]) by " MX " over TLS secured channel "
      "with Microsoft SMTPSVC(8.5.9600.16384)" DATE, HELO, "", IP, MX,
      "Microsoft SMTPSVC", "", "" },
    { "SMTPSVC, pickup", "from mail pickup service by " MX " with Microsoft "
      "SMTPSVC" DATE, "", "", "", MX, "Microsoft SMTPSVC", "", "" },
    { "Gmail", "from " NAME " (" NAME ". [" IP "]) by mx.google.com with "
      "ESMTPS id a1-2002b0.12.2026.01.01.01.00.00 for <" KIM "> "
      "(version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256); Thu, 01 "
      "Jan 2026 01:00:00 -0800 (PST)", NAME, NAME, IP, "mx.google.com",
      "ESMTPS", "a1-2002b0.12.2026.01.01.01.00.00", KIM },
    { "Gmail, inside", "by 2002:a05:6402:1234:b0:123:4567 with SMTP id x1csp; "
      "Thu, 1 Jan 2026 01:00:00 -0800 (PST)", "", "", "",
      "2002:a05:6402:1234:b0:123:4567", "SMTP", "x1csp", "" },
    { "Yahoo", "from " IP "  (EHLO " HELO ") (" IP ") by 10.1.2.3 with SMTPs "
      "(version=TLS1_2 cipher=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256); Thu, 01 "
      "Jan 2026 09:00:00 +0000", HELO, "", IP, "10.1.2.3", "SMTPs", "", "" },
    { "Yandex", "from " HELO " (" NAME " [" IP6 "]) by mxfront1.example.net "
      "(mxfront/Yandex) with ESMTPS id abc-XYZ for <" KIM ">; Thu, 01 Jan 2026 "
      "12:00:00 +0300 (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
      "(256/256 bits)) (Client certificate not present)", HELO, NAME, IP6,
      "mxfront1.example.net", "ESMTPS", "abc-XYZ", KIM },
    { "Amazon SES", FROM "by email-smtp.amazonaws.com with SMTP "
      "(SimpleEmailService-d-ABC) id Xy1 for " KIM "; Thu, 01 Jan 2026 "
      "09:00:00 +0000 (UTC)", HELO, NAME, IP, "email-smtp.amazonaws.com",
      "SMTP", "Xy1", KIM },
    { "SendGrid", "from " HELO " (unknown [" IP "]) by geopod-ismtpd-1 (SG) "
      "with ESMTP id abc; Thu, 01 Jan 2026 09:00:00.123 +0000 (UTC)",
      HELO, "", IP, "geopod-ismtpd-1", "ESMTP", "abc", "" },
    { "Domino", "from " HELO " ([" IP "]) by " MX " (HCL Domino Release "
      "12.0.2FP1) with ESMTP id 2026010110000012-345 " DATE, HELO, "", IP, MX,
      "ESMTP", "2026010110000012-345", "" },
    { "Zimbra", "from " HELO " (LHLO " HELO ") (" IP ") by " MX " with LMTP; "
      "Thu, 1 Jan 2026 10:00:00 +0100 (CET)", HELO, HELO, IP, MX, "LMTP", "",
      "" },
    { "Haraka", FROM "by " MX " (Haraka/3.0.3) with ESMTPS id ABC-1.1 "
      "envelope-from <a@sender.example> tls TLS_AES_256_GCM_SHA384" DATE,
      HELO, NAME, IP, MX, "ESMTPS", "ABC-1.1", "" },
    { "MDaemon", "from " HELO " [(" IP ")] by " MX " (198.51.100.2) (MDaemon "
      "PRO v24.0.0) with ESMTPS id md5000.msg" DATE, HELO, "", IP, MX,
      "ESMTPS", "md5000.msg", "" },
    { "MDaemon 5", "from " HELO " [" IP "] by " MX " [198.51.100.2] with SMTP "
      "(MDaemon.PRO.v5.0.6.R) for <" KIM ">" DATE, HELO, "", IP, MX, "SMTP",
      "", KIM },
    { "CommuniGate", "from [" IP "] (account a@sender.example HELO " HELO ") "
      "by " MX " (CommuniGate Pro SMTP 6.3) with ESMTPSA id 5026665 for " KIM
      DATE, HELO, "", IP, MX, "ESMTPSA", "5026665", KIM },
    { "CommuniGate, relay", "from " HELO " ([" IP "] verified) by " MX
      " (CommuniGate Pro SMTP 6.3) with ESMTPS id 5026665 for " KIM DATE,
      HELO, "", IP, MX, "ESMTPS", "5026665", KIM },
    { "IronPort", "from " NAME " ([" IP "]) by " MX " with "
      "ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384; 01 Jan 2026 10:00:00 +0100",
      NAME, "", IP, MX, "ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384", "", "" },
    { "Proofpoint", FROM "by mx0a-1.pphosted.com (PPS) with ESMTPS id 4abc-1 "
      "(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NOT) for "
      "<" KIM ">; Thu, 01 Jan 2026 09:00:00 +0000 (GMT)", HELO, NAME, IP,
      "mx0a-1.pphosted.com", "ESMTPS", "4abc-1", KIM },
    { "Mimecast", FROM "by relay.mimecast.com with ESMTP with STARTTLS "
      "(version=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384) id us-mta-1-abc-1; "
      "Thu, 01 Jan 2026 04:00:00 -0500", HELO, NAME, IP, "relay.mimecast.com",
      "ESMTP", "us-mta-1-abc-1", "" },
    { "Barracuda", FROM "by " MX " with ESMTP id ab12 (version=TLSv1.2 "
      "cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NO) for <" KIM ">"
      DATE " (CET)", HELO, NAME, IP, MX, "ESMTP", "ab12", KIM },
    { "FortiMail", FROM "by " MX " with ESMTP id 601-601 (version=TLSv1.2 "
      "cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=CAFAIL) for <" KIM
      ">" DATE, HELO, NAME, IP, MX, "ESMTP", "601-601", KIM },
    { "Momentum", "from [" IP "] ([" IP ":49601] helo=" HELO ") by " MX
      " (envelope-from <a@sender.example>) (ecelerity 4.3.1.9 "
      "r(Core:4.3.1.0)) with ESMTPS (cipher=AES-256-GCM) id "
      "52/92-02454-89FBA054" DATE, HELO, "", IP, MX, "ESMTPS",
      "52/92-02454-89FBA054", "" },
    { "XMail", "from " HELO " (" IP ":23198) by " MX " (198.51.100.2:25) with "
      "[XMail 1.27 ESMTP Server] id <S72E> for <" KIM "> from "
      "<a@sender.example>" DATE, HELO, "", IP, MX, "[XMail 1.27 ESMTP Server]",
      "<S72E>", KIM },
    { "GMX", "from " HELO " ([" IP "]) by mail.example.net (mrgmx005 "
      "[198.51.100.5]) with ESMTPSA (Nemesis) id 1Mxyz-1abc for <" KIM ">"
      DATE, HELO, "", IP, "mail.example.net", "ESMTPSA", "1Mxyz-1abc", KIM },
    { "MailChannels", "from " HELO " (" NAME " [" IP "]) (using TLSv1.3 with "
      "cipher TLS_AES_256_GCM_SHA384) by 100.96.1.2 (trex/7.0.2); Thu, 01 Jan "
      "2026 09:00:00 +0000", HELO, NAME, IP, "100.96.1.2", "", "", "" },
    { "ZoneMTA", "from [" IP "] (" NAME " [" IP "]) (Authenticated sender: a) "
      "by " MX " (ZoneMTA) with ESMTPSA id 19b.001 for <" KIM "> "
      "(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384); Thu, 01 Jan 2026 "
      "09:00:00 +0000", "[" IP "]", NAME, IP, MX, "ESMTPSA", "19b.001", KIM },
    { "Stalwart", FROM "(using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384) "
      "by " MX " (Stalwart SMTP) with ESMTPS id 1F for <" KIM ">" DATE,
      HELO, NAME, IP, MX, "ESMTPS", "1F", KIM },
    { "KumoMTA", "from " HELO " (" IP ") by " MX " (KumoMTA 198.51.100.2) "
      "with ESMTPS (TLSv1_3:TLS13_AES_256_GCM_SHA384) id abc for " KIM DATE,
      HELO, "", IP, MX, "ESMTPS", "abc", KIM },
    { "mox", FROM "by " MX " ([198.51.100.2]) via tcp with ESMTPS id abc "
      "(TLS1.3 TLS_AES_128_GCM_SHA256) for <" KIM ">" DATE, HELO, NAME, IP,
      MX, "ESMTPS", "abc", KIM },
    { "Halon", FROM "by " MX " (Halon) with ESMTPS id ab-cd" DATE,
      HELO, NAME, IP, MX, "ESMTPS", "ab-cd", "" },
    { "MailMarshal", "from " HELO " (Not Verified[" IP "]) by " MX " with "
      "MailMarshal (v10,0,4,1234) (using TLS: TLSv1.2, AES256-SHA) id <B5F.1>"
      DATE, HELO, "", IP, MX, "MailMarshal", "<B5F.1>", "" },
    { "Kerio", "from " HELO " ([" IP "]) by " MX " (Kerio Connect 10.0.2) "
      "with ESMTPS (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256 "
      "bits)) for " KIM DATE, HELO, "", IP, MX, "ESMTPS", "", KIM },
    { "Symantec.cloud", "from " NAME " (HELO " HELO ") (" IP ") by " MX
      " with ECDHE-RSA-AES256-GCM-SHA384 encrypted SMTP; 1 Jan 2026 09:00:00 "
      "-0000", HELO, NAME, IP, MX, "ECDHE-RSA-AES256-GCM-SHA384 encrypted SMTP",
      "", "" },
    { "Coremail", "from " HELO " (unknown [" IP "]) by mx1 (Coremail) with "
      "SMTP id AbC--.1S2; Thu, 01 Jan 2026 17:00:00 +0800 (CST)", HELO, "", IP,
      "mx1", "SMTP", "AbC--.1S2", "" },
    { "PowerMTA", "from " HELO " (" IP ") by " MX " (PowerMTA(TM) v4.5r8) id "
      "hq1 for <" KIM ">" DATE " (envelope-from <a@sender.example>)", HELO, "",
      IP, MX, "", "hq1", KIM },
    { "IceWarp", "from " HELO " ([" IP "]) by " MX " (IceWarp 13.0.1.2) with "
      "ASMTP (SSL) id 202601011000 for <" KIM ">" DATE, HELO, "", IP, MX,
      "ASMTP", "202601011000", KIM },
    { "IMail", "from " HELO " [" IP "] by " MX " (SMTPD32-8.15) id A4CE" DATE,
      HELO, "", IP, MX, "", "A4CE", "" },
    { "James", "from " IP " (EHLO " HELO ") ([" IP "]) by " MX " (JAMES SMTP "
      "Server ) with ESMTPA ID 1234 for <" KIM ">" DATE " (CET)", HELO, "", IP,
      MX, "ESMTPA", "1234", KIM },
    { "hMailServer", FROM "by " MX " with ESMTPS (version=TLSv1.3 "
      "cipher=TLS_AES_256_GCM_SHA384 bits=256) " DATE, HELO, NAME, IP, MX,
      "ESMTPS", "", "" },
    { "SmarterMail", FROM "by " MX " with SMTP (version=TLS\\Tls12 "
      "cipher=Aes256 bits=256)" DATE, HELO, NAME, IP, MX, "SMTP", "", "" },
    { "MailEnable", "from " HELO " ([" IP "]) by " MX " with MailEnable "
      "ESMTPS (version=TLS1.2 cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)"
      DATE, HELO, "", IP, MX, "MailEnable ESMTPS", "", "" },
    { "Mercury/32", "from " HELO " (" IP ") by " MX " (Mercury/32 v4.91) with "
      "ESMTP ID MG00001; 1 Jan 2026 10:00:00 +0100", HELO, "", IP, MX, "ESMTP",
      "MG00001", "" },
    { "Scalix", "from " HELO " ( " IP ") by " MX " (Scalix SMTP Relay "
      "11.4.6) via ESMTP" DATE, HELO, "", IP, MX, "", "", "" },
    { "McAfee", "from (" IP ") by " MX " via smtp id 021b_7e19" DATE, "", "",
      IP, MX, "", "021b_7e19", "" },
    { "AT&T", "from " HELO " (" NAME "[" IP "]) by " MX " (rwcrmhc53) with "
      "SMTP id <2026010109>" DATE, HELO, NAME, IP, MX, "SMTP", "<2026010109>",
      "" },
    { "Raptor", "from " HELO " by [198.51.100.2] via smtpd (for mx2.example.org "
      "[198.51.100.3]) with ESMTP" DATE, HELO, "", "", "[198.51.100.2]",
      "ESMTP", "", "" },
    { "amavis", "from " HELO " ([127.0.0.1]) by localhost (" MX " [127.0.0.1]) "
      "(amavis, port 10024) with ESMTP id abc" DATE, HELO, "", "127.0.0.1",
      "localhost", "ESMTP", "abc", "" },
    { "Proxmox", FROM "by " MX " (Proxmox) with ESMTPS id 4F2 for <" KIM ">"
      DATE " (CET)", HELO, NAME, IP, MX, "ESMTPS", "4F2", KIM },
    { "fetchmail", "from pop.example.net [" IP "] by localhost with POP3 "
      "(fetchmail-6.4.37) for <kim@localhost> (single-drop)" DATE,
      "pop.example.net", "", IP, "localhost", "POP3", "", "kim@localhost" },
    { "SquirrelMail", "from " IP " (SquirrelMail authenticated user kim) by "
      MX " with HTTP" DATE, IP, "", IP, MX, "HTTP", "", "" },
    { "Lotus Notes, no weekday", "from " HELO " ([" IP "]) by " MX " (Lotus "
      "Domino Release 8.5.3) with ESMTP id 20260101-1 ; 1 Jan 2026 10:00:00 "
      "+0100", HELO, "", IP, MX, "ESMTP", "20260101-1", "" },
    { "Groupwise", "from GW-MTA by " MX " with Novell_GroupWise" DATE,
      "GW-MTA", "", "", MX, "Novell_GroupWise", "", "" },
    { "Hotmail web", "from " IP " by " MX " with HTTP" DATE, IP, "", IP, MX,
      "HTTP", "", "" },
};
/* clang-format on */

static unsigned wrong, missing, parts;

static void check(const struct row *row, const char *part, struct str got,
                  const char *want)
{
    parts++;
    if (str_eq(got, str_from_cstr(want)))
        return;
    if (got.n == 0)
        missing++;
    else
        wrong++;
    print_message("%s: %s: \"%.*s\", not \"%s\"\n", row->product, part,
                  STR_ARG(got), want);
}

static void check_row(const struct row *row)
{
    struct received r;

    if (!received_read(str_from_cstr(row->line), &r)) {
        print_message("%s: not read\n", row->product);
        parts += 8;
        missing += 8;
        return;
    }
    check(row, "helo", r.helo, row->helo);
    check(row, "name", r.name, row->name);
    check(row, "ip", r.ip, row->ip);
    check(row, "by", r.by, row->by);
    check(row, "with", r.with, row->with);
    check(row, "id", r.id, row->id);
    check(row, "for", r.rcpt, row->rcpt);
    parts++;
    if (!r.has_date) {
        missing++;
    } else if (r.date.wall_ms / 1000 != date_ms / 1000) {
        print_message("%s: date\n", row->product);
        wrong++;
    }
}

static void test_dialects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(&rows[i]);
    print_message("%zu dialects, %u parts: %u missing, %u wrong\n", COUNT(rows),
                  parts, missing, wrong);
    assert_true(COUNT(rows) >= 25);
    assert_int_equal(wrong, 0);
    assert_true(missing * 100 <= parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_dialects) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
