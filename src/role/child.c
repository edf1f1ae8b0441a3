/* SPDX-License-Identifier: Apache-2.0 */
#include "role/child.h"

#include "base/buf.h"
#include "base/clock.h"
#include "role/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Directory of the running executable, without a slash at the end. */
static void own_dir(char out[512])
{
    ssize_t n = readlink("/proc/self/exe", out, 511);
    char *slash;

    out[n > 0 ? n : 0] = '\0';
    slash = strrchr(out, '/');
    if (slash != NULL)
        *slash = '\0';
}

static bool find_executable(const char *role, char out[1024])
{
    static const char *const places[] = {
        "%s/postseal-%s",
        "%s/../libexec/postseal/postseal-%s",
        "%s/../role/%s/postseal-%s",
    };
    char dir[512];

    own_dir(dir);
    for (size_t i = 0; i < 3; i++) {
        if (i < 2)
            snprintf(out, 1024, i == 0 ? places[0] : places[1], dir, role);
        else
            snprintf(out, 1024, places[2], dir, role, role);
        if (access(out, X_OK) == 0)
            return true;
    }
    return false;
}

static void keep_open(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    if (fd >= 0 && flags >= 0)
        fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
}

static void add_fd_list(struct buf *out, const struct child_sockets *sockets)
{
    for (size_t i = 0; i < sockets->n; i++) {
        keep_open(sockets->fds[i]);
        buf_addf(out, i == 0 ? "%d" : ",%d", sockets->fds[i]);
    }
}

/* Adds "--name FD", the descriptor being left open. */
static const char **add_fd(const char **argv, const char *name, int fd,
                           char text[16])
{
    if (fd < 0)
        return argv;
    keep_open(fd);
    snprintf(text, 16, "%d", fd);
    *argv++ = name;
    *argv++ = text;
    return argv;
}

static _Noreturn void run(const char *path, const struct child_gifts *gifts,
                          int ready)
{
    char bell[16], shared[16], told[16], sealer[16];
    struct buf list = { 0 };
    const char *argv[20] = { path, "-c", gifts->config_path };
    const char **next = argv + 3;
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    next = add_fd(next, "--doorbell", gifts->doorbell, bell);
    next = add_fd(next, "--metrics", gifts->metrics, shared);
    next = add_fd(next, "--ready", ready, told);
    next = add_fd(next, "--sealer", gifts->sealer, sealer);
    add_fd_list(&list, gifts->sockets);
    if (gifts->quiet)
        *next++ = "--quiet";
    if (gifts->first)
        *next++ = "--first";
    if (gifts->sockets->n > 0) {
        *next++ = "--listen";
        *next++ = buf_cstr(&list);
    }
    execv(path, (char *const *)argv);
    fprintf(stderr, "postseal: %s: %s\n", path, strerror(errno));
    _exit(127);
}

void child_start(struct child *child, enum role_name name,
                 const struct child_gifts *gifts, int *ready)
{
    const char *role = role_text(name);
    int ends[2] = { -1, -1 };
    char path[1024];

    if (ready != NULL)
        *ready = -1;

    child->started_mono_ms = clock_mono_ms();
    child->restart_mono_ms = child->started_mono_ms + 30000;
    if (!find_executable(role, path)) {
        log_event(LOG_ERROR, "role.missing", LOG_CSTR("which", role));
        return;
    }
    if (ready != NULL && pipe2(ends, O_CLOEXEC) != 0)
        ends[0] = ends[1] = -1;
    child->pid = fork();
    if (child->pid == 0)
        run(path, gifts, ends[1]);
    if (ends[1] >= 0)
        close(ends[1]);
    if (ready != NULL)
        *ready = ends[0];
    if (child->pid < 0) {
        child->pid = 0;
        child->restart_mono_ms = child->started_mono_ms + 1000;
        log_event(LOG_ERROR, "role.start_failed", LOG_CSTR("which", role),
                  LOG_CSTR("why", strerror(errno)));
        return;
    }
    if (!gifts->quiet)
        log_event(LOG_INFO, "role.started", LOG_CSTR("which", role),
                  LOG_INT("pid", child->pid));
}
