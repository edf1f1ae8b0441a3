/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sealed.h"

#include "store/audit.h"
#include "store/queue_body.h"
#include "store/row.h"
#include "store/tx.h"

static struct status insert(struct tx *tx, const struct sealed_copy *c,
                            int64_t fence)
{
    struct stmt *s =
        db_sql(tx->db, "INSERT INTO sealed (delivery_id, method, key_name,"
                       " body_id, body_key, body_chunks, size, made_ms)"
                       " SELECT id, $1, $2, $3, $4, $5, $6, $7 FROM delivery"
                       " WHERE id = $8 AND fence = $9 AND lease_ms > 0");
    struct status st;

    bind_text(s, c->method);
    bind_text(s, c->key);
    bind_text(s, id_str(&c->body_id));
    bind_blob(s, c->body_key);
    bind_int(s, c->body_chunks);
    bind_int(s, (int64_t)c->size_bytes);
    bind_int(s, c->made_wall_ms);
    bind_text(s, id_str(&c->delivery_id));
    bind_int(s, fence);
    st = stmt_run(s);
    return status_is_ok(st) ? queue_fence_held(tx) : st;
}

struct status sealed_store(struct tx *tx, const struct sealed_copy *copy,
                           const struct id *message_id, int64_t fence)
{
    struct status st = tx_body_claimed(tx, &copy->body_id);

    if (status_is_ok(st))
        st = insert(tx, copy, fence);
    if (status_is_ok(st))
        st = audit_sealed(tx, copy, message_id);
    return status_is_ok(st) ? queue_destroy_body(tx, message_id) : st;
}

struct status sealed_get(struct rx *rx, const struct id *delivery_id,
                         struct arena *arena, struct sealed_copy *out,
                         bool *found)
{
    struct stmt *s =
        db_sql(rx->db, "SELECT method, key_name, body_id, body_key,"
                       " body_chunks, size, made_ms FROM sealed"
                       " WHERE delivery_id = $1");

    bind_text(s, id_str(delivery_id));
    *out = (struct sealed_copy){ .delivery_id = *delivery_id };
    *found = stmt_row(s);
    if (*found) {
        out->method = col_text(s, arena);
        out->key = col_text(s, arena);
        row_id(col_text(s, arena), &out->body_id);
        out->body_key = col_blob(s, arena);
        out->body_chunks = (uint32_t)col_int(s);
        out->size_bytes = (uint64_t)col_int(s);
        out->made_wall_ms = col_int(s);
    }
    return stmt_end(s);
}
