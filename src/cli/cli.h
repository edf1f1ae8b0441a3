/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every subcommand of `postseal` shares. A subcommand is one file with
 * one row (struct cli_command); the table of rows (commands.c) is what help,
 * manual pages and shell completion are made from.
 *
 * To add one: write x.c with `const struct cli_command cli_x = {...}`, declare
 * it in commands.h, list it in commands.c and in meson.build.
 */
#ifndef POSTSEAL_CLI_CLI_H
#define POSTSEAL_CLI_CLI_H

#include "base/buf.h"
#include "base/status.h"
#include "policy/config.h"

#include <jansson.h>
#include <stdio.h>

/* The same for every command, printed in every manual page. */
enum cli_exit {
    CLI_OK = 0,        /* done; the answer is yes */
    CLI_NO = 1,        /* the answer is no */
    CLI_USAGE = 2,     /* the command was not understood */
    CLI_CONFIG = 3,    /* the configuration is not valid */
    CLI_TEMPORARY = 4, /* may work later */
    CLI_INTERNAL = 5,  /* a fault of postseal or of the machine */
};

enum { CLI_OPTIONS_MAX = 16, CLI_REPEATED_MAX = 64 };

struct cli_option {
    const char *name;  /* "hostname" for --hostname; NULL ends the list */
    const char *value; /* "NAME"; NULL: the option takes none */
    bool many;         /* takes all that follows up to the next option */
    const char *help;
    bool repeated; /* may be given several times; read with cli_repeated */
};

struct cli; /* one invocation */

struct cli_command {
    const char *name;      /* "init", "config check" */
    const char *arguments; /* "DIR", "[FILE]", "FROM TO", "" */
    const char *summary;   /* one line, "Make a working configuration" */
    const char *details;   /* paragraphs for manual page and --help */
    const char *examples;  /* lines, or NULL */
    const char *exits;     /* "0 encrypted, 1 weak"; NULL: as every command */
    size_t least, most;    /* how many arguments */
    bool json;             /* knows --json */
    const struct cli_option *options; /* NULL: only the common ones */
    enum cli_exit (*run)(struct cli *cli);
};

struct cli {
    const struct cli_command *command;
    const char *config_path; /* -c, $POSTSEAL_CONFIG, or the usual place */
    bool config_given;       /* -c was there */
    bool json, quiet, color;
    int64_t timeout_ms; /* --timeout, 0: none */
    char **arguments;
    size_t arguments_n;
    /* Values by the place of the option in command->options. */
    const char *values[CLI_OPTIONS_MAX];
    char **lists[CLI_OPTIONS_MAX];
    size_t lists_n[CLI_OPTIONS_MAX];
    struct {
        const struct cli_option *option;
        const char *value;
    } repeated[CLI_REPEATED_MAX];
    size_t repeated_n;
};

/* Runs a command line; argv as main() got it. The exit code. */
int cli_main(int argc, char **argv);

/* The value of an option, "" when it takes none, NULL when not given. */
const char *cli_value(const struct cli *cli, const char *name);
/* All values of an option that takes many; *n 0 when not given. */
char **cli_values(const struct cli *cli, const char *name, size_t *n);

/* The i-th value of an option that may be repeated, or NULL. */
const char *cli_repeated(const struct cli *cli, const char *name, size_t i);

/* Loads cli->config_path. On errors prints all of them (as JSON with --json)
 * and answers NULL: end with CLI_CONFIG. Free with config_free(). */
struct config *cli_load(const struct cli *cli);

/* What was done, on standard output; nothing with --quiet or --json. */
void cli_say(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "postseal init: ..." on standard error; answers code. Say what to do. */
enum cli_exit cli_fail(const struct cli *cli, enum cli_exit code,
                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same from a status: deferrals are CLI_TEMPORARY, refusals CLI_NO. */
enum cli_exit cli_fail_status(const struct cli *cli, struct status st);

/* A JSON value on standard output; takes the reference. */
void cli_json(json_t *value);
/* A str as JSON text; octets that are not UTF-8 become U+FFFD. */
json_t *cli_json_str(struct str s);

/* The errors as a list of objects: file, line, column, message. */
json_t *cli_json_errors(const struct config_errors *errors);

/* A table for people: columns as wide as needed, headings in bold on a
 * terminal. cells has columns * rows texts, row by row. Control characters in
 * cells are shown as "?": they may come from strangers. */
void cli_table(const struct cli *cli, const char *const *headings,
               size_t columns, const struct str *cells, size_t rows);

/* Help and its relatives (help.c); all made from the table. */
void cli_help(const struct cli_command *command, FILE *out);
void cli_overview(FILE *out);

#endif
