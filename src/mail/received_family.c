/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/received_family.h"

#include "mail/received_clause.h"

/* Protocol words (RFC 3848, RFC 6531) and those that are common without being
 * registered. ESMTPA, ASMTP: the A is for authentication. */
static const struct {
    struct str word;
    bool secure;
    enum received_way way;
} words[] = {
    { STR_INIT("ESMTPS"), true, WAY_SMTP },
    { STR_INIT("ESMTP"), false, WAY_SMTP },
    { STR_INIT("SMTP"), false, WAY_SMTP },
    { STR_INIT("ESMTPSA"), true, WAY_SMTP },
    { STR_INIT("ESMTPA"), false, WAY_SMTP },
    { STR_INIT("SMTPS"), true, WAY_SMTP },
    { STR_INIT("SMTPSA"), true, WAY_SMTP },
    { STR_INIT("SMTPA"), false, WAY_SMTP },
    { STR_INIT("ASMTP"), false, WAY_SMTP },
    { STR_INIT("UTF8SMTP"), false, WAY_SMTP },
    { STR_INIT("UTF8SMTPS"), true, WAY_SMTP },
    { STR_INIT("UTF8SMTPA"), false, WAY_SMTP },
    { STR_INIT("UTF8SMTPSA"), true, WAY_SMTP },
    { STR_INIT("LMTP"), false, WAY_LOCAL },
    { STR_INIT("LMTPA"), false, WAY_LOCAL },
    { STR_INIT("LMTPS"), true, WAY_LOCAL },
    { STR_INIT("LMTPSA"), true, WAY_LOCAL },
    { STR_INIT("UTF8LMTP"), false, WAY_LOCAL },
    { STR_INIT("UTF8LMTPA"), false, WAY_LOCAL },
    { STR_INIT("UTF8LMTPS"), true, WAY_LOCAL },
    { STR_INIT("UTF8LMTPSA"), true, WAY_LOCAL },
    { STR_INIT("local"), false, WAY_LOCAL },
    { STR_INIT("local-esmtp"), false, WAY_LOCAL },
    { STR_INIT("local-esmtps"), false, WAY_LOCAL },
    { STR_INIT("local-smtp"), false, WAY_LOCAL },
    { STR_INIT("local-bsmtp"), false, WAY_LOCAL },
    { STR_INIT("local-lmtp"), false, WAY_LOCAL },
    { STR_INIT("bsmtp"), false, WAY_LOCAL },
    { STR_INIT("pipe"), false, WAY_LOCAL },
    { STR_INIT("stdio"), false, WAY_LOCAL },
    { STR_INIT("sendmail"), false, WAY_LOCAL },
    { STR_INIT("mapi"), false, WAY_NOT_SMTP },
    { STR_INIT("HTTP"), false, WAY_NOT_SMTP },
    { STR_INIT("HTTPS"), false, WAY_NOT_SMTP },
    { STR_INIT("HTTPU"), false, WAY_NOT_SMTP },
    { STR_INIT("HTTPREST"), false, WAY_NOT_SMTP },
    { STR_INIT("MailboxResubmission"), false, WAY_NOT_SMTP },
    { STR_INIT("TransportReplication"), false, WAY_NOT_SMTP },
    { STR_INIT("ShadowRedundancy"), false, WAY_NOT_SMTP },
    { STR_INIT("NNFMP"), false, WAY_NOT_SMTP },
    { STR_INIT("QMQP"), false, WAY_NOT_SMTP },
    { STR_INIT("QMTP"), false, WAY_NOT_SMTP },
    { STR_INIT("UUCP"), false, WAY_NOT_SMTP },
    { STR_INIT("MMS"), false, WAY_NOT_SMTP },
    { STR_INIT("POP3"), false, WAY_NOT_SMTP },
    { STR_INIT("POP3S"), false, WAY_NOT_SMTP },
    { STR_INIT("IMAP"), false, WAY_NOT_SMTP },
    { STR_INIT("IMAPS"), false, WAY_NOT_SMTP },
};

