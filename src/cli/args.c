/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include "cli/commands.h"
#include "policy/suggest.h"
#include "policy/value.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct words {
    struct cli *cli;
    char **list;
    size_t n, at;
};

void args_defaults(struct cli *cli)
{
    const char *path = getenv("POSTSEAL_CONFIG");

    cli->config_path =
        path != NULL && path[0] != '\0' ? path : "/etc/postseal/postseal.conf";
    cli->color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
}

static const struct cli_option *find(const struct cli_option *options,
                                     struct str name)
{
    for (; options != NULL && options->name != NULL; options++)
        if (str_eq(name, str_from_cstr(options->name)))
            return options;
    return NULL;
}

static enum args_result wrong(struct words *w, const char *text,
                              const char *what)
{
    cli_fail(w->cli, CLI_USAGE, text, what);
    return ARGS_WRONG;
}

static enum args_result unknown(struct words *w, struct str name)
{
    const char *names[2 * CLI_OPTIONS_MAX + 1];
    const struct cli_option *o = w->cli->command->options;
    const char *meant;
    size_t n = 0;

    for (; o != NULL && o->name != NULL; o++)
        names[n++] = o->name;
    for (o = cli_common_options; o->name != NULL; o++)
        names[n++] = o->name;
    names[n] = NULL;
    meant = suggest_name(name, names);
    cli_fail(w->cli, CLI_USAGE, "unknown option --%.*s%s%s%s", STR_ARG(name),
             meant == NULL ? "" : "; did you mean --",
             meant == NULL ? "" : meant, meant == NULL ? "" : "?");
    return ARGS_WRONG;
}

static bool set_color(struct cli *cli, const char *when)
{
    if (strcmp(when, "always") == 0)
        cli->color = true;
    else if (strcmp(when, "never") == 0)
        cli->color = false;
    else
        return strcmp(when, "auto") == 0;
    return true;
}

static enum args_result set_common(struct words *w, const char *name,
                                   const char *value)
{
    struct cli *cli = w->cli;

    if (strcmp(name, "help") == 0)
        return ARGS_HELP;
    if (strcmp(name, "json") == 0) {
        if (!cli->command->json)
            return wrong(w, "%s has no JSON form", cli->command->name);
        cli->json = true;
    } else if (strcmp(name, "quiet") == 0) {
        cli->quiet = true;
    } else if (strcmp(name, "config") == 0) {
        cli->config_path = value;
        cli->config_given = true;
    } else if (strcmp(name, "color") == 0) {
        if (!set_color(cli, value))
            return wrong(w, "--color is auto, always or never, not '%s'",
                         value);
    } else if (value_duration(str_from_cstr(value), &cli->timeout_ms) != NULL) {
        return wrong(w, "--timeout: '%s' is not a time such as 30s", value);
    }
    return ARGS_RUN;
}

static void set_own(struct words *w, const struct cli_option *option,
                    const char *value)
{
    size_t i = (size_t)(option - w->cli->command->options);

    w->cli->values[i] = value == NULL ? "" : value;
    if (option->repeated) {
        w->cli->repeated[w->cli->repeated_n].option = option;
        w->cli->repeated[w->cli->repeated_n++].value = value;
    }
    if (!option->many)
        return;
    /* The value itself and all up to the next option. */
    w->cli->lists[i] = &w->list[w->at - 1];
    w->cli->lists_n[i] = 1;
    while (w->at < w->n && w->list[w->at][0] != '-') {
        w->cli->lists_n[i]++;
        w->at++;
    }
}

static enum args_result read_long(struct words *w, const char *text)
{
    struct str name = str_from_cstr(text);
    size_t equals = str_find_char(name, '=');
    const struct cli_option *own, *option;
    char *value = NULL;

    name = str_first(name, equals);
    own = find(w->cli->command->options, name);
    option = own != NULL ? own : find(cli_common_options, name);
    if (option == NULL)
        return unknown(w, name);
    if (text[equals] == '=')
        value = (char *)text + equals + 1;
    if (option->value == NULL && value != NULL)
        return wrong(w, "--%s takes no value", option->name);
    if (option->many && value != NULL)
        return wrong(w, "write --%s and its values with spaces", option->name);
    if (option->value != NULL && value == NULL) {
        if (w->at == w->n)
            return wrong(w, "--%s needs a value", option->name);
        value = w->list[w->at++];
    }
    if (option->repeated && w->cli->repeated_n == CLI_REPEATED_MAX)
        return wrong(w, "--%s is given too often", option->name);
    if (own == NULL)
        return set_common(w, option->name, value);
    set_own(w, own, value);
    return ARGS_RUN;
}

static enum args_result read_short(struct words *w, const char *text)
{
    if (strcmp(text, "-h") == 0)
        return ARGS_HELP;
    if (strcmp(text, "-q") == 0)
        return set_common(w, "quiet", NULL);
    if (strcmp(text, "-c") != 0)
        return wrong(w, "unknown option %s", text);
    if (w->at == w->n)
        return wrong(w, "%s needs a file", text);
    return set_common(w, "config", w->list[w->at++]);
}

static enum args_result check_count(struct words *w)
{
    const struct cli *cli = w->cli;

    if (cli->arguments_n >= cli->command->least &&
        cli->arguments_n <= cli->command->most)
        return ARGS_RUN;
    cli_fail(cli, CLI_USAGE, "usage: postseal %s %s\n(postseal %s --help)",
             cli->command->name, cli->command->arguments, cli->command->name);
    return ARGS_WRONG;
}

enum args_result args_read(struct cli *cli, char **words, size_t n)
{
    struct words w = { cli, words, n, 0 };
    bool options = true;

    /* Arguments are moved to the front: never further than the reader is. */
    cli->arguments = words;
    while (w.at < w.n) {
        char *text = w.list[w.at++];
        enum args_result result = ARGS_RUN;

        if (!options || text[0] != '-' || text[1] == '\0')
            cli->arguments[cli->arguments_n++] = text;
        else if (strcmp(text, "--") == 0)
            options = false;
        else if (text[1] == '-')
            result = read_long(&w, text + 2);
        else
            result = read_short(&w, text);
        if (result != ARGS_RUN)
            return result;
    }
    return check_count(&w);
}
