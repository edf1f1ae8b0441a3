/* SPDX-License-Identifier: Apache-2.0 */
#include "store/watch.h"

#include "store/tx.h"

struct status watch_save(struct tx *tx, struct str domain,
                         const struct watch_row *row)
{
    struct stmt *s =
        db_sql(tx->db, "INSERT INTO watch (domain, answer, checked_ms)"
                       " VALUES ($1, $2, $3) ON CONFLICT (domain)"
                       " DO UPDATE SET answer = $2, checked_ms = $3");

    bind_text(s, domain);
    bind_text(s, row->answer);
    bind_int(s, row->checked_wall_ms);
    return stmt_run(s);
}

struct status watch_load(struct rx *rx, struct str domain, struct arena *arena,
                         struct watch_row *out, bool *found)
{
    struct stmt *s = db_sql(
        rx->db, "SELECT answer, checked_ms FROM watch WHERE domain = $1");

    bind_text(s, domain);
    *found = stmt_row(s);
    if (*found) {
        out->answer = col_text(s, arena);
        out->checked_wall_ms = col_int(s);
    }
    return stmt_end(s);
}
