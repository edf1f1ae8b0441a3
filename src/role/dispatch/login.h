/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AUTH to a smarthost (RFC 4954), PLAIN or LOGIN, only inside TLS with a
 * server that is proven: otherwise the password would be anybody's. There is
 * no way on without it. Every failure is of our account or our
 * configuration, never of the recipient: it passes when somebody mends it, and
 * its text names the line to mend.
 */
#ifndef POSTSEAL_DISPATCH_LOGIN_H
#define POSTSEAL_DISPATCH_LOGIN_H

#include "posture/session.h"

struct fault login(struct session *session,
                   const struct session_target *target);

#endif
