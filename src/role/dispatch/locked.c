/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/locked.h"

#include "base/clock.h"
#include "mail/protect.h"
#include "role/dispatch/copy.h"
#include "role/dispatch/keyseek.h"
#include "seal/errand.h"

enum {
    ERRAND_LEAST_MS = 60000,
    OCTETS_A_MS = 500, /* a slow machine locks half a megabyte a second */
};

/* --- a stored copy ---------------------------------------------------------
 */

struct status locked_recall(struct dispatch *dispatch, const struct item *item,
                            struct arena *arena, struct locked *out)
{
    struct rx *rx = store_read(dispatch->store);
    struct status st =
        sealed_get(rx, &item->delivery.id, arena, &out->copy, &out->there);

    store_read_done(dispatch->store, &rx);
    return st;
}

struct status locked_open(struct dispatch *d, const struct message *m,
                          struct arena *arena, struct locked *l)
{
    struct status st;

    if (l->open)
        return status_ok();
    l->message = *m;
    l->message.body_id = l->copy.body_id;
    l->message.body_key = l->copy.body_key;
    l->message.body_chunks = l->copy.body_chunks;
    l->message.size_bytes = l->copy.size_bytes;
    /* Armour is ASCII, and so is what stands before it but for SMTPUTF8. */
    l->message.body_8bit = m->smtputf8;
    st = body_open(d, &l->message, STR(""), arena, &l->body);
    l->open = true;
    if (status_is_ok(st))
        body_edit(&l->body, STR(""));
    return st;
}

void locked_close(struct locked *l)
{
    if (l->open)
        body_close(&l->body);
    l->open = false;
}

/* --- the sealer ------------------------------------------------------------
 */

static bool take_sealed(void *context, const void *from, size_t n)
{
    return status_is_ok(copy_take(context, str_of(from, n)));
}

static int64_t time_for(const struct body *clear)
{
    return ERRAND_LEAST_MS +
           (int64_t)(clear->message->size_bytes / OCTETS_A_MS);
}

static struct status ask(struct dispatch *d, struct body *clear,
                         const struct errand *errand,
                         const struct seal_sink *sink, struct arena *arena,
                         struct errand_answer *answer)
{
    struct body_reader reader;
    struct status st;

    body_reader_open(clear, &reader);
    struct seal_source source = { body_reader_read, &reader };
    st = errand_ask(d->role.sealer, errand, &source, sink, time_for(clear),
                    d->role.stop, arena, answer);
    if (!status_is_ok(reader.status))
        st = reader.status;
    body_reader_close(&reader);
    return st;
}

static void sign_with_own(struct dispatch *d, const struct message *m,
                          struct arena *arena, struct errand *errand)
{
    struct rx *rx = store_read(d->store);
    struct keyring_key own;
    bool found;

    if (status_is_ok(keyring_own(rx, m->from, errand->method, clock_wall_ms(),
                                 arena, &own, &found)) &&
        found) {
        errand->own_private = own.own_private;
        errand->own_context =
            arena_printf(arena, "own-key:%.*s", STR_ARG(own.facts.fingerprint));
    }
    store_read_done(d->store, &rx);
}

static struct errand sealing_of(struct dispatch *d, const struct item *item,
                                struct keyring_key *key)
{
    const struct seal_config *config = &d->config->seal;
    const struct recipient_config *own =
        config_recipient(d->config, item->delivery.recipient);

    return (struct errand){
        .kind = ERRAND_SEAL,
        .method = key->facts.kind,
        .keys = &key->facts.bytes,
        .keys_n = 1,
        .capabilities = key->facts.capabilities,
        .outer_subject = config->subject,
        .protect_headers = own != NULL ? own->headers : config->headers,
        .hide_key_ids = own != NULL ? own->hide_key_ids : config->hide_key_ids,
        .now_wall_ms = clock_wall_ms(),
    };
}

struct storing {
    struct body_copy *body;
    struct sealed_copy *copy;
    const struct delivery *delivery;
};

static struct status keep_work(struct tx *tx, void *argument)
{
    struct storing *s = argument;
    struct status st = copy_store_last(tx, s->body);

    if (status_is_ok(st))
        st = sealed_store(tx, s->copy, &s->delivery->message_id,
                          s->delivery->fence);
    return st;
}

static struct status keep(struct dispatch *d, const struct item *item,
                          const struct keyring_key *key, struct body_copy *body,
                          struct sealed_copy *copy)
{
    struct storing storing = { body, copy, &item->delivery };
    struct status st = copy_end(body, d->own_public);

