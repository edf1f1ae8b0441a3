/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/syntax.h"

#include <string.h>

const struct syntax_limits syntax_limits_default = {
    .text_bytes = 1 << 20,
    .tokens = 100000,
    .word_bytes = 4096,
};

struct scan {
    struct str text;
    size_t at;
    uint32_t line, column;
    bool first;
    const struct syntax_limits *limits;
    struct arena *arena;
    struct token *list;
    size_t n, cap;
    struct syntax_fault *fault;
};

static bool more(const struct scan *s)
{
    return s->at < s->text.n;
}

static char here(const struct scan *s)
{
    return s->text.p[s->at];
}

/* A column is a character: the later octets of one do not count. */
static void step(struct scan *s)
{
    unsigned char c = (unsigned char)s->text.p[s->at++];

    if (c == '\n') {
        s->line++;
        s->column = 1;
        s->first = true;
    } else if ((c & 0xc0) != 0x80 || s->column == 1) {
        s->column++;
    }
}

static bool stop(struct scan *s, uint32_t line, uint32_t column,
                 const char *why)
{
    *s->fault = (struct syntax_fault){ line, column, why };
    return false;
}

static void grow(struct scan *s)
{
    size_t cap = s->cap == 0 ? 64 : s->cap * 2;
    struct token *list = arena_array(s->arena, cap, sizeof(*list));

    if (s->n > 0)
        memcpy(list, s->list, s->n * sizeof(*list));
    s->list = list;
    s->cap = cap;
}

static void push(struct scan *s, struct token t)
{
    if (s->n == s->cap)
        grow(s);
    s->list[s->n++] = t;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool ends_word(char c)
{
    return is_blank(c) || memchr("{}()\"#;", c, 7) != NULL;
}

static void skip_blank(struct scan *s)
{
    while (more(s) && (is_blank(here(s)) || here(s) == '#')) {
        if (here(s) == '#')
            while (more(s) && here(s) != '\n')
                step(s);
        else
            step(s);
    }
}

static bool read_word(struct scan *s, struct token *t)
{
    size_t from = s->at;

    /* "#" and quotes end nothing in the middle of a word: a#b is one word. */
    while (more(s) && (!ends_word(here(s)) ||
                       (s->at > from && (here(s) == '#' || here(s) == '"'))))
        step(s);
    t->kind = TOKEN_WORD;
    t->text = str_of(s->text.p + from, s->at - from);
    if (t->text.n > s->limits->word_bytes)
        return stop(s, t->line, t->column, "this word is too long");
    return true;
}

static bool read_escape(struct scan *s, char *out)
{
    step(s);
    if (!more(s) || (here(s) != '"' && here(s) != '\\'))
        return stop(s, s->line, s->column,
                    "in quotes only \\\" and \\\\ may follow a backslash");
    *out = here(s);
    return true;
}

static bool read_quoted(struct scan *s, struct token *t)
{
    size_t rest = s->text.n - s->at, n = 0;
    size_t room = rest < s->limits->word_bytes ? rest : s->limits->word_bytes;
    char *text = arena_alloc(s->arena, room + 1);

    step(s);
    while (more(s) && here(s) != '"') {
        char c = here(s);

        if (c == '\n')
            break;
        if (c == '\\' && !read_escape(s, &c))
            return false;
        if (n == room)
            return stop(s, t->line, t->column, "this text is too long");
        text[n++] = c;
        step(s);
    }
    if (!more(s) || here(s) != '"')
        return stop(s, t->line, t->column,
                    "the closing quote is missing on this line");
    step(s);
    t->kind = TOKEN_QUOTED;
    t->text = str_of(text, n);
    return true;
}

static bool read_mark(struct scan *s, struct token *t)
{
    char c = here(s);

    if (c == ';')
        return stop(s, t->line, t->column,
                    "a setting needs no semicolon (quote it if you mean it)");
    t->kind = c == '{'   ? TOKEN_OPEN
              : c == '}' ? TOKEN_CLOSE
              : c == '(' ? TOKEN_LEFT_ROUND
                         : TOKEN_RIGHT_ROUND;
    t->text = str_of(s->text.p + s->at, 1);
    step(s);
    return true;
}

static bool read_token(struct scan *s)
{
    struct token t = { .line = s->line,
                       .column = s->column,
                       .first = s->first };
    bool ok;

    s->first = false;
    if (here(s) == '"')
        ok = read_quoted(s, &t);
    else if (ends_word(here(s)))
        ok = read_mark(s, &t);
    else
        ok = read_word(s, &t);
    if (!ok)
        return false;
    if (s->n >= s->limits->tokens)
        return stop(s, t.line, t.column, "the file has too many words");
    push(s, t);
    return true;
}

/* Length of the UTF-8 sequence at p, 0 when it is not one (RFC 3629, 4). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    size_t want = p[0] < 0x80                    ? 1
                  : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
                  : p[0] >= 0xe0 && p[0] <= 0xef ? 3
                  : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                 : 0;

    if (want == 0 || want > n)
        return 0;
    for (size_t i = 1; i < want; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return want;
}

/* Finds control characters and broken UTF-8 and leaves the place in s. */
static bool check_octets(struct scan *s)
{
    while (more(s)) {
        const unsigned char *p = (const unsigned char *)s->text.p + s->at;
        size_t n = utf8_length(p, s->text.n - s->at);

        if (n == 0)
            return stop(s, s->line, s->column, "this is not UTF-8 text");
        if ((p[0] < 0x20 && !is_blank((char)p[0])) || p[0] == 0x7f)
            return stop(s, s->line, s->column,
                        "control characters are not allowed");
        while (n-- > 0)
            step(s);
    }
    return true;
}

static bool scan_all(struct scan *s)
{
    for (;;) {
        skip_blank(s);
        if (!more(s))
            return true;
        if (!read_token(s))
            return false;
    }
}

static void rewind_scan(struct scan *s)
{
    s->at = 0;
    s->line = 1;
    s->column = 1;
    s->first = true;
}

struct token *syntax_read(struct str text, const struct syntax_limits *limits,
                          struct arena *arena, size_t *n,
                          struct syntax_fault *fault)
{
    struct scan s = {
        .text = text, .limits = limits, .arena = arena, .fault = fault
    };

    *fault = (struct syntax_fault){ 0 };
    if (text.n > limits->text_bytes) {
        stop(&s, 0, 0, "the file is too large");
        s.text.n = 0;
    }
    rewind_scan(&s);
    if (check_octets(&s)) {
        rewind_scan(&s);
        scan_all(&s);
    }
    push(&s, (struct token){ .kind = TOKEN_END,
                             .text = STR("end of file"),
                             .line = s.line,
                             .column = s.column,
                             .first = true });
    *n = s.n;
    return s.list;
}
