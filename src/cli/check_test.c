/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `check` that need no network. */
#include "cli/check_csv.h"
#include "cli/check_list.h"
#include "cli/check_many.h"
#include "cli/check_progress.h"
#include "cli/check_safe.h"
#include "cli/check_since.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_buf(struct buf *b, const char *want)
{
    assert_string_equal(buf_cstr(b), want);
    buf_free(b);
}

/* --- lists ----------------------------------------------------------------
 */

static void test_list(void **state)
{
    struct check_list list = { 0 };

    (void)state;
    assert_true(check_list_add(&list, STR("Partner.Example.")));
    assert_true(check_list_add(&list, STR("ann@partner.example")));
    assert_true(check_list_add(&list, STR("\"other.example\",yes,\"no\"")));
    assert_true(check_list_add(&list, STR("b\xc3\xbc"
                                          "cher.example")));
    assert_false(check_list_add(&list, STR("partner")));
    assert_false(check_list_add(&list, STR("")));
    assert_false(check_list_add(&list, STR("[192.0.2.1]")));
    assert_false(check_list_add(&list, STR("a b.example")));
    assert_false(check_list_add(&list, STR("x\033[2J.example")));
    assert_int_equal(list.n, 3);
    assert_true(str_eq(list.domains[0], STR("partner.example")));
    assert_true(str_eq(list.domains[1], STR("other.example")));
    assert_true(str_eq(list.domains[2], STR("xn--bcher-kva.example")));
    check_list_free(&list);
}

static void test_long_list(void **state)
{
    struct check_list list = { 0 };
    char name[32];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            snprintf(name, sizeof(name), "d%d.example", i);
            assert_true(check_list_add(&list, str_from_cstr(name)));
        }
    assert_int_equal(list.n, 5000);
    assert_true(str_eq(list.domains[4999], STR("d4999.example")));
    check_list_free(&list);
}

static void read_text(const char *text, bool ok, size_t n)
{
    static const struct cli_command command = { .name = "check" };
    struct cli cli = { .command = &command };
    struct check_list list = { 0 };
    char path[] = "/tmp/check_list_XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    assert_int_equal(check_list_read(&list, &cli, path), ok);
    assert_int_equal(list.n, n);
    check_list_free(&list);
    unlink(path);
}

static void test_list_file(void **state)
{
    (void)state;
    read_text("# partners\n\na.example\r\n  b.example \nann@a.example", true,
              2);
    read_text("domain,open\n\"a.example\",\"yes\"\n", true, 1);
    read_text("a.example\nnot a domain\nb.example\n", false, 1);
}

/* --- texts ----------------------------------------------------------------
 */

static void test_safe(void **state)
{
    struct buf b = { 0 };

    (void)state;
    safe_write(STR("a\033[31mb\r\n\x7f"), &b);
    assert_buf(&b, "a?[31mb???");
    safe_write(STR("\xc2\x9b"
                   "31m \xe2\x80\xae"
                   "evil \xe2\x81\xa6 "
                   "\xff\xc0\xaf"),
               &b);
    assert_buf(&b, "?31m ?evil ? ???");
    safe_write(STR("Z\xc3\xbcrich \xe6\x97\xa5"), &b);
    assert_buf(&b, "Z\xc3\xbcrich \xe6\x97\xa5");
}

static void test_safe_json(void **state)
{
    json_t *value = safe_json(STR("\"\\\x1b\x00\xff</script>"));
    char *text = json_dumps(value, JSON_ENCODE_ANY);

    (void)state;
    assert_string_equal(text, "\"\\\"\\\\?"
                              "?"
                              "?</script>\"");
    free(text);
    json_decref(value);
}

static void test_csv_field(void **state)
{
    struct buf b = { 0 };

    (void)state;
    check_csv_field(STR("a \"b\", c"), &b);
    assert_buf(&b, "\"a \"\"b\"\", c\"");
    check_csv_field(STR("=HYPERLINK(1)"), &b);
    assert_buf(&b, "\"'=HYPERLINK(1)\"");
    check_csv_field(STR("a\nb"), &b);
    assert_buf(&b, "\"a?b\"");
    check_csv_field(STR(""), &b);
    assert_buf(&b, "\"\"");
}

