/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/tlsrpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void records(void **state)
{
    static const struct {
        const char *in;
        const char *rua; /* NULL: refused */
    } rows[] = {
        { "v=TLSRPTv1; rua=mailto:a@x.example", "mailto:a@x.example" },
        { "v=TLSRPTv1;rua=mailto:a@x.example", "mailto:a@x.example" },
        { "v=TLSRPTv1; rua=https://x.example/r", "https://x.example/r" },
        { "v=TLSRPTv1; rua=mailto:a@x.example,https://x.example/r;",
          "mailto:a@x.example,https://x.example/r" },
        { "v=TLSRPTv1; new=1; rua=mailto:a@x.example", "mailto:a@x.example" },
        { "v=TLSRPTv1", NULL },
        { "v=TLSRPTv1; rua=", NULL },
        { "v=TLSRPTv1; rua=mailto:", NULL },
        { "v=TLSRPTv1; rua=mailto:@x.example", NULL },
        { "v=TLSRPTv1; rua=mailto:a@", NULL },
        { "v=TLSRPTv1; rua=http://x.example/r", NULL },
        { "v=TLSRPTv1; rua=mailto:a@x.example,nonsense", NULL },
        { "v=TLSRPTv2; rua=mailto:a@x.example", NULL },
        { "rua=mailto:a@x.example; v=TLSRPTv1", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str rua = STR("");
        bool good = tlsrpt_parse(str_from_cstr(rows[i].in), &rua);

        if (good != (rows[i].rua != NULL) ||
            (good && !str_eq(rua, str_from_cstr(rows[i].rua))))
            fail_msg("%s", rows[i].in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(records) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
