/* SPDX-License-Identifier: Apache-2.0 */
/* postseal pickup list|recall|extend */
#include "cli/commands.h"
#include "cli/records.h"

#include "base/clock.h"
#include "policy/value.h"

enum { PAGE = 200 };

static json_t *pickup_json(const struct pickup *p)
{
    return json_pack("{so,so,so,so,so,so,so,so,so,sb,sI}", "id",
                     cli_json_str(id_str(&p->id)), "delivery",
                     cli_json_str(id_str(&p->delivery_id)), "recipient",
                     cli_json_str(p->recipient), "from", cli_json_str(p->from),
                     "state", cli_json_str(pickup_state_name(p->state)),
                     "created_at", records_time(p->created_wall_ms),
                     "expires_at", records_time(p->expires_wall_ms),
                     "first_opened_at", records_time(p->first_opened_wall_ms),
                     "last_opened_at", records_time(p->last_opened_wall_ms),
                     "needs_pin", p->needs_pin ? 1 : 0, "size",
                     (json_int_t)p->size_bytes);
}

static void print_pickups(const struct cli *cli, struct arena *arena,
                          const struct pickup *all, size_t n)
{
    static const char *const headings[] = { "id",    "recipient", "from",
                                            "state", "created",   "expires",
                                            "opened" };
    struct str *cells = arena_array(arena, n * 7, sizeof(*cells));

    for (size_t i = 0; i < n; i++) {
        struct str *c = &cells[i * 7];

        c[0] = id_str(&all[i].id);
        c[1] = all[i].recipient;
        c[2] = all[i].from;
        c[3] = pickup_state_name(all[i].state);
        c[4] = records_when(arena, all[i].created_wall_ms);
        c[5] = records_when(arena, all[i].expires_wall_ms);
        c[6] = records_when(arena, all[i].first_opened_wall_ms);
    }
    cli_table(cli, headings, 7, cells, n);
}

static enum cli_exit run_list(struct cli *cli)
{
    struct pickup_filter filter = {
        .state = str_from_cstr(cli_value(cli, "state")),
        .recipient = str_from_cstr(cli_value(cli, "recipient")),
        .after = str_from_cstr(cli_value(cli, "after")),
        .limit = PAGE,
    };
    enum cli_exit code;
    struct store *store = records_open(cli, &code);
    struct arena arena = { 0 };
    struct pickup *all = NULL;
    struct status st;
    struct rx *rx;
    size_t n = 0;

    if (store == NULL)
        return code;
    rx = store_read(store);
    st = pickup_list(rx, &filter, &arena, &all, &n);
    store_read_done(store, &rx);
    code = status_is_ok(st) ? CLI_OK : cli_fail_status(cli, st);
    if (code == CLI_OK && cli->json) {
        json_t *list = json_array();

        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, pickup_json(&all[i]));
        cli_json(list);
    } else if (code == CLI_OK && n == 0) {
        cli_say(cli, "no pickups");
    } else if (code == CLI_OK) {
        print_pickups(cli, &arena, all, n);
    }
    arena_free(&arena);
    store_close(&store);
    return code;
}

struct change {
    struct str id, actor;
    int64_t expires_wall_ms; /* 0: recall */
    size_t changed;
};

static struct status change_work(struct tx *tx, void *argument)
{
    struct change *c = argument;

    if (c->expires_wall_ms == 0)
        return pickup_recall(tx, c->id, c->actor, &c->changed);
    return pickup_extend(tx, c->id, c->expires_wall_ms, c->actor, &c->changed);
}

static enum cli_exit change(struct cli *cli, int64_t expires_wall_ms,
                            const char *done)
{
    struct change c = { .id = str_from_cstr(cli->arguments[0]),
                        .expires_wall_ms = expires_wall_ms };
    enum cli_exit code = CLI_USAGE;
    struct store *store =
        records_is_id(cli, cli->arguments[0]) ? records_open(cli, &code) : NULL;
    struct arena arena = { 0 };
    struct status st;

    if (store == NULL)
        return code;
    c.actor = records_actor(&arena);
    st = store_commit(store, change_work, &c);
    store_close(&store);
    arena_free(&arena);
    if (!status_is_ok(st))
        return cli_fail_status(cli, st);
    if (c.changed == 0)
        return cli_fail(cli, CLI_NO,
                        "no live pickup %s would be changed by this",
                        cli->arguments[0]);
    if (cli->json)
        cli_json(json_pack("{sI}", "changed", (json_int_t)c.changed));
    cli_say(cli, "%s: %s", cli->arguments[0], done);
    return CLI_OK;
}

static enum cli_exit run_recall(struct cli *cli)
{
    return change(cli, 0, "recalled; the content is destroyed");
}

static enum cli_exit run_extend(struct cli *cli)
{
    struct str text = str_from_cstr(cli_value(cli, "by"));
    int64_t by_ms = 0;

    if (text.n == 0)
        text = STR("30d");
    if (value_duration(text, &by_ms) != NULL || by_ms <= 0)
        return cli_fail(cli, CLI_USAGE, "--by takes a time such as 14d");
    return change(cli, clock_wall_ms() + by_ms, "extended");
}

static const struct cli_option list_options[] = {
    { "state", "STATE", false, "waiting, opened, recalled or expired." },
    { "recipient", "ADDRESS", false, "Only this reader's." },
    { "after", "ID", false, "Only what comes after this id (next page)." },
    { NULL, NULL, false, NULL },
};

static const struct cli_option extend_options[] = {
    { "by", "TIME", false, "From now; default 30d." },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_pickup_list = {
    .name = "pickup list",
    .arguments = "",
    .summary = "List what waits in the portal",
    .details = "Lists messages in the portal with the times they were made, "
               "opened and will end. JSON: a list of objects with id, "
               "delivery, recipient, from, state, created_at, expires_at, "
               "first_opened_at, last_opened_at, needs_pin, size.",
    .json = true,
    .options = list_options,
    .run = run_list,
};

const struct cli_command cli_pickup_recall = {
    .name = "pickup recall",
    .arguments = "ID",
    .summary = "Take a message out of the portal",
    .details = "Destroys the content and its key at once; the reader is told "
               "that the sender took it back. ID is that of a pickup, a "
               "delivery or a message. JSON: changed.",
    .least = 1,
    .most = 1,
    .json = true,
    .run = run_recall,
};

const struct cli_command cli_pickup_extend = {
    .name = "pickup extend",
    .arguments = "ID",
    .summary = "Keep a message in the portal for longer",
    .details =
        "Moves the end of a pickup that has not ended yet; never to "
        "an earlier time. Also forgets how often codes were asked for and "
        "tried, for a reader who was locked out. JSON: "
        "changed.",
    .least = 1,
    .most = 1,
    .json = true,
    .options = extend_options,
    .run = run_extend,
};
