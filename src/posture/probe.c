/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/probe.h"

#include "base/clock.h"
#include "base/panic.h"
#include "posture/call.h"
#include "posture/sts.h"
#include "posture/tlsrpt.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { WORKERS_MAX = 8, STACK_BYTES = 256 * 1024 };

struct prober {
    const struct config *config;
    struct posture *posture;
    struct tls_trust *trust;
    struct tls_trial *trials[PROBE_VERSIONS];
    struct crowd *hosts, *addresses;
    atomic_bool reached; /* somebody, at any time */
};

struct str probe_version_name(enum probe_version version)
{
    static const struct str names[] = { STR_INIT("TLSv1"), STR_INIT("TLSv1.1"),
                                        STR_INIT("TLSv1.2"),
                                        STR_INIT("TLSv1.3") };

    return names[version];
}

struct status prober_open(const struct config *config, struct prober **out)
{
    struct prober *p = calloc(1, sizeof(*p));
    struct status st;

    if (p == NULL)
        panic("out of memory");
    *out = p;
    /* OpenSSL writes without MSG_NOSIGNAL: a server that hangs up in the middle
     * of a handshake must not end us. */
    signal(SIGPIPE, SIG_IGN);
    p->config = config;
    p->hosts = crowd_new(PROBE_CONNECTIONS_MAX);
    p->addresses = crowd_new(PROBE_CONNECTIONS_MAX);
    for (int v = 0; v < PROBE_VERSIONS; v++)
        p->trials[v] = tls_trial_new((enum tls_version)v);
    st = posture_open(config, NULL, &p->posture);
    if (status_is_ok(st))
        st = tls_trust_open(config->delivery.ca_file, &p->trust);
    if (!status_is_ok(st))
        prober_close(out);
    return st;
}

void prober_close(struct prober **prober)
{
    struct prober *p = *prober;

    *prober = NULL;
    if (p == NULL)
        return;
    posture_close(&p->posture);
    tls_trust_close(&p->trust);
    for (int v = 0; v < PROBE_VERSIONS; v++)
        tls_trial_free(&p->trials[v]);
    crowd_free(&p->hosts);
    crowd_free(&p->addresses);
    free(p);
}

/* --- the TXT records, and the policy ahead of time --------------------------
 */

struct texts {
    struct prober *prober;
    struct str domain;
    int64_t timeout_ms;
    struct arena arena;
    struct probe_txt sts, tlsrpt;
    pthread_t thread;
};

static void take_texts(const struct dns_question *q, struct str tag,
                       bool (*parse)(struct str, struct str *),
                       struct arena *arena, struct probe_txt *out)
{
    struct str *list = arena_array(arena, PROBE_TXT_MAX, sizeof(*list));

    *out = (struct probe_txt){ .state = q->state, .fault = q->fault };
    for (size_t i = 0; q->state != DNS_ERROR && i < q->n; i++) {
        struct str text = dns_txt_text(q->rdata[i], arena);

        if (str_starts(text, tag) && out->n < PROBE_TXT_MAX)
            list[out->n++] = text;
    }
    out->texts = list;
    out->valid = out->n == 1 && parse(list[0], &out->id);
}

static void *texts_thread(void *argument)
{
    struct texts *t = argument;
    struct sts_policy policy;
    struct dns_question q[2] = {
        { .name = arena_printf(&t->arena, "_mta-sts.%.*s", STR_ARG(t->domain)),
          .type = DNS_TXT },
        { .name =
              arena_printf(&t->arena, "_smtp._tls.%.*s", STR_ARG(t->domain)),
          .type = DNS_TXT },
    };

    resolver_ask(posture_resolver(t->prober->posture), q, 2, t->timeout_ms,
                 &t->arena);
    take_texts(&q[0], STR("v=STSv1"), sts_record_parse, &t->arena, &t->sts);
    take_texts(&q[1], STR("v=TLSRPTv1"), tlsrpt_parse, &t->arena, &t->tlsrpt);
    /* The posture asks for it again, and finds it. */
    if (t->sts.valid)
        posture_policy(t->prober->posture, t->domain, t->timeout_ms, &t->arena,
                       &policy);
    return NULL;
}

/* --- threads ----------------------------------------------------------------
 */

static bool start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    bool started = pthread_create(thread, &attr, run, argument) == 0;
    pthread_attr_destroy(&attr);
    return started;
}

struct job {
    struct call call;
    struct arena arena;
    struct probe_address *out;
};

struct jobs {
    struct job *list;
    size_t n;
    atomic_size_t next;
};

static void *work(void *argument)
{
    struct jobs *jobs = argument;
    size_t i;

    while ((i = atomic_fetch_add(&jobs->next, 1)) < jobs->n) {
        struct job *job = &jobs->list[i];

        job->call.arena = &job->arena;
        call_address(&job->call, job->out);
    }
    return NULL;
}

/* The caller works too. */
static void work_together(struct jobs *jobs)
{
    pthread_t threads[WORKERS_MAX];
    size_t n = 0;

    while (n < WORKERS_MAX && n + 1 < jobs->n && start(&threads[n], work, jobs))
        n++;
    work(jobs);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

/* --- hosts
 * -------------------------------------------------------------------- */

static uint16_t port_of(const struct sockaddr_storage *a)
{
    return ntohs(a->ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)a)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)a)->sin_port);
}

static void lay_out_host(const struct mx_host *mx, struct arena *arena,
                         struct probe_host *out)
{
    size_t order[PROBE_ADDRESSES_MAX];

