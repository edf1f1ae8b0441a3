/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *buf_room(struct buf *b, size_t n)
{
    size_t need = b->n + n;
    size_t cap = b->cap == 0 ? 64 : b->cap;

    if (need < b->n)
        panic("buf: size overflow");
    if (need <= b->cap)
        return b->p + b->n;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->p = realloc(b->p, cap);
    if (b->p == NULL)
        panic("out of memory (%zu bytes)", cap);
    b->cap = cap;
    return b->p + b->n;
}

void buf_add(struct buf *b, struct str s)
{
    if (s.n == 0)
        return;
    memcpy(buf_room(b, s.n), s.p, s.n);
    b->n += s.n;
}

void buf_add_char(struct buf *b, char c)
{
    *buf_room(b, 1) = c;
    b->n++;
}

void buf_add_cstr(struct buf *b, const char *text)
{
    buf_add(b, str_from_cstr(text));
}

void buf_vaddf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0)
        panic("buf_addf: bad format");
    vsnprintf(buf_room(b, (size_t)n + 1), (size_t)n + 1, format, args);
    b->n += (size_t)n;
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vaddf(b, format, args);
    va_end(args);
}

void buf_drop(struct buf *b, size_t n)
{
    if (n > b->n)
        panic("buf_drop: %zu of %zu", n, b->n);
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

void buf_clear(struct buf *b)
{
    b->n = 0;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){ b->p == NULL ? "" : b->p, b->n };
}

const char *buf_cstr(struct buf *b)
{
    *buf_room(b, 1) = '\0';
    return b->p;
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){ 0 };
}

void buf_wipe(struct buf *b)
{
    if (b->p != NULL)
        explicit_bzero(b->p, b->cap);
    buf_free(b);
}
