/* SPDX-License-Identifier: Apache-2.0 */
/* From words to struct cli. Long options may be anywhere after the command,
 * as --name VALUE or --name=VALUE; "--" ends them. */
#ifndef POSTSEAL_CLI_ARGS_H
#define POSTSEAL_CLI_ARGS_H

#include "cli/cli.h"

enum args_result { ARGS_RUN, ARGS_HELP, ARGS_WRONG };

/* Reads the words behind the command's name. Complaints go to standard error.
 * words is reordered; cli points into it. */
enum args_result args_read(struct cli *cli, char **words, size_t n);
/* The settings that hold before any option is read. */
void args_defaults(struct cli *cli);

#endif
