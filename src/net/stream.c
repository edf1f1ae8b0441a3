/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/panic.h"
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 16384, WRITE_BYTES = 16384 };

struct stream {
    int fd;
    int stop_fd; /* -1: none */
    SSL *ssl;
    int64_t deadline_mono_ms;
    int64_t each_ms;
    struct buf in; /* read, not yet used: in.p[used..n] */
    size_t used;
    struct buf out; /* written, not yet sent */
    bool broken, closed;
    bool skip_line; /* the rest of a line that was too long */
    char peer[INET6_ADDRSTRLEN];
    uint16_t port;
    char fault[160];
    bool fault_is_lasting; /* the peer's TLS settings, not the moment */
};

static void set_fault(struct stream *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(s->fault, sizeof(s->fault), format, args);
    va_end(args);
    s->broken = true;
}

static void note_peer(struct stream *s)
{
    struct sockaddr_storage a = { 0 };
    socklen_t n = sizeof(a);

    snprintf(s->peer, sizeof(s->peer), "unknown");
    if (getpeername(s->fd, (struct sockaddr *)&a, &n) != 0)
        return;
    if (a.ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)&a;

        inet_ntop(AF_INET, &four->sin_addr, s->peer, sizeof(s->peer));
        s->port = ntohs(four->sin_port);
    } else if (a.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a;

        inet_ntop(AF_INET6, &six->sin6_addr, s->peer, sizeof(s->peer));
        s->port = ntohs(six->sin6_port);
    }
}

struct stream *stream_from_fd(int fd)
{
    struct stream *s = calloc(1, sizeof(*s));
    int one = 1;

    if (s == NULL)
        panic("out of memory");
    s->fd = fd;
    s->stop_fd = -1;
    s->each_ms = INT64_MAX;
    s->deadline_mono_ms = INT64_MAX;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    note_peer(s);
    return s;
}

static struct status connect_fault(const struct stream *s, int error)
{
    return status_make(451, "4.4.1", "%s port %u: %s", s->peer, s->port,
                       error == ETIMEDOUT ? "connection timed out"
                                          : strerror(error));
}

static void name_target(struct stream *s, const struct sockaddr_storage *to)
{
    const struct sockaddr_in *four = (const void *)to;
    const struct sockaddr_in6 *six = (const void *)to;

    if (to->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &six->sin6_addr, s->peer, sizeof(s->peer));
        s->port = ntohs(six->sin6_port);
    } else {
        inet_ntop(AF_INET, &four->sin_addr, s->peer, sizeof(s->peer));
        s->port = ntohs(four->sin_port);
    }
}

