/* SPDX-License-Identifier: Apache-2.0 */
/* postseal init: a configuration that works, keys, and an empty store. */
#include "cli/certificate.h"
#include "cli/commands.h"
#include "policy/value.h"
#include "seal/rest.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CERTIFICATE_DAYS = 825 };

struct init {
    struct cli *cli;
    const char *hostname, *listen, *portal_url;
    char folder[PATH_MAX]; /* absolute */
};

static enum cli_exit read_options(struct init *i)
{
    struct sockaddr_storage address;
    const char *url;

    i->hostname = cli_value(i->cli, "hostname");
    i->listen = cli_value(i->cli, "listen");
    i->portal_url = url = cli_value(i->cli, "portal-url");
    if (i->hostname == NULL)
        return cli_fail(i->cli, CLI_USAGE,
                        "say the name of this host: --hostname "
                        "gate.clinic.example");
    if (value_hostname(str_from_cstr(i->hostname)) != NULL)
        return cli_fail(i->cli, CLI_USAGE, "--hostname: '%s' is not %s",
                        i->hostname,
                        value_hostname(str_from_cstr(i->hostname)));
    if (i->listen == NULL)
        i->listen = "127.0.0.1:2525";
    if (value_address(str_from_cstr(i->listen), &address) != NULL)
        return cli_fail(i->cli, CLI_USAGE, "--listen: '%s' is not %s",
                        i->listen,
                        value_address(str_from_cstr(i->listen), &address));
    if (url != NULL && (strncmp(url, "https://", 8) != 0 ||
                        strcspn(url, " \t\n\"{};#?") != strlen(url)))
        return cli_fail(i->cli, CLI_USAGE,
                        "--portal-url: '%s' is not an address such as "
                        "https://mail.clinic.example",
                        url);
    return CLI_OK;
}

static void path(const struct init *i, const char *name, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%.*s/%s", PATH_MAX - 64, i->folder, name);
}

static enum cli_exit make_folder(struct init *i, const char *name, mode_t mode)
{
    char full[PATH_MAX];

    path(i, name, full);
    if (mkdir(full, mode) == 0 || errno == EEXIST)
        return CLI_OK;
    return cli_fail(i->cli, CLI_INTERNAL, "cannot make %s: %s", full,
                    strerror(errno));
}

/* DIR may be there and empty of what is made here. */
static enum cli_exit open_folder(struct init *i, const char *dir)
{
    static const char *const made[] = { "postseal.conf", "gate.pem", "gate.key",
                                        "data" };
    char full[PATH_MAX];

    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return cli_fail(i->cli, CLI_INTERNAL, "cannot make %s: %s", dir,
                        strerror(errno));
    if (realpath(dir, i->folder) == NULL)
        return cli_fail(i->cli, CLI_INTERNAL, "%s: %s", dir, strerror(errno));
    for (size_t k = 0; k < sizeof(made) / sizeof(made[0]); k++) {
        path(i, made[k], full);
        if (access(full, F_OK) == 0)
            return cli_fail(i->cli, CLI_NO,
                            "%s is there already, nothing was changed (choose "
                            "another folder, or move it away)",
                            full);
    }
    return CLI_OK;
}

static const char conf_head[] =
    "# postseal.conf: see postseal.conf(5) for every setting.\n"
    "# After a change: postseal config check -c THIS-FILE, then reload.\n"
    "\n"
    "hostname %s\n"
    "data     data\n"
    "\n"
    "# Self-signed for now: put one of a public CA here.\n"
    "tls { certificate gate.pem  key gate.key }\n"
    "\n"
    "# Where your own systems hand mail in. Never open this to everybody.\n"
    "listen %s { accept-from %s }\n"
    "# Accounts (postseal user add) over the Internet:\n"
    "# listen 0.0.0.0:587 { starttls required  auth required }\n"
    "# listen 0.0.0.0:465 { tls implicit       auth required }\n"
    "\n"
    "delivery { retry 5m 15m 30m 1h 2h 4h  give-up-after 5d }\n"
    "# A smarthost for everything:\n"
    "# route * { to relay.example:587  auth ACCOUNT relay.secret }\n"
    "\n";

