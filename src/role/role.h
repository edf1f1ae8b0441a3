/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every role process does alike: read its arguments and the
 * configuration, open what needs rights, give the rights up, and wait for the
 * supervisor's word. A role never changes its configuration: on reload the
 * supervisor starts a new process and lets the old one drain.
 *
 * The order in a role's main():
 *     role_begin    arguments, configuration, log, metrics, signals blocked
 *     (load keys and certificates: still with rights)
 *     role_confine  working directory = data, user, no_new_privs, seccomp
 *     store_open, threads, work
 *     role_wait     until told to stop
 *     (drain within role_drain_ms), store_close, role_end
 */
#ifndef POSTSEAL_ROLE_ROLE_H
#define POSTSEAL_ROLE_ROLE_H

#include "policy/config.h"

enum role_name { ROLE_INTAKE, ROLE_DISPATCH, ROLE_PORTAL, ROLE_CONSOLE };
enum { ROLE_COUNT = 4 };

struct role {
    enum role_name name;
    const struct config *config;
    int doorbell;    /* eventfd: dispatch waits on it, the others ring it */
    int stop;        /* eventfd: readable once the role shall end; poll it */
    int *listen_fds; /* bound sockets, in the order of the configuration */
    size_t listen_fds_n;
};

/* Ends the process with a message and exit code 3 (configuration) or 5 when
 * something is amiss: the supervisor reports it. */
void role_begin(struct role *role, enum role_name name, int argc, char **argv);
/* Gives up rights for good; ends the process when that fails (fail closed). */
void role_confine(const struct role *role);
/* Blocks until the supervisor says stop (SIGTERM) or is gone. */
void role_wait(struct role *role);
/* Another part of the role found that it must end (broken store). */
void role_ask_stop(struct role *role);
enum { ROLE_DRAIN_MS = 25000 };

/* Rings dispatch; cheap, may be called after every commit. */
void role_ring(const struct role *role);
/* Waits for a ring or until timeout_ms or stop; false when stopping. */
bool role_wait_ring(const struct role *role, int64_t timeout_ms);

/* Paths in the data directory, valid before and after role_confine. */
enum role_file {
    ROLE_DISPATCH_KEY,    /* keys/dispatch.key, 0400, owned by dispatch */
    ROLE_DISPATCH_PUBLIC, /* keys/dispatch.pub */
    ROLE_PORTAL_KEY,      /* keys/portal.key, 0400, owned by portal */
    ROLE_PORTAL_PUBLIC,   /* keys/portal.pub */
};
/* Absolute, in the config's lifetime. */
const char *role_path(const struct config *config, enum role_file file,
                      char out[512]);

#endif
