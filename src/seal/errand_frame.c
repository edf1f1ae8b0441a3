/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/errand_frame.h"

#include "base/panic.h"
#include "seal/errand.h"

enum { HEAD = 4 };

void errand_frame_add(struct buf *out, enum errand_frame type,
                      struct str content)
{
    if (content.n > ERRAND_FIELDS_MAX)
        panic("an errand of %zu octets", content.n);
    buf_add_char(out, (char)type);
    for (int shift = 16; shift >= 0; shift -= 8)
        buf_add_char(out, (char)(content.n >> shift & 0xff));
    buf_add(out, content);
}

static size_t most_of(char type)
{
    switch (type) {
    case FRAME_REQUEST:
    case FRAME_ANSWER:
        return ERRAND_FIELDS_MAX;
    case FRAME_PIECE:
        return ERRAND_PIECE_MAX;
    default:
        return 0;
    }
}

enum errand_frame_seen errand_frame_read(struct str in, enum errand_frame *type,
                                         struct str *content, size_t *used)
{
    const unsigned char *p = (const unsigned char *)in.p;
    size_t n;

    if (in.n == 0)
        return FRAME_MORE;
    if (most_of(in.p[0]) == 0 && in.p[0] != FRAME_END)
        return FRAME_BAD;
    if (in.n < HEAD)
        return FRAME_MORE;
    n = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (n > most_of(in.p[0]))
        return FRAME_BAD;
    if (in.n < HEAD + n)
        return FRAME_MORE;
    *type = (enum errand_frame)in.p[0];
    *content = str_first(str_from(in, HEAD), n);
    *used = HEAD + n;
    return FRAME_WHOLE;
}
