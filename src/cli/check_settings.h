/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With what `check` and `doctor` look: a configuration given with -c, or else
 * what holds for anybody on this machine (its resolvers, trust anchor and CAs,
 * port 25), and the options on top of either. No configuration is needed.
 */
#ifndef POSTSEAL_CLI_CHECK_SETTINGS_H
#define POSTSEAL_CLI_CHECK_SETTINGS_H

#include "cli/cli.h"

/* The rows of the options, for a command's own list. */
#define CHECK_SETTINGS_OPTIONS                                                 \
    { "resolver", "ADDRESS[@PORT]", false,                                     \
      "DNS resolver to ask instead of this machine's." },                      \
        { "trust-anchor", "FILE", false,                                       \
          "DNSSEC trust anchor instead of this machine's." },                  \
        { "ca", "FILE", false, "Public CAs instead of this machine's." },      \
        { "port", "PORT", false, "Port of MX hosts instead of 25." },          \
        { "mta-sts-port", "PORT", false,                                       \
          "Port of MTA-STS policy hosts instead of 443." },                    \
    {                                                                          \
        "helo", "NAME", false,                                                 \
            "Name to greet servers with. Default: that of this machine."       \
    }

/* NULL with *code set, complaints printed. Free with config_free(). */
struct config *check_settings(const struct cli *cli, enum cli_exit *code);

#endif
