/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_settings.h"

#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the name of this machine ---------------------------------------------
 */

static bool is_full(const char *name)
{
    return strchr(name, '.') != NULL && strncmp(name, "localhost", 9) != 0;
}

/* Its full name as far as it is known here; servers are told no other. */
static void write_own_name(struct buf *out)
{
    char name[HOST_NAME_MAX + 1] = "";
    struct addrinfo wish = { .ai_flags = AI_CANONNAME }, *found = NULL;

    if (gethostname(name, sizeof(name) - 1) != 0)
        name[0] = '\0';
    if (!is_full(name) && name[0] != '\0' &&
        getaddrinfo(name, NULL, &wish, &found) == 0 &&
        found->ai_canonname != NULL && is_full(found->ai_canonname))
        buf_add_cstr(out, found->ai_canonname);
    else if (is_full(name))
        buf_add_cstr(out, name);
    else
        buf_addf(out, "%s.localdomain", name[0] == '\0' ? "localhost" : name);
    if (found != NULL)
        freeaddrinfo(found);
}

/* --- options as a configuration -------------------------------------------
 */

static void write_quoted(const char *text, struct buf *out)
{
    buf_add_char(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
    buf_add_char(out, '"');
}

static void write_setting(const struct cli *cli, const char *option,
                          struct buf *out)
{
    const char *value = cli_value(cli, option);

    if (value == NULL)
        return;
    buf_addf(out, " %s ", option);
    write_quoted(value, out);
}

static void write_options(const struct cli *cli, struct buf *out)
{
    buf_add_cstr(out, "data / hostname ");
    if (cli_value(cli, "helo") != NULL)
        write_quoted(cli_value(cli, "helo"), out);
    else
        write_own_name(out);
    buf_add_cstr(out, "\ndns {");
    write_setting(cli, "resolver", out);
    write_setting(cli, "trust-anchor", out);
    buf_add_cstr(out, " }\ndelivery {");
    write_setting(cli, "port", out);
    write_setting(cli, "ca", out);
    write_setting(cli, "mta-sts-port", out);
    buf_add_cstr(out, " }\n");
}

/* The schema judges the options, as it would in a file. */
static struct config *from_options(const struct cli *cli)
{
    char folder[PATH_MAX - 16] = "", path[PATH_MAX];
    struct config_errors errors = { 0 };
    struct config *config;
    struct buf text = { 0 };

    if (getcwd(folder, sizeof(folder)) == NULL)
        folder[0] = '\0';
    snprintf(path, sizeof(path), "%s/options", folder);
    write_options(cli, &text);
    config = config_parse(buf_str(&text), path, &errors);
    if (config == NULL)
        for (size_t i = 0; i < errors.n; i++)
            cli_fail(cli, CLI_USAGE, "options: %.*s",
                     STR_ARG(errors.list[i].message));
    config_errors_free(&errors);
    buf_free(&text);
    return config;
}

static void lay_over(const struct cli *cli, const struct config *options,
                     struct config *out)
{
    struct arena *arena = &out->arena;

    if (cli_value(cli, "helo") != NULL)
        out->hostname = str_keep(arena, options->hostname);
    if (cli_value(cli, "resolver") != NULL)
        out->dns_resolver = str_keep(arena, options->dns_resolver);
    if (cli_value(cli, "trust-anchor") != NULL)
        out->dns_trust_anchor_file =
            str_keep(arena, options->dns_trust_anchor_file);
    if (cli_value(cli, "ca") != NULL)
        out->delivery.ca_file = str_keep(arena, options->delivery.ca_file);
    if (cli_value(cli, "port") != NULL)
        out->delivery.port = options->delivery.port;
    if (cli_value(cli, "mta-sts-port") != NULL)
        out->delivery.sts_port = options->delivery.sts_port;
}

struct config *check_settings(const struct cli *cli, enum cli_exit *code)
{
    struct config *options = from_options(cli), *config;

    *code = CLI_USAGE;
    if (options == NULL || !cli->config_given)
        return options;
    *code = CLI_CONFIG;
    config = cli_load(cli);
    if (config != NULL)
        lay_over(cli, options, config);
    config_free(&options);
    return config;
}
