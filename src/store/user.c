/* SPDX-License-Identifier: Apache-2.0 */
#include "store/user.h"

#include "base/buf.h"
#include "store/audit.h"
#include "store/row.h"
#include "store/tx.h"

/* Patterns in one column, separated by LF, which no pattern holds. */
static void join(const struct user *user, struct buf *out)
{
    for (size_t i = 0; i < user->senders_n; i++) {
        if (i > 0)
            buf_add_char(out, '\n');
        buf_add(out, user->senders[i]);
    }
}

static void split(struct str joined, struct arena *arena, struct user *out)
{
    struct row_list list = { 0 };
    struct str rest = joined, piece;

    while (joined.n > 0 && str_split(&rest, '\n', &piece))
        *(struct str *)row_list_add(&list, arena, sizeof(piece)) = piece;
    out->senders = (void *)list.items;
    out->senders_n = list.n;
}

struct status user_add(struct tx *tx, const struct user *user)
{
    struct stmt *s =
        db_sql(tx->db, "INSERT INTO account (name, argon2, scram, senders,"
                       " created_ms) VALUES ($1, $2, $3, $4, $5)"
                       " ON CONFLICT (name) DO NOTHING");
    struct buf senders = { 0 };
    struct status st;

    join(user, &senders);
    bind_text(s, user->name);
    bind_text(s, user->argon2);
    bind_text(s, user->scram);
    bind_text(s, buf_str(&senders));
    bind_int(s, user->created_wall_ms);
    st = stmt_run(s);
    buf_free(&senders);
    if (status_is_ok(st) && db_changes(tx->db) == 0)
        st = status_make(550, "5.1.4", "there is an account %.*s already",
                         STR_ARG(user->name));
    return status_is_ok(st) ? audit_account(tx, "add", user->name) : st;
}

struct status user_remove(struct tx *tx, struct str name, bool *found)
{
    struct stmt *s = db_sql(tx->db, "DELETE FROM account WHERE name = $1");
    struct status st;

    bind_text(s, name);
    st = stmt_run(s);
    *found = status_is_ok(st) && db_changes(tx->db) > 0;
    return *found ? audit_account(tx, "remove", name) : st;
}

static void read_user(struct stmt *s, struct arena *arena, struct user *out)
{
    out->name = col_text(s, arena);
    out->argon2 = col_text(s, arena);
    out->scram = col_text(s, arena);
    split(col_text(s, arena), arena, out);
    out->created_wall_ms = col_int(s);
}

struct status user_get(struct rx *rx, struct str name, struct arena *arena,
                       struct user *out, bool *found)
{
    struct stmt *s = db_sql(rx->db, "SELECT name, argon2, scram, senders,"
                                    " created_ms FROM account"
                                    " WHERE name = $1");

    bind_text(s, name);
    *found = stmt_row(s);
    if (*found)
        read_user(s, arena, out);
    return stmt_end(s);
}

struct status user_list(struct rx *rx, struct arena *arena, struct user **out,
                        size_t *n)
{
    struct row_list list = { 0 };
    struct stmt *s = db_sql(rx->db, "SELECT name, argon2, scram, senders,"
                                    " created_ms FROM account ORDER BY name");

    while (stmt_row(s))
        read_user(s, arena, row_list_add(&list, arena, sizeof(struct user)));
    *out = (void *)list.items;
    *n = list.n;
    return stmt_end(s);
}
