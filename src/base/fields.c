/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fields.h"

#include "base/panic.h"

enum { HEAD = 5, NUMBER = 8 };

static void add_head(struct buf *out, uint8_t tag, uint32_t n)
{
    buf_add_char(out, (char)tag);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_char(out, (char)(n >> shift & 0xff));
}

void field_add(struct buf *out, uint8_t tag, struct str value)
{
    if (value.n > UINT32_MAX)
        panic("a field of %zu octets", value.n);
    add_head(out, tag, (uint32_t)value.n);
    buf_add(out, value);
}

void field_add_int(struct buf *out, uint8_t tag, int64_t value)
{
    add_head(out, tag, NUMBER);
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_add_char(out, (char)((uint64_t)value >> shift & 0xff));
}

static uint64_t big_endian(struct str s)
{
    uint64_t value = 0;

    for (size_t i = 0; i < s.n; i++)
        value = value << 8 | (unsigned char)s.p[i];
    return value;
}

bool field_next(struct str *rest, struct field *out)
{
    uint64_t n;

    if (rest->n < HEAD)
        return false;
    n = big_endian(str_of(rest->p + 1, 4));
    if (n > rest->n - HEAD)
        return false;
    out->tag = (uint8_t)rest->p[0];
    out->value = str_of(rest->p + HEAD, (size_t)n);
    *rest = str_from(*rest, HEAD + (size_t)n);
    return true;
}

bool field_int(const struct field *field, int64_t *out)
{
    if (field->value.n != NUMBER)
        return false;
    *out = (int64_t)big_endian(field->value);
    return true;
}

bool field_number(const struct field *field, int64_t most, int64_t *out)
{
    return field_int(field, out) && *out >= 0 && *out <= most;
}

bool field_flag(const struct field *field, bool *out)
{
    int64_t value = 0;
    bool good = field_number(field, 1, &value);

    *out = value == 1;
    return good;
}

bool field_keep(const struct field *field, size_t max, struct arena *arena,
                struct str *out)
{
    if (field->value.n > max)
        return false;
    *out = str_keep(arena, field->value);
    return true;
}
