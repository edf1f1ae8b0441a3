/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the queue and steering it: the cold half. */
#include "store/queue.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/find.h"
#include "store/queue_body.h"
#include "store/row.h"
#include "store/tx.h"

static const struct str state_names[] = {
    [DELIVERY_QUEUED] = STR_INIT("queued"),
    [DELIVERY_HELD] = STR_INIT("held"),
    [DELIVERY_DELIVERED] = STR_INIT("delivered"),
    [DELIVERY_DEPOSITED] = STR_INIT("deposited"),
    [DELIVERY_FAILED] = STR_INIT("failed"),
    [DELIVERY_EXPIRED] = STR_INIT("expired"),
    [DELIVERY_DELETED] = STR_INIT("deleted"),
};
enum { STATES = 7, SWEEP_MAX = 500 };

struct str delivery_state_name(enum delivery_state state)
{
    return state_names[state];
}

/* The states a filter means, as a range of numbers. */
static bool state_range(struct str name, int64_t *first, int64_t *last)
{
    *first = DELIVERY_QUEUED;
    *last = DELIVERY_HELD;
    if (name.n == 0)
        return true;
    if (str_eq(name, STR("all"))) {
        *last = DELIVERY_DELETED;
        return true;
    }
    for (int64_t i = 0; i < STATES; i++)
        if (str_eq(name, state_names[i])) {
            *first = *last = i;
            return true;
        }
    return false;
}

#define LIST_ROW                                                               \
    "SELECT " DELIVERY_COLUMNS ", m.sender, m.received_ms, m.size"             \
    " FROM delivery d JOIN message m ON m.id = d.message_id"                   \
    " WHERE d.id > $1 AND d.state BETWEEN $2 AND $3"                           \
    " AND ($4 = '' OR d.domain = $4)"

/* What is open is found by the indexes of its states, however many final
 * deliveries there are. */
static const char list_open[] =
    LIST_ROW " AND d.id IN (SELECT id FROM delivery WHERE state = 0"
             " UNION ALL SELECT id FROM delivery WHERE state = 1)"
             " ORDER BY d.id LIMIT $5";
static const char list_any[] = LIST_ROW " ORDER BY d.id LIMIT $5";

static struct status read_rows(struct stmt *s, struct arena *arena,
                               struct queue_row **out, size_t *n)
{
    struct row_list list = { 0 };

    while (stmt_row(s)) {
        struct queue_row *row = row_list_add(&list, arena, sizeof(*row));

        row_delivery(s, arena, &row->delivery);
        row->from = col_text(s, arena);
        row->received_wall_ms = col_int(s);
        row->size_bytes = (uint64_t)col_int(s);
    }
    *out = (void *)list.items;
    *n = list.n;
    return stmt_end(s);
}

struct status queue_list(struct rx *rx, const struct queue_filter *filter,
                         struct arena *arena, struct queue_row **out, size_t *n)
{
    int64_t first, last;
    struct stmt *s;

    *n = 0;
    if (!state_range(filter->state, &first, &last))
        return status_refuse("no such state: %.*s", STR_ARG(filter->state));
    s = db_sql(rx->db, last <= DELIVERY_HELD ? list_open : list_any);
    bind_text(s, filter->after);
    bind_int(s, first);
    bind_int(s, last);
    bind_text(s, filter->domain);
    bind_int(s, (int64_t)filter->limit);
    return read_rows(s, arena, out, n);
}

/* --- finding ----------------------------------------------------------- */

static struct status load_message(struct db *db, struct str id,
                                  struct arena *arena, struct message *out)
{
    struct stmt *s =
        db_sql(db, "SELECT " MESSAGE_COLUMNS " FROM message m WHERE m.id = $1");

    bind_text(s, id);
    if (stmt_row(s))
        row_message(s, arena, out);
    return stmt_end(s);
}

static struct status load_deliveries(struct db *db, struct str message_id,
                                     struct arena *arena, struct delivery **out,
                                     size_t *n)
{
    struct row_list list = { 0 };
    struct stmt *s = db_sql(db, "SELECT " DELIVERY_COLUMNS " FROM delivery d"
                                " WHERE d.message_id = $1 ORDER BY d.id");

    bind_text(s, message_id);
    while (stmt_row(s))
        row_delivery(s, arena,
                     row_list_add(&list, arena, sizeof(struct delivery)));
    *out = (void *)list.items;
    *n = list.n;
    return stmt_end(s);
}

