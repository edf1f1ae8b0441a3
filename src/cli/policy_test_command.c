/* SPDX-License-Identifier: Apache-2.0 */
/* postseal policy test: do the rules give what was expected? */
#include "cli/commands.h"
#include "policy/decision.h"

struct tested {
    const struct expect_config *expect;
    struct decision decision;
    struct str got; /* the ladder, or "nothing" */
    bool holds;
};

/* "gives portal" asks for the first rung, "gives tls portal" for all. */
static bool ladder_fits(struct str want, struct ladder got)
{
    struct ladder ladder;

    if (str_eq(want, STR("nothing")))
        return got.n == 0;
    if (!ladder_parse(want, &ladder) || got.n < ladder.n ||
        (ladder.n > 1 && got.n != ladder.n))
        return false;
    for (uint8_t i = 0; i < ladder.n; i++)
        if (ladder.rung[i] != got.rung[i])
            return false;
    return true;
}

static struct tested test_one(const struct config *config,
                              const struct expect_config *e,
                              struct arena *arena)
{
    struct tested t = { .expect = e };
    struct buf text = { 0 };
    struct message_facts m = {
        .from = e->from,
        .header = arena_printf(arena, "Subject: %.*s\r\n%.*s\r\n\r\n",
                               STR_ARG(e->subject), STR_ARG(e->header)),
        .size_bytes = e->size_bytes,
        .listener = e->listener,
        .user = e->user,
    };

    policy_decide(config, &m, e->to, arena, &t.decision);
    ladder_write(t.decision.ladder, &text);
    t.got = text.n == 0 ? STR("nothing") : str_keep(arena, buf_str(&text));
    buf_free(&text);
    t.holds = ladder_fits(e->gives, t.decision.ladder) &&
              (!e->has_floor || e->floor == t.decision.floor) &&
              (e->rule.n == 0 || str_eq(e->rule, t.decision.rule));
    return t;
}

static void print_failed(const struct cli *cli, const struct tested *t)
{
    const struct expect_config *e = t->expect;
    const char *red = cli->color ? "\033[31m" : "";
    const char *plain = cli->color ? "\033[0m" : "";

    printf("%sline %u does not hold%s: from %.*s to %.*s%s%.*s%s\n", red,
           e->line, plain, STR_ARG(e->from), STR_ARG(e->to),
           e->subject.n > 0 ? " subject \"" : "", STR_ARG(e->subject),
           e->subject.n > 0 ? "\"" : "");
    printf("    expected  %.*s", STR_ARG(e->gives));
    if (e->has_floor)
        printf("  floor %.*s", STR_ARG(floor_name(e->floor)));
    if (e->rule.n > 0)
        printf("  rule \"%.*s\"", STR_ARG(e->rule));
    printf("\n    given     %.*s  floor %.*s  rule \"%.*s\"\n", STR_ARG(t->got),
           STR_ARG(floor_name(t->decision.floor)), STR_ARG(t->decision.rule));
    printf("    because   %.*s\n", STR_ARG(t->decision.why));
}

static json_t *to_json(const struct tested *t)
{
    const struct expect_config *e = t->expect;

    return json_pack(
        "{si sb so so so so so so so so}", "line", (int)e->line, "holds",
        t->holds, "from", cli_json_str(e->from), "to", cli_json_str(e->to),
        "subject", cli_json_str(e->subject), "expected", cli_json_str(e->gives),
        "given", cli_json_str(t->got), "floor",
        cli_json_str(floor_name(t->decision.floor)), "rule",
        cli_json_str(t->decision.rule), "why", cli_json_str(t->decision.why));
}

static enum cli_exit run_test(struct cli *cli)
{
    struct arena arena = { 0 };
    json_t *list = json_array();
    struct config *config;
    size_t failed = 0;

    if (cli->arguments_n > 0)
        cli->config_path = cli->arguments[0];
    config = cli_load(cli);
    if (config == NULL) {
        json_decref(list);
        return CLI_CONFIG;
    }
    for (size_t i = 0; i < config->expects_n; i++) {
        struct tested t = test_one(config, &config->expects[i], &arena);

        failed += !t.holds;
        if (cli->json)
            json_array_append_new(list, to_json(&t));
        else if (!t.holds)
            print_failed(cli, &t);
    }
    if (cli->json)
        cli_json(json_pack("{si si so}", "holding",
                           (int)(config->expects_n - failed), "failing",
                           (int)failed, "expectations", json_incref(list)));
    cli_say(cli, "%zu hold, %zu fail%s", config->expects_n - failed, failed,
            config->expects_n == 0 ? " (there are no expect lines)" : "");
    json_decref(list);
    arena_free(&arena);
    config_free(&config);
    return failed > 0 ? CLI_NO : CLI_OK;
}

const struct cli_command cli_policy_test = {
    .name = "policy test",
    .arguments = "[FILE]",
    .summary = "Try the rules against the expectations in the configuration",
    .details =
        "Asks the rules of a configuration for every *expect* line in it, "
        "without sending anything, and shows where the answer is another one "
        "than expected. Ends with 0 when all hold, 1 when one fails, 3 when "
        "the configuration is not valid. FILE is the same as -c FILE. JSON: "
        "holding, failing, expectations[] with line, holds, from, to, "
        "subject, expected, given, floor, rule, why.",
    .examples = "    expect from a@x.example to b@y.example subject "
                "\"[secure] labs\" gives portal\n"
                "    postseal policy test postseal.conf\n",
    .least = 0,
    .most = 1,
    .json = true,
    .run = run_test,
};
