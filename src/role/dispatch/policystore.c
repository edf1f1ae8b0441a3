/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/policystore.h"

#include "store/audit.h"
#include "store/sts.h"

static bool load(void *context, struct str domain, struct arena *arena,
                 struct sts_policy *out)
{
    struct dispatch *d = context;
    struct rx *rx = store_read(d->store);
    struct sts_row row;
    bool found = false;
    struct status st = sts_load(rx, domain, arena, &row, &found);

    store_read_done(d->store, &rx);
    if (!status_is_ok(st) || !found)
        return false;
    *out = (struct sts_policy){ .present = true,
                                .id = row.policy_id,
                                .body = row.body,
                                .max_age_s = row.max_age_s,
                                .fetched_wall_ms = row.fetched_wall_ms };
    return true;
}

struct saving {
    struct str domain;
    struct sts_row row;
    struct str text;
};

static struct status save_work(struct tx *tx, void *argument)
{
    const struct saving *s = argument;

    return sts_save(tx, s->domain, &s->row);
}

static void save(void *context, struct str domain,
                 const struct sts_policy *policy)
{
    struct dispatch *d = context;
    struct saving s = { .domain = domain,
                        .row = { .policy_id = policy->id,
                                 .body = policy->body,
                                 .fetched_wall_ms = policy->fetched_wall_ms,
                                 .max_age_s = policy->max_age_s } };
    struct status st = store_commit(d->store, save_work, &s);

    if (!status_is_ok(st))
        log_event(LOG_WARNING, "mtasts.not_saved", LOG_STR("domain", domain),
                  LOG_CSTR("why", st.why));
}

static struct status alert_work(struct tx *tx, void *argument)
{
    const struct saving *s = argument;

    return audit_sts_alert(tx, s->domain, s->text);
}

static void alert(void *context, struct str domain, struct str text)
{
    struct dispatch *d = context;
    struct saving s = { .domain = domain, .text = text };

    log_event(LOG_WARNING, "mtasts.alert", LOG_STR("domain", domain),
              LOG_STR("why", text));
    (void)store_commit(d->store, alert_work, &s);
}

struct posture_store policy_store_of(struct dispatch *dispatch)
{
    return (struct posture_store){
        .context = dispatch, .load = load, .save = save, .alert = alert
    };
}
