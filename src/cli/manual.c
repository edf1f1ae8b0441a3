/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the manual pages as scdoc(5) from the table of commands and the
 * schema of the configuration, so that they cannot say anything else:
 *
 *     manual --list                     names of all pages, one a line
 *     manual postseal                   postseal(1)
 *     manual config                     postseal-config(1)
 *     manual postseal.conf PROLOGUE     postseal.conf(5): PROLOGUE, reference
 */
#include "cli/commands.h"
#include "policy/schema.h"

#include <string.h>

/* "*word*" is bold; a star before a blank, a dot or an at sign is a star. */
static void text(const char *s)
{
    for (const char *p = s; *p != '\0'; p++) {
        bool star = *p == '*' &&
                    (p[1] == '.' || p[1] == ' ' || p[1] == '@' || p[1] == ';' ||
                     p[1] == ',') &&
                    (p == s || p[-1] == ' ');

        if (star || *p == '_' || *p == '\\' || *p == '<' || *p == '>')
            putchar('\\');
        putchar(*p);
    }
}

static void option(const struct cli_option *o)
{
    printf("*--%s*", o->name);
    if (o->value != NULL)
        printf(" %s%s", o->value, o->many ? "..." : "");
    fputs("\n\t", stdout);
    text(o->help);
    fputs("\n\n", stdout);
}

static void options(const struct cli_option *list, bool json)
{
    for (; list != NULL && list->name != NULL; list++)
        if (json || strcmp(list->name, "json") != 0)
            option(list);
}

static struct str first_word(const char *name)
{
    struct str s = str_from_cstr(name);

    return str_first(s, str_find_char(s, ' '));
}

/* The first command of each group stands for its page. */
static bool opens_page(size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_eq(first_word(cli_commands[k]->name),
                   first_word(cli_commands[i]->name)))
            return false;
    return true;
}

static void exit_status(void)
{
    fputs("# EXIT STATUS\n\n"
          "*0*\n\tDone; the answer is yes.\n\n"
          "*1*\n\tThe answer is no.\n\n"
          "*2*\n\tThe command was not understood.\n\n"
          "*3*\n\tThe configuration is not valid.\n\n"
          "*4*\n\tIt may work later.\n\n"
          "*5*\n\tA fault of postseal or of the machine.\n\n",
          stdout);
}

static void command(const struct cli_command *c)
{
    printf("## postseal %s\n\n", c->name);
    text(c->details);
    fputs("\n\n", stdout);
    options(c->options, true);
    if (c->examples != NULL)
        printf("```\n%s```\n\n", c->examples);
    if (c->exits != NULL) {
        fputs("Exit status: ", stdout);
        text(c->exits);
        fputs(".\n\n", stdout);
    }
}

static void synopsis(const struct cli_command *c)
{
    printf("*postseal %s*%s%s [OPTION...]\n\n", c->name,
           c->arguments[0] == '\0' ? "" : " ", c->arguments);
}

static bool page_of_command(struct str page)
{
    bool found = false, json = false;

    for (size_t i = 0; i < cli_commands_n; i++)
        if (str_eq(first_word(cli_commands[i]->name), page)) {
            if (!found)
                printf("postseal-%.*s(1)\n\n# NAME\n\npostseal-%.*s - %s\n\n# "
                       "SYNOPSIS\n\n",
                       STR_ARG(page), STR_ARG(page), cli_commands[i]->summary);
            synopsis(cli_commands[i]);
            found = true;
            json = json || cli_commands[i]->json;
        }
    if (!found)
        return false;
    fputs("# DESCRIPTION\n\n", stdout);
    for (size_t i = 0; i < cli_commands_n; i++)
        if (str_eq(first_word(cli_commands[i]->name), page))
            command(cli_commands[i]);
    fputs("# COMMON OPTIONS\n\n", stdout);
    options(cli_common_options, json);
    exit_status();
    fputs("# SEE ALSO\n\n*postseal*(1), *postseal.conf*(5)\n", stdout);
    return true;
}

