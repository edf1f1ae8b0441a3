/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses a stranger's DNS may send us to. Whoever publishes MX records
 * or a policy host must not make us knock at doors inside this house, or at our
 * own. On the public ports (25 and 443) private addresses are refused unless
 * the configuration allows them; a next hop that the administrator wrote down
 * is never asked about here. Pure, but for inside_own().
 */
#ifndef POSTSEAL_POSTURE_INSIDE_H
#define POSTSEAL_POSTURE_INSIDE_H

#include "base/arena.h"
#include "policy/config.h"

/* Not reachable from outside (IANA's special-purpose registries: RFC 1918,
 * 3927, 4193, 6598, 6890 ...), also where IPv6 only wraps such an IPv4 address
 * (RFC 4291, 6052, 3056). octets: 4 or 16, network order. */
bool inside_is_private(int family, const void *octets);

/* May a stranger send us there? */
bool inside_allows(const struct delivery_config *delivery,
                   const struct sockaddr_storage *address);

/* Where our own listeners answer: those of the configuration, and this
 * machine's addresses for a listener on all of them. In arena. */
size_t inside_own(const struct config *config, struct arena *arena,
                  const struct sockaddr_storage **out);
bool inside_is_own(const struct sockaddr_storage *own, size_t n,
                   const struct sockaddr_storage *address);

#endif
