/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/deposit.h"

#include "base/clock.h"
#include "role/dispatch/clearpath.h"

static struct status seal_body(struct body_copy *copy, struct body *body)
{
    struct status st = copy_take(copy, body_edited_header(body));

    if (status_is_ok(st))
        st = copy_take(copy, STR("\r\n"));
    if (status_is_ok(st))
        st = body_text(body, copy_take, copy);
    return st;
}

static struct status seal_copy(struct dispatch *dispatch, struct body *body,
                               struct arena *arena, struct deposit *d)
{
    struct status st;

    copy_begin(dispatch, arena, &d->copy);
    st = seal_body(&d->copy, body);
    if (status_is_ok(st))
        st = copy_end(&d->copy, dispatch->portal_public);
    if (status_is_ok(st)) {
        d->pickup.body_id = d->copy.body_id;
        d->pickup.body_key = d->copy.body_key;
        d->pickup.body_chunks = d->copy.index;
        d->pickup.size_bytes = d->copy.octets;
    }
    copy_close(&d->copy);
    return st;
}

/* --- the pickup ------------------------------------------------------------
 */

static struct deposit *begin(struct dispatch *dispatch,
                             const struct settlement *s,
                             const struct item *item, bool pin,
                             struct arena *arena)
{
    struct deposit *d = ARENA_NEW(arena, struct deposit);
    int64_t now = clock_wall_ms();

    d->pickup = (struct pickup){
        .id = id_new(),
        .delivery_id = item->delivery.id,
        .recipient = item->delivery.recipient,
        .from = s->parcel->message->from,
        .needs_pin = pin,
        .created_wall_ms = now,
        .expires_wall_ms = now + dispatch->config->portal.expire_after_ms,
        .state = PICKUP_WAITING,
    };
    pickup_token_new(d->token);
    pickup_token_hash(str_from_cstr(d->token), d->pickup.token_hash);
    if (pin) {
        pickup_pin_new(d->pin);
        pickup_secret_hash(&d->pickup.id, str_from_cstr(d->pin),
                           d->pickup.pin_hash);
    }
    return d;
}

struct status deposit_store(struct tx *tx, const struct deposit *d)
{
    struct status st = copy_store_last(tx, &d->copy);

    return status_is_ok(st) ? pickup_create(tx, &d->pickup) : st;
}

/* --- the rung
 * ----------------------------------------------------------------- */

static struct entry *entry_of(struct settlement *s, const struct item *item)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->entries[i].item == item)
            return &s->entries[i];
    return NULL;
}

/* Did a walk for this recipient meet TLS on any host? */
static bool met_tls(const struct entry *entry)
{
    for (size_t i = 0; i < entry->attempts_n; i++)
        if (entry->attempts[i].tls_version.n > 0)
            return true;
    return false;
}

static bool wants_pin(struct dispatch *d, const struct settlement *s,
                      const struct entry *entry)
{
    const struct item *item = entry->item;

    if (!item->orders.clear_path_pin || met_tls(entry))
        return false;
    return entry->attempts_n > 0 ||
           !clearpath_offers_tls(d, item->delivery.domain, s->parcel->route);
}

static void deposit_one(struct dispatch *dispatch, struct body *body,
                        struct settlement *s, struct passenger *p, bool pin)
{
    struct entry *entry = entry_of(s, p->item);

    if (pin && s->parcel->message->from.n == 0) {
        /* Without it the message would lie open to whoever listens there. */
        p->outcome = OUTCOME_LASTING;
        p->status = status_make(550, "5.7.5",
                                "the reader would need a PIN and there is no "
                                "sender to give it to");
        return;
    }
    struct deposit *d = begin(dispatch, s, p->item, pin, &s->arena);
    p->status = seal_copy(dispatch, body, &s->arena, d);
    p->outcome = OUTCOME_PASSING;
    if (!status_is_ok(p->status))
        return;
    entry->deposit = d;
    p->item->delivery.pickup_id = d->pickup.id;
    p->outcome = OUTCOME_DELIVERED;
    p->status = status_make(250, "2.0.0", "waiting in the portal");
}

void deposit(struct dispatch *dispatch, struct body *body, struct settlement *s,
             struct trip *trip)
{
    if (dispatch->portal_public == NULL) {
        trip_all(trip, OUTCOME_LASTING,
                 status_make(550, "5.7.5", "no portal is configured"));
        trip->method_why = STR("no portal is configured");
    } else {
        bool *pins = arena_array(&s->arena, trip->n, sizeof(*pins));

        for (size_t i = 0; i < trip->n; i++)
            pins[i] =
                wants_pin(dispatch, s, entry_of(s, trip->passengers[i].item));
        /* A look at the way that was cut short has seen nothing. */
        trip->abandoned = role_is_ending(&dispatch->role);
        for (size_t i = 0; i < trip->n && !trip->abandoned; i++)
            deposit_one(dispatch, body, s, &trip->passengers[i], pins[i]);
    }
    struct evidence *e = trip_evidence(trip);
    e->mx = STR("");
    e->status = trip->passengers[0].status;
    e->why = str_keep(&s->arena, str_from_cstr(e->status.why));
    e->result = "deposited";
}