static const char conf_portal[] =
    "# Where readers pick up what could not go any other way.\n"
    "portal { url %s  listen %s  expire-after 30d }\n"
    "\n";

static const char conf_no_portal[] =
    "# Where readers would pick up what cannot go by checked TLS. Without it\n"
    "# such mail goes back to the sender.\n"
    "# portal { url https://%s  listen 0.0.0.0:443  expire-after 30d }\n"
    "\n";

static const char conf_rules[] =
    "# What is known for certain about a domain:\n"
    "# pin partner.example { floor verified }\n"
    "\n"
    "# The first rule that fits decides.\n"
    "%srule \"marked sensitive\" { when subject contains \"[secure]\"  floor "
    "sealed  ladder portal }\n"
    "rule \"everything else\"  { floor verified  ladder %s  switch-after 15m "
    "}\n"
    "\n"
    "# What the rules must give (postseal policy test):\n"
    "%sexpect from a@%s to b@partner.example subject \"[secure] labs\" gives "
    "portal\n"
    "expect from a@%s to b@partner.example gives tls\n";

/* The host readers see; false when it is an address or too long. */
static bool portal_host(const char *url, char out[256])
{
    size_t n = strcspn(url + 8, ":/");

    if (n == 0 || n >= 254)
        return false;
    snprintf(out, 256, "%.*s", (int)n, url + 8);
    return strcmp(out, "localhost") == 0 ||
           value_hostname(str_from_cstr(out)) == NULL;
}

/* Readers' port from the address they see; behind another address a proxy or
 * a redirected port is the administrator's choice. */
static void portal_listen(const char *url, char out[64])
{
    const char *colon = strchr(url + 8, ':');
    char host[256] = "";
    uint64_t port = 443;

    if (colon != NULL)
        str_to_u64(str_first(str_from_cstr(colon + 1), strcspn(colon + 1, "/")),
                   65535, &port);
    portal_host(url, host);
    snprintf(out, 64, "%s:%u",
             strcmp(host, "localhost") == 0 ? "127.0.0.1" : "0.0.0.0",
             (unsigned)(port == 0 ? 443 : port));
}

static void fill_conf(const struct init *i, struct buf *out)
{
    bool loopback = strncmp(i->listen, "127.", 4) == 0;
    bool six = i->listen[0] == '[';
    bool portal = i->portal_url != NULL;
    char address[64];

    buf_addf(out, conf_head, i->hostname, i->listen,
             six        ? "::1"
             : loopback ? "127.0.0.0/8"
                        : "127.0.0.0/8  # add your own hosts\n   ");
    if (portal) {
        portal_listen(i->portal_url, address);
        buf_addf(out, conf_portal, i->portal_url, address);
    } else {
        buf_addf(out, conf_no_portal, i->hostname);
    }
    buf_addf(out, conf_rules, portal ? "" : "# ", portal ? "tls portal" : "tls",
             portal ? "" : "# ", i->hostname, i->hostname);
}

static enum cli_exit write_conf(const struct init *i)
{
    char full[PATH_MAX];
    struct buf text = { 0 };
    FILE *f;
    int fd;
    bool ok;

    path(i, "postseal.conf", full);
    fill_conf(i, &text);
    fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    ok = f != NULL && fwrite(text.p, 1, text.n, f) == text.n;
    ok = f != NULL && fclose(f) == 0 && ok;
    buf_free(&text);
    if (ok)
        return CLI_OK;
    return cli_fail(i->cli, CLI_INTERNAL, "cannot write %s: %s", full,
                    strerror(errno));
}

