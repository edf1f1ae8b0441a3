/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/key_show.h"

#include "base/base64.h"
#include "base/crc24.h"
#include "cli/records.h"

enum { COLUMNS = 7, SHORT = 16, LINE = 64 };

static json_t *addresses_json(const struct key_facts *f)
{
    json_t *list = json_array();

    for (size_t i = 0; i < f->addresses_n; i++)
        json_array_append_new(list, cli_json_str(f->addresses[i]));
    return list;
}

json_t *key_json(const struct keyring_key *k)
{
    return json_pack(
        "{so,so,so,so,so,so,so,so,so,so,so,so,so,sb,sb}", "id",
        cli_json_str(id_str(&k->id)), "owner", cli_json_str(k->owner), "kind",
        cli_json_str(key_kind_name(k->facts.kind)), "fingerprint",
        cli_json_str(k->facts.fingerprint), "algorithm",
        cli_json_str(k->facts.algorithm), "addresses",
        addresses_json(&k->facts), "capabilities",
        cli_json_str(k->facts.capabilities), "source",
        cli_json_str(key_source_name(k->source)), "state",
        cli_json_str(key_state_name(k->state)), "why", cli_json_str(k->why),
        "created_at", records_time(k->facts.created_wall_ms), "expires_at",
        records_time(k->facts.expires_wall_ms), "added_at",
        records_time(k->added_wall_ms), "own", k->own_private.n > 0 ? 1 : 0,
        "pinned", k->pinned ? 1 : 0);
}

json_t *key_history_json(const struct keyring_event *events, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{so,so,so,so}", "at",
                                        records_time(events[i].at_wall_ms),
                                        "what", cli_json_str(events[i].what),
                                        "actor", cli_json_str(events[i].actor),
                                        "why", cli_json_str(events[i].why)));
    return list;
}

void key_print_table(const struct cli *cli, struct arena *arena,
                     const struct keyring_key *keys, size_t n)
{
    static const char *const headings[COLUMNS] = { "owner",      "kind",
                                                   "algorithm",  "state",
                                                   "source",     "expires",
                                                   "fingerprint" };
    struct str *cells = arena_array(arena, n * COLUMNS, sizeof(*cells));

    for (size_t i = 0; i < n; i++) {
        struct str *c = &cells[i * COLUMNS];

        c[0] = keys[i].own_private.n > 0
                   ? arena_printf(arena, "%.*s (own)", STR_ARG(keys[i].owner))
                   : keys[i].owner;
        c[1] = key_kind_name(keys[i].facts.kind);
        c[2] = keys[i].facts.algorithm;
        c[3] = key_state_name(keys[i].state);
        c[4] = key_source_name(keys[i].source);
        c[5] =
            keys[i].facts.expires_wall_ms == 0
                ? STR("never")
                : str_first(records_when(arena, keys[i].facts.expires_wall_ms),
                            10);
        c[6] = str_first(keys[i].facts.fingerprint, SHORT);
    }
    cli_table(cli, headings, COLUMNS, cells, n);
}

static void line(const char *name, struct arena *arena, struct str value)
{
    value = records_safe(arena, value);
    if (value.n > 0)
        printf("%-13s%.*s\n", name, STR_ARG(value));
}

void key_print(struct arena *arena, const struct keyring_key *k,
               const struct keyring_event *events, size_t n)
{
    line("owner", arena, k->owner);
    line("kind", arena, key_kind_name(k->facts.kind));
    line("fingerprint", arena, k->facts.fingerprint);
    line("algorithm", arena, k->facts.algorithm);
    for (size_t i = 0; i < k->facts.addresses_n; i++)
        line(i == 0 ? "addresses" : "", arena, k->facts.addresses[i]);
    line("reads", arena, k->facts.capabilities);
    line("state", arena, key_state_name(k->state));
    line("why", arena, k->why);
    line("source", arena, key_source_name(k->source));
    if (k->own_private.n > 0)
        line("own", arena, STR("the organisation signs with it"));
    line("created", arena, records_when(arena, k->facts.created_wall_ms));
    line("expires", arena,
         k->facts.expires_wall_ms == 0
             ? STR("never")
             : records_when(arena, k->facts.expires_wall_ms));
    line("id", arena, id_str(&k->id));
    puts("history");
    for (size_t i = 0; i < n; i++) {
        struct str when = records_when(arena, events[i].at_wall_ms);
        struct str actor = records_safe(arena, events[i].actor);
        struct str why = records_safe(arena, events[i].why);

        printf("  %.*s  %.*s by %.*s%s%.*s\n", STR_ARG(when),
               STR_ARG(events[i].what), STR_ARG(actor), why.n > 0 ? ": " : "",
               STR_ARG(why));
    }
}

static void add_lines(struct str in, struct buf *out)
{
    struct buf text = { 0 };
    struct str rest;

    base64_encode(in, &text);
    for (rest = buf_str(&text); rest.n > 0; rest = str_from(rest, LINE)) {
        buf_add(out, str_first(rest, LINE));
        buf_add_char(out, '\n');
    }
    buf_free(&text);
}

void key_armour(const struct key_facts *f, struct buf *out)
{
    char crc[6];

    if (f->kind == KEY_SMIME) {
        buf_add_cstr(out, "-----BEGIN CERTIFICATE-----\n");
        add_lines(f->bytes, out);
        buf_add_cstr(out, "-----END CERTIFICATE-----\n");
        return;
    }
    crc24_text(crc24_add(CRC24_BEGIN, f->bytes), crc);
    buf_add_cstr(out, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
    add_lines(f->bytes, out);
    buf_addf(out, "%s\n-----END PGP PUBLIC KEY BLOCK-----\n", crc);
}
