/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/pickup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct pickup_mail mail = {
    .mail_from = STR_INIT("postmaster@gate.clinic.example"),
    .to = STR_INIT("ann@plain.example"),
    .message_id = STR_INIT("x@gate"),
    .boundary = STR_INIT("b"),
    .organisation = STR_INIT("Clinic <A&B>"),
    .hostname = STR_INIT("gate.clinic.example"),
    .sender = STR_INIT("lee@clinic.example"),
    .recipient = STR_INIT("ann@plain.example"),
    .link = STR_INIT("https://mail.clinic.example/p/TOKEN"),
    .pin = STR_INIT("123456"),
    .method = STR_INIT("portal"),
    .why = STR_INIT("mx1.plain.example offers no STARTTLS"),
    .expires_wall_ms = 1700000000000,
};

static void notice(void **state)
{
    struct pickup_templates t;
    struct buf out = { 0 };

    (void)state;
    assert_true(status_is_ok(pickup_templates_load(STR(""), &t)));
    pickup_notice_write(&t, &mail, &out);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "https://mail.clinic.example/p/TOKEN"));
    assert_non_null(strstr(text, "lee@clinic.example"));
    assert_non_null(strstr(text, "Clinic &lt;A&amp;B&gt;"));
    assert_non_null(strstr(text, "2023-11-14"));
    assert_null(strstr(text, "123456")); /* the PIN goes to the sender alone */
    assert_null(strstr(text, "{{"));
    buf_free(&out);
    pickup_templates_free(&t);
}

static void tell(void **state)
{
    struct pickup_templates t;
    struct buf out = { 0 };

    (void)state;
    assert_true(status_is_ok(pickup_templates_load(STR(""), &t)));
    pickup_tell_write(&t, &mail, &out);
    assert_non_null(strstr(buf_cstr(&out), "PIN: 123456"));
    assert_non_null(strstr(buf_cstr(&out), "offers no STARTTLS"));
    assert_null(strstr(buf_cstr(&out), "TOKEN")); /* nor the link to them */
    buf_free(&out);
    pickup_templates_free(&t);
}

static void secrets(void **state)
{
    char a[PICKUP_TOKEN_SIZE], b[PICKUP_TOKEN_SIZE], pin[PICKUP_PIN_SIZE];
    unsigned char x[PICKUP_HASH], y[PICKUP_HASH];
    struct id one = id_new(), two = id_new();

    (void)state;
    pickup_token_new(a);
    pickup_token_new(b);
    assert_int_equal(strlen(a), 43);
    assert_string_not_equal(a, b);
    pickup_pin_new(pin);
    assert_int_equal(strspn(pin, "0123456789"), 6);
    pickup_secret_hash(&one, STR("123456"), x);
    pickup_secret_hash(&two, STR("123456"), y);
    assert_memory_not_equal(x, y, PICKUP_HASH);
    pickup_token_hash(STR("abc"), x);
    assert_int_equal(x[0], 0xba); /* FIPS 180-2, B.1 */
    assert_int_equal(x[31], 0xad);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(notice),
                                        cmocka_unit_test(tell),
                                        cmocka_unit_test(secrets) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
