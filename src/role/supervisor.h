/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent of the roles: binds the sockets, starts every role as an
 * executable of its own, starts it again when it dies, and passes on the
 * administrator's signals. It never speaks to the network and reads no mail.
 *
 * SIGHUP   reads the configuration again; when it is good, new roles start on
 *          it and the old ones drain; when it is not, nothing changes.
 * SIGTERM  lets the roles drain, then ends.
 */
#ifndef POSTSEAL_ROLE_SUPERVISOR_H
#define POSTSEAL_ROLE_SUPERVISOR_H

/* Runs until SIGTERM or SIGINT; the exit code of `postseal serve`. */
int supervisor_run(const char *config_path);

#endif
