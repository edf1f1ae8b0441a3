/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/pool.h"

#include "base/clock.h"
#include "base/panic.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024 };

struct idle {
    struct idle *next;
    struct session *session;
    int64_t since_ms;
    size_t key_n;
    char key[];
};

struct pool {
    pthread_mutex_t lock;
    struct idle *slots[SLOTS];
    size_t n, most;
};

struct pool *pool_new(size_t most)
{
    struct pool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        panic("out of memory");
    pthread_mutex_init(&pool->lock, NULL);
    pool->most = most;
    return pool;
}

static void idle_end(struct idle *idle)
{
    session_quit(&idle->session);
    free(idle);
}

void pool_free(struct pool **pool)
{
    struct pool *p = *pool;

    *pool = NULL;
    if (p == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        while (p->slots[i] != NULL) {
            struct idle *next = p->slots[i]->next;

            idle_end(p->slots[i]);
            p->slots[i] = next;
        }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* The octets of address and port alone: padding would make keys differ. */
static void add_address(struct buf *key, const struct sockaddr_storage *a)
{
    const struct sockaddr_in *v4 = (const void *)a;
    const struct sockaddr_in6 *v6 = (const void *)a;

    buf_addf(key, "%d|", (int)a->ss_family);
    if (a->ss_family == AF_INET6) {
        buf_add(key, str_of(&v6->sin6_addr, sizeof(v6->sin6_addr)));
        buf_add(key, str_of(&v6->sin6_port, sizeof(v6->sin6_port)));
    } else {
        buf_add(key, str_of(&v4->sin_addr, sizeof(v4->sin_addr)));
        buf_add(key, str_of(&v4->sin_port, sizeof(v4->sin_port)));
    }
}

struct str pool_key(const struct session_target *target, struct str pinned_for,
                    struct arena *arena)
{
    struct buf key = { 0 };
    struct str kept;

    buf_addf(&key, "%d|%d|%.*s|%.*s|%.*s|%.*s|", (int)target->need,
             (int)target->wrapped, STR_ARG(target->host), STR_ARG(target->sni),
             STR_ARG(target->auth_user), STR_ARG(pinned_for));
    add_address(&key, &target->address);
    kept = str_keep(arena, buf_str(&key));
    buf_free(&key);
    return kept;
}

static struct idle *unlink_first(struct pool *pool, struct str key)
{
    for (struct idle **at = &pool->slots[str_hash(key) % SLOTS]; *at != NULL;
         at = &(*at)->next) {
        struct idle *idle = *at;

        if (!str_eq(str_of(idle->key, idle->key_n), key))
            continue;
        *at = idle->next;
        pool->n--;
        return idle;
    }
    return NULL;
}

static bool worn(const struct session *s)
{
    return s->spoilt || s->sent >= POOL_USES ||
           clock_mono_ms() - s->opened_ms > POOL_AGE_MS;
}

struct session *pool_take(struct pool *pool, struct str key)
{
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        struct idle *idle = unlink_first(pool, key);
        pthread_mutex_unlock(&pool->lock);

        if (idle == NULL)
            return NULL;
        if (session_is_quiet(idle->session) && !worn(idle->session)) {
            struct session *session = idle->session;

            free(idle);
            return session;
        }
        idle_end(idle);
    }
}

void pool_give(struct pool *pool, struct str key, struct session **session)
{
    struct idle *idle;
    bool full;

    if (worn(*session)) {
        session_quit(session);
        return;
    }
    idle = calloc(1, sizeof(*idle) + key.n);
    if (idle == NULL)
        panic("out of memory");
    idle->session = *session;
    idle->since_ms = clock_mono_ms();
    idle->key_n = key.n;
    memcpy(idle->key, key.p, key.n);
    *session = NULL;
    pthread_mutex_lock(&pool->lock);
    full = pool->n >= pool->most;
    if (!full) {
        struct idle **slot = &pool->slots[str_hash(key) % SLOTS];

        idle->next = *slot;
        *slot = idle;
        pool->n++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (full)
        idle_end(idle);
}

void pool_sweep(struct pool *pool)
{
    struct idle *old = NULL;
    int64_t now = clock_mono_ms();

    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < SLOTS; i++)
        for (struct idle **at = &pool->slots[i]; *at != NULL;) {
            struct idle *idle = *at;

            if (now - idle->since_ms < POOL_IDLE_MS) {
                at = &idle->next;
                continue;
            }
            *at = idle->next;
            idle->next = old;
            old = idle;
            pool->n--;
        }
    pthread_mutex_unlock(&pool->lock);
    while (old != NULL) {
        struct idle *next = old->next;

        idle_end(old);
        old = next;
    }
}
