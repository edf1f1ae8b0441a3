/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keyring_event.h"

#include "store/audit.h"
#include "store/row.h"
#include "store/tx.h"

struct status keyring_note(struct tx *tx, const struct id *key, int64_t at_ms,
                           struct str what, struct str actor, struct str why)
{
    struct stmt *s = db_sql(
        tx->db, "INSERT INTO keyring_event (key_id, n, at_ms, what, actor,"
                " why) SELECT $1, COUNT(*), $2, $3, $4, $5"
                " FROM keyring_event WHERE key_id = $1");
    struct status st;

    bind_text(s, id_str(key));
    bind_int(s, at_ms);
    bind_text(s, what);
    bind_text(s, actor);
    bind_text(s, why);
    st = stmt_run(s);
    return status_is_ok(st) ? audit_key(tx, key, what, actor, why) : st;
}

struct status keyring_history(struct rx *rx, const struct id *key,
                              struct arena *arena, struct keyring_event **out,
                              size_t *n)
{
    struct row_list list = { 0 };
    struct stmt *s =
        db_sql(rx->db, "SELECT at_ms, what, actor, why FROM keyring_event"
                       " WHERE key_id = $1 ORDER BY n");

    bind_text(s, id_str(key));
    while (stmt_row(s)) {
        struct keyring_event *event =
            row_list_add(&list, arena, sizeof(*event));

        event->at_wall_ms = col_int(s);
        event->what = col_text(s, arena);
        event->actor = col_text(s, arena);
        event->why = col_text(s, arena);
    }
    *out = (void *)list.items;
    *n = list.n;
    return stmt_end(s);
}

struct status keyring_looked_up(struct tx *tx, struct str recipient,
                                int64_t now_wall_ms, bool found)
{
    struct stmt *s =
        db_sql(tx->db, "INSERT INTO keyring_look (recipient, at_ms, found)"
                       " VALUES (lower($1), $2, $3) ON CONFLICT (recipient)"
                       " DO UPDATE SET at_ms = $2, found = $3");

    bind_text(s, recipient);
    bind_int(s, now_wall_ms);
    bind_int(s, found);
    return stmt_run(s);
}

struct status keyring_last_look(struct rx *rx, struct str recipient,
                                int64_t *at_wall_ms, bool *found)
{
    struct stmt *s = db_sql(rx->db, "SELECT at_ms, found FROM keyring_look"
                                    " WHERE recipient = lower($1)");

    bind_text(s, recipient);
    *at_wall_ms = 0;
    *found = false;
    if (stmt_row(s)) {
        *at_wall_ms = col_int(s);
        *found = col_int(s) != 0;
    }
    return stmt_end(s);
}
