/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/records.h"

#include "base/clock.h"
#include "store/store.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum { ID_LEAST = 4 };

struct store *records_open(const struct cli *cli, enum cli_exit *code)
{
    struct config *config = cli_load(cli);
    struct store *store = NULL;
    struct buf path = { 0 };
    struct status st;

    *code = CLI_CONFIG;
    if (config == NULL)
        return NULL;
    buf_add(&path, config->data_dir);
    st = store_open(buf_cstr(&path), &store);
    if (!status_is_ok(st))
        *code = cli_fail_status(cli, st);
    buf_free(&path);
    config_free(&config);
    return store;
}

struct str records_actor(struct arena *arena)
{
    const struct passwd *who = getpwuid(getuid());

    if (who == NULL)
        return arena_printf(arena, "uid %u", (unsigned)getuid());
    return str_keep(arena, str_from_cstr(who->pw_name));
}

bool records_is_id(const struct cli *cli, const char *text)
{
    size_t n = strlen(text);
    bool ok = n >= ID_LEAST && n <= ID_TEXT;

    for (size_t i = 0; i < n; i++)
        ok = ok && ascii_is_alnum(text[i]);
    if (!ok)
        cli_fail(cli, CLI_USAGE,
                 "'%s' is not an id: those have %d letters and digits, and the "
                 "first %d at least are needed",
                 text, (int)ID_TEXT, (int)ID_LEAST);
    return ok;
}

struct str records_safe(struct arena *arena, struct str s)
{
    char *safe = str_keep_cstr(arena, s);

    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)safe[i] < ' ' || safe[i] == 127)
            safe[i] = '?';
    return str_of(safe, s.n);
}

json_t *records_time(int64_t wall_ms)
{
    char text[CLOCK_ISO_SIZE];

    if (wall_ms == 0)
        return json_null();
    return cli_json_str(clock_iso(wall_ms, text));
}

struct str records_when(struct arena *arena, int64_t wall_ms)
{
    char text[CLOCK_ISO_SIZE];

    if (wall_ms == 0)
        return STR("");
    clock_iso(wall_ms, text);
    return arena_printf(arena, "%.10s %.8s", text, text + 11);
}

static json_t *or_null(struct str s)
{
    return s.n == 0 ? json_null() : cli_json_str(s);
}

static json_t *ladder(struct str names)
{
    json_t *list = json_array();
    struct str one;

    while (names.n > 0 && str_split(&names, ' ', &one))
        json_array_append_new(list, cli_json_str(one));
    return list;
}

json_t *records_delivery(const struct delivery *d)
{
    return json_pack("{so,so,so,so,so,so,so,so,so,sI,so,so,so}", "id",
                     cli_json_str(id_str(&d->id)), "recipient",
                     cli_json_str(d->recipient), "floor", or_null(d->floor),
                     "ladder", ladder(d->ladder), "rule", or_null(d->rule),
                     "decision", or_null(d->decision_why), "state",
                     cli_json_str(delivery_state_name(d->state)), "method",
                     or_null(d->method), "why", cli_json_str(d->why), "tries",
                     (json_int_t)d->attempts, "next_at",
                     d->state == DELIVERY_QUEUED ? records_time(d->next_wall_ms)
                                                 : json_null(),
                     "final_at", records_time(d->final_wall_ms), "pickup",
                     or_null(id_str(&d->pickup_id)));
}

static json_t *tls_of(const struct attempt *a)
{
    if (a->tls_version.n == 0)
        return json_null();
    return json_pack("{so,so,so,so}", "version", cli_json_str(a->tls_version),
                     "cipher", or_null(a->tls_cipher), "group",
                     or_null(a->tls_group), "verified_by",
                     or_null(a->verified_by));
}

json_t *records_attempt(const struct attempt *a)
{
    json_t *delay =
        json_pack("{sI,sI,sI,sI}", "dns", (json_int_t)a->dns_ms, "connect",
                  (json_int_t)a->connect_ms, "tls", (json_int_t)a->tls_ms,
                  "send", (json_int_t)a->send_ms);

    return json_pack(
        "{so,so,so,so,so,so,so,so,so,sb}", "at", records_time(a->at_wall_ms),
        "method", or_null(a->method), "mx", or_null(a->mx), "address",
        or_null(a->address), "tls", tls_of(a), "reply", or_null(a->reply),
        "result", cli_json_str(a->result), "why", cli_json_str(a->why),
        "delay_ms", delay, "maybe_duplicate", a->maybe_duplicate ? 1 : 0);
}

static json_t *with_attempts(struct rx *rx, struct arena *arena,
                             const struct delivery *d)
{
    json_t *object = records_delivery(d), *list = json_array();
    struct attempt *attempts = NULL;
    size_t n = 0;

    queue_attempts(rx, &d->id, arena, &attempts, &n);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, records_attempt(&attempts[i]));
    json_object_set_new(object, "attempts", list);
    return object;
}

static const char *kind_name(enum message_kind kind)
{
    static const char *const names[] = { "mail", "dsn", "notice", "code",
                                         "tell" };

    return names[kind];
}

json_t *records_message(struct rx *rx, struct arena *arena,
                        const struct message *m, const struct delivery *d,
                        size_t n)
{
    json_t *recipients = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(recipients, with_attempts(rx, arena, &d[i]));
    return json_pack(
        "{so,ss,so,so,sI,so,so,so,so,sb,so}", "id",
        cli_json_str(id_str(&m->id)), "kind", kind_name(m->kind), "from",
        cli_json_str(m->from), "received_at", records_time(m->received_wall_ms),
        "size", (json_int_t)m->size_bytes, "listener", or_null(m->listener),
        "user", or_null(m->user), "client", or_null(m->client_address),
        "client_tls", or_null(m->tls), "body_kept", m->body_key.n > 0 ? 1 : 0,
        "recipients", recipients);
}
