/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AUTH to a smarthost (RFC 4954), PLAIN or LOGIN, only inside TLS: in clear
 * the password would be anybody's.
 */
#ifndef POSTSEAL_DISPATCH_LOGIN_H
#define POSTSEAL_DISPATCH_LOGIN_H

#include "role/dispatch/session.h"

struct fault login(struct session *session, struct str user,
                   const struct secret *password);

#endif
