/* SPDX-License-Identifier: Apache-2.0 */
/* A policy that is read keeps its promises, and reads the same again. */
#include "posture/sts.h"
#include "posture/tlsrpt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size), id;
    struct arena arena = { 0 };
    struct sts_policy p, again;

    if (sts_record_parse(text, &id) && (id.n == 0 || id.n > 32))
        abort();
    if (tlsrpt_parse(text, &id) && (id.n == 0 || id.n > size))
        abort();
    if (status_is_ok(sts_policy_parse(text, &arena, &p))) {
        if (p.max_age_s < 0 || p.max_age_s > STS_AGE_MAX_S ||
            p.mx_n > STS_MX_MAX || (p.mode == STS_ENFORCE && p.mx_n == 0))
            abort();
        if (!status_is_ok(sts_policy_parse(p.body, &arena, &again)) ||
            again.mx_n != p.mx_n || sts_disjoint(&p, &again))
            abort();
        sts_lists(&p, str_first(text, 64));
    }
    arena_free(&arena);
    return 0;
}
