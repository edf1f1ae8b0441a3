/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting, leasing and settling: the hot half of the queue. */
#include "store/queue.h"

#include "base/buf.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/queue_body.h"
#include "store/row.h"
#include "store/tx.h"

#include <string.h>

struct status queue_body_append(struct tx *tx, const struct id *body_id,
                                uint32_t first, const struct str *frames,
                                size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct stmt *s = db_sql(tx->db, "INSERT INTO frame (body_id, n, data)"
                                        " VALUES ($1, $2, $3)");
        struct status st;

        bind_text(s, id_str(body_id));
        bind_int(s, first + (int64_t)i);
        bind_blob(s, frames[i]);
        st = stmt_run(s);
        if (!status_is_ok(st))
            return st;
    }
    if (first == 0 && n > 0)
        tx_body_begun(tx, body_id);
    return status_ok();
}

struct status queue_accept(struct tx *tx, const struct message *message,
                           const struct delivery *deliveries, size_t n)
{
    int64_t now = message->received_wall_ms;
    struct status st = tx_body_claimed(tx, &message->body_id);

    if (status_is_ok(st))
        st = row_insert_message(tx->db, message);
    for (size_t i = 0; i < n && status_is_ok(st); i++) {
        st = row_insert_delivery(tx->db, &deliveries[i]);
        tx->new_work |= deliveries[i].next_wall_ms <= now + 1000;
    }
    return status_is_ok(st) ? audit_message_accepted(tx, message, n) : st;
}

/* --- leasing --------------------------------------------------------- */

static struct str busy_list(const struct lease_request *request,
                            struct arena *arena)
{
    struct buf list = { 0 };
    struct str kept;

    for (size_t i = 0; i < request->busy_domains_n; i++) {
        buf_add_char(&list, ',');
        buf_add(&list, request->busy_domains[i]);
        buf_add_char(&list, ',');
    }
    kept = str_keep(arena, buf_str(&list));
    buf_free(&list);
    return kept;
}

enum {
    LATE_MS = 2000,       /* from its being due to its being committed */
    LOOK_AT_ALL_MS = 5000 /* in case something came later than that */
};

void lease_memory_free(struct lease_memory *memory)
{
    buf_free(&memory->busy);
}

/* Whether each domain that was passed over last time is to be passed over
 * now. */
static bool still_busy(struct str then, struct str now)
{
    struct str domain;

    while (str_split(&then, ',', &domain)) {
        struct str with_commas = str_of(domain.p - 1, domain.n + 2);

        if (domain.n > 0 && str_find(now, with_commas) == now.n)
            return false;
    }
    return true;
}

/* From when on to look: nothing before it can be leased. */
static int64_t look_from(const struct lease_request *request, struct str busy)
{
    struct lease_memory *memory = request->memory;
    int64_t now = clock_mono_ms();

    if (memory == NULL)
        return INT64_MIN;
    if (memory->looked_at_all_mono_ms != 0 &&
        now - memory->looked_at_all_mono_ms < LOOK_AT_ALL_MS &&
        memory->passed_wall_ms < request->now_wall_ms &&
        still_busy(buf_str(&memory->busy), busy))
        return memory->passed_wall_ms;
    memory->looked_at_all_mono_ms = now;
    return INT64_MIN;
}

static void note_passed(const struct lease_request *request, struct str busy,
                        const struct row_list *list)
{
    struct lease_memory *memory = request->memory;
    const struct leased *first = (const void *)list->items;
    int64_t passed =
        list->n == 0 ? request->now_wall_ms : first->delivery.next_wall_ms;

    if (memory == NULL)
        return;
    memory->passed_wall_ms = passed - LATE_MS;
    memory->busy.n = 0;
    buf_add(&memory->busy, busy);
}

/* Deliveries of one message often stand together: share the message. */
static const struct message *share(const struct row_list *list,
                                   const struct message *m, struct arena *arena)
{
    const struct leased *all = (const void *)list->items;
    struct message *kept;

    for (size_t i = list->n; i > 0 && list->n - i < 64; i--)
        if (strcmp(all[i - 1].message->id.text, m->id.text) == 0)
            return all[i - 1].message;
    kept = ARENA_NEW(arena, struct message);
    *kept = *m;
    return kept;
}

static struct status find_due(struct tx *tx,
                              const struct lease_request *request,
                              struct arena *arena, struct row_list *list)
{
    struct str busy = busy_list(request, arena);
    int64_t from = look_from(request, busy);
    struct status st;
    struct stmt *s = db_sql(
        tx->db, "SELECT " DELIVERY_COLUMNS ", " MESSAGE_COLUMNS ", f.data"
                " FROM delivery d JOIN message m ON m.id = d.message_id"
                " LEFT JOIN frame f ON f.body_id = m.body_id AND f.n = 0"
                " AND m.body_chunks = 1"
                " WHERE d.state = 0 AND d.next_ms <= $1 AND d.next_ms >= $4"
                " AND instr($2, ',' || d.domain || ',') = 0"
                " ORDER BY d.next_ms LIMIT $3");