static int connect_within(int fd, const struct sockaddr_storage *to,
                          int64_t timeout_ms, int stop_fd)
{
    struct pollfd p[2] = { { fd, POLLOUT, 0 },
                           { stop_fd > 0 ? stop_fd : -1, POLLIN, 0 } };
    socklen_t to_n = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                               : sizeof(struct sockaddr_in);
    int error = 0, got;
    socklen_t n = sizeof(error);

    if (connect(fd, (const struct sockaddr *)to, to_n) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    if (timeout_ms < 0)
        timeout_ms = 0; /* below zero poll would wait for ever */
    while ((got = poll(p, 2, timeout_ms > 600000 ? 600000 : (int)timeout_ms)) <
           0)
        if (errno != EINTR)
            return errno;
    if (got == 0)
        return ETIMEDOUT;
    if (p[0].revents == 0)
        return ECANCELED;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        return errno;
    return error;
}

struct status stream_connect(const struct sockaddr_storage *to,
                             int64_t timeout_ms, int stop_fd,
                             struct stream **out)
{
    int fd =
        socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct status st = status_ok();
    struct stream *s;
    int error;

    *out = NULL;
    if (fd < 0)
        return status_make(451, "4.4.1", "no socket: %s", strerror(errno));
    error = connect_within(fd, to, timeout_ms, stop_fd);
    s = stream_from_fd(fd);
    s->stop_fd = stop_fd > 0 ? stop_fd : -1;
    name_target(s, to);
    if (error != 0) {
        st = connect_fault(s, error);
        stream_free(&s);
        errno = error;
    }
    *out = s;
    return st;
}

void stream_free(struct stream **s)
{
    if (*s == NULL)
        return;
    SSL_free((*s)->ssl);
    if ((*s)->fd >= 0)
        close((*s)->fd);
    buf_wipe(&(*s)->in);
    buf_wipe(&(*s)->out);
    free(*s);
    *s = NULL;
}

void stream_deadline(struct stream *s, int64_t mono_ms)
{
    s->deadline_mono_ms = mono_ms;
}

void stream_stop_on(struct stream *s, int stop_fd)
{
    s->stop_fd = stop_fd > 0 ? stop_fd : -1;
}

void stream_timeout(struct stream *s, int64_t each_ms)
{
    s->each_ms = each_ms;
}

/* Milliseconds a wait may last, -1 for ever. */
static int wait_ms(const struct stream *s, int64_t limit_ms)
{
    int64_t left = limit_ms;

    if (s->deadline_mono_ms != INT64_MAX) {
        int64_t until = s->deadline_mono_ms - clock_mono_ms();

        left = until < left ? until : left;
    }
    if (left == INT64_MAX)
        return -1;
    return left < 0 ? 0 : left > 86400000 ? 86400000 : (int)left;
}

static enum stream_result wait_for(struct stream *s, short events)
{
    struct pollfd p[2] = { { s->fd, events, 0 }, { s->stop_fd, POLLIN, 0 } };

    for (;;) {
        int got = poll(p, 2, wait_ms(s, s->each_ms));

        if (got > 0 && p[0].revents != 0)
            return STREAM_OK;
        if (got > 0) {
            set_fault(s, "given up: this process ends");
            return STREAM_BROKEN;
        }
        if (got == 0)
            return STREAM_TIMEOUT;
        if (errno != EINTR) {
            set_fault(s, "poll: %s", strerror(errno));
            return STREAM_BROKEN;
        }
    }
}

/* Named when the peer named it itself; an alert alone tells nothing. */
static const char *old_version(uintptr_t offered)
{
    switch (offered) {
    case SSL3_VERSION:
        return "the other side speaks only SSL 3.0, not TLS 1.2 or newer";
    case TLS1_VERSION:
        return "the other side speaks only TLS 1.0, not TLS 1.2 or newer";
    case TLS1_1_VERSION:
        return "the other side speaks only TLS 1.1, not TLS 1.2 or newer";
    default:
        return "the other side does not speak TLS 1.2 or newer";
    }
}

/* The library's reason, in plain words where many will read it. */
static const char *tls_reason(SSL *ssl, unsigned long code, bool *lasting)
{
    int reason = ERR_GET_REASON(code);

    *lasting = ERR_GET_LIB(code) == ERR_LIB_SSL &&
               reason != SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (reason == SSL_R_UNSUPPORTED_PROTOCOL ||
        reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION ||
        reason == SSL_R_WRONG_SSL_VERSION ||
        reason == SSL_R_WRONG_VERSION_NUMBER)
        return old_version((uintptr_t)SSL_get_app_data(ssl));
    if (reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE ||
        reason == SSL_R_NO_SHARED_CIPHER)
        return "the other side accepts none of the approved cipher suites";
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return "connection ended without warning";
    return ERR_reason_error_string(code);
}

const char *stream_tls_fault(const struct stream *s, bool *lasting)
{
    *lasting = s->fault_is_lasting;
    return s->fault[0] == '\0' ? "the handshake failed" : s->fault;
}

/* After a TLS call that did not succeed: wait and try again, or give up. */
static enum stream_result tls_wait(struct stream *s, int result,
                                   const char *doing)
{
    int why = SSL_get_error(s->ssl, result);
    unsigned long code;

    if (why == SSL_ERROR_WANT_READ)
        return wait_for(s, POLLIN);
    if (why == SSL_ERROR_WANT_WRITE)
        return wait_for(s, POLLOUT);
    if (why == SSL_ERROR_ZERO_RETURN) {
        s->closed = true;
        return STREAM_CLOSED;
    }
    code = ERR_peek_error();
    set_fault(s, "TLS %s: %s", doing,
              code != 0    ? tls_reason(s->ssl, code, &s->fault_is_lasting)
              : errno != 0 ? strerror(errno)
                           : "connection ended without warning");
    ERR_clear_error();
    return STREAM_BROKEN;
}

static enum stream_result tls_read(struct stream *s, void *buf, size_t cap,
                                   size_t *got)
{
    for (;;) {
        enum stream_result r;
        int result;

        ERR_clear_error();
        errno = 0;
        result = SSL_read_ex(s->ssl, buf, cap, got);
        if (result == 1)
            return STREAM_OK;
        r = tls_wait(s, result, "read");
        if (r != STREAM_OK)
            return r;
    }
}

static enum stream_result plain_read(struct stream *s, void *buf, size_t cap,
                                     size_t *got)
{
    for (;;) {
        ssize_t n = recv(s->fd, buf, cap, 0);

        if (n > 0) {
            *got = (size_t)n;
            return STREAM_OK;
        }
        if (n == 0) {
            s->closed = true;
            return STREAM_CLOSED;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            enum stream_result r = wait_for(s, POLLIN);

            if (r != STREAM_OK)
                return r;
        } else if (errno != EINTR) {
            set_fault(s, "%s", strerror(errno));
            return STREAM_BROKEN;
        }
    }
}

static enum stream_result raw_read(struct stream *s, void *buf, size_t cap,
                                   size_t *got)
{
    if (s->broken)
        return STREAM_BROKEN;
    if (s->closed)
        return STREAM_CLOSED;
    return s->ssl != NULL ? tls_read(s, buf, cap, got)
                          : plain_read(s, buf, cap, got);
}

static struct str buffered(const struct stream *s)
{
    return str_from(buf_str(&s->in), s->used);
}

/* Reads once more behind what is buffered. Nobody waits for an answer while
 * the question is still in our buffer. */
static enum stream_result fill(struct stream *s)
{
    enum stream_result r = stream_flush(s);
    size_t got = 0;

    if (r != STREAM_OK)
        return r;
    buf_drop(&s->in, s->used);
    s->used = 0;
    r = raw_read(s, buf_room(&s->in, READ_BYTES), READ_BYTES, &got);
    s->in.n += got;
    return r;
}

enum stream_result stream_peek(struct stream *s, struct str *block)
{
    *block = buffered(s);
    if (block->n == 0) {
        enum stream_result r = fill(s);

        if (r != STREAM_OK)
            return r;
        *block = buffered(s);
    }
    return STREAM_OK;
}

void stream_consume(struct stream *s, size_t n)
{
    if (n > s->in.n - s->used)
        panic("stream_consume");
    s->used += n;
}

enum stream_result stream_read(struct stream *s, void *buf, size_t cap,
                               size_t *got)
{
    struct str have = buffered(s);

    if (have.n == 0)
        return raw_read(s, buf, cap, got);
    *got = have.n < cap ? have.n : cap;
    memcpy(buf, have.p, *got);
    s->used += *got;
    return STREAM_OK;
}

enum stream_result stream_read_all(struct stream *s, void *buf, size_t n)
{
    char *p = buf;

    while (n > 0) {
        size_t got = 0;
        enum stream_result r = stream_read(s, p, n, &got);

        if (r != STREAM_OK)
            return r;
        p += got;
        n -= got;
    }
    return STREAM_OK;
}

/* Where the first line of in ends (behind its LF); 0 when it does not yet. */
static size_t line_length(struct str in, bool *bad)
{
    size_t lf = str_find_char(in, '\n');
    size_t cr = str_find_char(in, '\r');

    *bad = (lf < in.n && (lf == 0 || in.p[lf - 1] != '\r')) ||
           (cr + 1 < in.n && in.p[cr + 1] != '\n');
    return lf < in.n ? lf + 1 : 0;
}

static enum stream_result skip_rest(struct stream *s)
{
    while (s->skip_line) {
        struct str in;
        enum stream_result r = stream_peek(s, &in);
        size_t lf;

        if (r != STREAM_OK)
            return r;
        lf = str_find_char(in, '\n');
        s->skip_line = lf == in.n;
        stream_consume(s, lf < in.n ? lf + 1 : in.n);
    }
    return STREAM_OK;
}

enum stream_result stream_read_line(struct stream *s, size_t max,
                                    struct str *line)
{
    enum stream_result r = skip_rest(s);

    while (r == STREAM_OK) {
        struct str in = buffered(s);
        bool bad;
        size_t n = line_length(in, &bad);

        if (bad && (n == 0 || n <= max + 2))
            return STREAM_BAD_LINE;
        if (n > max + 2 || (n == 0 && in.n > max + 1)) {
            s->skip_line = n == 0;
            stream_consume(s, n == 0 ? in.n : n);
            return STREAM_TOO_LONG;
        }
        if (n > 0) {
            *line = str_first(in, n - 2);
            stream_consume(s, n);
            return STREAM_OK;
        }
        r = fill(s);
    }
    return r;
}

/* As fill, but what is not here yet is STREAM_TIMEOUT. */
static enum stream_result fill_now(struct stream *s)
{
    int64_t deadline = s->deadline_mono_ms;
    enum stream_result r;

    s->deadline_mono_ms = 0;
    r = fill(s);
    s->deadline_mono_ms = deadline;
    return r;
}

enum stream_result stream_peek_now(struct stream *s, struct str *block)
{
    enum stream_result r = STREAM_OK;

    *block = buffered(s);
    if (block->n == 0)
        r = fill_now(s);
    if (r == STREAM_OK)
        *block = buffered(s);
    return r;
}

/* The rest of a line that was too long, as far as it is here. */
static bool skip_now(struct stream *s)
{
    struct str in = buffered(s);
    size_t lf = str_find_char(in, '\n');

    if (s->skip_line) {
        s->skip_line = lf == in.n;
        stream_consume(s, lf < in.n ? lf + 1 : in.n);
    }
    return !s->skip_line;
}

bool stream_line_ready(struct stream *s, size_t max)
{
    for (;;) {
        struct str in;
        bool bad;

        if (skip_now(s)) {
            in = buffered(s);
            if (line_length(in, &bad) > 0 || bad || in.n > max + 1)
                return true;
        }
        if (fill_now(s) == STREAM_TIMEOUT)
            return false;
        if (s->broken || s->closed)
            return true;
    }
}

bool stream_has_input(const struct stream *s)
{
    return s->in.n > s->used || (s->ssl != NULL && SSL_pending(s->ssl) > 0);
}

bool stream_wait_input(struct stream *s, int64_t each_wait_ms)
{
    struct pollfd p = { s->fd, POLLIN, 0 };

    if (stream_has_input(s) || s->broken || s->closed)
        return true;
    return poll(&p, 1, wait_ms(s, each_wait_ms)) != 0;
}

static enum stream_result tls_write(struct stream *s, const char *p, size_t n)
{
    while (n > 0) {
        size_t wrote = 0;
        int result;

        ERR_clear_error();
        errno = 0;
        result = SSL_write_ex(s->ssl, p, n, &wrote);
        if (result != 1) {
            enum stream_result r = tls_wait(s, result, "write");

            if (r != STREAM_OK)
                return r;
        }
        p += wrote;
        n -= wrote;
    }
    return STREAM_OK;
}

static enum stream_result plain_write(struct stream *s, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t wrote = send(s->fd, p, n, MSG_NOSIGNAL);

        if (wrote >= 0) {
            p += wrote;
            n -= (size_t)wrote;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            enum stream_result r = wait_for(s, POLLOUT);

            if (r != STREAM_OK)
                return r;
        } else if (errno != EINTR) {
            set_fault(s, "%s", strerror(errno));
            return STREAM_BROKEN;
        }
    }
    return STREAM_OK;
}

