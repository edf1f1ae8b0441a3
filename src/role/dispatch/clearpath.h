/* SPDX-License-Identifier: Apache-2.0 */
/* Does a domain offer TLS on any of its hosts? Asked where the ladder leads to
 * the portal without a try by tls before. */
#ifndef POSTSEAL_DISPATCH_CLEARPATH_H
#define POSTSEAL_DISPATCH_CLEARPATH_H

#include "role/dispatch/dispatch.h"

/* Connects as far as STARTTLS, without MAIL FROM. Not reached is "no": then
 * nothing is known to be protected. */
bool clearpath_offers_tls(struct dispatch *dispatch, struct str domain,
                          const struct route_config *route);

#endif
