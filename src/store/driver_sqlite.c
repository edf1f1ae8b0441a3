/* SPDX-License-Identifier: Apache-2.0 */
#include "store/driver.h"

#include "base/log.h"
#include "base/panic.h"
#include "store/turn.h"
#include "store/vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STATEMENTS_MAX = 96,
    PARAMETERS_MAX = 32,
    OLDEST_SAFE = 3051003, /* older ones can lose data in WAL mode */
    BUSY_STEP_US = 100,
    BUSY_SHORT_STEPS = 300,
    BUSY_LIMIT_US = 15000000,
};

struct stmt {
    struct db *db;
    const char *sql;
    sqlite3_stmt *raw;
    int place[PARAMETERS_MAX + 1]; /* of $n: SQLite takes it for a name */
    int at;                        /* next parameter or column */
    int result;                    /* of the newest step */
};

struct db {
    sqlite3 *raw;
    struct stmt statements[STATEMENTS_MAX];
    size_t statements_n;
    bool durable; /* what PRAGMA synchronous says now */
    bool broken;
    uint64_t waited_us;
    struct turn turn;
    _Atomic int log_pages;
};

/* Other processes write too; they hold the lock for a few milliseconds. */
static int on_busy(void *context, int count)
{
    struct db *db = context;
    unsigned step = BUSY_STEP_US * (unsigned)(count < 20 ? count + 1 : 20);

    if (count == 0)
        db->waited_us = 0;
    if (db->waited_us > BUSY_LIMIT_US)
        return 0;
    usleep(step);
    db->waited_us += step;
    return 1;
}

/* For the checkpoint that holds up writers: now or next time. */
static int on_busy_short(void *context, int count)
{
    (void)context;
    usleep(BUSY_STEP_US);
    return count < BUSY_SHORT_STEPS;
}

static struct status fault(struct db *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return status_make(452, "4.3.1", "the store's disk is full");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return status_make(451, "4.3.0", "the store is busy");
    case SQLITE_CONSTRAINT:
        return status_make(451, "4.3.5", "the store refused: %s",
                           sqlite3_errmsg(db->raw));
    default:
        return status_make(451, "4.3.0", "store fault: %s",
                           sqlite3_errmsg(db->raw));
    }
}

/* A failed sync means that pages may be lost although they look written; a
 * later sync that succeeds proves nothing (QD-05). */
static void note_sync(struct db *db, int code)
{
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC ||
        (code & 0xff) == SQLITE_CORRUPT)
        db->broken = true;
}

static struct status script(struct db *db, const char *sql)
{
    int code = sqlite3_exec(db->raw, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? status_ok() : fault(db, code);
}

/* In a schema: tables without a hidden key of SQLite's own beside theirs. */
static void replace(char *text, const char *from, const char *to)
{
    size_t n = strlen(from);

    if (strlen(to) != n)
        panic("store: '%s' and '%s' differ in length", from, to);
    for (char *at = strstr(text, from); at != NULL; at = strstr(at, from))
        memcpy(at, to, n);
}

struct status db_script(struct db *db, const char *sql)
{
    char *text = strdup(sql);
    struct status st;

    if (text == NULL)
        panic("out of memory");
    replace(text, "/*clustered*/", "WITHOUT ROWID");
    replace(text, " BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY");
    st = script(db, text);
    free(text);
    return st;
}

static int on_commit_logged(void *context, sqlite3 *raw, const char *name,
                            int pages)
{
    (void)raw;
    (void)name;
    ((struct db *)context)->log_pages = pages;
    return SQLITE_OK;
}

int db_log_pages(const struct db *db)
{
    return db->log_pages;
}

static struct status set_up(struct db *db, enum db_use use)
{
    struct status st;

