/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/copy.h"

#include "store/queue.h"

void copy_begin(struct dispatch *dispatch, struct arena *arena,
                struct body_copy *c)
{
    *c = (struct body_copy){ .dispatch = dispatch,
                             .arena = arena,
                             .body_id = id_new() };
    c->context = arena_printf(arena, "body:%s", c->body_id.text);
    rest_key_new(&c->key);
}

static struct status flush_work(struct tx *tx, void *argument)
{
    struct body_copy *c = argument;
    struct str list[COPY_PENDING_MAX];

    for (uint32_t i = 0; i < c->pending; i++)
        list[i] = buf_str(&c->frames[i]);
    return queue_body_append(tx, &c->body_id, c->index - c->pending, list,
                             c->pending);
}

/* The commit that claims makes these durable too. */
static struct status flush(struct body_copy *c)
{
    struct status st = store_commit_soft(c->dispatch->store, flush_work, c);

    for (uint32_t i = 0; i < c->pending; i++)
        buf_clear(&c->frames[i]);
    c->pending = 0;
    return st;
}

static struct status seal_one(struct body_copy *c, size_t n, bool last)
{
    struct status st = status_ok();

    if (c->pending == COPY_PENDING_MAX)
        st = flush(c);
    if (!status_is_ok(st))
        return st;
    rest_seal_frame(&c->key, c->context, c->index++, last,
                    str_first(buf_str(&c->plain), n), &c->frames[c->pending]);
    c->pending++;
    buf_drop(&c->plain, n);
    return st;
}

/* A full frame is sealed only when more follows: the last one is marked. */
struct status copy_take(void *context, struct str piece)
{
    struct body_copy *c = context;
    struct status st = status_ok();

    c->octets += piece.n;
    while (piece.n > 0 && status_is_ok(st)) {
        size_t n = REST_FRAME_PLAIN - c->plain.n;

        if (n == 0) {
            st = seal_one(c, REST_FRAME_PLAIN, false);
            continue;
        }
        buf_add(&c->plain, str_first(piece, n));
        piece = str_from(piece, n);
    }
    return st;
}

struct status copy_end(struct body_copy *c, struct rest_public *to)
{
    struct buf wrapped = { 0 };
    struct status st = seal_one(c, c->plain.n, true);

    if (!status_is_ok(st))
        return st;
    c->first = c->index - c->pending;
    c->last_n = c->pending;
    c->last = arena_array(c->arena, c->pending, sizeof(struct str));
    for (uint32_t i = 0; i < c->pending; i++)
        c->last[i] = str_keep(c->arena, buf_str(&c->frames[i]));
    rest_wrap(to, c->context, &c->key, &wrapped);
    c->body_key = str_keep(c->arena, buf_str(&wrapped));
    buf_free(&wrapped);
    return st;
}

struct status copy_store_last(struct tx *tx, const struct body_copy *c)
{
    return queue_body_append(tx, &c->body_id, c->first, c->last, c->last_n);
}

void copy_close(struct body_copy *c)
{
    rest_key_wipe(&c->key);
    buf_wipe(&c->plain);
    for (size_t i = 0; i < COPY_PENDING_MAX; i++)
        buf_free(&c->frames[i]);
}
