/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/panic.h"
#include "net/sources.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    STACK_BYTES = 256 * 1024,
    EVENTS = 64,
    TICK_MS = 250,
    IDLE_THREADS_MS = 10000,
    ACCEPT_AT_ONCE = 64, /* then others have their turn */
    SILENT_MS = 1000,    /* between two lines about refused connections */
    FULL_PAUSE_MS = 20,  /* no descriptor is free: accept later */
};

enum place { RUNNABLE, RUNNING, PARKED };

struct seat {                 /* one connection */
    struct seat *next, *prev; /* of all parked, or next of the run queue */
    void *session;
    struct source *source;
    enum place place;
    int64_t until_mono_ms;
};

struct listener {
    struct listener_callbacks call;
    struct listener_limits limits;
    const int *fds;
    size_t fds_n;
    int epoll, wake;
    pthread_t accepter;
    pthread_mutex_t lock;
    pthread_cond_t work, quiet;
    struct seat *run_first, *run_last;
    struct seat parked; /* ring */
    uint32_t connections, threads, idle_threads, queued;
    struct sources *sources;
    /* The accepter's own. */
    bool full;            /* no descriptor was left */
    uint32_t turned_away; /* since the last line about it */
    int64_t silent_until_mono_ms;
    _Atomic bool stopping;
    _Atomic bool closed; /* nobody is accepted any more */
};

static void run_queue_add(struct listener *l, struct seat *seat)
{
    seat->place = RUNNABLE;
    seat->next = NULL;
    if (l->run_last != NULL)
        l->run_last->next = seat;
    else
        l->run_first = seat;
    l->run_last = seat;
    l->queued++;
}

static struct seat *run_queue_take(struct listener *l)
{
    struct seat *seat = l->run_first;

    if (seat == NULL)
        return NULL;
    l->run_first = seat->next;
    if (l->run_first == NULL)
        l->run_last = NULL;
    seat->place = RUNNING;
    l->queued--;
    return seat;
}

static void unlink_parked(struct seat *seat)
{
    seat->prev->next = seat->next;
    seat->next->prev = seat->prev;
}

static void leave(struct listener *l, struct seat *seat)
{
    l->call.free(seat->session);
    pthread_mutex_lock(&l->lock);
    l->connections--;
    sources_leave(l->sources, seat->source);
    pthread_cond_broadcast(&l->quiet);
    pthread_mutex_unlock(&l->lock);
    free(seat);
}

/* One shot: after it fires nobody else wakes this seat until it parks again. */
static void park(struct listener *l, struct seat *seat, int64_t until)
{
    struct epoll_event event = { EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
                                 { .ptr = seat } };
    int fd = l->call.fd(seat->session);
    /* Who is woken again and again is never parked when the tick comes. */
    bool over = until <= clock_mono_ms(), stopping;

    pthread_mutex_lock(&l->lock);
    stopping = l->stopping;
    if (!stopping && !over) {
        seat->place = PARKED;
        seat->until_mono_ms = until;
        seat->next = &l->parked;
        seat->prev = l->parked.prev;
        l->parked.prev->next = seat;
        l->parked.prev = seat;
        if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &event) != 0 &&
            epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            panic("epoll: %s", strerror(errno));
    }
    pthread_mutex_unlock(&l->lock);
    if (stopping || over) {
        l->call.expired(seat->session, stopping);
        leave(l, seat);
    }
}

static void run(struct listener *l, struct seat *seat)
{
    int64_t until = 0;

    if (l->call.step(seat->session, &until) == LISTENER_PARK)
        park(l, seat, until);
    else
        leave(l, seat);
}

static void *worker(void *argument)
{
    struct listener *l = argument;

    pthread_mutex_lock(&l->lock);
    for (;;) {
        struct seat *seat = run_queue_take(l);
        struct timespec until;

        if (seat != NULL) {
            pthread_mutex_unlock(&l->lock);
            run(l, seat);
            pthread_mutex_lock(&l->lock);
            continue;
        }
        if (l->stopping)
            break;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += IDLE_THREADS_MS / 1000;
        l->idle_threads++;
        if (pthread_cond_timedwait(&l->work, &l->lock, &until) == ETIMEDOUT &&
            l->run_first == NULL) {
            l->idle_threads--;
            break;
        }
        l->idle_threads--;
    }
    l->threads--;
    pthread_cond_broadcast(&l->quiet);
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void start_worker(struct listener *l)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, worker, l) == 0)
        l->threads++;
    pthread_attr_destroy(&attr);
}

