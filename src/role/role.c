/* SPDX-License-Identifier: Apache-2.0 */
#include "role/role.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/panic.h"
#include "role/listen.h"

#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    EXIT_CONFIG = 3,
    EXIT_INTERNAL = 5,
    LISTEN_MAX = 64,
    RETIRE_LOOK_MS = 100
};

static const char *const role_names[ROLE_COUNT] = { "intake", "dispatch",
                                                    "portal", "console",
                                                    "sealer" };

const char *role_text(enum role_name name)
{
    return role_names[name];
}

/* What the supervisor hands over; -1: started by hand, made here. */
struct arguments {
    const char *config_path;
    int doorbell, metrics, ready, sealer;
    int listen_fds[LISTEN_MAX];
    size_t listen_fds_n;
    bool first, quiet;
};

static int parse_fd(const char *text)
{
    uint64_t fd;

    if (!str_to_u64(str_from_cstr(text), 4095, &fd)) {
        fprintf(stderr, "not a descriptor: %s\n", text);
        exit(2);
    }
    return (int)fd;
}

static void parse_listen(const char *text, struct arguments *out)
{
    struct str rest = str_from_cstr(text), piece;
    char number[16];

    while (str_split(&rest, ',', &piece)) {
        if (out->listen_fds_n == LISTEN_MAX || piece.n >= sizeof(number))
            exit(2);
        memcpy(number, piece.p, piece.n);
        number[piece.n] = '\0';
        out->listen_fds[out->listen_fds_n++] = parse_fd(number);
    }
}

static void parse_arguments(int argc, char **argv, struct arguments *out)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "doorbell", required_argument, NULL, 'd' },
        { "metrics", required_argument, NULL, 'm' },
        { "listen", required_argument, NULL, 'l' },
        { "ready", required_argument, NULL, 'r' },
        { "sealer", required_argument, NULL, 's' },
        { "first", no_argument, NULL, 'f' },
        { "quiet", no_argument, NULL, 'q' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    *out = (struct arguments){
        .doorbell = -1, .metrics = -1, .ready = -1, .sealer = -1
    };
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (c == 'c')
            out->config_path = optarg;
        else if (c == 'd')
            out->doorbell = parse_fd(optarg);
        else if (c == 'm')
            out->metrics = parse_fd(optarg);
        else if (c == 'l')
            parse_listen(optarg, out);
        else if (c == 'r')
            out->ready = parse_fd(optarg);
        else if (c == 's')
            out->sealer = parse_fd(optarg);
        else if (c == 'f')
            out->first = true;
        else if (c == 'q')
            out->quiet = true;
        else
            exit(2);
    }
    if (out->config_path == NULL) {
        fprintf(stderr, "usage: %s -c FILE (started by postseal serve)\n",
                argv[0]);
        exit(2);
    }
}

static const struct config *load_config(const char *path)
{
    struct config_errors errors = { 0 };
    struct config *config = config_load(path, &errors);
    struct buf text = { 0 };

    if (config != NULL)
        return config;
    config_errors_write(&errors, &text);
    fputs(buf_cstr(&text), stderr);
    exit(EXIT_CONFIG);
}

/* Only role_wait() reads signals; every thread inherits the mask. */
static void block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, ROLE_RETIRE_SIGNAL);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* When the supervisor dies its roles end in order; it may be gone already
     * before this call, which role_wait() notices. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* Connections are limited by the configuration, not by a default of the
 * system that is older than it. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int new_eventfd(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        panic("eventfd: %s", strerror(errno));
    return fd;
}

/* Content and keys must not reach a core file (OP-03). */
static void forbid_core(void)
{
    struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

static void *must_have(void *p)
{
    if (p == NULL)
        panic("out of memory");
    return p;
}

static void *crypto_malloc(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return n == 0 ? NULL : must_have(malloc(n));
}

static void crypto_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

static void *crypto_realloc(void *p, size_t n, const char *file, int line)
{
    if (n == 0) {
        crypto_free(p, file, line);
        return NULL;
    }
    return must_have(realloc(p, n));
}

/* Like everything else here OpenSSL ends the process when memory does. What
 * fails for want of it would look like a wrong key or a damaged message. */
static void crypto_has_memory_or_ends(void)
{
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) !=
        1)
        panic("OpenSSL took memory before it was told from where");
}

static void take_listeners(struct role *role, const struct arguments *args)
{
    static int fds[LISTEN_MAX];

    memcpy(fds, args->listen_fds, sizeof(fds));
    role->listen_fds = fds;
    role->listen_fds_n = args->listen_fds_n;
    if (args->listen_fds_n == 0)
        role->listen_fds_n =
            listen_bind(role->config, role->name, fds, LISTEN_MAX);
}

