/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/panic.h"
#include "net/nameserver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

enum {
    NAME_MAX_OCTETS = 255,
    NAME_TEXT_MAX = 253,
    RCODE_NXDOMAIN = 3,
    RDATA_MAX = 256,
    RESOLV_CONF_MAX = 16384,
    PROBE_WAIT_MS = 700,
    PROBE_AGAIN_MS = 5000,
};

struct resolver {
    struct ub_ctx *ctx;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    pthread_t pump;
    int wake; /* ends the pump's wait */
    bool pumping, stopping;
    bool given_up;
    struct nameservers servers; /* constant; whom we forward to */
    /* Whether one of them answered lately. */
    bool alive;
    int64_t probed_mono_ms; /* 0 = never */
};

/* One look-up under way. The caller and the callback share it; whoever is
 * last frees it. */
struct lookup {
    struct resolver *resolver;
    struct ub_result *result;
    int error, id;
    bool done, abandoned;
};

/* --- opening ----------------------------------------------------------------
 */

static const char *const system_anchors[] = { "/var/lib/unbound/root.key",
                                              "/usr/share/dns/root.key" };

static int add_anchor(struct ub_ctx *ctx, struct str configured)
{
    char path[512];

    if (configured.n > 0) {
        snprintf(path, sizeof(path), "%.*s", STR_ARG(configured));
        if (access(path, R_OK) != 0)
            return UB_READFILE;
        return ub_ctx_add_ta_file(ctx, path);
    }
    for (size_t i = 0; i < 2; i++)
        if (access(system_anchors[i], R_OK) == 0)
            return ub_ctx_add_ta_file(ctx, system_anchors[i]);
    return 0; /* nothing is secure then: config check says so */
}

static void read_resolv_conf(struct nameservers *servers)
{
    char text[RESOLV_CONF_MAX];
    FILE *f = fopen("/etc/resolv.conf", "re");

    if (f == NULL)
        return;
    nameservers_parse(str_of(text, fread(text, 1, sizeof(text), f)), servers);
    fclose(f);
}

static int set_servers(struct ub_ctx *ctx, struct str configured,
                       struct nameservers *servers)
{
    char address[128];
    int rc;

    if (configured.n == 0) {
        read_resolv_conf(servers);
        rc = ub_ctx_resolvconf(ctx, NULL);
    } else {
        nameserver_add(servers, configured);
        snprintf(address, sizeof(address), "%.*s", STR_ARG(configured));
        rc = ub_ctx_set_fwd(ctx, address);
    }
    /* libunbound does not ask servers on this machine unless told to. */
    if (rc == 0 && nameservers_are_local(servers))
        rc = ub_ctx_set_option(ctx, "do-not-query-localhost:", "no");
    return rc;
}

static int configure(struct resolver *r, const struct config *config)
{
    struct ub_ctx *ctx = r->ctx;
    int rc = set_servers(ctx, config->dns_resolver, &r->servers);

    if (rc == 0)
        rc = add_anchor(ctx, config->dns_trust_anchor_file);
    if (rc == 0)
        rc = ub_ctx_set_option(ctx, "use-syslog:", "no");
    if (rc == 0)
        rc = ub_ctx_debugout(ctx, NULL);
    if (rc == 0)
        rc = ub_ctx_async(ctx, 1);
    /* Makes the context final: files are read now, while we may. */
    if (rc == 0)
        rc = ub_ctx_zone_remove(ctx, "test.");
    return rc;
}

struct status resolver_open(const struct config *config, struct resolver **out)
{
    struct resolver *r = calloc(1, sizeof(*r));
    pthread_condattr_t attr;

    if (r == NULL || (r->ctx = ub_ctx_create()) == NULL)
        panic("out of memory");
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->answered, &attr);
    pthread_condattr_destroy(&attr);
    *out = r;
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->wake < 0)
        panic("eventfd");
    int rc = configure(r, config);
    if (rc == 0)
        return status_ok();
    resolver_close(out);
    return status_make(451, "4.4.3", "our resolver cannot start: %s",
                       ub_strerror(rc));
}

