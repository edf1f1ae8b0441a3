/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binds the sockets of a role, in the order of the configuration. Done by the
 * supervisor while it has the rights for low ports, so that no role needs any.
 */
#ifndef POSTSEAL_ROLE_LISTEN_H
#define POSTSEAL_ROLE_LISTEN_H

#include "role/role.h"

/* "intake" and so on; also the suffix of the executable's name. */
const char *role_text(enum role_name name);

/* Bound and listening sockets into fds[max]; the count. Ends the process with
 * a plain message when an address cannot be had. */
size_t listen_bind(const struct config *config, enum role_name name, int *fds,
                   size_t max);

#endif
