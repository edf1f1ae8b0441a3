/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thin layer under all SQL: a connection and prepared statements. SQLite
 * today; PostgreSQL fits the same calls. Above it stands only SQL that both
 * speak: $1 parameters, BIGINT, TEXT, BYTEA, ON CONFLICT, RETURNING.
 */
#ifndef POSTSEAL_STORE_DRIVER_H
#define POSTSEAL_STORE_DRIVER_H

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

struct db;
struct stmt;

enum db_use { DB_READ, DB_WRITE, DB_CREATE };

/* The file is data_dir/postseal.db, or postseal.db in the working directory
 * for data_dir "". */
struct status db_open(const char *data_dir, enum db_use use, struct db **out);
void db_close(struct db **db);

/* A write transaction; durable: on disk when db_commit returns. */
struct status db_begin(struct db *db, bool durable);
struct status db_commit(struct db *db);
void db_rollback(struct db *db);
/* The disk broke a promise (failed sync): nothing here is believed again. */
bool db_is_broken(const struct db *db);
/* Moves the log into the database. Pages left in it, as far as known; negative
 * when somebody was busy. */
enum db_checkpoint {
    DB_CHECKPOINT_BESIDE,  /* what can be moved beside writers and readers */
    DB_CHECKPOINT_RESTART, /* all, writers wait; the log begins anew */
    DB_CHECKPOINT_EMPTY,   /* all, if nobody is busy; its file is emptied */
};
int db_checkpoint(struct db *db, enum db_checkpoint how);
/* Pages in the log after our newest commit; any thread may ask. */
int db_log_pages(const struct db *db);

/* Several statements without parameters (the schema). A comment "clustered"
 * behind a table asks for rows kept in the order of its primary key. */
struct status db_script(struct db *db, const char *sql);

/*
 * A statement; prepared once per connection. sql must be a literal: its
 * address is the key. Bind the parameters in order, then stmt_run, or
 * stmt_row until it is false and stmt_end.
 */
struct stmt *db_sql(struct db *db, const char *sql);
void bind_text(struct stmt *s, struct str value);
void bind_blob(struct stmt *s, struct str value);
void bind_int(struct stmt *s, int64_t value);

bool stmt_row(struct stmt *s);
/* Columns of the current row, read in order; text and blobs in arena. */
struct str col_text(struct stmt *s, struct arena *arena);
struct str col_blob(struct stmt *s, struct arena *arena);
int64_t col_int(struct stmt *s);
/* Ready for the next use; the fate of the whole run. */
struct status stmt_end(struct stmt *s);
struct status stmt_run(struct stmt *s);
/* Rows changed by the newest statement. */
size_t db_changes(struct db *db);

#endif
