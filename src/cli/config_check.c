/* SPDX-License-Identifier: Apache-2.0 */
/* postseal config check: what serve would say, and more. */
#include "policy/config_check.h"

#include "cli/certificate.h"
#include "cli/commands.h"
#include "mail/dkim.h"

#include <dirent.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WARN_DAYS = 21 };

struct check {
    const struct config *config;
    struct config_errors *errors, *notices;
    char text[600];
};

static void tell(struct config_errors *list, const struct config *config,
                 const char *block, const char *key, size_t index,
                 const char *text)
{
    const struct config_origin *o = config_origin(config, block, key, index);

    config_complain(list, o == NULL ? config->file : o->file,
                    o == NULL ? 0 : o->line, o == NULL ? 0 : o->column,
                    str_from_cstr(text));
}

static const char *path_of(struct str path, char out[4096])
{
    snprintf(out, 4096, "%.*s", STR_ARG(path));
    return out;
}

static void tell_days(struct check *c, const char *block,
                      const struct certificate_facts *f)
{
    bool ended = f->ends_in_days < 0;

    if (ended)
        snprintf(c->text, sizeof(c->text), "this certificate has expired");
    else if (!f->begun)
        snprintf(c->text, sizeof(c->text), "this certificate is not valid yet");
    else if (f->ends_in_days < WARN_DAYS)
        snprintf(c->text, sizeof(c->text),
                 "this certificate expires in %d days", (int)f->ends_in_days);
    else
        return;
    tell(ended || !f->begun ? c->errors : c->notices, c->config, block,
         "certificate", 0, c->text);
}

/* host: what clients or readers call this machine. */
static void check_pair(struct check *c, const char *block,
                       struct str certificate, struct str key, struct str host)
{
    char certificate_path[4096], key_path[4096], name[4096];
    struct certificate_facts f;
    struct status st;

    if (certificate.n == 0)
        return;
    st = certificate_look(path_of(certificate, certificate_path),
                          path_of(key, key_path), path_of(host, name), &f);
    if (!status_is_ok(st)) {
        tell(c->errors, c->config, block, "certificate", 0, st.why);
        return;
    }
    if (!f.key_matches)
        tell(c->errors, c->config, block, "key", 0,
             "this key is not the key of the certificate");
    tell_days(c, block, &f);
    if (!f.names_host) {
        snprintf(c->text, sizeof(c->text),
                 "this certificate does not name %.*s: whoever checks it will "
                 "not connect",
                 STR_ARG(host));
        tell(c->notices, c->config, block, "certificate", 0, c->text);
    }
    if (f.self_signed)
        tell(c->notices, c->config, block, "certificate", 0,
             "this certificate is self-signed: get one from a public CA "
             "before others rely on it");
}

/* "https://mail.clinic.example:8443/x" -> "mail.clinic.example" */
static struct str url_host(struct str url)
{
    struct str host = str_from(url, str_find(url, STR("://")) + 3);

    host = str_first(host, str_find_char(host, '/'));
    return str_first(host, str_find_char(host, ':'));
}

static void check_certificates(struct check *c)
{
    const struct config *config = c->config;
    const struct portal_config *p = &config->portal;
    bool own = !str_eq(p->certificate_file, config->tls_certificate_file);

    check_pair(c, "tls", config->tls_certificate_file, config->tls_key_file,
               config->hostname);
    if (p->on && !p->behind_proxy)
        check_pair(c, own ? "portal" : "tls", p->certificate_file, p->key_file,
                   url_host(p->url));
}

static void check_status(struct check *c, const char *block, const char *key,
                         size_t index, struct status st)
{
    if (!status_is_ok(st))
        tell(c->errors, c->config, block, key, index, st.why);
}

static struct status look_at_dkim(const char *path)
{
    struct dkim_key *key = NULL;
    struct status st = dkim_key_load(path, &key);

    dkim_key_free(&key);
    return st;
}

static void check_keys(struct check *c)
{
    const struct config *config = c->config;
    char path[4096];

    for (size_t i = 0; i < config->dkims_n; i++)
        check_status(c, "dkim", "key", i,
                     look_at_dkim(path_of(config->dkims[i].key_file, path)));
    if (config->delivery.ca_file.n > 0)
        check_status(
            c, "delivery", "ca", 0,
            certificate_look_ca(path_of(config->delivery.ca_file, path)));
}

