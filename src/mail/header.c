/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/header.h"

#include "mail/address.h"
#include "mail/charset.h"

#include <string.h>

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

bool header_next(struct str *header, struct header_field *out)
{
    struct str raw = cut_line(header);
    size_t colon;

    if (raw.n == 0 || raw.p[0] == '\n' || str_eq(raw, STR("\r\n"))) {
        header->n = 0;
        return false;
    }
    while (is_fold(*header))
        raw.n += cut_line(header).n;
    colon = str_find_char(raw, ':');
    *out =
        (struct header_field){ .raw = raw, .name = STR(""), .body = STR("") };
    if (colon < raw.n) {
        out->name = str_trim(str_first(raw, colon));
        out->body = str_from(raw, colon + 1);
    }
    return true;
}

bool header_find(struct str *header, struct str name, struct header_field *out)
{
    while (header_next(header, out))
        if (str_eq_nocase(out->name, name))
            return true;
    return false;
}

void header_unfold(struct str body, struct buf *out)
{
    body = str_trim(str_first(body, HEADER_VALUE_MAX));
    for (size_t i = 0; i < body.n; i++)
        if (body.p[i] != '\r' && body.p[i] != '\n')
            buf_add_char(out, body.p[i]);
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

/* Mail programs leave the padding away, or break it. */
static void decode_b(struct str text, struct buf *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                  "nopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned have = 0;

    for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
        const char *at = memchr(letters, text.p[i], 64);

        if (at == NULL)
            continue;
        bits = bits << 6 | (uint32_t)(at - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_add_char(out, (char)(bits >> have & 0xff));
        }
    }
}

/* What a row of encoded words of one character set holds. */
struct run {
    struct str charset;
    struct buf octets;
};

static struct str without_language(struct str charset)
{
    return str_first(charset, str_find_char(charset, '*')); /* RFC 2231, 5 */
}

static void end_run(struct run *run, struct buf *out)
{
    charset_to_utf8(without_language(run->charset), buf_str(&run->octets), out);
    buf_clear(&run->octets);
}

/* A character may be cut by the end of a word: decoded are whole runs. False:
 * nothing in it can be decoded. */
static bool add_word(struct run *run, const struct encoded_word *w,
                     struct buf *out)
{
    struct buf octets = { 0 };
    bool ok;

    if (w->how == 'b')
        decode_b(w->text, &octets);
    else
        decode_q(w->text, &octets);
    ok = octets.n > 0 || w->text.n == 0;
    if (ok && !str_eq_nocase(run->charset, w->charset)) {
        end_run(run, out);
        run->charset = w->charset;
    }
    buf_add(&run->octets, buf_str(&octets));
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
void header_decode(struct str s, struct buf *out)
{
    struct run run = { .charset = STR("") };
    struct encoded_word word;
    bool after_word = false;

    while (s.n > 0) {
        size_t gap = after_word ? blanks(s) : 0;

        if (parse_word(str_from(s, gap), &word) && add_word(&run, &word, out)) {
            s = str_from(s, gap + word.n);
            after_word = true;
            continue;
        }
        if (after_word)
            end_run(&run, out);
        after_word = false;
        buf_add_char(out, s.p[0]);
        s = str_from(s, 1);
    }
    end_run(&run, out);
    buf_free(&run.octets);
}

/* --- authors ------------------------------------------------------------ */

/* A list of mailboxes (RFC 5322, 3.4) without groups. */
struct list {
    struct str s;
    size_t at;
    bool loose; /* two words stood side by side: no address */
};

static char here(const struct list *l)
{
    return l->at < l->s.n ? l->s.p[l->at] : '\0';
}

/* Comments nest (RFC 5322, 3.2.2); the depth needs no stack. */
static bool skip_comment(struct list *l)
{
    unsigned depth = 0;

    do {
        char c = here(l);

        if (l->at >= l->s.n)
            return false;
        if (c == '\\')
            l->at++;
        depth += c == '(';
        depth -= c == ')';
        l->at++;
    } while (depth > 0);
    return l->at <= l->s.n;
}

static bool skip_blanks(struct list *l)
{
    for (;;) {
        char c = here(l);

        if (l->at < l->s.n && (c == ' ' || c == '\t'))
            l->at++;
        else if (c != '(')
            return true;
        else if (!skip_comment(l))
            return false;
    }
}

static bool take_quoted(struct list *l, struct buf *out)
{
    size_t from = l->at++;

    while (l->at < l->s.n && here(l) != '"')
        l->at += here(l) == '\\' ? 2 : 1;
    if (l->at >= l->s.n)
        return false;
    l->at++;
    buf_add(out, str_of(l->s.p + from, l->at - from));
    return true;
}

static bool binds(char c)
{
    return c == '.' || c == '@';
}

/* Words, dots and at signs up to a mark of the list; blanks go. */
static bool take_words(struct list *l, struct buf *out)
{
    size_t behind = l->at;

    l->loose = false;
    for (; skip_blanks(l); behind = l->at) {
        char c = here(l);
        bool gap = l->at > behind && out->n > 0;

        if (l->at >= l->s.n || c == ',' || c == '<' || c == '>')
            return true;
        if (c == ':' || c == ';' || c == ')' || (unsigned char)c < ' ')
            return false;
        if (gap && !binds(c) && !binds(out->p[out->n - 1]))
            l->loose = true;
        if (c == '"') {
            if (!take_quoted(l, out))
                return false;
            continue;
        }
        buf_add_char(out, c);
        l->at++;
    }
    return false;
}

/* A mailbox; what is no address after all is found by the caller. */
static bool take_mailbox(struct list *l, struct buf *out)
{
    if (!take_words(l, out))
        return false;
    if (here(l) == '<') {
        buf_clear(out);
        l->at++;
        if (!take_words(l, out) || here(l) != '>')
            return false;
        l->at++;
        if (!skip_blanks(l))
            return false;
    }
    return !l->loose && (l->at >= l->s.n || here(l) == ',');
}

static bool read_authors(struct str value, struct arena *arena, struct str *out,
                         size_t *n)
{
    struct list l = { .s = value };
    struct buf text = { 0 };
    bool ok = true;

    for (*n = 0; ok; l.at++) {
        struct address address;

        buf_clear(&text);
        ok = *n < HEADER_AUTHORS_MAX && take_mailbox(&l, &text) &&
             address_parse(buf_str(&text), arena, &address);
        if (ok)
            out[(*n)++] = address.text;
        if (l.at >= l.s.n)
            break;
    }
    buf_free(&text);
    return ok && *n > 0;
}

bool header_authors(struct str header, struct arena *arena,
                    struct str **addresses, size_t *n)
{
    struct header_field from, again;
    struct buf value = { 0 };
    bool ok;

    *n = 0;
    *addresses = arena_array(arena, HEADER_AUTHORS_MAX, sizeof(**addresses));
    if (!header_find(&header, STR("From"), &from) ||
        header_find(&header, STR("From"), &again))
        return false;
    header_unfold(from.body, &value);
    /* A value that is longer than is read could hide another author. */
    ok = from.body.n <= HEADER_VALUE_MAX &&
         read_authors(buf_str(&value), arena, *addresses, n);
    buf_free(&value);
    return ok;
}
