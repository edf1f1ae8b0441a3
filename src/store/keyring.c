/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keyring.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/keyring_event.h"
#include "store/row.h"
#include "store/tx.h"

#define KEY_COLUMNS                                                            \
    "id, owner, kind, fingerprint, facts, source, state, why, added_ms,"       \
    " changed_ms, seen_ms, own_private, pinned"

enum { LIST_MAX = 10000, FIND_MAX = 64, NAME_LEAST = 8, NAMED_MOST = 4 };

/* --- names --------------------------------------------------------------- */

static const char *const sources[] = { "admin", "smimea",    "wkd",
                                       "ldap",  "autocrypt", "received" };
static const char *const states[] = { "candidate", "approved", "refused",
                                      "expired", "revoked" };

struct str key_source_name(enum key_source source)
{
    return str_from_cstr(sources[source]);
}

struct str key_state_name(enum key_state state)
{
    return str_from_cstr(states[state]);
}

static bool find_name(const char *const *names, size_t n, struct str text,
                      size_t *out)
{
    for (*out = 0; *out < n; (*out)++)
        if (str_eq(text, str_from_cstr(names[*out])))
            return true;
    return false;
}

bool key_source_parse(struct str text, enum key_source *out)
{
    size_t i;
    bool known = find_name(sources, 6, text, &i);

    *out = known ? (enum key_source)i : KEY_FROM_RECEIVED;
    return known;
}

bool key_state_parse(struct str text, enum key_state *out)
{
    size_t i;
    bool known = find_name(states, 5, text, &i);

    *out = known ? (enum key_state)i : KEY_REFUSED;
    return known;
}

/* --- rows ---------------------------------------------------------------- */

static enum key_source source_of(int64_t value)
{
    return value >= 0 && value < 6 ? (enum key_source)value : KEY_FROM_RECEIVED;
}

static enum key_state state_of(int64_t value)
{
    return value >= 0 && value < 5 ? (enum key_state)value : KEY_REFUSED;
}

/* A row that cannot be read is shown as refused and never used. */
static void read_key(struct stmt *s, struct arena *arena,
                     struct keyring_key *out)
{
    row_id(col_text(s, arena), &out->id);
    out->owner = col_text(s, arena);
    enum key_kind kind = col_int(s) == KEY_SMIME ? KEY_SMIME : KEY_PGP;
    struct str fingerprint = col_text(s, arena);
    bool whole = key_facts_parse(col_blob(s, arena), arena, &out->facts) &&
                 out->facts.kind == kind &&
                 str_eq(out->facts.fingerprint, fingerprint);
    out->facts.kind = kind;
    out->facts.fingerprint = fingerprint;
    out->source = source_of(col_int(s));
    out->state = state_of(col_int(s));
    out->why = col_text(s, arena);
    out->added_wall_ms = col_int(s);
    out->changed_wall_ms = col_int(s);
    out->seen_wall_ms = col_int(s);
    out->own_private = col_blob(s, arena);
    out->pinned = col_int(s) != 0;
    if (!whole) {
        out->state = KEY_REFUSED;
        out->why = STR("what is stored of it is damaged");
    }
}

static struct status read_keys(struct stmt *s, struct arena *arena,
                               struct keyring_key **out, size_t *n)
{
    struct row_list list = { 0 };

    while (stmt_row(s)) {
        struct keyring_key *key = row_list_add(&list, arena, sizeof(*key));

        read_key(s, arena, key);
    }
    *out = (void *)list.items;
    *n = list.n;
    return stmt_end(s);
}

/* --- adding -------------------------------------------------------------- */

/* The state a key joins with, and why. */
static enum key_state joins_as(const struct keyring_key *key, struct str *why)
{
    *why = key->why;
    if (key->facts.revoked)
        return KEY_REVOKED;
    if (key->facts.expired)
        return KEY_EXPIRED;
    if (key->facts.refused.n > 0) {
        *why = key->facts.refused;
        return KEY_REFUSED;
    }
    if (key->state == KEY_APPROVED && key->source == KEY_FROM_ADMIN)
        return KEY_APPROVED;
    return KEY_CANDIDATE;
}

static struct status insert(struct tx *tx, const struct keyring_key *key,
                            enum key_state state, struct str why)
{
    struct buf facts = { 0 };
    struct stmt *s = db_sql(
        tx->db, "INSERT INTO keyring (" KEY_COLUMNS ", expires_ms,"
                " announced_days) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
                " $10, $11, $12, $14, $13, 0)");
    struct status st;

