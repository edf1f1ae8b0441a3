/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/notice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct row {
    const char *name;
    struct notice_facts f;
    enum notice want;
} rows[] = {
    { "failure, not asked", { .step = STEP_FAIL }, NOTICE_FAILED },
    { "expired, not asked", { .step = STEP_EXPIRE }, NOTICE_FAILED },
    { "failure, NEVER",
      { .step = STEP_FAIL, .notify = NOTIFY_NEVER },
      NOTICE_NONE },
    { "failure, only SUCCESS",
      { .step = STEP_FAIL, .notify = NOTIFY_SUCCESS },
      NOTICE_NONE },
    { "failure, FAILURE",
      { .step = STEP_FAIL, .notify = NOTIFY_FAILURE },
      NOTICE_FAILED },
    { "SO-07: null sender", { .step = STEP_FAIL, .null_sender = true } },
    { "our own mail", { .step = STEP_FAIL, .kind = MESSAGE_NOTICE } },
    { "a notification that fails", { .step = STEP_FAIL, .kind = MESSAGE_DSN } },
    { "delay, too early",
      { .step = STEP_WAIT, .age_ms = 10, .delay_after_ms = 20 },
      NOTICE_NONE },
    { "delay, due",
      { .step = STEP_WAIT, .age_ms = 20, .delay_after_ms = 20 },
      NOTICE_DELAYED },
    { "SO-09: one delay notice",
      { .step = STEP_WAIT,
        .age_ms = 20,
        .delay_after_ms = 20,
        .delay_sent = true },
      NOTICE_NONE },
    { "delay, NEVER",
      { .step = STEP_WAIT,
        .age_ms = 20,
        .delay_after_ms = 20,
        .notify = NOTIFY_NEVER },
      NOTICE_NONE },
    { "delay, only FAILURE",
      { .step = STEP_WAIT,
        .age_ms = 20,
        .delay_after_ms = 20,
        .notify = NOTIFY_FAILURE },
      NOTICE_NONE },
    { "success, not asked", { .step = STEP_DONE }, NOTICE_NONE },
    { "success, asked, far side without DSN",
      { .step = STEP_DONE, .notify = NOTIFY_SUCCESS },
      NOTICE_RELAYED },
    { "success, asked, far side tells",
      { .step = STEP_DONE, .notify = NOTIFY_SUCCESS, .far_dsn = true },
      NOTICE_NONE },
    { "success in the portal",
      { .step = STEP_DONE,
        .notify = NOTIFY_SUCCESS,
        .far_dsn = true,
        .method = METHOD_PORTAL },
      NOTICE_RELAYED },
    { "next rung", { .step = STEP_NEXT_RUNG }, NOTICE_NONE },
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (notice_due(&rows[i].f) != rows[i].want)
            fail_msg("%s", rows[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(table) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
