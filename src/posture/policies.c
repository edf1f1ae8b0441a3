/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/policies.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/panic.h"
#include "posture/fetch.h"
#include "posture/sts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SLOTS = 256,
    FETCH_MS = 20000,
    AGAIN_MS = 300000,     /* between two fetches that failed */
    REFRESH_MS = 86400000, /* a policy is looked at afresh each day */
    DOUBT_MS = 60000,      /* younger than that it is not doubted */
};

/* One domain. The lock is held while its policy is fetched, so that a burst
 * to one domain fetches once. */
struct known {
    struct known *next;
    uint32_t users; /* under the lock of the slots */
    pthread_mutex_t lock;
    struct arena arena; /* of policy */
    struct sts_policy policy;
    bool loaded;           /* from the store, once */
    int64_t tried_mono_ms; /* of a fetch that failed, or 0 */
    char fault[sizeof(((struct status *)NULL)->why)];
    struct arena name_arena;
    struct str domain;
};

struct policies {
    pthread_mutex_t lock; /* of the slots */
    struct known *slots[SLOTS];
    struct resolver *resolver;
    struct fetcher *fetcher;
    struct posture_store store;
};

struct policies *policies_new(struct resolver *resolver,
                              struct fetcher *fetcher,
                              const struct posture_store *store)
{
    struct policies *p = calloc(1, sizeof(*p));

    if (p == NULL)
        panic("out of memory");
    pthread_mutex_init(&p->lock, NULL);
    p->resolver = resolver;
    p->fetcher = fetcher;
    if (store != NULL)
        p->store = *store;
    return p;
}

static void known_free(struct known *k)
{
    pthread_mutex_destroy(&k->lock);
    arena_free(&k->arena);
    arena_free(&k->name_arena);
    free(k);
}