struct status queue_find(struct rx *rx, struct str id, struct arena *arena,
                         struct message *message, struct delivery **deliveries,
                         size_t *n, bool *found)
{
    struct found f;
    struct status st = find_by_id(rx->db, id, &f);

    *found = status_is_ok(st) && f.things > 0;
    *n = 0;
    if (*found && !f.one_message) {
        *found = false;
        st = status_refuse("several messages have ids that start with %.*s",
                           STR_ARG(id));
    }
    if (!*found)
        return st;
    st = load_message(rx->db, id_str(&f.message_id), arena, message);
    if (status_is_ok(st))
        st = load_deliveries(rx->db, id_str(&f.message_id), arena, deliveries,
                             n);
    return st;
}

struct status queue_attempts(struct rx *rx, const struct id *delivery_id,
                             struct arena *arena, struct attempt **out,
                             size_t *n)
{
    struct row_list list = { 0 };
    struct stmt *s = db_sql(
        rx->db, "SELECT at_ms, method, mx, address, tls_version, tls_cipher,"
                " tls_group, verified_by, reply, result, why, dns_ms,"
                " connect_ms, tls_ms, send_ms, maybe_duplicate FROM attempt"
                " WHERE delivery_id = $1 ORDER BY n");

    bind_text(s, id_str(delivery_id));
    while (stmt_row(s)) {
        struct attempt *a = row_list_add(&list, arena, sizeof(*a));

        a->delivery_id = *delivery_id;
        a->at_wall_ms = col_int(s);
        a->method = col_text(s, arena);
        a->mx = col_text(s, arena);
        a->address = col_text(s, arena);
        a->tls_version = col_text(s, arena);
        a->tls_cipher = col_text(s, arena);
        a->tls_group = col_text(s, arena);
        a->verified_by = col_text(s, arena);
        a->reply = col_text(s, arena);
        a->result = col_text(s, arena);
        a->why = col_text(s, arena);
        a->dns_ms = (uint32_t)col_int(s);
        a->connect_ms = (uint32_t)col_int(s);
        a->tls_ms = (uint32_t)col_int(s);
        a->send_ms = (uint32_t)col_int(s);
        a->maybe_duplicate = col_int(s) != 0;
    }
    *out = (void *)list.items;
    *n = list.n;
    return stmt_end(s);
}

/* --- steering ---------------------------------------------------------- */

struct change {
    int64_t from_first, from_last, to;
    const char *name;
    bool unleased; /* only what nobody is working on */
};

static const struct change changes[] = {
    [QUEUE_RETRY] = { DELIVERY_QUEUED, DELIVERY_QUEUED, DELIVERY_QUEUED,
                      "retry", true },
    [QUEUE_HOLD] = { DELIVERY_QUEUED, DELIVERY_QUEUED, DELIVERY_HELD, "hold",
                     false },
    [QUEUE_RELEASE] = { DELIVERY_HELD, DELIVERY_HELD, DELIVERY_QUEUED,
                        "release", false },
    [QUEUE_DELETE] = { DELIVERY_QUEUED, DELIVERY_HELD, DELIVERY_DELETED,
                       "delete", false },
};

/* The fence goes up: whoever holds a lease on it can settle no more. What is
 * being tried right now is not tried again beside that. */
static struct status apply(struct tx *tx, const struct change *c,
                           const struct found *f, size_t *changed)
{
    int64_t now = clock_wall_ms();
    struct stmt *s = db_sql(
        tx->db, "UPDATE delivery SET state = $1, next_ms = $2, lease_ms = 0,"
                " fence = fence + 1, final_ms = $3"
                " WHERE message_id = $4 AND state BETWEEN $5 AND $6"
                " AND ($7 = '' OR id = $7) AND ($8 = 0 OR lease_ms <= $2)");
    struct status st;

    bind_int(s, c->to);
    bind_int(s, now);
    bind_int(s, c->to == DELIVERY_DELETED ? now : 0);
    bind_text(s, id_str(&f->message_id));
    bind_int(s, c->from_first);
    bind_int(s, c->from_last);
    bind_text(s, id_str(&f->delivery_id));
    bind_int(s, c->unleased);
    st = stmt_run(s);
    *changed = status_is_ok(st) ? db_changes(tx->db) : 0;
    return st;
}

