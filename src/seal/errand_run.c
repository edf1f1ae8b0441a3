/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "seal/errand.h"
#include "seal/errand_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct run {
    int fd, stop_fd;
    int64_t end_mono_ms;
    const struct seal_source *source;
    const struct seal_sink *sink;
    struct arena *arena;
    struct errand_answer *answer;
    struct buf out, in;
    bool all_sent, done;
    struct status fault; /* OK while all is well */
};

static void fail(struct run *r, const char *why)
{
    if (status_is_ok(r->fault))
        r->fault = status_defer("the sealer %s", why);
}

/* --- towards the sealer -----------------------------------------------------
 */

static void next_piece(struct run *r)
{
    char piece[ERRAND_PIECE_MAX];
    ssize_t n = 0;

    if (r->source != NULL)
        n = r->source->read(r->source->context, piece, sizeof(piece));
    if (n < 0) {
        r->fault = status_defer("the message cannot be read");
        return;
    }
    if (n > 0) {
        errand_frame_add(&r->out, FRAME_PIECE, str_of(piece, (size_t)n));
    } else {
        errand_frame_add(&r->out, FRAME_END, STR(""));
        r->all_sent = true;
    }
    explicit_bzero(piece, sizeof(piece));
}

static void send_some(struct run *r)
{
    if (r->out.n == 0 && !r->all_sent)
        next_piece(r);
    if (r->out.n == 0 || !status_is_ok(r->fault))
        return;
    ssize_t n = send(r->fd, r->out.p, r->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        buf_drop(&r->out, (size_t)n);
    /* What it had to say before it hung up is read first. */
    else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        buf_clear(&r->out);
        r->all_sent = true;
    }
}

/* --- from the sealer --------------------------------------------------------
 */

static void take_frame(struct run *r, enum errand_frame type,
                       struct str content)
{
    if (type == FRAME_PIECE && r->sink != NULL) {
        if (!r->sink->write(r->sink->context, content.p, content.n))
            r->fault = status_defer("the sealed message cannot be kept");
        return;
    }
    if (type != FRAME_ANSWER ||
        !errand_answer_parse(content, r->arena, r->answer)) {
        fail(r, "answered nonsense");
        return;
    }
    r->done = true;
}

static void take_frames(struct run *r)
{
    enum errand_frame_seen seen = FRAME_WHOLE;
    size_t used = 0, n;

    while (!r->done && status_is_ok(r->fault)) {
        enum errand_frame type;
        struct str content;

        seen = errand_frame_read(str_from(buf_str(&r->in), used), &type,
                                 &content, &n);
        if (seen != FRAME_WHOLE)
            break;
        take_frame(r, type, content);
        used += n;
    }
    if (seen == FRAME_BAD)
        fail(r, "answered nonsense");
    buf_drop(&r->in, used);
}

static void receive_some(struct run *r)
{
    char *room = buf_room(&r->in, ERRAND_PIECE_MAX);
    ssize_t n = recv(r->fd, room, ERRAND_PIECE_MAX, MSG_DONTWAIT);

    if (n > 0) {
        r->in.n += (size_t)n;
        take_frames(r);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        fail(r, "ended before it had answered");
    }
}

/* --- the loop ---------------------------------------------------------------
 */

static void step(struct run *r)
{
    struct pollfd fds[2] = { { r->fd, POLLIN, 0 }, { r->stop_fd, POLLIN, 0 } };
    int64_t left = r->end_mono_ms - clock_mono_ms();

    if (left <= 0) {
        fail(r, "did not answer in time");
        return;
    }
    if (r->out.n > 0 || !r->all_sent)
        fds[0].events |= POLLOUT;
    if (poll(fds, r->stop_fd < 0 ? 1 : 2, left > 60000 ? 60000 : (int)left) < 0)
        return;
    if (r->stop_fd >= 0 && fds[1].revents != 0) {
        r->fault = status_make(451, "4.3.2", "the gateway is going down");
        return;
    }
    if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
        receive_some(r);
    if (!r->done && status_is_ok(r->fault) && (fds[0].revents & POLLOUT))
        send_some(r);
}

struct status errand_run(int fd, const struct errand *errand,
                         const struct seal_source *source,
                         const struct seal_sink *sink, int64_t timeout_ms,
                         int stop_fd, struct arena *arena,
                         struct errand_answer *out)
{
    struct run r = { .fd = fd,
                     .stop_fd = stop_fd,
                     .end_mono_ms = clock_mono_ms() + timeout_ms,
                     .source = source,
                     .sink = sink,
                     .arena = arena,
                     .answer = out,
                     .fault = status_ok() };
    struct buf request = { 0 };

    *out = (struct errand_answer){ 0 };
    errand_write(errand, &request);
    errand_frame_add(&r.out, FRAME_REQUEST, buf_str(&request));
    buf_wipe(&request);
    while (!r.done && status_is_ok(r.fault))
        step(&r);
    buf_wipe(&r.out);
    buf_wipe(&r.in);
    return status_is_ok(r.fault) ? out->status : r.fault;
}

/* --- over a channel ---------------------------------------------------------
 */

/* Waits at most until the deadline for room: a sealer that is gone takes
 * nothing. */
static bool hand_over(int channel, int fd, int64_t timeout_ms)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    char octet = '!';
    struct iovec iov = { &octet, 1 };
    struct msghdr m = { .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = control.room,
                        .msg_controllen = sizeof(control.room) };
    struct pollfd p = { channel, POLLOUT, 0 };

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    return poll(&p, 1, (int)timeout_ms) == 1 &&
           sendmsg(channel, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

struct status errand_ask(int channel, const struct errand *errand,
                         const struct seal_source *source,
                         const struct seal_sink *sink, int64_t timeout_ms,
                         int stop_fd, struct arena *arena,
                         struct errand_answer *out)
{
    struct status st = status_defer("the sealer cannot be reached");
    int ends[2];

    *out = (struct errand_answer){ 0 };
    if (channel < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return st;
    bool taken = hand_over(channel, ends[1], timeout_ms);
    close(ends[1]);
    if (taken)
        st = errand_run(ends[0], errand, source, sink, timeout_ms, stop_fd,
                        arena, out);
    close(ends[0]);
    return st;
}
