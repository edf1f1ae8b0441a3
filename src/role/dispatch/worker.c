/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/worker.h"

#include "base/panic.h"
#include "role/dispatch/ladder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { STACK_BYTES = 512 << 10, AT_START = 4, IDLE_WAIT_MS = 60000 };

struct crew {
    struct dispatch *dispatch;
    pthread_t *threads;
    _Atomic uint32_t started, idle;
    uint32_t most;
    pthread_mutex_t lock; /* of threads and started */
};

static void hire(struct crew *crew);

static void *work(void *argument)
{
    struct crew *crew = argument;
    struct dispatch *d = crew->dispatch;

    while (!atomic_load(&d->stopping)) {
        struct yard_place *place;

        atomic_fetch_add(&crew->idle, 1);
        struct parcel *parcel = yard_take(d->yard, IDLE_WAIT_MS, &place);
        /* Nobody is left to take the next one: have one more. */
        if (atomic_fetch_sub(&crew->idle, 1) == 1 && parcel != NULL)
            hire(crew);
        if (parcel != NULL)
            ladder_climb(d, place, parcel);
    }
    return NULL;
}

static void start_thread(pthread_t *thread, struct crew *crew)
{
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (pthread_create(thread, &attr, work, crew) != 0)
        panic("no thread for a worker");
    pthread_attr_destroy(&attr);
}

static void hire(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->started < crew->most && !atomic_load(&crew->dispatch->stopping))
        start_thread(&crew->threads[crew->started++], crew);
    pthread_mutex_unlock(&crew->lock);
}

struct crew *crew_start(struct dispatch *dispatch)
{
    struct crew *crew = calloc(1, sizeof(*crew));

    if (crew == NULL)
        panic("out of memory");
    crew->dispatch = dispatch;
    crew->most = dispatch->config->delivery.connections;
    crew->threads = calloc(crew->most, sizeof(*crew->threads));
    if (crew->threads == NULL)
        panic("out of memory");
    pthread_mutex_init(&crew->lock, NULL);
    for (int i = 0; i < AT_START; i++)
        hire(crew);
    return crew;
}

void crew_join(struct crew **crew)
{
    struct crew *c = *crew;

    *crew = NULL;
    pthread_mutex_lock(&c->lock);
    uint32_t n = c->started;
    pthread_mutex_unlock(&c->lock);
    /* stopping is set: nobody is hired any more. */
    for (uint32_t i = 0; i < n; i++)
        pthread_join(c->threads[i], NULL);
    pthread_mutex_destroy(&c->lock);
    free(c->threads);
    free(c);
}
