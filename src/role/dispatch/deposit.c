/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/deposit.h"

#include "base/clock.h"
#include "role/dispatch/clearpath.h"

#include <openssl/crypto.h>
#include <string.h>

enum { PENDING_MAX = 16 }; /* frames in memory: 1 MiB */

/* A body on its way into the store, sealed to the portal. */
struct sealing {
    struct dispatch *dispatch;
    struct arena *arena;
    struct deposit *deposit;
    struct rest_key key;
    struct str context;
    struct buf plain;
    struct buf frames[PENDING_MAX];
    uint32_t pending, index;
    uint64_t octets;
};

/* --- frames --------------------------------------------------------------- */

static struct status flush_work(struct tx *tx, void *argument)
{
    struct sealing *s = argument;
    struct str list[PENDING_MAX];

    for (uint32_t i = 0; i < s->pending; i++)
        list[i] = buf_str(&s->frames[i]);
    return queue_body_append(tx, &s->deposit->pickup.body_id,
                             s->index - s->pending, list, s->pending);
}

/* The commit that settles makes these durable too. */
static struct status flush(struct sealing *s)
{
    struct status st = store_commit_soft(s->dispatch->store, flush_work, s);

    for (uint32_t i = 0; i < s->pending; i++)
        buf_clear(&s->frames[i]);
    s->pending = 0;
    return st;
}

static struct status seal_one(struct sealing *s, size_t n, bool last)
{
    struct status st = status_ok();

    if (s->pending == PENDING_MAX)
        st = flush(s);
    if (!status_is_ok(st))
        return st;
    rest_seal_frame(&s->key, s->context, s->index++, last,
                    str_first(buf_str(&s->plain), n), &s->frames[s->pending]);
    s->pending++;
    buf_drop(&s->plain, n);
    return st;
}

/* A full frame is sealed only when more follows: the last one is marked. */
static struct status take_piece(void *context, struct str piece)
{
    struct sealing *s = context;
    struct status st = status_ok();

    s->octets += piece.n;
    while (piece.n > 0 && status_is_ok(st)) {
        size_t n = REST_FRAME_PLAIN - s->plain.n;

        if (n == 0) {
            st = seal_one(s, REST_FRAME_PLAIN, false);
            continue;
        }
        buf_add(&s->plain, str_first(piece, n));
        piece = str_from(piece, n);
    }
    return st;
}

static struct status seal_body(struct sealing *s, struct body *body)
{
    struct status st = take_piece(s, body_edited_header(body));

    if (status_is_ok(st))
        st = take_piece(s, STR("\r\n"));
    if (status_is_ok(st))
        st = body_text(body, take_piece, s);
    return status_is_ok(st) ? seal_one(s, s->plain.n, true) : st;
}

static void keep_frames(struct sealing *s)
{
    struct deposit *d = s->deposit;

    d->first = s->index - s->pending;
    d->frames_n = s->pending;
    d->frames = arena_array(s->arena, s->pending, sizeof(struct str));
    for (uint32_t i = 0; i < s->pending; i++)
        d->frames[i] = str_keep(s->arena, buf_str(&s->frames[i]));
    d->pickup.body_chunks = s->index;
    d->pickup.size_bytes = s->octets;
}

static struct status seal_copy(struct dispatch *dispatch, struct body *body,
                               struct arena *arena, struct deposit *d)
{
    struct sealing s = { .dispatch = dispatch, .arena = arena, .deposit = d };
    struct buf wrapped = { 0 };
    struct status st;

    s.context = arena_printf(arena, "body:%s", d->pickup.body_id.text);
    rest_key_new(&s.key);
    st = seal_body(&s, body);
    if (status_is_ok(st)) {
        keep_frames(&s);
        rest_wrap(dispatch->portal_public, s.context, &s.key, &wrapped);
        d->pickup.body_key = str_keep(arena, buf_str(&wrapped));
    }
    rest_key_wipe(&s.key);
    buf_wipe(&s.plain);
    buf_free(&wrapped);
    for (size_t i = 0; i < PENDING_MAX; i++)
        buf_free(&s.frames[i]);
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
        .body_id = id_new(),
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
    struct status st = queue_body_append(tx, &d->pickup.body_id, d->first,
                                         d->frames, d->frames_n);

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