enum marker_place { IN_COMMENT, IN_BY, IN_WITH };

/*
 * Software by what it writes about itself. esmtp, smtp: a line with this word
 * and without a clause proves that there was no TLS. Postfix leaves its clause
 * out unless told otherwise, and without EHLO its word has no S.
 */
static const struct {
    struct str family;
    enum marker_place place;
    struct str marker; /* at the front; of "by": at the end */
    bool esmtp, smtp;
} software[] = {
    { STR_INIT("postfix"), IN_COMMENT, STR_INIT("Postfix"), true, false },
    { STR_INIT("exim"), IN_COMMENT, STR_INIT("Exim"), true, true },
    { STR_INIT("opensmtpd"), IN_COMMENT, STR_INIT("OpenSMTPD"), true, true },
    { STR_INIT("gmail"), IN_BY, STR_INIT(".google.com"), true, false },
    { STR_INIT("gmail"), IN_BY, STR_INIT(".googlemail.com"), true, false },
    { STR_INIT("microsoft"), IN_WITH, STR_INIT("Microsoft SMTP"), false,
      false },
    { STR_INIT("microsoft"), IN_WITH, STR_INIT("mapi"), false, false },
    { STR_INIT("microsoft"), IN_BY, STR_INIT(".outlook.com"), false, false },
    { STR_INIT("postseal"), IN_COMMENT, STR_INIT("postseal"), true, true },
    { STR_INIT("haraka"), IN_COMMENT, STR_INIT("Haraka"), false, false },
    { STR_INIT("qmail"), IN_COMMENT, STR_INIT("qmail"), false, false },
    { STR_INIT("qpsmtpd"), IN_COMMENT, STR_INIT("qpsmtpd"), false, false },
    { STR_INIT("mdaemon"), IN_COMMENT, STR_INIT("MDaemon"), false, false },
    { STR_INIT("communigate"), IN_COMMENT, STR_INIT("CommuniGate"), false,
      false },
    { STR_INIT("halon"), IN_COMMENT, STR_INIT("Halon"), false, false },
    { STR_INIT("gmx"), IN_COMMENT, STR_INIT("Nemesis"), false, false },
    { STR_INIT("sendgrid"), IN_COMMENT, STR_INIT("SG"), false, false },
    { STR_INIT("ses"), IN_COMMENT, STR_INIT("SimpleEmailService"), false,
      false },
    { STR_INIT("ses"), IN_BY, STR_INIT(".amazonaws.com"), false, false },
    { STR_INIT("coremail"), IN_COMMENT, STR_INIT("Coremail"), false, false },
    { STR_INIT("coremail"), IN_WITH, STR_INIT("Coremail"), false, false },
    { STR_INIT("stalwart"), IN_COMMENT, STR_INIT("Stalwart"), false, false },
    { STR_INIT("kumomta"), IN_COMMENT, STR_INIT("KumoMTA"), false, false },
    { STR_INIT("momentum"), IN_COMMENT, STR_INIT("ecelerity"), false, false },
    { STR_INIT("momentum"), IN_COMMENT, STR_INIT("Momentum"), false, false },
    { STR_INIT("dovecot"), IN_COMMENT, STR_INIT("Dovecot"), false, false },
    { STR_INIT("icewarp"), IN_COMMENT, STR_INIT("IceWarp"), false, false },
    { STR_INIT("icewarp"), IN_COMMENT, STR_INIT("Merak"), false, false },
    { STR_INIT("domino"), IN_COMMENT, STR_INIT("Lotus Domino"), false, false },
    { STR_INIT("domino"), IN_COMMENT, STR_INIT("IBM Domino"), false, false },
    { STR_INIT("domino"), IN_COMMENT, STR_INIT("HCL Domino"), false, false },
    { STR_INIT("mailmarshal"), IN_WITH, STR_INIT("MailMarshal"), false, false },
    { STR_INIT("powermta"), IN_COMMENT, STR_INIT("PowerMTA"), false, false },
    { STR_INIT("zonemta"), IN_COMMENT, STR_INIT("ZoneMTA"), false, false },
    { STR_INIT("kerio"), IN_COMMENT, STR_INIT("Kerio"), false, false },
    { STR_INIT("symantec"), IN_COMMENT, STR_INIT("Symantec"), false, false },
    { STR_INIT("mailchannels"), IN_COMMENT, STR_INIT("trex/"), false, false },
    { STR_INIT("strato"), IN_COMMENT, STR_INIT("RZmta"), false, false },
    { STR_INIT("courier"), IN_COMMENT, STR_INIT("Courier"), false, false },
    { STR_INIT("cyrus"), IN_COMMENT, STR_INIT("Cyrus"), false, false },
    { STR_INIT("amavis"), IN_COMMENT, STR_INIT("amavis"), false, false },
    { STR_INIT("mox"), IN_COMMENT, STR_INIT("mox"), false, false },
    { STR_INIT("codetwo"), IN_WITH, STR_INIT("CodeTwo"), false, false },
    { STR_INIT("yandex"), IN_BY, STR_INIT(".yandex.net"), false, false },
    { STR_INIT("yandex"), IN_COMMENT, STR_INIT("nwsmtp/Yandex"), false, false },
    { STR_INIT("yandex"), IN_COMMENT, STR_INIT("mxfront/Yandex"), false,
      false },
    { STR_INIT("yandex"), IN_COMMENT, STR_INIT("smtp/Yandex"), false, false },
    { STR_INIT("ironport"), IN_BY, STR_INIT(".iphmx.com"), false, false },
    { STR_INIT("mimecast"), IN_BY, STR_INIT(".mimecast.com"), false, false },
    { STR_INIT("proofpoint"), IN_BY, STR_INIT(".pphosted.com"), false, false },
    { STR_INIT("icloud"), IN_BY, STR_INIT(".icloud.com"), false, false },
    { STR_INIT("yahoo"), IN_BY, STR_INIT(".yahoo.com"), false, false },
};

