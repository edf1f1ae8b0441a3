/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include "base/clock.h"
#include "base/random.h"

#include <string.h>

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

struct id id_new(void)
{
    unsigned char raw[16];
    uint64_t ms = (uint64_t)clock_wall_ms();
    unsigned __int128 value = 0;
    struct id id = { { 0 } };

    random_bytes(raw, sizeof(raw));
    for (int i = 0; i < 6; i++)
        raw[i] = (unsigned char)(ms >> (40 - 8 * i));
    raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x70);
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
