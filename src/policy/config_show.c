/* SPDX-License-Identifier: Apache-2.0 */
/* Values as they would stand in a file. */
#include "policy/rules.h"
#include "policy/schema.h"
#include "policy/value.h"

#include <string.h>

static const void *at(const struct schema_key *key, const void *element)
{
    return (const char *)element + key->place;
}

static const void *second(const struct schema_key *key, const void *element)
{
    return (const char *)element + key->second;
}

/* Quoted when it has to be. */
static void write_text(struct str s, struct buf *out)
{
    bool bare = s.n > 0;

    for (size_t i = 0; i < s.n; i++)
        bare = bare && s.p[i] > ' ' && s.p[i] != 127 &&
               memchr("{}()\"#;\\", s.p[i], 8) == NULL;
    if (bare) {
        buf_add(out, s);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, s.p[i]);
    }
    buf_add_char(out, '"');
}

static void write_test(const struct rule_step *step, struct buf *out)
{
    static const char *const fields[] = { "from",   "to",   "subject",
                                          "header", "size", "listener",
                                          "user" };
    static const char *const tests[] = { "is", "contains", "matches", ">",
                                         "<" };

    buf_add_cstr(out, fields[step->field]);
    if (step->field == FIELD_HEADER) {
        buf_add_char(out, ' ');
        write_text(step->name, out);
    }
    if (step->test == TEST_PRESENT)
        return;
    buf_addf(out, " %s ", tests[step->test]);
    if (step->field == FIELD_SIZE)
        value_write_size(step->size_bytes, out);
    else
        write_text(step->text, out);
}

/* Where the operand that ends before step "end" begins. */
static size_t operand(const struct rule_condition *when, size_t end)
{
    size_t need = 1;

    while (need > 0) {
        enum rule_code code = when->steps[--end].code;

        if (code == RULE_TEST)
            need--;
        else if (code != RULE_NOT)
            need++;
    }
    return end;
}

static int binding(enum rule_code code)
{
    return code == RULE_OR ? 0 : code == RULE_AND ? 1 : 2;
}

/* Steps [from, to) are one operand. Nested as deeply as RULE_STEPS_MAX. */
static void write_steps(const struct rule_condition *when, size_t to, int outer,
                        struct buf *out)
{
    const struct rule_step *last = &when->steps[to - 1];
    bool brackets = binding(last->code) < outer;
    size_t middle;

    if (last->code == RULE_TEST) {
        write_test(last, out);
        return;
    }
    if (brackets)
        buf_add_char(out, '(');
    if (last->code == RULE_NOT) {
        buf_add_cstr(out, "not ");
        write_steps(when, to - 1, 2, out);
    } else {
        middle = operand(when, to - 1);
        write_steps(when, middle, binding(last->code), out);
        buf_add_cstr(out, last->code == RULE_AND ? " and " : " or ");
        write_steps(when, to - 1, binding(last->code) + 1, out);
    }
    if (brackets)
        buf_add_char(out, ')');
}

void rule_write(const struct rule_condition *when, struct buf *out)
{
    if (when->n > 0)
        write_steps(when, when->n, 0, out);
}

static void write_times(const struct schema_key *key, const void *element,
                        struct buf *out)
{
    const int64_t *list = *(const int64_t *const *)at(key, element);

    for (size_t i = 0; i < *(const size_t *)second(key, element); i++) {
        if (i > 0)
            buf_add_char(out, ' ');
        value_write_duration(list[i], out);
    }
}

static void write_ranges(const struct schema_key *key, const void *element,
                         struct buf *out)
{
    const struct address_range *list =
        *(const struct address_range *const *)at(key, element);

    for (size_t i = 0; i < *(const size_t *)second(key, element); i++) {
        if (i > 0)
            buf_add_char(out, ' ');
        value_write_range(&list[i], out);
    }
}

static void write_hex(struct str octets, struct buf *out)
{
    for (size_t i = 0; i < octets.n; i++)
        buf_addf(out, "%02x", (unsigned char)octets.p[i]);
}

static void write_list(const struct schema_key *key, const void *element,
                       struct buf *out)
{
    const struct str *list = *(const struct str *const *)at(key, element);

    for (size_t i = 0; i < *(const size_t *)second(key, element); i++) {
        if (i > 0)
            buf_add_char(out, ' ');
        if (key->type == TYPE_KEYS)
            write_hex(list[i], out);
        else
            write_text(list[i], out);
    }
}

static void write_enum(const struct schema_key *key, const void *element,
                       struct buf *out)
{
    for (const struct schema_word *w = key->words; w->name != NULL; w++)
        if (w->value == *(const unsigned *)at(key, element))
            buf_add_cstr(out, w->name);
}

static void write_host_port(const struct schema_key *key, const void *element,
                            struct buf *out)
{
    struct str host = *(const struct str *)at(key, element);
    uint16_t port = *(const uint16_t *)second(key, element);

    buf_addf(out, str_has_char(host, ':') ? "[%.*s]" : "%.*s", STR_ARG(host));
    if (port != 0)
        buf_addf(out, ":%u", port);
}

