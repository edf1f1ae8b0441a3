/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/posture.h"

#include "base/clock.h"
#include "base/panic.h"
#include "base/random.h"
#include "posture/fetch.h"
#include "posture/inside.h"
#include "posture/need.h"
#include "posture/policies.h"
#include "posture/sts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS_MAX = 20, ADDRESSES_MAX = 16, TLSA_MAX = 32 };

struct posture {
    const struct config *config;
    struct resolver *resolver;
    struct fetcher *fetcher;
    struct policies *policies;
    struct arena arena;
    const struct sockaddr_storage *own; /* where our listeners answer */
    size_t own_n;
};

/* One look at one domain or next hop. */
struct look {
    struct posture *posture;
    struct arena *arena;
    struct domain_posture *out;
    uint16_t port;
    int64_t until_ms;
    bool chosen; /* by the administrator: it may be inside */
};

struct status posture_open(const struct config *config,
                           const struct posture_store *store,
                           struct posture **out)
{
    struct posture *p = calloc(1, sizeof(*p));

    if (p == NULL)
        panic("out of memory");
    p->config = config;
    *out = NULL;
    struct status st = resolver_open(config, &p->resolver);
    if (!status_is_ok(st)) {
        free(p);
        return st;
    }
    st = fetcher_open(p->resolver, config, &p->fetcher);
    p->own_n = inside_own(config, &p->arena, &p->own);
    p->policies = policies_new(p->resolver, p->fetcher, store);
    *out = p;
    if (!status_is_ok(st))
        posture_close(out);
    return st;
}

void posture_give_up(struct posture *p)
{
    resolver_give_up(p->resolver);
    fetcher_give_up(p->fetcher);
}

void posture_close(struct posture **p)
{
    struct posture *posture = *p;

    *p = NULL;
    if (posture == NULL)
        return;
    policies_free(&posture->policies);
    fetcher_close(&posture->fetcher);
    resolver_close(&posture->resolver);
    arena_free(&posture->arena);
    free(posture);
}

static int64_t left_ms(const struct look *l)
{
    int64_t left = l->until_ms - clock_mono_ms();

    return left > 0 ? left : 0;
}

/* The posture holds no longer than the shortest-lived answer in it. */
static void ask(const struct look *l, struct dns_question *q, size_t n)
{
    resolver_ask(l->posture->resolver, q, n, left_ms(l), l->arena);
    for (size_t i = 0; i < n; i++) {
        if (q[i].ttl_s < l->out->ttl_s)
            l->out->ttl_s = q[i].ttl_s;
        l->out->resolver_dead |= q[i].ours;
    }
}

/* --- addresses --------------------------------------------------------------
 */

static struct sockaddr_storage address_of(const struct look *l, int family,
                                          const void *octets)
{
    struct sockaddr_storage ss = { .ss_family = (sa_family_t)family };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&ss;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ss;

    if (family == AF_INET) {
        v4->sin_port = htons(l->port);
        memcpy(&v4->sin_addr, octets, sizeof(v4->sin_addr));
    } else {
        v6->sin6_port = htons(l->port);
        memcpy(&v6->sin6_addr, octets, sizeof(v6->sin6_addr));
    }
    return ss;
}

static bool add_address(const struct look *l, int family, const void *octets,
                        struct sockaddr_storage *list, size_t n, bool *refused)
{
    if (n == ADDRESSES_MAX)
        return false;
    list[n] = address_of(l, family, octets);
    if (l->chosen || inside_allows(&l->posture->config->delivery, &list[n]))
        return true;
    *refused = true;
    return false;
}

/* Takes turns, IPv6 first: where one family does not get through, the other
 * is tried soon (SO-06), and a long list of one cannot hide the other. */
static size_t add_addresses(const struct look *l, const struct dns_question *v4,
                            const struct dns_question *v6,
                            struct sockaddr_storage *list, bool *refused)
{
    size_t n = 0;

    for (size_t i = 0; i < v4->n || i < v6->n; i++) {
        if (i < v6->n && v6->rdata[i].n == 16)
            n += add_address(l, AF_INET6, v6->rdata[i].p, list, n, refused);
        if (i < v4->n && v4->rdata[i].n == 4)
            n += add_address(l, AF_INET, v4->rdata[i].p, list, n, refused);
    }
    return n;
}

static struct status inside_refused(struct str name)
{
    return status_make(550, "5.4.4",
                       "%.*s leads to a private address, which no domain may "
                       "send us to (see allow-private)",
                       STR_ARG(name));
}

/* Bogus or missing answers of one family do not hide the other's addresses,
 * but they can never make the host count as secure. */
