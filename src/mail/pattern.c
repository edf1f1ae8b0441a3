/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/pattern.h"

/* Only the newest star is ever gone back to: an older one can gain nothing. */
bool pattern_text(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;

    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.n &&
                   (pattern.p[p] == '?' ||
                    ascii_lower(pattern.p[p]) == ascii_lower(text.p[t]))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

bool pattern_domain(struct str pattern, struct str domain)
{
    if (str_eq(pattern, STR("*")))
        return true;
    if (str_starts(pattern, STR("*.")))
        return domain.n > pattern.n - 1 &&
               str_ends_nocase(domain, str_from(pattern, 1));
    return str_eq_nocase(pattern, domain);
}

size_t pattern_at(struct str address)
{
    for (size_t i = address.n; i > 0; i--)
        if (address.p[i - 1] == '@')
            return i - 1;
    return address.n;
}

bool pattern_address(struct str pattern, struct str address)
{
    size_t at = pattern_at(address), mark = pattern_at(pattern);

    if (at == address.n)
        return false;
    if (mark == pattern.n)
        return pattern_domain(pattern, str_from(address, at + 1));
    return pattern_text(str_first(pattern, mark), str_first(address, at)) &&
           pattern_domain(str_from(pattern, mark + 1),
                          str_from(address, at + 1));
}
