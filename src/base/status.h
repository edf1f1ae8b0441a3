/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a thing that can fail. Peer reply, log line, DSN and audit
 * record are all made from this value; nothing reads a formatted text back.
 */
#ifndef POSTSEAL_BASE_STATUS_H
#define POSTSEAL_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum status_kind {
    STATUS_OK,
    STATUS_DEFER,  /* may pass: try again later (SMTP 4xx) */
    STATUS_REFUSE, /* lasting: will not work as it is (SMTP 5xx) */
};

struct status {
    enum status_kind kind;
    uint16_t smtp;  /* SMTP reply code (RFC 5321, 4.2): 250, 451, 550 ... */
    uint8_t enh[3]; /* enhanced code (RFC 3463) */
    char why[200];  /* one plain line of ASCII or UTF-8, no CR, LF, control */
};

struct status status_ok(void);
/* 451 4.3.0 and 554 5.3.0 unless status_code() says otherwise. */
struct status status_defer(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
struct status status_refuse(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* Any code: kind follows from smtp (2xx, 4xx, 5xx); enh as "5.1.1". */
struct status status_make(uint16_t smtp, const char *enh, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));
/* The same status with other codes, the reason kept. */
struct status status_code(struct status st, uint16_t smtp, const char *enh);

static inline bool status_is_ok(struct status st)
{
    return st.kind == STATUS_OK;
}

#endif