static void take_addresses(const struct look *l, struct mx_host *host,
                           const struct dns_question *v4,
                           const struct dns_question *v6)
{
    struct sockaddr_storage *list =
        arena_array(l->arena, ADDRESSES_MAX, sizeof(*list));
    bool refused = false;
    size_t n =
        add_addresses(l, v4, v6, list, &refused); /* errors have no records */

    host->addresses = list;
    host->addresses_n = n;
    host->address_state = v4->state == DNS_SECURE && v6->state == DNS_SECURE
                              ? DNS_SECURE
                              : DNS_INSECURE;
    if (v4->state == DNS_ERROR && v6->n > 0)
        host->address_state = v6->state;
    if (v6->state == DNS_ERROR && v4->n > 0)
        host->address_state = v4->state;
    if (n > 0)
        return;
    if (v4->state == DNS_ERROR || v6->state == DNS_ERROR) {
        host->address_state = DNS_ERROR;
        host->address_error = v4->state == DNS_ERROR ? v4->fault : v6->fault;
    } else if (refused) {
        host->address_error = inside_refused(host->name);
    } else {
        host->address_error = status_make(550, "5.4.4", "%.*s has no address",
                                          STR_ARG(host->name));
    }
}

/* --- TLSA -------------------------------------------------------------------
 */

struct tlsa_names {
    struct str expanded, original; /* bases; expanded may be "" */
    size_t first, count;           /* questions */
    bool leaves;                   /* a secure alias of an insecure name */
};

static struct str tlsa_owner(const struct look *l, struct str base)
{
    return arena_printf(l->arena, "_%u._tcp.%.*s", (unsigned)l->port,
                        STR_ARG(base));
}

static void keep_tlsa(const struct look *l, struct mx_host *host,
                      const struct dns_question *q)
{
    struct tlsa *list = arena_array(l->arena, TLSA_MAX, sizeof(*list));

    host->tlsa = list;
    for (size_t i = 0; i < q->n && host->tlsa_n < TLSA_MAX; i++)
        if (tlsa_parse(q->rdata[i], &list[host->tlsa_n])) {
            host->tlsa_usable_n += tlsa_usable(&list[host->tlsa_n]);
            host->tlsa_n++;
        }
}

/* The expanded name first, then the original (RFC 7672, 2.2.3). An answer
 * that is not secure is as good as none (TP-18). */
static void take_tlsa(const struct look *l, struct mx_host *host,
                      const struct dns_question *q, size_t n,
                      const struct tlsa_names *names)
{
    for (size_t i = 0; i < n; i++) {
        if (q[i].state == DNS_ERROR) {
            host->tlsa_state = DNS_ERROR;
            return;
        }
        if (q[i].state != DNS_SECURE || q[i].n == 0)
            continue;
        host->tlsa_state = DNS_SECURE;
        host->tlsa_base =
            i == 0 && names->expanded.n > 0 ? names->expanded : names->original;
        keep_tlsa(l, host, &q[i]);
        return;
    }
}

/* --- hosts
 * --------------------------------------------------------------------- */

static void look_up_addresses(const struct look *l, struct tlsa_names *names)
{
    struct domain_posture *out = l->out;
    struct dns_question *q =
        arena_array(l->arena, out->hosts_n * 2, sizeof(*q));

    for (size_t i = 0; i < out->hosts_n; i++) {
        q[i * 2] =
            (struct dns_question){ .name = out->hosts[i].name, .type = DNS_A };
        q[i * 2 + 1] = (struct dns_question){ .name = out->hosts[i].name,
                                              .type = DNS_AAAA };
    }
    ask(l, q, out->hosts_n * 2);
    for (size_t i = 0; i < out->hosts_n; i++) {
        struct mx_host *host = &out->hosts[i];
        struct str canonical =
            q[i * 2].n > 0 ? q[i * 2].canonical : q[i * 2 + 1].canonical;

        take_addresses(l, host, &q[i * 2], &q[i * 2 + 1]);
        names[i].original = host->name;
        if (canonical.n > 0 && !str_eq(canonical, host->name))
            names[i].expanded = canonical;
    }
}

/* A secure alias that leads to where nothing is signed: the records of the
 * name before the alias count (RFC 7672, 2.2.2, 2.2.3). */