enum stream_result stream_flush(struct stream *s)
{
    enum stream_result r;

    if (s->broken)
        return STREAM_BROKEN;
    if (s->out.n == 0)
        return STREAM_OK;
    r = s->ssl != NULL ? tls_write(s, s->out.p, s->out.n)
                       : plain_write(s, s->out.p, s->out.n);
    buf_clear(&s->out);
    return r;
}

enum stream_result stream_write(struct stream *s, struct str bytes)
{
    buf_add(&s->out, bytes);
    return s->out.n >= WRITE_BYTES ? stream_flush(s) : STREAM_OK;
}

enum stream_result stream_writef(struct stream *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vaddf(&s->out, format, args);
    va_end(args);
    return s->out.n >= WRITE_BYTES ? stream_flush(s) : STREAM_OK;
}

/* Nothing read in clear may be taken for something read inside TLS. */
static void drop_input(struct stream *s)
{
    buf_wipe(&s->in);
    s->used = 0;
    s->skip_line = false;
}

/* A peer that holds back small packets sends nothing after its Finished until
 * we acknowledge it, and with no ticket to send we would do that 40 ms late. */
static void acknowledge_now(struct stream *s)
{
    int one = 1;

    setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

static enum stream_result handshake_part(struct stream *s)
{
    for (;;) {
        enum stream_result r;
        int result;

        ERR_clear_error();
        errno = 0;
        result = SSL_do_handshake(s->ssl);
        if (result == 1) {
            acknowledge_now(s);
            return STREAM_OK;
        }
        r = tls_wait(s, result, "handshake");
        if (r == STREAM_CLOSED) {
            set_fault(s, "TLS handshake: connection closed");
            return STREAM_BROKEN;
        }
        if (r != STREAM_OK)
            return r;
    }
}

static enum stream_result handshake(struct stream *s)
{
    enum stream_result r = handshake_part(s);

    if (r == STREAM_TIMEOUT)
        set_fault(s, "TLS handshake: timeout");
    return r;
}

static enum stream_result attach(struct stream *s, SSL *ssl)
{
    enum stream_result r = stream_flush(s);

    drop_input(s);
    if (ssl == NULL || s->ssl != NULL || SSL_set_fd(ssl, s->fd) != 1) {
        SSL_free(ssl);
        set_fault(s, "TLS cannot be started");
        return STREAM_BROKEN;
    }
    s->ssl = ssl;
    if (r != STREAM_OK && !s->broken)
        set_fault(s, "TLS handshake: timeout");
    return r == STREAM_OK ? STREAM_OK : STREAM_BROKEN;
}

static enum stream_result start_tls(struct stream *s, SSL *ssl)
{
    enum stream_result r = attach(s, ssl);

    return r == STREAM_OK ? handshake(s) : r;
}

enum stream_result stream_begin_tls_server(struct stream *s,
                                           struct tls_server *server)
{
    return attach(s, tls_server_session(server));
}

enum stream_result stream_continue_tls(struct stream *s)
{
    int64_t deadline = s->deadline_mono_ms;
    enum stream_result r;

    if (s->broken || s->ssl == NULL)
        return STREAM_BROKEN;
    s->deadline_mono_ms = 0;
    r = handshake_part(s);
    s->deadline_mono_ms = deadline;
    return r;
}

enum stream_result stream_start_tls_server(struct stream *s,
                                           struct tls_server *server)
{
    return start_tls(s, tls_server_session(server));
}

enum stream_result stream_start_tls_client(struct stream *s,
                                           struct tls_client *client,
                                           const char *server_name)
{
    return start_tls(s, tls_client_session(client, server_name));
}

bool stream_is_tls(const struct stream *s)
{
    return s->ssl != NULL;
}

void stream_shutdown(struct stream *s)
{
    if (s->ssl != NULL && !s->broken && SSL_is_init_finished(s->ssl)) {
        ERR_clear_error();
        SSL_shutdown(s->ssl);
        ERR_clear_error();
    }
    shutdown(s->fd, SHUT_WR);
}

void stream_park(struct stream *s)
{
    if (s->in.n == s->used) {
        buf_wipe(&s->in);
        s->used = 0;
    }
    if (s->out.n == 0)
        buf_wipe(&s->out);
}

int stream_fd(const struct stream *s)
{
    return s->fd;
}

const char *stream_peer(const struct stream *s)
{
    return s->peer;
}

uint16_t stream_peer_port(const struct stream *s)
{
    return s->port;
}

const char *stream_fault(const struct stream *s)
{
    return s->fault;
}

struct ssl_st *stream_ssl(struct stream *s)
{
    return s->ssl;
}
