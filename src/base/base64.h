/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64 (RFC 4648, 4 and 5), one reading only. */
#ifndef POSTSEAL_BASE_BASE64_H
#define POSTSEAL_BASE_BASE64_H

#include "base/buf.h"

void base64_encode(struct str in, struct buf *out);
/* The alphabet safe in addresses, without padding. */
void base64url_encode(struct str in, struct buf *out);
/* Appends to out. False, with out as it was, for any octet outside the
 * alphabet, wrong padding, or unused bits that are not zero. */
bool base64_decode(struct str in, struct buf *out);
bool base64url_decode(struct str in, struct buf *out);

#endif
