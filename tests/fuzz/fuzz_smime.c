/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and enveloped messages of strangers. */
#include "seal/smime.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct str in = str_of(data, size);
    struct key_facts *facts;
    struct buf pem = { 0 };
    struct key_facts own;
    size_t n;

    if (size < (64 << 10)) {
        if (!status_is_ok(
                smime_read_certificates(in, NULL, 0, &arena, &facts, &n)))
            n = 0;
        for (size_t i = 0; i < n; i++) {
            if (facts[i].refused.n == 0 && facts[i].addresses_n == 0)
                abort();
            smime_is_encrypted_to(in, &facts[i].bytes, 1);
        }
        smime_is_encrypted_to(in, &in, 1);
        smime_own_key(in, STR(""), 0, &arena, &own, &pem);
    }
    buf_wipe(&pem);
    arena_free(&arena);
    return 0;
}
