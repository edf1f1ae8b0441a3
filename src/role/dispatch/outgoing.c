/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/outgoing.h"

#include "base/clock.h"

static struct str domain_of(struct str address, struct arena *arena)
{
    size_t at = address.n;

    while (at > 0 && address.p[at - 1] != '@')
        at--;
    struct str domain = str_keep(arena, str_from(address, at));
    for (size_t i = 0; i < domain.n; i++)
        ((char *)(uintptr_t)domain.p)[i] = ascii_lower(domain.p[i]);
    return domain;
}

static void seal(struct dispatch *d, struct str text, struct arena *arena,
                 struct outgoing *out)
{
    struct rest_key key;
    struct buf sealed = { 0 };
    struct str context =
        arena_printf(arena, "body:%s", out->message.body_id.text);
    size_t n =
        text.n == 0 ? 1 : (text.n + REST_FRAME_PLAIN - 1) / REST_FRAME_PLAIN;

    rest_key_new(&key);
    out->frames = arena_array(arena, n, sizeof(struct str));
    out->frames_n = n;
    for (size_t i = 0; i < n; i++) {
        struct str piece =
            str_first(str_from(text, i * REST_FRAME_PLAIN), REST_FRAME_PLAIN);

        buf_clear(&sealed);
        rest_seal_frame(&key, context, (uint32_t)i, i + 1 == n, piece, &sealed);
        out->frames[i] = str_keep(arena, buf_str(&sealed));
    }
    buf_clear(&sealed);
    rest_wrap(d->own_public, context, &key, &sealed);
    out->message.body_key = str_keep(arena, buf_str(&sealed));
    out->message.body_chunks = (uint32_t)n;
    buf_free(&sealed);
    rest_key_wipe(&key);
}

struct outgoing *outgoing_make(struct dispatch *d,
                               const struct outgoing_text *text,
                               struct arena *arena)
{
    struct outgoing *out = ARENA_NEW(arena, struct outgoing);
    int64_t now = clock_wall_ms();

    out->message = (struct message){
        .id = id_new(),
        .kind = text->kind,
        .received_wall_ms = now,
        .from = str_keep(arena, text->from),
        .size_bytes = text->text.n,
        .protocol = STR("local"),
        .smtputf8 = text->smtputf8,
        .body_id = id_new(),
        .parent = str_keep(arena, id_str(&text->about)),
    };
    seal(d, text->text, arena, out);
    out->delivery = (struct delivery){
        .id = id_new(),
        .message_id = out->message.id,
        .recipient = str_keep(arena, text->to),
        .domain = domain_of(text->to, arena),
        .notify = NOTIFY_NEVER,
        .state = DELIVERY_QUEUED,
        .next_wall_ms = now,
    };
    return out;
}

struct status outgoing_queue(struct tx *tx, const struct outgoing *out)
{
    struct status st = queue_body_append(tx, &out->message.body_id, 0,
                                         out->frames, out->frames_n);

    if (!status_is_ok(st))
        return st;
    return queue_accept(tx, &out->message, &out->delivery, 1);
}
