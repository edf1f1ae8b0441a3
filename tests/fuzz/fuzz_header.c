/* SPDX-License-Identifier: Apache-2.0 */
/* Fields cover the block without gaps; authors are addresses. */
#include "mail/address.h"
#include "mail/header.h"
#include "mail/received.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str header = str_of(data, size), rest = header, *authors;
    struct header_field field;
    struct arena arena = { 0 };
    struct buf out = { 0 };
    size_t n, all, ours, total = 0;
    struct address a;

    while (header_next(&rest, &field)) {
        total += field.raw.n;
        header_unfold(field.body, &out);
    }
    if (total > size)
        abort();
    header_decode(header, &out);
    if (header_authors(header, &arena, &authors, &n))
        for (size_t i = 0; i < n; i++)
            if (!address_parse(authors[i], &arena, &a))
                abort();
    received_count(header, STR("gate.clinic.example"), &all, &ours);
    if (ours > all)
        abort();
    buf_free(&out);
    arena_free(&arena);
    return 0;
}
