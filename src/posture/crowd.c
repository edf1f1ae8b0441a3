/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/crowd.h"

#include "base/panic.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Keys that share a slot share its places: fewer calls, never more. */
enum { SLOTS = 4096 };

struct crowd {
    pthread_mutex_t lock;
    pthread_cond_t left;
    uint32_t most;
    struct slot {
        uint32_t n;
        bool strained;
    } slots[SLOTS];
};

struct crowd *crowd_new(uint32_t most)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    pthread_condattr_t attr;

    if (crowd == NULL)
        panic("out of memory");
    crowd->most = most;
    pthread_mutex_init(&crowd->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&crowd->left, &attr);
    pthread_condattr_destroy(&attr);
    return crowd;
}

void crowd_free(struct crowd **crowd)
{
    if (*crowd == NULL)
        return;
    pthread_cond_destroy(&(*crowd)->left);
    pthread_mutex_destroy(&(*crowd)->lock);
    free(*crowd);
    *crowd = NULL;
}

static struct slot *slot_of(struct crowd *crowd, struct str key)
{
    return &crowd->slots[str_hash(key) % SLOTS];
}

static bool is_full(const struct crowd *crowd, const struct slot *slot)
{
    return slot->n >= (slot->strained ? 1 : crowd->most);
}

bool crowd_enter(struct crowd *crowd, struct str key, int64_t until_mono_ms)
{
    struct timespec until = { until_mono_ms / 1000,
                              until_mono_ms % 1000 * 1000000 };
    struct slot *slot = slot_of(crowd, key);
    int rc = 0;

    pthread_mutex_lock(&crowd->lock);
    while (is_full(crowd, slot) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&crowd->left, &crowd->lock, &until);
    bool entered = !is_full(crowd, slot);
    slot->n += entered;
    pthread_mutex_unlock(&crowd->lock);
    return entered;
}

void crowd_leave(struct crowd *crowd, struct str key)
{
    pthread_mutex_lock(&crowd->lock);
    slot_of(crowd, key)->n--;
    pthread_cond_broadcast(&crowd->left);
    pthread_mutex_unlock(&crowd->lock);
}

void crowd_strained(struct crowd *crowd, struct str key)
{
    pthread_mutex_lock(&crowd->lock);
    slot_of(crowd, key)->strained = true;
    pthread_mutex_unlock(&crowd->lock);
}
