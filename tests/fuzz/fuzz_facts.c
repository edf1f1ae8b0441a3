/* SPDX-License-Identifier: Apache-2.0 */
/* What rules read of a stranger's header block. */
#include "policy/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str header = str_of(data, size);
    struct buf out = { 0 };

    facts_subject(header, &out);
    facts_field(header, STR("X-Postseal-Floor"), &out);
    buf_free(&out);
    return 0;
}