struct status queue_act(struct tx *tx, struct str id, enum queue_action action,
                        struct str actor, size_t *changed)
{
    const struct change *c = &changes[action];
    struct found f;
    struct status st = find_one(tx->db, id, &f);

    *changed = 0;
    if (!status_is_ok(st) || f.things == 0)
        return st;
    st = apply(tx, c, &f, changed);
    if (status_is_ok(st) && *changed > 0)
        st = audit_admin(tx, c->name, id_str(&f.id), actor, *changed);
    if (status_is_ok(st) && *changed > 0 && action == QUEUE_DELETE)
        st = queue_tally(tx, DELIVERY_DELETED, *changed);
    if (status_is_ok(st) && *changed > 0 && action == QUEUE_DELETE)
        st = queue_destroy_body(tx, &f.message_id);
    tx->new_work |= action == QUEUE_RETRY || action == QUEUE_RELEASE;
    return st;
}

/* --- counting and sweeping ----------------------------------------------- */

static void add_count(struct queue_counts *c, int64_t state, uint64_t n)
{
    uint64_t *where[] = {
        [DELIVERY_HELD] = &c->held,
        [DELIVERY_DELIVERED] = &c->delivered,
        [DELIVERY_DEPOSITED] = &c->deposited,
        [DELIVERY_FAILED] = &c->failed,
        [DELIVERY_EXPIRED] = &c->expired,
    };

    if (state > 0 && state < (int64_t)(sizeof(where) / sizeof(where[0])))
        *where[state] = n;
}

static struct status count_closed(struct rx *rx, struct queue_counts *out)
{
    struct stmt *s = db_sql(rx->db, "SELECT state, n FROM tally UNION ALL"
                                    " SELECT 1, COUNT(*) FROM delivery"
                                    " WHERE state = 1");

    while (stmt_row(s)) {
        int64_t state = col_int(s);

        add_count(out, state, (uint64_t)col_int(s));
    }
    return stmt_end(s);
}

/* Ids sort by time: the oldest has the smallest. */
static struct status count_queued(struct rx *rx, struct arena *arena,
                                  struct queue_counts *out, struct str *oldest)
{
    struct stmt *s = db_sql(
        rx->db, "SELECT COUNT(*), COALESCE(SUM(CASE WHEN lease_ms > 0 THEN 1"
                " ELSE 0 END), 0), COALESCE(MIN(id), '') FROM delivery"
                " WHERE state = 0");

    if (stmt_row(s)) {
        out->queued = (uint64_t)col_int(s);
        out->leased = (uint64_t)col_int(s);
        *oldest = col_text(s, arena);
    }
    return stmt_end(s);
}

static struct status find_oldest(struct rx *rx, struct str delivery_id,
                                 struct queue_counts *out)
{
    struct stmt *s = db_sql(rx->db, "SELECT m.received_ms FROM message m"
                                    " JOIN delivery d ON d.message_id = m.id"
                                    " WHERE d.id = $1");

    bind_text(s, delivery_id);
    if (stmt_row(s))
        out->oldest_queued_wall_ms = col_int(s);
    return stmt_end(s);
}

struct status queue_count(struct rx *rx, struct queue_counts *out)
{
    struct arena arena = { 0 };
    struct str oldest = { "", 0 };
    struct status st;

    *out = (struct queue_counts){ 0 };
    st = count_closed(rx, out);
    if (status_is_ok(st))
        st = count_queued(rx, &arena, out, &oldest);
    if (status_is_ok(st) && oldest.n > 0)
        st = find_oldest(rx, oldest, out);
    arena_free(&arena);
    return st;
}

