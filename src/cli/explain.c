/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postseal explain: what would happen to a message, recipient by recipient,
 * and why. It decides, looks up and dials through the very code that delivers,
 * up to EHLO and STARTTLS, then QUIT: no MAIL FROM is ever sent.
 */
#include "cli/commands.h"
#include "mail/address.h"
#include "mail/header.h"
#include "role/dispatch/forecast.h"

#include <string.h>

enum { HEADER_MAX = 2 << 20, TIMEOUT_MS = 10000 };

/* --- input ------------------------------------------------------------------
 */

static bool read_header(const char *path, struct buf *out, uint64_t *size)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char block[65536];
    size_t n;

    *size = 0;
    if (file == NULL)
        return false;
    while ((n = fread(block, 1, sizeof(block), file)) > 0) {
        *size += n;
        if (out->n < HEADER_MAX)
            buf_add(out, str_of(block, n));
    }
    bool ok = !ferror(file);
    if (file != stdin)
        fclose(file);
    struct str rest = buf_str(out);
    struct header_field field;
    while (header_next(&rest, &field))
        ;
    out->n -= rest.n; /* reading stops at the empty line */
    return ok;
}

/* --- output -----------------------------------------------------------------
 */

static json_t *texts(const struct forecast_line *line)
{
    json_t *list = json_array();

    for (; line != NULL; line = line->next)
        json_array_append_new(list, cli_json_str(line->text));
    return list;
}

static json_t *ladder_json(struct ladder ladder)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ladder.n; i++)
        json_array_append_new(list, cli_json_str(method_name(ladder.rung[i])));
    return list;
}

static json_t *forecast_json(const struct forecast *f)
{
    json_t *o = json_object();

    json_object_set_new(o, "recipient", cli_json_str(f->recipient));
    json_object_set_new(o, "rule", cli_json_str(f->decision.rule));
    json_object_set_new(o, "rule_line", json_integer(f->decision.rule_line));
    json_object_set_new(o, "floor",
                        cli_json_str(floor_name(f->decision.floor)));
    json_object_set_new(o, "ladder", ladder_json(f->decision.ladder));
    json_object_set_new(o, "method",
                        f->has_method ? cli_json_str(method_name(f->method))
                                      : json_null());
    json_object_set_new(o, "later", json_boolean(f->later));
    json_object_set_new(o, "why", cli_json_str(f->why));
    json_object_set_new(o, "rules", texts(f->rules));
    json_object_set_new(o, "facts", texts(f->facts));
    json_object_set_new(o, "to_change", texts(f->to_change));
    return o;
}

static void print_lines(const char *title, const struct forecast_line *line)
{
    if (line != NULL)
        printf("  %s\n", title);
    for (; line != NULL; line = line->next)
        printf("    %.*s\n", STR_ARG(line->text));
}

static void print_forecast(const struct forecast *f)
{
    struct buf ladder = { 0 };

    ladder_write(f->decision.ladder, &ladder);
    printf("%.*s\n", STR_ARG(f->recipient));
    printf("  floor   %.*s\n", STR_ARG(floor_name(f->decision.floor)));
    printf("  ladder  %s\n", ladder.n > 0 ? buf_cstr(&ladder) : "(none)");
    printf("  sent by %.*s%s\n",
           STR_ARG(f->has_method ? method_name(f->method) : STR("nothing")),
           f->later ? " (later)" : "");
    printf("  why     %.*s\n", STR_ARG(f->why));
    print_lines("rules", f->rules);
    print_lines("facts", f->facts);
    print_lines("what would have to change", f->to_change);
    buf_free(&ladder);
}

static void show(const struct cli *cli, const struct forecast *forecasts,
                 size_t n)
{
    json_t *all = json_array();

    for (size_t i = 0; i < n; i++) {
        if (cli->json)
            json_array_append_new(all, forecast_json(&forecasts[i]));
        else
            print_forecast(&forecasts[i]);
    }
    if (cli->json)
        cli_json(json_incref(all));
    json_decref(all);
}

