/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "cli/args.h"
#include "cli/check_safe.h"
#include "cli/commands.h"
#include "policy/config_check.h"
#include "policy/suggest.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static size_t place_of(const struct cli *cli, const char *name)
{
    const struct cli_option *options = cli->command->options;
    size_t i = 0;

    while (options[i].name != NULL && strcmp(options[i].name, name) != 0)
        i++;
    return i;
}

const char *cli_value(const struct cli *cli, const char *name)
{
    return cli->values[place_of(cli, name)];
}

char **cli_values(const struct cli *cli, const char *name, size_t *n)
{
    size_t i = place_of(cli, name);

    *n = cli->lists_n[i];
    return cli->lists[i];
}

const char *cli_repeated(const struct cli *cli, const char *name, size_t i)
{
    for (size_t k = 0; k < cli->repeated_n; k++)
        if (strcmp(cli->repeated[k].option->name, name) == 0 && i-- == 0)
            return cli->repeated[k].value;
    return NULL;
}

void cli_say(const struct cli *cli, const char *format, ...)
{
    va_list args;

    if (cli->quiet || cli->json)
        return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

enum cli_exit cli_fail(const struct cli *cli, enum cli_exit code,
                       const char *format, ...)
{
    struct buf text = { 0 }, clean = { 0 };
    struct str rest, line;
    va_list args;

    fflush(stdout);
    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    /* It may name a file that a stranger named. */
    rest = buf_str(&text);
    while (str_split(&rest, '\n', &line)) {
        safe_write(line, &clean);
        buf_add_char(&clean, '\n');
    }
    fprintf(stderr, "postseal%s%s: %s", cli->command == NULL ? "" : " ",
            cli->command == NULL ? "" : cli->command->name, buf_cstr(&clean));
    buf_free(&text);
    buf_free(&clean);
    return code;
}

enum cli_exit cli_fail_status(const struct cli *cli, struct status st)
{
    return cli_fail(cli, st.kind == STATUS_DEFER ? CLI_TEMPORARY : CLI_NO, "%s",
                    st.why);
}

json_t *cli_json_str(struct str s)
{
    json_t *value = json_stringn(s.n == 0 ? "" : s.p, s.n);
    struct buf clean = { 0 };

    if (value != NULL)
        return value;
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x80)
            buf_add_char(&clean, s.p[i]);
        else
            buf_add_cstr(&clean, "\xef\xbf\xbd");
    }
    value = json_stringn(clean.p, clean.n);
    buf_free(&clean);
    return value;
}

void cli_json(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(value);
}

static json_t *error_json(const struct config_error *e)
{
    return json_pack("{so si si so}", "file", cli_json_str(e->file), "line",
                     (int)e->line, "column", (int)e->column, "message",
                     cli_json_str(e->message));
}

json_t *cli_json_errors(const struct config_errors *errors)
{
    json_t *list = json_array();

    for (size_t i = 0; i < errors->n; i++)
        json_array_append_new(list, error_json(&errors->list[i]));
    return list;
}

struct config *cli_load(const struct cli *cli)
{
    struct config_errors errors = { 0 };
    struct config *config = config_load(cli->config_path, &errors);
    struct buf text = { 0 };

    if (config == NULL && cli->json)
        cli_json(json_pack("{sb so}", "valid", 0, "errors",
                           cli_json_errors(&errors)));
    config_errors_write(&errors, &text);
    if (config == NULL)
        fputs(buf_cstr(&text), stderr);
    buf_free(&text);
    config_errors_free(&errors);
    return config;
}

/* --- the command line --------------------------------------------------- */

static int unknown_command(const struct cli *cli, const char *word)
{
    int code;
    struct arena arena = { 0 };
    const char *names[128];
    const char *meant;
    size_t n = 0;

    /* "user add", and "user" for who only typed the first word. */
    for (size_t i = 0; i < cli_commands_n && n < 126; i++) {
        struct str name = str_from_cstr(cli_commands[i]->name);

        names[n++] = name.p;
        names[n++] =
            str_keep_cstr(&arena, str_first(name, str_find_char(name, ' ')));
    }
    names[n] = NULL;
    meant = suggest_name(str_from_cstr(word), names);
    code = (int)cli_fail(cli, CLI_USAGE,
                         "there is no command '%s'%s%s%s (postseal help lists "
                         "them)",
                         word, meant == NULL ? "" : "; did you mean '",
                         meant == NULL ? "" : meant, meant == NULL ? "" : "'?");
    arena_free(&arena);
    return code;
}

/* "user" alone, or with a word it does not know. */
static int wrong_group(const struct cli *cli, char **words, size_t n)
{
    struct buf text = { 0 };
    int code;

    if (n > 1 && words[1][0] != '-') {
        buf_addf(&text, "%s %s", words[0], words[1]);
        code = unknown_command(cli, buf_cstr(&text));
        buf_free(&text);
        return code;
    }
    for (size_t i = 0; i < cli_commands_n; i++)
        if (str_starts(str_from_cstr(cli_commands[i]->name),
                       str_from_cstr(words[0])))
            buf_addf(&text, "\n  postseal %-18s %s", cli_commands[i]->name,
                     cli_commands[i]->summary);
    if (n > 1 &&
        (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0)) {
        printf("%s\n", buf_cstr(&text) + 1);
        code = CLI_OK;
    } else {
        code = (int)cli_fail(cli, CLI_USAGE, "say which:%s", buf_cstr(&text));
    }
    buf_free(&text);
    return code;
}

static int run(struct cli *cli, char **words, size_t n)
{
    int code;

    switch (args_read(cli, words, n)) {
    case ARGS_HELP:
        cli_help(cli->command, stdout);
        return CLI_OK;
    case ARGS_WRONG:
        return CLI_USAGE;
    case ARGS_RUN:
        break;
    }
    code = (int)cli->command->run(cli);
    /* A full disk behind ">" must not look like success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_OK)
        return (int)cli_fail(cli, CLI_INTERNAL, "cannot write the answer");
    return code;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = { 0 };
    size_t n = argc < 1 ? 0 : (size_t)argc - 1, used;
    char **words = argv + 1;

    args_defaults(&cli);
    if (n == 0) {
        cli_overview(stderr);
        return CLI_USAGE;
    }
    if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
        cli_overview(stdout);
        return CLI_OK;
    }
    if (strcmp(words[0], "--version") == 0)
        words[0] = (char *)"version";
    cli.command = cli_find(words, n, &used);
    if (cli.command == NULL)
        return cli_is_group(words[0]) ? wrong_group(&cli, words, n)
                                      : unknown_command(&cli, words[0]);
    return run(&cli, words + used, n - used);
}
