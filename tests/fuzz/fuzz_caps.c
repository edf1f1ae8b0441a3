/* SPDX-License-Identifier: Apache-2.0 */
/* A server's EHLO lines; unknown ones change nothing that is known. */
#include "smtp/caps.h"

#include "base/buf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_caps caps, again;
    struct buf more = { 0 };

    smtp_caps_parse(str_of(data, size), &caps);
    buf_add(&more, str_of(data, size));
    buf_add_cstr(&more, "\nX-UNKNOWN 1 2 3");
    smtp_caps_parse(buf_str(&more), &again);
    if (size > 0 && (caps.starttls != again.starttls ||
                     caps.pipelining != again.pipelining))
        abort();
    buf_free(&more);
    return 0;
}
