/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postseal check: what a domain's mail servers can do, seen from outside, and
 * what that means for mail to it and for answers from it.
 */
#include "cli/check_csv.h"
#include "cli/check_json.h"
#include "cli/check_many.h"
#include "cli/check_settings.h"
#include "cli/check_since.h"
#include "cli/check_text.h"
#include "cli/commands.h"
#include "policy/value.h"

#include <stdlib.h>
#include <string.h>

enum { WHOLE_MAX = 5 }; /* more domains than that get a line each */

struct check {
    struct cli *cli;
    struct check_eye *eye;
    struct check_since *since; /* NULL: everything is shown */
    struct check_list list;
    size_t jobs;
    bool csv, brief;
    size_t shown, good, bad, unknown;
    bool blind; /* ended early: our own side is not fit to judge */
};

/* --- one result -----------------------------------------------------------
 */

static void *look(void *context, struct str domain, struct arena *arena)
{
    struct check *check = context;

    return check_look(check->eye, domain, arena);
}

static void count(struct check *check, enum cli_exit code)
{
    if (code == CLI_OK)
        check->good++;
    else if (code == CLI_TEMPORARY)
        check->unknown++;
    else
        check->bad++;
}

static void show_changes(struct check *check, const struct check_result *result)
{
    json_t *look_json = check_json(result);
    const char *when;
    json_t *changes = check_since_changes(check->since, look_json, &when);

    if (json_array_size(changes) == 0) {
        json_decref(changes);
    } else if (check->cli->json) {
        json_object_set_new(look_json, "since",
                            when == NULL ? json_null() : json_string(when));
        json_object_set_new(look_json, "changes", changes);
        check_json_line(json_incref(look_json));
        check->shown++;
    } else {
        check_text_changes(check->cli, result->probe.domain, changes, when);
        json_decref(changes);
        check->shown++;
    }
    json_decref(look_json);
}

static void show_one(struct check *check, const struct check_result *result)
{
    if (check->since != NULL) {
        show_changes(check, result);
        return;
    }
    if (check->csv)
        check_csv_line(result, stdout);
    else if (check->cli->json && check->list.n > 1)
        check_json_line(check_json(result));
    else if (check->cli->json)
        cli_json(check_json(result));
    else if (check->brief)
        check_text_line(check->cli, result);
    else
        check_text(check->cli, result);
    check->shown++;
}

static bool show(void *context, void *shown)
{
    struct check *check = context;
    const struct check_result *result = shown;

    count(check, result->code);
    if (!check->cli->quiet)
        show_one(check, result);
    check->blind =
        result->code == CLI_TEMPORARY && check_is_blind(result->self);
    if (check->blind) {
        const struct self_fact *fault = check_own_fault(result->self);

        cli_fail(check->cli, CLI_TEMPORARY,
                 "our own side is not fit to judge anybody: %.*s %.*s",
                 STR_ARG(fault->text), STR_ARG(fault->step));
    }
    return !check->blind;
}

/* --- all ------------------------------------------------------------------
 */

static void show_totals(const struct check *check)
{
    if (check->csv || check->list.n == 1 || check->blind)
        return;
    if (check->since != NULL && check->shown == 0)
        cli_say(check->cli, "nothing has changed");
    cli_say(check->cli,
            "%zu domains: verified is possible for %zu, not for %zu, could "
            "not be determined for %zu",
            check->good + check->bad + check->unknown, check->good, check->bad,
            check->unknown);
}

static enum cli_exit check_domains(struct check *check)
{
    struct check_many many = { .cli = check->cli,
                               .list = &check->list,
                               .jobs = check->jobs,
                               .context = check,
                               .look = look,
                               .show = show };

    check->brief = check->brief || check->list.n > WHOLE_MAX;
    if (check->csv && !check->cli->quiet)
        check_csv_head(stdout);
    else if (check->brief && check->since == NULL && !check->cli->json &&
             !check->cli->quiet)
        check_text_line_head(check->cli);
    check_many_run(&many);
    show_totals(check);
    if (check->blind)
        return CLI_TEMPORARY;
    if (check->bad > 0)
        return CLI_NO;
    return check->unknown > 0 ? CLI_TEMPORARY : CLI_OK;
}

/* --- replies --------------------------------------------------------------
 */

static enum cli_exit replies_exit(const struct check_result *ours,
                                  const struct replies *replies)
{
    if (ours->code == CLI_TEMPORARY || replies->good_tls == ANSWER_UNKNOWN)
        return CLI_TEMPORARY;
    return check_replies_forced(replies) ? CLI_OK : CLI_NO;
}

static enum cli_exit check_replies(struct check *check)
{
    struct cli *cli = check->cli;
    const struct check_list *list = &check->list;
    struct check_result *ours, *theirs = NULL;
    struct arena arena = { 0 };
    struct replies replies;

    ours = check_look(check->eye, list->domains[0], &arena);
    if (list->n > 1)
        theirs = check_look(check->eye, list->domains[1], &arena);
    replies_of(&ours->probe, &ours->answers,
               theirs == NULL ? NULL : &theirs->probe,
               theirs == NULL ? NULL : &theirs->answers, &arena, &replies);
    if (cli->json) {
        json_t *o = json_object();

        json_object_set_new(o, "replies", check_json_replies(&replies));
        json_object_set_new(o, "ours", check_json(ours));
        json_object_set_new(o, "theirs",
                            theirs == NULL ? json_null() : check_json(theirs));
        cli_json(o);
    } else if (!cli->quiet) {
        check_text_replies(cli, &replies);
    }
    enum cli_exit code = replies_exit(ours, &replies);
    arena_free(&arena);
    return code;
}