    if (!status_is_ok(st))
        return st;
    *copy = (struct sealed_copy){
        .delivery_id = item->delivery.id,
        .method = key_kind_name(key->facts.kind),
        .key = key->facts.fingerprint,
        .body_id = body->body_id,
        .body_key = body->body_key,
        .body_chunks = body->index,
        .size_bytes = body->octets,
        .made_wall_ms = clock_wall_ms(),
    };
    return store_commit(d->store, keep_work, &storing);
}

static struct status make_copy(struct dispatch *d, struct body *clear,
                               const struct item *item, struct keyring_key *key,
                               struct arena *arena, struct sealed_copy *out)
{
    struct errand errand = sealing_of(d, item, key);
    struct body_copy copy;
    struct seal_sink sink = { take_sealed, &copy };
    struct errand_answer answer;
    struct status st;

    copy_begin(d, arena, &copy);
    sign_with_own(d, clear->message, arena, &errand);
    st = ask(d, clear, &errand, &sink, arena, &answer);
    if (status_is_ok(st))
        st = keep(d, item, key, &copy, out);
    copy_close(&copy);
    return st;
}

/* It came locked to this very recipient: the sender's own program did it. */
static struct status came_locked(struct dispatch *d, struct body *clear,
                                 struct keyring_key *key, struct arena *arena,
                                 bool *yes)
{
    enum protect_seen want = key->facts.kind == KEY_PGP ? PROTECT_PGP_ENCRYPTED
                                                        : PROTECT_CMS_ENVELOPED;
    struct errand errand = { .kind = ERRAND_LOOK,
                             .method = key->facts.kind,
                             .keys = &key->facts.bytes,
                             .keys_n = 1,
                             .now_wall_ms = clock_wall_ms() };
    struct errand_answer answer;
    struct status st;

    *yes = false;
    if (protect_look(body_header(clear)) != want)
        return status_ok();
    st = ask(d, clear, &errand, NULL, arena, &answer);
    *yes = status_is_ok(st) && answer.sealed_already;
    return st;
}

/* --- the rung --------------------------------------------------------------
 */

static void fail(struct trip *trip, enum outcome outcome, struct status st)
{
    struct evidence *e;

    trip_all(trip, outcome, st);
    trip->method_why = str_keep(trip->arena, str_from_cstr(st.why));
    e = trip_evidence(trip);
    e->mx = STR("");
    e->status = st;
    e->why = trip->method_why;
    e->result = outcome == OUTCOME_LASTING ? "impossible" : "deferred";
}

/* Ours may pass; what the message or the key is does not. */
static void fail_by(struct trip *trip, struct status st)
{
    fail(trip, st.kind == STATUS_REFUSE ? OUTCOME_LASTING : OUTCOME_PASSING,
         st);
}

static void make_locked(struct dispatch *d, struct body *clear,
                        struct trip *trip, struct locked *out, bool *ready)
{
    struct item *item = trip->passengers[0].item;
    enum key_kind kind = trip->method == METHOD_PGP ? KEY_PGP : KEY_SMIME;
    struct keyring_key key;
    struct str why;
    bool found;
    struct status st =
        keyseek(d, item->delivery.recipient, kind, item->orders.key_candidates,
                trip->arena, &key, &found, &why);

    if (status_is_ok(st) && !found) {
        fail(trip, OUTCOME_LASTING,
             status_make(550, "5.7.5", "%.*s", STR_ARG(why)));
        return;
    }
    if (status_is_ok(st))
        st = came_locked(d, clear, &key, trip->arena, &out->as_it_came);
    if (status_is_ok(st) && !out->as_it_came)
        st = make_copy(d, clear, item, &key, trip->arena, &out->copy);
    if (!status_is_ok(st)) {
        fail_by(trip, st);
        return;
    }
    out->there = !out->as_it_came;
    *ready = true;
}

void locked_make(struct dispatch *d, struct body *clear, struct trip *trip,
                 struct locked *out, bool *ready)
{
    struct status st;

    *ready = out->there;
    if (!out->there && clear == NULL) {
        fail(trip, OUTCOME_PASSING,
             status_defer("neither the message nor its locked form is there"));
        return;
    }
    if (!out->there && !out->as_it_came)
        make_locked(d, clear, trip, out, ready);
    if (!*ready || !out->there)
        return;
    st = locked_open(d, trip->parcel->message, trip->arena, out);
    if (!status_is_ok(st)) {
        *ready = false;
        fail(trip, OUTCOME_PASSING, st);
    }
}
