/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/suggest.h"

enum { NAME_MAX_BYTES = 40 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

unsigned suggest_distance(struct str a, struct str b)
{
    unsigned d[NAME_MAX_BYTES + 1][NAME_MAX_BYTES + 1];

    if (a.n > NAME_MAX_BYTES || b.n > NAME_MAX_BYTES)
        return NAME_MAX_BYTES;
    for (unsigned i = 0; i <= a.n; i++)
        d[i][0] = i;
    for (unsigned j = 0; j <= b.n; j++)
        d[0][j] = j;
    for (unsigned i = 1; i <= a.n; i++)
        for (unsigned j = 1; j <= b.n; j++) {
            bool same = ascii_lower(a.p[i - 1]) == ascii_lower(b.p[j - 1]);
            bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
                           a.p[i - 2] == b.p[j - 1];

            d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1,
                            d[i - 1][j - 1] + (same ? 0 : 1));
            if (swapped && d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    return d[a.n][b.n];
}

const char *suggest_name(struct str typed, const char *const *names)
{
    const char *best = NULL;
    unsigned limit = typed.n < 4 ? 1 : typed.n < 8 ? 2 : 3;

    for (; *names != NULL; names++) {
        unsigned distance = suggest_distance(typed, str_from_cstr(*names));

        if (distance <= limit) {
            best = *names;
            limit = distance == 0 ? 0 : distance - 1;
        }
    }
    return best;
}
