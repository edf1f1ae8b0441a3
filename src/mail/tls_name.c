/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/tls_name.h"

#include "mail/tls_suites.h"

#include <string.h>

enum { CIPHER_RAW_MAX = 128 };

struct str tls_version_name(enum tls_version version)
{
    static const struct str names[] = {
        STR_INIT(""),        STR_INIT("SSLv2"),   STR_INIT("SSLv3"),
        STR_INIT("TLSv1"),   STR_INIT("TLSv1.1"), STR_INIT("TLSv1.2"),
        STR_INIT("TLSv1.3"),
    };

    return names[version];
}

static bool version_end(struct str s, size_t at)
{
    return at == s.n || memchr(" \t,:;/)|+\"", s.p[at], 10) != NULL;
}

/* "1.2", "1_2", "12", "1", "3", "3.0" at the front; the value in tenths. */
static size_t read_number(struct str s, unsigned *tenths)
{
    size_t at = 1;

    if (s.n == 0 || !ascii_is_digit(s.p[0]))
        return 0;
    *tenths = (unsigned)(s.p[0] - '0') * 10;
    if (at < s.n && (s.p[at] == '.' || s.p[at] == '_'))
        at++;
    if (at < s.n && ascii_is_digit(s.p[at]))
        *tenths += (unsigned)(s.p[at++] - '0');
    else
        at = 1;
    return version_end(s, at) ? at : 0;
}

static enum tls_version version_of(bool ssl, unsigned tenths)
{
    static const enum tls_version tls[] = { VERSION_TLS1, VERSION_TLS11,
                                            VERSION_TLS12, VERSION_TLS13 };

    if (ssl)
        return tenths == 20   ? VERSION_SSL2
               : tenths == 30 ? VERSION_SSL3
                              : VERSION_UNSTATED;
    return tenths >= 10 && tenths <= 13 ? tls[tenths - 10] : VERSION_UNSTATED;
}

/* As tls_version_read, but for the class names of old OpenSSL. */
static size_t read_one(struct str s, enum tls_version *version)
{
    bool ssl = str_starts_nocase(s, STR("SSL"));
    unsigned tenths = 0;
    size_t at = 3, n;

    if (!ssl && !str_starts_nocase(s, STR("TLS")))
        return 0;
    if (at < s.n && (s.p[at] == '-' || s.p[at] == '_' || s.p[at] == ' '))
        at++;
    if (at < s.n && ascii_lower(s.p[at]) == 'v')
        at++;
    n = read_number(str_from(s, at), &tenths);
    *version = version_of(ssl, tenths);
    return n == 0 || *version == VERSION_UNSTATED ? 0 : at + n;
}

bool tls_version_read(struct str s, enum tls_version *version, size_t *used)
{
    enum tls_version other;
    size_t n = read_one(s, version), more;

    if (n == 0)
        return false;
    if (n < s.n && s.p[n] == '/') {
        more = read_one(str_from(s, n + 1), &other);
        if (more > 0) {
            *version = VERSION_UNSTATED;
            n += 1 + more;
        }
    }
    *used = n;
    return true;
}

/* The letters all spellings of a suite share: "ECDHERSAAES256GCMSHA384". */
struct key {
    char text[TLS_SUITE_KEY_MAX];
    size_t n;
    bool thirteen; /* a suite of TLS 1.3 by its name */
    bool cut;
};

static void key_add(struct key *key, struct str s)
{
    if (s.n > sizeof(key->text) - key->n) {
        key->cut = true;
        return;
    }
    memcpy(key->text + key->n, s.p, s.n);
    key->n += s.n;
}

static bool starts_any(struct str s, const struct str *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_starts(s, words[i]))
            return true;
    return false;
}

