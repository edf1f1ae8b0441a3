/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/keyseek.h"

#include "base/clock.h"
#include "posture/keyfind.h"
#include "seal/errand.h"

enum {
    LOOK_MS = 20000,
    READ_MS = 30000,
    FOUND_FOR_MS = 24 * 3600 * 1000,
    NOTHING_FOR_MS = 3600 * 1000
};

/* --- the keyring -----------------------------------------------------------
 */

static struct status in_keyring(struct dispatch *d, struct str recipient,
                                enum key_kind kind, bool candidates,
                                struct arena *arena, struct keyring_key *out,
                                bool *found)
{
    struct rx *rx = store_read(d->store);
    struct keyring_key *keys;
    size_t n;
    struct status st = keyring_find(rx, recipient, kind, candidates,
                                    clock_wall_ms(), arena, &keys, &n);

    store_read_done(d->store, &rx);
    *found = status_is_ok(st) && n > 0;
    if (*found)
        *out = keys[0];
    return st;
}

static bool asked_lately(struct dispatch *d, struct str recipient)
{
    struct rx *rx = store_read(d->store);
    int64_t at = 0, now = clock_wall_ms();
    bool found = false;
    struct status st = keyring_last_look(rx, recipient, &at, &found);

    store_read_done(d->store, &rx);
    return status_is_ok(st) && at <= now &&
           now - at < (found ? FOUND_FOR_MS : NOTHING_FOR_MS);
}

/* --- what is published ------------------------------------------------------
 */

struct joining {
    struct str recipient;
    struct keyring_key *keys;
    enum keyring_news *news;
    size_t n;
    int64_t now_wall_ms;
    bool whole; /* every source could be asked */
};

static struct status join_work(struct tx *tx, void *argument)
{
    struct joining *j = argument;
    struct status st = status_ok();

    /* What one source keeps to itself for now shall not count for an hour. */
    if (j->whole || j->n > 0)
        st = keyring_looked_up(tx, j->recipient, j->now_wall_ms, j->n > 0);

    for (size_t i = 0; i < j->n && status_is_ok(st); i++)
        st = keyring_add(tx, &j->keys[i], &j->news[i]);
    return st;
}

static void say_news(const struct joining *j)
{
    for (size_t i = 0; i < j->n; i++)
        if (j->news[i] != KEYRING_SAME)
            log_event(j->news[i] == KEYRING_CHANGED ? LOG_WARNING : LOG_NOTICE,
                      j->news[i] == KEYRING_CHANGED ? "key.changed"
                                                    : "key.found",
                      LOG_STR("owner", j->keys[i].owner),
                      LOG_STR("kind", key_kind_name(j->keys[i].facts.kind)),
                      LOG_STR("fingerprint", j->keys[i].facts.fingerprint),
                      LOG_STR("source", key_source_name(j->keys[i].source)),
                      LOG_STR("why", j->keys[i].facts.refused));
}

static ssize_t read_octets(void *context, void *to, size_t n)
{
    struct str *left = context;
    struct str part = str_first(*left, n);

    for (size_t i = 0; i < part.n; i++)
        ((char *)to)[i] = part.p[i];
    *left = str_from(*left, part.n);
    return (ssize_t)part.n;
}

static bool names(const struct key_facts *facts, struct str address)
{
    for (size_t i = 0; i < facts->addresses_n; i++)
        if (str_eq_nocase(facts->addresses[i], address))
            return true;
    return false;
}

/* The keys in what was published that name the address; others are nobody's
 * business here (CM-06). */
static struct status read_found(struct dispatch *d, const struct found_key *f,
                                struct arena *arena, struct joining *j)
{
    struct errand errand = { .kind = ERRAND_READ_KEYS,
                             .method = f->kind,
                             .now_wall_ms = j->now_wall_ms };
    struct str left = f->octets;
    struct seal_source source = { read_octets, &left };
    struct errand_answer answer;
    struct status st = errand_ask(d->role.sealer, &errand, &source, NULL,
                                  READ_MS, d->role.stop, arena, &answer);
    enum key_source from = KEY_FROM_RECEIVED;

    key_source_parse(f->source, &from);
    for (size_t i = 0; status_is_ok(st) && i < answer.keys_n; i++) {
        if (!names(&answer.keys[i], j->recipient) || j->n == KEY_ADDRESSES_MAX)
            continue;
        j->keys[j->n++] = (struct keyring_key){
            .id = id_new(),
            .owner = j->recipient,
            .facts = answer.keys[i],
            .source = from,
            .state = KEY_CANDIDATE,
            .why = arena_printf(arena, "found at %.*s", STR_ARG(f->where)),
            .added_wall_ms = j->now_wall_ms,
        };
    }
    return st;
}

static struct status look_around(struct dispatch *d, struct str recipient,
                                 struct arena *arena, struct str *why)
{
    struct joining j = { .recipient = recipient,
                         .now_wall_ms = clock_wall_ms() };
    struct found_key *found;
    size_t n;
    struct status st = keyfind(d->posture, d->config, recipient, LOOK_MS, arena,
                               &found, &n, why);

    j.whole = why->n == 0;
    j.keys = arena_array(arena, KEY_ADDRESSES_MAX, sizeof(*j.keys));
    j.news = arena_array(arena, KEY_ADDRESSES_MAX, sizeof(*j.news));
    for (size_t i = 0; i < n && status_is_ok(st); i++) {
        struct status one = read_found(d, &found[i], arena, &j);

        /* One that is no key takes nothing from the others. */
        if (one.kind == STATUS_DEFER)
            st = one;
        else if (!status_is_ok(one))
            *why = arena_printf(arena, "what %.*s has is no key: %s",
                                STR_ARG(found[i].where), one.why);
    }
    if (status_is_ok(st))
        st = store_commit(d->store, join_work, &j);
    if (status_is_ok(st))
        say_news(&j);
    return st;
}

/* --- both ------------------------------------------------------------------
 */

static struct str none_because(struct dispatch *d, struct str recipient,
                               enum key_kind kind, bool candidates,
                               struct arena *arena, struct str faults)
{
    struct keyring_key key;
    bool found = false;

    if (!candidates)
        in_keyring(d, recipient, kind, true, arena, &key, &found);
    if (found)
        return arena_printf(arena,
                            "the %.*s key found for the recipient is not "
                            "approved",
                            STR_ARG(key_kind_name(kind)));
    return arena_printf(arena, "no %.*s key for the recipient is known%s%.*s",
                        STR_ARG(key_kind_name(kind)), faults.n > 0 ? ": " : "",
                        STR_ARG(faults));
}

struct status keyseek(struct dispatch *d, struct str recipient,
                      enum key_kind kind, bool candidates, struct arena *arena,
                      struct keyring_key *out, bool *found, struct str *why)
{
    struct str faults = STR("");
    struct status st =
        in_keyring(d, recipient, kind, candidates, arena, out, found);

    *why = STR("");
    if (!status_is_ok(st) || *found)
        return st;
    if (!asked_lately(d, recipient)) {
        st = look_around(d, recipient, arena, &faults);
        if (status_is_ok(st))
            st = in_keyring(d, recipient, kind, candidates, arena, out, found);
    }
    if (status_is_ok(st) && !*found)
        *why = none_because(d, recipient, kind, candidates, arena, faults);
    return st;
}
