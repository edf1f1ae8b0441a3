/* SPDX-License-Identifier: Apache-2.0 */
#include "role/intake/auth_gate.h"

#include "base/clock.h"
#include "base/panic.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

enum {
    SLOTS = 4096,
    FAILURES_MAX = 5,
    WINDOW_MS = 15 * 60 * 1000,
};

/* Addresses share a slot by hash; a collision only makes somebody wait. */
struct slot {
    uint64_t hash;
    uint32_t failures;
    int64_t first_mono_ms;
};

struct auth_gate {
    pthread_mutex_t lock;
    sem_t running;
    struct slot slots[SLOTS];
};

struct auth_gate *auth_gate_new(unsigned at_once)
{
    struct auth_gate *gate = calloc(1, sizeof(*gate));

    if (gate == NULL)
        panic("out of memory");
    pthread_mutex_init(&gate->lock, NULL);
    sem_init(&gate->running, 0, at_once);
    return gate;
}

void auth_gate_free(struct auth_gate **gate)
{
    if (*gate == NULL)
        return;
    pthread_mutex_destroy(&(*gate)->lock);
    sem_destroy(&(*gate)->running);
    free(*gate);
    *gate = NULL;
}

static struct slot *slot_of(struct auth_gate *gate, struct str address)
{
    uint64_t hash = str_hash(address);
    struct slot *slot = &gate->slots[hash % SLOTS];

    if (slot->hash != hash || clock_mono_ms() - slot->first_mono_ms > WINDOW_MS)
        *slot = (struct slot){ hash, 0, clock_mono_ms() };
    return slot;
}

bool auth_gate_may_try(struct auth_gate *gate, struct str address)
{
    bool may;

    pthread_mutex_lock(&gate->lock);
    may = slot_of(gate, address)->failures < FAILURES_MAX;
    pthread_mutex_unlock(&gate->lock);
    return may;
}

void auth_gate_failed(struct auth_gate *gate, struct str address)
{
    pthread_mutex_lock(&gate->lock);
    slot_of(gate, address)->failures++;
    pthread_mutex_unlock(&gate->lock);
}

void auth_gate_enter(struct auth_gate *gate)
{
    while (sem_wait(&gate->running) != 0)
        continue;
}

void auth_gate_leave(struct auth_gate *gate)
{
    sem_post(&gate->running);
}