/* OpenSSL leaves out "RSA" where both halves are RSA. */
static bool is_encryption(struct str word)
{
    static const struct str words[] = {
        STR_INIT("AES"),  STR_INIT("CHACHA"), STR_INIT("CAMELLIA"),
        STR_INIT("RC4"),  STR_INIT("RC2"),    STR_INIT("DES"),
        STR_INIT("3DES"), STR_INIT("SEED"),   STR_INIT("IDEA"),
        STR_INIT("NULL"), STR_INIT("ARIA"),   STR_INIT("ARCFOUR"),
    };

    return starts_any(word, words, sizeof(words) / sizeof(words[0]));
}

static bool is_thirteen(struct str word)
{
    static const struct str words[] = { STR_INIT("AES"), STR_INIT("CHACHA20"),
                                        STR_INIT("SM4"), STR_INIT("AEGIS") };

    return starts_any(word, words, sizeof(words) / sizeof(words[0]));
}

static const struct {
    struct str word, stands_for;
} spellings[] = {
    { STR_INIT("WITH"), STR_INIT("") },
    { STR_INIT("CBC"), STR_INIT("") },
    { STR_INIT("EDE"), STR_INIT("") },
    { STR_INIT("P256"), STR_INIT("") }, /* Exchange adds the curve */
    { STR_INIT("P384"), STR_INIT("") },
    { STR_INIT("P521"), STR_INIT("") },
    { STR_INIT("EDH"), STR_INIT("DHE") },
    { STR_INIT("ADH"), STR_INIT("DHANON") },
    { STR_INIT("AECDH"), STR_INIT("ECDHANON") },
    { STR_INIT("SHA1"), STR_INIT("SHA") },
    { STR_INIT("ARCFOUR"), STR_INIT("RC4") },
    { STR_INIT("3DES"), STR_INIT("DES3") },
    { STR_INIT("CBC3"), STR_INIT("3") },
};

static struct str spelling(struct str word)
{
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
        if (word.n == spellings[i].word.n && str_eq(word, spellings[i].word))
            return spellings[i].stands_for;
    return word;
}

/* Words that one spelling has and another has not, by the word before. */
static bool is_left_out(struct str word, struct str before)
{
    return (str_eq(before, STR("RC4")) && str_eq(word, STR("128"))) ||
           (str_eq(before, STR("SRP")) && str_eq(word, STR("SHA"))) ||
           (str_eq(before, STR("POLY1305")) && str_eq(word, STR("SHA256")));
}

static bool next_word(struct str *rest, struct str *word)
{
    size_t at = 0, start;

    while (at < rest->n && !ascii_is_alnum(rest->p[at]))
        at++;
    start = at;
    while (at < rest->n && ascii_is_alnum(rest->p[at]))
        at++;
    *word = str_of(rest->p + start, at - start);
    *rest = str_from(*rest, at);
    return word->n > 0;
}

static void make_key(struct str upper, struct key *key)
{
    struct str rest = upper, word, before = STR("");
    bool first = true;

    *key = (struct key){ .n = 0 };
    if (!next_word(&rest, &word))
        return;
    if (str_eq(word, STR("TLS13")) || str_eq(word, STR("AEAD"))) {
        key->thirteen = true;
        next_word(&rest, &word);
    } else if (str_eq(word, STR("TLS")) || str_eq(word, STR("SSL"))) {
        key->thirteen = upper.p[0] == 'T';
        next_word(&rest, &word);
        key->thirteen = key->thirteen && is_thirteen(word);
    }
    if (key->thirteen)
        key_add(key, STR("13"));
    do {
        if (first && !key->thirteen && is_encryption(word))
            key_add(key, STR("RSA"));
        first = false;
        if (!is_left_out(word, before))
            key_add(key, spelling(word));
        before = spelling(word);
    } while (next_word(&rest, &word));
}

static struct str upper_case(struct str raw, char out[CIPHER_RAW_MAX])
{
    raw = str_first(raw, CIPHER_RAW_MAX);
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];

        out[i] = c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    return str_of(out, raw.n);
}

