/* SPDX-License-Identifier: Apache-2.0 */
/* postseal key import, discover: keys join the keyring. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/key_show.h"
#include "cli/records.h"
#include "cli/sealer.h"
#include "mail/address.h"
#include "role/dispatch/keyseek.h"

#include <errno.h>
#include <string.h>

enum { FILE_MAX = 4 * KEY_BYTES_MAX, KEYS_MAX = 256, FIND_MS = 30000 };

struct job {
    struct cli *cli;
    struct config *config;
    struct store *store;
    struct cli_sealer sealer;
    struct arena arena;
    struct keyring_key keys[KEYS_MAX];
    enum keyring_news news[KEYS_MAX];
    size_t n;
    struct str actor;
    struct buf passphrase;
    bool refused; /* some of the keys */
};

static enum cli_exit begin(struct job *j)
{
    enum cli_exit code = CLI_CONFIG;
    struct status st;

    j->sealer.channel = -1;
    j->config = cli_load(j->cli);
    if (j->config == NULL)
        return code;
    j->store = records_open(j->cli, &code);
    if (j->store == NULL)
        return code;
    st = cli_sealer_start(j->config, &j->sealer);
    return status_is_ok(st) ? CLI_OK : cli_fail_status(j->cli, st);
}

static void end(struct job *j)
{
    cli_sealer_stop(&j->sealer);
    if (j->store != NULL)
        store_close(&j->store);
    config_free(&j->config);
    buf_wipe(&j->passphrase);
    arena_free(&j->arena);
}

/* --- what is read ----------------------------------------------------------
 */

static enum cli_exit read_file(const struct cli *cli, const char *path,
                               struct buf *out)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "rbe");

    if (f == NULL)
        return cli_fail(cli, CLI_USAGE, "%s: %s", path, strerror(errno));
    out->n = fread(buf_room(out, FILE_MAX + 1), 1, FILE_MAX + 1, f);
    bool failed = ferror(f) != 0;
    if (!is_stdin)
        fclose(f);
    if (failed)
        return cli_fail(cli, CLI_USAGE, "%s cannot be read", path);
    if (out->n == 0)
        return cli_fail(cli, CLI_USAGE, "%s is empty", path);
    if (out->n > FILE_MAX)
        return cli_fail(cli, CLI_USAGE,
                        "%s is larger than %d KiB: import keys one by one",
                        path, FILE_MAX >> 10);
    return CLI_OK;
}

static bool read_address(const char *text, struct arena *arena, struct str *out)
{
    struct str s = str_from_cstr(text);
    struct address address;

    if (str_starts(s, STR("*@"))) {
        struct str domain;

        if (!address_domain(str_from(s, 2), arena, &domain))
            return false;
        *out = arena_printf(arena, "*@%.*s", STR_ARG(domain));
        return true;
    }
    if (!address_parse(s, arena, &address))
        return false;
    *out = address.text;
    return true;
}

/* OpenPGP by its armour or by its first octet; all else is X.509's. */
static enum key_kind kind_of(struct str in)
{
    if (str_find(in, STR("-----BEGIN PGP ")) < in.n)
        return KEY_PGP;
    if (str_find(in, STR("-----BEGIN ")) < in.n)
        return KEY_SMIME;
    return (unsigned char)in.p[0] & 0x80 ? KEY_PGP : KEY_SMIME;
}

static void add(struct job *j, const struct key_facts *facts, struct str owner)
{
    if (j->n == KEYS_MAX)
        return;
    j->keys[j->n++] = (struct keyring_key){
        .id = id_new(),
        .owner = owner,
        .facts = *facts,
        .source = KEY_FROM_ADMIN,
        .state = KEY_APPROVED,
        .why = arena_printf(&j->arena, "imported by %.*s", STR_ARG(j->actor)),
        .added_wall_ms = clock_wall_ms(),
    };
}

/* --- importing --------------------------------------------------------------
 */

/* Every address of the key, or the one that was asked for (CM-06). */
static enum cli_exit choose_owners(struct job *j, const struct key_facts *f)
{
    const char *asked = cli_value(j->cli, "for");
    struct str owner;

    if (asked == NULL) {
        for (size_t i = 0; i < f->addresses_n; i++)
            add(j, f, f->addresses[i]);
        return CLI_OK;
    }
    if (!read_address(asked, &j->arena, &owner))
        return cli_fail(j->cli, CLI_USAGE,
                        "--for: '%s' is not an address, nor *@ and a domain",
                        asked);
    if (!str_starts(owner, STR("*@")) && !key_facts_name(f, owner))
        return cli_fail(j->cli, CLI_NO,
                        "the key %.*s does not name %.*s: whoever made it did "
                        "not say it is theirs",
                        STR_ARG(str_first(f->fingerprint, 16)), STR_ARG(owner));
    add(j, f, owner);
    return CLI_OK;
}

