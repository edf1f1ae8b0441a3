/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tx.h"

#include "base/clock.h"

void tx_begin_work(struct tx *tx)
{
    tx->bodies_n = 0;
}

static struct status draft(struct tx *tx, const struct id *body_id)
{
    struct stmt *s =
        db_sql(tx->db, "INSERT INTO draft (body_id, created_ms)"
                       " VALUES ($1, $2) ON CONFLICT (body_id) DO NOTHING");

    bind_text(s, id_str(body_id));
    bind_int(s, clock_wall_ms());
    return stmt_run(s);
}

struct status tx_end_work(struct tx *tx)
{
    struct status st = status_ok();

    for (size_t i = 0; i < tx->bodies_n && status_is_ok(st); i++)
        st = draft(tx, &tx->bodies[i]);
    tx->bodies_n = 0;
    return st;
}

void tx_body_begun(struct tx *tx, const struct id *body_id)
{
    /* With very many bodies in one work the oldest simply becomes a draft at
     * once; claiming it deletes the row again. */
    if (tx->bodies_n == TX_BODIES_MAX) {
        draft(tx, &tx->bodies[0]);
        tx->bodies[0] = *body_id;
        return;
    }
    tx->bodies[tx->bodies_n++] = *body_id;
}

struct status tx_body_claimed(struct tx *tx, const struct id *body_id)
{
    struct stmt *s;

    for (size_t i = 0; i < tx->bodies_n; i++)
        if (str_eq(id_str(&tx->bodies[i]), id_str(body_id))) {
            tx->bodies[i] = tx->bodies[--tx->bodies_n];
            return status_ok();
        }
    s = db_sql(tx->db, "DELETE FROM draft WHERE body_id = $1");
    bind_text(s, id_str(body_id));
    return stmt_run(s);
}
