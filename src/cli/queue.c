/* SPDX-License-Identifier: Apache-2.0 */
/* postseal queue list|show|retry|hold|release|delete */
#include "cli/commands.h"
#include "cli/records.h"

#include <stdlib.h>

enum { PAGE = 200, LIST_MAX = 100000 };

/* --- list --------------------------------------------------------------------
 */

static void print_rows(const struct cli *cli, struct arena *arena,
                       const struct queue_row *rows, size_t n)
{
    static const char *const headings[] = { "id",        "received", "from",
                                            "recipient", "state",    "tries",
                                            "next",      "why" };
    struct str *cells = arena_array(arena, n * 8, sizeof(*cells));

    for (size_t i = 0; i < n; i++) {
        const struct delivery *d = &rows[i].delivery;
        struct str *c = &cells[i * 8];

        c[0] = id_str(&d->id);
        c[1] = records_when(arena, rows[i].received_wall_ms);
        c[2] = rows[i].from.n > 0 ? rows[i].from : STR("<>");
        c[3] = d->recipient;
        c[4] = delivery_state_name(d->state);
        c[5] = arena_printf(arena, "%u", d->attempts);
        c[6] = d->state == DELIVERY_QUEUED
                   ? records_when(arena, d->next_wall_ms)
                   : STR("");
        c[7] = d->why;
    }
    cli_table(cli, headings, 8, cells, n);
}

static json_t *row_json(const struct queue_row *row)
{
    json_t *object = records_delivery(&row->delivery);

    json_object_set_new(object, "message",
                        cli_json_str(id_str(&row->delivery.message_id)));
    json_object_set_new(object, "from", cli_json_str(row->from));
    json_object_set_new(object, "received_at",
                        records_time(row->received_wall_ms));
    json_object_set_new(object, "size",
                        json_integer((json_int_t)row->size_bytes));
    return object;
}

static size_t limit_of(const struct cli *cli)
{
    const char *text = cli_value(cli, "limit");
    uint64_t limit = PAGE;

    if (text != NULL)
        str_to_u64(str_from_cstr(text), LIST_MAX, &limit);
    return (size_t)limit;
}

static enum cli_exit run_list(struct cli *cli)
{
    struct queue_filter filter = {
        .state = str_from_cstr(cli_value(cli, "state")),
        .domain = str_from_cstr(cli_value(cli, "domain")),
        .after = str_from_cstr(cli_value(cli, "after")),
        .limit = limit_of(cli),
    };
    enum cli_exit code;
    struct store *store = records_open(cli, &code);
    struct arena arena = { 0 };
    struct queue_row *rows = NULL;
    struct status st;
    struct rx *rx;
    size_t n = 0;

    if (store == NULL)
        return code;
    rx = store_read(store);
    st = queue_list(rx, &filter, &arena, &rows, &n);
    store_read_done(store, &rx);
    code = status_is_ok(st) ? CLI_OK : cli_fail_status(cli, st);
    if (code == CLI_OK && cli->json) {
        json_t *list = json_array();

        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, row_json(&rows[i]));
        cli_json(list);
    } else if (code == CLI_OK && n == 0) {
        cli_say(cli, "nothing is queued");
    } else if (code == CLI_OK) {
        print_rows(cli, &arena, rows, n);
    }
    arena_free(&arena);
    store_close(&store);
    return code;
}

/* --- retry, hold, release, delete --------------------------------------------
 */

struct act {
    struct str id, actor;
    enum queue_action action;
    size_t changed;
};

static struct status act_work(struct tx *tx, void *argument)
{
    struct act *a = argument;

    return queue_act(tx, a->id, a->action, a->actor, &a->changed);
}

