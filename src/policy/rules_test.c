/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: how they are read, written back and answered. */
#include "policy/rules.h"

#include "policy/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool parse(const char *text, struct arena *arena,
                  struct rule_condition *when, struct rule_fault *fault)
{
    struct syntax_fault bad;
    size_t n;
    struct token *list = syntax_read(str_from_cstr(text),
                                     &syntax_limits_default, arena, &n, &bad);

    assert_null(bad.why);
    if (n == 1)
        return false;
    return rule_parse(list, n - 1, arena, when, fault);
}

static void test_write(void **state)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        { "from is a@x", "from is a@x" },
        { "from is a@x and to is b@y or user is u",
          "from is a@x and to is b@y or user is u" },
        { "from is a@x and (to is b@y or user is u)",
          "from is a@x and (to is b@y or user is u)" },
        { "(from is a@x or to is b@y) and user is u",
          "(from is a@x or to is b@y) and user is u" },
        { "not (from is a@x or not to is b@y)",
          "not (from is a@x or not to is b@y)" },
        { "not not size > 10M", "size > 10M" },
        { "((subject contains \"[x]\"))", "subject contains [x]" },
        { "header X-Class is secret or header X-Mark",
          "header X-Class is secret or header X-Mark" },
        { "from is \"\"", "from is \"\"" },
        { "user is a and (user is b and user is c)",
          "user is a and (user is b and user is c)" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct rule_condition when;
        struct rule_fault fault;
        struct buf text = { 0 };

        assert_true(parse(rows[i].in, &arena, &when, &fault));
        rule_write(&when, &text);
        assert_string_equal(buf_cstr(&text), rows[i].want);
        buf_free(&text);
        arena_free(&arena);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *in, *why;
        uint32_t column;
    } rows[] = {
        { "form is a@x", "did you mean 'from'", 1 },
        { "from = a@x", "'is', 'contains' or 'matches'", 6 },
        { "from is", "a text to compare with is missing", 6 },
        { "from is clinic.example", "a whole address", 9 },
        { "from matches @x", "a pattern", 14 },
        { "from contains \"\"", "not empty", 15 },
        { "size is 10M", "'>' or '<'", 6 },
        { "size > big", "a size such as", 8 },
        { "(from is a@x", "')' is missing", 10 },
        { "from is a@x to is b@y", "'and', 'or' or a setting", 13 },
        { "from is a@x and", "is missing", 13 },
        { "from is a@x or or to is b@y", "from, to, subject", 16 },
        { "not", "is missing", 1 },
        { "header", "the name of a header field", 1 },
        { "header X: is a", "the name of a header field", 8 },
        { ")", "from, to", 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct rule_condition when;
        struct rule_fault fault;

        if (parse(rows[i].in, &arena, &when, &fault))
            fail_msg("%s passed", rows[i].in);
        if (str_find(fault.why, str_from_cstr(rows[i].why)) == fault.why.n)
            fail_msg("%s: %.*s", rows[i].in, STR_ARG(fault.why));
        assert_int_equal(fault.at->column, rows[i].column);
        arena_free(&arena);
    }
}

static void test_depth(void **state)
{
    struct arena arena = { 0 };
    struct rule_condition when;
    struct rule_fault fault;
    struct buf text = { 0 };

    (void)state;
    for (int i = 0; i < 100000; i++)
        buf_add_char(&text, '(');
    assert_false(parse(buf_cstr(&text), &arena, &when, &fault) &&
                 "too many tokens or too deep");
    buf_clear(&text);
    for (int i = 0; i < 300; i++)
        buf_add_cstr(&text, i == 0 ? "user is a" : " or user is a");
    assert_false(parse(buf_cstr(&text), &arena, &when, &fault));
    buf_clear(&text);
    for (int i = 0; i < 5000; i++)
        buf_add_cstr(&text, "not ");
    buf_add_cstr(&text, "user is a");
    assert_true(parse(buf_cstr(&text), &arena, &when, &fault));
    buf_free(&text);
    arena_free(&arena);
}

#define SUBJECT(text)                                                          \
    "Received: x\r\nSubject: " text "\r\nX-Class: secret\r\n\r\n"

static void test_holds(void **state)
{
    static const struct message_facts plain = {
        .from = STR_INIT("a@Clinic.example"),
        .header = STR_INIT(SUBJECT("[Secure] labs")),
        .size_bytes = 1000,
        .listener = STR_INIT("127.0.0.1:2525"),
        .user = STR_INIT("app"),
    };
    static const struct {
        const char *when;
        bool want;
    } rows[] = {
        { "from is a@clinic.example", true },
        { "from matches *@clinic.example", true },
        { "from matches *.example", true },
        { "from contains clinic", true },
        { "from is \"\"", false },
        { "to matches *@y.example", true },
        { "to is c@y.example", false },
        { "subject contains \"[secure]\"", true },
        { "subject is \"[secure] labs\"", true },
        { "subject matches \"[secure]*\"", true },
        { "subject contains offer", false },
        { "header x-class is secret", true },
        { "header X-Class", true },
        { "header X-None", false },
        { "header X-Class contains ecr", true },
        { "size > 999", true },
        { "size > 1000", false },
        { "size < 1K", true },
        { "listener is 127.0.0.1:2525", true },
        { "listener matches *:2525", true },
        { "user is app", true },
        { "user is app and size > 1M", false },
        { "user is app or size > 1M", true },
        { "not user is app", false },
        { "not (user is x or user is y)", true },
        { "user is x and user is y or user is app", true },
        { "user is x and (user is y or user is app)", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct rule_condition when;
        struct rule_fault fault;

        assert_true(parse(rows[i].when, &arena, &when, &fault));
        if (rule_holds(&when, &plain, STR("b@y.example")) != rows[i].want)
            fail_msg("%s", rows[i].when);
        arena_free(&arena);
    }
}

static void test_subjects(void **state)
{
    static const struct {
        const char *header, *want;
    } rows[] = {
        { "Subject: plain\r\n\r\n", "plain" },
        { "subject : a\r\n b\r\n\tc\r\n\r\nx", "a b\tc" },
        { "Subject: =?utf-8?B?W3NlY3VyZV0=?= x\r\n", "[secure] x" },
        { "Subject: =?utf-8?q?=5Bsec?=\r\n =?utf-8?q?ure=5D?=\r\n",
          "[secure]" },
        { "Subject: =?ISO-8859-1?Q?M=FCller_=5Bx=5D?=\r\n",
          "M\303\274ller [x]" },
        { "Subject: =?utf-8*de?Q?a?= =?utf-8?Q?b?= c\r\n", "ab c" },
        { "Subject: =?broken\r\n", "=?broken" },
        { "Subject: =?utf-8?B?!!?=\r\n", "=?utf-8?B?!!?=" },
        { "Subject: =?utf-8?Q?=4?=\r\n", "=4" },
        { "Subject: one\r\nSubject: two\r\n", "one\ntwo" },
        { "X: y\r\n\r\nSubject: body\r\n", "" },
        { "Subject: bare\nX: y\n", "bare" },
        { "Subject:", "" },
        { "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf got = { 0 };

        facts_subject(str_from_cstr(rows[i].header), &got);
        assert_string_equal(buf_cstr(&got), rows[i].want);
        buf_free(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),    cmocka_unit_test(test_holds),
        cmocka_unit_test(test_subjects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
