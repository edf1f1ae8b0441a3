/* SPDX-License-Identifier: Apache-2.0 */
/* What dispatch and the sealer say to each other: each side distrusts the
 * other. What parses is written back and parses to the same. */
#include "seal/errand.h"
#include "seal/errand_frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(struct str in)
{
    struct arena arena = { 0 };
    struct errand errand, again;
    struct buf out = { 0 };

    if (errand_parse(in, &arena, &errand)) {
        errand_write(&errand, &out);
        if (!errand_parse(buf_str(&out), &arena, &again) ||
            again.kind != errand.kind || again.keys_n != errand.keys_n ||
            !str_eq(again.own_context, errand.own_context))
            abort();
    }
    buf_free(&out);
    arena_free(&arena);
}

static void answer(struct str in)
{
    struct arena arena = { 0 };
    struct errand_answer got, again;
    struct buf out = { 0 };

    if (errand_answer_parse(in, &arena, &got)) {
        errand_answer_write(&got, &out);
        if (!errand_answer_parse(buf_str(&out), &arena, &again) ||
            again.keys_n != got.keys_n || again.status.smtp != got.status.smtp)
            abort();
        for (size_t i = 0; i < got.keys_n; i++)
            if (!str_eq(got.keys[i].fingerprint, again.keys[i].fingerprint) ||
                !str_eq(got.keys[i].bytes, again.keys[i].bytes))
                abort();
    }
    buf_free(&out);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size), content;
    enum errand_frame type;
    size_t used;

    request(in);
    answer(in);
    while (errand_frame_read(in, &type, &content, &used) == FRAME_WHOLE) {
        if (used > in.n || content.n > used)
            abort();
        if (type == FRAME_ANSWER)
            answer(content);
        in = str_from(in, used);
    }
    return 0;
}