static void look_for_leaving(const struct look *l, struct tlsa_names *names)
{
    struct domain_posture *out = l->out;
    struct dns_question *q = arena_array(l->arena, out->hosts_n, sizeof(*q));
    size_t *whose = arena_array(l->arena, out->hosts_n, sizeof(*whose));
    size_t n = 0;

    for (size_t i = 0; i < out->hosts_n; i++) {
        const struct mx_host *host = &out->hosts[i];

        if (host->mx_state != DNS_SECURE || host->addresses_n == 0 ||
            host->address_state != DNS_INSECURE || names[i].expanded.n == 0)
            continue;
        whose[n] = i;
        q[n++] = (struct dns_question){ .name = host->name, .type = DNS_CNAME };
    }
    if (n > 0)
        ask(l, q, n);
    for (size_t k = 0; k < n; k++) {
        struct mx_host *host = &out->hosts[whose[k]];

        names[whose[k]].leaves = q[k].state == DNS_SECURE && q[k].n > 0;
        names[whose[k]].expanded = STR("");
        if (q[k].state == DNS_ERROR)
            host->tlsa_state = DNS_ERROR; /* never read as "no record" */
    }
}

static bool may_have_tlsa(const struct mx_host *host,
                          const struct tlsa_names *names)
{
    return host->mx_state == DNS_SECURE && host->addresses_n > 0 &&
           (host->address_state == DNS_SECURE || names->leaves);
}

static void look_up_tlsa(const struct look *l, struct tlsa_names *names)
{
    struct domain_posture *out = l->out;
    struct dns_question *q =
        arena_array(l->arena, out->hosts_n * 2, sizeof(*q));
    size_t n = 0;

    for (size_t i = 0; i < out->hosts_n; i++) {
        if (!may_have_tlsa(&out->hosts[i], &names[i]))
            continue;
        names[i].first = n;
        if (names[i].expanded.n > 0)
            q[n++] =
                (struct dns_question){ .name = tlsa_owner(l, names[i].expanded),
                                       .type = DNS_TLSA };
        q[n++] =
            (struct dns_question){ .name = tlsa_owner(l, names[i].original),
                                   .type = DNS_TLSA };
        names[i].count = n - names[i].first;
    }
    if (n > 0)
        ask(l, q, n);
    for (size_t i = 0; i < out->hosts_n; i++)
        take_tlsa(l, &out->hosts[i], q + names[i].first, names[i].count,
                  &names[i]);
}

static void look_up_hosts(const struct look *l)
{
    struct tlsa_names *names =
        arena_array(l->arena, l->out->hosts_n, sizeof(*names));

    for (size_t i = 0; i < l->out->hosts_n; i++) {
        l->out->hosts[i].tlsa_base = l->out->hosts[i].name;
        l->out->hosts[i].tlsa_state = DNS_INSECURE;
    }
    look_up_addresses(l, names);
    look_for_leaving(l, names);
    look_up_tlsa(l, names);
}

/* --- MX
 * -------------------------------------------------------------------------- */

static bool comes_before(const struct mx_host *a, const struct mx_host *b)
{
    return a->preference < b->preference;
}

/* By preference, equals in random order (RFC 5321, 5.1). */
static void put_in_order(struct mx_host *hosts, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below((uint32_t)i);
        struct mx_host swap = hosts[i - 1];

        hosts[i - 1] = hosts[j];
        hosts[j] = swap;
    }
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && comes_before(&hosts[j], &hosts[j - 1]);
             j--) {
            struct mx_host swap = hosts[j];

            hosts[j] = hosts[j - 1];
            hosts[j - 1] = swap;
        }
}

/* By name, and once they are looked up, by address. */
static bool is_ourselves(const struct look *l, const struct mx_host *host)
{
    const struct posture *p = l->posture;

    if (str_eq_nocase(host->name, p->config->hostname))
        return true;
    for (size_t i = 0; i < host->addresses_n; i++)
        if (inside_is_own(p->own, p->own_n, &host->addresses[i]))
            return true;
    return false;
}

/* We are one of the hosts: only better ones may be tried, or mail would go in
 * circles (RFC 5321, 5.1). */
static void drop_ourselves(const struct look *l)
{
    struct domain_posture *out = l->out;

    for (size_t i = 0; i < out->hosts_n; i++) {
        if (!is_ourselves(l, &out->hosts[i]))
            continue;
        size_t kept = i;
        while (kept > 0 &&
               out->hosts[kept - 1].preference == out->hosts[i].preference)
            kept--;
        out->hosts_n = kept;
    }
    if (out->hosts_n == 0)
        out->status =
            status_make(554, "5.4.6", "mail for %.*s would come back to us",
                        STR_ARG(out->domain));
}

