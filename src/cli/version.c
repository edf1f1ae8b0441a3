/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include <openssl/crypto.h>

static enum cli_exit run_version(struct cli *cli)
{
    if (cli->json)
        cli_json(json_pack("{ss ss}", "version", POSTSEAL_VERSION, "openssl",
                           OpenSSL_version(OPENSSL_VERSION)));
    else
        printf("postseal %s (%s)\n", POSTSEAL_VERSION,
               OpenSSL_version(OPENSSL_VERSION));
    return CLI_OK;
}

const struct cli_command cli_version = {
    .name = "version",
    .arguments = "",
    .summary = "Print the version",
    .details = "Prints the version of postseal and of the OpenSSL it runs on. "
               "JSON: version, openssl.",
    .json = true,
    .run = run_version,
};