static enum cli_exit verdict(const struct forecast *forecasts, size_t n)
{
    enum cli_exit code = CLI_OK;

    for (size_t i = 0; i < n; i++) {
        if (!forecasts[i].has_method && !forecasts[i].our_fault)
            return CLI_NO;
        if (forecasts[i].our_fault)
            code = CLI_TEMPORARY;
    }
    return code;
}

/* --- the command
 * -------------------------------------------------------------- */

/* "" and "<>" are the null sender. */
static bool parse_sender(const char *text, struct arena *arena, struct str *out)
{
    struct address address;

    *out = STR("");
    if (strcmp(text, "") == 0 || strcmp(text, "<>") == 0)
        return true;
    if (!address_parse(str_from_cstr(text), arena, &address))
        return false;
    *out = address.text;
    return true;
}

static enum cli_exit forecast_all(struct cli *cli, struct forecaster *who,
                                  const struct message *message,
                                  struct str header, struct arena *arena)
{
    size_t n = cli->arguments_n - 1;
    struct forecast *list = arena_array(arena, n, sizeof(*list));

    for (size_t i = 0; i < n; i++) {
        const char *text = cli->arguments[i + 1];
        struct address to;

        if (!address_parse(str_from_cstr(text), arena, &to))
            return cli_fail(cli, CLI_USAGE, "%s is no mail address", text);
        forecast(who, message, header, to.text, arena, &list[i]);
    }
    show(cli, list, n);
    return verdict(list, n);
}

static enum cli_exit explain(struct cli *cli, const struct config *config,
                             struct arena *arena)
{
    const char *file = cli_value(cli, "message");
    bool offline = cli_value(cli, "offline") != NULL;
    struct buf header = { 0 };
    struct forecaster *who = NULL;
    struct message message = { 0 };
    enum cli_exit code = CLI_USAGE;

    if (!parse_sender(cli->arguments[0], arena, &message.from)) {
        cli_fail(cli, code, "%s is no mail address", cli->arguments[0]);
        goto done;
    }
    if (file != NULL && !read_header(file, &header, &message.size_bytes)) {
        cli_fail(cli, code, "cannot read %s", file);
        goto done;
    }
    struct status st = forecaster_open(
        config, offline, cli->timeout_ms > 0 ? cli->timeout_ms : TIMEOUT_MS,
        &who);
    if (status_is_ok(st))
        code = forecast_all(cli, who, &message, buf_str(&header), arena);
    else
        code = cli_fail_status(cli, st);
done:
    forecaster_close(&who);
    buf_free(&header);
    return code;
}

static enum cli_exit run_explain(struct cli *cli)
{
    struct config *config = cli_load(cli);
    struct arena arena = { 0 };
    enum cli_exit code = CLI_CONFIG;

    if (config == NULL)
        return code;
    code = explain(cli, config, &arena);
    config_free(&config);
    arena_free(&arena);
    return code;
}

static const struct cli_option options[] = {
    { "message", "FILE", false,
      "A message whose header and size the rules may ask of; - is standard "
      "input." },
    { "offline", NULL, false, "Rules only: no DNS, no connections." },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_explain = {
    .name = "explain",
    .arguments = "FROM TO...",
    .summary = "Say how mail would be sent to somebody, and why",
    .details =
        "Shows floor, ladder and method for each recipient, rule by rule with "
        "the line of the configuration, the facts used (DNSSEC, MX, TLSA, "
        "MTA-STS, what each server's handshake shows), and what would have to "
        "change for the next better method. It looks up and connects through "
        "the code that delivers, up to EHLO and STARTTLS, and sends no mail. "
        "JSON: a list with recipient, rule, rule_line, floor, ladder, method "
        "(null: none), later (waiting for a fault to pass), why, rules, facts, "
        "to_change. Exit 1 when a recipient has no method, 4 when a look-up "
        "of ours failed.",
    .examples = "postseal explain ann@clinic.example lee@partner.example\n"
                "postseal explain --message mail.eml a@x.example b@y.example",
    .least = 2,
    .most = 1000,
    .json = true,
    .options = options,
    .run = run_explain,
};
