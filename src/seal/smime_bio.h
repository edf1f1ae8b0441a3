/* SPDX-License-Identifier: Apache-2.0 */
/* A BIO that writes base 64 with CR LF lines into a sink. */
#ifndef POSTSEAL_SEAL_SMIME_BIO_H
#define POSTSEAL_SEAL_SMIME_BIO_H

#include "base/buf.h"
#include "seal/engine.h"

#include <openssl/bio.h>

enum { ARMOUR_LINE = 57 }; /* octets of one line of 76 characters */

struct smime_armour {
    const struct seal_sink *sink;
    unsigned char rest[ARMOUR_LINE]; /* of an unfinished line */
    size_t rest_n;
    bool broken;
};

/* The armour outlives the BIO. */
BIO *smime_armour_bio(struct smime_armour *armour);
/* The last line; false when something could not be written. */
bool smime_armour_end(struct smime_armour *armour);
/* The same for what is in memory, appended to out. */
void smime_armour_text(struct str in, struct buf *out);

#endif