static bool has_text(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char c = '\n';
    ssize_t n = fd < 0 ? -1 : read(fd, &c, 1);

    if (fd >= 0)
        close(fd);
    return n == 1 && c != '\n' && c != '\r';
}

static void check_secrets(struct check *c)
{
    char path[4096];

    for (size_t i = 0; i < c->config->routes_n; i++) {
        const struct route_config *r = &c->config->routes[i];

        if (r->auth_secret_file.n > 0 &&
            !has_text(path_of(r->auth_secret_file, path)))
            tell(c->errors, c->config, "route", "auth", i,
                 "the password file cannot be read or begins with an empty "
                 "line");
    }
}

static void check_data(struct check *c)
{
    char path[4096], key[4200];

    path_of(c->config->data_dir, path);
    if (access(path, F_OK) != 0) {
        tell(c->errors, c->config, "", "data", 0,
             "this folder is not there: postseal init makes one");
        return;
    }
    snprintf(key, sizeof(key), "%s/keys/dispatch.pub", path);
    if (access(key, F_OK) != 0)
        tell(c->errors, c->config, "", "data", 0,
             "this folder has no keys: postseal init makes them");
}

static void check_name(struct check *c, const char *block, const char *key,
                       struct str host)
{
    struct addrinfo *found = NULL;
    char name[4096];

    if (getaddrinfo(path_of(host, name), NULL, NULL, &found) == 0) {
        freeaddrinfo(found);
        return;
    }
    snprintf(c->text, sizeof(c->text),
             "%.*s does not resolve from here: receivers and readers need it "
             "to",
             STR_ARG(host));
    tell(c->notices, c->config, block, key, 0, c->text);
}

static void check_names(struct check *c)
{
    check_name(c, "", "hostname", c->config->hostname);
    if (c->config->portal.on)
        check_name(c, "portal", "url", url_host(c->config->portal.url));
}

static void print(const struct config_errors *list, const char *mark, FILE *out)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct config_error *e = &list->list[i];

        fprintf(out, "%.*s", STR_ARG(e->file));
        if (e->line > 0)
            fprintf(out, ":%u:%u", e->line, e->column);
        fprintf(out, ": %s%.*s\n", mark, STR_ARG(e->message));
    }
}

static void answer(const struct cli *cli, const struct check *c)
{
    bool valid = c->errors->n == 0;

    if (cli->json) {
        cli_json(json_pack("{sb so so}", "valid", valid, "errors",
                           cli_json_errors(c->errors), "notices",
                           cli_json_errors(c->notices)));
        return;
    }
    print(c->errors, "", stderr);
    if (!cli->quiet)
        print(c->notices, "notice: ", stdout);
    if (valid)
        cli_say(cli, "%.*s: valid", STR_ARG(c->config->file));
}

static enum cli_exit run_check(struct cli *cli)
{
    struct config_errors errors = { 0 }, notices = { 0 };
    struct config *config = cli_load(cli);
    struct check c = { .config = config,
                       .errors = &errors,
                       .notices = &notices };
    bool valid;

    if (config == NULL)
        return CLI_CONFIG;
    config_notices(config, &notices);
    check_certificates(&c);
    check_keys(&c);
    check_secrets(&c);
    check_data(&c);
    if (cli_value(cli, "offline") == NULL)
        check_names(&c);
    config_errors_sort(&errors);
    config_errors_sort(&notices);
    answer(cli, &c);
    valid = errors.n == 0;
    config_errors_free(&errors);
    config_errors_free(&notices);
    config_free(&config);
    return valid ? CLI_OK : CLI_CONFIG;
}

static const struct cli_option options[] = {
    { "offline", NULL, false, "Do not look up names." },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_config_check = {
    .name = "config check",
    .arguments = "",
    .summary = "Check the configuration",
    .details =
        "Reads the configuration as *serve* and a reload would, and prints "
        "every error at once as FILE:LINE:COLUMN: MESSAGE. Then looks into "
        "what it names: certificates (do they load, expire, fit their key and "
        "host), signing keys, password files, the data folder, and whether "
        "the host names resolve.\n\nA notice is about something that works "
        "and may surprise. JSON: valid, errors[] and notices[], each with "
        "file, line, column, message.",
    .examples = "    postseal config check -c postseal.conf\n",
    .json = true,
    .options = options,
    .run = run_check,
};