    key_facts_write(&key->facts, &facts);
    bind_text(s, id_str(&key->id));
    bind_text(s, key->owner);
    bind_int(s, key->facts.kind);
    bind_text(s, key->facts.fingerprint);
    bind_blob(s, buf_str(&facts));
    bind_int(s, key->source);
    bind_int(s, state);
    bind_text(s, why);
    bind_int(s, key->added_wall_ms);
    bind_int(s, key->added_wall_ms);
    bind_int(s, key->added_wall_ms);
    bind_blob(s, key->own_private);
    bind_int(s, key->facts.expires_wall_ms);
    bind_int(s, state == KEY_APPROVED);
    st = stmt_run(s);
    buf_free(&facts);
    return st;
}

/* Did the key come into its state by itself, not by an administrator's word? */
static bool state_follows(const struct keyring_key *key, int64_t now)
{
    const struct key_facts *f = &key->facts;

    return key->state == KEY_CANDIDATE ||
           (key->state == KEY_REFUSED && f->refused.n > 0) ||
           (key->state == KEY_EXPIRED &&
            (f->expired ||
             (f->expires_wall_ms != 0 && f->expires_wall_ms <= now)));
}

/*
 * Whether a copy may change what is known of the key. Of one that was approved
 * or judged by a person only they may, or its own revocation: a copy with a
 * part cut out, or an old one, would make room for another's key (CM-06). What
 * was revoked stays so.
 */
static bool may_change(const struct keyring_key *old,
                       const struct keyring_key *key)
{
    if (old->state == KEY_REVOKED)
        return false;
    if (key->facts.revoked || key->source == KEY_FROM_ADMIN)
        return true;
    return !old->pinned && state_follows(old, key->added_wall_ms);
}

static struct status note_seen(struct tx *tx, const struct id *key,
                               int64_t at_ms)
{
    struct stmt *s =
        db_sql(tx->db, "UPDATE keyring SET seen_ms = $1 WHERE id = $2");

    bind_int(s, at_ms);
    bind_text(s, id_str(key));
    return stmt_run(s);
}

/* The same key again. A longer life is announced anew. */
static struct status update(struct tx *tx, const struct keyring_key *old,
                            const struct keyring_key *key, enum key_state state,
                            struct str why)
{
    struct buf facts = { 0 };
    struct stmt *s = db_sql(
        tx->db, "UPDATE keyring SET facts = $1, expires_ms = $2, state = $3,"
                " why = $4, changed_ms = $5, own_private = $6, pinned = $7,"
                " announced_days = CASE WHEN expires_ms = $2"
                " THEN announced_days ELSE 0 END WHERE id = $8");
    struct status st;

    key_facts_write(&key->facts, &facts);
    bind_blob(s, buf_str(&facts));
    bind_int(s, key->facts.expires_wall_ms);
    bind_int(s, state);
    bind_text(s, why);
    bind_int(s,
             state == old->state ? old->changed_wall_ms : key->added_wall_ms);
    bind_blob(s, key->own_private.n > 0 ? key->own_private : old->own_private);
    bind_int(s, old->pinned || state == KEY_APPROVED);
    bind_text(s, id_str(&old->id));
    st = stmt_run(s);
    buf_free(&facts);
    if (status_is_ok(st) && state != old->state)
        st = keyring_note(tx, &old->id, key->added_wall_ms,
                          key_state_name(state), key_source_name(key->source),
                          why);
    return st;
}

static struct status see_again(struct tx *tx, const struct keyring_key *old,
                               const struct keyring_key *key)
{
    struct str why;
    enum key_state state = joins_as(key, &why);
    struct status st = note_seen(tx, &old->id, key->added_wall_ms);

    return status_is_ok(st) && may_change(old, key)
               ? update(tx, old, key, state, why)
               : st;
}

static struct status find_same(struct tx *tx, const struct keyring_key *key,
                               struct arena *arena, struct keyring_key *out,
                               bool *found)
{
    struct stmt *s =
        db_sql(tx->db, "SELECT " KEY_COLUMNS " FROM keyring"
                       " WHERE owner = $1 AND kind = $2 AND fingerprint = $3");

    bind_text(s, key->owner);
    bind_int(s, key->facts.kind);
    bind_text(s, key->facts.fingerprint);
    *found = stmt_row(s);
    if (*found)
        read_key(s, arena, out);
    return stmt_end(s);
}

