/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The faults of all hosts of a domain taken together. One host that may come
 * back makes the whole fault a passing one, because the next attempt may go
 * through that host. Pure.
 */
#ifndef POSTSEAL_POSTURE_BLAME_H
#define POSTSEAL_POSTURE_BLAME_H

#include <stdbool.h>
#include <stdint.h>

struct blame {
    uint32_t lasting, passing;
};
/* Is it the domain's settings, not the moment? No host at all is a passing
 * fault: the resolver may know more later. */
static inline bool blame_is_lasting(struct blame blame)
{
    return blame.lasting > 0 && blame.passing == 0;
}

#endif
