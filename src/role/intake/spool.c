/* SPDX-License-Identifier: Apache-2.0 */
#include "role/intake/spool.h"

#include "store/queue.h"

#include <stdio.h>
#include <string.h>

void spool_begin(struct spool *sp, struct store *store, uint64_t max_bytes)
{
    memset(sp, 0, sizeof(*sp));
    sp->store = store;
    sp->max_bytes = max_bytes;
    sp->body_id = id_new();
    sp->fault = status_ok();
    rest_key_new(&sp->key);
}

struct str spool_context(const struct spool *sp, char out[64])
{
    int n = snprintf(out, 64, "body:%s", sp->body_id.text);

    return str_of(out, (size_t)n);
}

static struct status append_kept(struct tx *tx, void *argument)
{
    return spool_append_rest(argument, tx);
}

struct status spool_append_rest(struct spool *sp, struct tx *tx)
{
    struct str frames[SPOOL_KEPT_FRAMES];

    for (uint32_t i = 0; i < sp->kept; i++)
        frames[i] = buf_str(&sp->sealed[i]);
    return queue_body_append(tx, &sp->body_id, sp->written, frames, sp->kept);
}

/* The fsync of the accepting commit covers these frames too, hence soft. */
static void write_ahead(struct spool *sp)
{
    if (status_is_ok(sp->fault))
        sp->fault = store_commit_soft(sp->store, append_kept, sp);
    for (uint32_t i = 0; i < sp->kept; i++)
        buf_clear(&sp->sealed[i]);
    sp->written += sp->kept;
    sp->kept = 0;
}

static void seal_frame(struct spool *sp, bool last)
{
    char context[64];

    if (sp->kept == SPOOL_KEPT_FRAMES)
        write_ahead(sp);
    rest_seal_frame(&sp->key, spool_context(sp, context),
                    sp->written + sp->kept, last, buf_str(&sp->plain),
                    &sp->sealed[sp->kept]);
    sp->kept++;
    buf_clear(&sp->plain);
}

static void fill(struct spool *sp, struct str octets)
{
    while (octets.n > 0) {
        size_t room;

        /* A full frame is sealed only when more comes: the last one must be
         * marked as such. */
        if (sp->plain.n == REST_FRAME_PLAIN)
            seal_frame(sp, false);
        room = REST_FRAME_PLAIN - sp->plain.n;
        buf_add(&sp->plain, str_first(octets, room));
        octets = str_from(octets, room);
    }
}

void spool_prepend(struct spool *sp, struct str field)
{
    fill(sp, field);
}

/* Where the header block ends in b, looking from the position before which it
 * was searched already; b->n when it does not end yet. */
static size_t header_end(const struct buf *b, size_t searched)
{
    size_t from = searched > 3 ? searched - 3 : 0;
    size_t at;

    if (b->n >= 2 && memcmp(b->p, "\r\n", 2) == 0)
        return 2;
    at = str_find(str_from(buf_str(b), from), STR("\r\n\r\n"));
    return from + at + 4 <= b->n ? from + at + 4 : b->n + 1;
}

static void collect_header(struct spool *sp, struct str octets)
{
    size_t before = sp->header.n, end;

    if (sp->header_done)
        return;
    buf_add(&sp->header, str_first(octets, SPOOL_HEADER_MAX + 4 - before));
    end = header_end(&sp->header, before);
    if (end <= sp->header.n) {
        sp->header.n = end;
        sp->header_done = true;
    } else if (sp->header.n > SPOOL_HEADER_MAX) {
        sp->header_too_long = true;
        sp->header_done = true;
    }
}

void spool_add(struct spool *sp, struct str octets)
{
    sp->size_bytes += octets.n;
    if (sp->size_bytes > sp->max_bytes)
        sp->too_big = true;
    if (sp->too_big || sp->header_too_long)
        return;
    collect_header(sp, octets);
    fill(sp, octets);
}

struct status spool_finish(struct spool *sp)
{
    if (sp->too_big)
        return status_make(552, "5.3.4",
                           "message is larger than the limit of %llu octets",
                           (unsigned long long)sp->max_bytes);
    if (sp->header_too_long)
        return status_make(554, "5.6.0", "header is longer than %d octets",
                           (int)SPOOL_HEADER_MAX);
    if (sp->has_nul)
        return status_make(554, "5.6.0", "message contains a NUL octet");
    seal_frame(sp, true);
    return sp->fault;
}

uint32_t spool_frames(const struct spool *sp)
{
    return sp->written + sp->kept;
}

void spool_free(struct spool *sp)
{
    rest_key_wipe(&sp->key);
    buf_wipe(&sp->incoming);
    buf_wipe(&sp->plain);
    buf_wipe(&sp->header);
    for (size_t i = 0; i < SPOOL_KEPT_FRAMES; i++)
        buf_free(&sp->sealed[i]);
}