/* Does the owner have another key that may be in use, or ever was approved? */
static struct status has_other(struct tx *tx, const struct keyring_key *key,
                               bool *yes)
{
    struct stmt *s =
        db_sql(tx->db, "SELECT 1 FROM keyring WHERE owner = $1 AND kind = $2"
                       " AND fingerprint <> $3 AND (state < 2 OR pinned = 1)"
                       " LIMIT 1");

    bind_text(s, key->owner);
    bind_int(s, key->facts.kind);
    bind_text(s, key->facts.fingerprint);
    *yes = stmt_row(s);
    return stmt_end(s);
}

static struct status join(struct tx *tx, const struct keyring_key *key,
                          enum keyring_news *news)
{
    struct str why;
    enum key_state state = joins_as(key, &why);
    bool changed;
    struct status st = has_other(tx, key, &changed);

    if (status_is_ok(st))
        st = insert(tx, key, state, why);
    if (status_is_ok(st))
        st = keyring_note(tx, &key->id, key->added_wall_ms,
                          changed ? STR("changed") : STR("added"),
                          key_source_name(key->source), why);
    *news = changed ? KEYRING_CHANGED : KEYRING_NEW;
    return st;
}

/* Owners are compared without regard to ASCII case: kept in one form. */
static struct str owner_form(struct str owner, struct arena *arena)
{
    char *p = arena_alloc(arena, owner.n + 1);

    for (size_t i = 0; i < owner.n; i++)
        p[i] = ascii_lower(owner.p[i]);
    return str_of(p, owner.n);
}

struct status keyring_add(struct tx *tx, const struct keyring_key *given,
                          enum keyring_news *news)
{
    struct arena scratch = { 0 };
    struct keyring_key key = *given, old;
    bool found;
    struct status st;

    key.owner = owner_form(given->owner, &scratch);
    st = find_same(tx, &key, &scratch, &old, &found);
    *news = KEYRING_SAME;
    if (status_is_ok(st))
        st = found ? see_again(tx, &old, &key) : join(tx, &key, news);
    arena_free(&scratch);
    return st;
}

/* --- finding ------------------------------------------------------------- */

static struct str domain_owner(struct str address, struct arena *arena)
{
    size_t at = address.n;

    while (at > 0 && address.p[at - 1] != '@')
        at--;
    return arena_printf(arena, "*@%.*s", STR_ARG(str_from(address, at)));
}

/* An administrator may also say that a key is for a whole domain. */
static bool names_owner(const struct keyring_key *key)
{
    return key_facts_name(&key->facts, key->owner) ||
           (key->source == KEY_FROM_ADMIN && str_starts(key->owner, STR("*@")));
}

static bool usable(const struct keyring_key *key, int64_t now)
{
    return (key->state == KEY_APPROVED || key->state == KEY_CANDIDATE) &&
           !key->facts.revoked && !key->facts.expired &&
           key->facts.refused.n == 0 &&
           (key->facts.expires_wall_ms == 0 ||
            key->facts.expires_wall_ms > now) &&
           names_owner(key);
}

/* A pin keeps candidates out, whatever became of it: one of the address, or
 * one of its domain. */
static bool is_pinned(const struct keyring_key *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].pinned)
            return true;
    return false;
}

static struct status find_all(struct rx *rx, struct str recipient,
                              enum key_kind kind, struct arena *arena,
                              struct keyring_key **out, size_t *n)
{
    struct stmt *s = db_sql(
        rx->db, "SELECT " KEY_COLUMNS " FROM keyring"
                " WHERE owner IN ($1, $2) AND kind = $3"
                " ORDER BY state = 1 DESC, owner = $2, source, added_ms DESC"
                " LIMIT $4");

    recipient = owner_form(recipient, arena);
    bind_text(s, recipient);
    bind_text(s, domain_owner(recipient, arena));
    bind_int(s, kind);
    bind_int(s, FIND_MAX);
    return read_keys(s, arena, out, n);
}

struct status keyring_find(struct rx *rx, struct str recipient,
                           enum key_kind kind, bool candidates,
                           int64_t now_wall_ms, struct arena *arena,
                           struct keyring_key **out, size_t *n)
{
    struct keyring_key *all;
    size_t all_n;
    struct status st = find_all(rx, recipient, kind, arena, &all, &all_n);
    bool open = candidates && !is_pinned(all, all_n);

