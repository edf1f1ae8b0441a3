/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out of DNS: names are host names of legal length, TLSA records
 * point into their rdata. */
#include "net/nameserver.h"
#include "net/resolver.h"
#include "posture/need.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rdata = str_of(data, size), name;
    struct arena arena = { 0 };
    struct tlsa tlsa;
    struct signature_times times;
    size_t used;

    if (dns_name_text(rdata, &arena, &name, &used)) {
        if (used > size || name.n > 254)
            abort();
        for (size_t i = 0; i < name.n; i++)
            if (!ascii_is_alnum(name.p[i]) && name.p[i] != '.' &&
                name.p[i] != '-' && name.p[i] != '_')
                abort();
    }
    if (tlsa_parse(rdata, &tlsa) && tlsa_usable(&tlsa) &&
        (tlsa.data.n == 0 || tlsa.data.n > size))
        abort();
    if (dns_txt_text(rdata, &arena).n > size)
        abort();
    nameserver_reply_times(rdata, &times);
    arena_free(&arena);
    return 0;
}
