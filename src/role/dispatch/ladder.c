/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/ladder.h"

#include "base/clock.h"
#include "base/random.h"
#include "role/dispatch/body.h"
#include "role/dispatch/carry.h"
#include "role/dispatch/decide.h"
#include "role/dispatch/deposit.h"
#include "role/dispatch/locked.h"
#include "role/dispatch/settle.h"

struct climb {
    struct dispatch *dispatch;
    struct yard_place *place;
    struct parcel *parcel;
    struct body body; /* the clear one, unless locked forms stand for all */
    bool clear;
    struct locked *locked; /* one an entry */
    struct settlement *settlement;
    bool *waiting; /* entries whose rung is still to be tried */
    enum yard_news news;
    struct status news_why;
};

/* --- after a rung ------------------------------------------------------- */

static void add_attempts(struct climb *c, struct entry *entry,
                         const struct trip *trip, const struct passenger *p)
{
    for (size_t i = 0; i < trip->evidence_n; i++) {
        const struct evidence *e = &trip->evidence[i];
        size_t at = entry->attempts_n < TRIP_EVIDENCE_MAX
                        ? entry->attempts_n++
                        : TRIP_EVIDENCE_MAX - 1;
        struct arena *arena = &c->settlement->arena;
        bool last = i + 1 == trip->evidence_n;

        entry->attempts[at] = (struct attempt){
            .delivery_id = entry->item->delivery.id,
            .at_wall_ms = e->at_wall_ms,
            .method = method_name(trip->method),
            .mx = str_keep(arena, e->mx),
            .address = e->address,
            .tls_version = str_keep(arena, str_from_cstr(e->seen.version)),
            .tls_cipher = str_keep(arena, str_from_cstr(e->seen.cipher)),
            .tls_group = str_keep(arena, str_from_cstr(e->seen.group)),
            .verified_by = verified_by_name(e->seen.by),
            .reply = last ? p->reply : e->reply,
            .result =
                last ? outcome_name(p->outcome) : str_from_cstr(e->result),
            .why = e->why,
            .dns_ms = e->dns_ms,
            .connect_ms = e->connect_ms,
            .tls_ms = e->tls_ms,
            .send_ms = e->send_ms,
            .maybe_duplicate = entry->item->was_leased,
        };
    }
}

static struct plan plan_for(struct climb *c, const struct item *item,
                            enum outcome outcome, bool mendable)
{
    const struct delivery_config *config = &c->dispatch->config->delivery;
    struct plan_facts facts = {
        .ladder = item->orders.ladder,
        .rung = item->delivery.rung,
        .rung_since_ms = item->delivery.rung_since_wall_ms,
        .received_ms = c->parcel->message->received_wall_ms,
        .now_ms = dispatch_now_ms(),
        .attempts = item->delivery.attempts,
        .switch_after_ms = item->orders.switch_after_ms,
        .give_up_after_ms = config->give_up_after_ms,
        .retry_ms = config->retry_ms,
        .retry_n = config->retry_n,
        .jitter = random_below(1024),
        .mendable = mendable,
    };

    return plan_next(&facts, outcome);
}

static void apply(struct climb *c, size_t i, struct plan plan)
{
    struct entry *entry = &c->settlement->entries[i];
    struct delivery *d = &entry->item->delivery;

    entry->step = plan.step;
    switch (plan.step) {
    case STEP_NEXT_RUNG:
        d->rung++;
        d->rung_since_wall_ms = 0;
        c->waiting[i] = true;
        return;
    case STEP_WAIT:
        if (d->rung_since_wall_ms == 0)
            d->rung_since_wall_ms = dispatch_now_ms();
        d->next_wall_ms = plan.due_ms;
        d->attempts++;
        return;
    case STEP_DONE:
        d->state = entry->method == METHOD_PORTAL ? DELIVERY_DEPOSITED
                                                  : DELIVERY_DELIVERED;
        break;
    case STEP_FAIL:
        d->state = DELIVERY_FAILED;
        break;
    case STEP_EXPIRE:
        d->state = DELIVERY_EXPIRED;
        break;
    }
    d->final_wall_ms = dispatch_now_ms();
}

static void land(struct climb *c, size_t i, const struct trip *trip,
                 const struct passenger *p)
{
    struct entry *entry = &c->settlement->entries[i];
    struct delivery *d = &entry->item->delivery;

    add_attempts(c, entry, trip, p);
    entry->status = p->status;
    entry->method = trip->method;
    entry->far_dsn = p->far_dsn;
    entry->lasting = p->outcome == OUTCOME_LASTING;
    d->method = method_name(trip->method);
    /* Why it goes by the portal is what stopped the rung before it. */
    if (trip->method_why.n > 0 &&
        (trip->method != METHOD_TLS || trip->news != YARD_WELL ||
         p->outcome == OUTCOME_DELIVERED))
        d->why = trip->method_why;
    else if (p->outcome != OUTCOME_DELIVERED)
        d->why = str_keep(&c->settlement->arena, str_from_cstr(p->status.why));
    apply(c, i, plan_for(c, entry->item, p->outcome, p->mendable));
}

