/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/utf8.h"
#include "store/row.h"
#include "store/tx.h"

#include <openssl/sha.h>

enum { SALT_BYTES = 16 };

/* --- canonical JSON: the caller adds keys in sorted order ------------- */

static void add_quoted(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    while (s.n > 0) {
        unsigned char c = (unsigned char)s.p[0];
        size_t n = utf8_length(s);

        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < ' ')
            buf_addf(out, "\\u%04x", c);
        else if (n == 0)
            buf_add_cstr(out, "\xef\xbf\xbd"); /* U+FFFD */
        else
            buf_add(out, str_first(s, n));
        s = str_from(s, n == 0 ? 1 : n);
    }
    buf_add_char(out, '"');
}

static void add_key(struct buf *out, const char *key)
{
    buf_add_char(out, out->n == 0 ? '{' : ',');
    buf_addf(out, "\"%s\":", key);
}

static void add_str(struct buf *out, const char *key, struct str value)
{
    if (value.n == 0)
        return;
    add_key(out, key);
    add_quoted(out, value);
}

static void add_int(struct buf *out, const char *key, int64_t value)
{
    add_key(out, key);
    buf_addf(out, "%lld", (long long)value);
}

static void add_flag(struct buf *out, const char *key, bool value)
{
    if (!value)
        return;
    add_key(out, key);
    buf_add_cstr(out, "true");
}

static struct status append(struct tx *tx, const char *kind, struct buf *entry)
{
    unsigned char salt[SALT_BYTES], hash[SHA256_DIGEST_LENGTH];
    struct buf salted = { 0 };
    struct stmt *s =
        db_sql(tx->db, "INSERT INTO audit (seq, at_ms, kind, entry, salt, hash)"
                       " SELECT COALESCE(MAX(seq), 0) + 1, $1, $2, $3, $4, $5"
                       " FROM audit");
    struct status st;

    buf_add_cstr(entry, entry->n == 0 ? "{}" : "}");
    random_bytes(salt, sizeof(salt));
    buf_add(&salted, str_of(salt, sizeof(salt)));
    buf_add(&salted, buf_str(entry));
    SHA256((const unsigned char *)salted.p, salted.n, hash);
    bind_int(s, clock_wall_ms());
    bind_text(s, str_from_cstr(kind));
    bind_text(s, buf_str(entry));
    bind_blob(s, str_of(salt, sizeof(salt)));
    bind_blob(s, str_of(hash, sizeof(hash)));
    st = stmt_run(s);
    buf_free(&salted);
    buf_free(entry);
    return st;
}

/* --- events ------------------------------------------------------------ */

struct status audit_message_accepted(struct tx *tx, const struct message *m,
                                     size_t recipients)
{
    struct buf e = { 0 };

    add_str(&e, "client", m->client_address);
    add_str(&e, "from", m->from);
    add_int(&e, "kind", m->kind);
    add_str(&e, "listener", m->listener);
    add_str(&e, "message", id_str(&m->id));
    add_int(&e, "recipients", (int64_t)recipients);
    add_int(&e, "size", (int64_t)m->size_bytes);
    add_str(&e, "tls", m->tls);
    add_str(&e, "user", m->user);
    return append(tx, "message.accepted", &e);
}

struct status audit_message_refused(struct tx *tx, const struct id *message_id,
                                    struct str from, struct str client,
                                    struct status why)
{
    struct buf e = { 0 };

    add_str(&e, "client", client);
    add_int(&e, "code", why.smtp);
    add_str(&e, "from", from);
    add_str(&e, "message", id_str(message_id));
    add_str(&e, "why", str_from_cstr(why.why));
    return append(tx, "message.refused", &e);
}

struct status audit_decided(struct tx *tx, const struct message *m,
                            const struct delivery *d)
{
    struct buf e = { 0 };

    add_str(&e, "delivery", id_str(&d->id));
    add_str(&e, "floor", d->floor);
    add_str(&e, "ladder", d->ladder);
    add_str(&e, "message", id_str(&m->id));
    add_str(&e, "recipient", d->recipient);
    add_str(&e, "rule", d->rule);
    add_str(&e, "why", d->decision_why);
    return append(tx, "recipient.decided", &e);
}

struct status audit_floor_attested(struct tx *tx, const struct message *m,
                                   const struct delivery *d)
{
    struct buf e = { 0 };

    add_str(&e, "client", m->client_address);
    add_str(&e, "delivery", id_str(&d->id));
    add_str(&e, "floor", d->floor);
    add_str(&e, "from", m->from);
    add_str(&e, "message", id_str(&m->id));
    add_str(&e, "recipient", d->recipient);
    add_str(&e, "rule", d->rule);
    add_str(&e, "user", m->user);
    return append(tx, "floor.attested", &e);
}

