/* SPDX-License-Identifier: Apache-2.0 */
/* The frames errands travel in (errand.h): the codec both sides use. Pure. */
#ifndef POSTSEAL_SEAL_ERRAND_FRAME_H
#define POSTSEAL_SEAL_ERRAND_FRAME_H

#include "base/buf.h"

enum errand_frame {
    FRAME_REQUEST = 'R',
    FRAME_PIECE = 'D',
    FRAME_END = 'E',
    FRAME_ANSWER = 'A',
};

void errand_frame_add(struct buf *out, enum errand_frame type,
                      struct str content);

enum errand_frame_seen { FRAME_WHOLE, FRAME_MORE, FRAME_BAD };
/* The first frame of in, its content a slice of it; *used octets in all.
 * FRAME_BAD: unknown type or over the type's limit. */
enum errand_frame_seen errand_frame_read(struct str in, enum errand_frame *type,
                                         struct str *content, size_t *used);

#endif
