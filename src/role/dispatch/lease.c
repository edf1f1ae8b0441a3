/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/lease.h"

#include "base/clock.h"
#include "role/dispatch/held.h"
#include "role/dispatch/settle.h"

enum {
    BATCH = 200,
    HELD_MAX = 2000,           /* deliveries in memory */
    HELD_BYTES_MAX = 16 << 20, /* of sealed first frames */
    SHARE = 500,               /* parcels one destination may have waiting */
    TICK_MS = 1000,
    TROUBLE_MS = 1000
};

struct leasing {
    struct dispatch *dispatch;
    struct lease_request request;
    struct load *load;
    struct leased *leased;
    size_t n;
};

static struct status lease_work(struct tx *tx, void *argument)
{
    struct leasing *l = argument;

    return queue_lease(tx, &l->request, &l->load->arena, &l->leased, &l->n);
}

static void push(struct dispatch *d, struct parcel *parcels)
{
    int64_t now = clock_mono_ms();

    for (struct parcel *p = parcels, *next; p != NULL; p = next) {
        next = p->next;
        p->leased_mono_ms = now;
        p->lease_until_mono_ms = now + d->config->delivery.lease_ms;
        held_add(d->held, p);
        yard_push(d->yard, p);
    }
}

static size_t room(struct dispatch *d)
{
    size_t bytes, n = held_count(d->held, &bytes);

    if (n >= HELD_MAX || bytes >= HELD_BYTES_MAX)
        return 0;
    return HELD_MAX - n < BATCH ? HELD_MAX - n : BATCH;
}

/* One batch; how many deliveries were leased. */
static size_t lease_batch(struct dispatch *d, size_t max,
                          struct lease_memory *memory)
{
    struct arena scratch = { 0 };
    struct str *busy;
    struct leasing l = { .dispatch = d, .load = load_new() };

    l.request = (struct lease_request){
        .now_wall_ms = dispatch_now_ms(),
        .lease_ms = d->config->delivery.lease_ms,
        .max = max,
        .memory = memory,
    };
    l.request.busy_domains_n = yard_saturated(d->yard, SHARE, &scratch, &busy);
    l.request.busy_domains = busy;
    struct status st = store_commit_soft(d->store, lease_work, &l);
    if (!status_is_ok(st)) {
        log_event(LOG_WARNING, "lease.failed", LOG_CSTR("why", st.why));
        l.n = 0;
    }
    if (l.n > 0)
        push(d, parcel_group(l.load, d->config, l.leased, l.n));
    load_drop(&l.load);
    arena_free(&scratch);
    return l.n;
}

/* --- leases of long work ------------------------------------------------- */

struct extending {
    struct held_lease *leases;
    size_t n;
    int64_t until_wall_ms;
};

static struct status extend_work(struct tx *tx, void *argument)
{
    struct extending *e = argument;

    /* One lost lease must not cost the others theirs. */
    for (size_t i = 0; i < e->n; i++)
        (void)queue_extend(tx, &e->leases[i].delivery_id, e->leases[i].fence,
                           e->until_wall_ms);
    return status_ok();
}

static void extend(struct dispatch *d)
{
    struct arena scratch = { 0 };
    int64_t lease = d->config->delivery.lease_ms, now = clock_mono_ms();
    struct extending e = { .until_wall_ms = dispatch_now_ms() + lease };

    e.n = held_due(d->held, now + lease / 2, now + lease, &scratch, &e.leases);
    if (e.n > 0)
        (void)store_commit_soft(d->store, extend_work, &e);
    arena_free(&scratch);
}

/* --- giving back -----------------------------------------------------------
 */

static struct status release_work(struct tx *tx, void *argument)
{
    struct parcel *p = argument;

    for (size_t i = 0; i < p->n; i++)
        (void)queue_release_lease(tx, &p->items[i].delivery.id,
                                  p->items[i].delivery.fence);
    return status_ok();
}

void lease_give_back(struct dispatch *d, struct parcel *parcels)
{
    for (struct parcel *p = parcels, *next; p != NULL; p = next) {
        struct load *load = p->load;

        next = p->next;
        (void)store_commit_soft(d->store, release_work, p);
        held_remove(d->held, p);
        load_drop(&load);
    }
}

/* --- the loop ------------------------------------------------------------- */

static int64_t pause_ms(struct dispatch *d)
{
    struct rx *rx = store_read(d->store);
    int64_t due = INT64_MAX, now = dispatch_now_ms();
    struct status st = queue_next_due(rx, &due);

    store_read_done(d->store, &rx);
    if (!status_is_ok(st) || due > now + TICK_MS)
        return TICK_MS;
    return due > now ? due - now : 0;
}

void lease_run(struct dispatch *d)
{
    struct lease_memory memory = { 0 };
    int64_t ticked = 0, wait = 0;
    size_t max, got;

    while (role_wait_ring(&d->role, wait)) {
        do {
            max = room(d);
            got = max > 0 ? lease_batch(d, max, &memory) : 0;
        } while (got > 0 && got == max);
        if (clock_mono_ms() - ticked >= TICK_MS) {
            ticked = clock_mono_ms();
            extend(d);
            settle_again(d);
            pool_sweep(d->pool);
        }
        wait = got > 0 ? 0 : pause_ms(d);
        /* Due but passed over: memory is full or its destination is busy. */
        if (wait == 0 && got == 0)
            wait = 10;
        if (store_is_broken(d->store))
            role_ask_stop(&d->role);
    }
    lease_memory_free(&memory);
}
