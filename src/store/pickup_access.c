/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pickup_access.h"

#include "store/row.h"
#include "store/tx.h"

enum { HASH = 32, DAY_MS = 86400000 };

static struct str hash_str(const unsigned char hash[HASH])
{
    return str_of(hash, HASH);
}

/* --- codes --------------------------------------------------------------- */

struct status code_put(struct tx *tx, const struct one_time_code *code)
{
    struct stmt *s = db_sql(
        tx->db, "INSERT INTO code (pickup_id, code_hash, browser_hash,"
                " created_ms, expires_ms, tries) VALUES ($1, $2, $3, $4, $5, 0)"
                " ON CONFLICT (pickup_id, browser_hash) DO UPDATE SET"
                " code_hash = $2, created_ms = $4, expires_ms = $5,"
                " tries = 0");

    bind_text(s, id_str(&code->pickup_id));
    bind_blob(s, hash_str(code->code_hash));
    bind_blob(s, hash_str(code->browser_hash));
    bind_int(s, code->created_wall_ms);
    bind_int(s, code->expires_wall_ms);
    return stmt_run(s);
}

struct kept_code {
    struct str code_hash;
    int64_t expires_wall_ms, tries;
    bool found;
};

static struct status load_code(struct tx *tx, const struct id *pickup_id,
                               const unsigned char browser_hash[HASH],
                               struct arena *arena, struct kept_code *out)
{
    struct stmt *s =
        db_sql(tx->db, "SELECT code_hash, expires_ms, tries FROM code"
                       " WHERE pickup_id = $1 AND browser_hash = $2");

    *out = (struct kept_code){ 0 };
    bind_text(s, id_str(pickup_id));
    bind_blob(s, hash_str(browser_hash));
    out->found = stmt_row(s);
    if (out->found) {
        out->code_hash = col_blob(s, arena);
        out->expires_wall_ms = col_int(s);
        out->tries = col_int(s);
    }
    return stmt_end(s);
}

static struct status any_code(struct tx *tx, const struct id *pickup_id,
                              bool *out)
{
    struct stmt *s =
        db_sql(tx->db, "SELECT COUNT(*) FROM code WHERE pickup_id = $1");

    bind_text(s, id_str(pickup_id));
    *out = stmt_row(s) && col_int(s) > 0;
    return stmt_end(s);
}

static struct status on_code(struct tx *tx, const char *sql,
                             const struct id *pickup_id,
                             const unsigned char browser_hash[HASH])
{
    struct stmt *s = db_sql(tx->db, sql);

    bind_text(s, id_str(pickup_id));
    bind_blob(s, hash_str(browser_hash));
    return stmt_run(s);
}

static bool is_live(const struct kept_code *kept, int64_t now_wall_ms)
{
    return kept->found && kept->expires_wall_ms > now_wall_ms &&
           kept->tries < CODE_TRIES_MAX;
}

struct status code_is_live(struct tx *tx, const struct id *pickup_id,
                           const unsigned char browser_hash[HASH],
                           int64_t now_wall_ms, bool *out)
{
    struct arena arena = { 0 };
    struct kept_code kept;
    struct status st = load_code(tx, pickup_id, browser_hash, &arena, &kept);

    *out = status_is_ok(st) && is_live(&kept, now_wall_ms);
    arena_free(&arena);
    return st;
}

struct status code_try(struct tx *tx, const struct id *pickup_id,
                       const unsigned char code_hash[HASH],
                       const unsigned char browser_hash[HASH],
                       int64_t now_wall_ms, enum code_fate *out)
{
    struct arena arena = { 0 };
    struct kept_code kept;
    bool others = false;
    struct status st = load_code(tx, pickup_id, browser_hash, &arena, &kept);

    if (status_is_ok(st) && !kept.found)
        st = any_code(tx, pickup_id, &others);
    if (!status_is_ok(st))
        goto done;
    if (!kept.found)
        *out = others ? CODE_OTHER_BROWSER : CODE_NONE;
    else if (kept.expires_wall_ms <= now_wall_ms)
        *out = CODE_TOO_OLD;
    else if (kept.tries >= CODE_TRIES_MAX)
        *out = CODE_TOO_MANY;
    else if (str_eq_secret(kept.code_hash, hash_str(code_hash)))
        *out = CODE_RIGHT;
    else
        *out = CODE_WRONG;
    if (*out == CODE_RIGHT)
        st = on_code(tx,
                     "DELETE FROM code WHERE pickup_id = $1"
                     " AND browser_hash = $2",
                     pickup_id, browser_hash);
    else if (*out == CODE_WRONG)
        st = on_code(tx,
                     "UPDATE code SET tries = tries + 1 WHERE pickup_id = $1"
                     " AND browser_hash = $2",
                     pickup_id, browser_hash);
done:
    arena_free(&arena);
    return st;
}

