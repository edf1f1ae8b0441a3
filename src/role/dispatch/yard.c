/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/yard.h"

#include "base/clock.h"
#include "base/panic.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SLOTS = 4096,
    START_AT_ONCE = 2,
    REST_FIRST_MS = 30000,
    KEEP_IDLE_MS = 600000
};

struct yard_place {
    struct yard_place *chain;      /* of the hash slot */
    struct yard_place *ready_next; /* of the round */
    char *name;
    size_t name_n;
    struct parcel *head, *tail;
    size_t waiting;
    uint32_t active, limit;
    bool in_round;
    uint32_t failures;
    int64_t rest_until_ms, used_ms;
    struct status rest_why;
};

struct yard {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct yard_place *slots[SLOTS];
    struct yard_place *round_head, *round_tail;
    uint32_t per_destination;
    int64_t rest_max_ms, swept_ms;
    size_t parcels, active;
    bool stopped;
};

struct yard *yard_new(uint32_t per_destination, int64_t rest_max_ms)
{
    struct yard *y = calloc(1, sizeof(*y));
    pthread_condattr_t attr;

    if (y == NULL)
        panic("out of memory");
    pthread_mutex_init(&y->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&y->more, &attr);
    pthread_condattr_destroy(&attr);
    y->per_destination = per_destination > 0 ? per_destination : 1;
    y->rest_max_ms = rest_max_ms;
    y->swept_ms = clock_mono_ms();
    return y;
}

static void place_free(struct yard_place *place)
{
    free(place->name);
    free(place);
}

