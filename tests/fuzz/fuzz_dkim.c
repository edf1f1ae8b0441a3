/* SPDX-License-Identifier: Apache-2.0 */
/* A body has one hash however it is cut; a relaxed field is one line and
 * relaxing it again changes nothing. */
#include "mail/dkim.h"
#include "mail/header.h"
#include "smtp/data.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hash(struct str text, size_t step, unsigned char out[32])
{
    struct dkim_body *body = dkim_body_new();

    for (size_t at = 0; at < text.n; at += step)
        dkim_body_add(body, str_first(str_from(text, at),
                                      text.n - at < step ? text.n - at : step));
    dkim_body_end(&body, out);
}

static void check_field(const struct header_field *field)
{
    struct buf once = { 0 }, twice = { 0 };
    struct header_field again;
    struct str rest;

    dkim_relax_field(field->name, field->body, &once);
    if (str_has_char(buf_str(&once), '\n'))
        abort();
    buf_add_cstr(&once, "\r\n");
    rest = buf_str(&once);
    if (header_next(&rest, &again) && again.name.n > 0) {
        dkim_relax_field(again.name, again.body, &twice);
        buf_add_cstr(&twice, "\r\n");
        if (!str_eq(buf_str(&once), buf_str(&twice)))
            abort();
    }
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size), rest = text;
    unsigned char whole[32], cut[32];
    struct header_field field;

    hash(text, size + 1, whole);
    hash(text, 3, cut);
    if (memcmp(whole, cut, sizeof(whole)) != 0)
        abort();
    /* What is signed has CR LF lines only. */
    struct smtp_lines lines = { 0 };
    if (smtp_lines_add(&lines, text) != NULL || smtp_lines_end(&lines) != NULL)
        return 0;
    while (header_next(&rest, &field))
        if (field.name.n > 0 && !str_has_char(field.name, '\n'))
            check_field(&field);
    return 0;
}
