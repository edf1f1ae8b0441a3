/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <stdatomic.h>
#include <sys/mman.h>

/* Rows of one family stand together. */
static const struct {
    const char *family, *labels, *help;
} rows[METRIC_COUNT] = {
    [METRIC_MESSAGES_ACCEPTED] = { "messages_accepted_total", "",
                                   "Messages taken over with 250." },
    [METRIC_RECIPIENTS_ACCEPTED] = { "recipients_accepted_total", "",
                                     "Recipients of accepted messages." },
    [METRIC_MESSAGES_REFUSED_LATER] = { "messages_refused_total",
                                        "class=\"4xx\"",
                                        "Messages not taken over, by the class "
                                        "of the reply." },
    [METRIC_MESSAGES_REFUSED] = { "messages_refused_total", "class=\"5xx\"",
                                  "" },
    [METRIC_SIGN_INS_OK] = { "smtp_logins_total", "result=\"ok\"",
                             "SMTP AUTH." },
    [METRIC_SIGN_INS_FAILED] = { "smtp_logins_total", "result=\"failed\"", "" },
    [METRIC_TLS_IN_13] = { "tls_sessions_total",
                           "direction=\"in\",version=\"1.3\"",
                           "SMTP handshakes completed." },
    [METRIC_TLS_IN_12] = { "tls_sessions_total",
                           "direction=\"in\",version=\"1.2\"", "" },
    [METRIC_TLS_OUT_13] = { "tls_sessions_total",
                            "direction=\"out\",version=\"1.3\"", "" },
    [METRIC_TLS_OUT_12] = { "tls_sessions_total",
                            "direction=\"out\",version=\"1.2\"", "" },
    [METRIC_TLS_OUT_OLD] = { "tls_sessions_total",
                             "direction=\"out\",version=\"older\"", "" },
    [METRIC_TLS_IN_FAILED] = { "tls_failures_total", "direction=\"in\"",
                               "Handshakes that failed (in), connections that "
                               "did not meet the floor (out)." },
    [METRIC_TLS_OUT_REFUSED] = { "tls_failures_total", "direction=\"out\"",
                                 "" },
    [METRIC_DECIDED_OPEN] = { "policy_decisions_total", "floor=\"open\"",
                              "Decisions, one for each recipient." },
    [METRIC_DECIDED_TLS] = { "policy_decisions_total", "floor=\"tls\"", "" },
    [METRIC_DECIDED_VERIFIED] = { "policy_decisions_total",
                                  "floor=\"verified\"", "" },
    [METRIC_DECIDED_SEALED] = { "policy_decisions_total", "floor=\"sealed\"",
                                "" },
    [METRIC_TLS_DELIVERED] = { "deliveries_total",
                               "method=\"tls\",result=\"delivered\"",
                               "What came of each try, one for each "
                               "recipient." },
    [METRIC_TLS_DEFERRED] = { "deliveries_total",
                              "method=\"tls\",result=\"deferred\"", "" },
    [METRIC_TLS_FAILED] = { "deliveries_total",
                            "method=\"tls\",result=\"failed\"", "" },
    [METRIC_TLS_EXPIRED] = { "deliveries_total",
                             "method=\"tls\",result=\"expired\"", "" },
    [METRIC_PGP_DELIVERED] = { "deliveries_total",
                               "method=\"pgp\",result=\"delivered\"", "" },
    [METRIC_PGP_DEFERRED] = { "deliveries_total",
                              "method=\"pgp\",result=\"deferred\"", "" },
    [METRIC_PGP_FAILED] = { "deliveries_total",
                            "method=\"pgp\",result=\"failed\"", "" },
    [METRIC_SMIME_DELIVERED] = { "deliveries_total",
                                 "method=\"smime\",result=\"delivered\"", "" },
    [METRIC_SMIME_DEFERRED] = { "deliveries_total",
                                "method=\"smime\",result=\"deferred\"", "" },
    [METRIC_SMIME_FAILED] = { "deliveries_total",
                              "method=\"smime\",result=\"failed\"", "" },
    [METRIC_PORTAL_DEPOSITED] = { "deliveries_total",
                                  "method=\"portal\",result=\"deposited\"",
                                  "" },
    [METRIC_PORTAL_DEFERRED] = { "deliveries_total",
                                 "method=\"portal\",result=\"deferred\"", "" },
    [METRIC_PORTAL_FAILED] = { "deliveries_total",
                               "method=\"portal\",result=\"failed\"", "" },
    [METRIC_OTHER_FAILED] = { "deliveries_total",
                              "method=\"none\",result=\"failed\"", "" },
    [METRIC_DNS_SECURE] = { "dns_lookups_total", "security=\"secure\"",
                            "DNS look-ups by what DNSSEC says of the "
                            "answer." },
    [METRIC_DNS_INSECURE] = { "dns_lookups_total", "security=\"insecure\"",
                              "" },
    [METRIC_DNS_ERROR] = { "dns_lookups_total", "security=\"error\"", "" },
    [METRIC_STS_FETCHED] = { "mtasts_fetch_total", "result=\"ok\"",
                             "MTA-STS policies fetched." },
    [METRIC_STS_FAILED] = { "mtasts_fetch_total", "result=\"failed\"", "" },
    [METRIC_CODES_SENT] = { "portal_codes_total", "result=\"sent\"",
                            "One-time codes asked for." },
    [METRIC_CODES_REFUSED] = { "portal_codes_total", "result=\"refused\"", "" },
    [METRIC_LOGINS_OK] = { "portal_logins_total", "result=\"ok\"",
                           "Codes (and PINs) entered." },
    [METRIC_LOGINS_FAILED] = { "portal_logins_total", "result=\"failed\"", "" },
    [METRIC_PICKUPS_READ] = { "portal_messages_read_total", "",
                              "Messages handed to a reader's browser." },
    [METRIC_KEYS_END_30] = { "keys_ending_total", "days=\"30\"",
                             "Keys in use whose end was announced." },
    [METRIC_KEYS_END_14] = { "keys_ending_total", "days=\"14\"", "" },
    [METRIC_KEYS_END_3] = { "keys_ending_total", "days=\"3\"", "" },
    [METRIC_KEYS_ENDED] = { "keys_ending_total", "days=\"0\"", "" },
    [METRIC_LOG_WARNINGS] = { "log_events_total", "level=\"warning\"",
                              "Lines logged." },
    [METRIC_LOG_ERRORS] = { "log_events_total", "level=\"error\"", "" },
};

