/* SPDX-License-Identifier: Apache-2.0 */
#include "role/portal/letter.h"

#include "base/metrics.h"
#include "store/queue.h"

struct letter {
    struct portal *portal;
    struct id body_id;
    uint32_t chunks;
    struct str context;
    struct rest_key key;
};

static struct status open_frame(const struct letter *l, uint32_t index,
                                struct buf *plain)
{
    struct arena arena = { 0 };
    struct rx *rx = store_read(l->portal->store);
    struct str frame;
    struct status st = queue_body_frame(rx, &l->body_id, index, &arena, &frame);

    store_read_done(l->portal->store, &rx);
    if (status_is_ok(st))
        st = rest_open_frame(&l->key, l->context, index, index + 1 == l->chunks,
                             frame, plain);
    arena_free(&arena);
    return st;
}

static bool write_letter(struct http_exchange *x)
{
    struct letter *l = x->answer.write_context;
    struct buf plain = { 0 };
    uint64_t left = x->answer.length;
    struct status st = status_ok();
    bool sent = true;

    for (uint32_t i = 0; i < l->chunks && sent && status_is_ok(st); i++) {
        buf_clear(&plain);
        st = open_frame(l, i, &plain);
        sent = status_is_ok(st) && plain.n <= left &&
               http_send(x, buf_str(&plain));
        left -= sent ? plain.n : 0;
    }
    if (!status_is_ok(st))
        log_event(LOG_ERROR, "portal.damaged",
                  LOG_STR("body", id_str(&l->body_id)),
                  LOG_CSTR("why", st.why));
    buf_wipe(&plain);
    rest_key_wipe(&l->key);
    if (sent && left == 0)
        metric_add(METRIC_PICKUPS_READ, 1);
    return sent && left == 0;
}

void letter_answer(struct visit *v, bool to_file)
{
    struct letter *l = ARENA_NEW(v->arena, struct letter);
    struct http_answer *a = &v->x->answer;
    struct status st;

    l->portal = v->portal;
    l->body_id = v->pickup.body_id;
    l->chunks = v->pickup.body_chunks;
    l->context = arena_printf(v->arena, "body:%s", v->pickup.body_id.text);
    st = rest_unwrap(v->portal->own, l->context, v->pickup.body_key, &l->key);
    if (!status_is_ok(st)) {
        log_event(LOG_ERROR, "portal.damaged",
                  LOG_STR("pickup", id_str(&v->pickup.id)),
                  LOG_CSTR("why", st.why));
        http_answer_text(v->x, 500, STR("The message cannot be opened."));
        return;
    }
    a->status = 200;
    a->type = to_file ? STR("message/rfc822") : STR("application/octet-stream");
    a->policy = STR("default-src 'none'; frame-ancestors 'none'; sandbox");
    buf_add_cstr(&a->fields, "Content-Disposition: attachment; "
                             "filename=\"message.eml\"\r\n");
    a->length = v->pickup.size_bytes;
    a->write = write_letter;
    a->write_context = l;
    /* Without a body nobody else wipes it. */
    if (v->x->request->method == HTTP_HEAD)
        rest_key_wipe(&l->key);
}
