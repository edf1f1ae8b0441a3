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

static _Noreturn void run(const char *path, const char *config_path,
                          int doorbell, int metrics,
                          const struct child_sockets *sockets)
{
    char bell[16], shared[16];
    struct buf list = { 0 };
    const char *argv[] = {
        path,        "-c",   config_path, "--doorbell", bell,
        "--metrics", shared, NULL,        NULL,         NULL
    };
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    keep_open(doorbell);
    keep_open(metrics);
    snprintf(bell, sizeof(bell), "%d", doorbell);
    snprintf(shared, sizeof(shared), "%d", metrics);
    add_fd_list(&list, sockets);
    if (sockets->n > 0) {
        argv[7] = "--listen";
        argv[8] = buf_cstr(&list);
    }
    execv(path, (char *const *)argv);
    fprintf(stderr, "postseal: %s: %s\n", path, strerror(errno));
    _exit(127);
}

void child_start(struct child *child, enum role_name name,
                 const char *config_path, int doorbell, int metrics,
                 const struct child_sockets *sockets)
{
    const char *role = role_text(name);
    char path[1024];

    child->started_mono_ms = clock_mono_ms();
    child->restart_mono_ms = child->started_mono_ms + 30000;
    if (!find_executable(role, path)) {
        log_event(LOG_ERROR, "role.missing", LOG_CSTR("which", role));
        return;
    }
    child->pid = fork();
    if (child->pid == 0)
        run(path, config_path, doorbell, metrics, sockets);
    if (child->pid < 0) {
        child->pid = 0;
        child->restart_mono_ms = child->started_mono_ms + 1000;
        log_event(LOG_ERROR, "role.start_failed", LOG_CSTR("which", role),
                  LOG_CSTR("why", strerror(errno)));
        return;
    }
    log_event(LOG_INFO, "role.started", LOG_CSTR("which", role),
              LOG_INT("pid", child->pid));
}
