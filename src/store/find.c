/* SPDX-License-Identifier: Apache-2.0 */
#include "store/find.h"

#include "store/row.h"

#include <string.h>

/* Recipients of one message are looked at to see that it is one message. */
enum { LOOK_AT_MOST = 4096 };

/* Lower case, and only signs that ids are made of. */
static bool fold(struct str id, char out[ID_TEXT + 2])
{
    if (id.n == 0 || id.n > ID_TEXT)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        out[i] = ascii_lower(id.p[i]);
        if (!ascii_is_alnum(out[i]))
            return false;
    }
    out[id.n] = '\0';
    return true;
}

static void read_found(struct stmt *s, struct arena *arena, struct found *out)
{
    struct found one = { .things = 1, .one_message = true };

    one.kind = (enum found_kind)col_int(s);
    row_id(col_text(s, arena), &one.id);
    row_id(col_text(s, arena), &one.delivery_id);
    row_id(col_text(s, arena), &one.message_id);
    if (out->things == 0) {
        *out = one;
        return;
    }
    out->things = 2;
    if (strcmp(out->message_id.text, one.message_id.text) != 0)
        out->one_message = false;
}

struct status find_by_id(struct db *db, struct str id, struct found *out)
{
    struct arena arena = { 0 };
    char first[ID_TEXT + 2], end[ID_TEXT + 2];
    struct stmt *s;
    struct status st;

    *out = (struct found){ 0 };
    if (!fold(id, first))
        return status_ok();
    /* Behind every id that starts so: "~" sorts after all their signs. */
    memcpy(end, first, id.n);
    memcpy(end + id.n, "~", 2);
    s = db_sql(db, "SELECT 0, id, '', id FROM message"
                   " WHERE id >= $1 AND id < $2"
                   " UNION ALL SELECT 1, id, id, message_id FROM delivery"
                   " WHERE id >= $1 AND id < $2"
                   " UNION ALL SELECT 2, p.id, d.id, d.message_id FROM pickup p"
                   " JOIN delivery d ON d.id = p.delivery_id"
                   " WHERE p.id >= $1 AND p.id < $2 LIMIT $3");
    bind_text(s, str_from_cstr(first));
    bind_text(s, str_from_cstr(end));
    bind_int(s, LOOK_AT_MOST);
    while (stmt_row(s))
        read_found(s, &arena, out);
    st = stmt_end(s);
    arena_free(&arena);
    return st;
}

struct status find_one(struct db *db, struct str id, struct found *out)
{
    struct status st = find_by_id(db, id, out);

    if (status_is_ok(st) && out->things > 1)
        st = status_refuse("several ids start with %.*s", STR_ARG(id));
    return st;
}