    bind_int(s, request->now_wall_ms);
    bind_text(s, busy);
    bind_int(s, (int64_t)request->max);
    bind_int(s, from);
    while (stmt_row(s)) {
        struct delivery d = { 0 };
        struct message m = { 0 };
        struct leased *one;
        const struct message *shared;

        row_delivery(s, arena, &d);
        row_message(s, arena, &m);
        shared = share(list, &m, arena);
        one = row_list_add(list, arena, sizeof(*one));
        *one = (struct leased){ .delivery = d,
                                .message = shared,
                                .was_leased = d.lease_wall_ms != 0,
                                .first_frame = col_blob(s, arena) };
    }
    st = stmt_end(s);
    if (status_is_ok(st))
        note_passed(request, busy, list);
    return st;
}

static struct status take(struct tx *tx, struct delivery *d, int64_t until)
{
    struct stmt *s =
        db_sql(tx->db, "UPDATE delivery SET lease_ms = $1, next_ms = $1,"
                       " fence = fence + 1 WHERE id = $2");

    bind_int(s, until);
    bind_text(s, id_str(&d->id));
    d->lease_wall_ms = until;
    d->fence++;
    return stmt_run(s);
}

struct status queue_lease(struct tx *tx, const struct lease_request *request,
                          struct arena *arena, struct leased **out, size_t *n)
{
    struct row_list list = { 0 };
    struct status st = find_due(tx, request, arena, &list);
    struct leased *all = (void *)list.items;

    for (size_t i = 0; i < list.n && status_is_ok(st); i++)
        st = take(tx, &all[i].delivery,
                  request->now_wall_ms + request->lease_ms);
    *out = all;
    *n = status_is_ok(st) ? list.n : 0;
    return st;
}

struct status queue_next_due(struct rx *rx, int64_t *wall_ms)
{
    struct stmt *s = db_sql(rx->db, "SELECT next_ms FROM delivery"
                                    " WHERE state = 0"
                                    " ORDER BY next_ms LIMIT 1");

    *wall_ms = stmt_row(s) ? col_int(s) : INT64_MAX;
    return stmt_end(s);
}

struct status queue_fence_held(struct tx *tx)
{
    if (db_changes(tx->db) == 1)
        return status_ok();
    return status_make(451, "4.3.5", "the lease is no longer ours");
}

struct status queue_extend(struct tx *tx, const struct id *delivery_id,
                           int64_t fence, int64_t lease_until_wall_ms)
{
    struct stmt *s =
        db_sql(tx->db, "UPDATE delivery SET lease_ms = $1, next_ms = $1"
                       " WHERE id = $2 AND fence = $3 AND lease_ms > 0");
    struct status st;

    bind_int(s, lease_until_wall_ms);
    bind_text(s, id_str(delivery_id));
    bind_int(s, fence);
    st = stmt_run(s);
    return status_is_ok(st) ? queue_fence_held(tx) : st;
}

struct status queue_reclaim(struct tx *tx, int64_t now_wall_ms)
{
    struct stmt *s = db_sql(tx->db, "UPDATE delivery SET lease_ms = 1,"
                                    " next_ms = $1"
                                    " WHERE state = 0 AND lease_ms > $1");

    bind_int(s, now_wall_ms);
    tx->new_work = true;
    return stmt_run(s);
}

struct status queue_release_lease(struct tx *tx, const struct id *delivery_id,
                                  int64_t fence)
{
    struct stmt *s =
        db_sql(tx->db, "UPDATE delivery SET lease_ms = 0, next_ms = $1"
                       " WHERE id = $2 AND fence = $3 AND lease_ms > 0");
    struct status st;

    bind_int(s, clock_wall_ms());
    bind_text(s, id_str(delivery_id));
    bind_int(s, fence);
    st = stmt_run(s);
    tx->new_work = true;
    return status_is_ok(st) ? queue_fence_held(tx) : st;
}

struct status queue_decide(struct tx *tx, const struct delivery *d)
{
    struct stmt *s =
        db_sql(tx->db, "UPDATE delivery SET floor = $1, ladder = $2,"
                       " rule = $3, decision_why = $4, orders = $5"
                       " WHERE id = $6 AND fence = $7");
    struct status st;

    bind_text(s, d->floor);
    bind_text(s, d->ladder);
    bind_text(s, d->rule);
    bind_text(s, d->decision_why);
    bind_text(s, d->orders);
    bind_text(s, id_str(&d->id));
    bind_int(s, d->fence);
    st = stmt_run(s);
    return status_is_ok(st) ? queue_fence_held(tx) : st;
}

/* --- settling -------------------------------------------------------- */