/* Blanks may belong to it, the end of its line does not. */
static struct str without_line_end(struct str s)
{
    if (str_ends(s, STR("\n")))
        s.n--;
    if (str_ends(s, STR("\r")))
        s.n--;
    return s;
}

static enum cli_exit read_passphrase(struct job *j, struct str *out)
{
    const char *path = cli_value(j->cli, "passphrase-file");
    struct buf text = { 0 };
    enum cli_exit code;

    *out = STR("");
    if (path == NULL)
        return CLI_OK;
    code = read_file(j->cli, path, &text);
    if (code == CLI_OK)
        *out = without_line_end(buf_str(&text));
    j->passphrase = text;
    return code;
}

static enum cli_exit ask_sealer(struct job *j, struct str in,
                                struct errand_answer *answer)
{
    bool own = cli_value(j->cli, "own") != NULL;
    struct errand errand = { .kind = own ? ERRAND_OWN_KEY : ERRAND_READ_KEYS,
                             .method = kind_of(in),
                             .now_wall_ms = clock_wall_ms() };
    enum cli_exit code = read_passphrase(j, &errand.passphrase);
    struct status st;

    if (code != CLI_OK)
        return code;
    /* PKCS #12 and PEM are told apart by the sealer. */
    if (own && (unsigned char)in.p[0] == 0x30)
        errand.method = KEY_SMIME;
    st = cli_sealer_ask(&j->sealer, &errand, in, &j->arena, answer);
    return status_is_ok(st) ? CLI_OK : cli_fail_status(j->cli, st);
}

static void say_refused(struct job *j, const struct key_facts *f)
{
    j->refused = true;
    cli_fail(j->cli, CLI_NO, "%.*s is refused: %.*s",
             STR_ARG(str_first(f->fingerprint, 16)), STR_ARG(f->refused));
}

static enum cli_exit take_keys(struct job *j,
                               const struct errand_answer *answer)
{
    enum cli_exit code = CLI_OK;

    for (size_t i = 0; i < answer->keys_n && code == CLI_OK; i++) {
        const struct key_facts *f = &answer->keys[i];

        if (f->refused.n > 0)
            say_refused(j, f);
        else if (f->has_private && answer->own_private.n == 0)
            code = cli_fail(j->cli, CLI_NO,
                            "this is a private key: the organisation's own is "
                            "imported with --own, of others only the public "
                            "part");
        else
            code = choose_owners(j, f);
    }
    for (size_t i = 0; i < j->n; i++)
        j->keys[i].own_private = answer->own_private;
    return code;
}

static struct status store_keys(struct tx *tx, void *argument)
{
    struct job *j = argument;
    struct status st = status_ok();

    for (size_t i = 0; i < j->n && status_is_ok(st); i++)
        st = keyring_add(tx, &j->keys[i], &j->news[i]);
    return st;
}

static const char *news_text(enum keyring_news news)
{
    return news == KEYRING_NEW    ? "new"
           : news == KEYRING_SAME ? "known"
                                  : "another than before";
}

static enum cli_exit store_and_say(struct job *j)
{
    struct status st = store_commit(j->store, store_keys, j);
    json_t *list = json_array();

    if (!status_is_ok(st)) {
        json_decref(list);
        return cli_fail_status(j->cli, st);
    }
    for (size_t i = 0; i < j->n; i++) {
        const struct keyring_key *k = &j->keys[i];
        json_t *one = key_json(k);

        json_object_set_new(one, "news", json_string(news_text(j->news[i])));
        json_array_append_new(list, one);
        cli_say(j->cli, "%.*s  %.*s %.*s  %.*s  %s%s%.*s", STR_ARG(k->owner),
                STR_ARG(key_kind_name(k->facts.kind)),
                STR_ARG(k->facts.algorithm),
                STR_ARG(str_first(k->facts.fingerprint, 16)),
                news_text(j->news[i]), k->facts.refused.n > 0 ? ": " : "",
                STR_ARG(records_safe(&j->arena, k->facts.refused)));
    }
    if (j->cli->json)
        cli_json(json_incref(list));
    json_decref(list);
    return CLI_OK;
}

static bool two_inputs(const struct cli *cli)
{
    const char *passphrase = cli_value(cli, "passphrase-file");

    return passphrase != NULL && strcmp(passphrase, "-") == 0 &&
           strcmp(cli->arguments[0], "-") == 0;
}

static enum cli_exit run_import(struct cli *cli)
{
    struct job *j = calloc(1, sizeof(*j));
    struct errand_answer answer = { 0 };
    struct buf in = { 0 };
    enum cli_exit code;