    sqlite3_extended_result_codes(db->raw, 1);
    sqlite3_busy_handler(db->raw, on_busy, db);
    /* The committer checkpoints at moments of its choosing. */
    sqlite3_wal_hook(db->raw, on_commit_logged, db);
    sqlite3_db_config(db->raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    /* Or a parameter that could match a partial index has its statement
     * prepared again at every use. */
    sqlite3_db_config(db->raw, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    /* Fast: what is deleted inside a page is zeroed (wrapped keys), whole
     * pages that become free are not: they hold sealed frames alone, which
     * nobody can open without that key. */
    st = script(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                    "PRAGMA secure_delete=FAST; PRAGMA foreign_keys=OFF;"
                    "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
                    "PRAGMA cache_size=-4000;");
    db->durable = true;
    if (status_is_ok(st) && use == DB_READ)
        st = script(db, "PRAGMA query_only=ON; PRAGMA cache_size=-1000;");
    return st;
}

static void path_of(const char *data_dir, char out[1024])
{
    int n = data_dir[0] == '\0'
                ? snprintf(out, 1024, "postseal.db")
                : snprintf(out, 1024, "%s/postseal.db", data_dir);

    if (n < 0 || n >= 1024)
        panic("data directory name is too long");
}

struct status db_open(const char *data_dir, enum db_use use, struct db **out)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                (use == DB_CREATE ? SQLITE_OPEN_CREATE : 0);
    struct db *db = calloc(1, sizeof(*db));
    struct status st;
    char path[1024];
    int code;

    if (db == NULL)
        panic("out of memory");
    if (sqlite3_libversion_number() < OLDEST_SAFE)
        panic("SQLite %s can lose data in WAL mode: 3.51.3 is needed",
              sqlite3_libversion());
    path_of(data_dir, path);
    db->turn.fd = -1;
    vfs_register();
    code = sqlite3_open_v2(path, &db->raw, flags, VFS_NAME);
    st = code == SQLITE_OK ? set_up(db, use)
                           : status_defer("cannot open the store %s: %s", path,
                                          sqlite3_errstr(code));
    if (!status_is_ok(st))
        db_close(&db);
    else if (use != DB_READ)
        db->turn = turn_open(path);
    *out = db;
    return st;
}

void db_close(struct db **db)
{
    if (*db == NULL)
        return;
    for (size_t i = 0; i < (*db)->statements_n; i++)
        sqlite3_finalize((*db)->statements[i].raw);
    sqlite3_close((*db)->raw);
    turn_close(&(*db)->turn);
    free(*db);
    *db = NULL;
}

bool db_is_broken(const struct db *db)
{
    return db->broken;
}

static void set_durable(struct db *db, bool durable)
{
    if (db->durable == durable)
        return;
    /* In WAL mode NORMAL leaves out the sync of the log at commit. */
    script(db,
           durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    db->durable = durable;
}

struct status db_begin(struct db *db, bool durable)
{
    struct status st;

    if (db->broken)
        return status_defer("the store's disk failed: restart needed");
    set_durable(db, durable);
    turn_take(&db->turn);
    st = stmt_run(db_sql(db, "BEGIN IMMEDIATE"));
    if (!status_is_ok(st))
        turn_give(&db->turn);
    return st;
}

struct status db_commit(struct db *db)
{
    struct status st = stmt_run(db_sql(db, "COMMIT"));

    turn_give(&db->turn);
    return st;
}

void db_rollback(struct db *db)
{
    if (sqlite3_get_autocommit(db->raw) == 0)
        stmt_run(db_sql(db, "ROLLBACK"));
    turn_give(&db->turn);
}

int db_checkpoint(struct db *db, enum db_checkpoint how)
{
    static const int modes[] = {
        [DB_CHECKPOINT_BESIDE] = SQLITE_CHECKPOINT_PASSIVE,
        [DB_CHECKPOINT_RESTART] = SQLITE_CHECKPOINT_RESTART,
        [DB_CHECKPOINT_EMPTY] = SQLITE_CHECKPOINT_TRUNCATE,
    };
    int log = 0, copied = 0, code;

    sqlite3_busy_handler(
        db->raw, how == DB_CHECKPOINT_RESTART ? on_busy_short : NULL, db);
    if (how == DB_CHECKPOINT_RESTART)
        turn_take(&db->turn);
    code = sqlite3_wal_checkpoint_v2(db->raw, NULL, modes[how], &log, &copied);
    if (how == DB_CHECKPOINT_RESTART)
        turn_give(&db->turn);
    if (code != SQLITE_OK)
        note_sync(db, code);
    if (code != SQLITE_OK)
        return -1;
    return log > copied ? log - copied : 0;
}

static void prepare(struct stmt *s)
{
    char name[8];

    if (sqlite3_prepare_v3(s->db->raw, s->sql, -1, SQLITE_PREPARE_PERSISTENT,
                           &s->raw, NULL) != SQLITE_OK) {
        log_event(LOG_ERROR, "store.prepare_failed",
                  LOG_CSTR("why", sqlite3_errmsg(s->db->raw)));
        s->raw = NULL;
        return;
    }
    if (sqlite3_bind_parameter_count(s->raw) > PARAMETERS_MAX)
        panic("store: too many parameters: %s", s->sql);
    for (int n = 1; n <= PARAMETERS_MAX; n++) {
        snprintf(name, sizeof(name), "$%d", n);
        s->place[n] = sqlite3_bind_parameter_index(s->raw, name);
    }
}

static struct stmt *add(struct db *db, const char *sql)
{
    struct stmt *s = &db->statements[db->statements_n];

    if (db->statements_n == STATEMENTS_MAX)
        panic("store: too many different statements");
    *s = (struct stmt){ .db = db, .sql = sql };
    db->statements_n++;
    return s;
}

struct stmt *db_sql(struct db *db, const char *sql)
{
    struct stmt *s = NULL;

    for (size_t i = 0; i < db->statements_n && s == NULL; i++)
        if (db->statements[i].sql == sql)
            s = &db->statements[i];
    if (s == NULL)
        s = add(db, sql);
    if (s->raw == NULL) /* new, or a fault that is perhaps mended by now */
        prepare(s);
    s->at = 1;
    s->result = SQLITE_OK;
    return s;
}

static int next_place(struct stmt *s)
{
    if (s->at > PARAMETERS_MAX)
        panic("store: too many parameters: %s", s->sql);
    return s->place[s->at++];
}

void bind_text(struct stmt *s, struct str value)
{
    sqlite3_bind_text64(s->raw, next_place(s), value.n == 0 ? "" : value.p,
                        value.n, SQLITE_STATIC, SQLITE_UTF8);
}

void bind_blob(struct stmt *s, struct str value)
{
    sqlite3_bind_blob64(s->raw, next_place(s), value.n == 0 ? "" : value.p,
                        value.n, SQLITE_STATIC);
}

void bind_int(struct stmt *s, int64_t value)
{
    sqlite3_bind_int64(s->raw, next_place(s), value);
}

bool stmt_row(struct stmt *s)
{
    s->at = 0;
    s->result = s->raw == NULL ? SQLITE_ERROR : sqlite3_step(s->raw);
    return s->result == SQLITE_ROW;
}

struct str col_blob(struct stmt *s, struct arena *arena)
{
    const void *p = sqlite3_column_blob(s->raw, s->at);
    int n = sqlite3_column_bytes(s->raw, s->at);

    s->at++;
    return str_keep(arena, str_of(p, n < 0 ? 0 : (size_t)n));
}

struct str col_text(struct stmt *s, struct arena *arena)
{
    return col_blob(s, arena);
}

int64_t col_int(struct stmt *s)
{
    return sqlite3_column_int64(s->raw, s->at++);
}

struct status stmt_end(struct stmt *s)
{
    struct status st = status_ok();

    if (s->result != SQLITE_DONE && s->result != SQLITE_ROW &&
        s->result != SQLITE_OK) {
        st = fault(s->db, s->raw == NULL ? SQLITE_ERROR : s->result);
        note_sync(s->db, s->result);
    }
    if (s->raw != NULL) {
        sqlite3_reset(s->raw);
        sqlite3_clear_bindings(s->raw);
    }
    return st;
}

struct status stmt_run(struct stmt *s)
{
    while (stmt_row(s))
        continue;
    return stmt_end(s);
}

size_t db_changes(struct db *db)
{
    return (size_t)sqlite3_changes(db->raw);
}
