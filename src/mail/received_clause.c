/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/received_clause.h"

enum { BITS_MAX = 1024 };

static bool is_end(char c)
{
    return c == ' ' || c == '\t' || c == ',' || c == ')' || c == ':' ||
           c == ';' || c == '(';
}

/* Cuts the word at the front, up to a blank or a mark. */
static struct str cut_word(struct str *s)
{
    size_t n = 0;
    struct str word;

    *s = str_trim(*s);
    while (n < s->n && !is_end(s->p[n]))
        n++;
    word = str_first(*s, n);
    *s = str_from(*s, n);
    return word;
}

static bool cut_prefix(struct str *s, struct str prefix)
{
    if (!str_starts_nocase(*s, prefix))
        return false;
    *s = str_from(*s, prefix.n);
    return true;
}

/* "256", "256/256", "256bits" at the front: what was used of the key. */
static bool cut_bits(struct str *s, unsigned *bits)
{
    size_t n = 0;
    unsigned value = 0;

    while (n < s->n && n < 4 && ascii_is_digit(s->p[n]))
        value = value * 10 + (unsigned)(s->p[n++] - '0');
    if (n == 0 || value > BITS_MAX || (n < s->n && ascii_is_digit(s->p[n])))
        return false;
    *bits = value;
    *s = str_from(*s, n);
    return true;
}

static bool cut_version(struct str *s, enum tls_version *version)
{
    size_t used;

    if (!tls_version_read(*s, version, &used))
        return false;
    *s = str_from(*s, used);
    return true;
}

/* A bare "TLS" or "SSL": yes, and no more. */
static bool cut_tls(struct str *s)
{
    struct str rest = *s, word = cut_word(&rest);

    if (!str_eq_nocase(word, STR("TLS")) && !str_eq_nocase(word, STR("SSL")))
        return false;
    *s = rest;
    return true;
}

