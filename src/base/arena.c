/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/panic.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 2048, ALIGN = alignof(max_align_t) };

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t cap;
    alignas(max_align_t) char bytes[];
};

static struct arena_block *block_new(size_t cap)
{
    struct arena_block *b = malloc(sizeof(*b) + cap);

    if (b == NULL)
        panic("out of memory (%zu bytes)", cap);
    b->next = NULL;
    b->used = 0;
    b->cap = cap;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t want = (n + ALIGN - 1) / ALIGN * ALIGN;
    struct arena_block *b = a->blocks;
    void *p;

    if (want < n)
        panic("arena: size overflow");
    if (b == NULL || b->cap - b->used < want) {
        b = block_new(want > BLOCK_BYTES ? want : BLOCK_BYTES);
        b->next = a->blocks;
        a->blocks = b;
    }
    p = b->bytes + b->used;
    b->used += want;
    return memset(p, 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;

    if (__builtin_mul_overflow(count, size, &n))
        panic("arena: %zu elements of %zu bytes", count, size);
    return arena_alloc(a, n);
}

struct str str_keep(struct arena *a, struct str s)
{
    return str_of(str_keep_cstr(a, s), s.n);
}

char *str_keep_cstr(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1);

    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    return copy;
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    char *text;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        panic("arena_printf: bad format");
    text = arena_alloc(a, (size_t)n + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return str_of(text, (size_t)n);
}

static void blocks_free(struct arena_block *b)
{
    while (b != NULL) {
        struct arena_block *next = b->next;

        free(b);
        b = next;
    }
}

void arena_adopt(struct arena *a, struct arena *from)
{
    struct arena_block **end = &a->blocks;

    while (*end != NULL)
        end = &(*end)->next;
    *end = from->blocks;
    from->blocks = NULL;
}

void arena_reset(struct arena *a)
{
    struct arena_block *b = a->blocks;

    if (b == NULL)
        return;
    blocks_free(b->next);
    b->next = NULL;
    b->used = 0;
    if (b->cap > BLOCK_BYTES)
        arena_free(a);
}

void arena_free(struct arena *a)
{
    blocks_free(a->blocks);
    a->blocks = NULL;
}
