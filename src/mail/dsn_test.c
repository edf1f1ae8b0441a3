/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/dsn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct dsn_recipient one = {
    .recipient = STR_INIT("lee@dane.example"),
    .orcpt = STR_INIT("rfc822;l+2Bee@dane.example"),
    .remote = STR_INIT("mx.dane.example"),
    .reply = STR_INIT("550 5.1.1 no\r\nBcc: such user"),
};

static struct dsn make(enum dsn_action action)
{
    one.status = status_make(550, "5.1.1", "mx.dane.example said: no");
    return (struct dsn){
        .action = action,
        .hostname = STR_INIT("gate.clinic.example"),
        .to = STR_INIT("ann@clinic.example"),
        .message_id = STR_INIT("x@gate.clinic.example"),
        .boundary = STR_INIT("b0undary"),
        .envid = STR_INIT("QQ+3D314"),
        .arrived_wall_ms = 1700000000000,
        .now_wall_ms = 1700000100000,
        .retry_until_wall_ms = 1700400000000,
        .recipients = &one,
        .n = 1,
        .header = STR_INIT("From: ann@clinic.example\r\n"
                           "Subject: labs\r\n of Mr X\r\n"
                           "Bcc: y@z\r\nTo: lee@dane.example\r\n"),
    };
}

static bool has(struct buf *out, const char *text)
{
    return strstr(buf_cstr(out), text) != NULL;
}

static void failed(void **state)
{
    struct dsn d = make(DSN_FAILED);
    struct buf out = { 0 };

    (void)state;
    dsn_write(&d, &out);
    assert_true(has(&out, "To: <ann@clinic.example>\r\n"));
    assert_true(has(&out, "report-type=delivery-status"));
    assert_true(has(&out, "Auto-Submitted: auto-replied\r\n"));
    assert_true(has(&out, "Action: failed\r\nStatus: 5.1.1\r\n"));
    assert_true(has(&out, "Final-Recipient: rfc822; lee@dane.example\r\n"));
    assert_true(has(&out, "Original-Recipient: rfc822;l+ee@dane.example\r\n"));
    assert_true(has(&out, "Original-Envelope-Id: QQ=314\r\n"));
    assert_true(has(&out, "Subject: labs\r\n of Mr X\r\n"));
    assert_false(has(&out, "\nBcc:"));
    assert_true(has(&out, "--b0undary--\r\n"));
    /* Every line ends in CR LF. */
    for (size_t i = 1; i < out.n; i++)
        assert_true(out.p[i] != '\n' || out.p[i - 1] == '\r');
    buf_free(&out);
}

static void subject_of_protected_mail_stays_here(void **state)
{
    struct dsn d = make(DSN_FAILED);
    struct buf out = { 0 };

    (void)state;
    d.hide_subject = true;
    dsn_write(&d, &out);
    assert_false(has(&out, "labs"));
    assert_false(has(&out, "Mr X"));
    assert_true(has(&out, "From: ann@clinic.example\r\n"));
    buf_free(&out);
}

static void delayed(void **state)
{
    struct dsn d = make(DSN_DELAYED);
    struct buf out = { 0 };

    (void)state;
    dsn_write(&d, &out);
    assert_true(has(&out, "Action: delayed\r\n"));
    assert_true(has(&out, "Will-Retry-Until: "));
    buf_free(&out);
}

/* RFC 6533: an address beyond ASCII has types of its own. */
static void global(void **state)
{
    struct dsn d = make(DSN_FAILED);
    struct dsn_recipient who = one;
    struct buf out = { 0 };

    (void)state;
    who.recipient = STR("j\xc3\xb6rg@dane.example");
    d.recipients = &who;
    dsn_write(&d, &out);
    assert_true(has(&out, "Content-Type: message/global-delivery-status\r\n"));
    assert_true(has(&out, "Content-Type: message/global-headers\r\n"));
    assert_true(
        has(&out, "Final-Recipient: utf-8; j\xc3\xb6rg@dane.example\r\n"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed),
        cmocka_unit_test(global),
        cmocka_unit_test(subject_of_protected_mail_stays_here),
        cmocka_unit_test(delayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
