/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/carry.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "role/dispatch/guide.h"
#include "role/dispatch/reach.h"
#include "role/dispatch/transact.h"

#include <stdio.h>

enum {
    HOSTS_MAX = 20,
    ADDRESSES_MAX = 8,
    IMPATIENT_CONNECT_MS = 4000, /* while other addresses are left (SO-06) */
    WALK_MS = 600000
};

struct walk {
    struct dispatch *dispatch;
    struct trip *trip;
    struct body *body;
    struct envelope envelope;
    struct dial dial;
    struct blame blame;
    struct status first_lasting, last_passing;
    bool any_answer, any_strain; /* somebody spoke; somebody said 421 */
    bool pipelined, served;
    bool unfit; /* a host cannot take this message (size, 8 bit ...) */
    int64_t until_ms;
    uint32_t dns_ms;
};

/* --- faults and evidence ----------------------------------------------- */

static void blame_add(struct walk *w, bool lasting, struct status why)
{
    if (lasting && w->blame.lasting++ == 0)
        w->first_lasting = why;
    if (!lasting) {
        w->blame.passing++;
        w->last_passing = why;
    }
}

static struct str keep_text(struct walk *w, const char *text)
{
    return str_keep(w->trip->arena, str_from_cstr(text));
}

static struct evidence *evidence_for(struct walk *w,
                                     const struct sockaddr_storage *address,
                                     const struct tls_seen *seen,
                                     struct status st, const char *result)
{
    struct evidence *e = trip_evidence(w->trip);
    char text[64] = "";

    if (address != NULL)
        dial_address_text(address, text);
    /* The host is the guide's: gone before this is written down. */
    e->mx = str_keep(w->trip->arena, w->dial.host->name);
    e->address = keep_text(w, text);
    if (seen != NULL)
        e->seen = *seen;
    e->status = st;
    e->why = keep_text(w, st.why);
    e->result = result;
    e->dns_ms = w->dns_ms;
    return e;
}

static void note_fault(struct walk *w, const struct sockaddr_storage *address,
                       const struct tls_seen *seen, struct fault fault)
{
    bool lasting = fault.kind == FAULT_LASTING;

    if (lasting && seen != NULL)
        metric_add(METRIC_TLS_OUT_REFUSED, 1);
    evidence_for(w, address, seen, fault.why,
                 lasting ? "refused-tls" : "deferred");
    blame_add(w, lasting, fault.why);
    w->any_answer |= fault.kind != FAULT_DOWN;
    w->any_strain |= fault.kind == FAULT_STRAIN;
}

/* --- one session ------------------------------------------------------------
 */

static void collect(struct walk *w, const struct session *s)
{
    for (size_t i = 0; i < w->trip->n; i++) {
        struct passenger *p = &w->trip->passengers[i];

        p->outcome = w->envelope.rcpts[i].outcome;
        p->status = w->envelope.rcpts[i].status;
        p->far_dsn = s->caps.dsn;
        p->reply = p->outcome == OUTCOME_DELIVERED
                       ? keep_text(w, s->said)
                       : keep_text(w, p->status.why);
    }
    w->served = true;
}

static const char *result_of(const struct walk *w)
{
    for (size_t i = 0; i < w->trip->n; i++)
        if (w->trip->passengers[i].outcome == OUTCOME_DELIVERED)
            return "delivered";
    return "deferred";
}

/* Why this method served, in words. */
static struct str proof_of(struct walk *w, const struct tls_seen *seen)
{
    bool trusted = w->dial.route != NULL && w->dial.route->has_floor;

    switch (seen->by) {
    case VERIFIED_PIN:
        return STR("pinned key matched");
    case VERIFIED_DANE_EE:
        return STR("DANE-EE matched");
    case VERIFIED_DANE_TA:
        return STR("DANE-TA matched");
    case VERIFIED_STS:
        return STR("MTA-STS policy kept, certificate valid");
    case VERIFIED_PKIX:
        return arena_printf(w->trip->arena, "certificate valid for %.*s",
                            STR_ARG(w->dial.host->name));
    case VERIFIED_NONE:
        break;
    }
    if (seen->up)
        return STR("encrypted, server not proven");
    return trusted ? STR("in clear: the route is trusted")
           : w->trip->method == METHOD_TLS
               ? STR("in clear: the floor is open")
               : STR("in clear: the message itself is locked");
}