static void take_mx(const struct look *l, const struct dns_question *q)
{
    struct domain_posture *out = l->out;
    size_t most = q->n < 100 ? q->n : 100;
    struct mx_host *hosts = arena_array(l->arena, most, sizeof(*hosts));

    out->hosts = hosts;
    for (size_t i = 0; i < most; i++) {
        struct str rdata = q->rdata[i], name;
        size_t used;

        if (rdata.n < 3 ||
            !dns_name_text(str_from(rdata, 2), l->arena, &name, &used))
            continue;
        if (name.n == 0) {
            out->null_mx = q->n == 1;
            continue;
        }
        hosts[out->hosts_n++] = (struct mx_host){
            .name = name,
            .preference = (uint16_t)((unsigned char)rdata.p[0] << 8 |
                                     (unsigned char)rdata.p[1]),
            .mx_state = q->state,
        };
    }
    if (out->null_mx)
        out->status = status_make(556, "5.1.10", "%.*s takes no mail (null MX)",
                                  STR_ARG(out->domain));
    else if (out->hosts_n == 0)
        out->status = status_make(550, "5.4.4", "%.*s has no usable MX record",
                                  STR_ARG(out->domain));
    if (!status_is_ok(out->status))
        return;
    put_in_order(hosts, out->hosts_n);
    if (out->hosts_n > HOSTS_MAX)
        out->hosts_n = HOSTS_MAX;
    drop_ourselves(l);
}

static void one_host(const struct look *l, struct str name,
                     enum dns_state mx_state)
{
    l->out->hosts = ARENA_NEW(l->arena, struct mx_host);
    l->out->hosts[0] = (struct mx_host){ .name = name, .mx_state = mx_state };
    l->out->hosts_n = 1;
}

static void find_hosts(const struct look *l)
{
    struct domain_posture *out = l->out;
    struct dns_question q = { .name = out->domain, .type = DNS_MX };

    ask(l, &q, 1);
    out->mx_state = q.state;
    if (q.state == DNS_ERROR) {
        out->status = q.fault;
    } else if (q.nxdomain) {
        out->status = status_make(550, "5.1.2", "%.*s does not exist",
                                  STR_ARG(out->domain));
    } else if (q.n > 0) {
        take_mx(l, &q);
    } else {
        out->implicit_mx = true;
        one_host(l, out->domain, q.state);
    }
}

/* --- literals and fixed next hops
 * ----------------------------------------------- */

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321, 4.1.3), or bare text. */
static bool address_text(const struct look *l, struct str text,
                         struct sockaddr_storage *out)
{
    unsigned char octets[16];
    struct arena scratch = { 0 };

    if (str_starts(text, STR("[")) && str_ends(text, STR("]")))
        text = str_first(str_from(text, 1), text.n - 2);
    if (str_starts_nocase(text, STR("IPv6:")))
        text = str_from(text, 5);
    char *cstr = str_keep_cstr(&scratch, text);
    bool v4 = inet_pton(AF_INET, cstr, octets) == 1;
    bool v6 = !v4 && inet_pton(AF_INET6, cstr, octets) == 1;
    if (v4 || v6)
        *out = address_of(l, v4 ? AF_INET : AF_INET6, octets);
    arena_free(&scratch);
    return v4 || v6;
}

/* True when the name is an address: one host that proves nothing. */
static bool look_at_literal(const struct look *l, struct str text)
{
    struct sockaddr_storage *address =
        ARENA_NEW(l->arena, struct sockaddr_storage);

    if (!address_text(l, text, address))
        return false;
    if (!l->chosen && !inside_allows(&l->posture->config->delivery, address)) {
        l->out->status = inside_refused(text);
        return true;
    }
    one_host(l, text, DNS_INSECURE);
    l->out->hosts[0].addresses = address;
    l->out->hosts[0].addresses_n = 1;
    l->out->hosts[0].address_state = DNS_INSECURE;
    l->out->hosts[0].tlsa_state = DNS_INSECURE;
    l->out->hosts[0].tlsa_base = text;
    need_of(&l->out->hosts[0], NULL, true, l->arena);
    return true;
}

/* --- the two questions
 * -------------------------------------------------------------- */

/* False when a policy in force names none of the hosts. */
static bool lists_any(const struct domain_posture *out)
{
    bool any = !out->sts.present || out->sts.mode != STS_ENFORCE;

    for (size_t i = 0; i < out->hosts_n; i++)
        any |= sts_lists(&out->sts, out->hosts[i].name);
    return any;
}

void posture_domain(struct posture *p, struct str domain, int64_t timeout_ms,
                    struct arena *arena, struct domain_posture *out)
{
    struct look l = { .posture = p,
                      .arena = arena,
                      .out = out,
                      .port = p->config->delivery.port,
                      .until_ms = clock_mono_ms() + timeout_ms };

