/* SPDX-License-Identifier: Apache-2.0 */
#include "role/supervisor.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "role/child.h"
#include "role/listen.h"
#include "role/notify.h"
#include "role/users.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    EXIT_CONFIG = 3,
    EXIT_INTERNAL = 5,
    CHILDREN_MAX = 64,
    BACKOFF_FIRST_MS = 200,
    BACKOFF_MAX_MS = 5000,
    STEADY_MS = 10000,
    STOP_MS = 30000,
    READY_MS = 30000,
};

struct supervisor {
    const char *config_path;
    struct config *config;
    int doorbell, metrics, lock;
    int channel[2]; /* dispatch's end and the sealer's; a new one a reload */
    struct child_sockets sockets[ROLE_COUNT];
    struct child children[ROLE_COUNT];
    pid_t draining[CHILDREN_MAX]; /* of the configuration before */
};

static struct config *load(const char *path)
{
    struct config_errors errors = { 0 };
    struct config *config = config_load(path, &errors);
    struct buf text = { 0 };

    config_errors_write(&errors, &text);
    if (text.n > 0)
        fputs(buf_cstr(&text), stderr);
    buf_free(&text);
    config_errors_free(&errors);
    return config;
}

/* One gateway on one store: two would fight for the ports anyway, but a clear
 * word is better. */
static int lock_data(const struct config *config)
{
    char path[600];
    int fd;

    snprintf(path, sizeof(path), "%.*s/serve.lock", STR_ARG(config->data_dir));
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        fprintf(stderr, "postseal: %s: %s (was 'postseal init' run?)\n", path,
                strerror(errno));
        exit(EXIT_CONFIG);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    fprintf(stderr, "postseal: another 'postseal serve' already runs on %.*s\n",
            STR_ARG(config->data_dir));
    exit(EXIT_CONFIG);
}

static bool role_wanted(const struct config *config, enum role_name name)
{
    if (name == ROLE_INTAKE)
        return config->listens_n > 0;
    if (name == ROLE_PORTAL)
        return config->portal.on;
    if (name == ROLE_CONSOLE)
        return config->metrics_on;
    return true;
}

static struct child_gifts gifts_for(const struct supervisor *s,
                                    enum role_name name)
{
    return (struct child_gifts){
        .config_path = s->config_path,
        .doorbell = s->doorbell,
        .metrics = s->metrics,
        .sockets = &s->sockets[name],
        .sealer = name == ROLE_DISPATCH ? s->channel[0]
                  : name == ROLE_SEALER ? s->channel[1]
                                        : -1,
    };
}

/* Errands go from dispatch to whichever process of the sealer is free: each
 * is one record. Kept open here, so that either side may die and come again. */
static void open_channel(int channel[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) == 0)
        return;
    fprintf(stderr, "postseal: %s\n", strerror(errno));
    exit(EXIT_INTERNAL);
}

static void close_channel(int channel[2])
{
    close(channel[0]);
    close(channel[1]);
}

static void start(struct supervisor *s, enum role_name name)
{
    struct child *child = &s->children[name];
    struct child_gifts gifts = gifts_for(s, name);

    if (role_wanted(s->config, name) && child->pid == 0)
        child_start(child, name, &gifts, NULL);
}

/* For /readyz and /metrics. */
static void tell_roles(const struct supervisor *s)
{
    uint64_t wanted = 0, running = 0;

    for (int i = 0; i < ROLE_COUNT; i++) {
        wanted += role_wanted(s->config, (enum role_name)i);
        running += s->children[i].pid > 0;
    }
    metric_set(GAUGE_ROLES_WANTED, wanted);
    metric_set(GAUGE_ROLES_RUNNING, running);
}

static void start_all(struct supervisor *s)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        struct child_gifts gifts = gifts_for(s, (enum role_name)i);

        /* The lock on the data says so. */
        gifts.first = true;
        if (role_wanted(s->config, (enum role_name)i))
            child_start(&s->children[i], (enum role_name)i, &gifts, NULL);
    }
}

/* Restarted at once the first time, then ever later, so that a role that
 * cannot run does not eat the machine. */
static void plan_restart(struct child *child)
{
    int64_t now = clock_mono_ms();

    if (now - child->started_mono_ms > STEADY_MS)
        child->backoff_ms = 0;
    child->backoff_ms = child->backoff_ms == 0 ? BACKOFF_FIRST_MS
                        : child->backoff_ms * 2 > BACKOFF_MAX_MS
                            ? BACKOFF_MAX_MS
                            : child->backoff_ms * 2;
    child->restart_mono_ms = now + child->backoff_ms;
}