static void test_progress(void **state)
{
    struct buf b = { 0 };

    (void)state;
    check_progress_write(0, 1000, 100, &b);
    assert_buf(&b, "[..............................] 0 of 1000  ");
    check_progress_write(500, 1000, 10000, &b);
    assert_buf(&b, "[###############...............] 500 of 1000  10 s left");
    check_progress_write(10, 1000, 10000, &b);
    assert_buf(&b,
               "[..............................] 10 of 1000  16 min 30 s left");
    check_progress_write(1, 1000, 10000, &b);
    assert_buf(&b,
               "[..............................] 1 of 1000  2 h 46 min left");
    check_progress_write(1000, 1000, 10000, &b);
    assert_buf(&b, "[##############################] 1000 of 1000  0 s left");
}

/* --- since ----------------------------------------------------------------
 */

#define LOOK(verified, hosts, findings)                                        \
    "{\"domain\":\"a.example\",\"checked_at\":\"2026-11-23T10:00:00.000Z\","   \
    "\"exit\":0,\"summary\":\"s\",\"answers\":{\"verified\":{"                 \
    "\"possible\":" verified                                                   \
    "}},\"dns\":{\"mx_dnssec\":\"secure\",\"null_mx\":false},"                 \
    "\"hosts\":[" hosts "],\"findings\":[" findings "]}\n"
#define HOST(name) "{\"name\":\"" name "\",\"preference\":10,\"addresses\":[]}"

static json_t *changes_between(const char *was, const char *now,
                               const char **when)
{
    static const struct cli_command command = { .name = "check" };
    struct cli cli = { .command = &command };
    char path[] = "/tmp/check_since_XXXXXX";
    int fd = mkstemp(path);
    struct check_since *since;
    json_t *look = json_loads(now, 0, NULL), *changes;

    assert_true(fd >= 0 && look != NULL);
    assert_int_equal(write(fd, was, strlen(was)), strlen(was));
    close(fd);
    since = check_since_read(&cli, path);
    unlink(path);
    assert_non_null(since);
    changes = check_since_changes(since, look, when);
    *when = *when == NULL ? NULL : "known"; /* it belongs to since */
    check_since_free(&since);
    json_decref(look);
    return changes;
}

static void assert_change(json_t *changes, size_t i, const char *what,
                          const char *was, const char *now)
{
    json_t *one = json_array_get(changes, i);
    const char *got;

    assert_string_equal(json_string_value(json_object_get(one, "what")), what);
    got = json_string_value(json_object_get(one, "was"));
    assert_string_equal(got == NULL ? "(null)" : got, was);
    got = json_string_value(json_object_get(one, "now"));
    assert_string_equal(got == NULL ? "(null)" : got, now);
}

static void test_since_same(void **state)
{
    const char *when;
    json_t *changes = changes_between(LOOK("true", HOST("mx1"), ""),
                                      LOOK("true", HOST("mx1"), ""), &when);

    (void)state;
    assert_int_equal(json_array_size(changes), 0);
    assert_string_equal(when, "known");
    json_decref(changes);
}

/* Records of a name come in any order. */
static void test_since_turned_round(void **state)
{
#define TLSA(a, b)                                                             \
    "{\"name\":\"mx1\",\"tlsa\":[{\"usage\":" a                                \
    ",\"data\":\"00\"},{\"usage\":" b ",\"data\":\"00\"}]}"
    const char *when;
    json_t *changes = changes_between(LOOK("true", TLSA("2", "3"), ""),
                                      LOOK("true", TLSA("3", "2"), ""), &when);

    (void)state;
    assert_int_equal(json_array_size(changes), 0);
    json_decref(changes);
    changes = changes_between(LOOK("true", TLSA("2", "3"), ""),
                              LOOK("true", TLSA("3", "3"), ""), &when);
    assert_int_equal(json_array_size(changes), 1);
    assert_change(changes, 0, "TLSA records of mx1", "2 0 0 00.., 3 0 0 00..",
                  "3 0 0 00.., 3 0 0 00..");
    json_decref(changes);
}

