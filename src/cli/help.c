/* SPDX-License-Identifier: Apache-2.0 */
/* Help for people and completion for shells, from the table. */
#include "cli/commands.h"

#include <string.h>

enum { LINE_WIDTH = 78 };

/* Words in lines of LINE_WIDTH, "*" and "_" of the manual's markup left out;
 * an empty line between paragraphs is kept. */
static void print_wrapped(const char *text, size_t indent, FILE *out)
{
    size_t column = indent;
    struct str rest = str_from_cstr(text), word;

    fprintf(out, "%*s", (int)indent, "");
    while (str_split(&rest, ' ', &word)) {
        if (column > indent && column + 1 + word.n > LINE_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        if (column > indent) {
            fputc(' ', out);
            column++;
        }
        for (size_t i = 0; i < word.n; i++) {
            if (word.p[i] == '*')
                continue;
            fputc(word.p[i], out);
            column++;
            if (word.p[i] == '\n')
                column = indent + (size_t)fprintf(out, "%*s", (int)indent, "") -
                         indent;
        }
    }
    fputc('\n', out);
}

static void print_options(const struct cli_option *options, bool json,
                          FILE *out)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (strcmp(options->name, "json") == 0 && !json)
            continue;
        fprintf(out, "  --%s%s%s%s\n", options->name,
                options->value == NULL ? "" : " ",
                options->value == NULL ? "" : options->value,
                options->many ? "..." : "");
        print_wrapped(options->help, 8, out);
    }
}

void cli_help(const struct cli_command *command, FILE *out)
{
    fprintf(out, "usage: postseal %s%s%s%s\n\n", command->name,
            command->arguments[0] == '\0' ? "" : " ", command->arguments,
            " [OPTION...]");
    print_wrapped(command->details, 0, out);
    if (command->options != NULL) {
        fputs("\noptions:\n", out);
        print_options(command->options, true, out);
    }
    fputs("\noptions of every command:\n", out);
    print_options(cli_common_options, command->json, out);
    if (command->examples != NULL)
        fprintf(out, "\nexamples:\n%s", command->examples);
    fputs("\nexit status:\n", out);
    print_wrapped(command->exits != NULL
                      ? command->exits
                      : "0 yes or done, 1 no, 2 usage, 3 configuration not "
                        "valid, 4 try again later, 5 internal fault",
                  2, out);
}

void cli_overview(FILE *out)
{
    fputs("usage: postseal COMMAND [ARGUMENT...] [OPTION...]\n\n", out);
    for (size_t i = 0; i < cli_commands_n; i++)
        fprintf(out, "  %-18s %s\n", cli_commands[i]->name,
                cli_commands[i]->summary);
    fputs("\npostseal help COMMAND says more; so does postseal COMMAND "
          "--help.\n",
          out);
}

static enum cli_exit run_help(struct cli *cli)
{
    size_t used;
    const struct cli_command *command;

    if (cli->arguments_n == 0) {
        cli_overview(stdout);
        return CLI_OK;
    }
    command = cli_find(cli->arguments, cli->arguments_n, &used);
    if (command != NULL) {
        cli_help(command, stdout);
        return CLI_OK;
    }
    if (!cli_is_group(cli->arguments[0]))
        return cli_fail(cli, CLI_USAGE, "there is no command '%s'",
                        cli->arguments[0]);
    for (size_t i = 0; i < cli_commands_n; i++)
        if (str_starts(str_from_cstr(cli_commands[i]->name),
                       str_from_cstr(cli->arguments[0])))
            cli_help(cli_commands[i], stdout);
    return CLI_OK;
}

const struct cli_command cli_help_command = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "Say how a command is used",
    .details = "Lists the commands, or says how one of them is used.",
    .least = 0,
    .most = 2,
    .run = run_help,
};

/* --- completion --------------------------------------------------------- */

