/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of subcommands. */
#ifndef POSTSEAL_CLI_COMMANDS_H
#define POSTSEAL_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_init;
extern const struct cli_command cli_serve;
extern const struct cli_command cli_config_check;
extern const struct cli_command cli_config_show;
extern const struct cli_command cli_policy_test;
extern const struct cli_command cli_queue_list;
extern const struct cli_command cli_queue_show;
extern const struct cli_command cli_queue_retry;
extern const struct cli_command cli_queue_hold;
extern const struct cli_command cli_queue_release;
extern const struct cli_command cli_queue_delete;
extern const struct cli_command cli_message_show;
extern const struct cli_command cli_pickup_list;
extern const struct cli_command cli_pickup_recall;
extern const struct cli_command cli_pickup_extend;
extern const struct cli_command cli_key_import;
extern const struct cli_command cli_key_list;
extern const struct cli_command cli_key_show;
extern const struct cli_command cli_key_discover;
extern const struct cli_command cli_key_approve;
extern const struct cli_command cli_key_refuse;
extern const struct cli_command cli_key_expire;
extern const struct cli_command cli_key_export;
extern const struct cli_command cli_user_add;
extern const struct cli_command cli_user_list;
extern const struct cli_command cli_user_remove;
extern const struct cli_command cli_explain;
extern const struct cli_command cli_trace;
extern const struct cli_command cli_check;
extern const struct cli_command cli_doctor;
extern const struct cli_command cli_version;
extern const struct cli_command cli_help_command;
extern const struct cli_command cli_completion;

/* Shared by queue show and message show (message.c). */
enum cli_exit message_show_run(struct cli *cli);

extern const struct cli_command *const cli_commands[];
extern const size_t cli_commands_n;

/* Options every command takes. */
extern const struct cli_option cli_common_options[];

/* The command that words[0..n) begin with; *used counts its words. */
const struct cli_command *cli_find(char *const *words, size_t n, size_t *used);
/* Whether some command's name begins with this word and has another. */
bool cli_is_group(const char *word);

#endif
