/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/parcel.h"

#include "base/panic.h"

#include <stdatomic.h>
#include <stdlib.h>

struct load *load_new(void)
{
    struct load *load = calloc(1, sizeof(*load));

    if (load == NULL)
        panic("out of memory");
    atomic_init(&load->users, 1);
    return load;
}

void load_keep(struct load *load)
{
    atomic_fetch_add(&load->users, 1);
}

void load_drop(struct load **load)
{
    struct load *l = *load;

    *load = NULL;
    if (l == NULL || atomic_fetch_sub(&l->users, 1) > 1)
        return;
    arena_free(&l->arena);
    free(l);
}

bool item_method(const struct item *item, enum method *out)
{
    if (item->delivery.rung >= item->orders.ladder.n)
        return false;
    *out = item->orders.ladder.rung[item->delivery.rung];
    return true;
}

bool item_goes_with(const struct item *a, const struct item *b)
{
    const struct orders *x = &a->orders, *y = &b->orders;

    if (x->floor != y->floor || x->ladder.n != y->ladder.n ||
        a->delivery.rung != b->delivery.rung ||
        x->switch_after_ms != y->switch_after_ms || x->waived != y->waived)
        return false;
    for (size_t i = 0; i < x->ladder.n; i++)
        if (x->ladder.rung[i] != y->ladder.rung[i])
            return false;
    return str_eq(x->strip_marker, y->strip_marker);
}

static struct str destination_of(struct arena *arena,
                                 const struct route_config *route,
                                 struct str domain)
{
    if (route == NULL)
        return domain;
    return arena_printf(arena, "%.*s:%u", STR_ARG(route->host),
                        (unsigned)route->port);
}

static bool fits(const struct parcel *p, const struct leased *leased,
                 const struct route_config *route)
{
    if (p->message != leased->message || p->route != route ||
        p->n == PARCEL_MAX)
        return false;
    return route != NULL || str_eq(p->domain, leased->delivery.domain);
}

static struct parcel *parcel_new(struct load *load, const struct leased *leased,
                                 const struct route_config *route)
{
    struct parcel *p = ARENA_NEW(&load->arena, struct parcel);

    p->load = load;
    load_keep(load);
    p->message = leased->message;
    p->first_frame = leased->first_frame;
    p->domain = leased->delivery.domain;
    p->destination = destination_of(&load->arena, route, p->domain);
    p->route = route;
    return p;
}

static void fill(struct load *load, struct parcel *first,
                 struct parcel *const *group, const struct leased *leased,
                 size_t n)
{
    for (struct parcel *p = first; p != NULL; p = p->next) {
        p->items = arena_array(&load->arena, p->n, sizeof(struct item));
        p->n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct item *item = &group[i]->items[group[i]->n++];

        item->delivery = leased[i].delivery;
        item->was_leased = leased[i].was_leased;
    }
}

struct parcel *parcel_group(struct load *load, const struct config *config,
                            const struct leased *leased, size_t n)
{
    struct parcel *first = NULL, **last = &first, *p;
    struct parcel **group = arena_array(&load->arena, n, sizeof(*group));

    for (size_t i = 0; i < n; i++) {
        const struct route_config *route =
            config_route(config, leased[i].delivery.domain);

        for (p = first; p != NULL; p = p->next)
            if (fits(p, &leased[i], route))
                break;
        if (p == NULL) {
            p = parcel_new(load, &leased[i], route);
            *last = p;
            last = &p->next;
        }
        p->n++;
        group[i] = p;
    }
    fill(load, first, group, leased, n);
    return first;
}

void orders_write(const struct orders *o, struct buf *out)
{
    buf_addf(out, "switch-after=%lld tell=%d pin=%d waived=%d%s",
             (long long)o->switch_after_ms, o->tell_sender ? 1 : 0,
             o->clear_path_pin ? 1 : 0, o->waived ? 1 : 0,
             o->key_candidates ? " candidates=1" : "");
    if (o->strip_marker.n > 0)
        buf_addf(out, " strip=%.*s", STR_ARG(o->strip_marker));
}

static bool take_number(struct str *rest, struct str name, uint64_t max,
                        uint64_t *out)
{
    struct str piece;

    return str_split(rest, ' ', &piece) && str_starts(piece, name) &&
           str_to_u64(str_from(piece, name.n), max, out);
}

bool orders_parse(struct str text, struct orders *out)
{
    uint64_t after, tell, pin, waived, candidates = 0;
    struct str rest = text;

    if (!take_number(&rest, STR("switch-after="), INT64_MAX, &after) ||
        !take_number(&rest, STR("tell="), 1, &tell) ||
        !take_number(&rest, STR("pin="), 1, &pin) ||
        !take_number(&rest, STR("waived="), 1, &waived))
        return false;
    out->switch_after_ms = (int64_t)after;
    out->tell_sender = tell == 1;
    out->clear_path_pin = pin == 1;
    out->waived = waived == 1;
    out->strip_marker = STR("");
    if (str_starts(rest, STR("candidates=")) &&
        !take_number(&rest, STR("candidates="), 1, &candidates))
        return false;
    out->key_candidates = candidates == 1;
    if (rest.n == 0)
        return true;
    if (!str_starts(rest, STR("strip=")))
        return false;
    out->strip_marker = str_from(rest, 6); /* to the end: it may hold blanks */
    return true;
}
