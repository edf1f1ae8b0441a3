/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64 with CR LF lines, streamed into a sink. */
#ifndef POSTSEAL_SEAL_ARMOUR_H
#define POSTSEAL_SEAL_ARMOUR_H

#include "base/buf.h"
#include "seal/engine.h"

#include <openssl/bio.h>

enum { ARMOUR_LINE = 57 }; /* octets of one line of 76 characters */

struct armour {
    const struct seal_sink *sink;
    unsigned char rest[ARMOUR_LINE]; /* of an unfinished line */
    size_t rest_n;
    bool broken;
};

/* False when nobody takes it any more. */
bool armour_add(struct armour *armour, const void *from, size_t n);
/* The same as a BIO, which the armour outlives. */
BIO *armour_bio(struct armour *armour);
/* The last line; false when something could not be written. */
bool armour_end(struct armour *armour);
/* The same for what is in memory, appended to out. */
void armour_text(struct str in, struct buf *out);

#endif
