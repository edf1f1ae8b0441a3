/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/edit.h"

#include "base/base64.h"
#include "mail/header.h"

enum { WORD_OCTETS = 42 }; /* 56 of base 64: a word stays below 75 */

static bool is_for_us(struct str name)
{
    return str_starts_nocase(name, STR("X-Postseal-")) ||
           str_eq_nocase(name, STR("Bcc")) ||
           str_eq_nocase(name, STR("Resent-Bcc"));
}

/* Adds text without marker; one blank goes with it, so that none is doubled. */
static bool cut_marker(struct str text, struct str marker, struct buf *out)
{
    size_t at = str_find_nocase(text, marker);

    if (at == text.n)
        return false;
    buf_add(out, str_first(text, at));
    struct str after = str_from(text, at + marker.n);
    if (after.n > 0 && after.p[0] == ' ')
        after = str_from(after, 1);
    buf_add(out, after);
    return true;
}

/* How many octets of text fit one word without cutting a character. */
static size_t word_length(struct str text)
{
    size_t n = text.n < WORD_OCTETS ? text.n : WORD_OCTETS;

    while (n > 1 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static void encode_words(struct str text, struct buf *out)
{
    for (bool first = true; text.n > 0; first = false) {
        size_t n = word_length(text);

        buf_add_cstr(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        base64_encode(str_first(text, n), out);
        buf_add_cstr(out, "?=");
        text = str_from(text, n);
    }
}

static void add_subject(const struct header_field *field, struct str marker,
                        struct buf *out)
{
    struct buf plain = { 0 }, decoded = { 0 }, cut = { 0 };

    if (cut_marker(field->raw, marker, out))
        return;
    header_unfold(field->body, &plain);
    header_decode(buf_str(&plain), &decoded);
    if (cut_marker(buf_str(&decoded), marker, &cut)) {
        buf_add_cstr(out, "Subject: ");
        encode_words(buf_str(&cut), out);
        buf_add_cstr(out, "\r\n");
    } else {
        buf_add(out, field->raw);
    }
    buf_free(&plain);
    buf_free(&decoded);
    buf_free(&cut);
}

void edit_header(struct str header, struct str marker, struct buf *out)
{
    struct header_field field;

    while (header_next(&header, &field)) {
        if (is_for_us(field.name))
            continue;
        if (marker.n > 0 && str_eq_nocase(field.name, STR("Subject")))
            add_subject(&field, marker, out);
        else
            buf_add(out, field.raw);
    }
}