static void page_of_postseal(void)
{
    fputs("postseal(1)\n\n# NAME\n\npostseal - secure outbound e-mail gateway\n"
          "\n# SYNOPSIS\n\n*postseal* COMMAND [ARGUMENT...] [OPTION...]\n\n"
          "# DESCRIPTION\n\npostseal is the gate an organisation's mail leaves "
          "by. For each recipient of each message it picks a protection that "
          "is strong enough and least trouble to the reader, delivers, and "
          "keeps proof of what it did. It never sends below what was asked "
          "for.\n\n# COMMANDS\n\n",
          stdout);
    for (size_t i = 0; i < cli_commands_n; i++) {
        struct str page = first_word(cli_commands[i]->name);

        printf("*postseal %s* %s\n\t%s; see *postseal-%.*s*(1).\n\n",
               cli_commands[i]->name, cli_commands[i]->arguments,
               cli_commands[i]->summary, STR_ARG(page));
    }
    fputs("# COMMON OPTIONS\n\n", stdout);
    options(cli_common_options, true);
    exit_status();
    fputs("# FILES\n\n/etc/postseal/postseal.conf\n\tThe configuration, see "
          "*postseal.conf*(5).\n\n# SEE ALSO\n\n*postseal.conf*(5)\n",
          stdout);
}

/* --- postseal.conf(5) --------------------------------------------------- */

static void bounds(const struct schema_key *key)
{
    struct buf least = { 0 }, most = { 0 };
    union {
        uint64_t size;
        int64_t time;
        uint32_t count;
        uint16_t port;
    } value;
    struct schema_key bound = *key;

    if (key->most == 0)
        return;
    bound.place = 0;
    memset(&value, 0, sizeof(value));
    for (int i = 0; i < 2; i++) {
        uint64_t number = i == 0 ? key->least : key->most;

        if (key->type == TYPE_TIMES)
            bound.type = TYPE_TIME;
        if (bound.type == TYPE_COUNT)
            value.count = (uint32_t)number;
        else if (bound.type == TYPE_PORT)
            value.port = (uint16_t)number;
        else
            value.size = number;
        schema_write_value(&bound, &value, i == 0 ? &least : &most);
    }
    printf(" From %s to %s.", buf_cstr(&least), buf_cstr(&most));
    buf_free(&least);
    buf_free(&most);
}

static void setting(const struct schema_key *key)
{
    struct buf value = { 0 };

    schema_value_name(key, &value);
    printf("*%s* ", key->name);
    text(buf_cstr(&value));
    fputs("\n\t", stdout);
    text(key->help);
    if (key->required)
        fputs(" Must be given.", stdout);
    if (key->initial != NULL && key->initial[0] != '\0' &&
        strcmp(key->initial, "no") != 0)
        printf(" Default: %s.", key->initial);
    bounds(key);
    fputs("\n\n", stdout);
    buf_free(&value);
}

static void block(const struct schema_block *b)
{
    if (b->name[0] == '\0')
        fputs("## Outside of braces\n\n", stdout);
    else if (!b->braces)
        printf("## %s ...\n\n", b->name);
    else
        printf("## %s%s%s { ... }\n\n", b->name, b->label == NULL ? "" : " ",
               b->label == NULL ? "" : b->label->name);
    text(b->help);
    if (b->label != NULL) {
        fputs(" ", stdout);
        printf("%s: ", b->label->name);
        text(b->label->help);
    }
    fputs("\n\n", stdout);
    for (size_t i = 0; i < b->keys_n; i++)
        setting(&b->keys[i]);
}

static int page_of_conf(const char *prologue)
{
    FILE *f = fopen(prologue, "re");
    int c;

    if (f == NULL) {
        perror(prologue);
        return 1;
    }
    while ((c = fgetc(f)) != EOF)
        putchar(c);
    fclose(f);
    fputs("\n# SETTINGS\n\n", stdout);
    for (size_t i = 0; i < schema_blocks_n; i++)
        block(&schema_blocks[i]);
    fputs("# SEE ALSO\n\n*postseal*(1), *postseal-config*(1), "
          "*postseal-policy*(1)\n",
          stdout);
    return 0;
}

static int list_pages(void)
{
    puts("postseal");
    for (size_t i = 0; i < cli_commands_n; i++)
        if (opens_page(i))
            printf("%.*s\n", STR_ARG(first_word(cli_commands[i]->name)));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_pages();
    if (argc == 3 && strcmp(argv[1], "postseal.conf") == 0)
        return page_of_conf(argv[2]);
    if (argc == 2 && strcmp(argv[1], "postseal") == 0) {
        page_of_postseal();
        return 0;
    }
    if (argc == 2 && page_of_command(str_from_cstr(argv[1])))
        return 0;
    fprintf(stderr, "usage: manual --list | PAGE | postseal.conf PROLOGUE\n");
    return 2;
}
