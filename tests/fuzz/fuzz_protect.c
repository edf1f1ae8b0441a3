/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting a header: nothing that was to be hidden is outside, and what is
 * split again outside is as it was. */
#include "mail/protect.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str header = str_of(data, size);
    struct protect_options options = { true, STR("[...]") };
    struct buf outer = { 0 }, inner = { 0 }, again = { 0 }, ignored = { 0 };

    protect_look(header);
    if (protect_header(header, &options, &outer, &inner)) {
        if (str_find_nocase(buf_str(&outer), STR("\nBcc:")) < outer.n ||
            str_find_nocase(buf_str(&outer), STR("\nKeywords:")) < outer.n ||
            !protect_header(buf_str(&outer), &options, &again, &ignored) ||
            !str_eq(buf_str(&outer), buf_str(&again)))
            abort();
    }
    options.protect_headers = false;
    protect_header(header, &options, &ignored, &inner);
    buf_free(&outer);
    buf_free(&inner);
    buf_free(&again);
    buf_free(&ignored);
    return 0;
}
