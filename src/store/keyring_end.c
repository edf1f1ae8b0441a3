/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keyring_end.h"

#include "store/keyring_event.h"
#include "store/row.h"
#include "store/tx.h"

enum { NEVER_ANNOUNCED = 0, OVER = -1 };
static const int64_t day_ms = 24ll * 3600 * 1000;

/* What is stored as announced_days: the stage a key is in. */
static int stage_of(int64_t expires_ms, int64_t now_ms)
{
    static const int days[] = { 3, 14, 30 };

    if (expires_ms <= now_ms)
        return OVER;
    for (size_t i = 0; i < 3; i++)
        if (expires_ms - now_ms <= days[i] * day_ms)
            return days[i];
    return NEVER_ANNOUNCED;
}

struct near_end {
    struct id id;
    int64_t expires_ms, announced;
    int stage;
};

static struct status find(struct tx *tx, int64_t now_ms, struct arena *arena,
                          struct near_end **out, size_t *n)
{
    struct row_list list = { 0 };
    struct stmt *s = db_sql(
        tx->db, "SELECT id, expires_ms, announced_days FROM keyring"
                " WHERE state < 2 AND expires_ms > 0 AND expires_ms <= $1"
                " AND (expires_ms <= $2 OR (state = 1"
                " AND (announced_days = 0"
                " OR (announced_days > 3 AND expires_ms <= $3)"
                " OR (announced_days > 14 AND expires_ms <= $4))))"
                " ORDER BY expires_ms LIMIT $5");

    bind_int(s, now_ms + 30 * day_ms);
    bind_int(s, now_ms);
    bind_int(s, now_ms + 3 * day_ms);
    bind_int(s, now_ms + 14 * day_ms);
    bind_int(s, KEYRING_ENDINGS_MAX);
    while (stmt_row(s)) {
        struct near_end *one = row_list_add(&list, arena, sizeof(*one));

        row_id(col_text(s, arena), &one->id);
        one->expires_ms = col_int(s);
        one->announced = col_int(s);
        one->stage = stage_of(one->expires_ms, now_ms);
    }
    *out = (void *)list.items;
    *n = list.n;
    return stmt_end(s);
}

static struct status note(struct tx *tx, const struct near_end *e,
                          int64_t now_ms)
{
    struct stmt *s =
        db_sql(tx->db, "UPDATE keyring SET announced_days = $1 WHERE id = $2");
    struct status st;

    bind_int(s, e->stage);
    bind_text(s, id_str(&e->id));
    st = stmt_run(s);
    if (!status_is_ok(st) || e->stage != OVER)
        return st;
    s = db_sql(tx->db, "UPDATE keyring SET state = $1, why = $2,"
                       " changed_ms = $3 WHERE id = $4");
    bind_int(s, KEY_EXPIRED);
    bind_text(s, STR("its time is over"));
    bind_int(s, now_ms);
    bind_text(s, id_str(&e->id));
    st = stmt_run(s);
    return status_is_ok(st)
               ? keyring_note(tx, &e->id, now_ms, STR("expired"),
                              STR("the clock"), STR("its time is over"))
               : st;
}

struct status keyring_announce(struct tx *tx, int64_t now_wall_ms,
                               struct arena *arena, struct keyring_ending *out,
                               size_t *n)
{
    struct rx rx = { .db = tx->db };
    struct near_end *list;
    size_t all;
    struct status st = find(tx, now_wall_ms, arena, &list, &all);

    *n = 0;
    for (size_t i = 0; i < all && status_is_ok(st); i++) {
        bool found = false;

        st = note(tx, &list[i], now_wall_ms);
        if (status_is_ok(st))
            st = keyring_get(&rx, id_str(&list[i].id), STR(""), arena,
                             &out[*n].key, &found);
        out[*n].days = list[i].stage == OVER ? 0 : list[i].stage;
        *n += found && out[*n].key.pinned;
    }
    return st;
}
