/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sts.h"

#include "store/tx.h"

struct status sts_save(struct tx *tx, struct str domain,
                       const struct sts_row *row)
{
    struct stmt *s =
        db_sql(tx->db, "INSERT INTO sts (domain, policy_id, body, fetched_ms,"
                       " max_age_s) VALUES ($1, $2, $3, $4, $5)"
                       " ON CONFLICT (domain) DO UPDATE SET policy_id = $2,"
                       " body = $3, fetched_ms = $4, max_age_s = $5");

    bind_text(s, domain);
    bind_text(s, row->policy_id);
    bind_text(s, row->body);
    bind_int(s, row->fetched_wall_ms);
    bind_int(s, row->max_age_s);
    return stmt_run(s);
}

struct status sts_load(struct rx *rx, struct str domain, struct arena *arena,
                       struct sts_row *out, bool *found)
{
    struct stmt *s = db_sql(rx->db, "SELECT policy_id, body, fetched_ms,"
                                    " max_age_s FROM sts WHERE domain = $1");

    bind_text(s, domain);
    *found = stmt_row(s);
    if (*found) {
        out->policy_id = col_text(s, arena);
        out->body = col_text(s, arena);
        out->fetched_wall_ms = col_int(s);
        out->max_age_s = col_int(s);
    }
    return stmt_end(s);
}
