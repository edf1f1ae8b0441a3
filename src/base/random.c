/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "base/panic.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, size_t n)
{
    char *p = out;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            panic("getrandom failed (errno %d)", errno);
        p += got;
        n -= (size_t)got;
    }
}

uint32_t random_below(uint32_t below)
{
    uint32_t limit, value;

    if (below == 0)
        panic("random_below(0)");
    limit = UINT32_MAX - UINT32_MAX % below;
    do
        random_bytes(&value, sizeof(value));
    while (value >= limit);
    return value % below;
}
