/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts connections on bound sockets and runs sessions on a pool of threads.
 * A session is idle at a boundary of its own choosing: it is then parked (one
 * epoll descriptor for all) and its thread goes back to the pool, so that ten
 * thousand idle sessions cost no threads and a slow client costs nobody else
 * anything. Caps on connections in all and per source (an IPv6 source is its
 * /64) are kept here.
 */
#ifndef POSTSEAL_NET_LISTENER_H
#define POSTSEAL_NET_LISTENER_H

#include "net/stream.h"

enum listener_next { LISTENER_DONE, LISTENER_PARK };

struct listener;

struct listener_callbacks {
    /* A session for a connection on socket number which; takes the stream.
     * NULL: refused, the stream is freed. */
    void *(*open)(void *context, size_t which, struct stream **stream);
    /* Runs it until it ends or may be parked until a point in time. */
    enum listener_next (*step)(void *session, int64_t *park_until_mono_ms);
    /* Its connection, to wait on while parked. */
    int (*fd)(void *session);
    /* Told once when its time is over while parked, or the role stops: may
     * still say a word; then it is freed. */
    void (*expired)(void *session, bool stopping);
    void (*free)(void *session);
    /* One line for a connection over a cap, or "" to just close. */
    struct str (*busy)(void *context, size_t which, bool per_source);
    void *context;
};

struct listener_limits {
    uint32_t connections, connections_per_source;
    uint32_t threads; /* at most; made as needed */
};

/* Starts accepting. The sockets stay the caller's. */
struct listener *listener_start(const int *fds, size_t n,
                                const struct listener_callbacks *callbacks,
                                const struct listener_limits *limits);
/* Accepts no more: the sockets are another process's now, and whoever waits
 * there is served by it. Who was accepted stays, parked or running, for as long
 * as their own limits allow. */
void listener_close(struct listener *listener);
/* Stops accepting, ends parked sessions, lets running ones go on for drain_ms
 * at the most, frees everything. Accepts NULL, sets NULL. */
void listener_stop(struct listener **listener, int64_t drain_ms);
/* Open connections now. */
uint32_t listener_count(struct listener *listener);

#endif