void yard_free(struct yard **yard)
{
    struct yard *y = *yard;

    *yard = NULL;
    if (y == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        while (y->slots[i] != NULL) {
            struct yard_place *next = y->slots[i]->chain;

            place_free(y->slots[i]);
            y->slots[i] = next;
        }
    pthread_cond_destroy(&y->more);
    pthread_mutex_destroy(&y->lock);
    free(y);
}

static struct yard_place *place_new(struct yard *y, struct str name)
{
    struct yard_place *place = calloc(1, sizeof(*place));

    if (place == NULL || (place->name = malloc(name.n + 1)) == NULL)
        panic("out of memory");
    memcpy(place->name, name.p, name.n);
    place->name_n = name.n;
    place->limit =
        START_AT_ONCE < y->per_destination ? START_AT_ONCE : y->per_destination;
    return place;
}

static struct yard_place *place_must(struct yard *y, struct str name)
{
    struct yard_place **slot = &y->slots[str_hash(name) % SLOTS];

    for (struct yard_place *p = *slot; p != NULL; p = p->chain)
        if (str_eq(str_of(p->name, p->name_n), name))
            return p;
    struct yard_place *place = place_new(y, name);
    place->chain = *slot;
    *slot = place;
    return place;
}

/* Puts the place into the round when it has work and a free turn. */
static void enter_round(struct yard *y, struct yard_place *place)
{
    if (place->in_round || place->head == NULL || place->active >= place->limit)
        return;
    place->in_round = true;
    place->ready_next = NULL;
    if (y->round_tail == NULL)
        y->round_head = place;
    else
        y->round_tail->ready_next = place;
    y->round_tail = place;
    pthread_cond_signal(&y->more);
}

void yard_push(struct yard *y, struct parcel *parcel)
{
    pthread_mutex_lock(&y->lock);
    struct yard_place *place = place_must(y, parcel->destination);

    parcel->next = NULL;
    if (place->tail == NULL)
        place->head = parcel;
    else
        place->tail->next = parcel;
    place->tail = parcel;
    place->waiting++;
    y->parcels++;
    enter_round(y, place);
    pthread_mutex_unlock(&y->lock);
}

/* Places nobody used for a while are forgotten, or names would pile up. */
static void sweep(struct yard *y, int64_t now)
{
    if (now - y->swept_ms < KEEP_IDLE_MS / 10)
        return;
    y->swept_ms = now;
    for (size_t i = 0; i < SLOTS; i++)
        for (struct yard_place **at = &y->slots[i]; *at != NULL;) {
            struct yard_place *p = *at;

            if (p->head == NULL && p->active == 0 &&
                now - p->used_ms > KEEP_IDLE_MS) {
                *at = p->chain;
                place_free(p);
            } else {
                at = &p->chain;
            }
        }
}

static struct yard_place *next_in_round(struct yard *y)
{
    struct yard_place *place = y->round_head;

    y->round_head = place->ready_next;
    if (y->round_head == NULL)
        y->round_tail = NULL;
    place->in_round = false;
    return place;
}

static struct parcel *take_head(struct yard *y, struct yard_place *place)
{
    struct parcel *parcel = place->head;

    place->head = parcel->next;
    if (place->head == NULL)
        place->tail = NULL;
    parcel->next = NULL;
    place->waiting--;
    place->active++;
    y->active++;
    y->parcels--;
    return parcel;
}

struct parcel *yard_take(struct yard *y, int64_t wait_ms,
                         struct yard_place **out)
{
    int64_t until = clock_mono_ms() + wait_ms;
    struct timespec at = { until / 1000, until % 1000 * 1000000 };
    struct parcel *parcel = NULL;
    int rc = 0;

    pthread_mutex_lock(&y->lock);
    while (y->round_head == NULL && !y->stopped && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&y->more, &y->lock, &at);
    if (!y->stopped && y->round_head != NULL) {
        struct yard_place *place = next_in_round(y);

        parcel = take_head(y, place);
        enter_round(y, place);
        *out = place;
    }
    pthread_mutex_unlock(&y->lock);
    return parcel;
}

static void rest(struct yard *y, struct yard_place *place, struct status why,
                 int64_t now)
{
    int64_t ms = REST_FIRST_MS;

    /* Others that were under way when it went down add nothing. */
    if (now < place->rest_until_ms)
        return;
    for (uint32_t i = 0; i < place->failures && ms < y->rest_max_ms; i++)
        ms *= 2;
    place->failures++;
    place->rest_until_ms = now + (ms < y->rest_max_ms ? ms : y->rest_max_ms);
    place->rest_why = why;
}

static void learn(struct yard *y, struct yard_place *place, enum yard_news news,
                  struct status why, int64_t now)
{
    switch (news) {
    case YARD_WELL:
        place->failures = 0;
        place->rest_until_ms = 0;
        if (place->limit < y->per_destination)
            place->limit++;
        break;
    case YARD_DOWN:
        rest(y, place, why, now);
        place->limit = place->limit > 1 ? place->limit / 2 : 1;
        break;
    case YARD_STRAIN:
        place->limit = place->limit > 1 ? place->limit / 2 : 1;
        break;
    case YARD_NEUTRAL:
        break;
    }
}

void yard_done(struct yard *y, struct yard_place *place, enum yard_news news,
               struct status why)
{
    int64_t now = clock_mono_ms();

    pthread_mutex_lock(&y->lock);
    place->active--;
    y->active--;
    place->used_ms = now;
    learn(y, place, news, why, now);
    enter_round(y, place);
    sweep(y, now);
    pthread_mutex_unlock(&y->lock);
}

bool yard_resting(struct yard *y, struct yard_place *place, struct status *why)
{
    bool resting;

    pthread_mutex_lock(&y->lock);
    resting = clock_mono_ms() < place->rest_until_ms;
    if (resting)
        *why = place->rest_why;
    pthread_mutex_unlock(&y->lock);
    return resting;
}

struct parcel *yard_stop(struct yard *y)
{
    struct parcel *all = NULL;

    pthread_mutex_lock(&y->lock);
    y->stopped = true;
    for (size_t i = 0; i < SLOTS; i++)
        for (struct yard_place *p = y->slots[i]; p != NULL; p = p->chain) {
            if (p->tail == NULL)
                continue;
            p->tail->next = all;
            all = p->head;
            p->head = p->tail = NULL;
            p->waiting = 0;
        }
    y->parcels = 0;
    y->round_head = y->round_tail = NULL;
    pthread_cond_broadcast(&y->more);
    pthread_mutex_unlock(&y->lock);
    return all;
}

size_t yard_saturated(struct yard *y, size_t many, struct arena *arena,
                      struct str **domains)
{
    enum { MOST = 256 };
    size_t n = 0;

    pthread_mutex_lock(&y->lock);
    *domains = arena_array(arena, MOST, sizeof(struct str));
    for (size_t i = 0; y->parcels >= many && i < SLOTS; i++)
        for (struct yard_place *p = y->slots[i]; p != NULL; p = p->chain)
            if (p->waiting >= many && n < MOST)
                (*domains)[n++] = str_keep(arena, p->head->domain);
    pthread_mutex_unlock(&y->lock);
    return n;
}

size_t yard_load(struct yard *y)
{
    pthread_mutex_lock(&y->lock);
    size_t n = y->parcels + y->active;
    pthread_mutex_unlock(&y->lock);
    return n;
}
