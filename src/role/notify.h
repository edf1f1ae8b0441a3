/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager's readiness protocol (sd_notify(3)), without its
 * library. */
#ifndef POSTSEAL_ROLE_NOTIFY_H
#define POSTSEAL_ROLE_NOTIFY_H

/* Sends "READY=1" and the like to $NOTIFY_SOCKET; nothing when it is unset. */
void notify_supervisor(const char *state);

#endif
