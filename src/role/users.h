/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the roles run as when started as root. Without users in the
 * configuration these are numbers from the range that systemd's dynamic users
 * come from (61184..65519), so that nothing has to be created on the machine.
 */
#ifndef POSTSEAL_ROLE_USERS_H
#define POSTSEAL_ROLE_USERS_H

#include "role/role.h"

struct role_user role_user_of(const struct config *config, enum role_name name);

/* As root: gives the data directory and the key files to those users. Ends
 * the process when that fails. */
void users_own_data(const struct config *config);

#endif
