/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealer role: all that reads what strangers wrote in formats we did not
 * make (OpenPGP, certificates, MIME and what is in it). It has no network, no
 * store and no files. This process only keeps a few readers: processes that
 * take errands one at a time from the channel, each under a filter of its own
 * and limits of memory and CPU time. One that dies costs the errand it had.
 */
#include "base/clock.h"
#include "base/panic.h"
#include "role/sealer/reader.h"
#include "role/users.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READERS_MAX = 32, EXIT_CONFIG = 3, CRASH_PAUSE_MS = 100 };

struct nursery {
    struct role *role;
    struct reader_tools tools;
    pid_t readers[READERS_MAX];
    size_t n;
    int64_t next_mono_ms; /* not sooner: readers that die at once cost CPU */
};

static size_t readers_wanted(const struct config *config)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = config->seal.readers;

    if (n == 0)
        n = processors < 2 ? 2 : (size_t)processors;
    return n < READERS_MAX ? n : READERS_MAX;
}

static void start_reader(struct nursery *n, size_t i)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            reader_run(&n->tools);
        _exit(0);
    }
    if (pid < 0)
        log_event(LOG_ERROR, "sealer.reader_failed",
                  LOG_CSTR("why", strerror(errno)));
    n->readers[i] = pid < 0 ? 0 : pid;
}

static void say_ended(int how)
{
    /* SIGPROF: its CPU time was used up. */
    if (WIFSIGNALED(how))
        log_event(LOG_WARNING, "sealer.reader_died",
                  LOG_INT("signal", WTERMSIG(how)));
    else if (WEXITSTATUS(how) != 0)
        log_event(LOG_WARNING, "sealer.reader_died",
                  LOG_INT("exit", WEXITSTATUS(how)));
}

static void reap(struct nursery *n)
{
    pid_t pid;
    int how;

    while ((pid = waitpid(-1, &how, WNOHANG)) > 0)
        for (size_t i = 0; i < n->n; i++)
            if (n->readers[i] == pid) {
                n->readers[i] = 0;
                say_ended(how);
                if (WIFSIGNALED(how))
                    n->next_mono_ms = clock_mono_ms() + CRASH_PAUSE_MS;
            }
}

/* Dispatch of the same configuration has ended. */
static bool nobody_asks(void *context)
{
    const struct nursery *n = context;
    struct pollfd p = { n->tools.role->sealer, 0, 0 };

    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static void tend(void *context)
{
    struct nursery *n = context;

    reap(n);
    /* Whoever could ask has gone: a command that ended, a gateway. */
    if (nobody_asks(n)) {
        role_ask_stop(n->role);
        return;
    }
    while (clock_mono_ms() < n->next_mono_ms)
        poll(NULL, 0, CRASH_PAUSE_MS);
    for (size_t i = 0; i < n->n; i++)
        if (n->readers[i] == 0)
            start_reader(n, i);
}

static bool tend_until_nobody_asks(void *context)
{
    tend(context);
    return nobody_asks(context);
}

/* Readers end by themselves when the role ends, after the errand they have. */
static void end_readers(struct nursery *n)
{
    int64_t end = clock_mono_ms() + ROLE_DRAIN_MS;
    bool left = true;

    while (left && clock_mono_ms() < end) {
        left = false;
        reap(n);
        for (size_t i = 0; i < n->n; i++)
            left |= n->readers[i] > 0;
        if (left)
            poll(NULL, 0, 20);
    }
    for (size_t i = 0; i < n->n; i++)
        if (n->readers[i] > 0)
            kill(n->readers[i], SIGKILL);
}

int main(int argc, char **argv)
{
    static struct nursery n;
    struct role role;

    role_begin(&role, ROLE_SEALER, argc, argv);
    n.role = &role;
    n.n = readers_wanted(role.config);
    struct status st = reader_tools_open(&role, &n.tools);
    if (!status_is_ok(st)) {
        log_event(LOG_ERROR, "start.failed", LOG_CSTR("why", st.why));
        return EXIT_CONFIG;
    }
    role_confine(&role);
    tend(&n);
    log_event(LOG_NOTICE, "sealer.started", LOG_INT("readers", (int)n.n));
    role_ready(&role);
    if (role_wait_tending(&role, tend, &n) == ROLE_RETIRES)
        role_retire(&role, tend_until_nobody_asks, &n);
    end_readers(&n);
    reader_tools_close(&n.tools);
    log_event(LOG_NOTICE, "sealer.ended");
    return 0;
}
