/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_safe.h"

#include "base/utf8.h"

#include <string.h>

static uint32_t code_point(struct str s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s.p;
    static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t c = p[0] & first_bits[n];

    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

/* Controls, C1 controls, and the marks of UAX 9 that reorder a line; also the
 * two separators that are line ends to some, and what has no width: blanks and
 * the tags of U+E0000. */
static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
           (c >= 0xe0000 && c <= 0xe007f);
}

size_t safe_hidden(struct str s)
{
    size_t n = utf8_length(s);

    if (n == 0)
        return 1;
    return is_harmful(code_point(s, n)) ? n : 0;
}

void safe_write(struct str s, struct buf *out)
{
    while (s.n > 0) {
        size_t n = safe_hidden(s);

        if (n > 0) {
            buf_add_char(out, '?');
        } else {
            n = utf8_length(s);
            buf_add(out, str_first(s, n));
        }
        s = str_from(s, n);
    }
}

json_t *safe_json(struct str s)
{
    struct buf clean = { 0 };
    json_t *value;

    safe_write(s, &clean);
    value = json_stringn(clean.n == 0 ? "" : clean.p, clean.n);
    buf_free(&clean);
    return value;
}

json_t *safe_json_or_null(struct str s)
{
    return s.n == 0 ? json_null() : safe_json(s);
}

static size_t columns_of(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

void safe_wrap(struct str s, size_t indent, size_t width, FILE *out)
{
    safe_wrap_from(s, indent, indent, width, out);
}

void safe_wrap_from(struct str s, size_t column, size_t indent, size_t width,
                    FILE *out)
{
    struct buf clean = { 0 };
    struct str rest, word;
    bool first = true; /* on its line */

    safe_write(s, &clean);
    rest = buf_str(&clean);
    while (str_split(&rest, ' ', &word)) {
        size_t n = columns_of(word);

        if (column > indent && column + !first + n > width) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', out);
            column++;
        }
        first = false;
        fwrite(word.n == 0 ? "" : word.p, 1, word.n, out);
        column += n;
    }
    fputc('\n', out);
    buf_free(&clean);
}
