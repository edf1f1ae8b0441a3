/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealer's side of one errand (seal/errand.h): request first, then pieces
 * as a source, output as a sink, and one answer. Whoever asks may be slow or
 * gone: a wait ends after WIRE_WAIT_MS and the errand with it.
 */
#ifndef POSTSEAL_SEALER_WIRE_H
#define POSTSEAL_SEALER_WIRE_H

#include "seal/errand.h"

enum { WIRE_WAIT_MS = 60000 };

struct wire {
    int fd;
    struct buf in, out;
    struct str piece; /* of the frame at the front of in, not yet read */
    size_t used;      /* octets of that frame */
    bool ended;       /* no more pieces come */
    bool broken;
};

void wire_open(struct wire *wire, int fd);
void wire_close(struct wire *wire);

/* False: not a request; the errand is over. */
bool wire_request(struct wire *wire, struct arena *arena, struct errand *out);
/* The pieces as octets; valid while the wire is. */
struct seal_source wire_source(struct wire *wire);
/* All pieces, at most max octets; false: more than that, or broken. */
bool wire_read_all(struct wire *wire, size_t max, struct buf *out);
struct seal_sink wire_sink(struct wire *wire);
/* Sends what the sink still holds, and the answer. */
void wire_answer(struct wire *wire, const struct errand_answer *answer);

#endif