static struct status make_keys(const struct init *i)
{
    char private[PATH_MAX], public[PATH_MAX];
    struct status st;

    path(i, "data/keys/dispatch.key", private);
    path(i, "data/keys/dispatch.pub", public);
    st = rest_keygen(private, public);
    if (!status_is_ok(st))
        return st;
    path(i, "data/keys/portal.key", private);
    path(i, "data/keys/portal.pub", public);
    st = rest_keygen(private, public);
    if (!status_is_ok(st))
        return st;
    path(i, "data/keys/sealer.key", private);
    path(i, "data/keys/sealer.pub", public);
    return rest_keygen(private, public);
}

static struct status make_all(const struct init *i)
{
    char one[PATH_MAX], other[PATH_MAX], second[256] = "";
    struct status st = make_keys(i);

    if (!status_is_ok(st))
        return st;
    path(i, "data", one);
    st = store_create(one);
    if (!status_is_ok(st))
        return st;
    path(i, "gate.pem", one);
    path(i, "gate.key", other);
    if (i->portal_url != NULL && !portal_host(i->portal_url, second))
        second[0] = '\0';
    if (strcmp(second, i->hostname) == 0)
        second[0] = '\0';
    return certificate_make(one, other, i->hostname, second, CERTIFICATE_DAYS);
}

static void say_next(const struct init *i)
{
    const struct cli *cli = i->cli;

    cli_say(cli, "made in %s:", i->folder);
    cli_say(cli, "  postseal.conf      the configuration");
    cli_say(cli,
            "  gate.pem gate.key  self-signed certificate for %s, and its "
            "key",
            i->hostname);
    cli_say(cli, "  data/              empty store, and the keys it is sealed "
                 "to");
    cli_say(cli, "next:");
    cli_say(cli, "  postseal config check -c %s/postseal.conf", i->folder);
    cli_say(cli, "  postseal serve -c %s/postseal.conf", i->folder);
    cli_say(cli, "back up data/keys: without them what waits cannot be opened");
}

static enum cli_exit run_init(struct cli *cli)
{
    struct init i = { .cli = cli };
    enum cli_exit code = read_options(&i);
    struct status st;

    if (code == CLI_OK)
        code = open_folder(&i, cli->arguments[0]);
    if (code == CLI_OK)
        code = make_folder(&i, "data", 0750);
    if (code == CLI_OK)
        code = make_folder(&i, "data/keys", 0750);
    if (code != CLI_OK)
        return code;
    st = make_all(&i);
    if (!status_is_ok(st))
        return cli_fail_status(cli, st);
    /* Last: a folder with a configuration is a whole one. */
    code = write_conf(&i);
    if (code == CLI_OK && cli->json)
        cli_json(
            json_pack("{ss ss}", "folder", i.folder, "hostname", i.hostname));
    if (code == CLI_OK)
        say_next(&i);
    return code;
}

static const struct cli_option options[] = {
    { "hostname", "NAME", false,
      "Full name of this host, such as gate.clinic.example. Needed." },
    { "listen", "ADDRESS:PORT", false,
      "Where mail is handed in. Default: 127.0.0.1:2525." },
    { "portal-url", "URL", false,
      "The address readers will see. Without it there is no portal." },
    { NULL, NULL, false, NULL },
};

const struct cli_command cli_init = {
    .name = "init",
    .arguments = "DIR",
    .summary = "Make a working configuration, keys and an empty store",
    .details =
        "Makes in DIR: *postseal.conf*, commented and working; a self-signed "
        "certificate (P-256) with its key; and *data*, with the empty store "
        "and the key pairs mail at rest is sealed to. Nothing that is there "
        "is overwritten. JSON: folder, hostname.",
    .examples = "    postseal init /etc/postseal --hostname "
                "gate.clinic.example --portal-url "
                "https://mail.clinic.example\n",
    .least = 1,
    .most = 1,
    .json = true,
    .options = options,
    .run = run_init,
};