struct status audit_attempted(struct tx *tx, const struct delivery *d,
                              const struct attempt *a)
{
    struct buf e = { 0 };

    add_str(&e, "address", a->address);
    add_str(&e, "delivery", id_str(&d->id));
    add_flag(&e, "maybe_duplicate", a->maybe_duplicate);
    add_str(&e, "method", a->method);
    add_str(&e, "mx", a->mx);
    add_str(&e, "reply", a->reply);
    add_str(&e, "result", a->result);
    add_str(&e, "tls_cipher", a->tls_cipher);
    add_str(&e, "tls_group", a->tls_group);
    add_str(&e, "tls_version", a->tls_version);
    add_str(&e, "verified_by", a->verified_by);
    add_str(&e, "why", a->why);
    return append(tx, "recipient.attempted", &e);
}

struct status audit_settled(struct tx *tx, const struct delivery *d,
                            struct status status)
{
    struct buf e = { 0 };

    add_int(&e, "code", status.smtp);
    add_str(&e, "delivery", id_str(&d->id));
    add_str(&e, "message", id_str(&d->message_id));
    add_str(&e, "method", d->method);
    add_str(&e, "pickup", id_str(&d->pickup_id));
    add_str(&e, "recipient", d->recipient);
    add_str(&e, "state", delivery_state_name(d->state));
    add_str(&e, "why", d->why);
    return append(tx, "recipient.settled", &e);
}

struct status audit_sealed(struct tx *tx, const struct sealed_copy *copy,
                           const struct id *message_id)
{
    struct buf e = { 0 };

    add_str(&e, "delivery", id_str(&copy->delivery_id));
    add_str(&e, "key", copy->key);
    add_str(&e, "message", id_str(message_id));
    add_str(&e, "method", copy->method);
    return append(tx, "recipient.sealed", &e);
}

struct status audit_key(struct tx *tx, const struct id *key, struct str what,
                        struct str actor, struct str why)
{
    struct buf e = { 0 };

    add_str(&e, "actor", actor);
    add_str(&e, "key", id_str(key));
    add_str(&e, "what", what);
    add_str(&e, "why", why);
    return append(tx, "key.noted", &e);
}

struct status audit_admin(struct tx *tx, const char *action, struct str id,
                          struct str actor, size_t changed)
{
    struct buf e = { 0 };

    add_str(&e, "action", str_from_cstr(action));
    add_str(&e, "actor", actor);
    add_int(&e, "changed", (int64_t)changed);
    add_str(&e, "id", id);
    return append(tx, "admin.acted", &e);
}

static struct status pickup_event(struct tx *tx, const char *kind,
                                  const struct id *pickup_id, struct str client,
                                  const char *why, bool first)
{
    struct buf e = { 0 };

    add_str(&e, "client", client);
    add_flag(&e, "first", first);
    add_str(&e, "pickup", id_str(pickup_id));
    add_str(&e, "why", str_from_cstr(why));
    return append(tx, kind, &e);
}

struct status audit_code_sent(struct tx *tx, const struct id *pickup_id,
                              struct str client)
{
    return pickup_event(tx, "pickup.code_sent", pickup_id, client, "", false);
}

struct status audit_code_refused(struct tx *tx, const struct id *pickup_id,
                                 struct str client, const char *why)
{
    return pickup_event(tx, "pickup.code_refused", pickup_id, client, why,
                        false);
}

struct status audit_picked_up(struct tx *tx, const struct id *pickup_id,
                              struct str client, bool first)
{
    return pickup_event(tx, "pickup.opened", pickup_id, client,
                        "in the browser that entered the code", first);
}

struct status audit_pickup_ended(struct tx *tx, const struct id *pickup_id,
                                 const char *how)
{
    return pickup_event(tx, "pickup.ended", pickup_id, STR(""), how, false);
}

struct status audit_account(struct tx *tx, const char *action, struct str name)
{
    struct buf e = { 0 };

    add_str(&e, "action", str_from_cstr(action));
    add_str(&e, "name", name);
    return append(tx, "account.changed", &e);
}

struct status audit_sts_alert(struct tx *tx, struct str domain, struct str text)
{
    struct buf e = { 0 };

    add_str(&e, "domain", domain);
    add_str(&e, "why", text);
    return append(tx, "posture.alert", &e);
}

struct status audit_clock_jumped(struct tx *tx, int64_t by_ms)
{
    struct buf e = { 0 };

    add_int(&e, "by_ms", by_ms);
    return append(tx, "clock.jumped", &e);
}

struct status audit_list(struct rx *rx, int64_t after, size_t limit,
                         struct arena *arena, struct audit_row **out, size_t *n)
{
    struct row_list list = { 0 };
    struct stmt *s = db_sql(rx->db, "SELECT seq, at_ms, kind, entry FROM audit"
                                    " WHERE seq > $1 ORDER BY seq LIMIT $2");

    bind_int(s, after);
    bind_int(s, (int64_t)limit);
    while (stmt_row(s)) {
        struct audit_row *row = row_list_add(&list, arena, sizeof(*row));

        row->seq = col_int(s);
        row->at_wall_ms = col_int(s);
        row->kind = col_text(s, arena);
        row->entry = col_text(s, arena);
    }
    *out = (void *)list.items;
    *n = list.n;
    return stmt_end(s);
}