/* --- the command ----------------------------------------------------------
 */

static bool read_jobs(struct check *check)
{
    const char *text = cli_value(check->cli, "jobs");
    uint64_t jobs = CHECK_JOBS;

    if (text != NULL &&
        (!str_to_u64(str_from_cstr(text), CHECK_JOBS_MAX, &jobs) ||
         jobs == 0)) {
        cli_fail(check->cli, CLI_USAGE, "--jobs is a number from 1 to %d",
                 (int)CHECK_JOBS_MAX);
        return false;
    }
    check->jobs = (size_t)jobs;
    return true;
}

static bool read_domains(struct check *check)
{
    struct cli *cli = check->cli;
    const char *file = cli_value(cli, "file");

    for (size_t i = 0; i < cli->arguments_n; i++)
        if (!check_list_add(&check->list, str_from_cstr(cli->arguments[i]))) {
            cli_fail(cli, CLI_USAGE,
                     "'%s' is not a domain such as partner.example",
                     cli->arguments[i]);
            return false;
        }
    if (file != NULL && !check_list_read(&check->list, cli, file))
        return false;
    if (check->since != NULL && check->list.n == 0)
        check_since_list(check->since, &check->list);
    if (check->list.n > 0)
        return true;
    cli_fail(cli, CLI_USAGE,
             file != NULL ? "there is no domain in the list"
                          : "say which domains, or --file "
                            "LIST");
    return false;
}

static bool read_options(struct check *check)
{
    struct cli *cli = check->cli;
    const char *since = cli_value(cli, "since");
    bool replies = cli_value(cli, "replies") != NULL;

    check->csv = cli_value(cli, "csv") != NULL;
    check->brief = cli_value(cli, "brief") != NULL;
    if (check->csv && (cli->json || since != NULL || replies)) {
        cli_fail(cli, CLI_USAGE,
                 "--csv is for itself: without --json, --since "
                 "and --replies");
        return false;
    }
    if (replies && (since != NULL || cli_value(cli, "file") != NULL ||
                    cli->arguments_n > 2)) {
        cli_fail(cli, CLI_USAGE,
                 "usage: postseal check --replies OURDOMAIN [THEIRDOMAIN]");
        return false;
    }
    if (since != NULL)
        check->since = check_since_read(cli, since);
    return (since == NULL || check->since != NULL) && read_jobs(check) &&
           read_domains(check);
}

static enum cli_exit run_check(struct cli *cli)
{
    struct check check = { .cli = cli };
    struct config *config = NULL;
    enum cli_exit code = CLI_USAGE;
    struct status st;

    if (!read_options(&check))
        goto done;
    config = check_settings(cli, &code);
    if (config == NULL)
        goto done;
    st = check_eye_open(config, cli->timeout_ms, &check.eye);
    if (!status_is_ok(st))
        code = cli_fail(cli, CLI_TEMPORARY,
                        "our own side is at fault: %s (postseal doctor says "
                        "more)",
                        st.why);
    else if (cli_value(cli, "replies") != NULL)
        code = check_replies(&check);
    else
        code = check_domains(&check);
done:
    check_eye_close(&check.eye);
    check_since_free(&check.since);
    check_list_free(&check.list);
    config_free(&config);
    return code;
}

static const struct cli_option options[] = {
    { "file", "LIST", false,
      "A file with a domain or mail address on each line; - is standard "
      "input." },
    { "jobs", "N", false, "So many domains at a time, 1 to 200. Default: 20." },
    { "brief", NULL, false,
      "One line a domain, as it is with more than 5 of them." },
    { "csv", NULL, false, "One line a domain for spreadsheets." },
    { "since", "FILE", false,
      "Only what changed since an earlier run; FILE is what its --json wrote. "
      "Without domains: those of FILE." },
    { "replies", NULL, false,
      "Will answers come back encrypted? The first domain is ours, the second "
      "(if given) that of who answers." },
    CHECK_SETTINGS_OPTIONS,
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_check = {
    .name = "check",
    .arguments = "DOMAIN...",
    .summary = "Say whether mail to a domain goes encrypted, and why",
    .details =
        "Looks at a domain from outside as a careful sender would: DNSSEC, MX, "
        "DANE, MTA-STS, and on each address of each MX host the handshake that "
        "delivery would make, each TLS version, and the certificate. It looks "
        "through the code that delivers, so that *check* and delivery cannot "
        "disagree. No mail is sent, no sender or recipient named.\n\n"
        "First come the answers: for each floor whether and how mail would go "
        "and what would happen to a message now; then what is to be mended, "
        "with records ready to paste; then the evidence.\n\n"
        "No configuration is needed: the resolvers, DNSSEC anchor and CAs of "
        "this machine are used, and port 25. With -c those of a "
        "configuration. When something fails, our own side is tested (as "
        "*postseal doctor* does) before a domain is blamed.\n\n"
        "JSON: one object, with many domains one on each line as they come; "
        "its fields are in docs/operations.md. --timeout is for one domain "
        "(default 60s). Exit 0: *verified* is possible for all; 1: not; 4: "
        "could not be determined, for a reason on our side. With --replies 0 "
        "means that every MX host has good TLS and that senders who look are "
        "made to use it.",
    .examples = "postseal check partner.example\n"
                "postseal check --file partners.txt --json >today.json\n"
                "postseal check --since yesterday.json\n"
                "postseal check --file partners.txt --csv >partners.csv\n"
                "postseal check --replies clinic.example partner.example\n",
    .least = 0,
    .most = 100000,
    .json = true,
    .options = options,
    .run = run_check,
};
