/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/key_facts.h"

#include "base/fields.h"
#include "base/utf8.h"

enum {
    CHAIN_MAX = 256 << 10,
    WORDS_MAX = 1024,
    TAG_KIND = 1,
    TAG_FINGERPRINT,
    TAG_ALGORITHM,
    TAG_CREATED,
    TAG_EXPIRES,
    TAG_ADDRESS,
    TAG_REFUSED,
    TAG_REVOKED,
    TAG_EXPIRED,
    TAG_PRIVATE,
    TAG_CAPABILITIES,
    TAG_BYTES,
    TAG_CHAIN,
};

struct str key_kind_name(enum key_kind kind)
{
    return kind == KEY_PGP ? STR("pgp") : STR("smime");
}

bool key_kind_parse(struct str text, enum key_kind *out)
{
    *out = str_eq(text, STR("smime")) ? KEY_SMIME : KEY_PGP;
    return str_eq(text, key_kind_name(*out));
}

void key_facts_write(const struct key_facts *f, struct buf *out)
{
    field_add_int(out, TAG_KIND, f->kind);
    field_add(out, TAG_FINGERPRINT, f->fingerprint);
    field_add(out, TAG_ALGORITHM, f->algorithm);
    field_add_int(out, TAG_CREATED, f->created_wall_ms);
    field_add_int(out, TAG_EXPIRES, f->expires_wall_ms);
    for (size_t i = 0; i < f->addresses_n; i++)
        field_add(out, TAG_ADDRESS, f->addresses[i]);
    field_add(out, TAG_REFUSED, f->refused);
    field_add_int(out, TAG_REVOKED, f->revoked);
    field_add_int(out, TAG_EXPIRED, f->expired);
    field_add_int(out, TAG_PRIVATE, f->has_private);
    field_add(out, TAG_CAPABILITIES, f->capabilities);
    field_add(out, TAG_BYTES, f->bytes);
    field_add(out, TAG_CHAIN, f->chain);
}

/* Words for people and logs: nothing that steers a terminal. */
static bool words(const struct field *field, struct arena *arena,
                  struct str *out)
{
    if (field->value.n > WORDS_MAX || !utf8_valid(field->value))
        return false;
    for (size_t i = 0; i < field->value.n; i++)
        if ((unsigned char)field->value.p[i] < 0x20 ||
            field->value.p[i] == 0x7f)
            return false;
    *out = str_keep(arena, field->value);
    return true;
}

static bool hex(const struct field *field, struct arena *arena, struct str *out)
{
    for (size_t i = 0; i < field->value.n; i++)
        if (!(field->value.p[i] >= '0' && field->value.p[i] <= '9') &&
            !(field->value.p[i] >= 'a' && field->value.p[i] <= 'f'))
            return false;
    *out = str_keep(arena, field->value);
    return field->value.n <= 64;
}

static bool add_address(const struct field *field, struct arena *arena,
                        struct key_facts *f)
{
    if (f->addresses_n == KEY_ADDRESSES_MAX)
        return false;
    if (f->addresses == NULL)
        f->addresses =
            arena_array(arena, KEY_ADDRESSES_MAX, sizeof(*f->addresses));
    return words(field, arena, &f->addresses[f->addresses_n++]);
}

static bool kind_of(const struct field *field, enum key_kind *out)
{
    int64_t value = KEY_PGP;
    bool good = field_number(field, KEY_SMIME, &value);

    *out = (enum key_kind)value;
    return good;
}

static bool take(const struct field *field, struct arena *arena,
                 struct key_facts *f)
{
    switch (field->tag) {
    case TAG_KIND:
        return kind_of(field, &f->kind);
    case TAG_FINGERPRINT:
        return hex(field, arena, &f->fingerprint);
    case TAG_ALGORITHM:
        return words(field, arena, &f->algorithm);
    case TAG_CREATED:
        return field_int(field, &f->created_wall_ms);
    case TAG_EXPIRES:
        return field_int(field, &f->expires_wall_ms);
    case TAG_ADDRESS:
        return add_address(field, arena, f);
    case TAG_REFUSED:
        return words(field, arena, &f->refused);
    case TAG_REVOKED:
        return field_flag(field, &f->revoked);
    case TAG_EXPIRED:
        return field_flag(field, &f->expired);
    case TAG_PRIVATE:
        return field_flag(field, &f->has_private);
    case TAG_CAPABILITIES:
        return words(field, arena, &f->capabilities);
    case TAG_BYTES:
        return field_keep(field, KEY_BYTES_MAX, arena, &f->bytes);
    case TAG_CHAIN:
        return field_keep(field, CHAIN_MAX, arena, &f->chain);
    default:
        return false;
    }
}

bool key_facts_parse(struct str in, struct arena *arena, struct key_facts *out)
{
    struct field field;

    *out = (struct key_facts){ 0 };
    while (field_next(&in, &field))
        if (!take(&field, arena, out))
            return false;
    return in.n == 0;
}

bool key_facts_name(const struct key_facts *f, struct str address)
{
    for (size_t i = 0; i < f->addresses_n; i++)
        if (str_eq_nocase(f->addresses[i], address))
            return true;
    return false;
}