static void test_since_changed(void **state)
{
    const char *when;
    json_t *changes = changes_between(
        LOOK("true", HOST("mx1") "," HOST("mx2"), ""),
        LOOK("false", HOST("mx2") "," HOST("mx3"),
             "{\"id\":\"old-tls\",\"host\":\"mx3\",\"severity\":\"error\"}"),
        &when);

    (void)state;
    assert_int_equal(json_array_size(changes), 4);
    assert_change(changes, 0, "floor verified", "possible", "not possible");
    assert_change(changes, 1, "MX mx3", "(null)", "preference 10");
    assert_change(changes, 2, "finding old-tls of mx3", "(null)", "error");
    assert_change(changes, 3, "MX mx1", "preference 10", "(null)");
    json_decref(changes);
}

static void test_since_new(void **state)
{
    const char *when;
    json_t *changes = changes_between("\n", LOOK("true", "", ""), &when);

    (void)state;
    assert_null(when);
    assert_int_equal(json_array_size(changes), 1);
    assert_change(changes, 0, "domain", "(null)", "s");
    json_decref(changes);
}

/* What could not be determined is no change of the domain. */
static void test_since_undetermined(void **state)
{
    const char *when;
    json_t *changes = changes_between(
        LOOK("true", HOST("mx1"), ""),
        "{\"domain\":\"a.example\",\"exit\":4,\"summary\":\"unclear\","
        "\"answers\":{\"verified\":{\"possible\":null}}}",
        &when);

    (void)state;
    assert_int_equal(json_array_size(changes), 1);
    assert_change(changes, 0, "result", "s", "unclear");
    json_decref(changes);
}

static void test_since_refuses(void **state)
{
    static const struct cli_command command = { .name = "check" };
    struct cli cli = { .command = &command };
    static const char *const texts[] = { "x", "[]", "{}", "{\"domain\":\"a\"}",
                                         "{\"domain\":\"a.example\"" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char path[] = "/tmp/check_since_XXXXXX";
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, texts[i], strlen(texts[i])),
                         strlen(texts[i]));
        close(fd);
        assert_null(check_since_read(&cli, path));
        unlink(path);
    }
}

/* --- many -----------------------------------------------------------------
 */

struct tally {
    size_t shown, end_after;
    char seen[1000];
};

static void *tally_look(void *context, struct str domain, struct arena *arena)
{
    struct str *kept = ARENA_NEW(arena, struct str);

    (void)context;
    *kept = str_keep(arena, domain);
    return kept;
}

static bool tally_show(void *context, void *result)
{
    struct tally *tally = context;
    const struct str *domain = result;

    tally->seen[atol(domain->p + 1)]++;
    return ++tally->shown != tally->end_after;
}

static bool run_many(struct tally *tally, size_t jobs)
{
    static const struct cli_command command = { .name = "check" };
    struct cli cli = { .command = &command, .quiet = true };
    struct check_list list = { 0 };
    struct check_many many = {
        &cli, &list, jobs, tally, tally_look, tally_show
    };
    char name[32];

    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "d%d.example", i);
        check_list_add(&list, str_from_cstr(name));
    }
    bool whole = check_many_run(&many);
    check_list_free(&list);
    return whole;
}

static void test_many(void **state)
{
    struct tally tally = { 0 };

    (void)state;
    assert_true(run_many(&tally, 50));
    assert_int_equal(tally.shown, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(tally.seen[i], 1);
}

static void test_many_ended(void **state)
{
    struct tally tally = { .end_after = 10 };

    (void)state;
    assert_false(run_many(&tally, 4));
    assert_int_equal(tally.shown, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_long_list),
        cmocka_unit_test(test_list_file),
        cmocka_unit_test(test_safe),
        cmocka_unit_test(test_safe_json),
        cmocka_unit_test(test_csv_field),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_since_same),
        cmocka_unit_test(test_since_turned_round),
        cmocka_unit_test(test_since_changed),
        cmocka_unit_test(test_since_new),
        cmocka_unit_test(test_since_undetermined),
        cmocka_unit_test(test_since_refuses),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_many_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
