/* SPDX-License-Identifier: Apache-2.0 */
/* An address that is taken reads back as itself. */
#include "mail/address.h"
#include "mail/pattern.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct address a, again;
    struct str s = str_of(data, size);
    size_t used;
    bool empty;

    if (address_parse(s, &arena, &a) &&
        (!address_parse(a.text, &arena, &again) ||
         !str_eq(a.text, again.text) || !str_eq(a.local, again.local) ||
         a.text.n > ADDRESS_MAX || !pattern_address(STR("*"), a.text)))
        abort();
    if (address_path(s, &arena, &a, &empty, &used) && used > size)
        abort();
    arena_free(&arena);
    return 0;
}
