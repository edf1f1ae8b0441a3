/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/edit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct row {
    const char *name, *in, *marker, *want;
} rows[] = {
    { "nothing to do", "From: a\r\nTo: b\r\n c\r\n", "",
      "From: a\r\nTo: b\r\n c\r\n" },
    { "our requests and Bcc",
      "X-Postseal-Floor: sealed\r\nFrom: a\r\nBcc: x,\r\n y\r\n"
      "x-postseal-any:\r\n 1\r\nTo: b\r\n",
      "", "From: a\r\nTo: b\r\n" },
    { "marker", "Subject: [secure] labs\r\nFrom: a\r\n", "[secure]",
      "Subject: labs\r\nFrom: a\r\n" },
    { "marker in the middle", "Subject: Re: [SECURE] labs\r\n", "[secure]",
      "Subject: Re: labs\r\n" },
    { "marker in a fold", "Subject: long\r\n [secure] labs\r\n", "[secure]",
      "Subject: long\r\n labs\r\n" },
    { "no marker there", "Subject: =?utf-8?Q?=C3=A4?=\r\n", "[secure]",
      "Subject: =?utf-8?Q?=C3=A4?=\r\n" },
    { "marker in an encoded word", "Subject: =?utf-8?B?W3NlY3VyZV0gw6Q=?=\r\n",
      "[secure]", "Subject: =?UTF-8?B?w6Q=?=\r\n" },
    { "only in the subject", "X-A: [secure]\r\n", "[secure]",
      "X-A: [secure]\r\n" },
    { "a line without a colon stays", "junk\r\nFrom: a\r\n", "[secure]",
      "junk\r\nFrom: a\r\n" },
    { "no line end", "From: a", "[secure]", "From: a" },
    { "empty", "", "[secure]", "" },
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf out = { 0 };

        edit_header(str_from_cstr(rows[i].in), str_from_cstr(rows[i].marker),
                    &out);
        if (!str_eq(buf_str(&out), str_from_cstr(rows[i].want)))
            fail_msg("%s: %s", rows[i].name, buf_cstr(&out));
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(table) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
