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
 *     role_ready    the supervisor may end the process before this one
 *     role_wait     until told to end
 *     (role_retire, drain within ROLE_DRAIN_MS), store_close
 */
#ifndef POSTSEAL_ROLE_ROLE_H
#define POSTSEAL_ROLE_ROLE_H

#include "policy/config.h"

#include <signal.h>

enum role_name {
    ROLE_INTAKE,
    ROLE_DISPATCH,
    ROLE_PORTAL,
    ROLE_CONSOLE,
    ROLE_SEALER
};
enum { ROLE_COUNT = 5 };

struct role {
    enum role_name name;
    const struct config *config;
    int doorbell;    /* eventfd: dispatch waits on it, the others ring it */
    int stop;        /* eventfd: readable once the role shall end; poll it */
    bool first;      /* nobody of an earlier start can be alive */
    int ready;       /* pipe to a supervisor that waits; -1: nobody does */
    int sealer;      /* channel to the sealer (dispatch), or its own end */
    int *listen_fds; /* bound sockets, in the order of the configuration */
    size_t listen_fds_n;
};

/* Ends the process with a message and exit code 3 (configuration) or 5 when
 * something is amiss: the supervisor reports it. */
void role_begin(struct role *role, enum role_name name, int argc, char **argv);
/* Gives up rights for good; ends the process when that fails (fail closed). */
void role_confine(const struct role *role);
/* For the process that reads what strangers wrote: no files, no sockets, no
 * processes, on top of what holds already. */
void role_filter_reader(void);
/* Tells the supervisor that this process serves: a reload ends the old one
 * only then. */
void role_ready(struct role *role);

enum role_end {
    ROLE_STOPS,   /* the gateway ends (SIGTERM, or the supervisor is gone) */
    ROLE_RETIRES, /* another process has taken over */
};
/* Not SIGHUP: a terminal that is closed sends that to everybody. */
#define ROLE_RETIRE_SIGNAL SIGUSR2
/* Blocks until the supervisor says so. */
enum role_end role_wait(struct role *role);
/* The same for a role with processes of its own: tend() is called after one of
 * them ended, and now and then. SIGCHLD is blocked from role_begin() on. */
enum role_end role_wait_tending(struct role *role, void (*tend)(void *context),
                                void *context);
/* From ROLE_STOPS or the end of role_retire() on, in any thread. */
bool role_is_ending(const struct role *role);
/* For ROLE_RETIRES: waits until done() (NULL: at once) says that the last
 * client has left, at most ROLE_RETIRE_MS, or until the gateway ends. */
void role_retire(struct role *role, bool (*done)(void *context), void *context);
/* Another part of the role found that it must end (broken store). */
void role_ask_stop(struct role *role);
enum { ROLE_DRAIN_MS = 25000, ROLE_RETIRE_MS = 300000 };

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
    ROLE_SEALER_KEY,      /* keys/sealer.key, 0400, owned by sealer */
    ROLE_SEALER_PUBLIC,   /* keys/sealer.pub */
};
/* Absolute, in the config's lifetime. */
const char *role_path(const struct config *config, enum role_file file,
                      char out[512]);

#endif
