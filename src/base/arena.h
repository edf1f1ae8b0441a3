/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory with one lifetime: a session's or a transaction's. Whoever makes an
 * arena frees it; nothing in it is freed alone. Not shared between threads.
 */
#ifndef POSTSEAL_BASE_ARENA_H
#define POSTSEAL_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

/* A zeroed struct arena is an empty one. */
struct arena {
    struct arena_block *blocks;
};

/* n zeroed bytes, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *a, size_t n);
/* count zeroed elements of size bytes; overflow is a panic. */
void *arena_array(struct arena *a, size_t count, size_t size);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

/* A copy of s that lives as long as the arena. */
struct str str_keep(struct arena *a, struct str s);
/* The same with a NUL behind it, for libraries that demand one. */
char *str_keep_cstr(struct arena *a, struct str s);
/* A formatted text in the arena. */
struct str arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes over what another arena holds, which is empty then: a thread fills one
 * of its own, and whoever asked for it keeps the whole. */
void arena_adopt(struct arena *a, struct arena *from);

/* Forgets everything but keeps the first block for the next transaction. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
