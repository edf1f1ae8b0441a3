/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slice of bytes that belongs to somebody else. It may hold any octet, NUL
 * included, and is never terminated: nothing here looks past n. A str must not
 * outlive its owner; str_keep() (arena.h) copies.
 */
#ifndef POSTSEAL_BASE_STR_H
#define POSTSEAL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

/* A literal as a slice; also for static tables. */
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_INIT(literal)                                                      \
    {                                                                          \
        "" literal, sizeof(literal) - 1                                        \
    }
/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) ((int)(s).n), ((s).n == 0 ? "" : (s).p)

static inline struct str str_of(const void *p, size_t n)
{
    return (struct str){ p, n };
}

/* A NUL-terminated text as a slice; NULL becomes the empty slice. */
struct str str_from_cstr(const char *text);

bool str_eq(struct str a, struct str b);
/* Equal but for ASCII case; no locale. */
bool str_eq_nocase(struct str a, struct str b);
/* Total order by octets; a prefix sorts before what it starts. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_ends_nocase(struct str s, struct str suffix);

/* Offset of the first c or needle, or s.n when there is none. */
size_t str_find_char(struct str s, char c);
size_t str_find(struct str s, struct str needle);
size_t str_find_nocase(struct str s, struct str needle);
bool str_has_char(struct str s, char c);

/* Bytes from..n, clamped to s. */
struct str str_from(struct str s, size_t from);
/* The first n bytes, clamped to s. */
struct str str_first(struct str s, size_t n);
/* Without blanks and tabs (and CR, LF) at both ends. */
struct str str_trim(struct str s);

/*
 * Cuts the next piece of *rest before separator c into *piece and moves *rest
 * behind it. False when *rest is used up (then *piece is empty).
 */
bool str_split(struct str *rest, char c, struct str *piece);

/* Decimal digits only, whole slice, up to max. False leaves *out alone. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);

/* The time depends on the lengths alone; for codes, hashes and tokens. */
bool str_eq_secret(struct str a, struct str b);

/* FNV-1a, for hash tables of our own making only. */
uint64_t str_hash(struct str s);

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool ascii_is_alpha(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
static inline bool ascii_is_alnum(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

#endif
