/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/facts.h"

#include "mail/header.h"

bool facts_field(struct str header, struct str name, struct buf *out)
{
    struct header_field field;

    if (!header_find(&header, name, &field))
        return false;
    header_unfold(field.body, out);
    return true;
}

void facts_subject(struct str header, struct buf *out)
{
    struct header_field field;
    struct buf raw = { 0 };
    bool first = true;

    while (header_find(&header, STR("Subject"), &field)) {
        if (!first)
            buf_add_char(out, '\n');
        first = false;
        buf_clear(&raw);
        header_unfold(field.body, &raw);
        header_decode(buf_str(&raw), out);
    }
    buf_free(&raw);
}
