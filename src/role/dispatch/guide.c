/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/guide.h"

#include "base/clock.h"
#include "base/panic.h"

#include <pthread.h>
#include <stdlib.h>

enum { SLOTS = 1024, MOST = 4096 };

struct guide_entry {
    struct guide_entry *next;
    struct arena arena;
    struct domain_posture posture;
    struct str key;
    int64_t made_ms, until_ms;
    uint32_t users; /* readers, and one while it is listed */
};

struct guide {
    pthread_mutex_t lock;
    struct posture *posture;
    struct guide_entry *slots[SLOTS];
    size_t n;
};

struct guide *guide_new(struct posture *posture)
{
    struct guide *g = calloc(1, sizeof(*g));

    if (g == NULL)
        panic("out of memory");
    pthread_mutex_init(&g->lock, NULL);
    g->posture = posture;
    return g;
}

static void release(struct guide_entry *e)
{
    if (--e->users > 0)
        return;
    arena_free(&e->arena);
    free(e);
}

static void unlist(struct guide *g, struct guide_entry **at)
{
    struct guide_entry *e = *at;

    *at = e->next;
    g->n--;
    release(e);
}

void guide_free(struct guide **guide)
{
    struct guide *g = *guide;

    *guide = NULL;
    if (g == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        while (g->slots[i] != NULL)
            unlist(g, &g->slots[i]);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

/* With the lock: the living entry, old ones of the slot dropped on the way. */
static struct guide_entry *find(struct guide *g, struct str key, bool young)
{
    struct guide_entry **at = &g->slots[str_hash(key) % SLOTS], *found = NULL;
    int64_t now = clock_mono_ms();

    while (*at != NULL) {
        bool same = str_eq((*at)->key, key);

        if ((*at)->until_ms <= now ||
            (same && young && (*at)->made_ms + GUIDE_KEEP_LEAST_MS <= now)) {
            unlist(g, at);
            continue;
        }
        if (same)
            found = *at;
        at = &(*at)->next;
    }
    return found;
}

static int64_t keep_ms(const struct domain_posture *posture)
{
    int64_t ttl_ms = (int64_t)posture->ttl_s * 1000;

    if (!status_is_ok(posture->status))
        return GUIDE_KEEP_FAULT_MS;
    if (ttl_ms < GUIDE_KEEP_LEAST_MS)
        return GUIDE_KEEP_LEAST_MS;
    return ttl_ms < GUIDE_KEEP_MS ? ttl_ms : GUIDE_KEEP_MS;
}

static struct guide_entry *look_up(struct guide *g, struct str domain,
                                   const struct route_config *route,
                                   struct str key)
{
    struct guide_entry *e = calloc(1, sizeof(*e));

    if (e == NULL)
        panic("out of memory");
    e->users = 1;
    e->key = str_keep(&e->arena, key);
    if (route != NULL)
        posture_host(g->posture, route->host, route->port, GUIDE_LOOKUP_MS,
                     &e->arena, &e->posture);
    else
        posture_domain(g->posture, domain, GUIDE_LOOKUP_MS, &e->arena,
                       &e->posture);
    e->made_ms = clock_mono_ms();
    e->until_ms = e->made_ms + keep_ms(&e->posture);
    return e;
}

static void list(struct guide *g, struct guide_entry *e)
{
    struct guide_entry **slot = &g->slots[str_hash(e->key) % SLOTS];

    if (g->n >= MOST)
        return;
    e->next = *slot;
    *slot = e;
    e->users++;
    g->n++;
}

static struct guide_entry *ask(struct guide *g, struct str domain,
                               const struct route_config *route, bool young)
{
    struct arena scratch = { 0 };
    struct str key = domain;
    struct guide_entry *e;

    if (route != NULL)
        key = arena_printf(&scratch, "%.*s:%u", STR_ARG(route->host),
                           (unsigned)route->port);
    pthread_mutex_lock(&g->lock);
    e = find(g, key, young);
    if (e != NULL)
        e->users++;
    pthread_mutex_unlock(&g->lock);
    if (e == NULL) {
        e = look_up(g, domain, route, key);
        pthread_mutex_lock(&g->lock);
        list(g, e);
        pthread_mutex_unlock(&g->lock);
    }
    arena_free(&scratch);
    return e;
}

const struct domain_posture *guide_ask(struct guide *g, struct str domain,
                                       const struct route_config *route,
                                       struct guide_entry **entry)
{
    *entry = ask(g, domain, route, false);
    return &(*entry)->posture;
}

const struct domain_posture *guide_doubt(struct guide *g, struct str domain,
                                         const struct route_config *route,
                                         struct guide_entry **entry)
{
    struct guide_entry *now;

    if (clock_mono_ms() - (*entry)->made_ms < GUIDE_KEEP_LEAST_MS)
        return NULL;
    now = ask(g, domain, route, true);
    if (posture_same(&(*entry)->posture, &now->posture)) {
        guide_done(g, &now);
        return NULL;
    }
    guide_done(g, entry);
    *entry = now;
    return &now->posture;
}

void guide_done(struct guide *g, struct guide_entry **entry)
{
    struct guide_entry *e = *entry;

    *entry = NULL;
    if (e == NULL)
        return;
    pthread_mutex_lock(&g->lock);
    release(e);
    pthread_mutex_unlock(&g->lock);
}
