/* SPDX-License-Identifier: Apache-2.0 */
#include "role/sealer/wire.h"

#include "seal/errand_frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_open(struct wire *w, int fd)
{
    *w = (struct wire){ .fd = fd };
}

void wire_close(struct wire *w)
{
    buf_wipe(&w->in);
    buf_wipe(&w->out);
    close(w->fd);
    w->fd = -1;
}

static bool wait_for(struct wire *w, short what)
{
    struct pollfd p = { w->fd, what, 0 };
    int n;

    do
        n = poll(&p, 1, WIRE_WAIT_MS);
    while (n < 0 && errno == EINTR);
    w->broken |= n != 1;
    return !w->broken;
}

/* --- in ------------------------------------------------------------------- */

static bool receive_some(struct wire *w)
{
    char *room = buf_room(&w->in, ERRAND_PIECE_MAX);
    ssize_t n;

    if (!wait_for(w, POLLIN))
        return false;
    n = recv(w->fd, room, ERRAND_PIECE_MAX, 0);
    if (n > 0)
        w->in.n += (size_t)n;
    w->broken |= n <= 0;
    return !w->broken;
}

/* The next frame; it stays at the front of in until the one after. */
static bool next_frame(struct wire *w, enum errand_frame *type,
                       struct str *content)
{
    buf_drop(&w->in, w->used);
    w->used = 0;
    for (;;) {
        switch (errand_frame_read(buf_str(&w->in), type, content, &w->used)) {
        case FRAME_WHOLE:
            return true;
        case FRAME_BAD:
            w->broken = true;
            return false;
        case FRAME_MORE:
            if (!receive_some(w))
                return false;
        }
    }
}

bool wire_request(struct wire *w, struct arena *arena, struct errand *out)
{
    enum errand_frame type;
    struct str content;

    if (!next_frame(w, &type, &content))
        return false;
    if (type == FRAME_REQUEST && errand_parse(content, arena, out))
        return true;
    w->broken = true;
    return false;
}

static bool next_piece(struct wire *w)
{
    enum errand_frame type;

    while (w->piece.n == 0 && !w->ended) {
        if (!next_frame(w, &type, &w->piece))
            return false;
        w->ended = type == FRAME_END;
        if (type != FRAME_PIECE && type != FRAME_END) {
            w->broken = true;
            return false;
        }
    }
    return true;
}

static ssize_t read_piece(void *context, void *to, size_t n)
{
    struct wire *w = context;

    if (w->broken || !next_piece(w))
        return -1;
    struct str part = str_first(w->piece, n);
    if (part.n > 0)
        memcpy(to, part.p, part.n);
    w->piece = str_from(w->piece, part.n);
    return (ssize_t)part.n;
}

struct seal_source wire_source(struct wire *w)
{
    return (struct seal_source){ read_piece, w };
}

bool wire_read_all(struct wire *w, size_t max, struct buf *out)
{
    while (!w->broken && next_piece(w) && w->piece.n > 0) {
        if (w->piece.n > max - out->n)
            return false;
        buf_add(out, w->piece);
        w->piece = STR("");
    }
    return !w->broken;
}

/* --- out ------------------------------------------------------------------ */

static bool send_all(struct wire *w)
{
    size_t sent = 0;

    while (!w->broken && sent < w->out.n) {
        ssize_t n;

        if (!wait_for(w, POLLOUT))
            break;
        n = send(w->fd, w->out.p + sent, w->out.n - sent,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            sent += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            w->broken = true;
    }
    buf_clear(&w->out);
    return !w->broken;
}

/* Small writes of an engine are gathered into pieces of a good size. */
enum { PIECE_HEAD = 4, PIECE_GOOD = 32768 };

static void begin_piece(struct wire *w)
{
    if (w->out.n == 0)
        errand_frame_add(&w->out, FRAME_PIECE, STR(""));
}

static bool end_piece(struct wire *w)
{
    size_t n = w->out.n - PIECE_HEAD;

    w->out.p[1] = (char)(n >> 16 & 0xff);
    w->out.p[2] = (char)(n >> 8 & 0xff);
    w->out.p[3] = (char)(n & 0xff);
    return send_all(w);
}

static bool write_piece(void *context, const void *from, size_t n)
{
    struct wire *w = context;
    struct str rest = str_of(from, n);

    while (rest.n > 0 && !w->broken) {
        begin_piece(w);
        struct str part = str_first(rest, PIECE_GOOD - (w->out.n - PIECE_HEAD));
        buf_add(&w->out, part);
        rest = str_from(rest, part.n);
        if (w->out.n - PIECE_HEAD == PIECE_GOOD)
            end_piece(w);
    }
    return !w->broken;
}

struct seal_sink wire_sink(struct wire *w)
{
    return (struct seal_sink){ write_piece, w };
}

void wire_answer(struct wire *w, const struct errand_answer *answer)
{
    struct buf text = { 0 };

    if (w->out.n > 0)
        end_piece(w);
    errand_answer_write(answer, &text);
    errand_frame_add(&w->out, FRAME_ANSWER, buf_str(&text));
    send_all(w);
    buf_wipe(&text);
}
