/* SPDX-License-Identifier: Apache-2.0 */
/* postseal user add, list, remove: SMTP AUTH accounts. */
#include "store/user.h"

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/records.h"
#include "policy/value.h"
#include "seal/password.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 200, PASSWORD_MIN = 8 };

/* One line, without its end; false at the end of the input or when it does
 * not fit. Nothing of it stays in a stdio buffer. */
static bool read_line(struct secret *out)
{
    out->n = 0;
    for (;;) {
        unsigned char c;
        ssize_t n = read(STDIN_FILENO, &c, 1);

        if (n <= 0)
            return n == 0 && out->n > 0;
        if (c == '\n')
            break;
        if (out->n == SECRET_MAX)
            return false;
        out->bytes[out->n++] = c;
    }
    if (out->n > 0 && out->bytes[out->n - 1] == '\r')
        out->n--;
    return true;
}

static bool ask(const char *prompt, struct secret *out)
{
    struct termios old, silent;
    bool ok;

    fputs(prompt, stderr);
    if (tcgetattr(STDIN_FILENO, &old) != 0)
        return false;
    silent = old;
    silent.c_lflag &= (tcflag_t)~ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    ok = read_line(out);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    fputc('\n', stderr);
    return ok;
}

static enum cli_exit read_password(const struct cli *cli, struct secret *out)
{
    struct secret again;
    bool same;

    if (!isatty(STDIN_FILENO)) {
        if (!read_line(out))
            return cli_fail(cli, CLI_USAGE,
                            "the password is read from standard input, which "
                            "has none");
    } else {
        if (!ask("password: ", out) || !ask("once more: ", &again))
            return cli_fail(cli, CLI_USAGE, "no password was given");
        same = secret_eq(out, &again);
        secret_wipe(&again);
        if (!same)
            return cli_fail(cli, CLI_USAGE, "these are two passwords");
    }
    if (out->n < PASSWORD_MIN)
        return cli_fail(cli, CLI_USAGE, "a password has %d octets or more",
                        (int)PASSWORD_MIN);
    return CLI_OK;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 127)
            return false;
    return name.n > 0 && name.n <= NAME_MAX_BYTES;
}

struct change {
    struct user user;
    bool found;
};

static struct status add_work(struct tx *tx, void *argument)
{
    struct change *c = argument;

    return user_add(tx, &c->user);
}

static struct status remove_work(struct tx *tx, void *argument)
{
    struct change *c = argument;

    return user_remove(tx, c->user.name, &c->found);
}

static enum cli_exit commit(const struct cli *cli, store_work *work,
                            struct change *change)
{
    enum cli_exit code;
    struct store *store = records_open(cli, &code);
    struct status st;

    if (store == NULL)
        return code;
    st = store_commit(store, work, change);
    store_close(&store);
    return status_is_ok(st) ? CLI_OK : cli_fail_status(cli, st);
}

static enum cli_exit read_senders(const struct cli *cli, struct str *out,
                                  struct user *user)
{
    char **list = cli_values(cli, "senders", &user->senders_n);

    for (size_t i = 0; i < user->senders_n; i++) {
        out[i] = str_from_cstr(list[i]);
        if (value_pattern(out[i]) != NULL)
            return cli_fail(cli, CLI_USAGE, "'%s' is not %s", list[i],
                            value_pattern(out[i]));
    }
    user->senders = out;
    return CLI_OK;
}

static enum cli_exit make_verifiers(const struct cli *cli, struct buf *argon2,
                                    struct buf *scram)
{
    struct secret password = { .n = 0 };
    enum cli_exit code = read_password(cli, &password);
    struct status st = status_ok();

    if (code == CLI_OK)
        st = password_argon2_make(&password, argon2);
    if (code == CLI_OK && status_is_ok(st) && cli_value(cli, "scram") != NULL)
        st = password_scram_make(&password, scram);
    secret_wipe(&password);
    return status_is_ok(st) ? code : cli_fail_status(cli, st);
}

static enum cli_exit run_add(struct cli *cli)
{
    struct str senders[256];
    struct buf argon2 = { 0 }, scram = { 0 };
    struct change c = { .user.name = str_from_cstr(cli->arguments[0]) };
    enum cli_exit code;

    cli_values(cli, "senders", &c.user.senders_n);
    if (!is_name(c.user.name) || c.user.senders_n > 256)
        return cli_fail(cli, CLI_USAGE,
                        "a name has no blanks and at most %d octets; up to 256 "
                        "senders",
                        (int)NAME_MAX_BYTES);
    code = read_senders(cli, senders, &c.user);
    if (code == CLI_OK)
        code = make_verifiers(cli, &argon2, &scram);
    c.user.argon2 = buf_str(&argon2);
    c.user.scram = buf_str(&scram);
    c.user.created_wall_ms = clock_wall_ms();
    if (code == CLI_OK)
        code = commit(cli, add_work, &c);
    buf_wipe(&argon2);
    buf_wipe(&scram);
    if (code == CLI_OK && cli->json)
        cli_json(json_pack("{so}", "added", cli_json_str(c.user.name)));
    if (code == CLI_OK)
        cli_say(cli, "added %.*s", STR_ARG(c.user.name));
    return code;
}

