/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/engine.h"

#include <string.h>

static ssize_t read_memory(void *context, void *to, size_t n)
{
    struct str *left = context;
    struct str part = str_first(*left, n);

    if (part.n > 0)
        memcpy(to, part.p, part.n);
    *left = str_from(*left, part.n);
    return (ssize_t)part.n;
}

struct seal_source seal_from_memory(struct str *left)
{
    return (struct seal_source){ read_memory, left };
}
