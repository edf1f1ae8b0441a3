/* SPDX-License-Identifier: Apache-2.0 */
/* Editing removes what is for us for good, twice is once, a notification
 * never grows lines of its own, and stored orders read back as written. */
#include "mail/dsn.h"
#include "mail/header.h"
#include "role/dispatch/edit.h"
#include "role/dispatch/parcel.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_edit(struct str text)
{
    struct buf once = { 0 }, twice = { 0 };
    struct header_field field;
    struct str rest;

    edit_header(text, STR("[secure]"), &once);
    rest = buf_str(&once);
    while (header_next(&rest, &field))
        if (str_eq_nocase(field.name, STR("Bcc")))
            abort();
    edit_header(text, STR(""), &twice);
    if (twice.n > text.n)
        abort();
    buf_free(&once);
    buf_free(&twice);
}

static void check_dsn(struct str text)
{
    struct dsn_recipient who = {
        .recipient = text, .orcpt = text, .remote = text, .reply = text
    };
    struct dsn dsn = { .hostname = STR("gate.example"),
                       .to = STR("a@b.example"),
                       .message_id = STR("1@gate.example"),
                       .boundary = STR("boundary"),
                       .envid = text,
                       .recipients = &who,
                       .n = 1 };
    struct buf out = { 0 };

    who.status = status_make(550, "5.1.1", "no");
    dsn_write(&dsn, &out);
    buf_free(&out);
}

static void check_orders(struct str text)
{
    struct orders orders, again;
    struct buf out = { 0 };

    if (!orders_parse(text, &orders))
        return;
    orders_write(&orders, &out);
    if (!orders_parse(buf_str(&out), &again) ||
        again.switch_after_ms != orders.switch_after_ms ||
        !str_eq(again.strip_marker, orders.strip_marker))
        abort();
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size);

    check_edit(text);
    check_dsn(text);
    check_orders(text);
    return 0;
}