/* In the order of output. */
static const char *const families[] = {
    "messages_accepted_total",    "recipients_accepted_total",
    "messages_refused_total",     "smtp_logins_total",
    "tls_sessions_total",         "tls_failures_total",
    "policy_decisions_total",     "deliveries_total",
    "dns_lookups_total",          "mtasts_fetch_total",
    "portal_codes_total",         "portal_logins_total",
    "portal_messages_read_total", "keys_ending_total",
    "log_events_total",
};

enum { BOUNDS = 12 };
static const struct {
    const char *name, *help;
    int64_t bounds_ms[BOUNDS];
} times[TIMES_COUNT] = {
    [TIMES_DELIVERY] = { "delivery_delay_seconds",
                         "From acceptance to delivery.",
                         { 5, 10, 50, 100, 500, 1000, 5000, 30000, 300000,
                           1800000, 14400000, 86400000 } },
    [TIMES_COMMIT] = { "store_commit_seconds",
                       "One batch of the store, to disk.",
                       { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000,
                         30000 } },
};

struct page {
    _Atomic uint64_t counts[METRIC_COUNT], gauges[GAUGE_COUNT];
    struct {
        _Atomic uint64_t in[BOUNDS + 1], sum_ms, n;
    } times[TIMES_COUNT];
};

static struct page own_page;
static struct page *page = &own_page;

size_t metrics_bytes(void)
{
    return sizeof(struct page);
}

void metrics_attach(int fd)
{
    void *shared = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE,
                        MAP_SHARED, fd, 0);

    /* Counting is no reason not to serve. */
    if (shared != MAP_FAILED)
        page = shared;
}

void metric_add(enum metric metric, uint64_t n)
{
    atomic_fetch_add_explicit(&page->counts[metric], n, memory_order_relaxed);
}

uint64_t metric_value(enum metric metric)
{
    return atomic_load_explicit(&page->counts[metric], memory_order_relaxed);
}

void metric_set(enum metric_gauge gauge, uint64_t value)
{
    atomic_store_explicit(&page->gauges[gauge], value, memory_order_relaxed);
}

uint64_t metric_gauge_value(enum metric_gauge gauge)
{
    return atomic_load_explicit(&page->gauges[gauge], memory_order_relaxed);
}

void metric_took(enum metric_times which, int64_t ms)
{
    size_t i = 0;

    ms = ms < 0 ? 0 : ms;
    while (i < BOUNDS && ms > times[which].bounds_ms[i])
        i++;
    atomic_fetch_add_explicit(&page->times[which].in[i], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&page->times[which].sum_ms, (uint64_t)ms,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&page->times[which].n, 1, memory_order_relaxed);
}

static void head(struct buf *out, const char *name, const char *type,
                 const char *help)
{
    buf_addf(out, "# HELP postseal_%s %s\n# TYPE postseal_%s %s\n", name, help,
             name, type);
}

static void write_family(const char *family, struct buf *out)
{
    struct str name = str_from_cstr(family);
    bool first = true;

    for (size_t i = 0; i < METRIC_COUNT; i++) {
        if (!str_eq(name, str_from_cstr(rows[i].family)))
            continue;
        if (first)
            head(out, family, "counter", rows[i].help);
        first = false;
        buf_addf(out, "postseal_%s%s%s%s %llu\n", family,
                 rows[i].labels[0] != '\0' ? "{" : "", rows[i].labels,
                 rows[i].labels[0] != '\0' ? "}" : "",
                 (unsigned long long)metric_value((enum metric)i));
    }
}

static void write_times(size_t which, struct buf *out)
{
    uint64_t sum = 0;

    head(out, times[which].name, "histogram", times[which].help);
    for (size_t i = 0; i <= BOUNDS; i++) {
        sum += page->times[which].in[i];
        buf_addf(out, "postseal_%s_bucket{le=\"", times[which].name);
        if (i == BOUNDS)
            buf_add_cstr(out, "+Inf");
        else
            buf_addf(out, "%g", (double)times[which].bounds_ms[i] / 1000);
        buf_addf(out, "\"} %llu\n", (unsigned long long)sum);
    }
    buf_addf(out, "postseal_%s_sum %.3f\npostseal_%s_count %llu\n",
             times[which].name, (double)page->times[which].sum_ms / 1000,
             times[which].name, (unsigned long long)sum);
}

static void write_roles(struct buf *out)
{
    head(out, "roles", "gauge",
         "Processes the configuration asks for, and those that run.");
    buf_addf(out,
             "postseal_roles{state=\"wanted\"} %llu\n"
             "postseal_roles{state=\"running\"} %llu\n",
             (unsigned long long)metric_gauge_value(GAUGE_ROLES_WANTED),
             (unsigned long long)metric_gauge_value(GAUGE_ROLES_RUNNING));
}

void metrics_write(struct buf *out)
{
    write_roles(out);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        write_family(families[i], out);
    for (size_t i = 0; i < TIMES_COUNT; i++)
        write_times(i, out);
}