    *n = 0;
    *out = all;
    for (size_t i = 0; i < all_n && status_is_ok(st); i++)
        if (usable(&all[i], now_wall_ms) &&
            (all[i].state == KEY_APPROVED || open))
            all[(*n)++] = all[i];
    return st;
}

struct status keyring_own(struct rx *rx, struct str sender, enum key_kind kind,
                          int64_t now_wall_ms, struct arena *arena,
                          struct keyring_key *out, bool *found)
{
    struct keyring_key *all;
    size_t n;
    struct status st = find_all(rx, sender, kind, arena, &all, &n);

    *found = false;
    for (size_t i = 0; i < n && status_is_ok(st) && !*found; i++) {
        *found = usable(&all[i], now_wall_ms) && all[i].own_private.n > 0 &&
                 all[i].state == KEY_APPROVED;
        if (*found)
            *out = all[i];
    }
    return st;
}

/* --- looking and steering ------------------------------------------------ */

struct status keyring_list(struct rx *rx, const struct keyring_filter *filter,
                           struct arena *arena, struct keyring_key **out,
                           size_t *n)
{
    struct stmt *s =
        db_sql(rx->db, "SELECT " KEY_COLUMNS " FROM keyring"
                       " WHERE ($1 = '' OR owner = $1 OR substr(owner,"
                       " length(owner) - length($1)) = '@' || $1)"
                       " AND ($2 = -1 OR state = $2)"
                       " AND ($3 = 0 OR length(own_private) > 0)"
                       " ORDER BY owner, kind, state, added_ms LIMIT $4");
    enum key_state state;

    bind_text(s, owner_form(filter->owner, arena));
    bind_int(s, filter->state.n > 0 && key_state_parse(filter->state, &state)
                    ? (int64_t)state
                    : -1);
    bind_int(s, filter->own);
    bind_int(s, LIST_MAX);
    return read_keys(s, arena, out, n);
}

static struct status fits_several(struct str name,
                                  const struct keyring_key *all, size_t n,
                                  struct arena *arena)
{
    struct buf owners = { 0 };
    struct str text;

    for (size_t i = 0; i < n && i < NAMED_MOST; i++)
        buf_addf(&owners, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(all[i].owner));
    text = str_keep(arena, buf_str(&owners));
    buf_free(&owners);
    return status_refuse("%.*s fits several keys (%.*s%s): say whose, give "
                         "more digits, or the id",
                         STR_ARG(name), STR_ARG(text),
                         n > NAMED_MOST ? " ..." : "");
}

struct status keyring_get(struct rx *rx, struct str name, struct str owner,
                          struct arena *arena, struct keyring_key *out,
                          bool *found)
{
    struct keyring_key *all;
    size_t n;
    struct stmt *s;
    struct status st;

    *found = false;
    if (name.n < NAME_LEAST)
        return status_refuse("a key is named by at least %d digits of its "
                             "fingerprint or id",
                             NAME_LEAST);
    s = db_sql(rx->db, "SELECT " KEY_COLUMNS " FROM keyring"
                       " WHERE (substr(fingerprint, 1, length($1)) = lower($1)"
                       " OR substr(id, 1, length($1)) = $1)"
                       " AND ($2 = '' OR owner = $2) ORDER BY owner LIMIT $3");
    bind_text(s, name);
    bind_text(s, owner_form(owner, arena));
    bind_int(s, NAMED_MOST + 1);
    st = read_keys(s, arena, &all, &n);
    if (status_is_ok(st) && n > 1)
        return fits_several(name, all, n, arena);
    *found = status_is_ok(st) && n == 1;
    if (*found)
        *out = all[0];
    return st;
}

struct status keyring_set_state(struct tx *tx, const struct id *key,
                                enum key_state state, struct str why,
                                struct str actor, bool *found)
{
    int64_t now = clock_wall_ms();
    struct stmt *s =
        db_sql(tx->db, "UPDATE keyring SET state = $1, why = $2,"
                       " changed_ms = $3, pinned = CASE WHEN $1 = 1 THEN 1"
                       " WHEN $1 = 2 THEN 0 ELSE pinned END WHERE id = $4");
    struct status st;

    bind_int(s, state);
    bind_text(s, why);
    bind_int(s, now);
    bind_text(s, id_str(key));
    st = stmt_run(s);
    *found = db_changes(tx->db) == 1;
    if (status_is_ok(st) && *found)
        st = keyring_note(tx, key, now, key_state_name(state), actor, why);
    return st;
}