static void say_ended(const char *role, pid_t pid, int how)
{
    bool by_signal = WIFSIGNALED(how);

    log_event(by_signal || WEXITSTATUS(how) != 0 ? LOG_ERROR : LOG_INFO,
              "role.ended", LOG_CSTR("which", role), LOG_INT("pid", pid),
              LOG_INT(by_signal ? "signal" : "exit",
                      by_signal ? WTERMSIG(how) : WEXITSTATUS(how)));
}

static void reap(struct supervisor *s)
{
    pid_t pid;
    int how;

    while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
        for (int i = 0; i < ROLE_COUNT; i++) {
            if (s->children[i].pid != pid)
                continue;
            say_ended(role_text((enum role_name)i), pid, how);
            s->children[i].pid = 0;
            plan_restart(&s->children[i]);
        }
        for (int i = 0; i < CHILDREN_MAX; i++)
            if (s->draining[i] == pid)
                s->draining[i] = 0;
    }
}

static void restart_due(struct supervisor *s)
{
    int64_t now = clock_mono_ms();

    for (int i = 0; i < ROLE_COUNT; i++)
        if (s->children[i].pid == 0 && s->children[i].restart_mono_ms <= now)
            start(s, (enum role_name)i);
}

/* Whose work others do now: it takes no more and serves out who is there. */
static void retire(struct supervisor *s, pid_t pid)
{
    for (int i = 0; i < CHILDREN_MAX; i++) {
        if (s->draining[i] != 0)
            continue;
        s->draining[i] = pid;
        kill(pid, ROLE_RETIRE_SIGNAL);
        return;
    }
    /* Too many reloads in a few minutes: this one ends sooner. */
    kill(pid, SIGTERM);
}

static bool same_sockets(const struct config *a, const struct config *b)
{
    if (a->listens_n != b->listens_n || a->portal.on != b->portal.on ||
        a->metrics_on != b->metrics_on)
        return false;
    for (size_t i = 0; i < a->listens_n; i++)
        if (memcmp(&a->listens[i].address, &b->listens[i].address,
                   sizeof(a->listens[i].address)) != 0)
            return false;
    return memcmp(&a->portal.address, &b->portal.address,
                  sizeof(a->portal.address)) == 0 &&
           memcmp(&a->metrics_address, &b->metrics_address,
                  sizeof(a->metrics_address)) == 0;
}

static void bind_all(struct supervisor *s)
{
    for (int i = 0; i < ROLE_COUNT; i++)
        s->sockets[i].n = listen_bind(s->config, (enum role_name)i,
                                      s->sockets[i].fds, CHILD_SOCKETS_MAX);
}

static void refuse_reload(const char *which, const char *why)
{
    log_event(LOG_ERROR, "config.reload_refused", LOG_CSTR("which", which),
              LOG_CSTR("why", why));
}

static bool told_to_stop(void)
{
    sigset_t set;

    return sigpending(&set) == 0 &&
           (sigismember(&set, SIGTERM) == 1 || sigismember(&set, SIGINT) == 1);
}

/* Until the role on the other end of the pipe serves; false: it does not. */
static bool wait_ready(int fd, int64_t end_mono_ms)
{
    struct pollfd p = { fd, POLLIN, 0 };
    char octet;

    while (clock_mono_ms() < end_mono_ms && !told_to_stop())
        if (poll(&p, 1, 100) > 0)
            return read(fd, &octet, 1) == 1;
    return false;
}

/* A second set of roles on the same sockets. False when one of them does not
 * come to serve, as with a certificate that cannot be read. */
static bool start_fresh(struct supervisor *s, struct child *fresh)
{
    int64_t end = clock_mono_ms() + READY_MS;
    int ready[ROLE_COUNT];
    bool good = true;

    for (int i = 0; i < ROLE_COUNT; i++) {
        struct child_gifts gifts = gifts_for(s, (enum role_name)i);

        ready[i] = -1;
        if (role_wanted(s->config, (enum role_name)i))
            child_start(&fresh[i], (enum role_name)i, &gifts, &ready[i]);
    }
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (role_wanted(s->config, (enum role_name)i) && good &&
            (ready[i] < 0 || !wait_ready(ready[i], end))) {
            good = false;
            refuse_reload(role_text((enum role_name)i),
                          "with the new configuration or its files it does "
                          "not start; the old one stays");
        }
        if (ready[i] >= 0)
            close(ready[i]);
    }
    return good;
}

