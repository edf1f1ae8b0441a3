/* SPDX-License-Identifier: Apache-2.0 */
/* One reader and one writer for each type of the schema. */
#include "base/panic.h"
#include "policy/rules.h"
#include "policy/schema.h"
#include "policy/suggest.h"
#include "policy/value.h"

#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *at(const struct schema_read *r)
{
    return (char *)r->element + r->key->place;
}

static void *second(const struct schema_read *r)
{
    if (r->key->second == SCHEMA_NO_SECOND)
        panic("schema: %s has no second place", r->key->name);
    return (char *)r->element + r->key->second;
}

static struct str word(const struct schema_read *r, size_t i)
{
    return r->values[i].text;
}

static bool fail(struct schema_read *r, size_t i, struct str why)
{
    r->at = r->n == 0 ? NULL : &r->values[i];
    r->why = why;
    return false;
}

/* What the value functions answer, as a complaint about word i. */
static bool fits(struct schema_read *r, size_t i, const char *wanted)
{
    if (wanted == NULL)
        return true;
    return fail(r, i,
                arena_printf(r->errors, "'%.*s' is not %s", STR_ARG(word(r, i)),
                             wanted));
}

static bool outside(const struct schema_read *r, uint64_t value)
{
    return value < r->key->least || (r->key->most != 0 && value > r->key->most);
}

typedef void write_number(uint64_t value, struct buf *out);

static void write_plain(uint64_t value, struct buf *out)
{
    buf_addf(out, "%llu", (unsigned long long)value);
}

static void write_time(uint64_t value, struct buf *out)
{
    value_write_duration((int64_t)value, out);
}

static bool in_bounds(struct schema_read *r, size_t i, uint64_t value,
                      write_number *write)
{
    struct buf text = { 0 };

    if (!outside(r, value))
        return true;
    buf_addf(&text, "'%.*s' is out of bounds: from ", STR_ARG(word(r, i)));
    write(r->key->least, &text);
    if (r->key->most != 0) {
        buf_add_cstr(&text, " to ");
        write(r->key->most, &text);
    } else {
        buf_add_cstr(&text, " up");
    }
    fail(r, i, str_keep(r->errors, buf_str(&text)));
    buf_free(&text);
    return false;
}

static struct str absolute(const struct schema_read *r, struct str path)
{
    if (path.n > 0 && path.p[0] == '/')
        return str_of(str_keep_cstr(r->arena, path), path.n);
    return arena_printf(r->arena, "%.*s/%.*s", STR_ARG(r->folder),
                        STR_ARG(path));
}

static bool read_path(struct schema_read *r, size_t i, struct str *out)
{
    if (word(r, i).n == 0)
        return fits(r, i, "a file name");
    *out = absolute(r, word(r, i));
    return true;
}

static bool read_text(struct schema_read *r)
{
    *(struct str *)at(r) = word(r, 0);
    return true;
}

static bool read_checked(struct schema_read *r, const char *wanted)
{
    return fits(r, 0, wanted) && read_text(r);
}

/* Host and domain names are compared in lower case everywhere. */
static struct str lower_case(struct schema_read *r, struct str s)
{
    char *lower = str_keep_cstr(r->arena, s);

    for (size_t i = 0; i < s.n; i++)
        lower[i] = ascii_lower(lower[i]);
    return str_of(lower, s.n);
}

static bool read_name(struct schema_read *r, const char *wanted)
{
    if (!fits(r, 0, wanted))
        return false;
    *(struct str *)at(r) = lower_case(r, word(r, 0));
    return true;
}

static bool read_ca(struct schema_read *r)
{
    if (!str_eq(word(r, 0), STR("system")))
        return read_path(r, 0, at(r));
    *(struct str *)at(r) = STR("");
    return true;
}