static void count_session(const struct tls_seen *seen)
{
    struct str version = str_from_cstr(seen->version);

    if (seen->up)
        metric_add(str_eq(version, STR("TLSv1.3"))   ? METRIC_TLS_OUT_13
                   : str_eq(version, STR("TLSv1.2")) ? METRIC_TLS_OUT_12
                                                     : METRIC_TLS_OUT_OLD,
                   1);
}

static void record(struct walk *w, const struct sockaddr_storage *address,
                   const struct session *s, int64_t begun, bool reused)
{
    struct evidence *e = evidence_for(
        w, address, &s->seen, w->trip->passengers[0].status, result_of(w));

    e->clear = !s->seen.up;
    w->trip->method_why = proof_of(w, &s->seen);
    e->reply = keep_text(w, s->said);
    e->send_ms = (uint32_t)(clock_mono_ms() - begun);
    if (!reused) {
        count_session(&s->seen);
        e->connect_ms = s->connect_took_ms;
        e->tls_ms = s->tls_took_ms;
    }
}

/* A host that answers MAIL or everybody with 421 has not judged the message:
 * another host may. */
static bool turned_away(const struct walk *w)
{
    for (size_t i = 0; i < w->envelope.n; i++)
        if (w->envelope.rcpts[i].outcome != OUTCOME_PASSING ||
            w->envelope.rcpts[i].status.smtp != 421)
            return false;
    return true;
}

enum tried { TRIED_SERVED, TRIED_AGAIN, TRIED_NEXT };

static enum tried judge_end(struct walk *w,
                            const struct sockaddr_storage *address,
                            struct session *s, enum sent sent, bool reused,
                            struct status why, int64_t begun)
{
    switch (sent) {
    case SENT_DONE:
        if (turned_away(w)) {
            note_fault(
                w, address, &s->seen,
                (struct fault){ FAULT_STRAIN, w->envelope.rcpts[0].status });
            return TRIED_NEXT;
        }
        /* fall through */
    case SENT_UNKNOWN:
        collect(w, s);
        record(w, address, s, begun, reused);
        w->any_strain |= s->spoilt && sent == SENT_DONE;
        return TRIED_SERVED;
    case SENT_OUR_FAULT:
        trip_all(w->trip, OUTCOME_PASSING, why);
        evidence_for(w, address, &s->seen, why, "deferred");
        w->served = true;
        return TRIED_SERVED;
    case SENT_MISCOUNT:
    case SENT_BROKEN:
        break;
    }
    /* A kept connection may have died unseen; a server may be confused by
     * pipelining (SO-11). Both deserve one more try right away. */
    if (reused || w->pipelined) {
        w->pipelined = reused && sent == SENT_BROKEN && w->pipelined;
        return TRIED_AGAIN;
    }
    note_fault(w, address, &s->seen, (struct fault){ FAULT_PASSING, why });
    return TRIED_NEXT;
}

static enum tried speak(struct walk *w, const struct sockaddr_storage *address,
                        enum tls_need need, struct str key,
                        struct session **session, bool reused)
{
    struct session *s = *session;
    enum floor link = demand_link_floor(w->dial.floor, w->dial.route);
    enum clearance clearance = clearance_judge(link, need, &s->seen);
    struct fault lack = session_accepts(s, &w->envelope);
    struct body_source source = { w->body, body_write };
    struct status why = status_ok();
    int64_t begun = clock_mono_ms();
    enum sent sent;

    if (clearance == CLEARANCE_NONE)
        lack = (struct fault){
            FAULT_LASTING,
            status_make(550, "5.7.5", "%.*s does not meet the floor %.*s",
                        STR_ARG(w->dial.host->name), STR_ARG(floor_name(link)))
        };
    if (lack.kind != FAULT_NONE) {
        w->unfit = clearance != CLEARANCE_NONE;
        note_fault(w, address, &s->seen, lack);
        pool_give(w->dispatch->pool, key, session);
        return TRIED_NEXT;
    }
    sent =
        session_send(s, clearance, w->pipelined, &w->envelope, &source, &why);
    enum tried tried = judge_end(w, address, s, sent, reused, why, begun);
    if (sent == SENT_DONE)
        pool_give(w->dispatch->pool, key, session);
    session_drop(session);
    return tried;
}

