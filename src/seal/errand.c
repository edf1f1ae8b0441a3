/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/errand.h"

#include "base/fields.h"

enum { KEYS_MAX = 64, TEXT_MAX = 1024 };

enum request_tag {
    ASK_KIND = 1,
    ASK_METHOD,
    ASK_KEY,
    ASK_CAPABILITIES,
    ASK_OWN_PRIVATE,
    ASK_OWN_CONTEXT,
    ASK_PASSPHRASE,
    ASK_SUBJECT,
    ASK_PROTECT,
    ASK_HIDE,
    ASK_NOW,
};

enum answer_tag {
    SAY_CODE = 1, /* SMTP reply code: 250, 451, 554 */
    SAY_WHY,
    SAY_KEY,
    SAY_OWN_PRIVATE,
    SAY_SEALED,
};

static bool text(const struct field *field, struct arena *arena,
                 struct str *out)
{
    return field_keep(field, TEXT_MAX, arena, out);
}

/* --- requests ---------------------------------------------------------------
 */

void errand_write(const struct errand *e, struct buf *out)
{
    field_add_int(out, ASK_KIND, e->kind);
    field_add_int(out, ASK_METHOD, e->method);
    for (size_t i = 0; i < e->keys_n; i++)
        field_add(out, ASK_KEY, e->keys[i]);
    field_add(out, ASK_CAPABILITIES, e->capabilities);
    field_add(out, ASK_OWN_PRIVATE, e->own_private);
    field_add(out, ASK_OWN_CONTEXT, e->own_context);
    field_add(out, ASK_PASSPHRASE, e->passphrase);
    field_add(out, ASK_SUBJECT, e->outer_subject);
    field_add_int(out, ASK_PROTECT, e->protect_headers);
    field_add_int(out, ASK_HIDE, e->hide_key_ids);
    field_add_int(out, ASK_NOW, e->now_wall_ms);
}

static bool add_key(const struct field *field, struct arena *arena,
                    struct errand *e)
{
    if (e->keys_n == KEYS_MAX)
        return false;
    if (e->keys == NULL)
        e->keys = arena_array(arena, KEYS_MAX, sizeof(*e->keys));
    return field_keep(field, KEY_BYTES_MAX, arena, &e->keys[e->keys_n++]);
}

static bool take_request(const struct field *field, struct arena *arena,
                         struct errand *e)
{
    int64_t value;

    switch (field->tag) {
    case ASK_KIND:
        if (!field_number(field, ERRAND_LOOK, &value))
            return false;
        e->kind = (enum errand_kind)value;
        return true;
    case ASK_METHOD:
        if (!field_number(field, KEY_SMIME, &value))
            return false;
        e->method = (enum key_kind)value;
        return true;
    case ASK_KEY:
        return add_key(field, arena, e);
    case ASK_CAPABILITIES:
        return text(field, arena, &e->capabilities);
    case ASK_OWN_PRIVATE:
        return field_keep(field, KEY_BYTES_MAX * 2, arena, &e->own_private);
    case ASK_OWN_CONTEXT:
        return text(field, arena, &e->own_context);
    case ASK_PASSPHRASE:
        return text(field, arena, &e->passphrase);
    case ASK_SUBJECT:
        return text(field, arena, &e->outer_subject);
    case ASK_PROTECT:
        return field_flag(field, &e->protect_headers);
    case ASK_HIDE:
        return field_flag(field, &e->hide_key_ids);
    case ASK_NOW:
        return field_int(field, &e->now_wall_ms);
    default:
        return false;
    }
}

bool errand_parse(struct str in, struct arena *arena, struct errand *out)
{
    struct field field;

    *out = (struct errand){ 0 };
    while (field_next(&in, &field))
        if (!take_request(&field, arena, out))
            return false;
    return in.n == 0;
}

/* --- answers ----------------------------------------------------------------
 */

void errand_answer_write(const struct errand_answer *a, struct buf *out)
{
    struct buf key = { 0 };

    field_add_int(out, SAY_CODE, a->status.smtp);
    field_add(out, SAY_WHY, str_from_cstr(a->status.why));
    for (size_t i = 0; i < a->keys_n; i++) {
        buf_clear(&key);
        key_facts_write(&a->keys[i], &key);
        field_add(out, SAY_KEY, buf_str(&key));
    }
    buf_free(&key);
    field_add(out, SAY_OWN_PRIVATE, a->own_private);
    field_add_int(out, SAY_SEALED, a->sealed_already);
}

static bool add_facts(const struct field *field, struct arena *arena,
                      struct errand_answer *a)
{
    if (a->keys_n == KEYS_MAX)
        return false;
    if (a->keys == NULL)
        a->keys = arena_array(arena, KEYS_MAX, sizeof(*a->keys));
    return key_facts_parse(field->value, arena, &a->keys[a->keys_n++]);
}

struct reading {
    int64_t code;
    struct str why;
};

static bool take_answer(const struct field *field, struct arena *arena,
                        struct reading *r, struct errand_answer *a)
{
    switch (field->tag) {
    case SAY_CODE:
        return field_number(field, 599, &r->code);
    case SAY_WHY:
        return text(field, arena, &r->why);
    case SAY_KEY:
        return add_facts(field, arena, a);
    case SAY_OWN_PRIVATE:
        return field_keep(field, KEY_BYTES_MAX * 2, arena, &a->own_private);
    case SAY_SEALED:
        return field_flag(field, &a->sealed_already);
    default:
        return false;
    }
}

/* The sealer is the weaker process: of its verdict only these are believed.
 * Words are cleaned as every status cleans them. */
static bool status_from(const struct reading *r, struct status *out)
{
    if (r->code != 250 && r->code != 451 && r->code != 554)
        return false;
    *out = r->code == 250 ? status_ok()
                          : status_make((uint16_t)r->code,
                                        r->code == 451 ? "4.3.0" : "5.6.0",
                                        "%.*s", STR_ARG(r->why));
    return true;
}

bool errand_answer_parse(struct str in, struct arena *arena,
                         struct errand_answer *out)
{
    struct reading reading = { 0 };
    struct field field;

    *out = (struct errand_answer){ 0 };
    while (field_next(&in, &field))
        if (!take_answer(&field, arena, &reading, out))
            return false;
    return in.n == 0 && status_from(&reading, &out->status);
}
