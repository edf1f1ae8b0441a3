/* SPDX-License-Identifier: Apache-2.0 */
/* Words, quotes, places, limits; inputs end before an unreadable page. */
#include "policy/syntax.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#include <sys/mman.h>
#include <unistd.h>

/* "W:hostname@1:1 Q:a b@1:10 {@.. E" */
static void dump(const struct token *list, size_t n, char *out, size_t size)
{
    static const char *const kinds[] = { "W", "Q", "{", "}", "(", ")", "E" };
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i + 1 < n; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s:%.*s@%u:%u",
                                 i == 0 ? "" : " ", kinds[list[i].kind],
                                 STR_ARG(list[i].text), list[i].line,
                                 list[i].column);
    assert_int_equal(list[n - 1].kind, TOKEN_END);
}

/* A copy whose last octet is the last one that can be read. */
static char *guarded(const char *text, size_t n, size_t *mapped)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (n + page) / page * page;
    char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + room, page, PROT_NONE), 0);
    memcpy(p + room - n, text, n);
    *mapped = room + page;
    return p;
}

static void check(const char *text, size_t text_n, const char *want,
                  uint32_t line, uint32_t column)
{
    struct arena arena = { 0 };
    struct syntax_fault fault;
    char got[2048];
    size_t n, mapped;
    char *page = guarded(text, text_n, &mapped);
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    struct token *list =
        syntax_read(str_of(page + mapped - size - text_n, text_n),
                    &syntax_limits_default, &arena, &n, &fault);

    dump(list, n, got, sizeof(got));
    assert_string_equal(got, want);
    assert_int_equal(fault.why != NULL, line != 0);
    assert_int_equal(fault.line, line);
    assert_int_equal(fault.column, column);
    arena_free(&arena);
    munmap(page, mapped);
}

static void test_rows(void **state)
{
    static const struct {
        const char *text, *want;
        uint32_t line, column;
    } rows[] = {
        { "", "", 0, 0 },
        { "a b{c}", "W:a@1:1 W:b@1:3 {:{@1:4 W:c@1:5 }:}@1:6", 0, 0 },
        { "a # b { \"\nc", "W:a@1:1 W:c@2:1", 0, 0 },
        { "a#b \"x # y\"", "W:a#b@1:1 Q:x # y@1:5", 0, 0 },
        { "\"q\\\"\\\\\"", "Q:q\"\\@1:1", 0, 0 },
        { "(a)", "(:(@1:1 W:a@1:2 ):)@1:3", 0, 0 },
        { "x\r\ny\r\n", "W:x@1:1 W:y@2:1", 0, 0 },
        { "\tx", "W:x@1:2", 0, 0 },
        { "\303\244\303\266 x", "W:\303\244\303\266@1:1 W:x@1:4", 0, 0 },
        { "\"\"", "Q:@1:1", 0, 0 },
        { "a \"b", "W:a@1:1", 1, 3 },
        { "a \"b\nc\"", "W:a@1:1", 1, 3 },
        { "a \"b\\", "W:a@1:1", 1, 6 },
        { "a \"b\\n\"", "W:a@1:1", 1, 6 },
        { "a b;", "W:a@1:1 W:b@1:3", 1, 4 },
        { "a\001", "", 1, 2 },
        { "a\n\177", "", 2, 1 },
        { "a \300\200", "", 1, 3 },
        { "a \355\240\200", "", 1, 3 },
        { "a \364\220\200\200", "", 1, 3 },
        { "a \303", "", 1, 3 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check(rows[i].text, strlen(rows[i].text), rows[i].want, rows[i].line,
              rows[i].column);
    check("a\0b", 3, "", 1, 2);
}

static void test_limits(void **state)
{
    static const struct syntax_limits small = { 64, 4, 8 };
    static const struct {
        const char *text;
        size_t tokens; /* with the end */
        bool fault;
    } rows[] = {
        { "a b c d", 5, false },
        { "a b c d e", 5, true },
        { "12345678", 2, false },
        { "123456789", 1, true },
        { "\"12345678\"", 2, false },
        { "\"123456789\"", 1, true },
        { "\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\"", 2, false },
        { "                                                                 ",
          1, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena arena = { 0 };
        struct syntax_fault fault;
        size_t n;

        syntax_read(str_from_cstr(rows[i].text), &small, &arena, &n, &fault);
        assert_int_equal(n, rows[i].tokens);
        assert_int_equal(fault.why != NULL, rows[i].fault);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