/* --- the walk ------------------------------------------------------------- */

static bool try_address(struct walk *w, enum tls_need need,
                        const struct sockaddr_storage *address,
                        bool others_left)
{
    int64_t patience = w->dispatch->config->delivery.connect_timeout_ms;
    enum tried tried = TRIED_AGAIN;

    if (others_left && patience > IMPATIENT_CONNECT_MS)
        patience = IMPATIENT_CONNECT_MS;
    for (int i = 0; i < 3 && tried == TRIED_AGAIN; i++) {
        struct session *session = NULL;
        struct tls_seen seen;
        struct str key;
        bool reused = false;
        struct fault fault =
            reach_open(&w->dial, need, address, patience,
                       i == 0 ? w->dispatch->pool : NULL, w->trip->arena, &key,
                       &seen, &reused, &session);

        if (fault.kind != FAULT_NONE) {
            note_fault(w, address, &seen, fault);
            return false;
        }
        tried = speak(w, address, need, key, &session, reused);
    }
    return tried == TRIED_SERVED;
}

static bool goes_on(const struct walk *w)
{
    return clock_mono_ms() < w->until_ms && !role_is_ending(&w->dispatch->role);
}

static bool try_host(struct walk *w, const struct mx_host *host, bool last)
{
    size_t order[ADDRESSES_MAX], n = dial_order(host, order, ADDRESSES_MAX);
    struct status why = status_ok();

    w->dial.host = host;
    struct demand demand = dial_demand(&w->dial, &why);
    if (demand.need == TLS_NEED_NEVER) {
        note_fault(w, NULL, NULL,
                   (struct fault){
                       demand.may_pass ? FAULT_PASSING : FAULT_LASTING, why });
        return false;
    }
    if (n == 0)
        note_fault(w, NULL, NULL,
                   (struct fault){ host->address_error.kind == STATUS_REFUSE
                                       ? FAULT_LASTING
                                       : FAULT_DOWN,
                                   host->address_error });
    for (size_t i = 0; i < n && goes_on(w); i++)
        if (try_address(w, demand.need, &host->addresses[order[i]],
                        !last || i + 1 < n))
            return true;
    return false;
}

/* Nobody served: what all the hosts' faults come to. */
static void conclude(struct walk *w)
{
    enum outcome outcome = plan_blame(w->blame);
    struct status why =
        outcome == OUTCOME_LASTING ? w->first_lasting : w->last_passing;

    trip_all(w->trip, outcome, why);
    for (size_t i = 0; i < w->trip->n; i++)
        w->trip->passengers[i].mendable = !w->unfit;
    w->trip->method_why = keep_text(w, why.why);
    if (!w->any_answer && w->blame.lasting == 0)
        w->trip->news = YARD_DOWN;
    w->trip->news_why = why;
}

/* A posture is kept for many messages: equals take turns anew for each (RFC
 * 5321, 5.1). */
