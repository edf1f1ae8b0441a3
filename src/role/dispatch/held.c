/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/held.h"

#include "base/clock.h"
#include "base/panic.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct held {
    pthread_mutex_t lock;
    pthread_cond_t empty;
    struct parcel *newest;
    size_t deliveries, bytes;
};

struct held *held_new(void)
{
    struct held *h = calloc(1, sizeof(*h));
    pthread_condattr_t attr;

    if (h == NULL)
        panic("out of memory");
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->empty, &attr);
    pthread_condattr_destroy(&attr);
    return h;
}

void held_free(struct held **held)
{
    struct held *h = *held;

    *held = NULL;
    if (h == NULL)
        return;
    pthread_cond_destroy(&h->empty);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void held_add(struct held *h, struct parcel *p)
{
    pthread_mutex_lock(&h->lock);
    p->newer = NULL;
    p->older = h->newest;
    if (h->newest != NULL)
        h->newest->newer = p;
    h->newest = p;
    h->deliveries += p->n;
    h->bytes += p->first_frame.n;
    pthread_mutex_unlock(&h->lock);
}

void held_remove(struct held *h, struct parcel *p)
{
    pthread_mutex_lock(&h->lock);
    if (p->newer != NULL)
        p->newer->older = p->older;
    else
        h->newest = p->older;
    if (p->older != NULL)
        p->older->newer = p->newer;
    h->deliveries -= p->n;
    h->bytes -= p->first_frame.n;
    if (h->newest == NULL)
        pthread_cond_broadcast(&h->empty);
    pthread_mutex_unlock(&h->lock);
}

size_t held_count(struct held *h, size_t *bytes)
{
    pthread_mutex_lock(&h->lock);
    size_t n = h->deliveries;
    *bytes = h->bytes;
    pthread_mutex_unlock(&h->lock);
    return n;
}

static size_t collect(struct parcel *p, struct held_lease *out)
{
    for (size_t i = 0; i < p->n; i++)
        out[i] = (struct held_lease){ p->items[i].delivery.id,
                                      p->items[i].delivery.fence };
    return p->n;
}

size_t held_due(struct held *h, int64_t before_mono_ms, int64_t until_mono_ms,
                struct arena *arena, struct held_lease **out)
{
    size_t n = 0;

    pthread_mutex_lock(&h->lock);
    for (struct parcel *p = h->newest; p != NULL; p = p->older)
        n += p->lease_until_mono_ms < before_mono_ms ? p->n : 0;
    *out = arena_array(arena, n, sizeof(**out));
    n = 0;
    for (struct parcel *p = h->newest; p != NULL; p = p->older) {
        if (p->lease_until_mono_ms >= before_mono_ms)
            continue;
        n += collect(p, *out + n);
        p->lease_until_mono_ms = until_mono_ms;
    }
    pthread_mutex_unlock(&h->lock);
    return n;
}

bool held_wait_empty(struct held *h, int64_t wait_ms)
{
    int64_t until = clock_mono_ms() + wait_ms;
    struct timespec at = { until / 1000, until % 1000 * 1000000 };
    int rc = 0;

    pthread_mutex_lock(&h->lock);
    while (h->newest != NULL && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&h->empty, &h->lock, &at);
    bool empty = h->newest == NULL;
    pthread_mutex_unlock(&h->lock);
    return empty;
}
