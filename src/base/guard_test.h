/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of parsers: inputs that touch an unreadable page, so that one octet
 * read beyond the input ends the test, with or without a sanitizer.
 */
#ifndef POSTSEAL_BASE_GUARD_TEST_H
#define POSTSEAL_BASE_GUARD_TEST_H

#include "base/panic.h"
#include "base/str.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void guard_try(struct str input);

/* Calls try with a copy of s that ends at an unreadable page, and with one that
 * begins behind such a page. */
static inline void guard_each_side(struct str s, guard_try *try)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (s.n / page + 1) * page;
    char *low = mmap(NULL, room + 2 * page, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *begin, *end;

    if (low == MAP_FAILED ||
        mprotect(low + page, room, PROT_READ | PROT_WRITE) != 0)
        panic("no memory for a guarded input");
    begin = low + page;
    end = begin + room - s.n;
    if (s.n > 0)
        memcpy(end, s.p, s.n);
    try(str_of(end, s.n));
    if (s.n > 0)
        memmove(begin, end, s.n);
    try(str_of(begin, s.n));
    munmap(low, room + 2 * page);
}

/* The same for s and all that is left of it when it is cut off early. */
static inline void guard_each_prefix(struct str s, guard_try *try)
{
    for (size_t n = 0; n <= s.n; n++)
        guard_each_side(str_first(s, n), try);
}

#endif
