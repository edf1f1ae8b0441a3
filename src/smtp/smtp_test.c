/* SPDX-License-Identifier: Apache-2.0 */
/* Commands, data framing, capabilities: tables of what is and is not read. */
#include "smtp/caps.h"
#include "smtp/command.h"
#include "smtp/data.h"
#include "smtp/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* --- data coming in ---------------------------------------------------------
 */

struct decoded {
    enum smtp_data_state state;
    struct buf out;
    size_t used;
    bool nul;
    const char *fault;
};

/* The same input in pieces of every size must read the same. */
static struct decoded decode(struct str in, bool normalise, size_t piece)
{
    struct smtp_data_decoder d;
    struct decoded r = { .state = SMTP_DATA_MORE };

    smtp_data_begin(&d, normalise);
    while (r.state == SMTP_DATA_MORE && r.used < in.n) {
        size_t used = 0;

        r.state = smtp_data_decode(&d, str_first(str_from(in, r.used), piece),
                                   &r.out, &used);
        r.used += used;
    }
    r.nul = d.has_nul;
    r.fault = d.fault;
    return r;
}

static void expect(struct str in, bool normalise, enum smtp_data_state state,
                   struct str want, size_t left)
{
    for (size_t piece = 1; piece <= in.n; piece++) {
        struct decoded r = decode(in, normalise, piece);

        assert_int_equal(r.state, state);
        if (state != SMTP_DATA_BAD) {
            assert_true(str_eq(buf_str(&r.out), want));
            assert_int_equal(in.n - r.used, left);
        }
        buf_free(&r.out);
    }
}

static void test_data_ends_at_crlf_dot_crlf_only(void **state)
{
    (void)state;
    expect(STR("a\r\n.\r\nQUIT\r\n"), false, SMTP_DATA_END, STR("a\r\n"), 6);
    expect(STR(".\r\n"), false, SMTP_DATA_END, STR(""), 0);
    expect(STR("..\r\n..x\r\n.\r\n"), false, SMTP_DATA_END, STR(".\r\n.x\r\n"),
           0);
    expect(STR("a.\r\nb"), false, SMTP_DATA_MORE, STR("a.\r\nb"), 0);
    expect(STR(".x\r\n.\r\n"), false, SMTP_DATA_END, STR("x\r\n"), 0);
}

