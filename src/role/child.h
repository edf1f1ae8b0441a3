/* SPDX-License-Identifier: Apache-2.0 */
/* One role process, seen from the supervisor. */
#ifndef POSTSEAL_ROLE_CHILD_H
#define POSTSEAL_ROLE_CHILD_H

#include "role/role.h"

#include <sys/types.h>

enum { CHILD_SOCKETS_MAX = 64 };

struct child_sockets {
    int fds[CHILD_SOCKETS_MAX];
    size_t n;
};

struct child {
    pid_t pid; /* 0: not running */
    int64_t started_mono_ms;
    int64_t restart_mono_ms;
    int64_t backoff_ms;
};

/* What a role process is given. */
struct child_gifts {
    const char *config_path;
    int doorbell, metrics;
    const struct child_sockets *sockets;
    bool quiet; /* warnings alone are logged: a command's own role */
    int sealer; /* its end of the channel to the sealer; -1: none */
    bool first; /* no role of an earlier start can be alive */
};

/*
 * Executes postseal-<role>, looked for beside this executable, in
 * ../libexec/postseal, and in the build tree. The process inherits its gifts
 * and nothing else. On failure the child stays not running and is tried again
 * by the supervisor. *ready, when asked for, is the end of a pipe: an octet
 * comes out once the role serves, an end of file when it does not come to
 * that; the caller closes it. -1 when nothing was started.
 */
void child_start(struct child *child, enum role_name name,
                 const struct child_gifts *gifts, int *ready);

#endif
