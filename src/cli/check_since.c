/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_since.h"

#include "base/panic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TLSA_MAX = 64 };

struct check_since {
    json_t *looks; /* domain -> {when, code, summary, facts} */
};

/* --- facts ----------------------------------------------------------------
 */

static const char *text_at(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static bool yes_at(json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static void note(json_t *facts, struct buf *what, struct buf *value)
{
    json_object_set_new(facts, buf_cstr(what),
                        json_stringn(value->n == 0 ? "" : value->p, value->n));
    buf_free(what);
    buf_free(value);
}

/* "floor verified": "possible (dane-ee), delivered now" */
static void note_floors(json_t *look, json_t *facts)
{
    const char *floor;
    json_t *answer;

    json_object_foreach(json_object_get(look, "answers"), floor, answer)
    {
        json_t *possible = json_object_get(answer, "possible");
        const char *by = text_at(answer, "verified_by");
        struct buf what = { 0 }, value = { 0 };

        buf_addf(&what, "floor %s", floor);
        buf_add_cstr(&value, json_is_true(possible)    ? "possible"
                             : json_is_false(possible) ? "not possible"
                                                       : "cannot tell");
        if (strcmp(floor, "verified") == 0 && by[0] != '\0')
            buf_addf(&value, " (%s)", by);
        note(facts, &what, &value);
    }
}

static void note_domain(json_t *look, json_t *facts)
{
    json_t *dns = json_object_get(look, "dns");
    json_t *sts = json_object_get(look, "mta_sts");
    json_t *policy = json_object_get(sts, "policy");
    json_t *met =
        json_object_get(json_object_get(look, "nist_sp_800_52r2"), "met");
    json_t *report = json_object_get(look, "tlsrpt");

    json_object_set_new(facts, "NIST SP 800-52r2",
                        json_string(json_is_true(met)    ? "met"
                                    : json_is_false(met) ? "not met"
                                                         : "cannot tell"));
    json_object_set_new(facts, "DNSSEC of the MX records",
                        json_string(text_at(dns, "mx_dnssec")));
    json_object_set_new(facts, "takes mail",
                        json_string(yes_at(dns, "null_mx") ? "no" : "yes"));
    json_object_set_new(facts, "MTA-STS",
                        json_string(json_is_object(policy)
                                        ? text_at(policy, "mode")
                                        : "no policy"));
    json_object_set_new(
        facts, "TLS reports",
        json_string(yes_at(report, "valid") ? "asked for" : "not asked for"));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *record_text(json_t *record)
{
    char *text = NULL;

    if (asprintf(&text, "%d %d %d %.16s..",
                 (int)json_integer_value(json_object_get(record, "usage")),
                 (int)json_integer_value(json_object_get(record, "selector")),
                 (int)json_integer_value(json_object_get(record, "matching")),
                 text_at(record, "data")) < 0)
        panic("out of memory");
    return text;
}

/* Sorted: resolvers turn the records of a name round and round. */
static void note_tlsa(json_t *host, json_t *facts)
{
    json_t *list = json_object_get(host, "tlsa"), *one;
    char *texts[TLSA_MAX];
    struct buf what = { 0 }, value = { 0 };
    size_t i, n = 0;

    json_array_foreach(list, i, one)
    {
        if (n < TLSA_MAX)
            texts[n++] = record_text(one);
    }
    if (n == 0)
        return;
    qsort(texts, n, sizeof(texts[0]), by_text);
    for (i = 0; i < n; i++) {
        buf_addf(&value, "%s%s", i == 0 ? "" : ", ", texts[i]);
        free(texts[i]);
    }
    buf_addf(&what, "TLSA records of %s", text_at(host, "name"));
    note(facts, &what, &value);
}

static void write_versions(json_t *address, struct buf *out)
{
    const char *version;
    json_t *facts;
    size_t before = out->n;

    json_object_foreach(json_object_get(address, "versions"), version, facts)
    {
        if (strcmp(text_at(facts, "result"), "accepted") == 0)
            buf_addf(out, "%s%s", out->n == before ? "" : " ", version);
    }
    if (out->n == before)
        buf_add_cstr(out, yes_at(address, "starttls") ? "STARTTLS fails"
                                                      : "no STARTTLS");
}

static void note_address(const char *host, json_t *address, json_t *facts)
{
    json_t *leaf = json_array_get(json_object_get(address, "chain"), 0);
    const char *reach = text_at(address, "reach");
    struct buf what = { 0 }, value = { 0 };

    buf_addf(&what, "%s [%s]", host, text_at(address, "address"));
    if (strcmp(reach, "open") == 0)
        write_versions(address, &value);
    else
        buf_add_cstr(&value, reach);
    note(facts, &what, &value);
    if (leaf == NULL)
        return;
    buf_addf(&what, "certificate of %s [%s]", host,
             text_at(address, "address"));
    buf_addf(&value, "%.16s.., until %.10s", text_at(leaf, "sha256"),
             text_at(leaf, "not_after"));
    note(facts, &what, &value);
}

static void note_hosts(json_t *look, json_t *facts)
{
    json_t *host, *address;
    size_t i, k;

    json_array_foreach(json_object_get(look, "hosts"), i, host)
    {
        const char *name = text_at(host, "name");
        struct buf what = { 0 }, value = { 0 };

        buf_addf(&what, "MX %s", name);
        buf_addf(&value, "preference %d",
                 (int)json_integer_value(json_object_get(host, "preference")));
        note(facts, &what, &value);
        note_tlsa(host, facts);
        json_array_foreach(json_object_get(host, "addresses"), k, address)
        {
            note_address(name, address, facts);
        }
    }
}

static void note_findings(json_t *look, json_t *facts)
{
    json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(look, "findings"), i, finding)
    {
        const char *host = text_at(finding, "host");
        struct buf what = { 0 }, value = { 0 };

        buf_addf(&what, "finding %s%s%s", text_at(finding, "id"),
                 host[0] == '\0' ? "" : " of ", host);
        buf_add_cstr(&value, text_at(finding, "severity"));
        note(facts, &what, &value);
    }
}

json_t *check_since_facts(json_t *look)
{
    json_t *facts = json_object();

    note_floors(look, facts);
    note_domain(look, facts);
    note_hosts(look, facts);
    note_findings(look, facts);
    return facts;
}

/* --- the earlier run ------------------------------------------------------
 */

enum { UNDETERMINED = 4 };

static void keep(struct check_since *since, json_t *look)
{
    json_t *kept =
        json_pack("{ss sI ss so}", "when", text_at(look, "checked_at"), "code",
                  json_integer_value(json_object_get(look, "exit")), "summary",
                  text_at(look, "summary"), "facts", check_since_facts(look));

    json_object_set_new(since->looks, text_at(look, "domain"), kept);
}

static bool is_look(json_t *value)
{
    return text_at(value, "domain")[0] != '\0' &&
           json_is_object(json_object_get(value, "answers"));
}

/* Objects one after another, a line each or not. */
static bool read_all(struct check_since *since, FILE *file, json_error_t *fault)
{
    int c;

    for (;;) {
        while ((c = fgetc(file)) == ' ' || c == '\n' || c == '\r' || c == '\t')
            ;
        if (c == EOF)
            return !ferror(file);
        ungetc(c, file);
        json_t *value = json_loadf(
            file, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, fault);
        bool ok = is_look(value);

        if (ok)
            keep(since, value);
        json_decref(value);
        if (!ok)
            return false;
    }
}

struct check_since *check_since_read(const struct cli *cli, const char *path)
{
    struct check_since *since = calloc(1, sizeof(*since));
    FILE *file = fopen(path, "re");
    json_error_t fault = { .text = "" };

    if (since == NULL)
        panic("out of memory");
    since->looks = json_object();
    if (file == NULL)
        cli_fail(cli, CLI_USAGE, "cannot read %s: %s", path, strerror(errno));
    else if (!read_all(since, file, &fault))
        cli_fail(cli, CLI_USAGE,
                 "%s is not what 'postseal check --json' writes%s%s", path,
                 fault.text[0] == '\0' ? "" : ": ", fault.text);
    else {
        fclose(file);
        return since;
    }
    if (file != NULL)
        fclose(file);
    check_since_free(&since);
    return NULL;
}

void check_since_free(struct check_since **since)
{
    if (*since != NULL)
        json_decref((*since)->looks);
    free(*since);
    *since = NULL;
}

void check_since_list(const struct check_since *since, struct check_list *list)
{
    const char *domain;
    json_t *look;

    json_object_foreach(since->looks, domain, look)
    {
        check_list_add(list, str_from_cstr(domain));
    }
}

/* --- the difference -------------------------------------------------------
 */

static void tell(json_t *changes, const char *what, const char *was,
                 const char *now)
{
    json_t *one = json_object();

    json_object_set_new(one, "what", json_string(what));
    json_object_set_new(one, "was",
                        was == NULL ? json_null() : json_string(was));
    json_object_set_new(one, "now",
                        now == NULL ? json_null() : json_string(now));
    json_array_append_new(changes, one);
}

static void compare(json_t *was, json_t *now, json_t *changes)
{
    const char *what;
    json_t *value;

    json_object_foreach(now, what, value)
    {
        json_t *old = json_object_get(was, what);

        if (old == NULL || !json_equal(old, value))
            tell(changes, what, json_string_value(old),
                 json_string_value(value));
    }
    json_object_foreach(was, what, value)
    {
        if (json_object_get(now, what) == NULL)
            tell(changes, what, json_string_value(value), NULL);
    }
}

json_t *check_since_changes(const struct check_since *since, json_t *now,
                            const char **when)
{
    json_t *old = json_object_get(since->looks, text_at(now, "domain"));
    json_int_t code = json_integer_value(json_object_get(now, "exit"));
    json_int_t old_code = json_integer_value(json_object_get(old, "code"));
    json_t *changes = json_array(), *facts;

    *when = old == NULL ? NULL : text_at(old, "when");
    if (old == NULL) {
        tell(changes, "domain", NULL, text_at(now, "summary"));
    } else if (code == UNDETERMINED || old_code == UNDETERMINED) {
        /* One of the two says nothing about the domain. */
        if (code != old_code)
            tell(changes, "result", text_at(old, "summary"),
                 text_at(now, "summary"));
    } else {
        facts = check_since_facts(now);
        compare(json_object_get(old, "facts"), facts, changes);
        json_decref(facts);
    }
    return changes;
}
