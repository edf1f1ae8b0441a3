/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns for addresses and texts, compared without regard to ASCII case.
 * Pure; time grows with pattern times text at most. */
#ifndef POSTSEAL_MAIL_PATTERN_H
#define POSTSEAL_MAIL_PATTERN_H

#include "base/str.h"

/* "*" stands for any octets, "?" for one. */
bool pattern_text(struct str pattern, struct str text);
/* domain, *.domain (subdomains, at any depth, not itself), * */
bool pattern_domain(struct str pattern, struct str domain);
/* local@domain, *@domain, *@*.domain; without "@" the domain alone counts.
 * The null sender fits no pattern. */
bool pattern_address(struct str pattern, struct str address);

/* Octets of address before its last "@"; address.n when there is none. */
size_t pattern_at(struct str address);

#endif