static struct status update_settled(struct tx *tx, const struct delivery *d)
{
    struct stmt *s =
        db_sql(tx->db,
               "UPDATE delivery SET state = $1, next_ms = $2, lease_ms = 0,"
               " attempts = $3, rung = $4, rung_since_ms = $5, method = $6,"
               " why = $7, delay_sent = $8, final_ms = $9, pickup_id = $10,"
               " floor = $11, ladder = $12, rule = $13, decision_why = $14,"
               " orders = $15 WHERE id = $16 AND fence = $17 AND lease_ms > 0");
    struct status st;

    bind_int(s, d->state);
    bind_int(s, d->next_wall_ms);
    bind_int(s, d->attempts);
    bind_int(s, d->rung);
    bind_int(s, d->rung_since_wall_ms);
    bind_text(s, d->method);
    bind_text(s, d->why);
    bind_int(s, d->delay_notice_sent);
    bind_int(s, d->final_wall_ms);
    bind_text(s, id_str(&d->pickup_id));
    bind_text(s, d->floor);
    bind_text(s, d->ladder);
    bind_text(s, d->rule);
    bind_text(s, d->decision_why);
    bind_text(s, d->orders);
    bind_text(s, id_str(&d->id));
    bind_int(s, d->fence);
    st = stmt_run(s);
    return status_is_ok(st) ? queue_fence_held(tx) : st;
}

/* The key goes in the row with the place of its body, so that nothing can be
 * read even where frames linger. */
static struct status destroy_clear(struct tx *tx, const struct id *message_id)
{
    struct stmt *s =
        db_sql(tx->db, "DELETE FROM frame WHERE body_id ="
                       " (SELECT body_id FROM message WHERE id = $1)"
                       " AND NOT EXISTS (SELECT 1 FROM delivery d"
                       " WHERE d.message_id = $1 AND d.state < 2"
                       " AND NOT EXISTS (SELECT 1 FROM sealed s"
                       " WHERE s.delivery_id = d.id))");
    struct status st;

    bind_text(s, id_str(message_id));
    st = stmt_run(s);
    if (!status_is_ok(st) || db_changes(tx->db) == 0)
        return st;
    s = db_sql(tx->db, "UPDATE message SET body_key = $1, body_id = '',"
                       " body_chunks = 0 WHERE id = $2");
    bind_blob(s, STR(""));
    bind_text(s, id_str(message_id));
    return stmt_run(s);
}

static struct status destroy_copies(struct tx *tx, const struct id *message_id)
{
    struct stmt *s =
        db_sql(tx->db, "DELETE FROM frame WHERE body_id IN"
                       " (SELECT s.body_id FROM sealed s JOIN delivery d"
                       " ON d.id = s.delivery_id"
                       " WHERE d.message_id = $1 AND d.state >= 2)");
    struct status st;

    bind_text(s, id_str(message_id));
    st = stmt_run(s);
    if (!status_is_ok(st) || db_changes(tx->db) == 0)
        return st;
    s = db_sql(tx->db, "DELETE FROM sealed WHERE delivery_id IN"
                       " (SELECT id FROM delivery"
                       " WHERE message_id = $1 AND state >= 2)");
    bind_text(s, id_str(message_id));
    return stmt_run(s);
}

struct status queue_destroy_body(struct tx *tx, const struct id *message_id)
{
    struct status st = destroy_copies(tx, message_id);

    return status_is_ok(st) ? destroy_clear(tx, message_id) : st;
}

struct status queue_tally(struct tx *tx, enum delivery_state state, size_t n)
{
    struct stmt *s = db_sql(tx->db, "INSERT INTO tally (state, n)"
                                    " VALUES ($1, $2) ON CONFLICT (state)"
                                    " DO UPDATE SET n = tally.n + $2");

    bind_int(s, state);
    bind_int(s, (int64_t)n);
    return stmt_run(s);
}

struct status queue_settle(struct tx *tx, const struct delivery *delivery,
                           const struct attempt *attempts, size_t n)
{
    struct delivery d = *delivery;
    bool final = d.state >= DELIVERY_DELIVERED;
    struct status st;

    d.final_wall_ms = !final                ? 0
                      : d.final_wall_ms > 0 ? d.final_wall_ms
                                            : clock_wall_ms();
    st = update_settled(tx, &d);
    for (size_t i = 0; i < n && status_is_ok(st); i++)
        st = row_insert_attempt(tx->db, &attempts[i]);
    if (status_is_ok(st) && final)
        st = queue_tally(tx, d.state, 1);
    if (status_is_ok(st) && final)
        st = queue_destroy_body(tx, &d.message_id);
    return st;
}

struct status queue_body_frame(struct rx *rx, const struct id *body_id,
                               uint32_t index, struct arena *arena,
                               struct str *frame)
{
    struct stmt *s = db_sql(rx->db, "SELECT data FROM frame"
                                    " WHERE body_id = $1 AND n = $2");
    struct status st;
    bool found;

    bind_text(s, id_str(body_id));
    bind_int(s, index);
    found = stmt_row(s);
    if (found)
        *frame = col_blob(s, arena);
    st = stmt_end(s);
    if (status_is_ok(st) && !found)
        st = status_make(451, "4.3.0", "a part of the message is missing");
    return st;
}