/* As if it had not been leased: the next process goes on from here. */
static void leave_as_it_was(struct climb *c, size_t i)
{
    struct entry *entry = &c->settlement->entries[i];

    entry->status = status_make(451, "4.3.2", "the gateway is going down");
    entry->step = STEP_WAIT;
    entry->item->delivery.next_wall_ms = dispatch_now_ms();
}

/* --- one rung for one group ------------------------------------------------
 */

/* What travels is locked: any connection will do that the domain's own policy
 * and the sender (REQUIRETLS) let pass. */
static void carry_locked(struct climb *c, struct trip *trip, size_t who)
{
    struct locked *l = &c->locked[who];
    bool ready;

    trip->link = c->parcel->message->requiretls ? FLOOR_VERIFIED : FLOOR_OPEN;
    locked_make(c->dispatch, c->clear ? &c->body : NULL, trip, l, &ready);
    if (!ready)
        return;
    /* The notice of another rung would go to the same servers. */
    trip->passengers[0].item->orders.switch_after_ms =
        c->dispatch->config->delivery.give_up_after_ms;
    carry(c->dispatch, c->place, l->as_it_came ? &c->body : &l->body, trip);
    if (trip->passengers[0].outcome == OUTCOME_DELIVERED)
        trip->method_why = l->as_it_came
                               ? STR("it came locked to the recipient's key")
                               : arena_printf(trip->arena, "locked to key %.*s",
                                              STR_ARG(l->copy.key));
}

/* The clear body may be gone: what is locked goes into the portal locked. */
static struct body *body_for(struct climb *c, size_t who)
{
    return c->clear ? &c->body : &c->locked[who].body;
}

static void run_rung(struct climb *c, struct trip *trip, size_t who)
{
    switch (trip->method) {
    case METHOD_TLS:
        carry(c->dispatch, c->place, body_for(c, who), trip);
        break;
    case METHOD_PORTAL:
        deposit(c->dispatch, body_for(c, who), c->settlement, trip);
        break;
    case METHOD_PGP:
    case METHOD_SMIME:
        carry_locked(c, trip, who);
        break;
    }
    if (trip->news != YARD_NEUTRAL) {
        c->news = trip->news;
        c->news_why = trip->news_why;
    }
}

/* The ladder holds no rung above the floor: nothing may be sent. */
static void no_rung(struct climb *c, size_t i)
{
    struct entry *entry = &c->settlement->entries[i];

    entry->status =
        status_make(550, "5.7.1", "no allowed method meets the floor %.*s",
                    STR_ARG(entry->item->delivery.floor));
    entry->item->delivery.why =
        str_keep(&c->settlement->arena, str_from_cstr(entry->status.why));
    apply(c, i, (struct plan){ STEP_FAIL, 0 });
}

/* Each recipient gets a form of their own. */
static bool locks(enum method method)
{
    return method == METHOD_PGP || method == METHOD_SMIME;
}

/* Everybody still waiting who goes with the first one who waits. */
static void climb_group(struct climb *c, size_t first)
{
    struct settlement *s = c->settlement;
    struct item *leader = s->entries[first].item;
    struct trip trip = { .arena = &s->arena, .parcel = c->parcel };
    size_t *who = arena_array(&s->arena, s->n, sizeof(*who));

    if (!item_method(leader, &trip.method)) {
        c->waiting[first] = false;
        no_rung(c, first);
        return;
    }
    trip.news = YARD_NEUTRAL;
    trip.link = leader->orders.floor;
    trip.passengers = arena_array(&s->arena, s->n, sizeof(*trip.passengers));
    bool alone = !c->clear || locks(trip.method);
    for (size_t i = first; i < (alone ? first + 1 : s->n); i++) {
        if (!c->waiting[i] || !item_goes_with(leader, s->entries[i].item))
            continue;
        c->waiting[i] = false;
        who[trip.n] = i;
        trip.passengers[trip.n++].item = s->entries[i].item;
    }
    struct status st = status_ok();
    if (c->clear)
        body_edit(&c->body, leader->orders.strip_marker);
    else
        st = locked_open(c->dispatch, c->parcel->message, &s->arena,
                         &c->locked[first]);
    if (status_is_ok(st))
        run_rung(c, &trip, first);
    else
        trip_all(&trip, OUTCOME_PASSING, st);
    for (size_t i = 0; i < trip.n; i++)
        if (trip.abandoned)
            leave_as_it_was(c, who[i]);
        else
            land(c, who[i], &trip, &trip.passengers[i]);
}