enum {
    WORDS = sizeof(words) / sizeof(words[0]),
    SOFTWARE = sizeof(software) / sizeof(software[0])
};

static struct str first_word(struct str s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != ',')
        n++;
    return str_first(s, n);
}

static void judge_word(const struct received *r, struct received_evidence *out)
{
    struct str word = first_word(r->with);
    struct str second = r->with2;

    for (size_t i = 0; i < WORDS; i++)
        if (word.n == words[i].word.n && str_eq_nocase(word, words[i].word)) {
            out->secure_word = words[i].secure;
            out->plain_word = !words[i].secure;
            out->way = words[i].way;
            break;
        }
    if (str_starts_nocase(second, STR("both ")))
        second = str_from(second, 5);
    if (str_eq_nocase(first_word(second), STR("STARTTLS")))
        out->secure_word = true;
    if (out->secure_word)
        out->proof = PROOF_KEYWORD;
}

/* Sendmail and its kin: "8.17.1/8.17.1" */
static bool is_sendmail(struct str comment)
{
    return comment.n > 3 && comment.p[0] == '8' && comment.p[1] == '.' &&
           ascii_is_digit(comment.p[2]);
}

static void judge_comment(struct str comment, struct received_evidence *out)
{
    if (str_find(comment, STR(", from userid ")) < comment.n ||
        str_ends(comment, STR("/Submit")) ||
        str_starts(comment, STR("from userid ")))
        out->way = WAY_LOCAL;
    if (is_sendmail(comment) && out->family.n == 0)
        out->family = STR("sendmail");
}

static bool has_marker(const struct received *r, size_t row)
{
    struct str marker = software[row].marker;

    if (software[row].place == IN_BY)
        return str_ends_nocase(r->by, marker);
    return software[row].place == IN_WITH && str_starts(r->with, marker);
}

/* Which software wrote the line, by its own mark. */
static void judge_software(const struct received *r,
                           struct received_evidence *out)
{
    size_t row = SOFTWARE;
    struct str word = first_word(r->with);
    bool bare = str_eq_nocase(word, STR("SMTP"));