void resolver_close(struct resolver **resolver)
{
    struct resolver *r = *resolver;

    *resolver = NULL;
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_mutex_unlock(&r->lock);
    if (r->pumping) {
        eventfd_write(r->wake, 1);
        pthread_join(r->pump, NULL);
    }
    ub_ctx_delete(r->ctx);
    close(r->wake);
    pthread_cond_destroy(&r->answered);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

const struct nameservers *resolver_servers(const struct resolver *r)
{
    return &r->servers;
}

/* --- the pump ----------------------------------------------------------------
 */

static bool is_stopping(struct resolver *r)
{
    pthread_mutex_lock(&r->lock);
    bool stopping = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return stopping;
}

static void *pump(void *argument)
{
    struct resolver *r = argument;
    struct pollfd fds[2] = { { ub_fd(r->ctx), POLLIN, 0 },
                             { r->wake, POLLIN, 0 } };

    while (!is_stopping(r))
        if (poll(fds, 2, -1) > 0 && fds[0].revents != 0)
            ub_process(r->ctx);
    return NULL;
}

static void start_pump(struct resolver *r)
{
    pthread_mutex_lock(&r->lock);
    if (!r->pumping) {
        r->pumping = true;
        if (pthread_create(&r->pump, NULL, pump, r) != 0)
            panic("no thread for the resolver");
    }
    pthread_mutex_unlock(&r->lock);
}

static void lookup_free(struct lookup *lookup)
{
    ub_resolve_free(lookup->result);
    free(lookup);
}

static void answered(void *argument, int error, struct ub_result *result)
{
    struct lookup *lookup = argument;
    struct resolver *r = lookup->resolver;

    pthread_mutex_lock(&r->lock);
    lookup->error = error;
    lookup->result = result;
    lookup->done = true;
    bool abandoned = lookup->abandoned;
    pthread_cond_broadcast(&r->answered);
    pthread_mutex_unlock(&r->lock);
    if (abandoned)
        lookup_free(lookup);
}

/* --- asking
 * ------------------------------------------------------------------- */

static void fail(struct dns_question *q, const char *whose, const char *why)
{
    q->state = DNS_ERROR;
    q->n = 0;
    q->ttl_s = 0;
    q->ours = false;
    q->fault = status_make(451, "4.4.3", "%s for %.*s: %s", whose,
                           STR_ARG(q->name), why);
}

/* Asked once in a while for all: it costs time when the answer is no. */
static bool servers_are_alive(struct resolver *r)
{
    int64_t now = clock_mono_ms();

    pthread_mutex_lock(&r->lock);
    bool known = r->given_up || (r->probed_mono_ms != 0 &&
                                 now - r->probed_mono_ms < PROBE_AGAIN_MS);
    bool alive = r->alive;
    pthread_mutex_unlock(&r->lock);
    if (known || r->servers.n == 0)
        return alive || r->servers.n == 0;
    alive = nameservers_answer(&r->servers, PROBE_WAIT_MS);
    pthread_mutex_lock(&r->lock);
    r->alive = alive;
    r->probed_mono_ms = clock_mono_ms();
    pthread_mutex_unlock(&r->lock);
    return alive;
}

/* A failure that may be our own server's: then it is said so, and the domain
 * is not blamed. */
static void fail_or_ours(struct resolver *r, struct dns_question *q,
                         const char *whose, const char *why)
{
    fail(q, whose, why);
    if (servers_are_alive(r))
        return;
    q->fault = status_make(451, "4.4.3", "our resolver %s does not answer",
                           r->servers.list[0].text);
    q->ours = true;
}

static struct lookup *begin(struct resolver *r, struct dns_question *q)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    char name[NAME_MAX_OCTETS + 2];

    if (lookup == NULL)
        panic("out of memory");
    lookup->resolver = r;
    q->n = 0;
    q->rdata = NULL;
    q->nxdomain = false;
    q->ours = false;
    q->canonical = STR("");
    int rc = UB_SYNTAX;
    if (q->name.n > 0 && q->name.n <= NAME_MAX_OCTETS &&
        !str_has_char(q->name, '\0')) {
        memcpy(name, q->name.p, q->name.n);
        name[q->name.n] = '\0';
        rc = ub_resolve_async(r->ctx, name, (int)q->type, 1, lookup, answered,
                              &lookup->id);
    }
    if (rc == 0)
        return lookup;
    fail(q, "no DNS look-up possible", ub_strerror(rc));
    free(lookup);
    return NULL;
}

/* Waits for the answer; false when time is up, the look-up then belongs to
 * the callback or is gone. */
static bool finish(struct resolver *r, struct lookup *lookup, int64_t until_ms)
{
    struct timespec at = { until_ms / 1000, until_ms % 1000 * 1000000 };
    int rc = 0;

    pthread_mutex_lock(&r->lock);
    while (!lookup->done && !r->given_up && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&r->answered, &r->lock, &at);
    bool done = lookup->done;
    lookup->abandoned = !done;
    int id = lookup->id;
    pthread_mutex_unlock(&r->lock);
    /* Cancelled in time, the callback never comes; else it is on its way and
     * frees the look-up itself. */
    if (!done && ub_cancel(r->ctx, id) == 0)
        lookup_free(lookup);
    return done;
}