/* With the lock held. */
static void make_runnable(struct listener *l, struct seat *seat)
{
    run_queue_add(l, seat);
    if (l->idle_threads >= l->queued)
        pthread_cond_signal(&l->work);
    else if (l->threads < l->limits.threads)
        start_worker(l);
}

/* A place for a connection; NULL when there is none. */
static struct source *admit(struct listener *l,
                            const struct sockaddr_storage *address,
                            bool *per_source)
{
    struct source *source = NULL;

    *per_source = false;
    pthread_mutex_lock(&l->lock);
    if (!l->stopping && l->connections < l->limits.connections) {
        source = sources_enter(l->sources, address,
                               l->limits.connections_per_source);
        *per_source = source == NULL;
        l->connections += source != NULL;
    }
    pthread_mutex_unlock(&l->lock);
    return source;
}

static void give_up(struct listener *l, struct source *source)
{
    pthread_mutex_lock(&l->lock);
    l->connections--;
    sources_leave(l->sources, source);
    pthread_mutex_unlock(&l->lock);
}

/* A flood of connections must not become a flood of lines. */
static bool may_tell(struct listener *l)
{
    int64_t now = clock_mono_ms();

    if (now < l->silent_until_mono_ms)
        return false;
    l->silent_until_mono_ms = now + SILENT_MS;
    return true;
}

static void turn_away(struct listener *l, size_t which, struct stream *s,
                      bool per_source)
{
    stream_deadline(s, clock_mono_ms());
    stream_write(s, l->call.busy(l->call.context, which, per_source));
    stream_flush(s);
    l->turned_away++;
    if (may_tell(l)) {
        log_event(LOG_NOTICE, "listener.busy", LOG_CSTR("peer", stream_peer(s)),
                  LOG_BOOL("per_source", per_source),
                  LOG_INT("turned_away", l->turned_away));
        l->turned_away = 0;
    }
    stream_free(&s);
}

static void welcome(struct listener *l, size_t which, int fd,
                    const struct sockaddr_storage *address)
{
    struct stream *s = stream_from_fd(fd);
    bool per_source;
    struct source *source = admit(l, address, &per_source);
    struct seat *seat;
    void *session;

    if (source == NULL) {
        turn_away(l, which, s, per_source);
        return;
    }
    session = l->call.open(l->call.context, which, &s);
    stream_free(&s);
    if (session == NULL) {
        give_up(l, source);
        return;
    }
    seat = calloc(1, sizeof(*seat));
    if (seat == NULL)
        panic("out of memory");
    seat->session = session;
    seat->source = source;
    pthread_mutex_lock(&l->lock);
    make_runnable(l, seat);
    pthread_mutex_unlock(&l->lock);
}

