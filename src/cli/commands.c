/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include <string.h>

const struct cli_command *const cli_commands[] = {
    &cli_init,        &cli_serve,         &cli_config_check,  &cli_config_show,
    &cli_policy_test, &cli_queue_list,    &cli_queue_show,    &cli_queue_retry,
    &cli_queue_hold,  &cli_queue_release, &cli_queue_delete,  &cli_message_show,
    &cli_pickup_list, &cli_pickup_recall, &cli_pickup_extend, &cli_explain,
    &cli_key_import,  &cli_key_list,      &cli_key_show,      &cli_key_discover,
    &cli_key_approve, &cli_key_refuse,    &cli_key_expire,    &cli_key_export,
    &cli_trace,       &cli_check,         &cli_doctor,        &cli_user_add,
    &cli_user_list,   &cli_user_remove,   &cli_completion,    &cli_help_command,
    &cli_version,
};
const size_t cli_commands_n = sizeof(cli_commands) / sizeof(cli_commands[0]);

const struct cli_option cli_common_options[] = {
    { "config", "FILE", false,
      "The configuration (short: -c). Default: $POSTSEAL_CONFIG, then "
      "/etc/postseal/postseal.conf." },
    { "json", NULL, false, "Answer in JSON." },
    { "quiet", NULL, false, "Say nothing but errors (short: -q)." },
    { "color", "auto|always|never", false, "Whether to use bold and colour." },
    { "timeout", "TIME", false, "Give up after this time, such as 30s." },
    { "help", NULL, false, "Say how the command is used (short: -h)." },
    { NULL, NULL, false, NULL },
};

/* Words of a command's name that words[0..n) begin with; 0: they do not. */
static size_t matches(const struct cli_command *command, char *const *words,
                      size_t n)
{
    struct str rest = str_from_cstr(command->name), word;
    size_t used = 0;

    while (str_split(&rest, ' ', &word)) {
        if (used == n || !str_eq(word, str_from_cstr(words[used])))
            return 0;
        used++;
    }
    return used;
}

const struct cli_command *cli_find(char *const *words, size_t n, size_t *used)
{
    for (size_t i = 0; i < cli_commands_n; i++) {
        *used = matches(cli_commands[i], words, n);
        if (*used > 0)
            return cli_commands[i];
    }
    return NULL;
}

bool cli_is_group(const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i < cli_commands_n; i++)
        if (strncmp(cli_commands[i]->name, word, n) == 0 &&
            cli_commands[i]->name[n] == ' ')
            return true;
    return false;
}