void policies_free(struct policies **policies)
{
    struct policies *p = *policies;

    *policies = NULL;
    if (p == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        while (p->slots[i] != NULL) {
            struct known *next = p->slots[i]->next;

            known_free(p->slots[i]);
            p->slots[i] = next;
        }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Taken for use; known_done gives it back. */
static struct known *known_must(struct policies *p, struct str domain)
{
    struct known **slot = &p->slots[str_hash(domain) % SLOTS], *k;

    pthread_mutex_lock(&p->lock);
    for (k = *slot; k != NULL; k = k->next)
        if (str_eq(k->domain, domain))
            break;
    if (k == NULL) {
        k = calloc(1, sizeof(*k));
        if (k == NULL)
            panic("out of memory");
        pthread_mutex_init(&k->lock, NULL);
        k->domain = str_keep(&k->name_arena, domain);
        k->next = *slot;
        *slot = k;
    }
    k->users++;
    pthread_mutex_unlock(&p->lock);
    return k;
}

/* Most domains have no policy: nothing is kept of them. */
static void known_done(struct policies *p, struct known *k)
{
    struct known **at = &p->slots[str_hash(k->domain) % SLOTS];

    pthread_mutex_lock(&p->lock);
    if (--k->users == 0 && !k->policy.present && k->tried_mono_ms == 0) {
        while (*at != k)
            at = &(*at)->next;
        *at = k->next;
        known_free(k);
    }
    pthread_mutex_unlock(&p->lock);
}

/* --- copies
 * -------------------------------------------------------------------- */

static void copy(const struct sts_policy *in, struct arena *arena,
                 struct sts_policy *out)
{
    struct sts_policy parsed;

    *out = *in;
    if (!in->present)
        return;
    out->id = str_keep(arena, in->id);
    out->body = str_keep(arena, in->body);
    out->fault = str_keep(arena, in->fault);
    if (status_is_ok(sts_policy_parse(out->body, arena, &parsed))) {
        out->mx = parsed.mx;
        out->mx_n = parsed.mx_n;
    }
}

static bool in_force(const struct sts_policy *policy)
{
    int64_t age_ms = clock_wall_ms() - policy->fetched_wall_ms;

    return policy->present && age_ms < policy->max_age_s * 1000;
}

static void load_once(struct policies *p, struct known *k)
{
    struct arena scratch = { 0 };
    struct sts_policy stored, parsed;

    if (k->loaded)
        return;
    k->loaded = true;
    if (p->store.load != NULL &&
        p->store.load(p->store.context, k->domain, &scratch, &stored) &&
        status_is_ok(sts_policy_parse(stored.body, &scratch, &parsed))) {
        parsed.id = stored.id;
        parsed.fetched_wall_ms = stored.fetched_wall_ms;
        copy(&parsed, &k->arena, &k->policy);
    }
    arena_free(&scratch);
}

/* --- the record
 * ------------------------------------------------------------------ */

/* Exactly one record must begin with v=STSv1 (RFC 8461, 3.1). */
static bool find_id(struct policies *p, struct str domain, int64_t timeout_ms,
                    struct arena *arena, struct str *id)
{
    struct dns_question q = {
        .name = arena_printf(arena, "_mta-sts.%.*s", STR_ARG(domain)),
        .type = DNS_TXT,
    };
    size_t found = 0;

    resolver_ask(p->resolver, &q, 1, timeout_ms, arena);
    for (size_t i = 0; q.state != DNS_ERROR && i < q.n; i++) {
        struct str text = dns_txt_text(q.rdata[i], arena);

        if (!str_starts(text, STR("v=STSv1")))
            continue;
        if (!sts_record_parse(text, id))
            return false;
        found++;
    }
    return found == 1;
}

/* --- fetching
 * ---------------------------------------------------------------------- */

static void replace(struct policies *p, struct known *k,
                    const struct sts_policy *fresh)
{
    if (in_force(&k->policy) && sts_disjoint(&k->policy, fresh) &&
        p->store.alert != NULL)
        p->store.alert(p->store.context, k->domain,
                       STR("the MTA-STS policy changed to entirely other "
                           "hosts before it ended"));
    struct arena old = k->arena;
    k->arena = (struct arena){ 0 };
    copy(fresh, &k->arena, &k->policy);
    arena_free(&old);
    if (p->store.save != NULL)
        p->store.save(p->store.context, k->domain, &k->policy);
}

static enum sts_trouble trouble_of(struct status st)
{
    return st.enh[1] == 7   ? STS_TROUBLE_CERTIFICATE
           : st.enh[1] == 5 ? STS_TROUBLE_HTTP
                            : STS_TROUBLE_REACH;
}

static void refresh(struct policies *p, struct known *k, struct str id,
                    int64_t timeout_ms)
{
    struct arena scratch = { 0 };
    struct sts_policy fresh;
    struct str body;

    if (timeout_ms > FETCH_MS)
        timeout_ms = FETCH_MS;
    k->tried_mono_ms = clock_mono_ms();
    struct status st =
        fetch_policy(p->fetcher, k->domain, timeout_ms, &scratch, &body);
    enum sts_trouble trouble = trouble_of(st);
    if (status_is_ok(st)) {
        st = sts_policy_parse(body, &scratch, &fresh);
        trouble = STS_TROUBLE_TEXT;
    }
    if (status_is_ok(st)) {
        fresh.id = id;
        fresh.fetched_wall_ms = clock_wall_ms();
        k->tried_mono_ms = 0;
        metric_add(METRIC_STS_FETCHED, 1);
        replace(p, k, &fresh);
    } else {
        metric_add(METRIC_STS_FAILED, 1);
        snprintf(k->fault, sizeof(k->fault), "%s", st.why);
        k->policy.fault = str_from_cstr(k->fault);
        k->policy.trouble = trouble;
    }
    arena_free(&scratch);
}

static bool wants_refresh(const struct known *k, struct str id, bool doubted)
{
    int64_t age_ms = clock_wall_ms() - k->policy.fetched_wall_ms;
    bool failed_lately =
        k->tried_mono_ms != 0 && clock_mono_ms() - k->tried_mono_ms < AGAIN_MS;

    if (!in_force(&k->policy) || !str_eq(id, k->policy.id))
        return !failed_lately;
    return !failed_lately &&
           ((doubted && age_ms > DOUBT_MS) || age_ms > REFRESH_MS ||
            age_ms > k->policy.max_age_s * 500);
}

void policies_get(struct policies *p, struct str domain, bool doubted,
                  int64_t timeout_ms, struct arena *arena,
                  struct sts_policy *out)
{
    struct str id = STR("");
    bool has_record = find_id(p, domain, timeout_ms, arena, &id);
    struct known *k = known_must(p, domain);

    pthread_mutex_lock(&k->lock);
    load_once(p, k);
    if (has_record && wants_refresh(k, id, doubted))
        refresh(p, k, id, timeout_ms);
    copy(&k->policy, arena, out);
    if (!k->policy.present)
        out->fault = str_keep(arena, k->policy.fault);
    out->present = in_force(&k->policy);
    pthread_mutex_unlock(&k->lock);
    known_done(p, k);
}