    for (size_t i = 0; i < r->n && row == SOFTWARE; i++) {
        const struct received_token *t = &r->tokens[i];

        if (!t->comment || t->clause < CLAUSE_BY || t->clause == CLAUSE_DATE ||
            t->theirs)
            continue;
        judge_comment(t->text, out);
        for (row = 0; row < SOFTWARE; row++)
            if (software[row].place == IN_COMMENT && t->text.n > 0 &&
                t->text.p[0] == software[row].marker.p[0] &&
                str_starts(t->text, software[row].marker))
                break;
    }
    for (size_t i = 0; i < SOFTWARE && row == SOFTWARE; i++)
        if (has_marker(r, i))
            row = i;
    if (row == SOFTWARE)
        return;
    out->family = software[row].family;
    out->tells =
        out->plain_word && (bare ? software[row].smtp : software[row].esmtp);
}

/* A reverse name is whatever the owner of the address likes; these look
 * whether the name leads back to the address, and say when it does not. */
static bool checks_names(struct str family)
{
    static const struct str families[] = {
        STR_INIT("postfix"),
        STR_INIT("exim"),
        STR_INIT("sendmail"),
    };

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (str_eq(family, families[i]))
            return true;
    return false;
}

static bool differs(const struct received_evidence *a, const struct clause *b)
{
    return (a->version != VERSION_UNSTATED && b->version != VERSION_UNSTATED &&
            a->version != b->version) ||
           (a->cipher.n > 0 && b->cipher.n > 0 &&
            !str_eq_nocase(a->cipher, b->cipher));
}

/* The first word on each point counts. */
static void add_clause(const struct clause *c, struct received_evidence *out)
{
    bool had = out->proof == PROOF_CLAUSE || out->proof == PROOF_NO_TLS;

    if (had && (c->no_tls || out->proof == PROOF_NO_TLS)) {
        out->disagree =
            out->disagree || c->no_tls != (out->proof == PROOF_NO_TLS);
        return;
    }
    if (had && differs(out, c)) {
        out->disagree = true;
        return;
    }
    out->proof = c->no_tls ? PROOF_NO_TLS : PROOF_CLAUSE;
    if (out->version == VERSION_UNSTATED)
        out->version = c->version;
    if (out->cipher.n == 0)
        out->cipher = c->cipher;
    if (out->bits == 0)
        out->bits = c->bytes ? c->bits * 8 : c->bits;
    if (out->certificate == CERTIFICATE_UNKNOWN)
        out->certificate = c->certificate;
    if (out->family.n == 0)
        out->family = c->family;
}

static bool is_yandex(const struct received *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->tokens[i].clause == CLAUSE_BY &&
            str_find_nocase(r->tokens[i].text, STR("yandex")) <
                r->tokens[i].text.n)
            return true;
    return false;
}

/*
 * Behind the date only Yandex writes; a client whose first header line begins
 * with a blank can make it stand there, too.
 */
static bool is_stray(const struct received *r, const struct received_token *t,
                     const struct received_evidence *out)
{
    return t->clause == CLAUSE_DATE && !out->secure_word && !is_yandex(r);
}

static void judge_clauses(const struct received *r,
                          struct received_evidence *out)
{
    enum client_certificate certificate = CERTIFICATE_UNKNOWN, seen;
    struct clause c;

    for (size_t i = 0; i < r->n; i++) {
        const struct received_token *t = &r->tokens[i];

        if (!t->comment || t->clause == CLAUSE_NONE || t->theirs)
            continue;
        if (clause_read(t->text, &c)) {
            if (is_stray(r, t, out))
                out->stray = true;
            else
                add_clause(&c, out);
        } else if (clause_read_certificate(t->text, &seen) &&
                   certificate == CERTIFICATE_UNKNOWN) {
            certificate = seen;
        }
    }
    if (out->certificate == CERTIFICATE_UNKNOWN && out->proof == PROOF_CLAUSE)
        out->certificate = certificate;
}