void role_begin(struct role *role, enum role_name name, int argc, char **argv)
{
    struct arguments args;

    parse_arguments(argc, argv, &args);
    forbid_core();
    crypto_has_memory_or_ends();
    raise_descriptor_limit();
    block_signals();
    *role =
        (struct role){ .name = name, .config = load_config(args.config_path) };
    log_setup(role_names[name],
              args.quiet ? LOG_WARNING : role->config->log_level,
              role->config->log_format);
    if (args.metrics >= 0)
        metrics_attach(args.metrics);
    role->doorbell = args.doorbell >= 0 ? args.doorbell : new_eventfd();
    role->stop = new_eventfd();
    role->ready = args.ready;
    role->sealer = args.sealer;
    role->first = args.first;
    take_listeners(role, &args);
}

static void raise_stop(struct role *role)
{
    uint64_t one = 1;

    if (write(role->stop, &one, sizeof(one)) < 0 && errno != EAGAIN)
        panic("stop: %s", strerror(errno));
}

void role_ready(struct role *role)
{
    if (role->ready < 0)
        return;
    /* A supervisor that waits no longer has its reasons. */
    (void)!write(role->ready, "+", 1);
    close(role->ready);
    role->ready = -1;
}

/* The next word of the supervisor within ms, 0 for none. */
static int hear(bool may_retire, int64_t ms)
{
    const struct timespec wait = { ms / 1000, ms % 1000 * 1000000 };
    sigset_t set;
    int sig;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    if (may_retire)
        sigaddset(&set, ROLE_RETIRE_SIGNAL);
    sig = sigtimedwait(&set, NULL, &wait);
    return sig > 0 ? sig : 0;
}

static void tend_nobody(void *context)
{
    (void)context;
}

enum role_end role_wait(struct role *role)
{
    return role_wait_tending(role, tend_nobody, NULL);
}

enum role_end role_wait_tending(struct role *role, void (*tend)(void *context),
                                void *context)
{
    pid_t parent = getppid();
    int sig = 0;

    while ((sig == 0 || sig == SIGCHLD) && getppid() == parent) {
        sig = hear(true, 1000);
        tend(context);
    }
    if (sig == ROLE_RETIRE_SIGNAL)
        return ROLE_RETIRES;
    raise_stop(role);
    return ROLE_STOPS;
}

bool role_is_ending(const struct role *role)
{
    struct pollfd p = { role->stop, POLLIN, 0 };

    return poll(&p, 1, 0) > 0;
}

void role_retire(struct role *role, bool (*done)(void *context), void *context)
{
    pid_t parent = getppid();
    int64_t end = clock_mono_ms() + ROLE_RETIRE_MS;

    while (done != NULL && !done(context) && clock_mono_ms() < end &&
           getppid() == parent) {
        int sig = hear(false, RETIRE_LOOK_MS);

        if (sig != 0 && sig != SIGCHLD)
            break;
    }
    raise_stop(role);
}

void role_ask_stop(struct role *role)
{
    (void)role;
    kill(getpid(), SIGTERM);
}

void role_ring(const struct role *role)
{
    uint64_t one = 1;

    /* A full counter means it rings already. */
    if (write(role->doorbell, &one, sizeof(one)) < 0 && errno != EAGAIN)
        log_event(LOG_WARNING, "doorbell.failed",
                  LOG_CSTR("why", strerror(errno)));
}

bool role_wait_ring(const struct role *role, int64_t timeout_ms)
{
    struct pollfd fds[2] = { { role->doorbell, POLLIN, 0 },
                             { role->stop, POLLIN, 0 } };
    uint64_t count;
    int wait = timeout_ms < 0        ? 0
               : timeout_ms > 600000 ? 600000
                                     : (int)timeout_ms;

    poll(fds, 2, wait);
    if (fds[1].revents != 0)
        return false;
    if (fds[0].revents != 0 &&
        read(role->doorbell, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_event(LOG_WARNING, "doorbell.failed",
                  LOG_CSTR("why", strerror(errno)));
    return true;
}

const char *role_path(const struct config *config, enum role_file file,
                      char out[512])
{
    static const char *const names[] = {
        "keys/dispatch.key", "keys/dispatch.pub", "keys/portal.key",
        "keys/portal.pub",   "keys/sealer.key",   "keys/sealer.pub"
    };
    int n =
        snprintf(out, 512, "%.*s/%s", STR_ARG(config->data_dir), names[file]);

    if (n < 0 || n >= 512)
        panic("data directory name is too long");
    return out;
}
