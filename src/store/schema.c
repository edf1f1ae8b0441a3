/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema.h"

enum { VERSION = 4 };

/*
 * Times are milliseconds since the epoch, 0 for none. A leased delivery has
 * next_ms at the end of its lease, so that the one index of due deliveries
 * finds it again when its holder died; what the index holds beside that is
 * enough to count without looking at rows. Final deliveries are kept for years
 * and never counted row by row: tally has how many there were. A frame belongs
 * to a message or a pickup; until then its body is a row of draft.
 */
#define WATCH_TABLE                                                            \
    "CREATE TABLE watch ("                                                     \
    " domain TEXT PRIMARY KEY, answer TEXT NOT NULL,"                          \
    " checked_ms BIGINT NOT NULL);"

#define CODE_TABLE                                                             \
    "CREATE TABLE code ("                                                      \
    " pickup_id TEXT NOT NULL, browser_hash BYTEA NOT NULL,"                   \
    " code_hash BYTEA NOT NULL, created_ms BIGINT NOT NULL,"                   \
    " expires_ms BIGINT NOT NULL, tries BIGINT NOT NULL,"                      \
    " PRIMARY KEY (pickup_id, browser_hash));"

#define SEALED_TABLE                                                           \
    "CREATE TABLE sealed ("                                                    \
    " delivery_id TEXT PRIMARY KEY, method TEXT NOT NULL,"                     \
    " key_name TEXT NOT NULL, body_id TEXT NOT NULL,"                          \
    " body_key BYTEA NOT NULL, body_chunks BIGINT NOT NULL,"                   \
    " size BIGINT NOT NULL, made_ms BIGINT NOT NULL);"

/* A key is named by its fingerprint; one key may stand for several owners. */
#define KEYRING_TABLES                                                         \
    "CREATE TABLE keyring ("                                                   \
    " id TEXT PRIMARY KEY, owner TEXT NOT NULL, kind BIGINT NOT NULL,"         \
    " fingerprint TEXT NOT NULL, facts BYTEA NOT NULL,"                        \
    " source BIGINT NOT NULL, state BIGINT NOT NULL, why TEXT NOT NULL,"       \
    " added_ms BIGINT NOT NULL, changed_ms BIGINT NOT NULL,"                   \
    " seen_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL,"                    \
    " announced_days BIGINT NOT NULL, own_private BYTEA NOT NULL,"             \
    " pinned BIGINT NOT NULL);"                                                \
    "CREATE UNIQUE INDEX keyring_owner"                                        \
    " ON keyring (owner, kind, fingerprint);"                                  \
    "CREATE INDEX keyring_fingerprint ON keyring (fingerprint);"               \
    "CREATE TABLE keyring_event ("                                             \
    " key_id TEXT NOT NULL, n BIGINT NOT NULL, at_ms BIGINT NOT NULL,"         \
    " what TEXT NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL,"             \
    " PRIMARY KEY (key_id, n));"                                               \
    "CREATE TABLE keyring_look ("                                              \
    " recipient TEXT PRIMARY KEY, at_ms BIGINT NOT NULL,"                      \
    " found BIGINT NOT NULL);"

