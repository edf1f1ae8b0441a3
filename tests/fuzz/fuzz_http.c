/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads, chunked bodies and forms; what is accepted reads the same
 * again. */
#include "net/http_request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size);
    struct http_request request;
    struct buf out = { 0 };
    uint16_t refuse = 0;
    size_t used = 0;

    if (http_request_parse(in, &request, &used, &refuse) == HTTP_OK) {
        size_t again = 0;

        if (used > size || request.path.n == 0 || request.path.p[0] != '/')
            abort();
        if (http_request_parse(str_first(in, used), &request, &again,
                               &refuse) != HTTP_OK ||
            again != used)
            abort();
        http_request_cookie(&request, STR("__Host-postseal"));
        http_form_value(str_from(in, used), STR("code"), &out);
    }
    http_chunked_parse(in, 4096, &out, &used, &refuse);
    http_form_value(in, STR("code"), &out);
    if (out.n > 4096 + 2 * size)
        abort();
    buf_free(&out);
    return 0;
}
