/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sources.h"

#include "base/panic.h"
#include "base/random.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096 }; /* a power of two */

struct source {
    struct source *next;
    uint64_t key; /* an IPv4 address, or the first half of an IPv6 one */
    bool six;
    uint32_t n;
};

struct sources {
    uint64_t seed;
    struct source *slots[SLOTS];
};

struct sources *sources_new(void)
{
    struct sources *s = calloc(1, sizeof(*s));

    if (s == NULL)
        panic("out of memory");
    random_bytes(&s->seed, sizeof(s->seed));
    return s;
}

void sources_free(struct sources **sources)
{
    struct sources *s = *sources;

    *sources = NULL;
    for (size_t i = 0; s != NULL && i < SLOTS; i++)
        while (s->slots[i] != NULL) {
            struct source *next = s->slots[i]->next;

            free(s->slots[i]);
            s->slots[i] = next;
        }
    free(s);
}

static void key_of(const struct sockaddr_storage *address, uint64_t *key,
                   bool *six)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    *key = 0;
    *six =
        address->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    if (*six)
        memcpy(key, v6->sin6_addr.s6_addr, sizeof(*key));
    else if (address->ss_family == AF_INET6)
        memcpy(key, v6->sin6_addr.s6_addr + 12, 4);
    else
        memcpy(key, &v4->sin_addr, 4);
}

/* The finaliser of SplitMix64: every bit of the key moves every bit. */
static struct source **slot_of(struct sources *s, uint64_t key)
{
    uint64_t x = key ^ s->seed;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return &s->slots[(x ^ (x >> 31)) & (SLOTS - 1)];
}

struct source *sources_enter(struct sources *sources,
                             const struct sockaddr_storage *address,
                             uint32_t most)
{
    struct source **slot, *found;
    uint64_t key;
    bool six;

    key_of(address, &key, &six);
    slot = slot_of(sources, key);
    for (found = *slot; found != NULL; found = found->next)
        if (found->key == key && found->six == six)
            break;
    if (found == NULL && most > 0) {
        found = calloc(1, sizeof(*found));
        if (found == NULL)
            panic("out of memory");
        *found = (struct source){ *slot, key, six, 0 };
        *slot = found;
    }
    if (found == NULL || found->n >= most)
        return NULL;
    found->n++;
    return found;
}

void sources_leave(struct sources *sources, struct source *source)
{
    struct source **at = slot_of(sources, source->key);

    if (--source->n > 0)
        return;
    while (*at != source)
        at = &(*at)->next;
    *at = source->next;
    free(source);
}
