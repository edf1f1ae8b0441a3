/* SPDX-License-Identifier: Apache-2.0 */
/* No client message opens an account whose password it does not prove. */
#include "role/intake/scram.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size);
    size_t cut = str_find_char(text, '\n');
    struct scram s;
    struct scram_verifier v;
    struct buf out = { 0 };

    memset(&s, 0, sizeof(s));
    if (scram_client_first(&s, str_first(text, cut))) {
        scram_decoy(buf_str(&s.user), &v);
        scram_server_first(&s, &v, STR("3rfcNHYJY1ZVvWVs7j"));
        if (cut < size &&
            scram_client_final(&s, &v, str_from(text, cut + 1), &out))
            abort();
    }
    scram_free(&s);
    buf_free(&out);
    return 0;
}
