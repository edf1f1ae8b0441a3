/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How generator and sink recognise a message: an id and the time it was sent
 * in its header, and a checksum over its body. The sink believes nothing else.
 */
#ifndef POSTSEAL_BENCH_STAMP_H
#define POSTSEAL_BENCH_STAMP_H

#include "base/buf.h"

struct stamp {
    uint64_t run;     /* of this run of the generator */
    uint64_t number;  /* 0.. */
    uint64_t sent_ns; /* monotonic clock of this machine */
};

/* A message of about size octets with CR LF lines. */
void stamp_write(const struct stamp *stamp, size_t size, struct buf *out);
/* Reads a message as received, whatever header fields stand before ours.
 * False: no stamp, or the body is not what was sent. */
bool stamp_read(struct str message, struct stamp *out);
uint64_t stamp_now_ns(void);

#endif