static void copy_records(struct dns_question *q, const struct ub_result *result,
                         struct arena *arena)
{
    struct str *list;
    size_t n = 0;

    while (result->data[n] != NULL && n < RDATA_MAX)
        n++;
    list = arena_array(arena, n, sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] =
            str_keep(arena, str_of(result->data[i], (size_t)result->len[i]));
    q->rdata = list;
    q->n = n;
}

static void copy_name(struct dns_question *q, const char *canonical,
                      struct arena *arena)
{
    struct str name = canonical != NULL ? str_from_cstr(canonical) : q->name;

    if (str_ends(name, STR(".")))
        name.n--;
    char *copy = str_keep_cstr(arena, name);
    for (char *c = copy; *c != '\0'; c++)
        *c = ascii_lower(*c);
    q->canonical = str_from_cstr(copy);
}

static void take(struct resolver *r, struct dns_question *q,
                 const struct lookup *lookup, struct arena *arena)
{
    const struct ub_result *result = lookup->result;

    if (lookup->error != 0 || result == NULL) {
        fail(q, "our resolver failed", ub_strerror(lookup->error));
        return;
    }
    if (result->bogus) {
        fail_or_ours(r, q, "DNSSEC validation failed",
                     result->why_bogus != NULL ? result->why_bogus : "bogus");
        return;
    }
    if (result->rcode != 0 && result->rcode != RCODE_NXDOMAIN) {
        fail_or_ours(r, q, "DNS look-up failed",
                     result->rcode == 2 ? "SERVFAIL" : "error answer");
        return;
    }
    q->state = result->secure ? DNS_SECURE : DNS_INSECURE;
    q->nxdomain = result->nxdomain != 0;
    q->ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0;
    copy_name(q, result->canonname, arena);
    if (result->havedata)
        copy_records(q, result, arena);
}

static void count(const struct dns_question *q)
{
    metric_add(q->state == DNS_SECURE     ? METRIC_DNS_SECURE
               : q->state == DNS_INSECURE ? METRIC_DNS_INSECURE
                                          : METRIC_DNS_ERROR,
               1);
}

void resolver_ask(struct resolver *r, struct dns_question *questions, size_t n,
                  int64_t timeout_ms, struct arena *arena)
{
    int64_t until = clock_mono_ms() + timeout_ms;
    struct lookup **lookups = calloc(n > 0 ? n : 1, sizeof(struct lookup *));

    if (lookups == NULL)
        panic("out of memory");
    start_pump(r);
    for (size_t i = 0; i < n; i++)
        lookups[i] = begin(r, &questions[i]);
    for (size_t i = 0; i < n; i++) {
        if (lookups[i] == NULL)
            continue;
        if (finish(r, lookups[i], until)) {
            take(r, &questions[i], lookups[i], arena);
            lookup_free(lookups[i]);
        } else {
            fail_or_ours(r, &questions[i], "no DNS answer in time",
                         "timed out");
        }
        count(&questions[i]);
    }
    free(lookups);
}

void resolver_give_up(struct resolver *r)
{
    pthread_mutex_lock(&r->lock);
    r->given_up = true;
    pthread_cond_broadcast(&r->answered);
    pthread_mutex_unlock(&r->lock);
}

/* --- names
 * --------------------------------------------------------------------- */

static bool is_name_octet(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_';
}

bool dns_name_text(struct str rdata, struct arena *arena, struct str *out,
                   size_t *used)
{
    char text[NAME_TEXT_MAX];
    size_t n = 0, at = 0;

    for (;;) {
        size_t label = at < rdata.n ? (unsigned char)rdata.p[at] : 64;

        at++;
        if (label == 0)
            break;
        if (label > 63 || at + label > rdata.n ||
            n + (n > 0) + label > sizeof(text))
            return false;
        if (n > 0)
            text[n++] = '.';
        for (size_t i = 0; i < label; i++) {
            if (!is_name_octet(rdata.p[at + i]))
                return false;
            text[n++] = ascii_lower(rdata.p[at + i]);
        }
        at += label;
    }
    *out = str_keep(arena, str_of(text, n));
    *used = at;
    return true;
}

struct str dns_txt_text(struct str rdata, struct arena *arena)
{
    struct buf text = { 0 };

    for (size_t at = 0; at < rdata.n;) {
        size_t n = (unsigned char)rdata.p[at++];

        buf_add(&text, str_first(str_from(rdata, at), n));
        at += n;
    }
    struct str kept = str_keep(arena, buf_str(&text));
    buf_free(&text);
    return kept;
}
