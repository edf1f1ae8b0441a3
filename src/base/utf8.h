/* SPDX-License-Identifier: Apache-2.0 */
/* Strict UTF-8 (RFC 3629): no overlong forms, surrogates, or beyond U+10FFFF.
 */
#ifndef POSTSEAL_BASE_UTF8_H
#define POSTSEAL_BASE_UTF8_H

#include "base/str.h"

/* Octets of the character at the start of s; 0 when there is none. */
size_t utf8_length(struct str s);
bool utf8_valid(struct str s);

#endif
