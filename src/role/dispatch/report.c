/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/report.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#include <stdio.h>

struct event {
    const char *name;
    enum log_level level;
};

static struct event event_of(const struct entry *entry)
{
    switch (entry->item->delivery.state) {
    case DELIVERY_DELIVERED:
        return (struct event){ "delivery.sent", LOG_INFO };
    case DELIVERY_DEPOSITED:
        return (struct event){ "delivery.deposited", LOG_INFO };
    case DELIVERY_FAILED:
        return (struct event){ "delivery.failed", LOG_NOTICE };
    case DELIVERY_EXPIRED:
        return (struct event){ "delivery.expired", LOG_NOTICE };
    case DELIVERY_HELD:
        return (struct event){ "delivery.held", LOG_WARNING };
    case DELIVERY_QUEUED:
    case DELIVERY_DELETED:
        break;
    }
    return (struct event){ "delivery.deferred", LOG_INFO };
}

static enum metric locked_metric(const struct entry *entry)
{
    bool pgp = entry->method == METHOD_PGP;

    switch (entry->item->delivery.state) {
    case DELIVERY_DELIVERED:
        return pgp ? METRIC_PGP_DELIVERED : METRIC_SMIME_DELIVERED;
    case DELIVERY_FAILED:
    case DELIVERY_EXPIRED:
        return pgp ? METRIC_PGP_FAILED : METRIC_SMIME_FAILED;
    default:
        return pgp ? METRIC_PGP_DEFERRED : METRIC_SMIME_DEFERRED;
    }
}

static enum metric metric_of(const struct entry *entry)
{
    bool portal = entry->method == METHOD_PORTAL;
    bool locked = entry->method == METHOD_PGP || entry->method == METHOD_SMIME;

    if (entry->attempts_n == 0)
        return METRIC_OTHER_FAILED;
    if (locked)
        return locked_metric(entry);
    switch (entry->item->delivery.state) {
    case DELIVERY_DELIVERED:
        return METRIC_TLS_DELIVERED;
    case DELIVERY_DEPOSITED:
        return METRIC_PORTAL_DEPOSITED;
    case DELIVERY_FAILED:
        return portal ? METRIC_PORTAL_FAILED : METRIC_TLS_FAILED;
    case DELIVERY_EXPIRED:
        return METRIC_TLS_EXPIRED;
    default:
        return portal ? METRIC_PORTAL_DEFERRED : METRIC_TLS_DEFERRED;
    }
}

static void count(const struct entry *entry, int64_t age_ms)
{
    static const enum metric decided[] = {
        [FLOOR_OPEN] = METRIC_DECIDED_OPEN,
        [FLOOR_TLS] = METRIC_DECIDED_TLS,
        [FLOOR_VERIFIED] = METRIC_DECIDED_VERIFIED,
        [FLOOR_SEALED] = METRIC_DECIDED_SEALED,
    };
    enum metric metric = metric_of(entry);

    metric_add(metric, 1);
    if (entry->item->decided)
        metric_add(decided[entry->item->orders.floor], 1);
    if (metric == METRIC_TLS_DELIVERED || metric == METRIC_PGP_DELIVERED ||
        metric == METRIC_SMIME_DELIVERED || metric == METRIC_PORTAL_DEPOSITED)
        metric_took(TIMES_DELIVERY, age_ms);
}

void report_entry(const struct settlement *s, const struct entry *entry)
{
    static const struct attempt none;
    const struct delivery *d = &entry->item->delivery;
    const struct attempt *a =
        entry->attempts_n > 0 ? &entry->attempts[entry->attempts_n - 1] : &none;
    struct event event = event_of(entry);
    int64_t queued = clock_wall_ms() - s->parcel->message->received_wall_ms;
    char enh[16];

    count(entry, queued);

    snprintf(enh, sizeof(enh), "%u.%u.%u", entry->status.enh[0],
             entry->status.enh[1], entry->status.enh[2]);
    log_event(
        event.level, event.name,
        LOG_STR("msg_id", id_str(&s->parcel->message->id)),
        LOG_STR("rcpt_id", id_str(&d->id)), LOG_STR("to", d->recipient),
        LOG_STR("peer", a->mx), LOG_STR("address", a->address),
        LOG_STR("result", a->result), LOG_INT("code", entry->status.smtp),
        LOG_CSTR("enhanced", enh), LOG_STR("why", d->why),
        LOG_INT("delay_ms.queue", queued > 0 ? queued : 0),
        LOG_INT("delay_ms.dns", a->dns_ms),
        LOG_INT("delay_ms.connect", a->connect_ms),
        LOG_INT("delay_ms.tls", a->tls_ms),
        LOG_INT("delay_ms.send", a->send_ms),
        LOG_STR("tls.version", a->tls_version),
        LOG_STR("tls.cipher", a->tls_cipher),
        LOG_STR("tls.group", a->tls_group), LOG_STR("tls.auth", a->verified_by),
        LOG_STR("policy.rule", d->rule), LOG_STR("policy.floor", d->floor),
        LOG_STR("policy.method", d->method));
}

void report_settle_failed(const struct settlement *s, struct status why)
{
    log_event(LOG_ERROR, "settle.failed",
              LOG_STR("msg_id", id_str(&s->parcel->message->id)),
              LOG_INT("code", why.smtp), LOG_CSTR("why", why.why),
              LOG_INT("tries", s->tries));
}

void report_clock_jump(int64_t by_ms)
{
    log_event(LOG_WARNING, "clock.jump", LOG_INT("by_ms", by_ms));
}
