/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened how often. One page of counters is shared by all processes of
 * a gateway: the supervisor makes it, each role maps it, the console shows it.
 * A role that dies and comes again goes on counting; a restart of the whole
 * begins at 0, as Prometheus expects. Adding is one atomic addition. Labels
 * are fixed: no name of a stranger is ever one.
 */
#ifndef POSTSEAL_BASE_METRICS_H
#define POSTSEAL_BASE_METRICS_H

#include "base/buf.h"

enum metric {
    METRIC_MESSAGES_ACCEPTED,
    METRIC_RECIPIENTS_ACCEPTED,
    METRIC_MESSAGES_REFUSED_LATER, /* 4xx */
    METRIC_MESSAGES_REFUSED,       /* 5xx */
    METRIC_SIGN_INS_OK,
    METRIC_SIGN_INS_FAILED,
    METRIC_TLS_IN_13,
    METRIC_TLS_IN_12,
    METRIC_TLS_IN_FAILED,
    METRIC_TLS_OUT_13,
    METRIC_TLS_OUT_12,
    METRIC_TLS_OUT_OLD,
    METRIC_TLS_OUT_REFUSED, /* the connection did not meet the floor */
    METRIC_DECIDED_OPEN,
    METRIC_DECIDED_TLS,
    METRIC_DECIDED_VERIFIED,
    METRIC_DECIDED_SEALED,
    METRIC_TLS_DELIVERED,
    METRIC_TLS_DEFERRED,
    METRIC_TLS_FAILED,
    METRIC_TLS_EXPIRED,
    METRIC_PGP_DELIVERED,
    METRIC_PGP_DEFERRED,
    METRIC_PGP_FAILED,
    METRIC_SMIME_DELIVERED,
    METRIC_SMIME_DEFERRED,
    METRIC_SMIME_FAILED,
    METRIC_PORTAL_DEPOSITED,
    METRIC_PORTAL_DEFERRED,
    METRIC_PORTAL_FAILED,
    METRIC_OTHER_FAILED, /* by no method: nothing of the ladder was possible */
    METRIC_DNS_SECURE,
    METRIC_DNS_INSECURE,
    METRIC_DNS_ERROR,
    METRIC_STS_FETCHED,
    METRIC_STS_FAILED,
    METRIC_CODES_SENT,
    METRIC_CODES_REFUSED,
    METRIC_LOGINS_OK,
    METRIC_LOGINS_FAILED,
    METRIC_PICKUPS_READ,
    METRIC_KEYS_END_30,
    METRIC_KEYS_END_14,
    METRIC_KEYS_END_3,
    METRIC_KEYS_ENDED,
    METRIC_LOG_WARNINGS,
    METRIC_LOG_ERRORS,
    METRIC_COUNT
};

enum metric_gauge {
    GAUGE_ROLES_WANTED,  /* processes the configuration asks for */
    GAUGE_ROLES_RUNNING, /* of them, those that run */
    GAUGE_COUNT
};

enum metric_times {
    TIMES_DELIVERY, /* from acceptance to the far side's 250 or the portal */
    TIMES_COMMIT,   /* one transaction of the store, to disk */
    TIMES_COUNT
};

/* The shared page, from a memfd of at least metrics_bytes(). Until it is
 * called (tests, commands), counts go to a page of the process itself. Once,
 * before threads. */
void metrics_attach(int fd);
size_t metrics_bytes(void);

void metric_add(enum metric metric, uint64_t n);
uint64_t metric_value(enum metric metric);
void metric_set(enum metric_gauge gauge, uint64_t value);
uint64_t metric_gauge_value(enum metric_gauge gauge);
/* One duration into its histogram. */
void metric_took(enum metric_times times, int64_t ms);

/* Prometheus text (exposition format 0.0.4). */
void metrics_write(struct buf *out);

#endif