    if (j == NULL)
        return CLI_INTERNAL;
    j->cli = cli;
    code = two_inputs(cli)
               ? cli_fail(cli, CLI_USAGE,
                          "standard input holds the key or the passphrase, "
                          "not both: name a file for one of them")
               : read_file(cli, cli->arguments[0], &in);
    if (code == CLI_OK)
        code = begin(j);
    j->actor = records_actor(&j->arena);
    if (code == CLI_OK)
        code = ask_sealer(j, buf_str(&in), &answer);
    if (code == CLI_OK)
        code = take_keys(j, &answer);
    if (code == CLI_OK)
        code = store_and_say(j);
    if (code == CLI_OK && j->refused)
        code = CLI_NO;
    buf_wipe(&in);
    end(j);
    free(j);
    return code;
}

/* --- finding ----------------------------------------------------------------
 */

static void take_found(struct job *j, const struct found_key *f,
                       struct str address)
{
    size_t n = 0;
    struct status st =
        keyseek_read(j->sealer.channel, -1, f, address, &j->arena,
                     j->keys + j->n, KEYS_MAX - j->n, &n);

    j->n += n;
    if (!status_is_ok(st))
        fprintf(stderr, "%.*s: %s\n", STR_ARG(f->where), st.why);
    else if (n == 0)
        fprintf(stderr, "%.*s: no key in it names %.*s\n", STR_ARG(f->where),
                STR_ARG(address));
}

static enum cli_exit look(struct job *j, struct str address)
{
    struct posture *posture = NULL;
    struct found_key *found;
    struct str faults = STR("");
    size_t n = 0;
    struct status st = posture_open(j->config, NULL, &posture);

    if (status_is_ok(st))
        st = keyfind(posture, j->config, address,
                     j->cli->timeout_ms > 0 ? j->cli->timeout_ms : FIND_MS,
                     &j->arena, &found, &n, &faults);
    posture_close(&posture);
    if (!status_is_ok(st))
        return cli_fail_status(j->cli, st);
    if (faults.n > 0)
        fprintf(stderr, "%.*s\n", STR_ARG(records_safe(&j->arena, faults)));
    for (size_t i = 0; i < n; i++)
        take_found(j, &found[i], address);
    if (j->n > 0)
        return store_and_say(j);
    if (j->cli->json)
        cli_json(json_array());
    return cli_fail(j->cli, CLI_NO, "no key of %.*s is published where we look",
                    STR_ARG(address));
}

static enum cli_exit run_discover(struct cli *cli)
{
    struct job *j = calloc(1, sizeof(*j));
    struct address address;
    enum cli_exit code;

    if (j == NULL)
        return CLI_INTERNAL;
    j->cli = cli;
    if (!address_parse(str_from_cstr(cli->arguments[0]), &j->arena, &address))
        code = cli_fail(cli, CLI_USAGE, "'%s' is not an address",
                        cli->arguments[0]);
    else
        code = begin(j);
    if (code == CLI_OK)
        code = look(j, address.text);
    end(j);
    free(j);
    return code;
}

/* --- rows -------------------------------------------------------------------
 */

static const struct cli_option import_options[] = {
    { "for", "ADDRESS", false,
      "Only for this address of the key; *@DOMAIN: for a whole domain.",
      false },
    { "own", NULL, false,
      "The organisation's own key, private part and all: mail is signed with "
      "it.",
      false },
    { "passphrase-file", "FILE", false,
      "Holds the passphrase of the private key; - for standard input.", false },
    { NULL, NULL, false, NULL, false },
};

const struct cli_command cli_key_import = {
    .name = "key import",
    .arguments = "FILE",
    .summary = "Take keys and certificates from a file",
    .details =
        "Reads OpenPGP keys (armoured or binary) and S/MIME certificates (PEM, "
        "DER, PKCS #7) from FILE, - for standard input, and approves them for "
        "the addresses they name. What should not be used is refused with the "
        "reason: no part for encryption, expired, revoked, weak, or not the "
        "address's; the others of the file are taken all the same. With --own "
        "a private key of the organisation (OpenPGP "
        "secret key, PKCS #12, or PEM with certificate and chain) is taken in "
        "and stored sealed to the sealer.",
    .examples = "postseal key import ann.asc\n"
                "postseal key import partner.pem --for '*@partner.example'\n"
                "postseal key import clinic.p12 --own --passphrase-file pass",
    .least = 1,
    .most = 1,
    .json = true,
    .options = import_options,
    .run = run_import,
};

const struct cli_command cli_key_discover = {
    .name = "key discover",
    .arguments = "ADDRESS",
    .summary = "Look for a person's published key",
    .details =
        "Asks the Web Key Directory of the domain and its SMIMEA records "
        "(DNSSEC-secure ones only). What is found joins the keyring as a "
        "candidate: it is used once somebody approved it (key approve), or by "
        "rules that say *keys candidates*.",
    .examples = "postseal key discover ann@partner.example",
    .exits = "0 found, 1 nothing found, 4 nobody could be asked",
    .least = 1,
    .most = 1,
    .json = true,
    .run = run_discover,
};
