/* SPDX-License-Identifier: Apache-2.0 */
/* One reading only: what is decoded encodes back to the same letters. */
#include "base/base64.h"
#include "base/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bool decode_fn(struct str in, struct buf *out);
typedef void encode_fn(struct str in, struct buf *out);

static void check(struct str text, decode_fn *decode, encode_fn *encode)
{
    struct buf plain = { 0 }, back = { 0 };

    if (decode(text, &plain)) {
        encode(buf_str(&plain), &back);
        if (!str_eq(buf_str(&back), text))
            abort();
    } else if (plain.n > 0) {
        abort();
    }
    buf_free(&plain);
    buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size);

    check(text, base64_decode, base64_encode);
    check(text, base64url_decode, base64url_encode);
    size_t n = utf8_length(text);
    if (n > size || (size > 0 && utf8_valid(text) && n == 0))
        abort();
    return 0;
}
