/* SPDX-License-Identifier: Apache-2.0 */
#include "role/sealer/reader.h"

#include "role/sealer/errands.h"
#include "role/users.h"
#include "seal/pgp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* What one errand left behind in memory shall not meet many others. */
enum { ERRANDS_MAX = 500, CA_MAX = 4 << 20 };

/* --- what is read before ----------------------------------------------------
 */

/* Data folders made by older versions have no such key. */
static struct status make_keys(const struct role *role)
{
    char private[512], public[512];
    struct role_user user = role_user_of(role->config, ROLE_SEALER);
    struct status st;

    role_path(role->config, ROLE_SEALER_KEY, private);
    role_path(role->config, ROLE_SEALER_PUBLIC, public);
    if (access(private, F_OK) == 0 || errno != ENOENT)
        return status_ok();
    st = rest_keygen(private, public);
    if (status_is_ok(st) && geteuid() == 0 &&
        chown(private, user.uid, user.gid) != 0)
        st = status_defer("%s: %s", private, strerror(errno));
    return st;
}

static struct status load_keys(const struct role *role,
                               struct reader_tools *out)
{
    char path[512];
    struct status st = make_keys(role);

    if (!status_is_ok(st))
        return st;
    role_path(role->config, ROLE_SEALER_KEY, path);
    /* A person who only wants a public key read may not have the right. */
    if (access(path, R_OK) != 0)
        return status_ok();
    st = rest_private_load(path, &out->key);
    if (!status_is_ok(st))
        return st;
    return rest_public_load(role_path(role->config, ROLE_SEALER_PUBLIC, path),
                            &out->sealed);
}

static struct status read_file(struct str name, size_t max, struct buf *out)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%.*s", STR_ARG(name));
    f = fopen(path, "re");
    if (f == NULL)
        return status_defer("cannot read %s: %s", path, strerror(errno));
    out->n = fread(buf_room(out, max), 1, max, f);
    fclose(f);
    return out->n < max ? status_ok() : status_defer("%s is too large", path);
}

static struct status load_trust(const struct role *role,
                                struct reader_tools *out)
{
    struct str name = role->config->seal.ca_file;
    struct buf pem = { 0 };
    struct status st = status_ok();

    if (name.n > 0)
        st = read_file(name, CA_MAX, &pem);
    if (status_is_ok(st))
        st = smime_trust_open(buf_str(&pem), &out->trust);
    buf_free(&pem);
    return st;
}

struct status reader_tools_open(const struct role *role,
                                struct reader_tools *out)
{
    struct status st;

    *out = (struct reader_tools){ .role = role };
    st = load_keys(role, out);
    if (status_is_ok(st))
        st = pgp_warm();
    return status_is_ok(st) ? load_trust(role, out) : st;
}

void reader_tools_close(struct reader_tools *tools)
{
    rest_private_free(&tools->key);
    rest_public_free(&tools->sealed);
    smime_trust_close(&tools->trust);
}

/* --- the life of a reader ---------------------------------------------------
 */

static uint64_t memory_now(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f != NULL) {
        if (fscanf(f, "%lu", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void limit(const struct seal_config *config)
{
    uint64_t memory = memory_now() + config->memory_bytes;
    struct rlimit space = { memory, memory };
    struct rlimit file = { config->memory_bytes, config->memory_bytes };
    sigset_t set;

    setrlimit(RLIMIT_AS, &space);
    setrlimit(RLIMIT_FSIZE, &file);
    /* SIGPROF ends the process when its time is up; nothing else is heard. */
    sigemptyset(&set);
    sigaddset(&set, SIGPROF);
    signal(SIGPROF, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    role_filter_reader();
}

static void give_time(int64_t ms)
{
    const struct itimerval time = {
        .it_value = { ms / 1000, ms % 1000 * 1000 },
    };

    setitimer(ITIMER_PROF, &time, NULL);
}

/* The socket of the next errand, -1 when the role ends. */
static int take(const struct role *role)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    char octet;
    struct iovec iov = { &octet, 1 };
    struct pollfd fds[2] = { { role->sealer, POLLIN, 0 },
                             { role->stop, POLLIN, 0 } };
    int fd;

    for (;;) {
        struct msghdr m = { .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control.room,
                            .msg_controllen = sizeof(control.room) };

        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return -1;
        if (fds[1].revents != 0 || (fds[0].revents & (POLLERR | POLLNVAL)) ||
            fds[0].revents == POLLHUP)
            return -1;
        /* Several are woken, one gets it. */
        ssize_t n = recvmsg(role->sealer, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n == 0)
            return -1;
        if (n != 1)
            continue;
        struct cmsghdr *head = CMSG_FIRSTHDR(&m);
        if (head == NULL || head->cmsg_level != SOL_SOCKET ||
            head->cmsg_type != SCM_RIGHTS ||
            head->cmsg_len != CMSG_LEN(sizeof(int)))
            continue;
        memcpy(&fd, CMSG_DATA(head), sizeof(fd));
        return fd;
    }
}

void reader_run(const struct reader_tools *tools)
{
    const struct seal_config *config = &tools->role->config->seal;
    int fd;

    limit(config);
    for (int i = 0; i < ERRANDS_MAX && (fd = take(tools->role)) >= 0; i++) {
        give_time(config->cpu_ms);
        errand_serve(tools, fd);
        give_time(0);
    }
}