static struct status sweep(struct tx *tx, const char *sql, int64_t before_ms,
                           size_t *removed)
{
    struct stmt *s = db_sql(tx->db, sql);
    struct status st;

    bind_int(s, before_ms);
    bind_int(s, SWEEP_MAX);
    st = stmt_run(s);
    if (status_is_ok(st))
        *removed += db_changes(tx->db);
    return st;
}

/* Bodies whose transaction was given up (QD-11). */
static struct status sweep_drafts(struct tx *tx, int64_t before_ms,
                                  size_t *removed)
{
    struct status st =
        sweep(tx,
              "DELETE FROM frame WHERE body_id IN (SELECT body_id FROM draft"
              " WHERE created_ms < $1 LIMIT $2)",
              before_ms, removed);

    if (!status_is_ok(st))
        return st;
    return sweep(tx,
                 "DELETE FROM draft WHERE body_id IN (SELECT body_id"
                 " FROM draft WHERE created_ms < $1 LIMIT $2)",
                 before_ms, removed);
}

/* Records past their time, but not while the message waits in the portal.
 * Deliveries last: the others are found by them. */
static struct status sweep_records(struct tx *tx, int64_t before_ms,
                                   size_t *removed)
{
#define LIVE                                                                   \
    "EXISTS (SELECT 1 FROM pickup p WHERE p.delivery_id = d.id"                \
    " AND p.state < 2)"
#define PAST                                                                   \
    " FROM delivery d WHERE final_ms > 0 AND final_ms < $1 AND NOT " LIVE      \
    " ORDER BY final_ms LIMIT $2)"
    static const char *const steps[] = {
        "DELETE FROM attempt WHERE delivery_id IN (SELECT d.id" PAST,
        "DELETE FROM message WHERE id IN (SELECT d.message_id" PAST
        " AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id ="
        " message.id AND (d.final_ms = 0 OR d.final_ms >= $1 OR " LIVE "))",
        "DELETE FROM pickup WHERE delivery_id IN (SELECT d.id" PAST,
        "DELETE FROM delivery WHERE id IN (SELECT d.id" PAST,
    };
#undef LIVE
#undef PAST
    struct status st = status_ok();

    for (size_t i = 0; i < 4 && status_is_ok(st); i++)
        st = sweep(tx, steps[i], before_ms, removed);
    return st;
}

static struct status erased_up_to(struct tx *tx, int64_t *out)
{
    struct stmt *s =
        db_sql(tx->db, "SELECT value FROM meta WHERE name = 'audit_erased'");

    *out = stmt_row(s) ? col_int(s) : 0;
    return stmt_end(s);
}

/* What an audit entry says goes with its salt; kind, time and hash stay, so
 * that the log can still be checked as a whole. */
static struct status sweep_audit(struct tx *tx, int64_t before_ms,
                                 size_t *removed)
{
    int64_t from = 0;
    struct status st = erased_up_to(tx, &from);
    struct stmt *s;
    size_t n;

    if (!status_is_ok(st))
        return st;
    s = db_sql(tx->db, "UPDATE audit SET entry = '', salt = $4"
                       " WHERE seq > $1 AND seq <= $1 + $2 AND at_ms < $3");
    bind_int(s, from);
    bind_int(s, SWEEP_MAX);
    bind_int(s, before_ms);
    bind_blob(s, STR(""));
    st = stmt_run(s);
    n = status_is_ok(st) ? db_changes(tx->db) : 0;
    if (n == 0)
        return st;
    *removed += n;
    s = db_sql(tx->db, "INSERT INTO meta (name, value)"
                       " VALUES ('audit_erased', $1) ON CONFLICT (name)"
                       " DO UPDATE SET value = $1");
    bind_int(s, from + (int64_t)n);
    return stmt_run(s);
}

struct status queue_sweep(struct tx *tx, int64_t now_wall_ms, int64_t grace_ms,
                          int64_t keep_ms, size_t *removed)
{
    struct status st;

    *removed = 0;
    st = sweep_drafts(tx, now_wall_ms - grace_ms, removed);
    if (status_is_ok(st) && keep_ms > 0)
        st = sweep_records(tx, now_wall_ms - keep_ms, removed);
    if (status_is_ok(st) && keep_ms > 0)
        st = sweep_audit(tx, now_wall_ms - keep_ms, removed);
    return st;
}