static void climb_all(struct climb *c)
{
    bool again = true;

    for (int round = 0; again && round < LADDER_MAX + 1; round++) {
        again = false;
        for (size_t i = 0; i < c->settlement->n; i++)
            if (c->waiting[i]) {
                climb_group(c, i);
                again = true;
            }
    }
}

/* --- what cannot be worked on ------------------------------------------------
 */

static void hold(struct climb *c, size_t i, struct status why)
{
    struct entry *entry = &c->settlement->entries[i];

    entry->status = why;
    entry->step = STEP_WAIT;
    entry->item->delivery.state = DELIVERY_HELD;
    entry->item->delivery.why =
        str_keep(&c->settlement->arena, str_from_cstr(why.why));
    c->waiting[i] = false;
    log_event(LOG_ERROR, "delivery.quarantined",
              LOG_STR("msg_id", id_str(&c->parcel->message->id)),
              LOG_STR("rcpt_id", id_str(&entry->item->delivery.id)),
              LOG_CSTR("why", why.why));
}

static struct str header_of(struct climb *c)
{
    return body_header(c->clear ? &c->body : &c->locked[0].body);
}

static void decide_all(struct climb *c)
{
    for (size_t i = 0; i < c->settlement->n; i++)
        if (c->waiting[i] &&
            !decide(c->dispatch->config, c->parcel->message, header_of(c),
                    &c->settlement->arena, c->settlement->entries[i].item))
            hold(c, i,
                 status_make(554, "5.3.0",
                             "the stored decision cannot be read"));
}

/* By the stored ladder; without a decision nothing was locked yet. */
static bool may_be_locked(struct str ladder)
{
    return str_find(ladder, STR("pgp")) < ladder.n ||
           str_find(ladder, STR("smime")) < ladder.n;
}

/* Of each delivery whether its locked form is stored; *all: of every one. */
static struct status recall(struct climb *c, bool *all)
{
    struct status st = status_ok();

    *all = true;
    for (size_t i = 0; i < c->settlement->n && status_is_ok(st); i++) {
        const struct item *item = c->settlement->entries[i].item;

        if (may_be_locked(item->delivery.ladder))
            st = locked_recall(c->dispatch, item, &c->settlement->arena,
                               &c->locked[i]);
        *all &= c->locked[i].there;
    }
    return st;
}

static struct status open_bodies(struct climb *c)
{
    bool all;
    struct status st = recall(c, &all);

    if (!status_is_ok(st))
        return st;
    c->clear = !all;
    if (all)
        return locked_open(c->dispatch, c->parcel->message,
                           &c->settlement->arena, &c->locked[0]);
    return body_open(c->dispatch, c->parcel->message, c->parcel->first_frame,
                     &c->settlement->arena, &c->body);
}

/* A damaged body is never sent and never dropped: people must look (QD-06). */
static bool open_body(struct climb *c)
{
    struct status st = open_bodies(c);

    for (size_t i = 0; i < c->settlement->n && !status_is_ok(st); i++) {
        c->settlement->entries[i].status = st;
        if (st.kind == STATUS_REFUSE)
            hold(c, i, st);
        else /* our own trouble: never a reason to change the method */
            apply(c, i,
                  plan_for(c, c->settlement->entries[i].item, OUTCOME_UNKNOWN,
                           false));
    }
    c->settlement->header = header_of(c);
    return status_is_ok(st);
}

void ladder_climb(struct dispatch *dispatch, struct yard_place *place,
                  struct parcel *parcel)
{
    struct climb c = { .dispatch = dispatch,
                       .place = place,
                       .parcel = parcel,
                       .settlement = settlement_new(dispatch, parcel),
                       .news = YARD_NEUTRAL };

    c.waiting = arena_array(&c.settlement->arena, parcel->n, sizeof(bool));
    c.locked = arena_array(&c.settlement->arena, parcel->n, sizeof(*c.locked));
    for (size_t i = 0; i < parcel->n; i++)
        c.waiting[i] = true;
    if (open_body(&c)) {
        decide_all(&c);
        climb_all(&c);
    }
    settle(c.settlement);
    if (c.clear)
        body_close(&c.body);
    for (size_t i = 0; i < parcel->n; i++)
        locked_close(&c.locked[i]);
    yard_done(dispatch->yard, place, c.news, c.news_why);
}
