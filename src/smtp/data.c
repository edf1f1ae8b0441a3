/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/data.h"

#include <string.h>

void smtp_data_begin(struct smtp_data_decoder *d, bool normalise)
{
    *d = (struct smtp_data_decoder){ .at = SMTP_AT_LINE_START,
                                     .normalise = normalise };
}

static enum smtp_data_state bad(struct smtp_data_decoder *d, const char *fault)
{
    d->fault = fault;
    return SMTP_DATA_BAD;
}

/* A newline that is not CR LF: refused, or mended for listed clients. Either
 * way what follows cannot end the message. */
static enum smtp_data_state bare(struct smtp_data_decoder *d, const char *what,
                                 struct buf *out)
{
    if (!d->normalise)
        return bad(d, what);
    buf_add(out, STR("\r\n"));
    d->at = SMTP_AT_SOFT_START;
    return SMTP_DATA_MORE;
}

static enum smtp_data_state step(struct smtp_data_decoder *d, char c,
                                 struct buf *out);

/* c is the first octet of a line whose dot, if any, was dealt with. */
static enum smtp_data_state text(struct smtp_data_decoder *d, char c,
                                 struct buf *out)
{
    if (c == '\r') {
        d->at = SMTP_AT_CR;
        return SMTP_DATA_MORE;
    }
    if (c == '\n')
        return bare(d, "bare LF", out);
    d->has_nul |= c == '\0';
    buf_add_char(out, c);
    d->at = SMTP_AT_TEXT;
    return SMTP_DATA_MORE;
}

static enum smtp_data_state after_cr(struct smtp_data_decoder *d, char c,
                                     struct buf *out)
{
    enum smtp_data_state state;

    if (c == '\n') {
        buf_add(out, STR("\r\n"));
        d->at = SMTP_AT_LINE_START;
        return SMTP_DATA_MORE;
    }
    state = bare(d, "bare CR", out);
    return state == SMTP_DATA_MORE ? step(d, c, out) : state;
}

/* "CR LF . CR" and then no LF: the CR is bare, the dot was text. */
static enum smtp_data_state after_dot_cr(struct smtp_data_decoder *d, char c,
                                         struct buf *out)
{
    enum smtp_data_state state;

    if (c == '\n')
        return SMTP_DATA_END;
    buf_add_char(out, '.');
    state = bare(d, "bare CR", out);
    return state == SMTP_DATA_MORE ? step(d, c, out) : state;
}

static enum smtp_data_state after_dot(struct smtp_data_decoder *d, char c,
                                      struct buf *out)
{
    if (c == '\r') {
        d->at = SMTP_AT_DOT_CR;
        return SMTP_DATA_MORE;
    }
    if (c == '\n') {
        /* CR LF . LF: the smuggler's end. As text the dot stays. */
        buf_add_char(out, '.');
        return bare(d, "bare LF", out);
    }
    /* The doubled dot loses one; a lone one before text is dropped as
     * RFC 5321, 4.5.2 says. */
    return text(d, c, out);
}

static enum smtp_data_state step(struct smtp_data_decoder *d, char c,
                                 struct buf *out)
{
    switch (d->at) {
    case SMTP_AT_LINE_START:
        if (c != '.')
            return text(d, c, out);
        d->at = SMTP_AT_DOT;
        return SMTP_DATA_MORE;
    case SMTP_AT_DOT:
        return after_dot(d, c, out);
    case SMTP_AT_DOT_CR:
        return after_dot_cr(d, c, out);
    case SMTP_AT_CR:
        return after_cr(d, c, out);
    case SMTP_AT_TEXT:
    case SMTP_AT_SOFT_START:
        break;
    }
    return text(d, c, out);
}

/* The next CR and LF of a block; each is looked for once, or a block of short
 * lines that end in one of them alone would be searched to its end for each. */
struct line_ends {
    size_t cr, lf;
};

static size_t next_of(struct str block, char c, size_t known, size_t from)
{
    return known >= from ? known
                         : from + str_find_char(str_from(block, from), c);
}

/* Whole stretches of text without CR or LF go over at once. Returns where they
 * end. */
static size_t stretch(struct smtp_data_decoder *d, struct str block,
                      size_t from, struct line_ends *next, struct buf *out)
{
    struct str plain;
    size_t end;

    next->cr = next_of(block, '\r', next->cr, from);
    next->lf = next_of(block, '\n', next->lf, from);
    end = next->cr < next->lf ? next->cr : next->lf;
    plain = str_first(str_from(block, from), end - from);
    d->has_nul = d->has_nul || str_has_char(plain, '\0');
    buf_add(out, plain);
    return end;
}

enum smtp_data_state smtp_data_decode(struct smtp_data_decoder *d,
                                      struct str block, struct buf *out,
                                      size_t *used)
{
    enum smtp_data_state state = SMTP_DATA_MORE;
    struct line_ends next = { .cr = str_find_char(block, '\r'),
                              .lf = str_find_char(block, '\n') };
    size_t i = 0;

    while (i < block.n && state == SMTP_DATA_MORE) {
        if (d->at == SMTP_AT_TEXT)
            i = stretch(d, block, i, &next, out);
        if (i < block.n)
            state = step(d, block.p[i++], out);
    }
    *used = i;
    return state;
}

const char *smtp_lines_add(struct smtp_lines *l, struct str piece)
{
    l->has_nul = l->has_nul || str_has_char(piece, '\0');
    while (piece.n > 0) {
        size_t lf, cr;

        if (l->cr) {
            if (piece.p[0] != '\n')
                return "bare CR";
            l->cr = false;
            piece = str_from(piece, 1);
            continue;
        }
        lf = str_find_char(piece, '\n');
        cr = str_find_char(str_first(piece, lf), '\r');
        if (cr == lf)
            return lf < piece.n ? "bare LF" : NULL;
        l->cr = true;
        piece = str_from(piece, cr + 1);
    }
    return NULL;
}

const char *smtp_lines_end(const struct smtp_lines *l)
{
    return l->cr ? "bare CR" : NULL;
}

/* --- going out ---------------------------------------------------------------
 */

void smtp_dots_begin(struct smtp_dots *d)
{
    *d = (struct smtp_dots){ .at_start = true, .last = { '\r', '\n' } };
}

static void note_end(struct smtp_dots *d, struct str piece)
{
    if (piece.n >= 2) {
        memcpy(d->last, piece.p + piece.n - 2, 2);
    } else if (piece.n == 1) {
        d->last[0] = d->last[1];
        d->last[1] = piece.p[0];
    }
    d->at_start = d->last[0] == '\r' && d->last[1] == '\n';
}

void smtp_dots_add(struct smtp_dots *d, struct str piece, struct buf *out)
{
    struct str rest = piece;

    while (rest.n > 0) {
        size_t lf = str_find_char(rest, '\n');
        size_t n = lf < rest.n ? lf + 1 : rest.n;

        if (d->at_start && rest.p[0] == '.')
            buf_add_char(out, '.');
        buf_add(out, str_first(rest, n));
        note_end(d, str_first(rest, n));
        rest = str_from(rest, n);
    }
}

void smtp_dots_end(struct smtp_dots *d, struct buf *out)
{
    if (!d->at_start)
        buf_add(out, STR("\r\n"));
    d->at_start = true;
}