/* What of a GnuTLS description encrypts, with the hash that goes with it. */
static void add_encryption(struct key *key, struct str part)
{
    struct key own;

    make_key(part, &own);
    if (str_starts(str_of(own.text, own.n), STR("RSA")))
        key_add(key, str_of(own.text + 3, own.n - 3));
    else
        key_add(key, str_of(own.text, own.n));
    if (str_ends(part, STR("256_GCM")))
        key_add(key, STR("SHA384"));
    else if (str_ends(part, STR("128_GCM")) ||
             (key->thirteen && str_find(part, STR("_CCM")) < part.n))
        key_add(key, STR("SHA256"));
}

/* "ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM", perhaps "__SHA1": group,
 * signature, cipher and hash (gnutls_session_get_desc as Exim writes it). */
static void make_key_of_parts(struct str upper, bool thirteen, struct key *key)
{
    struct str rest = upper, part;
    size_t at;

    *key = (struct key){ .thirteen = thirteen };
    if (thirteen)
        key_add(key, STR("13"));
    while (rest.n > 0) {
        at = str_find(rest, STR("__"));
        part = str_first(rest, at);
        rest = str_from(rest, at + 2);
        if (is_encryption(part))
            add_encryption(key, part);
        else if (thirteen)
            continue;
        else if (str_starts(part, STR("ECDHE")))
            key_add(key, STR("ECDHE"));
        else if (str_starts(part, STR("DHE")))
            key_add(key, STR("DHE"));
        else if (str_starts(part, STR("RSA")))
            key_add(key, STR("RSA"));
        else if (str_starts(part, STR("ECDSA")) ||
                 str_starts(part, STR("EDDSA")))
            key_add(key, STR("ECDSA"));
        else
            key_add(key, spelling(part));
    }
}

static bool is_weak_word(struct str word)
{
    static const struct str weak[] = {
        STR_INIT("RC4"),       STR_INIT("ARCFOUR"), STR_INIT("RC2"),
        STR_INIT("DES"),       STR_INIT("3DES"),    STR_INIT("DES40"),
        STR_INIT("CBC3"),      STR_INIT("IDEA"),    STR_INIT("NULL"),
        STR_INIT("ANON"),      STR_INIT("ADH"),     STR_INIT("AECDH"),
        STR_INIT("EXP"),       STR_INIT("EXPORT"),  STR_INIT("MD5"),
        STR_INIT("TRIPLEDES"),
    };

    for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++)
        if (word.n == weak[i].n && str_eq(word, weak[i]))
            return true;
    return str_starts(word, STR("EXPORT")) || str_starts(word, STR("EXP1024"));
}

