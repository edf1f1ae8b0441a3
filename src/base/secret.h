/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key material and passwords. There is no way to print one, and it is wiped
 * when it is freed.
 */
#ifndef POSTSEAL_BASE_SECRET_H
#define POSTSEAL_BASE_SECRET_H

#include "base/str.h"

enum { SECRET_MAX = 1024 };

struct secret {
    unsigned char bytes[SECRET_MAX];
    size_t n;
};

/* Copies s; false when it is longer than SECRET_MAX. */
bool secret_set(struct secret *secret, struct str s);
bool secret_eq(const struct secret *a, const struct secret *b);
/* Overwrites it so that the compiler cannot leave it out. */
void secret_wipe(struct secret *secret);

#endif