static void write_ca(struct str file, struct buf *out)
{
    write_text(file.n == 0 ? STR("system") : file, out);
}

static void write_login(const struct schema_key *key, const void *element,
                        struct buf *out)
{
    write_text(*(const struct str *)at(key, element), out);
    buf_add_char(out, ' ');
    write_text(*(const struct str *)second(key, element), out);
}

static void write_address(const struct sockaddr_storage *a, struct buf *out)
{
    if (a->ss_family != 0)
        value_write_address(a, out);
}

void schema_write_value(const struct schema_key *key, const void *element,
                        struct buf *out)
{
    const void *value = at(key, element);

    switch (key->type) {
    case TYPE_CA:
        write_ca(*(const struct str *)value, out);
        return;
    case TYPE_ADDRESS:
        write_address(value, out);
        return;
    case TYPE_LISTEN:
        write_text(*(const struct str *)second(key, element), out);
        return;
    case TYPE_HOST_PORT:
        write_host_port(key, element, out);
        return;
    case TYPE_LOGIN:
        write_login(key, element, out);
        return;
    case TYPE_PORT:
        buf_addf(out, "%u", *(const uint16_t *)value);
        return;
    case TYPE_COUNT:
        buf_addf(out, "%u", *(const uint32_t *)value);
        return;
    case TYPE_SIZE:
        value_write_size(*(const uint64_t *)value, out);
        return;
    case TYPE_TIME:
        value_write_duration(*(const int64_t *)value, out);
        return;
    case TYPE_TIMES:
        write_times(key, element, out);
        return;
    case TYPE_YES:
        buf_add_cstr(out, *(const bool *)value ? "yes" : "no");
        return;
    case TYPE_ENUM:
        write_enum(key, element, out);
        return;
    case TYPE_FLOOR:
        buf_add(out, floor_name(*(const enum floor *)value));
        return;
    case TYPE_LADDER:
        ladder_write(*(const struct ladder *)value, out);
        return;
    case TYPE_RANGES:
        write_ranges(key, element, out);
        return;
    case TYPE_PATTERNS:
    case TYPE_DOMAINS:
    case TYPE_KEYS:
        write_list(key, element, out);
        return;
    case TYPE_ROLE_USER:
        buf_addf(out, "%u", ((const struct role_user *)value)->uid);
        return;
    case TYPE_WHEN:
        rule_write(value, out);
        return;
    case TYPE_METHODS:
        buf_add(out, *(const struct str *)value);
        return;
    case TYPE_TEXT:
    case TYPE_HOSTNAME:
    case TYPE_DOMAIN:
    case TYPE_PATH:
    case TYPE_URL:
    case TYPE_MAILBOX:
    case TYPE_PATTERN:
    case TYPE_RESOLVER:
    case TYPE_MARKER:
        write_text(*(const struct str *)value, out);
        return;
    }
}

static void write_words(const struct schema_word *words, struct buf *out)
{
    for (const struct schema_word *w = words; w->name != NULL; w++)
        buf_addf(out, "%s%s", w == words ? "" : "|", w->name);
}

void schema_value_name(const struct schema_key *key, struct buf *out)
{
    static const char *const names[] = {
        [TYPE_TEXT] = "TEXT",
        [TYPE_HOSTNAME] = "NAME",
        [TYPE_DOMAIN] = "DOMAIN",
        [TYPE_PATH] = "FILE",
        [TYPE_CA] = "system|FILE",
        [TYPE_URL] = "URL",
        [TYPE_MAILBOX] = "ADDRESS",
        [TYPE_PATTERN] = "ADDRESS",
        [TYPE_RESOLVER] = "ADDRESS[@PORT]",
        [TYPE_ADDRESS] = "ADDRESS:PORT",
        [TYPE_LISTEN] = "ADDRESS:PORT",
        [TYPE_HOST_PORT] = "HOST[:PORT]",
        [TYPE_LOGIN] = "ACCOUNT FILE",
        [TYPE_PORT] = "PORT",
        [TYPE_COUNT] = "NUMBER",
        [TYPE_SIZE] = "SIZE",
        [TYPE_TIME] = "TIME",
        [TYPE_TIMES] = "TIME...",
        [TYPE_YES] = "[yes|no]",
        [TYPE_ENUM] = "",
        [TYPE_FLOOR] = "open|tls|verified|sealed",
        [TYPE_LADDER] = "METHOD...",
        [TYPE_RANGES] = "RANGE...",
        [TYPE_PATTERNS] = "PATTERN...",
        [TYPE_DOMAINS] = "DOMAIN...",
        [TYPE_KEYS] = "SHA-256...",
        [TYPE_ROLE_USER] = "USER",
        [TYPE_MARKER] = "[TEXT]",
        [TYPE_METHODS] = "METHOD...",
        [TYPE_WHEN] = "CONDITION",
    };

    if (key->type == TYPE_ENUM)
        write_words(key->words, out);
    else
        buf_add_cstr(out, names[key->type]);
}
