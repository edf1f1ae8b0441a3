/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that grow. A zeroed struct buf is an empty one. Out of memory ends the
 * process (style.md): nothing here fails.
 */
#ifndef POSTSEAL_BASE_BUF_H
#define POSTSEAL_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
    char *p;
    size_t n;
    size_t cap;
};

void buf_add(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_add_cstr(struct buf *b, const char *text);
void buf_addf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *format, va_list args);
/* Room for n more bytes; returns where they go. Then add n to b->n. */
char *buf_room(struct buf *b, size_t n);
/* Drops the first n bytes and moves the rest to the front. */
void buf_drop(struct buf *b, size_t n);
/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);
/* The content; valid until the next change. */
struct str buf_str(const struct buf *b);
/* The content with a NUL behind it (not counted); valid until a change. */
const char *buf_cstr(struct buf *b);
/* Gives the memory back and leaves an empty buf. */
void buf_free(struct buf *b);
/* As buf_free, the bytes wiped first. */
void buf_wipe(struct buf *b);

#endif
