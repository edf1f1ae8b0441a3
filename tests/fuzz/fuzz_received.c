/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a client says of itself, our trace line stays one field. */
#include "mail/header.h"
#include "mail/received.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size), rest;
    struct received_facts facts = {
        .helo = text,
        .address = STR("192.0.2.1"),
        .by = STR("gate.clinic.example"),
        .id = STR("01arz3ndektsv4rrffq69g5fav"),
        .esmtp = true,
        .tls = size % 2 == 0,
        .tls_version = STR("TLSv1.3"),
        .tls_cipher = STR("TLS_AES_256_GCM_SHA384"),
        .wall_ms = 1700000000000,
    };
    struct header_field field;
    struct buf out = { 0 };
    size_t all, ours;

    received_write(&facts, &out);
    rest = buf_str(&out);
    if (!header_next(&rest, &field) || rest.n > 0 ||
        !str_eq(field.name, STR("Received")))
        abort();
    received_count(buf_str(&out), facts.by, &all, &ours);
    if (all != 1 || ours != 1)
        abort();
    received_count(text, facts.by, &all, &ours);
    if (ours > all)
        abort();
    buf_free(&out);
    return 0;
}