/* Whether a word needs TLS 1.2: authenticated modes and SHA-2 came with it. */
static bool is_new_word(struct str word)
{
    static const struct str words[] = {
        STR_INIT("GCM"),    STR_INIT("CCM"),    STR_INIT("CCM8"),
        STR_INIT("SHA256"), STR_INIT("SHA384"), STR_INIT("POLY1305"),
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (word.n == words[i].n && str_eq(word, words[i]))
            return true;
    return false;
}

static unsigned bits_of(struct str word)
{
    static const struct {
        struct str end;
        unsigned bits;
    } rows[] = {
        { STR_INIT("256"), 256 },  { STR_INIT("128"), 128 },
        { STR_INIT("192"), 192 },  { STR_INIT("CHACHA20"), 256 },
        { STR_INIT("RC4"), 128 },  { STR_INIT("3DES"), 168 },
        { STR_INIT("CBC3"), 168 },
    };

    if (str_starts(word, STR("SHA")) || word.n > 11)
        return 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (str_ends(word, rows[i].end))
            return rows[i].bits;
    return 0;
}

/* What the words tell, known or not. */
static void judge_words(struct str upper, struct tls_cipher *out)
{
    struct str rest = upper, word;

    while (next_word(&rest, &word)) {
        /* GnuTLS 1.2 signatures name hashes, which tell the version too. */
        out->weak = out->weak || is_weak_word(word);
        if (is_new_word(word))
            out->low = VERSION_TLS12;
        if (out->bits == 0)
            out->bits = bits_of(word);
    }
}

/* .NET names the parts: "Aes256, Sha384, ..."; of TLS 1.3 they are enough. */
static struct str parts_of_thirteen(struct str upper)
{
    if (str_starts(upper, STR("AES256, SHA384")))
        return STR("AES_256_GCM");
    if (str_starts(upper, STR("AES128, SHA256")))
        return STR("AES_128_GCM");
    return upper;
}

static struct str find_suite(struct str upper, enum tls_version version,
                             bool *thirteen)
{
    struct key key;

    if (version == VERSION_TLS13)
        upper = parts_of_thirteen(upper);
    if (str_find(upper, STR("__")) < upper.n) {
        make_key_of_parts(upper, version == VERSION_TLS13, &key);
    } else {
        make_key(upper, &key);
        if (!key.thirteen && version == VERSION_TLS13 && is_thirteen(upper)) {
            /* "AES-256-GCM" and the hash left out */
            key = (struct key){ .thirteen = true };
            key_add(&key, STR("13"));
            add_encryption(&key, upper);
        }
    }
    *thirteen = key.thirteen;
    return key.cut ? STR("") : tls_suite_find(str_of(key.text, key.n));
}

/*
 * GnuTLS lets Exim and Courier write a suite of TLS 1.3 as if it were one of
 * TLS 1.2, with a key exchange and a signature that are no part of it and may
 * be wrong: "ECDHE_RSA_AES_256_GCM_SHA384". What it has no name for, all of
 * SHA-256, Courier puts together: "ECDHE-RSA-X.509-AES-128-CCM-AEAD".
 */
static struct str find_after_exchange(struct str upper, struct str other,
                                      bool *thirteen)
{
    struct key key = { .thirteen = true };
    struct str rest = upper, word, before = STR(""), found;
    bool begun = false;

    key_add(&key, STR("13"));
    while (next_word(&rest, &word)) {
        begun = begun || is_thirteen(word);
        if (str_eq(word, STR("AEAD")))
            word = STR("SHA256");
        if (begun && !is_left_out(word, before))
            key_add(&key, spelling(word));
        before = spelling(word);
    }
    found = key.cut ? STR("") : tls_suite_find(str_of(key.text, key.n));
    *thirteen = found.n > 0;
    return found.n > 0 ? found : other;
}

void tls_cipher_read(struct str raw, enum tls_version version,
                     struct tls_cipher *out)
{
    char copy[CIPHER_RAW_MAX];
    struct str upper = upper_case(raw, copy), name;
    bool thirteen = false;

    *out = (struct tls_cipher){ .name = raw,
                                .low = VERSION_TLS1,
                                .high = VERSION_TLS12 };
    name = find_suite(upper, version, &thirteen);
    if (version == VERSION_TLS13 && !thirteen &&
        (!str_has_char(raw, '-') || str_find(raw, STR("-X.509-")) < raw.n))
        name = find_after_exchange(upper, name, &thirteen);
    judge_words(upper, out);
    if (thirteen) {
        out->low = VERSION_TLS13;
        out->high = VERSION_TLS13;
    }
    if (name.n > 0) {
        out->name = name;
        out->known = true;
    }
}

bool tls_cipher_like(struct str word)
{
    char copy[CIPHER_RAW_MAX];
    struct str upper, rest, piece;
    bool known;

    if (word.n < 6 || word.n > CIPHER_RAW_MAX)
        return false;
    for (size_t i = 0; i < word.n; i++)
        if (!ascii_is_alnum(word.p[i]) && word.p[i] != '-' && word.p[i] != '_')
            return false;
    upper = upper_case(word, copy);
    if (find_suite(upper, VERSION_UNSTATED, &known).n > 0)
        return true;
    for (rest = upper; next_word(&rest, &piece);)
        if (is_encryption(piece) && bits_of(piece) + piece.n > 3 &&
            (str_has_char(word, '-') || str_has_char(word, '_')))
            return true;
    return false;
}
