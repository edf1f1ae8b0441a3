/* SPDX-License-Identifier: Apache-2.0 */
/* postseal key list, show, approve, refuse, expire, export. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/key_show.h"
#include "cli/records.h"

static enum cli_exit run_list(struct cli *cli)
{
    const char *owner = cli_value(cli, "owner"),
               *state = cli_value(cli, "state");
    struct keyring_filter filter = {
        .owner = str_from_cstr(owner == NULL ? "" : owner),
        .state = str_from_cstr(state == NULL ? "" : state),
        .own = cli_value(cli, "own") != NULL,
    };
    enum key_state known;
    enum cli_exit code;
    struct arena arena = { 0 };
    struct keyring_key *keys = NULL;
    size_t n = 0;

    if (filter.state.n > 0 && !key_state_parse(filter.state, &known))
        return cli_fail(cli, CLI_USAGE,
                        "--state: '%s' is none of candidate, approved, "
                        "refused, expired, revoked",
                        state);
    struct store *store = records_open(cli, &code);
    if (store == NULL)
        return code;
    struct rx *rx = store_read(store);
    struct status st = keyring_list(rx, &filter, &arena, &keys, &n);
    store_read_done(store, &rx);
    code = status_is_ok(st) ? CLI_OK : cli_fail_status(cli, st);
    if (code == CLI_OK && cli->json) {
        json_t *list = json_array();

        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, key_json(&keys[i]));
        cli_json(list);
    } else if (code == CLI_OK && n == 0) {
        cli_say(cli, "no keys");
    } else if (code == CLI_OK) {
        key_print_table(cli, &arena, keys, n);
    }
    arena_free(&arena);
    store_close(&store);
    return code;
}

/* --- one key ---------------------------------------------------------------
 */

struct one {
    struct cli *cli;
    struct store *store;
    struct arena arena;
    struct keyring_key key;
};

static enum cli_exit find(struct cli *cli, struct one *o)
{
    const char *whose = cli_value(cli, "for");
    enum cli_exit code;
    bool found = false;

    *o = (struct one){ .cli = cli };
    o->store = records_open(cli, &code);
    if (o->store == NULL)
        return code;
    struct rx *rx = store_read(o->store);
    struct status st = keyring_get(rx, str_from_cstr(cli->arguments[0]),
                                   str_from_cstr(whose == NULL ? "" : whose),
                                   &o->arena, &o->key, &found);
    store_read_done(o->store, &rx);
    if (!status_is_ok(st))
        return cli_fail_status(cli, st);
    return found ? CLI_OK
                 : cli_fail(cli, CLI_NO,
                            "no key %s%s%s (postseal key list shows them)",
                            cli->arguments[0], whose == NULL ? "" : " of ",
                            whose == NULL ? "" : whose);
}

static void done(struct one *o)
{
    if (o->store != NULL)
        store_close(&o->store);
    arena_free(&o->arena);
}

static enum cli_exit run_show(struct cli *cli)
{
    struct one o;
    struct keyring_event *events = NULL;
    size_t n = 0;
    enum cli_exit code = find(cli, &o);

    if (code == CLI_OK) {
        struct rx *rx = store_read(o.store);
        struct status st =
            keyring_history(rx, &o.key.id, &o.arena, &events, &n);

        store_read_done(o.store, &rx);
        if (!status_is_ok(st))
            code = cli_fail_status(cli, st);
    }
    if (code == CLI_OK && cli->json) {
        json_t *all = key_json(&o.key);

        json_object_set_new(all, "history", key_history_json(events, n));
        cli_json(all);
    } else if (code == CLI_OK) {
        key_print(&o.arena, &o.key, events, n);
    }
    done(&o);
    return code;
}

static enum cli_exit run_export(struct cli *cli)
{
    struct one o;
    struct buf text = { 0 };
    enum cli_exit code = find(cli, &o);

    if (code == CLI_OK && o.key.facts.bytes.n == 0)
        code = cli_fail(cli, CLI_NO,
                        "this key could not be read: there is "
                        "nothing to export");
    if (code == CLI_OK) {
        key_armour(&o.key.facts, &text);
        fwrite(text.p, 1, text.n, stdout);
    }
    buf_free(&text);
    done(&o);
    return code;
}

/* --- a state ---------------------------------------------------------------
 */

struct change {
    struct id id;
    enum key_state state;
    struct str why, actor;
    bool found;
};

static struct status change_work(struct tx *tx, void *argument)
{
    struct change *c = argument;

    return keyring_set_state(tx, &c->id, c->state, c->why, c->actor, &c->found);
}

static enum cli_exit may_change(const struct one *o, enum key_state state)
{
    if (state != KEY_APPROVED)
        return CLI_OK;
    const struct key_facts *f = &o->key.facts;
    /* It may have ended since somebody read it. */
    bool ended = f->expired || (f->expires_wall_ms > 0 &&
                                f->expires_wall_ms <= clock_wall_ms());

