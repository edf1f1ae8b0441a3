/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/inside.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

enum { SMTP_PORT = 25, HTTPS_PORT = 443, OWN_MAX = 256 };

static bool is_private_v4(const unsigned char *o)
{
    return o[0] == 0 || o[0] == 10 || o[0] == 127 || o[0] >= 224 ||
           (o[0] == 100 && (o[1] & 0xc0) == 64) ||
           (o[0] == 169 && o[1] == 254) ||
           (o[0] == 172 && (o[1] & 0xf0) == 16) ||
           (o[0] == 192 && o[1] == 168) ||
           (o[0] == 192 && o[1] == 0 && o[2] == 0) ||
           (o[0] == 198 && (o[1] & 0xfe) == 18);
}

bool inside_is_private(int family, const void *octets)
{
    static const unsigned char zero[12] = { 0 };
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    const unsigned char *o = octets;

    if (family == AF_INET)
        return is_private_v4(o);
    if (memcmp(o, mapped, 12) == 0 || memcmp(o, nat64, 12) == 0)
        return is_private_v4(o + 12);
    if (o[0] == 0x20 && o[1] == 0x02) /* 6to4 */
        return is_private_v4(o + 2);
    return memcmp(o, zero, 12) == 0 || (o[0] & 0xfe) == 0xfc ||
           (o[0] == 0xfe && o[1] >= 0x80) || o[0] == 0xff;
}

static const unsigned char *octets_of(const struct sockaddr_storage *a)
{
    const struct sockaddr_in *v4 = (const void *)a;
    const struct sockaddr_in6 *v6 = (const void *)a;

    return a->ss_family == AF_INET6
               ? v6->sin6_addr.s6_addr
               : (const unsigned char *)&v4->sin_addr.s_addr;
}

static uint16_t port_of(const struct sockaddr_storage *a)
{
    const struct sockaddr_in *v4 = (const void *)a;
    const struct sockaddr_in6 *v6 = (const void *)a;

    return ntohs(a->ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
}

static bool in_range(const struct sockaddr_storage *a,
                     const struct address_range *r)
{
    const unsigned char *octets = octets_of(a);
    size_t whole = r->bits / 8;
    unsigned rest = r->bits % 8;
    unsigned mask = 0xffu << (8 - rest) & 0xffu;

    if (a->ss_family != r->family || memcmp(octets, r->octets, whole) != 0)
        return false;
    return rest == 0 || (octets[whole] & mask) == (r->octets[whole] & mask);
}

bool inside_allows(const struct delivery_config *delivery,
                   const struct sockaddr_storage *address)
{
    uint16_t port = port_of(address);

    /* Elsewhere nobody but the administrator chose the port. */
    if (port != SMTP_PORT && port != HTTPS_PORT)
        return true;
    if (!inside_is_private(address->ss_family, octets_of(address)))
        return true;
    for (size_t i = 0; i < delivery->allow_private_n; i++)
        if (in_range(address, &delivery->allow_private[i]))
            return true;
    return false;
}

/* --- ourselves ---------------------------------------------------------- */

static bool is_wildcard(const struct sockaddr_storage *a)
{
    static const unsigned char zero[16] = { 0 };

    return memcmp(octets_of(a), zero, a->ss_family == AF_INET6 ? 16 : 4) == 0;
}

static void set_port(struct sockaddr_storage *a, uint16_t port)
{
    struct sockaddr_in *v4 = (void *)a;
    struct sockaddr_in6 *v6 = (void *)a;

    if (a->ss_family == AF_INET6)
        v6->sin6_port = htons(port);
    else
        v4->sin_port = htons(port);
}

/* What a listener on 0.0.0.0 or [::] answers to. */
static size_t add_machine(const struct sockaddr_storage *listens,
                          struct sockaddr_storage *list, size_t n)
{
    struct ifaddrs *all = NULL;

    if (getifaddrs(&all) != 0)
        return n;
    for (const struct ifaddrs *one = all; one != NULL && n < OWN_MAX;
         one = one->ifa_next) {
        if (one->ifa_addr == NULL ||
            one->ifa_addr->sa_family != listens->ss_family)
            continue;
        memcpy(&list[n], one->ifa_addr,
               listens->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                              : sizeof(struct sockaddr_in));
        set_port(&list[n++], port_of(listens));
    }
    freeifaddrs(all);
    return n;
}

size_t inside_own(const struct config *config, struct arena *arena,
                  const struct sockaddr_storage **out)
{
    struct sockaddr_storage *list = arena_array(arena, OWN_MAX, sizeof(*list));
    size_t n = 0;

    for (size_t i = 0; i < config->listens_n && n < OWN_MAX; i++) {
        const struct sockaddr_storage *listens = &config->listens[i].address;

        if (is_wildcard(listens))
            n = add_machine(listens, list, n);
        else
            list[n++] = *listens;
    }
    *out = list;
    return n;
}

bool inside_is_own(const struct sockaddr_storage *own, size_t n,
                   const struct sockaddr_storage *address)
{
    size_t octets = address->ss_family == AF_INET6 ? 16 : 4;

    for (size_t i = 0; i < n; i++)
        if (own[i].ss_family == address->ss_family &&
            port_of(&own[i]) == port_of(address) &&
            memcmp(octets_of(&own[i]), octets_of(address), octets) == 0)
            return true;
    return false;
}
