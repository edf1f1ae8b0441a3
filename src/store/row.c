/* SPDX-License-Identifier: Apache-2.0 */
#include "store/row.h"

#include <string.h>

enum flag { FLAG_SMTPUTF8 = 1, FLAG_8BIT = 2, FLAG_REQUIRETLS = 4 };

void row_id(struct str text, struct id *out)
{
    memset(out, 0, sizeof(*out));
    if (text.n <= ID_TEXT)
        memcpy(out->text, text.p, text.n);
}

static void col_id(struct stmt *s, struct arena *arena, struct id *out)
{
    row_id(col_text(s, arena), out);
}

void row_message(struct stmt *s, struct arena *arena, struct message *out)
{
    int64_t flags;

    col_id(s, arena, &out->id);
    out->kind = (enum message_kind)col_int(s);
    out->received_wall_ms = col_int(s);
    out->from = col_text(s, arena);
    out->size_bytes = (uint64_t)col_int(s);
    out->listener = col_text(s, arena);
    out->user = col_text(s, arena);
    out->client_address = col_text(s, arena);
    out->client_helo = col_text(s, arena);
    out->protocol = col_text(s, arena);
    out->tls = col_text(s, arena);
    out->ret = col_text(s, arena);
    out->envid = col_text(s, arena);
    flags = col_int(s);
    out->smtputf8 = flags & FLAG_SMTPUTF8;
    out->body_8bit = flags & FLAG_8BIT;
    out->requiretls = flags & FLAG_REQUIRETLS;
    col_id(s, arena, &out->body_id);
    out->body_key = col_blob(s, arena);
    out->body_chunks = (uint32_t)col_int(s);
    out->parent = col_text(s, arena);
}

void row_delivery(struct stmt *s, struct arena *arena, struct delivery *out)
{
    col_id(s, arena, &out->id);
    col_id(s, arena, &out->message_id);
    out->recipient = col_text(s, arena);
    out->domain = col_text(s, arena);
    out->notify = (uint32_t)col_int(s);
    out->orcpt = col_text(s, arena);
    out->state = (enum delivery_state)col_int(s);
    out->next_wall_ms = col_int(s);
    out->lease_wall_ms = col_int(s);
    out->fence = col_int(s);
    out->attempts = (uint32_t)col_int(s);
    out->floor = col_text(s, arena);
    out->ladder = col_text(s, arena);
    out->rule = col_text(s, arena);
    out->decision_why = col_text(s, arena);
    out->orders = col_text(s, arena);
    out->rung = (uint32_t)col_int(s);
    out->rung_since_wall_ms = col_int(s);
    out->method = col_text(s, arena);
    out->why = col_text(s, arena);
    out->delay_notice_sent = col_int(s) != 0;
    out->final_wall_ms = col_int(s);
    col_id(s, arena, &out->pickup_id);
}

struct status row_insert_message(struct db *db, const struct message *m)
{
    struct stmt *s = db_sql(
        db, "INSERT INTO message (id, kind, received_ms, sender, size,"
            " listener, account, client_address, client_helo, protocol, tls,"
            " ret, envid, flags, body_id, body_key, body_chunks, parent)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
            " $13, $14, $15, $16, $17, $18)");

    bind_text(s, id_str(&m->id));
    bind_int(s, m->kind);
    bind_int(s, m->received_wall_ms);
    bind_text(s, m->from);
    bind_int(s, (int64_t)m->size_bytes);
    bind_text(s, m->listener);
    bind_text(s, m->user);
    bind_text(s, m->client_address);
    bind_text(s, m->client_helo);
    bind_text(s, m->protocol);
    bind_text(s, m->tls);
    bind_text(s, m->ret);
    bind_text(s, m->envid);
    bind_int(s, (m->smtputf8 ? FLAG_SMTPUTF8 : 0) |
                    (m->body_8bit ? FLAG_8BIT : 0) |
                    (m->requiretls ? FLAG_REQUIRETLS : 0));
    bind_text(s, id_str(&m->body_id));
    bind_blob(s, m->body_key);
    bind_int(s, m->body_chunks);
    bind_text(s, m->parent);
    return stmt_run(s);
}

struct status row_insert_delivery(struct db *db, const struct delivery *d)
{
    struct stmt *s = db_sql(
        db, "INSERT INTO delivery (id, message_id, recipient, domain, notify,"
            " orcpt, state, next_ms, lease_ms, fence, attempts, floor,"
            " ladder, rule, decision_why, orders, rung, rung_since_ms, method,"
            " why, delay_sent, final_ms, pickup_id)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, $9, $10, $11,"
            " $12, $13, $14, $15, $16, $17, 0, 0, '')");

    bind_text(s, id_str(&d->id));
    bind_text(s, id_str(&d->message_id));
    bind_text(s, d->recipient);
    bind_text(s, d->domain);
    bind_int(s, d->notify);
    bind_text(s, d->orcpt);
    bind_int(s, d->state);
    bind_int(s, d->next_wall_ms);
    bind_text(s, d->floor);
    bind_text(s, d->ladder);
    bind_text(s, d->rule);
    bind_text(s, d->decision_why);
    bind_text(s, d->orders);
    bind_int(s, d->rung);
    bind_int(s, d->rung_since_wall_ms);
    bind_text(s, d->method);
    bind_text(s, d->why);
    return stmt_run(s);
}

struct status row_insert_attempt(struct db *db, const struct attempt *a)
{
    struct stmt *s = db_sql(
        db, "INSERT INTO attempt (delivery_id, n, at_ms, method, mx, address,"
            " tls_version, tls_cipher, tls_group, verified_by, reply, result,"
            " why, dns_ms, connect_ms, tls_ms, send_ms, maybe_duplicate)"
            " SELECT $1, COALESCE(MAX(n), 0) + 1, $2, $3, $4, $5, $6, $7, $8,"
            " $9, $10, $11, $12, $13, $14, $15, $16, $17"
            " FROM attempt WHERE delivery_id = $1");

    bind_text(s, id_str(&a->delivery_id));
    bind_int(s, a->at_wall_ms);
    bind_text(s, a->method);
    bind_text(s, a->mx);
    bind_text(s, a->address);
    bind_text(s, a->tls_version);
    bind_text(s, a->tls_cipher);
    bind_text(s, a->tls_group);
    bind_text(s, a->verified_by);
    bind_text(s, a->reply);
    bind_text(s, a->result);
    bind_text(s, a->why);
    bind_int(s, a->dns_ms);
    bind_int(s, a->connect_ms);
    bind_int(s, a->tls_ms);
    bind_int(s, a->send_ms);
    bind_int(s, a->maybe_duplicate);
    return stmt_run(s);
}

void *row_list_add(struct row_list *list, struct arena *arena, size_t size)
{
    if (list->n == list->cap) {
        size_t cap = list->cap == 0 ? 16 : list->cap * 2;
        char *grown = arena_array(arena, cap, size);

        if (list->n > 0)
            memcpy(grown, list->items, list->n * size);
        list->items = grown;
        list->cap = cap;
    }
    return list->items + size * list->n++;
}
