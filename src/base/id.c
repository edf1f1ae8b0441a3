/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include "base/clock.h"
#include "base/random.h"

#include <stdatomic.h>
#include <string.h>

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* Milliseconds and a counter below them that only ever rises, so that ids of
 * one process sort in the order they were made (RFC 9562, 6.2, method 1). */
static uint64_t next_stamp(void)
{
    static _Atomic uint64_t newest;
    uint64_t before = newest, now = (uint64_t)clock_wall_ms() << 12, next;

    do
        next = now > before ? now : before + 1;
    while (!atomic_compare_exchange_weak(&newest, &before, next));
    return next;
}

struct id id_new(void)
{
    unsigned char raw[16];
    uint64_t stamp = next_stamp();
    unsigned __int128 value = 0;
    struct id id = { { 0 } };

    random_bytes(raw, sizeof(raw));
    for (int i = 0; i < 6; i++)
        raw[i] = (unsigned char)(stamp >> (52 - 8 * i));
    raw[6] = (unsigned char)((stamp >> 8 & 0x0f) | 0x70);
    raw[7] = (unsigned char)(stamp & 0xff);
    raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(raw); i++)
        value = value << 8 | raw[i];
    for (int i = ID_TEXT - 1; i >= 0; i--, value >>= 5)
        id.text[i] = alphabet[value & 31];
    return id;
}

bool id_parse(struct str s, struct id *out)
{
    struct id id = { { 0 } };

    if (s.n != ID_TEXT || s.p[0] > '7')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);

        if (c == '\0' || strchr(alphabet, c) == NULL)
            return false;
        id.text[i] = c;
    }
    *out = id;
    return true;
}