    out->mx = mx;
    out->addresses_n = dial_order(mx, order, PROBE_ADDRESSES_MAX);
    out->addresses =
        arena_array(arena, out->addresses_n, sizeof(*out->addresses));
    for (size_t i = 0; i < out->addresses_n; i++) {
        struct probe_address *a = &out->addresses[i];

        a->address = &mx->addresses[order[i]];
        a->port = port_of(a->address);
        a->tlsa_match = -1;
        dial_address_text(a->address, a->text);
    }
}

static size_t lay_out(struct probe *out, struct arena *arena)
{
    size_t addresses = 0;

    out->hosts_n = out->posture.hosts_n < PROBE_HOSTS_MAX ? out->posture.hosts_n
                                                          : PROBE_HOSTS_MAX;
    out->hosts = arena_array(arena, out->hosts_n, sizeof(*out->hosts));
    for (size_t i = 0; i < out->hosts_n; i++) {
        lay_out_host(&out->posture.hosts[i], arena, &out->hosts[i]);
        addresses += out->hosts[i].addresses_n;
    }
    return addresses;
}

static void call_all(struct prober *p, int64_t until_ms, struct arena *arena,
                     struct probe *out)
{
    struct jobs jobs = { .n = lay_out(out, arena) };
    atomic_bool *strained = arena_array(arena, out->hosts_n, sizeof(*strained));
    size_t k = 0;

    jobs.list = arena_array(arena, jobs.n, sizeof(*jobs.list));
    for (size_t i = 0; i < out->hosts_n; i++)
        for (size_t j = 0; j < out->hosts[i].addresses_n; j++, k++) {
            jobs.list[k].out = &out->hosts[i].addresses[j];
            jobs.list[k].call = (struct call){
                .dial = { .config = p->config,
                          .trust = p->trust,
                          .posture = &out->posture,
                          .host = out->hosts[i].mx,
                          .pin = out->pin,
                          .domain = out->domain,
                          .floor = FLOOR_VERIFIED },
                .trials = p->trials,
                .hosts = p->hosts,
                .addresses = p->addresses,
                .strained = &strained[i],
                .until_ms = until_ms,
            };
        }
    work_together(&jobs);
    for (k = 0; k < jobs.n; k++) {
        enum probe_reach reach = jobs.list[k].out->reach;

        if (reach == REACH_OPEN || reach == REACH_REFUSED)
            atomic_store(&p->reached, true);
        arena_adopt(arena, &jobs.list[k].arena);
    }
}

void probe_domain(struct prober *p, struct str domain, int64_t timeout_ms,
                  struct arena *arena, struct probe *out)
{
    int64_t begun = clock_mono_ms(), until = begun + timeout_ms;
    int64_t dns_ms = timeout_ms / 2;
    struct texts texts = { .prober = p,
                           .domain = domain,
                           .timeout_ms = dns_ms };

    *out = (struct probe){
        .domain = domain,
        .pin = config_pin(p->config, domain),
        .route = config_route(p->config, domain),
        .began_wall_ms = clock_wall_ms(),
    };
    bool beside = start(&texts.thread, texts_thread, &texts);
    if (!beside)
        texts_thread(&texts);
    posture_domain(p->posture, domain, dns_ms, arena, &out->posture);
    call_all(p, until, arena, out);
    if (beside)
        pthread_join(texts.thread, NULL);
    arena_adopt(arena, &texts.arena);
    out->sts_record = texts.sts;
    out->tlsrpt = texts.tlsrpt;
    out->resolver_dead = out->posture.resolver_dead;
    out->network_proven = atomic_load(&p->reached);
    out->took_ms = (uint32_t)(clock_mono_ms() - begun);
}

/* --- what a delivery would meet
 * ------------------------------------------------ */

struct demand probe_demand(const struct probe *probe,
                           const struct probe_host *host, enum floor floor)
{
    struct demand_facts facts = {
        .floor = floor,
        .host = host->mx,
        .pin = probe->pin,
        .sts_enforced = probe->posture.sts.present &&
                        probe->posture.sts.mode == STS_ENFORCE,
    };

    return demand_of(&facts);
}

/* Made with the same settings, the same handshake would have come to the same
 * end; only what is asked of the certificate differs. */
static struct fault without_proof(const struct probe_address *a,
                                  struct tls_seen *seen)
{
    struct fault none = { FAULT_NONE, status_ok() };

    seen->by = VERIFIED_NONE;
    if (!seen->up || a->fault.kind != FAULT_LASTING)
        return a->fault;
    seen->fault[0] = seen->fault_code[0] = '\0';
    return none;
}

static struct fault seen_with(const struct probe_address *a, enum tls_need need,
                              struct tls_seen *seen)
{
    *seen = a->seen;
    if (need == a->need)
        return a->fault;
    if (need == TLS_NEED_MAY && a->open_tried) {
        *seen = a->open_seen;
        return a->open_fault;
    }
    return without_proof(a, seen);
}

struct fault probe_delivers(const struct probe *probe,
                            const struct probe_host *host,
                            const struct probe_address *address,
                            enum floor floor, struct tls_seen *seen)
{
    struct demand demand = probe_demand(probe, host, floor);
    struct fault fault;

    *seen = (struct tls_seen){ 0 };
    if (demand.need == TLS_NEED_NEVER)
        return (struct fault){
            demand.may_pass ? FAULT_PASSING : FAULT_LASTING,
            status_make(demand.may_pass ? 451 : 550,
                        demand.may_pass ? "4.7.5" : "5.7.5", "%.*s",
                        STR_ARG(host->mx->why)),
        };
    fault = seen_with(address, demand.need, seen);
    if (fault.kind == FAULT_NONE &&
        clearance_judge(floor, demand.need, seen) == CLEARANCE_NONE)
        fault = (struct fault){
            FAULT_LASTING, status_make(550, "5.7.5", "does not meet the floor")
        };
    return fault;
}