static bool read_url(struct schema_read *r)
{
    struct str url = word(r, 0);

    if (!str_starts(url, STR("https://")) && !str_starts(url, STR("http://")))
        return fits(r, 0, "an address such as https://mail.clinic.example");
    if (str_find_char(url, '?') < url.n || str_find_char(url, '#') < url.n)
        return fits(r, 0, "an address without '?' and '#'");
    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    if (url.n < sizeof("https://") - 1)
        return fits(r, 0, "an address such as https://mail.clinic.example");
    *(struct str *)at(r) = str_keep(r->arena, url);
    return true;
}

static const char *is_mailbox(struct str s)
{
    size_t i = str_find_char(s, '@');

    if (i == 0 || value_hostname(str_from(s, i + 1)) != NULL)
        return "an address such as portal@clinic.example";
    return NULL;
}

static const char *is_address(struct str s)
{
    if (s.n == 0)
        return NULL;
    return str_has_char(s, '@') && !str_has_char(s, '*')
               ? NULL
               : "a whole address such as a@clinic.example";
}

static bool read_address(struct schema_read *r)
{
    if (!fits(r, 0, value_address(word(r, 0), at(r))))
        return false;
    if (r->key->second != SCHEMA_NO_SECOND)
        *(bool *)second(r) = true;
    return true;
}

static bool read_listen(struct schema_read *r)
{
    *(struct str *)second(r) = word(r, 0);
    return fits(r, 0, value_address(word(r, 0), at(r)));
}

static bool read_login(struct schema_read *r)
{
    if (word(r, 0).n == 0)
        return fits(r, 0, "an account");
    return read_text(r) && read_path(r, 1, second(r));
}

static bool read_number(struct schema_read *r)
{
    uint64_t value;

    if (!fits(r, 0, value_number(word(r, 0), &value)) ||
        !in_bounds(r, 0, value, write_plain))
        return false;
    if (r->key->type == TYPE_PORT)
        *(uint16_t *)at(r) = (uint16_t)value;
    else
        *(uint32_t *)at(r) = (uint32_t)value;
    return true;
}

static bool read_size(struct schema_read *r)
{
    uint64_t value;

    if (!fits(r, 0, value_size(word(r, 0), &value)) ||
        !in_bounds(r, 0, value, value_write_size))
        return false;
    *(uint64_t *)at(r) = value;
    return true;
}

static bool time_word(struct schema_read *r, size_t i, int64_t *out)
{
    int64_t ms = 0;

    if (!fits(r, i, value_duration(word(r, i), &ms)) ||
        !in_bounds(r, i, (uint64_t)ms, write_time))
        return false;
    *out = ms;
    return true;
}

static bool read_times(struct schema_read *r)
{
    int64_t *list = arena_array(r->arena, r->n, sizeof(*list));

    for (size_t i = 0; i < r->n; i++)
        if (!time_word(r, i, &list[i]))
            return false;
    *(const int64_t **)at(r) = list;
    *(size_t *)second(r) = r->n;
    return true;
}

static bool read_yes(struct schema_read *r)
{
    if (r->n > 0)
        return fits(r, 0, value_yes_no(word(r, 0), at(r)));
    *(bool *)at(r) = true;
    return true;
}

/* The words of an enumeration: "a, b or c". */
static struct str word_list(struct schema_read *r, const struct schema_word *w)
{
    struct buf text = { 0 };
    struct str kept;

    for (size_t i = 0; w[i].name != NULL; i++)
        buf_addf(&text, "%s%s",
                 i == 0                  ? ""
                 : w[i + 1].name == NULL ? " or "
                                         : ", ",
                 w[i].name);
    kept = str_keep(r->errors, buf_str(&text));
    buf_free(&text);
    return kept;
}

static bool read_enum_words(struct schema_read *r,
                            const struct schema_word *words)
{
    for (const struct schema_word *w = words; w->name != NULL; w++)
        if (str_eq(word(r, 0), str_from_cstr(w->name))) {
            *(unsigned *)at(r) = w->value;
            return true;
        }
    return fail(r, 0,
                arena_printf(r->errors, "'%.*s' is not %.*s",
                             STR_ARG(word(r, 0)),
                             STR_ARG(word_list(r, words))));
}

