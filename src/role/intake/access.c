/* SPDX-License-Identifier: Apache-2.0 */
#include "role/intake/access.h"

#include "mail/address.h"

#include <arpa/inet.h>
#include <string.h>

bool access_parse_address(const char *text, uint8_t *family, uint8_t octets[16])
{
    static const uint8_t mapped[12] = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
    };

    memset(octets, 0, 16);
    if (inet_pton(AF_INET, text, octets) == 1) {
        *family = AF_INET;
        return true;
    }
    if (inet_pton(AF_INET6, text, octets) != 1)
        return false;
    *family = AF_INET6;
    if (memcmp(octets, mapped, sizeof(mapped)) == 0) {
        memmove(octets, octets + 12, 4);
        memset(octets + 4, 0, 12);
        *family = AF_INET;
    }
    return true;
}

static bool in_range(const uint8_t octets[16], const struct address_range *r)
{
    size_t whole = r->bits / 8;
    unsigned rest = r->bits % 8;
    unsigned mask = 0xffu << (8 - rest) & 0xffu;

    if (memcmp(octets, r->octets, whole) != 0)
        return false;
    return rest == 0 || (octets[whole] & mask) == (r->octets[whole] & mask);
}

bool access_in_ranges(const char *address, const struct address_range *ranges,
                      size_t n)
{
    uint8_t family, octets[16];

    if (!access_parse_address(address, &family, octets))
        return false;
    for (size_t i = 0; i < n; i++)
        if (ranges[i].family == family && in_range(octets, &ranges[i]))
            return true;
    return false;
}

bool access_sender_allowed(struct str sender, const struct str *patterns,
                           size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (address_matches(sender, patterns[i]))
            return true;
    return false;
}
