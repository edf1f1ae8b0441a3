/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/tlsrpt.h"

static bool is_address(struct str uri)
{
    struct str rest;

    if (str_starts_nocase(uri, STR("mailto:"))) {
        rest = str_from(uri, 7);
        return str_find_char(rest, '@') > 0 &&
               str_find_char(rest, '@') + 1 < rest.n;
    }
    return str_starts_nocase(uri, STR("https://")) && uri.n > 8;
}

static bool are_addresses(struct str list)
{
    struct str one;
    size_t n = 0;

    while (str_split(&list, ',', &one)) {
        if (!is_address(str_trim(one)))
            return false;
        n++;
    }
    return n > 0;
}

bool tlsrpt_parse(struct str text, struct str *rua)
{
    struct str rest = text, field;

    if (!str_split(&rest, ';', &field) ||
        !str_eq(str_trim(field), STR("v=TLSRPTv1")))
        return false;
    while (str_split(&rest, ';', &field)) {
        field = str_trim(field);
        if (!str_starts(field, STR("rua=")))
            continue;
        *rua = str_trim(str_from(field, 4));
        return are_addresses(*rua);
    }
    return false;
}
