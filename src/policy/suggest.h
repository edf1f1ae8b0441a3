/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean ...?" for mistyped names. Pure. */
#ifndef POSTSEAL_POLICY_SUGGEST_H
#define POSTSEAL_POLICY_SUGGEST_H

#include "base/str.h"

/* Edits (insert, delete, replace, swap of neighbours) from a to b; names
 * longer than 40 octets count as wholly different. */
unsigned suggest_distance(struct str a, struct str b);
/* The nearest of the names (NULL-terminated list), or NULL when none is near
 * enough to be meant. */
const char *suggest_name(struct str typed, const char *const *names);

#endif