static const struct schema_word floor_words[] = {
    { "open", FLOOR_OPEN },
    { "tls", FLOOR_TLS },
    { "verified", FLOOR_VERIFIED },
    { "sealed", FLOOR_SEALED },
    { NULL, 0 },
};

static bool read_floor(struct schema_read *r)
{
    if (!read_enum_words(r, floor_words))
        return false;
    if (r->key->second != SCHEMA_NO_SECOND)
        *(bool *)second(r) = true;
    return true;
}

static bool read_ladder(struct schema_read *r)
{
    struct ladder ladder = { .n = 0 };
    enum method method;

    for (size_t i = 0; i < r->n; i++) {
        if (!method_parse(word(r, i), &method))
            return fits(r, i, "a method: tls, pgp, smime or portal");
        for (uint8_t k = 0; k < ladder.n; k++)
            if (ladder.rung[k] == method)
                return fail(r, i,
                            arena_printf(r->errors,
                                         "'%.*s' is on this ladder twice",
                                         STR_ARG(word(r, i))));
        ladder.rung[ladder.n++] = method;
    }
    *(struct ladder *)at(r) = ladder;
    return true;
}

/* A longer copy of a list; the new room is behind the old elements. */
static void *longer(struct schema_read *r, const void *old, size_t old_n,
                    size_t size)
{
    char *list = arena_array(r->arena, old_n + r->n, size);

    if (old_n > 0)
        memcpy(list, old, old_n * size);
    return list;
}

static bool read_ranges(struct schema_read *r)
{
    size_t *n = second(r);
    struct address_range *list = longer(r, *(void **)at(r), *n, sizeof(*list));

    for (size_t i = 0; i < r->n; i++)
        if (!fits(r, i, value_range(word(r, i), &list[*n + i])))
            return false;
    *(const struct address_range **)at(r) = list;
    *n += r->n;
    return true;
}

static bool read_patterns(struct schema_read *r)
{
    size_t *n = second(r);
    struct str *list = longer(r, *(void **)at(r), *n, sizeof(*list));

    for (size_t i = 0; i < r->n; i++) {
        if (!fits(r, i, value_pattern(word(r, i))))
            return false;
        list[*n + i] = word(r, i);
    }
    *(const struct str **)at(r) = list;
    *n += r->n;
    return true;
}

static bool read_domains(struct schema_read *r)
{
    size_t *n = second(r);
    struct str *list = longer(r, *(void **)at(r), *n, sizeof(*list));

    for (size_t i = 0; i < r->n; i++) {
        if (value_hostname(word(r, i)) != NULL)
            return fits(r, i, "a domain such as partner.example");
        list[*n + i] = lower_case(r, word(r, i));
    }
    *(const struct str **)at(r) = list;
    *n += r->n;
    return true;
}

static bool read_keys(struct schema_read *r)
{
    size_t *n = second(r);
    struct str *list = longer(r, *(void **)at(r), *n, sizeof(*list));

    for (size_t i = 0; i < r->n; i++) {
        unsigned char *octets = arena_alloc(r->arena, 32);

        if (!fits(r, i, value_sha256(word(r, i), octets)))
            return false;
        list[*n + i] = str_of(octets, 32);
    }
    *(const struct str **)at(r) = list;
    *n += r->n;
    return true;
}

/* A number stands for a user and a group of that number. */
static bool read_role_user(struct schema_read *r)
{
    char buffer[4096], *name = str_keep_cstr(r->errors, word(r, 0));
    struct role_user *user = at(r);
    struct passwd entry, *found = NULL;
    uint64_t number;

    if (str_to_u64(word(r, 0), UINT32_MAX - 1, &number)) {
        *user = (struct role_user){ (uint32_t)number, (uint32_t)number };
    } else if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) == 0 &&
               found != NULL) {
        *user = (struct role_user){ found->pw_uid, found->pw_gid };
    } else {
        return fits(r, 0, "a user of this machine");
    }
    return user->uid != 0 || fits(r, 0, "a user without root's rights");
}

static bool read_marker(struct schema_read *r)
{
    *(bool *)second(r) = true;
    if (r->n == 0)
        return true;
    if (word(r, 0).n == 0)
        return fits(r, 0, "a text");
    return read_text(r);
}

