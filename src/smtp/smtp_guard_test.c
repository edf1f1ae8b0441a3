/* SPDX-License-Identifier: Apache-2.0 */
/* No parser of this folder looks past either end of what it is given. */
#include "base/guard_test.h"
#include "smtp/caps.h"
#include "smtp/command.h"
#include "smtp/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void try_arguments(struct str input)
{
    struct arena arena = { 0 };
    struct smtp_mail mail;
    struct smtp_rcpt rcpt;
    struct smtp_bdat bdat;

    (void)smtp_hello_check(input);
    (void)smtp_mail_parse(input, true, &arena, &mail);
    (void)smtp_rcpt_parse(input, true, true, &arena, &rcpt);
    (void)smtp_bdat_parse(input, &bdat);
    arena_free(&arena);
}

static void test_arguments(void **state)
{
    static const struct str rows[] = {
        STR_INIT("gate.clinic.example"),
        STR_INIT("[IPv6:2001:db8::1]"),
        STR_INIT("FROM:<a@b.example> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS "
                 "ENVID=q+2B1 REQUIRETLS AUTH=<>"),
        STR_INIT("FROM:<@r.example:\"a\\\" b\"@[IPv6:2001:db8::1]>"),
        STR_INIT("FROM:<m\303\274ller@b\303\274cher.example> SMTPUTF8"),
        STR_INIT("TO:<\"a>b\"@x.example> NOTIFY=SUCCESS,DELAY,FAILURE "
                 "ORCPT=rfc822;a+40b.example"),
        STR_INIT("TO:<a@b.example> ORCPT=utf-8;a\\x{FC}b@b.example"),
        STR_INIT("1000 LAST"),
        STR_INIT("18446744073709551615"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        guard_each_prefix(rows[i], try_arguments);
}

static void try_caps(struct str input)
{
    struct smtp_caps caps;

    smtp_caps_parse(input, &caps);
}

static void test_caps(void **state)
{
    (void)state;
    guard_each_prefix(STR("mx.example at your service\nPIPELINING\nSIZE 1000\n"
                          "AUTH LOGIN PLAIN\nLIMITS RCPTMAX=20 MAILMAX=5\n"
                          "STARTTLS\nREQUIRETLS\nXODD  \nSMTPUTF8\nSIZE"),
                      try_caps);
}

static void decode(struct str input, bool normalise)
{
    struct smtp_data_decoder d;
    struct buf out = { 0 };
    size_t used;

    smtp_data_begin(&d, normalise);
    (void)smtp_data_decode(&d, input, &out, &used);
    assert_true(used <= input.n);
    buf_free(&out);
}

static void try_data(struct str input)
{
    struct smtp_lines lines = { 0 };
    struct smtp_dots dots;
    struct buf out = { 0 };

    decode(input, false);
    decode(input, true);
    (void)smtp_lines_add(&lines, input);
    smtp_dots_begin(&dots);
    smtp_dots_add(&dots, input, &out);
    smtp_dots_end(&dots, &out);
    buf_free(&out);
}

static void test_data(void **state)
{
    static const struct str rows[] = {
        STR_INIT("From: a@b.example\r\n\r\n..x\r\n.y\r\nz\r\n.\r\nQUIT\r\n"),
        STR_INIT("a\r\n.\rb\r\n"),
        STR_INIT("a\n.\nb\0c\r\n.\n"),
        STR_INIT("\r\r\n\n\r."),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        guard_each_prefix(rows[i], try_data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
