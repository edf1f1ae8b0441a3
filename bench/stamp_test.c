/* SPDX-License-Identifier: Apache-2.0 */
/* The control of the sink: it must notice what is lost, changed or cut. */
#include "bench/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_stamp_notices_every_change(void **state)
{
    struct stamp stamp = { 0xabc, 7, 123 }, got;
    struct buf m = { 0 }, received = { 0 };
    size_t body;

    (void)state;
    stamp_write(&stamp, 4096, &m);
    assert_in_range(m.n, 4000, 4300);
    buf_add_cstr(&received, "Received: by x\r\n");
    buf_add(&received, buf_str(&m));
    assert_true(stamp_read(buf_str(&received), &got));
    assert_true(got.run == 0xabc && got.number == 7 && got.sent_ns == 123);
    body = str_find(buf_str(&received), STR("\r\n\r\n")) + 4;
    for (size_t i = body; i < received.n; i += 97) {
        received.p[i] ^= 1;
        assert_false(stamp_read(buf_str(&received), &got));
        received.p[i] ^= 1;
    }
    assert_false(
        stamp_read(str_first(buf_str(&received), received.n - 1), &got));
    buf_add_char(&received, 'x');
    assert_false(stamp_read(buf_str(&received), &got));
    buf_free(&m);
    buf_free(&received);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stamp_notices_every_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
