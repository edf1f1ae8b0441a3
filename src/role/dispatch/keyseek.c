/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/keyseek.h"

#include "base/clock.h"
#include "seal/errand.h"

enum {
    LOOK_MS = 20000,
    READ_MS = 30000,
    KEYS_MAX = 32,
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

struct status keyseek_read(int sealer, int stop_fd, const struct found_key *f,
                           struct str owner, struct arena *arena,
                           struct keyring_key *out, size_t max, size_t *n)
{
    int64_t now = clock_wall_ms();
    struct errand errand = { .kind = ERRAND_READ_KEYS,
                             .method = f->kind,
                             .now_wall_ms = now };
    struct str left = f->octets;
    struct seal_source source = seal_from_memory(&left);
    struct errand_answer answer;
    struct status st = errand_ask(sealer, &errand, &source, NULL, READ_MS,
                                  stop_fd, arena, &answer);

    *n = 0;
    for (size_t i = 0; status_is_ok(st) && i < answer.keys_n && *n < max; i++)
        if (key_facts_name(&answer.keys[i], owner))
            out[(*n)++] = (struct keyring_key){
                .id = id_new(),
                .owner = owner,
                .facts = answer.keys[i],
                .source = f->source,
                .state = KEY_CANDIDATE,
                .why = arena_printf(arena, "found at %.*s", STR_ARG(f->where)),
                .added_wall_ms = now,
            };
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
    j.keys = arena_array(arena, KEYS_MAX, sizeof(*j.keys));
    j.news = arena_array(arena, KEYS_MAX, sizeof(*j.news));
    for (size_t i = 0; i < n && status_is_ok(st); i++) {
        size_t more = 0;
        struct status one =
            keyseek_read(d->role.sealer, d->role.stop, &found[i], recipient,
                         arena, j.keys + j.n, KEYS_MAX - j.n, &more);

        j.n += more;

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