/* --- counters --------------------------------------------------------------
 */

struct status counter_hit(struct tx *tx, struct str name, uint32_t most,
                          int64_t window_ms, int64_t now_wall_ms, bool *allowed)
{
    struct stmt *s = db_sql(
        tx->db,
        "INSERT INTO counter (name, since_ms, n) VALUES ($1, $2, 1)"
        " ON CONFLICT (name) DO UPDATE SET"
        " n = CASE WHEN counter.since_ms <= $3 THEN 1 ELSE counter.n + 1 END,"
        " since_ms = CASE WHEN counter.since_ms <= $3 THEN $2"
        " ELSE counter.since_ms END RETURNING n");

    bind_text(s, name);
    bind_int(s, now_wall_ms);
    bind_int(s, now_wall_ms - window_ms);
    *allowed = stmt_row(s) && col_int(s) <= (int64_t)most;
    return stmt_end(s);
}

struct status counters_clear(struct tx *tx, struct str pickup_id)
{
    struct stmt *s = db_sql(
        tx->db, "DELETE FROM counter WHERE name LIKE '%:' || $1 || ':%'");

    bind_text(s, pickup_id);
    return stmt_run(s);
}

/* --- sessions ----------------------------------------------------------------
 */

struct status access_open(struct tx *tx, const unsigned char cookie_hash[32],
                          const struct id *pickup_id, int64_t now_wall_ms)
{
    struct stmt *s = db_sql(tx->db, "INSERT INTO session (cookie_hash,"
                                    " pickup_id, created_ms, used_ms)"
                                    " VALUES ($1, $2, $3, $3)");

    bind_blob(s, hash_str(cookie_hash));
    bind_text(s, id_str(pickup_id));
    bind_int(s, now_wall_ms);
    return stmt_run(s);
}

struct status access_use(struct tx *tx, const unsigned char cookie_hash[32],
                         int64_t idle_ms, int64_t absolute_ms,
                         int64_t now_wall_ms, struct id *pickup_id, bool *live)
{
    struct stmt *s = db_sql(
        tx->db, "UPDATE session SET used_ms = $1 WHERE cookie_hash = $2"
                " AND used_ms > $3 AND created_ms > $4 RETURNING pickup_id");
    struct arena arena = { 0 };

    bind_int(s, now_wall_ms);
    bind_blob(s, hash_str(cookie_hash));
    bind_int(s, now_wall_ms - idle_ms);
    bind_int(s, now_wall_ms - absolute_ms);
    *live = stmt_row(s);
    if (*live)
        row_id(col_text(s, &arena), pickup_id);
    arena_free(&arena);
    return stmt_end(s);
}

struct status access_end(struct tx *tx, const unsigned char cookie_hash[32])
{
    struct stmt *s =
        db_sql(tx->db, "DELETE FROM session WHERE cookie_hash = $1");

    bind_blob(s, hash_str(cookie_hash));
    return stmt_run(s);
}

static struct status drop_older(struct tx *tx, const char *sql, int64_t than)
{
    struct stmt *s = db_sql(tx->db, sql);

    bind_int(s, than);
    return stmt_run(s);
}

struct status access_sweep(struct tx *tx, int64_t now_wall_ms,
                           int64_t absolute_ms)
{
    struct status st = drop_older(tx, "DELETE FROM code WHERE expires_ms < $1",
                                  now_wall_ms - DAY_MS);

    if (status_is_ok(st))
        st = drop_older(tx, "DELETE FROM session WHERE created_ms < $1",
                        now_wall_ms - absolute_ms);
    if (status_is_ok(st))
        st = drop_older(tx, "DELETE FROM counter WHERE since_ms < $1",
                        now_wall_ms - DAY_MS);
    return st;
}