static const char tables[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BIGINT NOT "
    "NULL)/*clustered*/;"
    "CREATE TABLE message ("
    " id TEXT PRIMARY KEY, kind BIGINT NOT NULL, received_ms BIGINT NOT NULL,"
    " sender TEXT NOT NULL, size BIGINT NOT NULL, listener TEXT NOT NULL,"
    " account TEXT NOT NULL, client_address TEXT NOT NULL,"
    " client_helo TEXT NOT NULL, protocol TEXT NOT NULL, tls TEXT NOT NULL,"
    " ret TEXT NOT NULL, envid TEXT NOT NULL, flags BIGINT NOT NULL,"
    " body_id TEXT NOT NULL, body_key BYTEA NOT NULL,"
    " body_chunks BIGINT NOT NULL, parent TEXT NOT NULL)/*clustered*/;"
    "CREATE TABLE delivery ("
    " id TEXT PRIMARY KEY, message_id TEXT NOT NULL,"
    " recipient TEXT NOT NULL, domain TEXT NOT NULL, notify BIGINT NOT NULL,"
    " orcpt TEXT NOT NULL, state BIGINT NOT NULL, next_ms BIGINT NOT NULL,"
    " lease_ms BIGINT NOT NULL, fence BIGINT NOT NULL,"
    " attempts BIGINT NOT NULL, floor TEXT NOT NULL, ladder TEXT NOT NULL,"
    " rule TEXT NOT NULL, decision_why TEXT NOT NULL,"
    " orders TEXT NOT NULL, rung BIGINT NOT NULL,"
    " rung_since_ms BIGINT NOT NULL, method TEXT NOT NULL, why TEXT NOT NULL,"
    " delay_sent BIGINT NOT NULL, final_ms BIGINT NOT NULL,"
    " pickup_id TEXT NOT NULL)/*clustered*/;"
    "CREATE INDEX delivery_message ON delivery (message_id);"
    "CREATE INDEX delivery_due ON delivery (next_ms, domain, lease_ms)"
    " WHERE state = 0;"
    "CREATE INDEX delivery_held ON delivery (id) WHERE state = 1;"
    "CREATE INDEX delivery_final ON delivery (final_ms) WHERE final_ms > 0;"
    "CREATE TABLE tally (state  BIGINT PRIMARY KEY, n BIGINT NOT NULL);"
    "CREATE TABLE attempt ("
    " delivery_id TEXT NOT NULL, n BIGINT NOT NULL, at_ms BIGINT NOT NULL,"
    " method TEXT NOT NULL, mx TEXT NOT NULL, address TEXT NOT NULL,"
    " tls_version TEXT NOT NULL, tls_cipher TEXT NOT NULL,"
    " tls_group TEXT NOT NULL, verified_by TEXT NOT NULL,"
    " reply TEXT NOT NULL, result TEXT NOT NULL, why TEXT NOT NULL,"
    " dns_ms BIGINT NOT NULL, connect_ms BIGINT NOT NULL,"
    " tls_ms BIGINT NOT NULL, send_ms BIGINT NOT NULL,"
    " maybe_duplicate BIGINT NOT NULL, PRIMARY KEY (delivery_id, n))"
    "/*clustered*/;"
    "CREATE TABLE frame (body_id TEXT NOT NULL, n BIGINT NOT NULL,"
    " data BYTEA NOT NULL, PRIMARY KEY (body_id, n))/*clustered*/;"
    "CREATE TABLE draft (body_id TEXT PRIMARY KEY,"
    " created_ms BIGINT NOT NULL)/*clustered*/;"
    "CREATE TABLE pickup ("
    " id TEXT PRIMARY KEY, delivery_id TEXT NOT NULL,"
    " recipient TEXT NOT NULL, sender TEXT NOT NULL,"
    " token_hash BYTEA NOT NULL, needs_pin BIGINT NOT NULL,"
    " pin_hash BYTEA NOT NULL, body_id TEXT NOT NULL,"
    " body_key BYTEA NOT NULL, body_chunks BIGINT NOT NULL,"
    " size BIGINT NOT NULL, created_ms BIGINT NOT NULL,"
    " expires_ms BIGINT NOT NULL, first_opened_ms BIGINT NOT NULL,"
    " last_opened_ms BIGINT NOT NULL, state BIGINT NOT NULL);"
    "CREATE UNIQUE INDEX pickup_token ON pickup (token_hash);"
    "CREATE INDEX pickup_delivery ON pickup (delivery_id);"
    "CREATE INDEX pickup_expires ON pickup (expires_ms) WHERE state < 2;"
    "CREATE TABLE counter ("
    " name TEXT PRIMARY KEY, since_ms BIGINT NOT NULL, n BIGINT NOT NULL);"
    "CREATE TABLE session ("
    " cookie_hash BYTEA PRIMARY KEY, pickup_id TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL, used_ms BIGINT NOT NULL);"
    "CREATE TABLE account ("
    " name TEXT PRIMARY KEY, argon2 TEXT NOT NULL, scram TEXT NOT NULL,"
    " senders TEXT NOT NULL, created_ms BIGINT NOT NULL);"
    "CREATE TABLE sts ("
    " domain TEXT PRIMARY KEY, policy_id TEXT NOT NULL, body TEXT NOT NULL,"
    " fetched_ms BIGINT NOT NULL, max_age_s BIGINT NOT NULL);" WATCH_TABLE
        CODE_TABLE SEALED_TABLE KEYRING_TABLES "CREATE TABLE audit ("
    " seq  BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL, kind TEXT NOT NULL,"
    " entry TEXT NOT NULL, salt BYTEA NOT NULL, hash BYTEA NOT NULL);";

struct status schema_create(struct db *db)
{
    struct status st = db_script(db, tables);

    if (!status_is_ok(st))
        return st;
    struct stmt *s =
        db_sql(db, "INSERT INTO meta (name, value) VALUES ('schema', $1)");
    bind_int(s, VERSION);
    return stmt_run(s);
}

static struct status read_version(struct db *db, int64_t *out)
{
    struct stmt *s = db_sql(db, "SELECT value FROM meta WHERE name = 'schema'");

    *out = stmt_row(s) ? col_int(s) : 0;
    return stmt_end(s);
}

/* From 2 to 3: what watched domains were like; a code for each browser (those
 * of the last quarter of an hour are asked for again). The roles start
 * together, so the version is read again inside the transaction: one of them
 * does it. */
static struct status step_to_3(struct db *db)
{
    struct status st = db_begin(db, true);
    int64_t version = 0;

    if (!status_is_ok(st))
        return st;
    st = read_version(db, &version);
    if (status_is_ok(st) && version == 2)
        st = db_script(db, WATCH_TABLE
                       "DROP TABLE code;" CODE_TABLE
                       "UPDATE meta SET value = 3 WHERE name = 'schema';");
    if (status_is_ok(st))
        return db_commit(db);
    db_rollback(db);
    return st;
}

/* From 3 to 4: keys, and messages locked to them. */
static struct status step_to_4(struct db *db)
{
    struct status st = db_begin(db, true);
    int64_t version = 0;

    if (!status_is_ok(st))
        return st;
    st = read_version(db, &version);
    if (status_is_ok(st) && version == 3)
        st = db_script(db, SEALED_TABLE KEYRING_TABLES
                       "UPDATE meta SET value = 4 WHERE name = 'schema';");
    if (status_is_ok(st))
        return db_commit(db);
    db_rollback(db);
    return st;
}

struct status schema_check(struct db *db)
{
    int64_t version = 0;
    struct status st = read_version(db, &version);

    if (status_is_ok(st) && version == 2) {
        st = step_to_3(db);
        if (status_is_ok(st))
            st = read_version(db, &version);
    }
    if (status_is_ok(st) && version == 3) {
        st = step_to_4(db);
        if (status_is_ok(st))
            st = read_version(db, &version);
    }
    if (status_is_ok(st) && version != VERSION)
        st = status_defer("the store has schema %lld, this program needs %d",
                          (long long)version, VERSION);
    return st;
}
