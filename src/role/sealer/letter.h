/* SPDX-License-Identifier: Apache-2.0 */
/* A message as it comes over the wire: header first, the rest as a source. */
#ifndef POSTSEAL_SEALER_LETTER_H
#define POSTSEAL_SEALER_LETTER_H

#include "role/sealer/wire.h"

struct letter {
    struct wire *wire;
    struct seal_source source; /* of the wire */
    struct buf head;           /* what was read to find the end of the header */
    size_t header_n, text_at;
    struct buf before;      /* given before the text */
    size_t given, text_off; /* of before, of head past text_at */
};

/* Reads up to the empty line; refused when there is none within 2 MiB. */
struct status letter_open(struct wire *wire, struct letter *out);
void letter_close(struct letter *letter);
struct str letter_header(const struct letter *letter);
/* before (kept by the letter) and then the text after the empty line. */
struct seal_source letter_source(struct letter *letter, struct str before);

#endif
