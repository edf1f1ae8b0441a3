/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pickup.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/find.h"
#include "store/pickup_access.h"
#include "store/row.h"
#include "store/tx.h"

#include <string.h>

#define PICKUP_COLUMNS                                                         \
    "p.id, p.delivery_id, p.recipient, p.sender, p.token_hash, p.needs_pin,"   \
    " p.pin_hash, p.body_id, p.body_key, p.body_chunks, p.size,"               \
    " p.created_ms, p.expires_ms, p.first_opened_ms, p.last_opened_ms,"        \
    " p.state"

enum { EXPIRE_MAX = 200 };

struct status pickup_create(struct tx *tx, const struct pickup *p)
{
    struct status st = tx_body_claimed(tx, &p->body_id);
    struct stmt *s;

    if (!status_is_ok(st))
        return st;
    s = db_sql(tx->db,
               "INSERT INTO pickup (id, delivery_id, recipient, sender,"
               " token_hash, needs_pin, pin_hash, body_id, body_key,"
               " body_chunks, size, created_ms, expires_ms, first_opened_ms,"
               " last_opened_ms, state) VALUES ($1, $2, $3, $4, $5, $6, $7,"
               " $8, $9, $10, $11, $12, $13, 0, 0, 0)");
    bind_text(s, id_str(&p->id));
    bind_text(s, id_str(&p->delivery_id));
    bind_text(s, p->recipient);
    bind_text(s, p->from);
    bind_blob(s, str_of(p->token_hash, sizeof(p->token_hash)));
    bind_int(s, p->needs_pin);
    bind_blob(s, str_of(p->pin_hash, sizeof(p->pin_hash)));
    bind_text(s, id_str(&p->body_id));
    bind_blob(s, p->body_key);
    bind_int(s, p->body_chunks);
    bind_int(s, (int64_t)p->size_bytes);
    bind_int(s, p->created_wall_ms);
    bind_int(s, p->expires_wall_ms);
    return stmt_run(s);
}

static void col_hash(struct stmt *s, struct arena *arena, unsigned char out[32])
{
    struct str hash = col_blob(s, arena);

    memset(out, 0, 32);
    if (hash.n == 32)
        memcpy(out, hash.p, 32);
}

static void read_pickup(struct stmt *s, struct arena *arena, struct pickup *out)
{
    row_id(col_text(s, arena), &out->id);
    row_id(col_text(s, arena), &out->delivery_id);
    out->recipient = col_text(s, arena);
    out->from = col_text(s, arena);
    col_hash(s, arena, out->token_hash);
    out->needs_pin = col_int(s) != 0;
    col_hash(s, arena, out->pin_hash);
    row_id(col_text(s, arena), &out->body_id);
    out->body_key = col_blob(s, arena);
    out->body_chunks = (uint32_t)col_int(s);
    out->size_bytes = (uint64_t)col_int(s);
    out->created_wall_ms = col_int(s);
    out->expires_wall_ms = col_int(s);
    out->first_opened_wall_ms = col_int(s);
    out->last_opened_wall_ms = col_int(s);
    out->state = (enum pickup_state)col_int(s);
}

struct status pickup_by_token(struct rx *rx, const unsigned char hash[32],
                              struct arena *arena, struct pickup *out,
                              bool *found)
{
    struct stmt *s = db_sql(rx->db, "SELECT " PICKUP_COLUMNS " FROM pickup p"
                                    " WHERE p.token_hash = $1");

    bind_blob(s, str_of(hash, 32));
    *found = stmt_row(s);
    if (*found)
        read_pickup(s, arena, out);
    return stmt_end(s);
}

struct status pickup_by_id(struct rx *rx, struct str id, struct arena *arena,
                           struct pickup *out, bool *found)
{
    struct stmt *s = db_sql(rx->db, "SELECT " PICKUP_COLUMNS " FROM pickup p"
                                    " WHERE p.id = $1");

    bind_text(s, id);
    *found = stmt_row(s);
    if (*found)
        read_pickup(s, arena, out);
    return stmt_end(s);
}

static const struct str state_names[] = {
    [PICKUP_WAITING] = STR_INIT("waiting"),
    [PICKUP_OPENED] = STR_INIT("opened"),
    [PICKUP_RECALLED] = STR_INIT("recalled"),
    [PICKUP_EXPIRED] = STR_INIT("expired"),
};

struct str pickup_state_name(enum pickup_state state)
{
    return state_names[state];
}

struct status pickup_list(struct rx *rx, const struct pickup_filter *filter,
                          struct arena *arena, struct pickup **out, size_t *n)
{
    struct row_list list = { 0 };
    struct stmt *s =
        db_sql(rx->db, "SELECT " PICKUP_COLUMNS " FROM pickup p"
                       " WHERE p.id > $1 AND p.state BETWEEN $2 AND $3"
                       " AND ($4 = '' OR p.recipient = $4)"
                       " ORDER BY p.id LIMIT $5");
    int64_t first = PICKUP_WAITING, last = PICKUP_EXPIRED;

    for (int64_t i = 0; i < 4; i++)
        if (str_eq(filter->state, state_names[i]))
            first = last = i;
    if (filter->state.n > 0 && first != last)
        return status_refuse("no such state: %.*s", STR_ARG(filter->state));
    bind_text(s, filter->after);
    bind_int(s, first);
    bind_int(s, last);
    bind_text(s, filter->recipient);
    bind_int(s, (int64_t)filter->limit);
    while (stmt_row(s))
        read_pickup(s, arena,
                    row_list_add(&list, arena, sizeof(struct pickup)));
    *out = (void *)list.items;
    *n = list.n;
    return stmt_end(s);
}

/* --- ending ----------------------------------------------------------------
 */