static void accept_all(struct listener *l, size_t which)
{
    for (int i = 0; i < ACCEPT_AT_ONCE && !l->closed; i++) {
        struct sockaddr_storage from = { 0 };
        socklen_t n = sizeof(from);
        int fd = accept4(l->fds[which], (struct sockaddr *)&from, &n,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0)
            welcome(l, which, fd, &from);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                 errno == ENOMEM)
            l->full = true;
        if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

/* Input, an end, or an error: the session finds out which. */
static void unpark(struct listener *l, struct seat *seat)
{
    pthread_mutex_lock(&l->lock);
    if (seat->place == PARKED) {
        unlink_parked(seat);
        make_runnable(l, seat);
    }
    pthread_mutex_unlock(&l->lock);
}

/* Takes one seat whose time is over out of the ring; NULL when none is. */
static struct seat *take_expired(struct listener *l, int64_t now)
{
    struct seat *found = NULL;

    pthread_mutex_lock(&l->lock);
    for (struct seat *s = l->parked.next; s != &l->parked; s = s->next)
        if (l->stopping || s->until_mono_ms <= now) {
            unlink_parked(s);
            s->place = RUNNING;
            found = s;
            break;
        }
    pthread_mutex_unlock(&l->lock);
    return found;
}

static void end_expired(struct listener *l)
{
    struct seat *seat;

    while ((seat = take_expired(l, clock_mono_ms())) != NULL) {
        l->call.expired(seat->session, l->stopping);
        leave(l, seat);
    }
}

/* The socket stays readable while nothing can be accepted from it: without a
 * pause this thread would spin. Sessions that end make room. */
static void wait_for_descriptors(struct listener *l)
{
    const struct timespec pause = { 0, FULL_PAUSE_MS * 1000000 };

    if (may_tell(l))
        log_event(LOG_WARNING, "listener.no_descriptors",
                  LOG_INT("connections", listener_count(l)));
    nanosleep(&pause, NULL);
    l->full = false;
}

static void *accepter(void *argument)
{
    struct listener *l = argument;
    struct epoll_event events[EVENTS];
    int64_t next_tick = 0;

    while (!l->stopping) {
        int n = epoll_wait(l->epoll, events, EVENTS, TICK_MS);

        for (int i = 0; i < n; i++) {
            uintptr_t which = (uintptr_t)events[i].data.u64;

            if (which <= l->fds_n) {
                if (which < l->fds_n)
                    accept_all(l, which);
            } else {
                unpark(l, events[i].data.ptr);
            }
        }
        if (l->full)
            wait_for_descriptors(l);
        if (clock_mono_ms() >= next_tick) {
            end_expired(l);
            next_tick = clock_mono_ms() + TICK_MS;
        }
    }
    end_expired(l);
    return NULL;
}

static void watch(struct listener *l, int fd, uint64_t which)
{
    struct epoll_event event = { EPOLLIN, { .u64 = which } };

    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        panic("epoll: %s", strerror(errno));
}

struct listener *listener_start(const int *fds, size_t n,
                                const struct listener_callbacks *callbacks,
                                const struct listener_limits *limits)
{
    struct listener *l = calloc(1, sizeof(*l));
    pthread_condattr_t attr;

    if (l == NULL)
        panic("out of memory");
    l->call = *callbacks;
    l->limits = *limits;
    l->fds = fds;
    l->fds_n = n;
    l->parked.next = l->parked.prev = &l->parked;
    l->sources = sources_new();
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->work, &attr);
    pthread_cond_init(&l->quiet, &attr);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->epoll < 0 || l->wake < 0)
        panic("epoll: %s", strerror(errno));
    for (size_t i = 0; i < n; i++)
        watch(l, fds[i], i);
    watch(l, l->wake, n);
    if (pthread_create(&l->accepter, NULL, accepter, l) != 0)
        panic("no thread for the listener");
    return l;
}

void listener_close(struct listener *l)
{
    l->closed = true;
    for (size_t i = 0; i < l->fds_n; i++)
        if (epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->fds[i], NULL) != 0)
            panic("epoll: %s", strerror(errno));
}

void listener_stop(struct listener **listener, int64_t drain_ms)
{
    struct listener *l = *listener;
    int64_t end = clock_mono_ms() + drain_ms;
    struct timespec until = { end / 1000, end % 1000 * 1000000 };
    uint64_t one = 1;
    bool quiet;

    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    if (write(l->wake, &one, sizeof(one)) < 0)
        panic("wake: %s", strerror(errno));
    pthread_join(l->accepter, NULL);
    pthread_mutex_lock(&l->lock);
    while (l->connections + l->threads > 0 &&
           pthread_cond_timedwait(&l->quiet, &l->lock, &until) != ETIMEDOUT)
        continue;
    quiet = l->connections + l->threads == 0;
    pthread_mutex_unlock(&l->lock);
    *listener = NULL;
    /* Sessions that outlive the drain still use it; the process ends anyway. */
    if (!quiet)
        return;
    close(l->epoll);
    close(l->wake);
    sources_free(&l->sources);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->quiet);
    free(l);
}

uint32_t listener_count(struct listener *listener)
{
    uint32_t n;

    pthread_mutex_lock(&listener->lock);
    n = listener->connections;
    pthread_mutex_unlock(&listener->lock);
    return n;
}