static enum cli_exit run_remove(struct cli *cli)
{
    struct change c = { .user.name = str_from_cstr(cli->arguments[0]) };
    enum cli_exit code = commit(cli, remove_work, &c);

    if (code != CLI_OK)
        return code;
    if (!c.found)
        return cli_fail(cli, CLI_NO,
                        "there is no account %s (postseal user list)",
                        cli->arguments[0]);
    if (cli->json)
        cli_json(json_pack("{so}", "removed", cli_json_str(c.user.name)));
    cli_say(cli, "removed %.*s", STR_ARG(c.user.name));
    return CLI_OK;
}

static void print_json(const struct user *users, size_t n)
{
    json_t *list = json_array();
    char time[CLOCK_ISO_SIZE];

    for (size_t i = 0; i < n; i++) {
        json_t *senders = json_array();

        for (size_t k = 0; k < users[i].senders_n; k++)
            json_array_append_new(senders, cli_json_str(users[i].senders[k]));
        clock_iso(users[i].created_wall_ms, time);
        json_array_append_new(list,
                              json_pack("{so sb so ss}", "name",
                                        cli_json_str(users[i].name), "scram",
                                        users[i].scram.n > 0, "senders",
                                        senders, "created_at", time));
    }
    cli_json(list);
}

static void print_table(const struct cli *cli, const struct user *users,
                        size_t n)
{
    static const char *const headings[] = { "account", "scram", "created",
                                            "senders" };
    struct arena arena = { 0 };
    struct str *cells = arena_array(&arena, n * 4, sizeof(*cells));

    for (size_t i = 0; i < n; i++) {
        char time[CLOCK_ISO_SIZE];
        struct buf senders = { 0 };

        for (size_t k = 0; k < users[i].senders_n; k++)
            buf_addf(&senders, "%s%.*s", k == 0 ? "" : " ",
                     STR_ARG(users[i].senders[k]));
        cells[i * 4] = users[i].name;
        cells[i * 4 + 1] = users[i].scram.n > 0 ? STR("yes") : STR("no");
        cells[i * 4 + 2] =
            str_keep(&arena, clock_iso(users[i].created_wall_ms, time));
        cells[i * 4 + 3] = str_keep(&arena, buf_str(&senders));
        buf_free(&senders);
    }
    cli_table(cli, headings, 4, cells, n);
    arena_free(&arena);
}

static enum cli_exit run_list(struct cli *cli)
{
    enum cli_exit code;
    struct store *store = records_open(cli, &code);
    struct arena arena = { 0 };
    struct user *users = NULL;
    struct status st;
    struct rx *rx;
    size_t n = 0;

    if (store == NULL)
        return code;
    rx = store_read(store);
    st = user_list(rx, &arena, &users, &n);
    store_read_done(store, &rx);
    if (!status_is_ok(st))
        code = cli_fail_status(cli, st);
    else
        code = CLI_OK;
    if (code == CLI_OK && cli->json)
        print_json(users, n);
    else if (code == CLI_OK)
        print_table(cli, users, n);
    arena_free(&arena);
    store_close(&store);
    return code;
}

static const struct cli_option add_options[] = {
    { "scram", NULL, false,
      "Also keep a SCRAM-SHA-256 verifier, for clients that never send the "
      "password itself." },
    { "senders", "PATTERN", true,
      "Envelope senders the account may use, such as *@clinic.example." },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_user_add = {
    .name = "user add",
    .arguments = "NAME",
    .summary = "Add an account for SMTP AUTH",
    .details = "Adds an account. The password is asked for on a terminal, or "
               "is the first line of standard input: it is never an argument, "
               "where others could see it. Only verifiers are kept "
               "(Argon2id). JSON: added.",
    .examples = "    postseal user add scanner --senders scanner@clinic.example"
                " < password.txt\n",
    .least = 1,
    .most = 1,
    .json = true,
    .options = add_options,
    .run = run_add,
};

const struct cli_command cli_user_list = {
    .name = "user list",
    .arguments = "",
    .summary = "List the accounts",
    .details = "Lists the accounts. JSON: a list of objects with name, scram, "
               "senders[], created_at.",
    .json = true,
    .run = run_list,
};

const struct cli_command cli_user_remove = {
    .name = "user remove",
    .arguments = "NAME",
    .summary = "Remove an account",
    .details = "Removes an account; sessions that are logged in end with their "
               "connection. JSON: removed.",
    .least = 1,
    .most = 1,
    .json = true,
    .run = run_remove,
};
