/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/body.h"

#include "role/dispatch/edit.h"
#include "role/dispatch/signing.h"
#include "smtp/data.h"
#include "store/queue.h"

#include <string.h>

enum { HEADER_FRAMES_MAX = 32 }; /* 2 MiB of header is nobody's mail */

/* --- frames ------------------------------------------------------------- */

static struct status open_sealed(struct body *b, uint32_t index,
                                 struct str sealed, struct buf *out)
{
    bool last = index + 1 == b->message->body_chunks;
    struct status st =
        rest_open_frame(&b->key, b->context, index, last, sealed, out);

    return status_is_ok(st) ? st
                            : status_make(554, "5.3.0",
                                          "the stored message is damaged "
                                          "(frame %u)",
                                          index);
}

static struct status open_stored(struct body *b, uint32_t index,
                                 struct buf *out)
{
    struct arena scratch = { 0 };
    struct rx *rx = store_read(b->dispatch->store);
    struct str sealed;
    struct status st =
        queue_body_frame(rx, &b->message->body_id, index, &scratch, &sealed);

    store_read_done(b->dispatch->store, &rx);
    if (status_is_ok(st))
        st = open_sealed(b, index, sealed, out);
    arena_free(&scratch);
    return st;
}

/* --- opening -------------------------------------------------------------- */

/* Finds the empty line in head; false when there is none yet. */
static bool find_end_of_header(struct body *b)
{
    struct str head = buf_str(&b->head);
    size_t at =
        str_starts(head, STR("\r\n")) ? 0 : str_find(head, STR("\r\n\r\n"));

    if (at == head.n)
        return false;
    b->header_n = at == 0 ? 0 : at + 2;
    b->text_at = b->header_n + 2;
    return true;
}

static struct status read_header(struct body *b, struct str first_frame)
{
    struct status st = status_ok();

    if (first_frame.n > 0)
        st = open_sealed(b, b->next_frame++, first_frame, &b->head);
    while (status_is_ok(st) && !find_end_of_header(b)) {
        if (b->next_frame == b->message->body_chunks) {
            /* A header and nothing else. */
            b->header_n = b->text_at = b->head.n;
            return st;
        }
        if (b->next_frame == HEADER_FRAMES_MAX)
            return status_make(554, "5.6.0", "the header has no end");
        st = open_stored(b, b->next_frame, &b->head);
        b->next_frame++;
    }
    return st;
}

struct status body_open(struct dispatch *d, const struct message *m,
                        struct str first_frame, struct arena *arena,
                        struct body *out)
{
    struct status st;

    *out = (struct body){ .dispatch = d, .message = m, .arena = arena };
    out->context = arena_printf(arena, "body:%s", m->body_id.text);
    st = rest_unwrap(d->key, out->context, m->body_key, &out->key);
    if (!status_is_ok(st))
        return status_make(554, "5.3.0", "the message's key cannot be opened");
    return read_header(out, first_frame);
}

void body_close(struct body *b)
{
    rest_key_wipe(&b->key);
    buf_wipe(&b->head);
    buf_wipe(&b->frame);
    buf_wipe(&b->edited);
    buf_wipe(&b->header_sent);
}

struct str body_header(const struct body *b)
{
    return str_first(buf_str(&b->head), b->header_n);
}

/* --- what is sent -----------------------------------------------------------
 */

struct str body_edited_header(const struct body *b)
{
    return buf_str(&b->edited);
}

void body_edit(struct body *b, struct str marker)
{
    if (b->is_edited && str_eq(marker, b->marker))
        return;
    buf_clear(&b->edited);
    edit_header(body_header(b), marker, &b->edited);
    b->marker = marker;
    b->is_edited = true;
    b->is_signed = false;
}

struct status body_sign(struct body *b)
{
    struct status st = status_ok();

    if (b->is_signed)
        return st;
    buf_clear(&b->header_sent);
    st = signing_add(b->dispatch->signer, b, &b->header_sent);
    if (!status_is_ok(st))
        return st;
    buf_add(&b->header_sent, buf_str(&b->edited));
    buf_add_cstr(&b->header_sent, "\r\n");
    b->is_signed = true;
    return st;
}

uint64_t body_size(const struct body *b)
{
    uint64_t all = b->message->size_bytes;

    return b->header_sent.n + (all > b->text_at ? all - b->text_at : 0);
}

struct status body_text(struct body *b,
                        struct status (*take)(void *context, struct str piece),
                        void *context)
{
    struct status st = take(context, str_from(buf_str(&b->head), b->text_at));

    for (uint32_t i = b->next_frame;
         i < b->message->body_chunks && status_is_ok(st); i++) {
        buf_clear(&b->frame);
        st = open_stored(b, i, &b->frame);
        if (status_is_ok(st))
            st = take(context, buf_str(&b->frame));
    }
    return st;
}

void body_reader_open(struct body *body, struct body_reader *out)
{
    *out = (struct body_reader){ .body = body,
                                 .next_frame = body->next_frame,
                                 .status = status_ok() };
    buf_add(&out->piece, buf_str(&body->edited));
    buf_add_cstr(&out->piece, "\r\n");
}

/* The next piece of the text; false at the end and when it cannot be read. */
static bool read_next(struct body_reader *r)
{
    struct body *b = r->body;

    buf_clear(&r->piece);
    r->used = 0;
    if (r->stage++ == 0) {
        buf_add(&r->piece, str_from(buf_str(&b->head), b->text_at));
        return true;
    }
    if (r->next_frame == b->message->body_chunks)
        return false;
    r->status = open_stored(b, r->next_frame++, &r->piece);
    return status_is_ok(r->status);
}

ssize_t body_reader_read(void *context, void *to, size_t n)
{
    struct body_reader *r = context;
    struct str part = str_first(str_from(buf_str(&r->piece), r->used), n);

    while (part.n == 0) {
        if (!read_next(r))
            return status_is_ok(r->status) ? 0 : -1;
        part = str_first(buf_str(&r->piece), n);
    }
    memcpy(to, part.p, part.n);
    r->used += part.n;
    return (ssize_t)part.n;
}

void body_reader_close(struct body_reader *r)
{
    buf_wipe(&r->piece);
}

struct writing {
    struct stream *out;
    struct smtp_dots dots;
    struct buf doubled;
};

static struct status write_piece(void *context, struct str piece)
{
    struct writing *w = context;

    buf_clear(&w->doubled);
    smtp_dots_add(&w->dots, piece, &w->doubled);
    if (stream_write(w->out, buf_str(&w->doubled)) != STREAM_OK)
        return status_make(451, "4.4.2", "connection lost while sending: %s",
                           stream_fault(w->out));
    return status_ok();
}

struct status body_write(void *context, struct stream *out)
{
    struct body *b = context;
    struct writing w = { .out = out };
    struct status st;

    smtp_dots_begin(&w.dots);
    st = write_piece(&w, buf_str(&b->header_sent));
    if (status_is_ok(st))
        st = body_text(b, write_piece, &w);
    if (status_is_ok(st)) {
        buf_clear(&w.doubled);
        smtp_dots_end(&w.dots, &w.doubled);
        stream_write(out, buf_str(&w.doubled));
    }
    buf_wipe(&w.doubled);
    return st;
}
