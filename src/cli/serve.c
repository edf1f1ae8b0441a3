/* SPDX-License-Identifier: Apache-2.0 */
/* postseal serve: the supervisor and the roles. */
#include "cli/commands.h"
#include "role/supervisor.h"

static enum cli_exit run_serve(struct cli *cli)
{
    return (enum cli_exit)supervisor_run(cli->config_path);
}

const struct cli_command cli_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "Run the gateway",
    .details =
        "Starts the roles (intake, dispatch, portal, console), each a process "
        "of its own, and keeps them running, in the foreground. Started as "
        "root, each role gives up its rights for a user of its own.\n\n"
        "On SIGHUP the configuration is read again: when it is valid, new "
        "processes start on it and the old ones finish what they do; when it "
        "is not, nothing changes. On SIGTERM or SIGINT the roles finish what "
        "they do, then all ends.",
    .examples = "    postseal serve -c /etc/postseal/postseal.conf\n",
    .run = run_serve,
};
