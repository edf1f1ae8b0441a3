/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/notice.h"

static bool wants(const struct notice_facts *f, uint32_t bit, bool by_default)
{
    return f->notify == 0 ? by_default : (f->notify & bit) != 0;
}

enum notice notice_due(const struct notice_facts *f)
{
    if (f->null_sender || f->kind != MESSAGE_MAIL)
        return NOTICE_NONE;
    switch (f->step) {
    case STEP_FAIL:
    case STEP_EXPIRE:
        return wants(f, NOTIFY_FAILURE, true) ? NOTICE_FAILED : NOTICE_NONE;
    case STEP_WAIT:
        if (f->delay_sent || f->age_ms < f->delay_after_ms)
            return NOTICE_NONE;
        return wants(f, NOTIFY_DELAY, true) ? NOTICE_DELAYED : NOTICE_NONE;
    case STEP_DONE:
        /* The portal is the end of the way: nobody further on will say it. */
        if (f->method == METHOD_TLS && f->far_dsn)
            return NOTICE_NONE;
        return wants(f, NOTIFY_SUCCESS, false) ? NOTICE_RELAYED : NOTICE_NONE;
    case STEP_NEXT_RUNG:
        break;
    }
    return NOTICE_NONE;
}
