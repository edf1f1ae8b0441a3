/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/facts.h"

#include "base/base64.h"

/* One line with its end, however it ends. */
static struct str cut_line(struct str *rest)
{
    size_t n = str_find_char(*rest, '\n');
    struct str line = str_first(*rest, n + 1);

    *rest = str_from(*rest, line.n);
    return line;
}

static bool is_fold(struct str rest)
{
    return rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t');
}

static bool names(struct str line, struct str name)
{
    size_t colon = str_find_char(line, ':');

    return colon < line.n &&
           str_eq_nocase(str_trim(str_first(line, colon)), name);
}

bool facts_next(struct str *header, struct str name, struct str *value)
{
    while (header->n > 0) {
        struct str line = cut_line(header);
        bool wanted = names(line, name);

        if (str_trim(line).n == 0)
            break;
        while (is_fold(*header))
            line.n += cut_line(header).n;
        if (!wanted)
            continue;
        *value = str_from(line, str_find_char(line, ':') + 1);
        return true;
    }
    header->n = 0;
    return false;
}

void facts_unfold(struct str value, struct buf *out)
{
    value = str_trim(str_first(value, FACT_VALUE_MAX));
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '\r' && value.p[i] != '\n')
            buf_add_char(out, value.p[i]);
}

bool facts_field(struct str header, struct str name, struct buf *out)
{
    struct str value;

    if (!facts_next(&header, name, &value))
        return false;
    facts_unfold(value, out);
    return true;
}

/* --- encoded words (RFC 2047) ------------------------------------------ */

struct encoded_word {
    struct str charset, text;
    char how; /* 'b' or 'q' */
    size_t n; /* octets of the whole word */
};

static bool cut_until(struct str *rest, char c, struct str *piece)
{
    size_t n = str_find_char(*rest, c);

    if (n == rest->n)
        return false;
    *piece = str_first(*rest, n);
    *rest = str_from(*rest, n + 1);
    return true;
}

static bool parse_word(struct str s, struct encoded_word *out)
{
    struct str rest = str_from(s, 2), how;

    if (!str_starts(s, STR("=?")) || !cut_until(&rest, '?', &out->charset) ||
        !cut_until(&rest, '?', &how) || how.n != 1 ||
        !cut_until(&rest, '?', &out->text) || rest.n == 0 || rest.p[0] != '=')
        return false;
    out->how = ascii_lower(how.p[0]);
    out->n = (size_t)(rest.p + 1 - s.p);
    return out->how == 'b' || out->how == 'q';
}

static int hex_digit(char c)
{
    char lower = ascii_lower(c);

    if (ascii_is_digit(c))
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static void decode_q(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        int high = i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
        int low = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;

        if (text.p[i] == '=' && high >= 0 && low >= 0) {
            buf_add_char(out, (char)(high * 16 + low));
            i += 2;
        } else {
            buf_add_char(out, text.p[i] == '_' ? ' ' : text.p[i]);
        }
    }
}

static bool is_latin1(struct str charset)
{
    size_t language = str_find_char(charset, '*'); /* RFC 2231, 5 */

    charset = str_first(charset, language);
    return str_eq_nocase(charset, STR("iso-8859-1")) ||
           str_eq_nocase(charset, STR("iso-8859-15")) ||
           str_eq_nocase(charset, STR("windows-1252"));
}

/* Other sets pass as they are: nearly all spell ASCII alike, and markers are
 * ASCII. */
static void add_text(struct str octets, bool latin1, struct buf *out)
{
    for (size_t i = 0; i < octets.n; i++) {
        unsigned char c = (unsigned char)octets.p[i];

        if (c < 0x80 || !latin1) {
            buf_add_char(out, (char)c);
            continue;
        }
        buf_add_char(out, (char)(0xc0 | c >> 6));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    }
}

static bool decode_word(const struct encoded_word *w, struct buf *out)
{
    struct buf octets = { 0 };
    bool ok = true;

    if (w->how == 'b')
        ok = base64_decode(w->text, &octets);
    else
        decode_q(w->text, &octets);
    if (ok)
        add_text(buf_str(&octets), is_latin1(w->charset), out);
    buf_free(&octets);
    return ok;
}

static size_t blanks(struct str s)
{
    size_t n = 0;

    while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
        n++;
    return n;
}

/* Blanks between two encoded words are not there (RFC 2047, 6.2). */
static void decode(struct str s, struct buf *out)
{
    struct encoded_word word;
    bool after_word = false;

    while (s.n > 0) {
        size_t gap = after_word ? blanks(s) : 0;

        if (parse_word(str_from(s, gap), &word) && decode_word(&word, out)) {
            s = str_from(s, gap + word.n);
            after_word = true;
            continue;
        }
        after_word = false;
        buf_add_char(out, s.p[0]);
        s = str_from(s, 1);
    }
}

void facts_subject(struct str header, struct buf *out)
{
    struct buf raw = { 0 };
    struct str value;
    bool first = true;

    while (facts_next(&header, STR("Subject"), &value)) {
        if (!first)
            buf_add_char(out, '\n');
        first = false;
        buf_clear(&raw);
        facts_unfold(value, &raw);
        decode(buf_str(&raw), out);
    }
    buf_free(&raw);
}
