/* SPDX-License-Identifier: Apache-2.0 */
#include "role/console/figures.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "role/role.h"
#include "store/queue.h"

static struct status counts_of(struct store *store, struct queue_counts *out)
{
    struct rx *rx = store_read(store);
    struct status st = queue_count(rx, out);

    store_read_done(store, &rx);
    return st;
}

static int64_t oldest_ms(const struct queue_counts *counts)
{
    int64_t age = clock_wall_ms() - counts->oldest_queued_wall_ms;

    return counts->oldest_queued_wall_ms == 0 || age < 0 ? 0 : age;
}

static struct status write_nothing(struct tx *tx, void *argument)
{
    (void)tx;
    (void)argument;
    return status_ok();
}

/* A role without its keys does not run. The supervisor keeps count; a console
 * without one knows none. */
static struct status roles_run(void)
{
    uint64_t wanted = metric_gauge_value(GAUGE_ROLES_WANTED);
    uint64_t running = metric_gauge_value(GAUGE_ROLES_RUNNING);

    if (running < wanted)
        return status_defer("%llu of %llu roles run",
                            (unsigned long long)running,
                            (unsigned long long)wanted);
    return status_ok();
}

struct status figures_ready(struct store *store, const struct config *config)
{
    struct queue_counts counts = { 0 };
    struct status st = counts_of(store, &counts);

    if (status_is_ok(st))
        st = store_commit_soft(store, write_nothing, NULL);
    if (status_is_ok(st))
        st = roles_run();

    if (status_is_ok(st) && store_is_broken(store))
        st = status_defer("the store is broken");
    if (status_is_ok(st) &&
        oldest_ms(&counts) > config->delivery.give_up_after_ms)
        st = status_defer("the oldest queued delivery is %lld s old",
                          (long long)(oldest_ms(&counts) / 1000));
    return st;
}

static void head(struct buf *out, const char *name, const char *type,
                 const char *help)
{
    buf_addf(out, "# HELP postseal_%s %s\n# TYPE postseal_%s %s\n", name, help,
             name, type);
}

struct status figures_write(struct store *store, const struct config *config,
                            struct buf *out)
{
    struct queue_counts counts = { 0 };
    struct status st = counts_of(store, &counts);
    struct status ready = figures_ready(store, config);

    if (!status_is_ok(st))
        return st;
    const struct {
        const char *state;
        uint64_t n;
    } rows[] = {
        { "queued", counts.queued },       { "held", counts.held },
        { "leased", counts.leased },       { "delivered", counts.delivered },
        { "deposited", counts.deposited }, { "failed", counts.failed },
        { "expired", counts.expired },
    };
    head(out, "build_info", "gauge", "Version of this program.");
    buf_add_cstr(out,
                 "postseal_build_info{version=\"" POSTSEAL_VERSION "\"} 1\n");
    head(out, "ready", "gauge", "1 when /readyz answers 200.");
    buf_addf(out, "postseal_ready %d\n", status_is_ok(ready) ? 1 : 0);
    head(out, "queue_messages", "gauge",
         "Deliveries, one for each recipient, by state; leased ones are part "
         "of the queued.");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        buf_addf(out, "postseal_queue_messages{state=\"%s\"} %llu\n",
                 rows[i].state, (unsigned long long)rows[i].n);
    head(out, "queue_oldest_seconds", "gauge",
         "Age of the oldest queued delivery; 0 when none waits.");
    buf_addf(out, "postseal_queue_oldest_seconds %.3f\n",
             (double)oldest_ms(&counts) / 1000);
    metrics_write(out);
    return status_ok();
}
