/* SPDX-License-Identifier: Apache-2.0 */
/* postseal doctor: is our own side fit to send mail and to judge others? */
#include "cli/check_json.h"
#include "cli/check_list.h"
#include "cli/check_look.h"
#include "cli/check_settings.h"
#include "cli/check_text.h"
#include "cli/commands.h"

enum { DOCTOR_MS = 30000 };

static enum cli_exit verdict(const struct selftest *self)
{
    enum cli_exit code = CLI_OK;

    for (size_t i = 0; i < SELF_PARTS; i++) {
        if (self->part[i].state == SELF_BAD)
            return CLI_NO;
        if (self->part[i].state == SELF_UNKNOWN)
            code = CLI_TEMPORARY;
    }
    return code;
}

static bool read_targets(const struct cli *cli, struct check_list *list)
{
    for (size_t i = 0; i < cli->arguments_n; i++)
        if (!check_list_add(list, str_from_cstr(cli->arguments[i]))) {
            cli_fail(cli, CLI_USAGE,
                     "'%s' is not a domain such as partner.example",
                     cli->arguments[i]);
            return false;
        }
    return true;
}

static enum cli_exit examine(struct cli *cli, const struct config *config,
                             const struct check_list *list)
{
    struct self_wishes wishes = { .targets = check_port_targets,
                                  .targets_n = check_port_targets_n };
    struct arena arena = { 0 };
    struct selftest self;

    if (list->n > 0) {
        wishes.targets = list->domains;
        wishes.targets_n = list->n;
    }
    selftest_run(config, &wishes,
                 cli->timeout_ms > 0 ? cli->timeout_ms : DOCTOR_MS, &arena,
                 &self);
    if (cli->json)
        cli_json(check_json_self(&self));
    else if (!cli->quiet)
        check_text_self(cli, &self);
    enum cli_exit code = verdict(&self);
    arena_free(&arena);
    return code;
}

static enum cli_exit run_doctor(struct cli *cli)
{
    struct check_list list = { 0 };
    struct config *config = NULL;
    enum cli_exit code = CLI_USAGE;

    if (read_targets(cli, &list) &&
        (config = check_settings(cli, &code)) != NULL)
        code = examine(cli, config, &list);
    check_list_free(&list);
    config_free(&config);
    return code;
}

static const struct cli_option options[] = {
    CHECK_SETTINGS_OPTIONS,
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_doctor = {
    .name = "doctor",
    .arguments = "[DOMAIN...]",
    .summary = "Say whether this machine is fit to send and to judge",
    .details =
        "Tests our own side alone: whether the resolver answers and its "
        "answers validate, whether the DNSSEC root anchor is current, whether "
        "the clock is sane, whether the public CAs load, and whether port 25 "
        "is open outwards and not stripped of STARTTLS on the way. For the "
        "last the mail servers of well-known domains, or of those given, are "
        "greeted; no mail is sent. Each line is *ok*, *warn* (could not be "
        "tested) or *fail*, with what to do.\n\n"
        "JSON: an object for each part, with state (good, bad, unknown), text "
        "and step. Exit 0: all is well; 1: something is wrong; 4: something "
        "could not be tested.",
    .examples = "postseal doctor\n"
                "postseal doctor -c /etc/postseal/postseal.conf "
                "partner.example\n",
    .least = 0,
    .most = 100,
    .json = true,
    .options = options,
    .run = run_doctor,
};