static enum client_certificate verify_result(struct str word)
{
    static const struct {
        struct str word;
        enum client_certificate means;
    } rows[] = {
        { STR_INIT("OK"), CERTIFICATE_OK },
        { STR_INIT("TRUSTED"), CERTIFICATE_OK },
        { STR_INIT("YES"), CERTIFICATE_OK },
        { STR_INIT("NO"), CERTIFICATE_ABSENT },
        { STR_INIT("NOT"), CERTIFICATE_UNASKED },
        { STR_INIT("FAIL"), CERTIFICATE_BAD },
        { STR_INIT("CAFAIL"), CERTIFICATE_BAD },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (str_eq_nocase(word, rows[i].word))
            return rows[i].means;
    return CERTIFICATE_UNKNOWN;
}

/* OpenSMTPD; NO: none came, but not whether it asked. */
static enum client_certificate smtpd_result(struct str word)
{
    return str_eq_nocase(word, STR("YES"))    ? CERTIFICATE_OK
           : str_eq_nocase(word, STR("FAIL")) ? CERTIFICATE_BAD
                                              : CERTIFICATE_UNKNOWN;
}

/* "X (256/256 bits)", "X (256 bits) verified FAIL", "X 256/256 bits"; the
 * number in "(curve secp521r1 with 521 ECDH bits" is not the cipher's. */
static void read_cipher_bits(struct str s, struct clause *out)
{
    out->cipher = cut_word(&s);
    s = str_trim(s);
    cut_prefix(&s, STR("("));
    if (cut_bits(&s, &out->bits)) {
        s = str_from(s, str_find(s, STR("bits")));
        s = str_from(s, 4);
        cut_prefix(&s, STR(")"));
        s = str_trim(s);
    }
    if (cut_prefix(&s, STR("verified ")))
        out->certificate = verify_result(cut_word(&s));
}

/* F1, F2: "using TLSv1.3 with cipher X (256/256 bits)", "using TLS",
 * "using TLS: TLSv1.2, X", "using TLSv1" */
static bool read_using(struct str s, struct clause *out)
{
    bool version = cut_version(&s, &out->version);

    if (!version && !cut_tls(&s))
        return false;
    if (!version && cut_prefix(&s, STR(":"))) {
        s = str_trim(s);
        if (!cut_version(&s, &out->version))
            return false;
        cut_prefix(&s, STR(","));
        out->cipher = cut_word(&s);
        out->family = STR("mailmarshal");
        return true;
    }
    s = str_trim(s);
    cut_prefix(&s, STR(","));
    s = str_trim(s);
    cut_prefix(&s, STR("with "));
    if (cut_prefix(&s, STR("cipher ")))
        read_cipher_bits(s, out);
    return true;
}

/* The value's word; a mark or a blank ends it. */
static bool cut_pair(struct str *s, struct str key, struct str *value)
{
    if (!cut_prefix(s, key))
        return false;
    *value = cut_word(s);
    return true;
}

/* F3, F4, F5, F10: "version=TLSv1.3 cipher=X bits=256 verify=NO", with or
 * without commas. A subject is the client's: what follows it is not read. */
static bool read_pairs(struct str s, struct clause *out)
{
    struct str value;
    bool version = false, known = true, bits = false;

    while ((s = str_trim(s)).n > 0 && !str_starts(s, STR("subject="))) {
        if (cut_pair(&s, STR("version="), &value) ||
            cut_pair(&s, STR("tlsversion="), &value)) {
            cut_prefix(&value, STR("TLS\\")); /* SmarterMail: "TLS\Tls12" */
            version = version || cut_version(&value, &out->version) ||
                      cut_tls(&value);
            known = version || value.n == 0;
        } else if (cut_pair(&s, STR("cipher="), &value) ||
                   cut_pair(&s, STR("tlscipher="), &value)) {
            if (out->cipher.n == 0)
                out->cipher = value;
        } else if (!bits && cut_pair(&s, STR("bits="), &value)) {
            bits = cut_bits(&value, &out->bits);
        } else if (cut_pair(&s, STR("verify="), &value)) {
            out->certificate = verify_result(value);
        } else if (cut_word(&s).n == 0) {
            s = str_from(s, 1);
        }
    }
    return version || (known && out->cipher.n > 0) ||
           tls_cipher_like(out->cipher);
}

/* F10, .NET: "Tls12, Aes256, Sha384, DiffieHellmanEllipticKey384" and
 * Courier: "TLSv1.3,128bits,TLS_AES_128_GCM_SHA256" */
static void read_commas(struct str s, struct clause *out)
{
    struct str all = str_trim(s), word;
    unsigned bits;

    while (cut_prefix(&s, STR(","))) {
        word = cut_word(&s);
        if (cut_bits(&word, &bits)) {
            out->bits = bits;
        } else if (out->bits > 0 || tls_cipher_like(word)) {
            out->cipher = word;
            return;
        } else {
            break;
        }
    }
    if (out->cipher.n == 0 && (str_starts_nocase(word, STR("Aes")) ||
                               str_starts_nocase(word, STR("TripleDes")) ||
                               str_starts_nocase(word, STR("Rc4")))) {
        out->cipher = str_trim(str_from(all, 1));
        out->family = STR("dotnet");
    }
}

/* F6, F7, F8c, F10: "TLS1.2:X:256", "TLSv1.3:X:256:NO", "TLSv1.2:X encrypted",
 * "TLS1.3 X", "TLS1.3"; the version stands in front. */
static bool read_version_first(struct str s, struct clause *out)
{
    if (!cut_version(&s, &out->version))
        return false;
    if (s.n > 0 && s.p[0] == ',') {
        read_commas(s, out);
        return true;
    }
    if (cut_prefix(&s, STR(":"))) {
        out->cipher = cut_word(&s);
        if (cut_prefix(&s, STR(":"))) {
            if (cut_bits(&s, &out->bits))
                out->bytes = out->bits < 40 && out->cipher.n > 0;
            if (cut_prefix(&s, STR(":"))) {
                out->family = STR("opensmtpd");
                out->certificate = smtpd_result(cut_word(&s));
            }
        }
        return true;
    }
    s = str_trim(s);
    if (cut_prefix(&s, STR("with cipher ")) ||
        tls_cipher_like(str_first(s, str_find_char(s, ' '))))
        read_cipher_bits(s, out);
    return true;
}

/* F8: "X encrypted", "X encrypted, authenticated", "TLS encrypted" */
static bool read_encrypted(struct str s, struct clause *out)
{
    struct str word = cut_word(&s), second;

    second = cut_word(&s);
    if (!str_eq_nocase(second, STR("encrypted")))
        return false;
    if (str_eq_nocase(word, STR("TLS")) || str_eq_nocase(word, STR("SSL")))
        return true;
    if (!tls_cipher_like(word))
        return false;
    out->cipher = word;
    return true;
}

static bool is_between(char c)
{
    return c == ' ' || c == ':' || c == ',' || c == '=' || c == '/';
}

/* F5, F10: "TLS", "SSL", "TLS12"; "TLSv1.2:...", "TLS encrypted", "TLS
 * version=..." too */
static bool read_tls(struct str s, struct clause *out)
{
    struct str rest = s;

    if (read_version_first(s, out) || read_encrypted(s, out))
        return true;
    if (!cut_tls(&rest))
        return false;
    while (rest.n > 0 && is_between(rest.p[0]))
        rest = str_from(rest, 1);
    return rest.n == 0 || read_version_first(rest, out) ||
           read_pairs(rest, out);
}

/* F10, Courier: "AUTH: PLAIN u@example.com, TLS: TLSv1.3,128bits,X"; a user's
 * name stands in front, so the last "TLS:" counts. */
static bool read_courier(struct str s, struct clause *out)
{
    size_t at = s.n;

    while (at > 0 && !str_starts(str_from(s, at), STR("TLS: ")))
        at--;
    if (!str_starts(str_from(s, at), STR("TLS: ")) ||
        (at > 0 && s.p[at - 1] != ' '))
        return false;
    return read_version_first(str_from(s, at + 5), out);
}

/* F2j: "not using TLS" */
static bool read_not(struct str s, struct clause *out)
{
    out->no_tls = cut_tls(&s) && s.n == 0;
    return out->no_tls;
}

/* F10: "... Build 1 with TLS" of Cellopoint */
static bool read_build(struct str s, struct clause *out)
{
    (void)out;
    return str_find(s, STR("Build ")) < s.n && str_ends(s, STR(" with TLS"));
}

/*
 * One row per way, in the order they are tried. lead: how the comment begins,
 * letter case aside. The numbers are those of the families: F1 Postfix, F2
 * others that say "using", F3 Gmail, F4 Sendmail and its kin, F5 Exchange, F6
 * Exim, F7 OpenSMTPD, F8 qmail and its kin, F10 the rest. F9 (IronPort) and
 * F11 (no clause) are words in the open: received_family.c.
 */
static const struct {
    struct str lead;
    bool (*read)(struct str rest, struct clause *out);
    bool whole; /* read gets the lead as well */
    struct str family;
} ways[] = {
    /* F1, F2 */
    { STR_INIT("using "), read_using, false, STR_INIT("") },
    { STR_INIT("not using "), read_not, false, STR_INIT("") },
    /* F3, F4, F5; F10: Momentum, Haraka, Exclaimer */
    { STR_INIT("version="), read_pairs, true, STR_INIT("") },
    { STR_INIT("cipher="), read_pairs, true, STR_INIT("") },
    { STR_INIT("tlsversion="), read_pairs, true, STR_INIT("exclaimer") },
    /* F10: Courier, McAfee */
    { STR_INIT("TLS: "), read_courier, true, STR_INIT("") },
    { STR_INIT("AUTH: "), read_courier, true, STR_INIT("courier") },
    /* F5, F6, F7, F8; F10: KumoMTA, mox, .NET, CodeTwo, IceWarp */
    { STR_INIT("TLS"), read_tls, true, STR_INIT("") },
    { STR_INIT("SSL"), read_tls, true, STR_INIT("") },
    { STR_INIT("Cipher "), read_version_first, false, STR_INIT("exim") },
    { STR_INIT("tls_cipher "), read_version_first, false, STR_INIT("exim") },
    /* F10: others */
    { STR_INIT("Generic MTA with "), read_version_first, false, STR_INIT("") },
    { STR_INIT("Cello"), read_build, true, STR_INIT("cellopoint") },
    /* F8 */
    { STR_INIT(""), read_encrypted, true, STR_INIT("") },
};

bool clause_read(struct str comment, struct clause *out)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct str rest = comment;