/* "by x over TLS secured channel with Microsoft SMTPSVC" */
static bool is_secured_channel(const struct received *r)
{
    for (size_t i = 0; i + 1 < r->n; i++)
        if (r->tokens[i].clause == CLAUSE_BY && !r->tokens[i].comment &&
            str_eq(r->tokens[i].text, STR("over")) &&
            !r->tokens[i + 1].comment &&
            str_eq(r->tokens[i + 1].text, STR("TLS")))
            return true;
    return false;
}

/* From a word on, up to the date. */
static struct str open_text(const struct received *r, struct str word)
{
    struct str last = word;

    for (size_t i = 0; i < r->n; i++)
        if (r->tokens[i].clause == CLAUSE_TLS)
            last = r->tokens[i].text;
    return str_of(word.p, (size_t)(last.p + last.n - word.p));
}

/* Words in the open: "with", the "tls" clause (RFC 8314, 4.3), which old
 * OpenSMTPD writes as "TLS version=X cipher=Y bits=256 verify=NO". */
static void judge_open(const struct received *r, struct received_evidence *out)
{
    struct clause c;

    if (clause_read_with(r->with, &c) || clause_read_with(r->with2, &c))
        add_clause(&c, out);
    if (is_secured_channel(r)) {
        c = (struct clause){ .tls = true, .family = STR("smtpsvc") };
        add_clause(&c, out);
    }
    if (str_starts(r->tls, STR("version=")) &&
        clause_read(open_text(r, r->tls), &c))
        add_clause(&c, out);
    if (tls_cipher_like(r->tls)) {
        c = (struct clause){ .tls = true, .cipher = r->tls };
        add_clause(&c, out);
    }
}

/* Ways that only one software has, when no mark told. */
static struct str family_by_way(const struct received *r,
                                const struct received_evidence *e)
{
    for (size_t i = 0; i < r->n; i++) {
        struct str text = r->tokens[i].text;

        if (!r->tokens[i].comment)
            continue;
        if (r->tokens[i].theirs) {
            if (str_starts(text, STR("HELO ")))
                return STR("qmail");
            continue;
        }
        if (str_starts(text, STR("using ")))
            return STR("postfix");
        if (str_starts(text, STR("version=")) &&
            str_find(text, STR("verify=")) < text.n)
            return STR("sendmail");
    }
    if (r->tls.n > 0 && e->cipher.n > 0)
        return STR("exim");
    return STR("");
}

void received_judge(const struct received *r, struct received_evidence *out)
{
    *out = (struct received_evidence){ .way = WAY_SMTP };
    judge_word(r, out);
    judge_software(r, out);
    out->checks_names = checks_names(out->family);
    /* With a client there IIS writes its address. */
    if (r->pickup && str_starts(r->with, STR("Microsoft SMTPSVC")))
        out->way = WAY_LOCAL;
    judge_open(r, out);
    judge_clauses(r, out);
    if (out->family.n == 0)
        out->family = family_by_way(r, out);
    if (r->from.n == 0 && r->by_ip.n > 0 && str_starts(r->by, STR("2002:a")))
        out->family = STR("gmail"); /* its inner net, in 6to4's clothes */
    out->inside = str_eq(out->family, STR("gmail")) && r->from.n == 0;
}

bool received_clause_read(struct str text, struct received_evidence *out)
{
    struct clause c;
    struct str rest = str_trim(text);

    *out = (struct received_evidence){ .way = WAY_SMTP };
    if (str_starts(rest, STR("(")) && str_ends(rest, STR(")")))
        rest = str_of(rest.p + 1, rest.n - 2);
    if (!clause_read(rest, &c) && !clause_read_with(rest, &c)) {
        c = (struct clause){ .tls = true, .cipher = rest };
        if (!tls_cipher_like(rest))
            return false;
    }
    add_clause(&c, out);
    return out->proof == PROOF_CLAUSE;
}
