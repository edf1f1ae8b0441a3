/* SPDX-License-Identifier: Apache-2.0 */
#include "role/sealer/letter.h"

#include <string.h>

enum { HEADER_MAX = 2 << 20, BLOCK = 16384 };

static bool find_end(struct letter *l)
{
    struct str head = buf_str(&l->head);
    size_t at =
        str_starts(head, STR("\r\n")) ? 0 : str_find(head, STR("\r\n\r\n"));

    if (at == head.n)
        return false;
    l->header_n = at == 0 ? 0 : at + 2;
    l->text_at = l->header_n + 2;
    return true;
}

struct status letter_open(struct wire *wire, struct letter *l)
{
    ssize_t n = 1;

    *l = (struct letter){ .wire = wire, .source = wire_source(wire) };
    while (!find_end(l) && l->head.n < HEADER_MAX && n > 0) {
        n = l->source.read(l->source.context, buf_room(&l->head, BLOCK), BLOCK);
        if (n > 0)
            l->head.n += (size_t)n;
    }
    if (l->text_at > 0)
        return status_ok();
    if (n < 0)
        return status_defer("the message did not come whole");
    if (l->head.n >= HEADER_MAX)
        return status_refuse("the header has no end");
    /* A header and nothing else. */
    l->header_n = l->text_at = l->head.n;
    return status_ok();
}

void letter_close(struct letter *l)
{
    buf_wipe(&l->head);
    buf_wipe(&l->before);
}

struct str letter_header(const struct letter *l)
{
    return str_first(buf_str(&l->head), l->header_n);
}

static ssize_t take(struct str from, size_t *used, void *to, size_t n)
{
    struct str part = str_first(str_from(from, *used), n);

    if (part.n > 0)
        memcpy(to, part.p, part.n);
    *used += part.n;
    return (ssize_t)part.n;
}

static ssize_t read_letter(void *context, void *to, size_t n)
{
    struct letter *l = context;
    ssize_t got = take(buf_str(&l->before), &l->given, to, n);

    if (got == 0)
        got =
            take(str_from(buf_str(&l->head), l->text_at), &l->text_off, to, n);
    return got != 0 ? got : l->source.read(l->source.context, to, n);
}

struct seal_source letter_source(struct letter *l, struct str before)
{
    buf_add(&l->before, before);
    return (struct seal_source){ read_letter, l };
}