    if (f->refused.n == 0 && !f->revoked && !ended)
        return CLI_OK;
    return cli_fail(o->cli, CLI_NO, "it cannot be approved: %.*s",
                    STR_ARG(f->refused.n > 0 ? f->refused
                            : f->revoked     ? STR("it was revoked")
                                             : STR("it has expired")));
}

static enum cli_exit change(struct cli *cli, enum key_state state)
{
    const char *why = cli_value(cli, "why");
    struct change c = { .state = state,
                        .why = str_from_cstr(why == NULL ? "" : why) };
    struct one o;
    enum cli_exit code = find(cli, &o);

    if (code == CLI_OK)
        code = may_change(&o, state);
    if (code == CLI_OK) {
        c.id = o.key.id;
        c.actor = records_actor(&o.arena);
        struct status st = store_commit(o.store, change_work, &c);
        if (!status_is_ok(st))
            code = cli_fail_status(cli, st);
    }
    if (code == CLI_OK && cli->json)
        cli_json(json_pack("{so,so}", "id", cli_json_str(id_str(&c.id)),
                           "state", cli_json_str(key_state_name(state))));
    if (code == CLI_OK)
        cli_say(cli, "%.*s of %.*s: %.*s",
                STR_ARG(str_first(o.key.facts.fingerprint, 16)),
                STR_ARG(o.key.owner), STR_ARG(key_state_name(state)));
    done(&o);
    return code;
}

static enum cli_exit run_approve(struct cli *cli)
{
    return change(cli, KEY_APPROVED);
}

static enum cli_exit run_refuse(struct cli *cli)
{
    return change(cli, KEY_REFUSED);
}

static enum cli_exit run_expire(struct cli *cli)
{
    return change(cli, KEY_EXPIRED);
}

/* --- rows ------------------------------------------------------------------
 */

static const struct cli_option list_options[] = {
    { "owner", "ADDRESS", false, "Only of this address or domain.", false },
    { "state", "STATE", false,
      "Only candidate, approved, refused, expired or revoked ones.", false },
    { "own", NULL, false, "Only the organisation's own.", false },
    { NULL, NULL, false, NULL, false },
};
#define WHOSE                                                                  \
    {                                                                          \
        "for", "ADDRESS", false, "Whose, where several have the same key.",    \
            false                                                              \
    }
static const struct cli_option whose_options[] = {
    WHOSE,
    { NULL, NULL, false, NULL, false },
};
static const struct cli_option why_options[] = {
    WHOSE,
    { "why", "TEXT", false, "Goes into the key's history.", false },
    { NULL, NULL, false, NULL, false },
};

const struct cli_command cli_key_list = {
    .name = "key list",
    .arguments = "",
    .summary = "Show the keys that are known",
    .details = "A line for each key: whose, which kind, in which state and "
               "from where. The first digits of a fingerprint name a key to "
               "the other commands.",
    .examples = "postseal key list --state candidate\n"
                "postseal key list --owner partner.example",
    .json = true,
    .options = list_options,
    .run = run_list,
};

const struct cli_command cli_key_show = {
    .name = "key show",
    .arguments = "KEY",
    .summary = "Show all about one key, and its history",
    .details = "KEY is an id or a fingerprint, or the first 8 or more digits "
               "of one.",
    .examples = "postseal key show b6fb2fbd1648bdd4",
    .least = 1,
    .most = 1,
    .json = true,
    .options = whose_options,
    .run = run_show,
};

const struct cli_command cli_key_approve = {
    .name = "key approve",
    .arguments = "KEY",
    .summary = "Let a key that was found be used",
    .details = "Compare the fingerprint with its owner first, by phone or "
               "from paper. From then on no key found later takes its place "
               "by itself.",
    .examples = "postseal key approve b6fb2fbd1648bdd4 --why 'read to me by "
                "phone'",
    .least = 1,
    .most = 1,
    .json = true,
    .options = why_options,
    .run = run_approve,
};

const struct cli_command cli_key_refuse = {
    .name = "key refuse",
    .arguments = "KEY",
    .summary = "Never use a key",
    .details = "It stays on the list so that it does not come back as a "
               "candidate.",
    .examples = "postseal key refuse b6fb2fbd1648bdd4 --why 'not hers'",
    .least = 1,
    .most = 1,
    .json = true,
    .options = why_options,
    .run = run_refuse,
};

const struct cli_command cli_key_expire = {
    .name = "key expire",
    .arguments = "KEY",
    .summary = "Use a key no more from now on",
    .details = "As if its time were over: the next rung is taken for its "
               "owner until another key is approved.",
    .examples = "postseal key expire b6fb2fbd1648bdd4 --why 'left the firm'",
    .least = 1,
    .most = 1,
    .json = true,
    .options = why_options,
    .run = run_expire,
};

const struct cli_command cli_key_export = {
    .name = "key export",
    .arguments = "KEY",
    .summary = "Write the public part of a key",
    .details = "OpenPGP in ASCII armour, certificates as PEM, on standard "
               "output. Private keys never leave the sealer.",
    .examples = "postseal key export b6fb2fbd1648bdd4 > ann.asc",
    .least = 1,
    .most = 1,
    .options = whose_options,
    .run = run_export,
};
