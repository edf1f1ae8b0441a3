/* SPDX-License-Identifier: Apache-2.0 */
/* postseal message show: the whole story of one message. */
#include "cli/commands.h"
#include "cli/records.h"

static void print_field(const char *name, struct str value)
{
    if (value.n > 0)
        printf("%-10s %.*s\n", name, STR_ARG(value));
}

static void print_attempt(struct arena *arena, const struct attempt *a)
{
    struct str reply = records_safe(arena, a->reply);
    struct str why = records_safe(arena, a->why);
    struct str when = records_when(arena, a->at_wall_ms);

    printf("    %.*s  %.*s %.*s", STR_ARG(when), STR_ARG(a->method),
           STR_ARG(a->result));
    if (a->mx.n > 0)
        printf("  %.*s [%.*s]", STR_ARG(a->mx), STR_ARG(a->address));
    if (a->tls_version.n > 0)
        printf("  %.*s %.*s", STR_ARG(a->tls_version), STR_ARG(a->tls_cipher));
    if (a->verified_by.n > 0)
        printf("  verified by %.*s", STR_ARG(a->verified_by));
    putchar('\n');
    if (a->reply.n > 0)
        printf("      they said  %.*s\n", STR_ARG(reply));
    if (a->why.n > 0 && !str_eq(a->why, a->reply))
        printf("      because    %.*s\n", STR_ARG(why));
    if (a->maybe_duplicate)
        printf("      may be a second copy: an earlier attempt was cut off\n");
}

static void print_delivery(struct rx *rx, struct arena *arena,
                           const struct delivery *d)
{
    struct str state = delivery_state_name(d->state);
    struct attempt *attempts = NULL;
    size_t n = 0;

    printf("\n%.*s  %.*s%s%.*s\n", STR_ARG(records_safe(arena, d->recipient)),
           STR_ARG(state), d->method.n > 0 ? " by " : "", STR_ARG(d->method));
    printf("  id %s\n", d->id.text);
    if (d->floor.n > 0)
        printf("  floor %.*s, ladder %.*s, by rule \"%.*s\"\n",
               STR_ARG(d->floor), STR_ARG(d->ladder), STR_ARG(d->rule));
    if (d->why.n > 0)
        printf("  why   %.*s\n", STR_ARG(records_safe(arena, d->why)));
    if (d->state == DELIVERY_QUEUED)
        printf("  next  %.*s\n", STR_ARG(records_when(arena, d->next_wall_ms)));
    if (d->pickup_id.text[0] != '\0')
        printf("  pickup %s\n", d->pickup_id.text);
    queue_attempts(rx, &d->id, arena, &attempts, &n);
    for (size_t i = 0; i < n; i++)
        print_attempt(arena, &attempts[i]);
}

static void print_message(struct rx *rx, struct arena *arena,
                          const struct message *m, const struct delivery *d,
                          size_t n)
{
    print_field("message", id_str(&m->id));
    print_field("from",
                m->from.n > 0 ? records_safe(arena, m->from) : STR("<>"));
    print_field("received", records_when(arena, m->received_wall_ms));
    print_field("size", arena_printf(arena, "%llu octets",
                                     (unsigned long long)m->size_bytes));
    print_field("client", m->client_address);
    print_field("tls", m->tls);
    print_field("user", m->user);
    for (size_t i = 0; i < n; i++)
        print_delivery(rx, arena, &d[i]);
}

enum cli_exit message_show_run(struct cli *cli)
{
    enum cli_exit code = CLI_USAGE;
    struct store *store =
        records_is_id(cli, cli->arguments[0]) ? records_open(cli, &code) : NULL;
    struct arena arena = { 0 };
    struct delivery *deliveries = NULL;
    struct message message = { 0 };
    struct status st;
    struct rx *rx;
    bool found = false;
    size_t n = 0;

    if (store == NULL)
        return code;
    rx = store_read(store);
    st = queue_find(rx, str_from_cstr(cli->arguments[0]), &arena, &message,
                    &deliveries, &n, &found);
    code = CLI_OK;
    if (!status_is_ok(st))
        code = cli_fail_status(cli, st);
    else if (!found)
        code = cli_fail(cli, CLI_NO,
                        "no message, recipient or pickup has the id %s",
                        cli->arguments[0]);
    else if (cli->json)
        cli_json(records_message(rx, &arena, &message, deliveries, n));
    else
        print_message(rx, &arena, &message, deliveries, n);
    store_read_done(store, &rx);
    arena_free(&arena);
    store_close(&store);
    return code;
}

const struct cli_command cli_message_show = {
    .name = "message show",
    .arguments = "ID",
    .summary = "Tell the whole story of one message",
    .details = "Shows when a message came, from whom, and for each recipient "
               "the floor, the ladder, the rule, every attempt with its TLS "
               "evidence, and the outcome. ID is that of a message, of one "
               "recipient's delivery, or of a pickup; the start of one will "
               "do. Never shows content. JSON: id, kind, from, received_at, "
               "size, recipients[] with recipient, floor, ladder[], rule, "
               "state, method, why, attempts[] with at, method, mx, address, "
               "tls{version,cipher,group,verified_by}, reply, result.",
    .least = 1,
    .most = 1,
    .json = true,
    .run = message_show_run,
};