static void words_after(const char *first, FILE *out)
{
    size_t n = strlen(first);
    struct str last = STR("");

    for (size_t i = 0; i < cli_commands_n; i++) {
        const char *name = cli_commands[i]->name;
        struct str word = str_from_cstr(name);

        if (n > 0 && (strncmp(name, first, n) != 0 || name[n] != ' '))
            continue;
        if (n > 0)
            word = str_from(word, n + 1);
        word = str_first(word, str_find_char(word, ' '));
        if (!str_eq(word, last))
            fprintf(out, "%.*s ", STR_ARG(word));
        last = word;
    }
}

static void options_of(const struct cli_command *command, FILE *out)
{
    const struct cli_option *o = command->options;

    for (; o != NULL && o->name != NULL; o++)
        fprintf(out, "--%s ", o->name);
    for (o = cli_common_options; o->name != NULL; o++)
        if (command->json || strcmp(o->name, "json") != 0)
            fprintf(out, "--%s ", o->name);
}

/* The same function serves zsh through its bashcompinit. */
static void print_bash(FILE *out)
{
    fputs("_postseal() {\n"
          "    local word=\"${COMP_WORDS[COMP_CWORD]}\" words=\n"
          "    case \"${COMP_WORDS[*]:1:COMP_CWORD-1}\" in\n    \"\") words=\"",
          out);
    words_after("", out);
    fputs("\" ;;\n", out);
    for (size_t i = 0; i < cli_commands_n; i++) {
        struct str name = str_from_cstr(cli_commands[i]->name);
        size_t space = str_find_char(name, ' ');
        char group[64];

        if (space == name.n)
            continue;
        snprintf(group, sizeof(group), "%.*s", (int)space, name.p);
        if (i > 0 && strncmp(cli_commands[i - 1]->name, name.p, space + 1) == 0)
            continue;
        fprintf(out, "    \"%s\") words=\"", group);
        words_after(group, out);
        fputs("\" ;;\n", out);
    }
    for (size_t i = 0; i < cli_commands_n; i++) {
        fprintf(out, "    \"%s\"*) words=\"", cli_commands[i]->name);
        options_of(cli_commands[i], out);
        fputs("\" ;;\n", out);
    }
    fputs("    esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "
          "\"$word\"))\n"
          "}\ncomplete -F _postseal postseal\n",
          out);
}

static void print_fish(FILE *out)
{
    for (size_t i = 0; i < cli_commands_n; i++) {
        struct str name = str_from_cstr(cli_commands[i]->name);
        size_t space = str_find_char(name, ' ');
        const struct cli_option *o = cli_commands[i]->options;

        if (space == name.n)
            fprintf(out,
                    "complete -c postseal -n __fish_use_subcommand -f -a %s "
                    "-d '%s'\n",
                    name.p, cli_commands[i]->summary);
        else
            fprintf(out,
                    "complete -c postseal -n __fish_use_subcommand -f -a %.*s\n"
                    "complete -c postseal -n '__fish_seen_subcommand_from "
                    "%.*s' -f -a %s -d '%s'\n",
                    (int)space, name.p, (int)space, name.p, name.p + space + 1,
                    cli_commands[i]->summary);
        for (; o != NULL && o->name != NULL; o++)
            fprintf(out,
                    "complete -c postseal -n '__fish_seen_subcommand_from %s' "
                    "-l %s%s\n",
                    space == name.n ? name.p : name.p + space + 1, o->name,
                    o->value == NULL ? "" : " -r");
    }
}

static enum cli_exit run_completion(struct cli *cli)
{
    const char *shell = cli->arguments[0];

    if (strcmp(shell, "fish") == 0) {
        print_fish(stdout);
        return CLI_OK;
    }
    if (strcmp(shell, "zsh") == 0)
        fputs("autoload -U +X bashcompinit && bashcompinit\n", stdout);
    else if (strcmp(shell, "bash") != 0)
        return cli_fail(cli, CLI_USAGE, "bash, zsh or fish, not '%s'", shell);
    print_bash(stdout);
    return CLI_OK;
}

const struct cli_command cli_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "Print completion for a shell",
    .details = "Prints a script that teaches a shell the commands and options.",
    .examples = "    postseal completion bash > "
                "/etc/bash_completion.d/postseal\n",
    .least = 1,
    .most = 1,
    .run = run_completion,
};