static const char *must_restart(const struct supervisor *s,
                                const struct config *fresh)
{
    if (fresh == NULL)
        return "the new configuration has errors";
    if (!str_eq(fresh->data_dir, s->config->data_dir) ||
        !same_sockets(fresh, s->config))
        return "listeners or the data directory changed: restart instead";
    return NULL;
}

static void reload(struct supervisor *s)
{
    struct config *config = load(s->config_path);
    struct child fresh[ROLE_COUNT] = { 0 };
    const char *why = must_restart(s, config);

    if (why != NULL) {
        refuse_reload("file", why);
        config_free(&config);
        return;
    }
    int old[2] = { s->channel[0], s->channel[1] };
    open_channel(s->channel);
    bool good = start_fresh(s, fresh);
    for (int i = 0; i < ROLE_COUNT; i++) {
        pid_t leaves = good ? s->children[i].pid : fresh[i].pid;

        if (good)
            s->children[i] = fresh[i];
        if (leaves > 0)
            retire(s, leaves);
    }
    /* Who retires keeps the ends it was given. */
    close_channel(good ? old : s->channel);
    if (good) {
        config_free(&s->config);
        s->config = config;
        log_event(LOG_NOTICE, "config.reloaded",
                  LOG_CSTR("file", s->config_path));
    } else {
        memcpy(s->channel, old, sizeof(old));
        config_free(&config);
    }
}

static size_t count_left(const struct supervisor *s)
{
    size_t n = 0;

    for (int i = 0; i < ROLE_COUNT; i++)
        n += s->children[i].pid > 0;
    for (int i = 0; i < CHILDREN_MAX; i++)
        n += s->draining[i] > 0;
    return n;
}

static void signal_all(const struct supervisor *s, int sig)
{
    for (int i = 0; i < ROLE_COUNT; i++)
        if (s->children[i].pid > 0)
            kill(s->children[i].pid, sig);
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (s->draining[i] > 0)
            kill(s->draining[i], sig);
}

static void wait_signal(const sigset_t *set, int64_t ms, int *sig)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    int got = sigtimedwait(set, NULL, &t);

    *sig = got > 0 ? got : 0;
}

static void stop_all(struct supervisor *s, const sigset_t *set)
{
    int64_t end = clock_mono_ms() + STOP_MS;
    int sig;

    notify_supervisor("STOPPING=1");
    signal_all(s, SIGTERM);
    while (count_left(s) > 0 && clock_mono_ms() < end) {
        wait_signal(set, 100, &sig);
        reap(s);
    }
    if (count_left(s) == 0)
        return;
    log_event(LOG_WARNING, "role.killed",
              LOG_CSTR("why", "did not end in time; queued mail is safe"));
    signal_all(s, SIGKILL);
}

static void open_shared(struct supervisor *s)
{
    s->doorbell = eventfd(0, EFD_NONBLOCK);
    s->metrics = memfd_create("postseal-metrics", 0);
    if (s->doorbell >= 0 && s->metrics >= 0 &&
        ftruncate(s->metrics, (off_t)metrics_bytes()) == 0) {
        metrics_attach(s->metrics);
        return;
    }
    fprintf(stderr, "postseal: %s\n", strerror(errno));
    exit(EXIT_INTERNAL);
}

static void watch(struct supervisor *s, const sigset_t *set)
{
    for (;;) {
        int sig;

        wait_signal(set, 200, &sig);
        if (sig == SIGTERM || sig == SIGINT)
            return;
        if (sig == SIGHUP)
            reload(s);
        reap(s);
        restart_due(s);
        tell_roles(s);
    }
}

int supervisor_run(const char *config_path)
{
    struct supervisor s = { .config_path = config_path };
    sigset_t set;

    s.config = load(config_path);
    if (s.config == NULL)
        return EXIT_CONFIG;
    log_setup("supervisor", s.config->log_level, s.config->log_format);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s.lock = lock_data(s.config);
    open_shared(&s);
    open_channel(s.channel);
    bind_all(&s);
    users_own_data(s.config);
    start_all(&s);
    notify_supervisor("READY=1");
    log_event(LOG_NOTICE, "serve.started", LOG_CSTR("file", config_path),
              LOG_CSTR("version", POSTSEAL_VERSION));
    watch(&s, &set);
    stop_all(&s, &set);
    log_event(LOG_NOTICE, "serve.stopped", LOG_INT("left", count_left(&s)));
    config_free(&s.config);
    return 0;
}
