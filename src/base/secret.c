/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <string.h>

bool secret_set(struct secret *secret, struct str s)
{
    if (s.n > SECRET_MAX)
        return false;
    if (s.n > 0)
        memcpy(secret->bytes, s.p, s.n);
    secret->n = s.n;
    return true;
}

bool secret_eq(const struct secret *a, const struct secret *b)
{
    return str_eq_secret(str_of(a->bytes, a->n), str_of(b->bytes, b->n));
}

void secret_wipe(struct secret *secret)
{
    explicit_bzero(secret, sizeof(*secret));
}