static void spread_over_equals(const struct mx_host *hosts, size_t *order,
                               size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = 0; i < n; i++) {
        size_t equals = 1;

        while (i + equals < n &&
               hosts[i + equals].preference == hosts[i].preference)
            equals++;
        size_t j = i + random_below((uint32_t)equals), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

static void walk_hosts(struct walk *w, const struct domain_posture *posture)
{
    size_t n = posture->hosts_n < HOSTS_MAX ? posture->hosts_n : HOSTS_MAX;
    size_t order[HOSTS_MAX];

    w->dial.posture = posture;
    spread_over_equals(posture->hosts, order, n);
    for (size_t i = 0; i < n && goes_on(w); i++)
        if (try_host(w, &posture->hosts[order[i]], i + 1 == n))
            break;
}

static void end_walk(struct walk *w)
{
    if (!w->served)
        conclude(w);
    else
        w->trip->news = YARD_WELL;
    if (w->any_strain && w->trip->news != YARD_DOWN)
        w->trip->news = YARD_STRAIN;
}

/* No host at all: the domain refuses mail, does not exist, or DNS failed. */
static void no_host(struct walk *w, const struct domain_posture *posture)
{
    bool refused = posture->status.kind == STATUS_REFUSE;
    struct evidence *e = trip_evidence(w->trip);

    e->mx = w->dial.domain;
    e->address = STR("");
    e->status = posture->status;
    e->why = keep_text(w, posture->status.why);
    e->result = refused ? "failed" : "deferred";
    trip_all(w->trip, refused ? OUTCOME_REFUSED : OUTCOME_PASSING,
             posture->status);
    w->trip->method_why = e->why;
    w->trip->news = YARD_NEUTRAL;
}

static void walk_or_end(struct walk *w, const struct domain_posture *posture)
{
    if (!status_is_ok(posture->status) || posture->hosts_n == 0) {
        no_host(w, posture);
        return;
    }
    walk_hosts(w, posture);
    end_walk(w);
}

/* Evidence of the walk so far stays; the names in it are kept. */
static bool is_doubtful(const struct walk *w)
{
    enum outcome outcome = w->trip->passengers[0].outcome;

    return !w->served &&
           (outcome == OUTCOME_LASTING ||
            (outcome == OUTCOME_REFUSED && w->dial.posture == NULL));
}

static bool fill_envelope(struct walk *w)
{
    const struct parcel *p = w->trip->parcel;
    const struct message *m = p->message;
    struct arena *arena = w->trip->arena;

    w->envelope = (struct envelope){
        .from = m->from,
        .size_bytes = body_size(w->body),
        .body_8bit = m->body_8bit,
        .smtputf8 = m->smtputf8,
        .requiretls = m->requiretls,
        .ret = m->ret,
        .envid = m->envid,
        .rcpts = arena_array(arena, w->trip->n, sizeof(struct envelope_rcpt)),
        .n = w->trip->n,
    };
    for (size_t i = 0; i < w->trip->n; i++) {
        const struct delivery *d = &w->trip->passengers[i].item->delivery;

        w->envelope.rcpts[i] = (struct envelope_rcpt){ .address = d->recipient,
                                                       .notify = d->notify,
                                                       .orcpt = d->orcpt };
    }
    return true;
}

void carry(struct dispatch *dispatch, struct yard_place *place,
           struct body *body, struct trip *trip)
{
    struct parcel *p = trip->parcel;
    struct guide_entry *entry = NULL;
    struct walk w = { .dispatch = dispatch,
                      .trip = trip,
                      .body = body,
                      .pipelined = true,
                      .until_ms = clock_mono_ms() + WALK_MS };
    int64_t begun = clock_mono_ms();

    if (yard_resting(dispatch->yard, place, &trip->news_why)) {
        trip_all(trip, OUTCOME_PASSING, trip->news_why);
        trip->method_why = keep_text(&w, trip->news_why.why);
        return;
    }
    struct status st = body_sign(body);
    if (!status_is_ok(st)) {
        trip_all(trip, OUTCOME_PASSING, st);
        trip->method_why = keep_text(&w, st.why);
        return;
    }
    const struct domain_posture *posture =
        guide_ask(dispatch->guide, p->domain, p->route, &entry);
    w.dns_ms = (uint32_t)(clock_mono_ms() - begun);
    w.dial =
        (struct dial){ .config = dispatch->config,
                       .trust = dispatch->trust,
                       .route = p->route,
                       .auth_secret = dispatch_route_secret(dispatch, p->route),
                       .pin = config_pin(dispatch->config, p->route != NULL
                                                               ? p->route->host
                                                               : p->domain),
                       .domain = p->domain,
                       .floor = trip->link,
                       .waived = trip->passengers[0].item->orders.waived,
                       .stop_fd = dispatch->role.stop };
    fill_envelope(&w);
    walk_or_end(&w, posture);
    if (is_doubtful(&w) && (posture = guide_doubt(dispatch->guide, p->domain,
                                                  p->route, &entry)) != NULL) {
        w.blame = (struct blame){ 0 };
        w.any_answer = w.any_strain = w.unfit = false;
        w.dial.posture = NULL;
        walk_or_end(&w, posture);
    }
    guide_done(dispatch->guide, &entry);
    trip->abandoned = !w.served && role_is_ending(&dispatch->role);
    /* What was cut short says nothing about the destination. */
    if (trip->abandoned)
        trip->news = YARD_NEUTRAL;
}