static void test_SI_01_smuggling_sequences(void **state)
{
    static const struct str bad[] = {
        STR_INIT("a\n.\nMAIL FROM:<x@y>\r\n"),
        STR_INIT("a\n.\r\nMAIL FROM:<x@y>\r\n"),
        STR_INIT("a\r\n.\nMAIL FROM:<x@y>\r\n"),
        STR_INIT("a\r.\r\n"),
        STR_INIT("a\r\n.\rb\r\n"),
        STR_INIT("a\r\r\n.\r\n"),
        STR_INIT("\n"),
        STR_INIT("a\rb"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect(bad[i], false, SMTP_DATA_BAD, STR(""), 0);
}

/* For listed clients newlines are mended and the smuggled text stays text. */
static void test_SI_01_normalise(void **state)
{
    (void)state;
    expect(STR("a\n.\nMAIL\r\n.\r\n"), true, SMTP_DATA_END,
           STR("a\r\n.\r\nMAIL\r\n"), 0);
    expect(STR("a\r\n.\nMAIL\r\n.\r\n"), true, SMTP_DATA_END,
           STR("a\r\n.\r\nMAIL\r\n"), 0);
    expect(STR("a\n.\r\nMAIL\r\n.\r\n"), true, SMTP_DATA_END,
           STR("a\r\n.\r\nMAIL\r\n"), 0);
    expect(STR("a\rb\r\n.\r\n"), true, SMTP_DATA_END, STR("a\r\nb\r\n"), 0);
}

/* A block of short lines costs as much as any other: were each line to look
 * through the rest of the block, this would take minutes. */
static void test_short_lines_cost_no_more(void **state)
{
    static const struct str units[] = { STR_INIT("x\n"), STR_INIT("x\r"),
                                        STR_INIT("\n"), STR_INIT("x\r\n") };
    const size_t size = 8u << 20;

    (void)state;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct buf block = { 0 };
        struct decoded r;

        while (block.n < size)
            buf_add(&block, units[i]);
        r = decode(buf_str(&block), true, block.n);
        assert_int_equal(r.state, SMTP_DATA_MORE);
        assert_int_equal(r.used, block.n);
        buf_free(&block);
        buf_free(&r.out);
    }
}

static void test_SI_01_chunks_have_no_bare_newlines(void **state)
{
    static const struct {
        struct str in;
        bool fine;
    } rows[] = {
        { STR_INIT("a\r\nb\r\n"), true }, { STR_INIT("\r\n.\r\n"), true },
        { STR_INIT("a"), true },          { STR_INIT("a\n.\r\n"), false },
        { STR_INIT("a\r\n.\nb"), false }, { STR_INIT("a\r.\r\n"), false },
        { STR_INIT("a\r\r\n"), false },   { STR_INIT("a\r"), false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t n = 1; n <= rows[i].in.n; n++) {
            struct smtp_lines l = { 0 };
            struct str rest = rows[i].in;
            bool fine = true;

            for (; fine && rest.n > 0; rest = str_from(rest, n))
                fine = smtp_lines_add(&l, str_first(rest, n)) == NULL;
            fine = fine && smtp_lines_end(&l) == NULL;
            assert_int_equal(fine, rows[i].fine);
        }
}

static void test_SI_05_nul_is_seen(void **state)
{
    struct decoded r = decode(STR("a\0b\r\n.\r\n"), false, 100);

    (void)state;
    assert_true(r.nul);
    buf_free(&r.out);
    r = decode(STR("\0\r\n.\r\n"), false, 1);
    assert_true(r.nul);
    buf_free(&r.out);
}

/* --- data going out ----------------------------------------------------------
 */

static void test_SO_02_dots_survive_the_way(void **state)
{
    static const struct str texts[] = {
        STR_INIT(""),          STR_INIT("."),         STR_INIT(".\r\n"),
        STR_INIT("..\r\n.x"),  STR_INIT("a\r\n.b"),   STR_INIT("a"),
        STR_INIT("\r\n\r\n."), STR_INIT("a.\r\nb.."), STR_INIT("\r\n"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        for (size_t piece = 1; piece <= texts[i].n + 1; piece++) {
            struct smtp_dots dots;
            struct buf wire = { 0 }, want = { 0 };
            struct decoded r;

            smtp_dots_begin(&dots);
            for (size_t at = 0; at < texts[i].n; at += piece)
                smtp_dots_add(&dots, str_first(str_from(texts[i], at), piece),
                              &wire);
            smtp_dots_end(&dots, &wire);
            buf_add_cstr(&wire, ".\r\n");
            buf_add(&want, texts[i]);
            if (want.n > 0 && !str_ends(texts[i], STR("\r\n")))
                buf_add_cstr(&want, "\r\n");
            r = decode(buf_str(&wire), false, 7);
            assert_int_equal(r.state, SMTP_DATA_END);
            assert_int_equal(r.used, wire.n);
            assert_true(str_eq(buf_str(&r.out), buf_str(&want)));
            buf_free(&r.out);
            buf_free(&wire);
            buf_free(&want);
        }
}

/* --- commands
 * ------------------------------------------------------------------ */

static void test_mail(void **state)
{
    static const struct {
        struct str in;
        unsigned code;
        struct str from;
    } rows[] = {
        { STR_INIT("FROM:<a@b.example>"), 250, STR_INIT("a@b.example") },
        { STR_INIT("from:<a@B.Example> SIZE=10 BODY=8BITMIME"), 250,
          STR_INIT("a@b.example") },
        { STR_INIT("FROM:<>"), 250, STR_INIT("") },
        { STR_INIT("FROM: <a@b.example>"), 250, STR_INIT("a@b.example") },
        { STR_INIT("FROM:<a@b.example> RET=HDRS ENVID=q+2B1"), 250,
          STR_INIT("a@b.example") },
        { STR_INIT("FROM:<\"a b\"@b.example>"), 250,
          STR_INIT("\"a b\"@b.example") },
        { STR_INIT("FROM:<a@b.example> RET=X"), 501, STR_INIT("") },
        { STR_INIT("FROM:<a@b.example> ENVID=a=b"), 501, STR_INIT("") },
        { STR_INIT("FROM:<a@b.example> ENVID=+ZZ"), 501, STR_INIT("") },
        { STR_INIT("FROM:<a@b.example> SIZE=-1"), 501, STR_INIT("") },
        { STR_INIT("FROM:<a@b.example> SIZE=1 SIZE=1"), 501, STR_INIT("") },
        { STR_INIT("FROM:<a@b.example> BODY=7BIT body=8BITMIME"), 501,
          STR_INIT("") },
        { STR_INIT("FROM:<a@b.example> SMTPUTF8 SMTPUTF8"), 501, STR_INIT("") },
        { STR_INIT("FROM:<a\xff@b.example> SMTPUTF8"), 501, STR_INIT("") },
        { STR_INIT("FROM:<a@[IPv6:2001:DB8:0::1]>"), 250,
          STR_INIT("a@[ipv6:2001:db8::1]") },
        { STR_INIT("FROM:<a@b.example> X=1"), 555, STR_INIT("") },
        { STR_INIT("FROM:<a@b.example>SIZE=1"), 501, STR_INIT("") },
        { STR_INIT("FROM:a@b.example"), 501, STR_INIT("") },
        { STR_INIT("FROM:<a@b@c.example>"), 501, STR_INIT("") },
        { STR_INIT("TO:<a@b.example>"), 501, STR_INIT("") },
        { STR_INIT(""), 501, STR_INIT("") },
    };
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct smtp_mail mail;
        struct status st = smtp_mail_parse(rows[i].in, true, &arena, &mail);

        assert_int_equal(st.smtp, rows[i].code);
        if (st.smtp == 250)
            assert_true(str_eq(mail.from, rows[i].from));
    }
    arena_free(&arena);
}

static void test_SI_19_dsn_parameters(void **state)
{
    static const struct {
        struct str in;
        unsigned code;
        uint32_t notify;
    } rows[] = {
        { STR_INIT("TO:<a@b.example>"), 250, 0 },
        { STR_INIT("TO:<a@b.example> NOTIFY=NEVER"), 250, SMTP_NOTIFY_NEVER },
        { STR_INIT("TO:<a@b.example> NOTIFY=SUCCESS,delay"), 250,
          SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY },
        { STR_INIT("TO:<a@b.example> ORCPT=rfc822;a+40b.example"), 250, 0 },
        { STR_INIT("TO:<a@b.example> NOTIFY=NEVER,SUCCESS"), 501, 0 },
        { STR_INIT("TO:<a@b.example> NOTIFY="), 501, 0 },
        { STR_INIT("TO:<a@b.example> NOTIFY=SUCCESS NOTIFY=DELAY"), 501, 0 },
        { STR_INIT("TO:<a@b.example> ORCPT=x400;abc"), 501, 0 },
        { STR_INIT("TO:<a@b.example> ORCPT=rfc822;a=b"), 501, 0 },
        { STR_INIT("TO:<a@b.example> ORCPT=rfc822;"), 501, 0 },
        { STR_INIT("TO:<>"), 501, 0 },
        { STR_INIT("TO:<a@b.example> RET=FULL"), 555, 0 },
    };
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct smtp_rcpt rcpt;
        struct status st =
            smtp_rcpt_parse(rows[i].in, true, false, &arena, &rcpt);

        assert_int_equal(st.smtp, rows[i].code);
        if (st.smtp == 250)
            assert_int_equal(rcpt.notify, rows[i].notify);
    }
    arena_free(&arena);
}

static void test_no_parameters_after_helo(void **state)
{
    struct arena arena = { 0 };
    struct smtp_mail mail;

    (void)state;
    assert_int_equal(
        smtp_mail_parse(STR("FROM:<a@b.example> SIZE=1"), false, &arena, &mail)
            .smtp,
        555);
    arena_free(&arena);
}

static void test_bdat(void **state)
{
    static const struct {
        struct str in;
        unsigned code;
        uint64_t size;
        bool last;
    } rows[] = {
        { STR_INIT("0 LAST"), 250, 0, true },
        { STR_INIT("1000"), 250, 1000, false },
        { STR_INIT("86 last"), 250, 86, true },
        { STR_INIT(""), 501, 0, false },
        { STR_INIT("-1"), 501, 0, false },
        { STR_INIT("1 LASTX"), 501, 0, false },
        { STR_INIT("99999999999999999999"), 501, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct smtp_bdat bdat;
        struct status st = smtp_bdat_parse(rows[i].in, &bdat);

        assert_int_equal(st.smtp, rows[i].code);
        if (st.smtp == 250) {
            assert_true(bdat.size == rows[i].size);
            assert_int_equal(bdat.last, rows[i].last);
        }
    }
}

static void test_SI_07_hello_names(void **state)
{
    (void)state;
    assert_int_equal(smtp_hello_check(STR("gate.example")).smtp, 250);
    assert_int_equal(smtp_hello_check(STR("[192.0.2.1]")).smtp, 250);
    assert_int_equal(smtp_hello_check(STR("$(reboot)")).smtp, 250);
    assert_int_equal(smtp_hello_check(STR("")).smtp, 501);
    assert_int_equal(smtp_hello_check(STR("a b")).smtp, 501);
    assert_int_equal(smtp_hello_check(STR("a\033[2J")).smtp, 501);
}

/* --- capabilities, replies
 * ------------------------------------------------------ */

static void test_caps(void **state)
{
    struct smtp_caps caps;

    (void)state;
    smtp_caps_parse(STR("STARTTLS is my name\nPIPELINING\nsize 1000\n"
                        "AUTH LOGIN PLAIN\nLIMITS RCPTMAX=20\nXODD 1 2\n"
                        "DSN\n8BITMIME"),
                    &caps);
    assert_true(caps.pipelining && caps.size && caps.size_max == 1000);
    assert_true(caps.auth_plain && caps.auth_login && caps.dsn);
    assert_true(caps.eightbitmime && caps.rcpt_max == 20);
    /* the greeting line names no keyword */
    assert_false(caps.starttls);
}

static void test_reply(void **state)
{
    struct status st = status_make(550, "5.7.1", "Relaying denied");
    struct buf out = { 0 };

    (void)state;
    smtp_reply_write(&st, &out);
    assert_string_equal(buf_cstr(&out), "550 5.7.1 Relaying denied\r\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_ends_at_crlf_dot_crlf_only),
        cmocka_unit_test(test_SI_01_smuggling_sequences),
        cmocka_unit_test(test_SI_01_normalise),
        cmocka_unit_test(test_short_lines_cost_no_more),
        cmocka_unit_test(test_SI_01_chunks_have_no_bare_newlines),
        cmocka_unit_test(test_SI_05_nul_is_seen),
        cmocka_unit_test(test_SO_02_dots_survive_the_way),
        cmocka_unit_test(test_mail),
        cmocka_unit_test(test_SI_19_dsn_parameters),
        cmocka_unit_test(test_no_parameters_after_helo),
        cmocka_unit_test(test_bdat),
        cmocka_unit_test(test_SI_07_hello_names),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
