/* SPDX-License-Identifier: Apache-2.0 */
#include "role/sealer/own.h"

#include "base/fields.h"

enum { TAG_KEY = 1, TAG_FRAME };

struct status own_key_wrap(const struct reader_tools *tools,
                           struct str fingerprint, struct str secret,
                           struct arena *arena, struct str *out)
{
    struct buf part = { 0 }, all = { 0 };
    struct str context =
        arena_printf(arena, "own-key:%.*s", STR_ARG(fingerprint));
    struct rest_key key;

    if (tools->sealed == NULL)
        return status_refuse("the sealer's key file cannot be read: run this "
                             "as the user that owns the data");
    if (secret.n > REST_FRAME_PLAIN)
        return status_refuse("the private key is too large");
    rest_key_new(&key);
    rest_wrap(tools->sealed, context, &key, &part);
    field_add(&all, TAG_KEY, buf_str(&part));
    buf_clear(&part);
    rest_seal_frame(&key, context, 0, true, secret, &part);
    field_add(&all, TAG_FRAME, buf_str(&part));
    *out = str_keep(arena, buf_str(&all));
    rest_key_wipe(&key);
    buf_free(&part);
    buf_free(&all);
    return status_ok();
}

static bool two_fields(struct str wrapped, struct str *key, struct str *frame)
{
    struct field a, b;

    if (!field_next(&wrapped, &a) || !field_next(&wrapped, &b) ||
        wrapped.n > 0 || a.tag != TAG_KEY || b.tag != TAG_FRAME)
        return false;
    *key = a.value;
    *frame = b.value;
    return true;
}

struct status own_key_open(const struct reader_tools *tools, struct str context,
                           struct str wrapped, struct buf *out)
{
    struct str key_part, frame;
    struct rest_key key;
    struct status st;

    if (tools->key == NULL)
        return status_defer("the sealer's key file cannot be read");
    if (!two_fields(wrapped, &key_part, &frame))
        return status_defer("the organisation's key is stored damaged");
    st = rest_unwrap(tools->key, context, key_part, &key);
    if (!status_is_ok(st))
        return status_defer("the organisation's key cannot be opened");
    st = rest_open_frame(&key, context, 0, true, frame, out);
    rest_key_wipe(&key);
    return status_is_ok(st)
               ? st
               : status_defer("the organisation's key is stored damaged");
}