/* Key first, frames after, sessions and code with them. */
static struct status end_one(struct tx *tx, struct str id,
                             enum pickup_state state)
{
    static const char *const steps[] = {
        ("DELETE FROM frame WHERE body_id ="
         " (SELECT body_id FROM pickup WHERE id = $1)"),
        "DELETE FROM code WHERE pickup_id = $1",
        "DELETE FROM session WHERE pickup_id = $1",
    };
    struct stmt *s;
    struct status st = status_ok();
    struct id pickup_id;

    for (size_t i = 0; i < 3 && status_is_ok(st); i++) {
        s = db_sql(tx->db, steps[i]);
        bind_text(s, id);
        st = stmt_run(s);
    }
    if (!status_is_ok(st))
        return st;
    s = db_sql(tx->db, "UPDATE pickup SET state = $1, body_key = $2,"
                       " body_id = '', body_chunks = 0, pin_hash = $2"
                       " WHERE id = $3");
    bind_int(s, state);
    bind_blob(s, STR(""));
    bind_text(s, id);
    st = stmt_run(s);
    row_id(id, &pickup_id);
    if (status_is_ok(st))
        st = audit_pickup_ended(
            tx, &pickup_id, state == PICKUP_RECALLED ? "recalled" : "expired");
    return st;
}

/* Live pickups that an id speaks of: its own, its delivery's, its message's;
 * those alone that end by a time. */
static struct status live_ids(struct tx *tx, struct str id, int64_t by_ms,
                              struct arena *arena, struct row_list *list)
{
    struct found f;
    struct status st = find_one(tx->db, id, &f);
    struct stmt *s;

    if (!status_is_ok(st) || f.things == 0)
        return st;
    s = db_sql(tx->db, "SELECT p.id FROM delivery d"
                       " JOIN pickup p ON p.delivery_id = d.id"
                       " WHERE d.message_id = $1 AND ($2 = '' OR d.id = $2)"
                       " AND p.state < 2 AND p.expires_ms <= $3");
    bind_text(s, id_str(&f.message_id));
    bind_text(s, id_str(&f.delivery_id));
    bind_int(s, by_ms);
    while (stmt_row(s))
        *(struct str *)row_list_add(list, arena, sizeof(struct str)) =
            col_text(s, arena);
    return stmt_end(s);
}

struct status pickup_recall(struct tx *tx, struct str id, struct str actor,
                            size_t *changed)
{
    struct arena arena = { 0 };
    struct row_list list = { 0 };
    struct status st = live_ids(tx, id, INT64_MAX, &arena, &list);
    const struct str *ids = (const void *)list.items;

    for (size_t i = 0; i < list.n && status_is_ok(st); i++)
        st = end_one(tx, ids[i], PICKUP_RECALLED);
    *changed = status_is_ok(st) ? list.n : 0;
    if (*changed > 0)
        st = audit_admin(tx, "recall", id, actor, *changed);
    arena_free(&arena);
    return st;
}

struct status pickup_extend(struct tx *tx, struct str id,
                            int64_t expires_wall_ms, struct str actor,
                            size_t *changed)
{
    struct arena arena = { 0 };
    struct row_list list = { 0 };
    struct status st = live_ids(tx, id, expires_wall_ms - 1, &arena, &list);
    const struct str *ids = (const void *)list.items;

    for (size_t i = 0; i < list.n && status_is_ok(st); i++) {
        struct stmt *s =
            db_sql(tx->db, "UPDATE pickup SET expires_ms = $1 WHERE id = $2");

        bind_int(s, expires_wall_ms);
        bind_text(s, ids[i]);
        st = stmt_run(s);
        if (status_is_ok(st))
            st = counters_clear(tx, ids[i]);
    }
    *changed = status_is_ok(st) ? list.n : 0;
    if (*changed > 0)
        st = audit_admin(tx, "extend", id, actor, *changed);
    arena_free(&arena);
    return st;
}

struct status pickup_expire(struct tx *tx, int64_t now_wall_ms, size_t *expired)
{
    struct arena arena = { 0 };
    struct row_list list = { 0 };
    struct stmt *s = db_sql(tx->db, "SELECT id FROM pickup WHERE state < 2"
                                    " AND expires_ms <= $1"
                                    " ORDER BY expires_ms LIMIT $2");
    const struct str *ids;
    struct status st;

    bind_int(s, now_wall_ms);
    bind_int(s, EXPIRE_MAX);
    while (stmt_row(s))
        *(struct str *)row_list_add(&list, &arena, sizeof(struct str)) =
            col_text(s, &arena);
    st = stmt_end(s);
    ids = (const void *)list.items;
    for (size_t i = 0; i < list.n && status_is_ok(st); i++)
        st = end_one(tx, ids[i], PICKUP_EXPIRED);
    *expired = status_is_ok(st) ? list.n : 0;
    arena_free(&arena);
    return st;
}

struct status pickup_opened(struct tx *tx, const struct id *id,
                            struct str client_address, int64_t now_wall_ms)
{
    struct stmt *s = db_sql(
        tx->db, "UPDATE pickup SET state = 1, last_opened_ms = $1,"
                " first_opened_ms = CASE WHEN first_opened_ms = 0 THEN $1"
                " ELSE first_opened_ms END WHERE id = $2 AND state < 2"
                " RETURNING first_opened_ms = $1");
    bool found, first;
    struct status st;

    bind_int(s, now_wall_ms);
    bind_text(s, id_str(id));
    found = stmt_row(s);
    first = found && col_int(s) != 0;
    st = stmt_end(s);
    if (status_is_ok(st) && !found)
        st = status_refuse("the message is no longer here");
    return status_is_ok(st) ? audit_picked_up(tx, id, client_address, first)
                            : st;
}
