/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include "base/panic.h"

#include <stdarg.h>
#include <stdio.h>

struct status status_ok(void)
{
    return (struct status){ STATUS_OK, 250, { 2, 0, 0 }, "" };
}

/* A peer's words may be quoted in why: no octet may start a new line. */
static void why_set(struct status *st, const char *format, va_list args)
{
    vsnprintf(st->why, sizeof(st->why), format, args);
    for (char *c = st->why; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
}

struct status status_defer(const char *format, ...)
{
    struct status st = { STATUS_DEFER, 451, { 4, 3, 0 }, "" };
    va_list args;

    va_start(args, format);
    why_set(&st, format, args);
    va_end(args);
    return st;
}

struct status status_refuse(const char *format, ...)
{
    struct status st = { STATUS_REFUSE, 554, { 5, 3, 0 }, "" };
    va_list args;

    va_start(args, format);
    why_set(&st, format, args);
    va_end(args);
    return st;
}

struct status status_code(struct status st, uint16_t smtp, const char *enh)
{
    unsigned a = 0, b = 0, c = 0;

    if (smtp < 200 || smtp > 599 ||
        sscanf(enh, "%1u.%3u.%3u", &a, &b, &c) != 3 || b > 255 || c > 255)
        panic("status: code %u %s", (unsigned)smtp, enh);
    st.kind = smtp < 400   ? STATUS_OK
              : smtp < 500 ? STATUS_DEFER
                           : STATUS_REFUSE;
    st.smtp = smtp;
    st.enh[0] = (uint8_t)a;
    st.enh[1] = (uint8_t)b;
    st.enh[2] = (uint8_t)c;
    return st;
}

struct status status_make(uint16_t smtp, const char *enh, const char *format,
                          ...)
{
    struct status st = status_code((struct status){ 0 }, smtp, enh);
    va_list args;

    va_start(args, format);
    why_set(&st, format, args);
    va_end(args);
    return st;
}