        if (!cut_prefix(&rest, ways[i].lead))
            continue;
        *out = (struct clause){ .family = ways[i].family };
        if (ways[i].read(ways[i].whole ? comment : rest, out)) {
            out->tls = !out->no_tls;
            return true;
        }
    }
    return false;
}

bool clause_read_with(struct str with, struct clause *out)
{
    struct str rest = with;

    *out = (struct clause){ .tls = true };
    if (cut_prefix(&rest, STR("ESMTP/TLS/")) ||
        cut_prefix(&rest, STR("SMTP/TLS/"))) {
        out->cipher = cut_word(&rest);
        out->family = STR("ironport");
        return out->cipher.n > 0;
    }
    return read_version_first(with, out) || read_encrypted(with, out) ||
           (cut_tls(&rest) && rest.n == 0);
}

/* "Client CN "a", Issuer "b" (verified OK)": names are the client's, the end
 * is the receiver's. */
static enum client_certificate client_result(struct str comment)
{
    if (str_ends_nocase(comment, STR("(verified OK)")))
        return CERTIFICATE_OK;
    if (str_ends_nocase(comment, STR("(not verified)")))
        return CERTIFICATE_BAD;
    return CERTIFICATE_UNKNOWN;
}

bool clause_read_certificate(struct str comment, enum client_certificate *out)
{
    static const struct {
        struct str text;
        enum client_certificate means;
    } rows[] = {
        { STR_INIT("No client certificate requested"), CERTIFICATE_UNASKED },
        { STR_INIT("Client did not present a certificate"),
          CERTIFICATE_ABSENT },
        { STR_INIT("Client certificate not present"), CERTIFICATE_ABSENT },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (str_eq_nocase(comment, rows[i].text)) {
            *out = rows[i].means;
            return true;
        }
    if (!str_starts_nocase(comment, STR("Client ")))
        return false;
    *out = client_result(comment);
    return true;
}