static enum cli_exit act_all(struct cli *cli, enum queue_action action,
                             const char *done, const char *nothing)
{
    enum cli_exit code = CLI_USAGE;
    struct store *store;
    struct arena arena = { 0 };
    size_t total = 0;

    for (size_t i = 0; i < cli->arguments_n; i++)
        if (!records_is_id(cli, cli->arguments[i]))
            return CLI_USAGE;
    store = records_open(cli, &code);
    if (store == NULL)
        return code;
    code = CLI_OK;
    for (size_t i = 0; i < cli->arguments_n; i++) {
        struct act a = { str_from_cstr(cli->arguments[i]),
                         records_actor(&arena), action, 0 };
        struct status st = store_commit(store, act_work, &a);

        total += a.changed;
        if (!status_is_ok(st))
            code = cli_fail_status(cli, st);
        else if (a.changed == 0)
            code = cli_fail(cli, CLI_NO, "%s: %s", cli->arguments[i], nothing);
        else
            cli_say(cli, "%s: %s %zu recipient%s", cli->arguments[i], done,
                    a.changed, a.changed == 1 ? "" : "s");
    }
    if (cli->json)
        cli_json(json_pack("{sI}", "changed", (json_int_t)total));
    arena_free(&arena);
    store_close(&store);
    return code;
}

static enum cli_exit run_retry(struct cli *cli)
{
    return act_all(cli, QUEUE_RETRY, "tries again at once for",
                   "nothing under this id waits for its next try");
}

static enum cli_exit run_hold(struct cli *cli)
{
    return act_all(cli, QUEUE_HOLD, "holds", "nothing is queued under this id");
}

static enum cli_exit run_release(struct cli *cli)
{
    return act_all(cli, QUEUE_RELEASE, "released",
                   "nothing is held under this id");
}

static enum cli_exit run_delete(struct cli *cli)
{
    return act_all(cli, QUEUE_DELETE, "deleted, without notice to the sender,",
                   "nothing is queued or held under this id");
}

/* --- the rows
 * ------------------------------------------------------------------ */

static const struct cli_option list_options[] = {
    { "state", "STATE", false,
      "queued, held, delivered, deposited, failed, expired, deleted or all. "
      "Default: queued and held." },
    { "domain", "DOMAIN", false, "Only recipients of this domain." },
    { "after", "ID", false, "Only what comes after this id (next page)." },
    { "limit", "NUMBER", false, "At most so many rows; default 200." },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_queue_list = {
    .name = "queue list",
    .arguments = "",
    .summary = "List what waits, a recipient a line",
    .details = "Lists recipients that are queued or held, oldest first. JSON: "
               "a list of objects with id, message, from, recipient, state, "
               "floor, ladder[], rule, method, why, tries, next_at, "
               "received_at, size.",
    .examples = "    postseal queue list --domain down.example\n",
    .json = true,
    .options = list_options,
    .run = run_list,
};

const struct cli_command cli_queue_show = {
    .name = "queue show",
    .arguments = "ID",
    .summary = "The same as message show",
    .details = "Shows the message that an id of a message, a recipient's "
               "delivery or a pickup speaks of.",
    .least = 1,
    .most = 1,
    .json = true,
    .run = message_show_run,
};

#define ACT(variable, word, says, how)                                         \
    const struct cli_command variable = {                                      \
        .name = "queue " word,                                                 \
        .arguments = "ID...",                                                  \
        .summary = says,                                                       \
        .details = says ". An id of a message means all its recipients, one "  \
                        "of a delivery that recipient alone; the start of an " \
                        "id will do if no other begins so. Written to the "    \
                        "audit log. JSON: changed.",                           \
        .least = 1,                                                            \
        .most = 1000,                                                          \
        .json = true,                                                          \
        .run = how,                                                            \
    }

ACT(cli_queue_retry, "retry", "Try again at once", run_retry);
ACT(cli_queue_hold, "hold", "Keep from being sent until released", run_hold);
ACT(cli_queue_release, "release", "Let held mail go on", run_release);
ACT(cli_queue_delete, "delete", "Destroy queued mail; the sender is not told",
    run_delete);