static bool read_methods(struct schema_read *r)
{
    struct buf text = { 0 };
    struct ladder ladder;
    bool nothing = r->n == 1 && str_eq(word(r, 0), STR("nothing"));

    for (size_t i = 0; i < r->n; i++)
        buf_addf(&text, "%s%.*s", i == 0 ? "" : " ", STR_ARG(word(r, i)));
    *(struct str *)at(r) = str_keep(r->arena, buf_str(&text));
    buf_free(&text);
    if (nothing || ladder_parse(*(struct str *)at(r), &ladder))
        return true;
    return fail(r, 0,
                STR("expected methods (tls, pgp, smime, portal) or "
                    "nothing"));
}

static bool read_when(struct schema_read *r)
{
    struct rule_fault fault;

    if (rule_parse(r->values, r->n, r->arena, at(r), &fault))
        return true;
    r->at = fault.at;
    r->why = fault.why;
    return false;
}

bool schema_read_value(struct schema_read *r)
{
    switch (r->key->type) {
    case TYPE_TEXT:
        return read_text(r);
    case TYPE_HOSTNAME:
        return read_name(r, value_hostname(word(r, 0)));
    case TYPE_DOMAIN:
        return read_name(r, value_domain(word(r, 0)));
    case TYPE_PATH:
        return read_path(r, 0, at(r));
    case TYPE_CA:
        return read_ca(r);
    case TYPE_URL:
        return read_url(r);
    case TYPE_MAILBOX:
        return read_checked(r, is_mailbox(word(r, 0)));
    case TYPE_PATTERN:
        return read_checked(r, is_address(word(r, 0)));
    case TYPE_RESOLVER:
        return read_checked(r, value_resolver(word(r, 0)));
    case TYPE_ADDRESS:
        return read_address(r);
    case TYPE_LISTEN:
        return read_listen(r);
    case TYPE_HOST_PORT:
        return fits(r, 0, value_host_port(word(r, 0), at(r), second(r)));
    case TYPE_LOGIN:
        return read_login(r);
    case TYPE_PORT:
    case TYPE_COUNT:
        return read_number(r);
    case TYPE_SIZE:
        return read_size(r);
    case TYPE_TIME:
        return time_word(r, 0, at(r));
    case TYPE_TIMES:
        return read_times(r);
    case TYPE_YES:
        return read_yes(r);
    case TYPE_ENUM:
        return read_enum_words(r, r->key->words);
    case TYPE_FLOOR:
        return read_floor(r);
    case TYPE_LADDER:
        return read_ladder(r);
    case TYPE_RANGES:
        return read_ranges(r);
    case TYPE_PATTERNS:
        return read_patterns(r);
    case TYPE_DOMAINS:
        return read_domains(r);
    case TYPE_KEYS:
        return read_keys(r);
    case TYPE_ROLE_USER:
        return read_role_user(r);
    case TYPE_MARKER:
        return read_marker(r);
    case TYPE_METHODS:
        return read_methods(r);
    case TYPE_WHEN:
        return read_when(r);
    }
    panic("schema: type %d", (int)r->key->type);
}

enum schema_many schema_many(enum schema_type type)
{
    switch (type) {
    case TYPE_LOGIN:
        return SCHEMA_TWO;
    case TYPE_TIMES:
    case TYPE_LADDER:
    case TYPE_RANGES:
    case TYPE_PATTERNS:
    case TYPE_DOMAINS:
    case TYPE_KEYS:
    case TYPE_METHODS:
        return SCHEMA_LIST;
    case TYPE_YES:
    case TYPE_MARKER:
        return SCHEMA_MAYBE;
    case TYPE_WHEN:
        return SCHEMA_WHEN;
    default:
        return SCHEMA_ONE;
    }
}

bool schema_appends(enum schema_type type)
{
    return type == TYPE_RANGES || type == TYPE_PATTERNS ||
           type == TYPE_DOMAINS || type == TYPE_KEYS;
}
