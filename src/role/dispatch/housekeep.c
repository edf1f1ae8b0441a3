/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/housekeep.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/panic.h"
#include "role/dispatch/report.h"
#include "store/audit.h"
#include "store/keyring_end.h"
#include "store/pickup.h"
#include "store/queue.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    SECOND_MS = 1000,
    SWEEP_MS = 60000,
    ORPHAN_GRACE_MS = 3600000, /* QD-11: longer than any transaction */
    JUMP_MS = 60000,
    BATCHES_MAX = 100
};

/* --- the clock ------------------------------------------------------------ */

/* Wall minus monotonic, as it was at the start and as it is now. */
static int64_t offset_ms(void)
{
    return clock_wall_ms() - clock_mono_ms();
}

static _Atomic int64_t start_offset_ms;

void dispatch_clock_start(void)
{
    atomic_store(&start_offset_ms, offset_ms());
}

int64_t dispatch_now_ms(void)
{
    int64_t wall = clock_wall_ms();
    int64_t steady = clock_mono_ms() + atomic_load(&start_offset_ms);

    return wall > steady ? wall : steady;
}

struct jump {
    int64_t by_ms;
};

static struct status note_jump(struct tx *tx, void *argument)
{
    const struct jump *jump = argument;

    return audit_clock_jumped(tx, jump->by_ms);
}

static void watch_clock(struct dispatch *d, int64_t *last_offset)
{
    int64_t now = offset_ms();
    struct jump jump = { now - *last_offset };

    *last_offset = now;
    if (jump.by_ms > -JUMP_MS && jump.by_ms < JUMP_MS)
        return;
    report_clock_jump(jump.by_ms);
    (void)store_commit(d->store, note_jump, &jump);
}

/* --- sweeping ---------------------------------------------------------------
 */

struct sweep {
    int64_t now_ms, keep_ms;
    size_t n;
};

static struct status expire_work(struct tx *tx, void *argument)
{
    struct sweep *s = argument;

    return pickup_expire(tx, s->now_ms, &s->n);
}

static struct status records_work(struct tx *tx, void *argument)
{
    struct sweep *s = argument;

    return queue_sweep(tx, s->now_ms, ORPHAN_GRACE_MS, s->keep_ms, &s->n);
}

/* Batch by batch, so that mail gets through in between. */
static void sweep(struct dispatch *d, store_work *work)
{
    /* A clock that jumped ahead ends nothing early (QD-07): the earlier of
     * the two times counts here. */
    int64_t wall = clock_wall_ms();
    int64_t steady = clock_mono_ms() + atomic_load(&start_offset_ms);
    struct sweep s = { wall < steady ? wall : steady,
                       d->config->keep_records_ms, 0 };

    for (int i = 0; i < BATCHES_MAX && !atomic_load(&d->stopping); i++) {
        s.n = 0;
        if (!status_is_ok(store_commit(d->store, work, &s)) || s.n == 0)
            return;
    }
}

/* --- keys -------------------------------------------------------------------
 */

struct announcing {
    int64_t now_ms;
    struct arena arena;
    struct keyring_ending list[KEYRING_ENDINGS_MAX];
    size_t n;
};

static struct status announce_work(struct tx *tx, void *argument)
{
    struct announcing *a = argument;

    return keyring_announce(tx, a->now_ms, &a->arena, a->list, &a->n);
}

static enum metric ending_metric(int days)
{
    return days == 30   ? METRIC_KEYS_END_30
           : days == 14 ? METRIC_KEYS_END_14
           : days == 3  ? METRIC_KEYS_END_3
                        : METRIC_KEYS_ENDED;
}

static void say_ending(const struct keyring_ending *e)
{
    metric_add(ending_metric(e->days), 1);
    log_event(e->days == 30 ? LOG_NOTICE : LOG_WARNING,
              e->days == 0 ? "key.expired" : "key.expiring",
              LOG_STR("owner", e->key.owner),
              LOG_STR("kind", key_kind_name(e->key.facts.kind)),
              LOG_STR("fingerprint", e->key.facts.fingerprint),
              LOG_INT("days", e->days),
              LOG_CSTR("own", e->key.own_private.n > 0 ? "yes" : "no"));
}

static void announce_keys(struct dispatch *d)
{
    struct announcing *a = calloc(1, sizeof(*a));

    if (a == NULL)
        panic("out of memory");
    a->now_ms = dispatch_now_ms();
    if (status_is_ok(store_commit(d->store, announce_work, a)))
        for (size_t i = 0; i < a->n; i++)
            say_ending(&a->list[i]);
    arena_free(&a->arena);
    free(a);
}

void *housekeep_run(void *argument)
{
    struct dispatch *d = argument;
    int64_t last_offset = offset_ms(), swept = 0;

    while (!atomic_load(&d->stopping)) {
        int64_t now = clock_mono_ms();

        watch_clock(d, &last_offset);
        if (swept == 0 || now - swept >= SWEEP_MS) {
            sweep(d, expire_work);
            sweep(d, records_work);
            announce_keys(d);
            swept = now;
        }
        poll(NULL, 0, SECOND_MS);
    }
    return NULL;
}