    domain = str_keep(arena, domain); /* hosts may be named by it */
    *out = (struct domain_posture){ .domain = domain,
                                    .status = status_ok(),
                                    .ttl_s = POSTURE_TTL_MAX_S };
    if (look_at_literal(&l, domain))
        return;
    find_hosts(&l);
    if (!status_is_ok(out->status))
        return;
    look_up_hosts(&l);
    drop_ourselves(&l);
    if (!status_is_ok(out->status))
        return;
    if (out->implicit_mx && out->hosts[0].addresses_n == 0) {
        /* Neither MX nor address: nobody there takes mail (RFC 5321, 5.1). */
        out->status = out->hosts[0].address_error;
        return;
    }
    policies_get(p->policies, domain, false, left_ms(&l), arena, &out->sts);
    if (!lists_any(out))
        /* Before anybody gives up: perhaps the hosts moved and the policy
         * with them (RFC 8461, 5.1; TP-07). */
        policies_get(p->policies, domain, true, left_ms(&l), arena, &out->sts);
    for (size_t i = 0; i < out->hosts_n; i++)
        need_of(&out->hosts[i], &out->sts, false, arena);
}

void posture_policy(struct posture *p, struct str domain, int64_t timeout_ms,
                    struct arena *arena, struct sts_policy *out)
{
    policies_get(p->policies, domain, false, timeout_ms, arena, out);
}

struct resolver *posture_resolver(struct posture *p)
{
    return p->resolver;
}

void posture_host(struct posture *p, struct str host, uint16_t port,
                  int64_t timeout_ms, struct arena *arena,
                  struct domain_posture *out)
{
    struct look l = { .posture = p,
                      .arena = arena,
                      .out = out,
                      .port = port,
                      .until_ms = clock_mono_ms() + timeout_ms,
                      .chosen = true };

    host = str_keep(arena, host);
    *out = (struct domain_posture){ .domain = host,
                                    .status = status_ok(),
                                    .ttl_s = POSTURE_TTL_MAX_S };
    if (look_at_literal(&l, host))
        return;
    /* The name comes from the administrator: as good as a secure MX. */
    one_host(&l, host, DNS_SECURE);
    out->mx_state = DNS_SECURE;
    look_up_hosts(&l);
    need_of(&out->hosts[0], NULL, false, arena);
}

/* --- two moments
 * --------------------------------------------------------------------- */

static bool same_records(const struct mx_host *a, const struct mx_host *b)
{
    if (a->tlsa_n != b->tlsa_n)
        return false;
    for (size_t i = 0; i < a->tlsa_n; i++) {
        bool found = false;

        for (size_t k = 0; k < b->tlsa_n && !found; k++)
            found = a->tlsa[i].usage == b->tlsa[k].usage &&
                    a->tlsa[i].selector == b->tlsa[k].selector &&
                    a->tlsa[i].matching == b->tlsa[k].matching &&
                    str_eq(a->tlsa[i].data, b->tlsa[k].data);
        if (!found)
            return false;
    }
    return true;
}

static bool same_addresses(const struct mx_host *a, const struct mx_host *b)
{
    if (a->addresses_n != b->addresses_n)
        return false;
    for (size_t i = 0; i < a->addresses_n; i++) {
        bool found = false;

        for (size_t k = 0; k < b->addresses_n && !found; k++)
            found = memcmp(&a->addresses[i], &b->addresses[k],
                           sizeof(a->addresses[i])) == 0;
        if (!found)
            return false;
    }
    return true;
}

static bool has_same_host(const struct domain_posture *p,
                          const struct mx_host *h)
{
    for (size_t i = 0; i < p->hosts_n; i++)
        if (str_eq(p->hosts[i].name, h->name))
            return p->hosts[i].need == h->need &&
                   p->hosts[i].tlsa_state == h->tlsa_state &&
                   same_records(&p->hosts[i], h) &&
                   same_addresses(&p->hosts[i], h);
    return false;
}

bool posture_same(const struct domain_posture *a,
                  const struct domain_posture *b)
{
    if (status_is_ok(a->status) != status_is_ok(b->status) ||
        a->hosts_n != b->hosts_n)
        return false;
    for (size_t i = 0; i < a->hosts_n; i++)
        if (!has_same_host(b, &a->hosts[i]))
            return false;
    return true;
}

struct fetcher *posture_fetcher(struct posture *posture)
{
    return posture->fetcher;
}
